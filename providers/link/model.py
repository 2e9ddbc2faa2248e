"""What a stack declares about a link, and what the service holds of it: the models of `DualWriteConnection`."""

from typing import TYPE_CHECKING, Annotated, Literal, NotRequired

import pulumi
from pydantic import Field

from providers.catalogue.companies import AsLinked
from providers.catalogue.durations import TimeLimit
from providers.catalogue.limits import LIVE_COMPANIES_LIMIT
from providers.instances.on_cds import OfLinkArguments, OfLinkInputs, OnCdsOutputs
from providers.protocol.base import PrivateInputs
from providers.protocol.marks import AsksOnce, CaseBlind, Checked, NeedsConsent, NotCompared, Unordered

if TYPE_CHECKING:
    from providers.api.dual_write.models import ConnectionSet, LinkedEnvironment
    from providers.link.pair import Pair


CompanyChange = Literal["manual", "reset"]
DeclaredCompanies = Annotated[
    AsLinked | Annotated[list[str], Field(min_length=1)],
    Unordered(),
    CaseBlind(),
    NeedsConsent("reset-link", when="`company_change` is reset and maps have run"),
]


class ConnectionInputs(OfLinkInputs):
    """The pair, the whole list of linked companies (or `as-linked`), the map solutions in order of application.

    `own_solutions`: map solutions of the user's own, each with a minimum version. `reset`: another text than the last
    resets the link, which also links the pair anew (dual-write-semantics.md 9); at the creation it asks for nothing.
    """

    companies: Annotated[
        DeclaredCompanies,
        Checked(
            file="none; the same one twice; more than live sync takes; one that a new F&O will not have",
            preview="one that F&O lacks; what its change loses, or a person has to do; more than live sync takes",
            doing="one that F&O lacks, where F&O is made in the same run",
        ),
    ]
    solutions: Annotated[list[str], Checked(doing="one that its package did not bring")] = Field([])
    own_solutions: Annotated[
        dict[str, str],
        Checked(
            file="no version",
            preview="older than its minimum, where the link is there",
            doing="not there within the time limit; older, where the link is made in the same run",
        ),
    ] = Field({})
    company_change: Annotated[CompanyChange, NotCompared(), Checked(preview="a reset without consent")] = "manual"
    reset: Annotated[
        str | None,
        AsksOnce(),
        NeedsConsent("reset-link", when="it is another text and maps have run"),
        Checked(preview="without consent"),
    ] = None
    live_companies_limit: Annotated[
        int,
        Field(ge=1),
        NotCompared(),
        Checked(preview="less than the link has", doing="more than Microsoft agreed to"),
    ] = LIVE_COMPANIES_LIMIT
    timeout: TimeLimit = "30m"


class ConnectionPrivate(PrivateInputs):
    """What the rest of the stack says about it. `initialise`: maps whose version is declared, which needs a project.

    `created_companies`: legal entities that the stack itself creates in F&O. `maps`: the declared ones.
    """

    maps: list[str] = Field([])
    initialise: list[str] = Field([])
    created_companies: list[str] = Field([])


class ConnectionArguments(OfLinkArguments):
    """`ConnectionInputs` as a program gives them."""

    companies: pulumi.Input[str | list[str]]
    solutions: NotRequired[pulumi.Input[list[str]] | None]
    own_solutions: NotRequired[pulumi.Input[dict[str, str]] | None]
    created_companies: NotRequired[pulumi.Input[list[str]] | None]
    company_change: NotRequired[pulumi.Input[str] | None]
    reset: NotRequired[pulumi.Input[str] | None]
    initialise: NotRequired[pulumi.Input[list[str]] | None]
    maps: NotRequired[pulumi.Input[list[str]] | None]
    live_companies_limit: NotRequired[pulumi.Input[int] | None]


class ConnectionOutputs(OnCdsOutputs):
    """What the service holds. `health` and `not_checked` say what the health check saw at the last `up`.

    `applied_versions`: version of each of the user's own solutions when it was applied last. `applied_solutions`: those
    of all solutions of which the link had maps at the last `up`, None in the state of older code; `applied_maps`: the
    declared maps that it had. `drifted_companies`: the declared ones, where a refresh found others. `running_before`:
    maps that ran already when this resource was created, before this stack did anything.
    """

    finops: str | None = None
    gateway: str | None = None
    companies: AsLinked | list[str]
    solutions: list[str] = Field([])
    own_solutions: dict[str, str] = Field({})
    applied_versions: dict[str, str] = Field({})
    reset: str | None = None
    applied_solutions: list[str] | None = None
    applied_maps: list[str] = Field([])
    drifted_companies: list[str] = Field([])
    timeout: str = "30m"
    environment_id: str
    connection_id: str
    connection_name: str
    finops_url: str
    linked_companies: list[str]
    running_before: list[str] = Field([])
    health: list[str] = Field([])
    not_checked: list[str] = Field([])


def from_link(
    known: ConnectionInputs | ConnectionOutputs, pair: "Pair", link: "LinkedEnvironment", details: "ConnectionSet"
) -> ConnectionOutputs:
    """The link as the service reports it; companies in upper case, in one order. `as-linked` stays what it says."""
    linked = sorted({company.upper() for company in details.companies})
    return ConnectionOutputs.model_validate(
        {
            **known.model_dump(mode="json", exclude_none=True),
            "companies": known.companies if isinstance(known.companies, str) else linked,
            "linked_companies": linked,
            "environment_id": pair.environment_id,
            "connection_id": link.cid,
            "connection_name": link.cname,
            "finops_url": f"https://{pair.finops_host}",
            "cds_url": f"https://{pair.cds_host}",
        }
    )


def too_many(count: int, limit: int) -> str | None:
    """Against more companies than live sync takes (dual-write-semantics.md 10)."""
    if count <= limit:
        return None
    return (
        f"{count} companies, but a link syncs at most {limit} live; link fewer, or raise `liveCompanies` under "
        "`dualwrite:limits` where Microsoft agreed to more"
    )
