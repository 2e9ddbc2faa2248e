"""A CDS instance as a stack declares it and as the service holds it, and which inputs fit which kind of instance.

The resource is `cds_instance`.
"""

from typing import TYPE_CHECKING, Annotated, Literal, NotRequired

import pulumi
from pydantic import Field

from providers.catalogue.durations import TimeLimit
from providers.protocol.addresses import same_host
from providers.protocol.consent import Consent
from providers.protocol.marks import (
    Address,
    AtCreation,
    BelongsTo,
    CaseBlind,
    Checked,
    NeedsConsent,
    Recorded,
    Refused,
    Replaces,
)
from providers.protocol.models import CloudArguments, CloudInputs, CloudOutputs

if TYPE_CHECKING:
    from providers.api.dataverse.models import Organization, Solution
    from providers.api.power_platform.models import Environment
    from providers.api.session import Session

# The seed's undefined "CRM prime" solution: one named marker stands for it (assumed).
PRIME_SOLUTION = "CRMPrime"
# What an existing instance is found by: scheme and host, nothing behind them.
InstanceUrl = Annotated[str | None, Field(pattern=r"^https://[^/\s]+/?$"), Replaces(), Address()]
_PERMANENT = "it is fixed when the environment is created; a new `domain` makes another environment"
_NEEDED = BelongsTo("new", required=True)
_OF_EARLIER_RUN = "another one in an environment that a killed run made"
_UNUSABLE = "not there, without Dataverse, not ready, too old, closed to the program, or linked elsewhere"


class CdsInputs(CloudInputs):
    """A CDS instance in the words of the admin center. New: name to language. Existing: its URL or environment id.

    `finops`: the address of the F&O that an existing one is, or shall be, linked with; None: F&O is installed on it.
    """

    instance: Annotated[
        Literal["new", "existing"],
        Checked(
            file="inputs of the other kind", preview="an instance that another stack made, or that is not this stack's"
        ),
    ] = "new"
    name: Annotated[
        str | None,
        Field(min_length=1, max_length=100),
        _NEEDED,
        Checked(
            file="missing for a new one; too long for F&O",
            preview="taken by another environment, where F&O is installed (by `FinOpsInstance` before the creation)",
        ),
    ] = None
    domain: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$", min_length=2, max_length=32),
        Replaces(),
        CaseBlind(),
        NeedsConsent("replace-environment"),
        _NEEDED,
        Checked(
            file="missing for a new one; too long for F&O",
            preview="taken, reserved, or somebody else's; a change without consent; no free capacity",
        ),
    ] = None
    type: Annotated[
        Literal["sandbox", "production"] | None,
        BelongsTo("new"),
        Checked(
            preview="not offered there; what production loses when it becomes a sandbox",
            doing="a change that the service refuses",
        ),
    ] = None
    location: Annotated[
        str | None,
        Refused(_PERMANENT),
        _NEEDED,
        Checked(
            file="missing for a new one; another geography than that of F&O",
            preview="unknown, disabled, or without Dynamics 365 apps",
            doing="another place than asked for",
        ),
    ] = None
    currency: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z]{3}$"),
        CaseBlind(),
        Refused(_PERMANENT),
        _NEEDED,
        Checked(file="missing for a new one", preview="not offered there", doing=_OF_EARLIER_RUN),
    ] = None
    language: Annotated[
        int | None,
        Refused(_PERMANENT),
        _NEEDED,
        Checked(file="missing for a new one; no locale id", preview="not offered there", doing=_OF_EARLIER_RUN),
    ] = None
    url: Annotated[
        InstanceUrl,
        BelongsTo("existing"),
        Checked(file="no CDS instance of the cloud; the address of a Web API", preview=_UNUSABLE),
    ] = None
    environment_id: Annotated[
        str | None,
        Field(min_length=1),
        Replaces(),
        CaseBlind(),
        BelongsTo("existing"),
        Checked(file="no id; a `url` beside it", preview=_UNUSABLE),
    ] = None
    finops: Annotated[
        str | None, AtCreation(), Checked(preview="another partner; a link that the two sides tell apart")
    ] = None
    confirm: Annotated[
        tuple[Consent, ...], Recorded(), Checked(file="an unknown action", preview="an entry that serves nothing")
    ] = ()
    timeout: TimeLimit = "2h"

    @property
    def reference(self) -> str:
        """How the stack calls the environment: its domain, or the URL or id of an existing one."""
        return self.domain or self.url or self.environment_id or ""


class CdsArguments(CloudArguments):
    """`CdsInputs` as a program gives them."""

    instance: NotRequired[pulumi.Input[str] | None]
    name: NotRequired[pulumi.Input[str] | None]
    domain: NotRequired[pulumi.Input[str] | None]
    type: NotRequired[pulumi.Input[str] | None]
    location: NotRequired[pulumi.Input[str] | None]
    currency: NotRequired[pulumi.Input[str] | None]
    language: NotRequired[pulumi.Input[int] | None]
    url: NotRequired[pulumi.Input[str] | None]
    environment_id: NotRequired[pulumi.Input[str] | None]
    finops: NotRequired[pulumi.Input[str] | None]
    confirm: NotRequired[pulumi.Input[list[dict[str, str]]] | None]
    timeout: NotRequired[pulumi.Input[str] | None]


class CdsOutputs(CloudOutputs):
    """What the service holds; `geography` is where it is by the service, `prime_solution` the marker's version.

    `reference` is the word by which an existing one was found: its URL or environment id.
    """

    instance: str = "new"
    name: str
    domain: str
    type: str
    location: str
    currency: str
    language: int
    finops: str | None = None
    confirm: tuple[Consent, ...] = ()
    timeout: str = "2h"
    reference: str | None = None
    environment_id: str
    url: str
    api_url: str
    organization_id: str
    geography: str
    azure_region: str
    version: str
    prime_solution: str
    created_by_us: bool


def from_api(
    environment: "Environment", organization: "Organization", prime: "Solution | None", *, known: CdsInputs | CdsOutputs
) -> CdsOutputs:
    """What the service holds. The location keeps the stack's word for as long as the geography stays the same."""
    return CdsOutputs(
        cloud=known.cloud,
        instance=known.instance,
        name=environment.display_name,
        domain=environment.domain.lower(),
        type=environment.sku.lower(),
        location=_location(environment, known),
        currency=organization.currency or known.currency or "",
        language=_language(environment, organization, known),
        finops=known.finops,
        confirm=known.confirm,
        timeout=known.timeout,
        reference=known.reference if known.instance == "existing" else None,
        environment_id=environment.id,
        url=_address(environment, known),
        api_url=environment.api_url,
        organization_id=environment.organization_id or organization.id,
        geography=environment.location,
        azure_region=environment.azure_region,
        version=environment.version,
        prime_solution=prime.version if prime else "not present",
        created_by_us=known.instance == "new",
    )


def _language(environment: "Environment", organization: "Organization", known: CdsInputs | CdsOutputs) -> int:
    """The base language as either service tells it, else as it was asked for."""
    return environment.language or organization.language or known.language or 0


def _location(environment: "Environment", known: CdsInputs | CdsOutputs) -> str:
    """The stack's word for the location, or the service's when the environment has moved."""
    moved = isinstance(known, CdsOutputs) and known.geography != environment.location
    return environment.location if moved else known.location or environment.location


def _address(environment: "Environment", known: CdsInputs | CdsOutputs) -> str:
    """The address as the stack writes it while it names the same host."""
    return known.url if known.url and same_host(known.url, environment.url) else environment.url


def observed(environment: "Environment", session: "Session", known: CdsInputs | CdsOutputs) -> CdsOutputs:
    """What the service holds, with what Dataverse alone tells."""
    dataverse = session.dataverse(environment.url)
    prime = dataverse.solutions([PRIME_SOLUTION]).get(PRIME_SOLUTION)
    return from_api(environment, dataverse.organization(), prime, known=known)
