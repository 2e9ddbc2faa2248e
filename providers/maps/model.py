"""What a stack declares about the maps of a link, and what the service holds: the two models of `LiveSync`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, NotRequired

import pulumi
from pydantic import Field, ValidationInfo, field_validator

from providers.catalogue.companies import AsLinked
from providers.catalogue.durations import TimeLimit
from providers.catalogue.limits import COMPANIES_LIMIT, ROWS_LIMIT, SINGLE_THREADED_LIMIT
from providers.instances.on_cds import OfLinkArguments, OfLinkInputs, OnCdsOutputs
from providers.maps.plan import RunState, state_word
from providers.protocol.base import PrivateInputs
from providers.protocol.marks import AsksOnce, CaseBlind, Checked, NotCompared, Recorded, RefusedOnce, Unordered

if TYPE_CHECKING:
    from providers.api.dual_write.models import EntityMapStatus

Master = Literal["finops", "cds"]
CatchUp = Literal["replay", "keep-as-errors", "discard"]
Companies = list[str] | AsLinked
_LIMIT = Checked(preview="less than the pair has", doing="more than the service bears")


Counts = dict[str, dict[str, int]]


class Limits(NamedTuple):
    """Rows a company and run: of any map, and from Dataverse into a single-threaded table."""

    rows: int = ROWS_LIMIT
    single_threaded: int = SINGLE_THREADED_LIMIT


class LiveSyncInputs(OfLinkInputs):
    """Every map of the stack with its run state; what was added as a prerequisite and what was left out is shown.

    `integration_keys`: table set to columns. `initial_sync`: the side that wins a conflict for all maps, or by map for
    those that have one. `resync`: map to a text; another text than the last runs its initial sync once more.
    `catch_up`: map to what becomes of its queue when it is resumed; without an entry it is played back.
    `pinned`: maps whose version is declared, which `EntityMap` watches. `drifted`: no program gives it; a refresh puts
    there what is declared of the maps that people or alerts brought to another state. `reset`: another text asks for
    another reset of the link, after which everything is restored.
    Limits: companies, and rows a company; None = the documented one.
    """

    companies: Annotated[
        Companies,
        Unordered(),
        CaseBlind(),
        Checked(preview="more than an initial sync takes", doing="rows of a late one, which are not copied"),
    ] = Field([])
    reset: Annotated[str | None, AsksOnce(), Checked(preview="told by `DualWriteConnection`; too many rows")] = None
    maps: Annotated[
        dict[str, RunState],
        Checked(
            file="no standard map; one that needs another which is stopped or left out",
            preview="one that needs another which is paused",
            doing="one that the link does not have, or that the service refuses to start",
        ),
    ]
    prerequisites_added: Annotated[list[str], Unordered(), Checked()] = Field([])
    dropped: Annotated[list[str], Unordered(), Checked()] = Field([])
    integration_keys: Annotated[
        dict[str, Annotated[list[str], Field(min_length=1)]],
        Unordered(),
        Checked(
            file="a table that no chosen map has; no column",
            preview="a column that the table lacks; no company column, with several companies; a paused map",
            doing="no alternate key of these columns",
        ),
    ] = Field({})
    initial_sync: Annotated[
        Master | dict[str, Master],
        RefusedOnce("maps run"),
        Checked(
            file="a map that is not chosen; for maps that run",
            preview="too many rows, or companies",
            doing="rows that the other side refuses",
        ),
    ] = Field({})
    resync: Annotated[dict[str, str], Checked(file="a map without an initial sync", preview="too many rows")] = Field(
        {}
    )
    catch_up: Annotated[
        dict[str, CatchUp],
        NotCompared(),
        Checked(
            file="a map that is not chosen; a queue that would be thrown away without consent",
            preview="a dual-write core that is too old to skip the queue of a paused map",
        ),
    ] = Field({})
    pinned: Annotated[list[str], Unordered(), Recorded(), Checked()] = Field([])
    drifted: Annotated[dict[str, str], Checked()] = Field({})
    initial_sync_companies_limit: Annotated[int | None, NotCompared(), _LIMIT] = None
    initial_sync_rows_limit: Annotated[int | None, NotCompared(), _LIMIT] = None
    single_threaded_rows_limit: Annotated[int | None, NotCompared(), _LIMIT] = None
    timeout: TimeLimit = "2h"

    @property
    def listed_companies(self) -> list[str]:
        """The declared company codes; none when they are as linked."""
        return [] if isinstance(self.companies, str) else self.companies

    @property
    def companies_limit(self) -> int:
        """The most companies of a link whose maps have an initial sync."""
        return self.initial_sync_companies_limit or COMPANIES_LIMIT

    @property
    def limits(self) -> Limits:
        """The most rows of an initial sync."""
        return Limits(
            self.initial_sync_rows_limit or ROWS_LIMIT, self.single_threaded_rows_limit or SINGLE_THREADED_LIMIT
        )

    @property
    def masters(self) -> dict[str, Master]:
        """Map to the side that wins, for every map that has an initial sync."""
        sides = self.initial_sync
        return dict.fromkeys(self.maps, sides) if isinstance(sides, str) else sides

    @property
    def live_syncs(self) -> dict[str, Master]:
        """The initial syncs of maps that shall be live; one of a stopped map waits until it starts."""
        return {name: side for name, side in self.masters.items() if self.maps.get(name, "stopped") != "stopped"}


class LiveSyncPrivate(PrivateInputs):
    """What the rest of the stack says about it.

    `running_before`: what the connection saw running before the stack did anything; None where it does not say.
    `company_change`: how the connection brings other companies. `dropped_maps`: those that the stack left out, which
    are not started even when the service asks for them first. `packages`: those that this stack installs; None where it
    does not say.
    """

    running_before: list[str] | None = None
    company_change: str | None = None
    dropped_maps: list[str] = Field([])
    packages: list[str] | None = None


class LiveSyncArguments(OfLinkArguments):
    """`LiveSyncInputs` and `LiveSyncPrivate` as a program gives them. `dropped`: map to the reason."""

    maps: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    companies: NotRequired[pulumi.Input[list[str] | str] | None]
    reset: NotRequired[pulumi.Input[str] | None]
    prerequisites_added: NotRequired[pulumi.Input[list[str]] | None]
    dropped: NotRequired[Mapping[str, str] | None]
    integration_keys: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[list[str]]]] | None]
    initial_sync: NotRequired[pulumi.Input[str | Mapping[str, pulumi.Input[str]]] | None]
    catch_up: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]
    pinned: NotRequired[pulumi.Input[list[str]] | None]
    packages: NotRequired[pulumi.Input[list[str]] | None]
    resync: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]
    initial_sync_companies_limit: NotRequired[pulumi.Input[int] | None]
    initial_sync_rows_limit: NotRequired[pulumi.Input[int] | None]
    single_threaded_rows_limit: NotRequired[pulumi.Input[int] | None]
    running_before: NotRequired[pulumi.Input[list[str]] | None]
    company_change: NotRequired[pulumi.Input[str] | None]


class LiveSyncOutputs(OnCdsOutputs):
    """What the service holds.

    `started`: maps that run and did not run before this stack, which it stops when destroyed; `drifted` and
    `drifted_keys`: what is declared of every map and key that a refresh found otherwise; `versions`: map to the active
    version of maps whose version nobody pins; `undeclared`: other maps of the link at the last `up`; `synced`: map
    to the `resync` text its last initial sync served, `sync_runs`: map to the newest run that is known of,
    `sync_projects`: map to its project then; `initial_syncs`: map to company to `upserts` and `errors` (rows).
    """

    finops: str | None = None
    gateway: str | None = None
    companies: Companies = Field([])
    reset: str | None = None
    maps: dict[str, str] = Field({})
    prerequisites_added: list[str] = Field([])
    dropped: list[str] = Field([])
    integration_keys: dict[str, list[str]] = Field({})
    initial_sync: str | dict[str, str] = Field({})
    resync: dict[str, str] = Field({})
    pinned: list[str] = Field([])
    initial_sync_companies_limit: int | None = None
    initial_sync_rows_limit: int | None = None
    single_threaded_rows_limit: int | None = None
    timeout: str = "2h"
    environment_id: str = ""
    connection_id: str = ""
    connection_name: str = ""
    finops_host: str = ""
    started: list[str] = Field([])
    started_for_service: list[str] = Field([])
    not_installed: list[str] = Field([])
    drifted: dict[str, str] = Field({})
    drifted_keys: dict[str, list[str]] = Field({})
    versions: dict[str, str] | None = None
    undeclared: list[str] | None = None
    synced: dict[str, str] = Field({})
    sync_runs: dict[str, str] = Field({})
    sync_projects: dict[str, str] = Field({})
    initial_syncs: dict[str, Counts] = Field({})
    ready: bool = False

    @field_validator("versions")
    @classmethod
    def _of_unpinned(cls, versions: dict[str, str] | None, info: ValidationInfo) -> dict[str, str] | None:
        """A pin is recorded without a call, so what was seen of the map before it still stands beside it."""
        pinned = info.data.get("pinned", ())
        return versions and {name: version for name, version in versions.items() if name not in pinned}


def states_of(declared: Mapping[str, str], statuses: "Mapping[str, EntityMapStatus]") -> dict[str, str]:
    """The declared maps with the states they have; one that is not installed keeps its declared state."""
    return {name: state_word(statuses[name]) if name in statuses else state for name, state in declared.items()}


def canonical_inputs(inputs: LiveSyncInputs) -> LiveSyncInputs:
    """The same inputs in one stable order; an empty `resync` text asks for nothing."""
    listed = inputs.companies
    return inputs.model_copy(
        update={
            "maps": dict(sorted(inputs.maps.items())),
            "prerequisites_added": sorted(inputs.prerequisites_added),
            "dropped": sorted(inputs.dropped),
            "companies": listed if isinstance(listed, str) else sorted(company.upper() for company in listed),
            "integration_keys": dict(sorted(inputs.integration_keys.items())),
            "initial_sync": _shortest(inputs),
            "resync": {name: text for name, text in sorted(inputs.resync.items()) if text},
            "catch_up": {name: option for name, option in sorted(inputs.catch_up.items()) if option != "replay"},
            "pinned": sorted(inputs.pinned),
        }
    )


def _shortest(inputs: LiveSyncInputs) -> Master | dict[str, Master]:
    """One word where all maps have the same side, so that a preview does not list every map twice."""
    sides = set(inputs.masters.values())
    if len(sides) == 1 and inputs.masters.keys() == inputs.maps.keys():
        return sides.pop()
    return dict(sorted(inputs.masters.items()))
