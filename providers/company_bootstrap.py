"""`CompanyBootstrap`: an F&O company on the CDS rows that have none, so that they can take part in dual-write.

API: Dataverse Web API, `$batch` (dual-write-semantics.md 5.1, 6, 12.2). Natural key: the connection and the company.
Replaces: CDS environment, company. One-off, no watch: unchanged inputs do nothing, a refresh counts nothing, deletion
leaves the rows as they are. Writes the company column alone, and only on rows in scope that have no company (or
another one, with `overwrite`). A business unit means its own rows, not those of units below it; tables without one
are stamped whole. Takes minutes for ten thousand rows, longer when maps are live (assumed).
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Literal, NotRequired, Unpack

import pulumi
from pydantic import AfterValidator, Field, StringConstraints

from providers.api.transport.errors import ApiError, NotFound
from providers.catalogue.bootstrap_tables import DEFAULT_TABLES
from providers.catalogue.companies import company_code
from providers.catalogue.durations import TimeLimit, seconds
from providers.instances.identifiers import on_environment
from providers.instances.on_cds import OnCds, OnCdsArguments, OnCdsInputs, OnCdsOutputs
from providers.instances.references import resolve
from providers.protocol.addresses import short_name
from providers.protocol.base import Call, ManagedResource, PrivateInputs, Problem, ResourceError
from providers.protocol.findings import OVERWRITES
from providers.protocol.marks import CaseBlind, Checked, NotCompared, RefusedOnce, Replaces, Unordered
from providers.protocol.problems import Fixed
from providers.stamping.plan import Pending, PlannedBootstrap, entity_sets, overwritten
from providers.stamping.run import WORKERS, Counts, RunSettings, simulate, stamp_tables
from providers.stamping.tables import Scope, find_scope, known_units

if TYPE_CHECKING:
    from providers.api.dataverse.client import Dataverse
    from providers.api.power_platform.models import Environment

NOT_LINKED = "Add the company to the link first, and check company, business units and tables in the stack file."


class BootstrapInputs(OnCdsInputs):
    """Which company goes on which rows. Without `business_units`, rows of all of them."""

    company: Annotated[
        str,
        StringConstraints(strip_whitespace=True),
        AfterValidator(company_code),
        Replaces(),
        CaseBlind(),
        Checked(
            file="not in the list of the link; two entries",
            preview="not linked; not in F&O, before there is a link",
            doing="not enabled for dual-write, on a link of this run",
        ),
    ]
    business_units: Annotated[
        list[str],
        Unordered(),
        CaseBlind(),
        Checked(file="one under two companies", preview="not there; known are named"),
    ] = Field([])
    tables: Annotated[
        list[str],
        Field(min_length=1),
        Checked(
            file="none; the same one twice; one of two companies",
            preview="a logical name, or another spelling; not there or without a company, on a link; too many rows",
            doing="not there or without a company, where the packages come in the same run",
        ),
    ] = Field(default_factory=lambda: list(DEFAULT_TABLES))
    overwrite: Annotated[bool, Checked(preview="the rows that lose their company, counted by company")] = False
    order: Annotated[
        Literal["live", "before-live-sync"],
        NotCompared(),
        RefusedOnce("rows are stamped"),
        Checked(file="a change once rows are stamped", preview="more rows than the initial sync after it takes"),
    ] = "live"
    max_failures: Annotated[int, Field(ge=0), NotCompared(), Checked(doing="that more rows cannot be stamped")] = 100
    simulate: Annotated[bool, Checked()] = False
    timeout: TimeLimit = "6h"


class BootstrapPrivate(PrivateInputs):
    """What the rest of the stack says about it: see `Pending`.

    `linked_companies`: those of a connection that does not change in this `up`; None while they are not known.
    """

    linked_companies: list[str] | None = None
    finops: str | None = None
    gateway: str | None = None
    companies: list[str] | str | None = None
    initial_syncs: dict[str, int] | None = None

    @property
    def pending(self) -> Pending:
        """What a bootstrap that is only planned has to know of it."""
        return Pending(self.finops, self.companies or (), self.initial_syncs or {})


class BootstrapArguments(OnCdsArguments):
    """`BootstrapInputs` and `BootstrapPrivate` as a program gives them."""

    company: pulumi.Input[str]
    business_units: NotRequired[pulumi.Input[list[str]] | None]
    tables: NotRequired[pulumi.Input[list[str]] | None]
    overwrite: NotRequired[pulumi.Input[bool] | None]
    order: NotRequired[pulumi.Input[str] | None]
    max_failures: NotRequired[pulumi.Input[int] | None]
    simulate: NotRequired[pulumi.Input[bool] | None]
    linked_companies: NotRequired[pulumi.Input[list[str]] | None]
    finops: NotRequired[pulumi.Input[str] | None]
    gateway: NotRequired[pulumi.Input[str] | None]
    companies: NotRequired[pulumi.Input[list[str] | str] | None]
    initial_syncs: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[int]]] | None]


class BootstrapOutputs(OnCdsOutputs):
    """How it ended. `rows`: per table, those in scope that carried the company then, or would when simulated.

    `unstamped`: per table, those in scope that lacked it; `complete`: nothing is left to do, or it was simulated.
    """

    company: str
    business_units: list[str] = Field([])
    tables: list[str] = Field([])
    overwrite: bool = False
    order: str = "live"
    max_failures: int = 100
    simulate: bool = False
    timeout: str = "6h"
    environment_id: str = ""
    rows: dict[str, int] = Field({})
    unstamped: dict[str, int] = Field({})
    complete: bool = False


class CompanyBootstrapProvider(OnCds[BootstrapInputs, BootstrapOutputs]):
    """Stamp what lacks the company; running it again stamps only what lacks it still."""

    resource = "CompanyBootstrap"
    inputs = BootstrapInputs
    outputs = BootstrapOutputs
    private_inputs = BootstrapPrivate

    def name_of(self, values: BootstrapInputs | BootstrapOutputs) -> str:
        """Company and CDS environment as the stack calls it."""
        return f"{values.company} on {short_name(values.cds)}"

    def normalise(self, inputs: BootstrapInputs) -> BootstrapInputs:
        """Business units once each, in one stable order; tables stay in theirs."""
        named = {name.strip().casefold(): name.strip() for name in reversed(inputs.business_units)}
        return inputs.model_copy(update={"business_units": [named[key] for key in sorted(named)]})

    def problems(self, inputs: BootstrapInputs, old: BootstrapInputs | None) -> Iterable[Problem]:
        """A table that is named twice, and another order of a bootstrap that has stamped its rows."""
        if old and not old.simulate and old.order != inputs.order:
            text = f"cannot change from {old.order!r} to {inputs.order!r}: the rows are stamped, and an order says when"
            yield Fixed("order", f"{text}; put the old value back")
        for place, table in enumerate(inputs.tables):
            if table in inputs.tables[:place]:
                yield Problem(f"tables[{place}]", f"'{table}' is named twice")

    def live_problems(self, inputs: BootstrapInputs, call: Call) -> Iterable[Problem]:
        """Business units that are not there; what the link, F&O and the rows say against company, tables and volume.

        Only what can be read now: environment, link and packages may be made later in the same `up`.
        """
        return self._problems(inputs, call, rows=True)

    def live_change_problems(self, inputs: BootstrapInputs, old: BootstrapInputs, call: Call) -> Iterable[Problem]:
        """The same as before a creation, but for the volume: the maps have had their initial sync."""
        return self._problems(inputs, call, rows=False)

    def _problems(self, inputs: BootstrapInputs, call: Call, *, rows: bool) -> Iterable[Problem]:
        private = BootstrapPrivate.of(call.private)
        session = call.session(inputs.cloud, gateway=private.gateway)
        try:
            dataverse = session.dataverse(_url(resolve(session.power_platform.environments(), inputs.cds)))
            # Linking creates a business unit for each company (semantics 5.1).
            units, problems = known_units(
                inputs.business_units,
                dataverse.business_units() if inputs.business_units else [],
                coming=inputs.company,
            )
            planned = PlannedBootstrap(session, inputs.cds, inputs.company, private.pending)
            if private.linked_companies is not None:
                problems = _scope(dataverse, inputs).problems
            else:
                problems += [*planned.company_problems(), *planned.table_problems(dataverse, inputs.tables)]
            if problems:
                return problems
            if inputs.overwrite and not private.updating:
                _tell_overwritten(dataverse, inputs, units, call)
            if rows and bool(units) == bool(inputs.business_units):
                return list(planned.row_problems(dataverse, inputs.tables, units, overwrite=inputs.overwrite))
        except ApiError:
            return ()
        return ()

    def on_create(self, inputs: BootstrapInputs, call: Call) -> tuple[str, BootstrapOutputs]:
        """Stamp all rows in scope."""
        session = call.session(inputs.cloud)
        environment = resolve(session.power_platform.environments(fresh=True), inputs.cds)
        return on_environment(environment.id, inputs.company), _bootstrapped(environment, inputs, call)

    def on_read(self, identifier: str, stored: BootstrapOutputs, call: Call) -> BootstrapOutputs | None:
        """What was counted when it ended; gone with its environment."""
        service = call.session(stored.cloud).power_platform
        listed = next((each for each in service.environments() if each.id == stored.environment_id), None)
        try:
            environment = listed or service.environment(stored.environment_id)
        except NotFound:
            return None
        return stored.model_copy(update={"cds_url": environment.url or stored.cds_url})

    def on_update(
        self, identifier: str, stored: BootstrapOutputs, inputs: BootstrapInputs, call: Call
    ) -> BootstrapOutputs:
        """Stamp the rows in the new scope; rows that left it keep their company."""
        environment = call.session(inputs.cloud).power_platform.environment(stored.environment_id)
        return _bootstrapped(environment, inputs, call)

    def on_delete(self, identifier: str, stored: BootstrapOutputs, call: Call) -> None:
        """Say that the rows keep their company."""
        call.announce(f"rows keep their company {stored.company}: a bootstrap is not taken back")


class CompanyBootstrap(ManagedResource, module="dualwrite", name="CompanyBootstrap"):
    """A company stamped on the CDS rows that have none."""

    cloud: pulumi.Output[str]
    cds: pulumi.Output[str]
    company: pulumi.Output[str]
    tables: pulumi.Output[list[str]]
    rows: pulumi.Output[dict[str, int]]
    unstamped: pulumi.Output[dict[str, int]]
    complete: pulumi.Output[bool]

    def __init__(
        self, resource_name: str, *, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[BootstrapArguments]
    ) -> None:
        super().__init__(CompanyBootstrapProvider(), resource_name, inputs, opts)


def _bootstrapped(environment: "Environment", inputs: BootstrapInputs, call: Call) -> BootstrapOutputs:
    session = call.session(inputs.cloud)
    dataverse = session.dataverse(_url(environment))
    scope = _scope(dataverse, inputs)
    if scope.problems:
        raise ResourceError("; ".join(problem.text for problem in scope.problems), next_step=NOT_LINKED)
    if inputs.simulate:
        counts = simulate(dataverse, scope.tables, call)
        call.announce(f"simulated, nothing is written; {inputs.company} would go on {_listed_rows(counts)}")
    else:
        settings = RunSettings(
            seconds=seconds(inputs.timeout),
            max_failures=inputs.max_failures,
            settle=session.profile.polls.lost_answer,
        )
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="bootstrap") as executor:
            counts = stamp_tables(dataverse, scope.tables, settings, call, executor)
        call.announce(f"rows that carry {inputs.company}: {_listed_rows(counts)}")
    return BootstrapOutputs.model_validate(
        {
            **inputs.model_dump(mode="json"),
            "environment_id": environment.id,
            "cds_url": environment.url,
            "rows": counts.rows,
            "unstamped": counts.unstamped,
            "complete": True,
        }
    )


def _tell_overwritten(dataverse: "Dataverse", inputs: BootstrapInputs, units: Sequence[str], call: Call) -> None:
    """Which rows lose the company that they carry: it cannot be undone."""
    lost = overwritten(dataverse, inputs.company, inputs.tables, units)
    if lost:
        would = "would get" if inputs.simulate else "get"
        call.announce(f"rows that carry another company {would} {inputs.company}: {', '.join(lost)}", OVERWRITES)


def _scope(dataverse: "Dataverse", inputs: BootstrapInputs) -> Scope:
    definitions = dataverse.table_definitions(inputs.tables)
    meant = entity_sets(dataverse, inputs.tables, definitions)
    unknown = [name for name in inputs.tables if name not in definitions and name not in meant]
    return find_scope(
        company=inputs.company,
        business_units=inputs.business_units,
        tables=inputs.tables,
        overwrite=inputs.overwrite,
        companies=dataverse.companies(),
        units=dataverse.business_units() if inputs.business_units else [],
        definitions=definitions,
        meant=meant,
        sets=dataverse.entity_set_names() if unknown else (),
    )


def _url(environment: "Environment") -> str:
    if not environment.url:
        raise NotFound(f"the environment '{environment.display_name}' has no Dataverse")
    return environment.url


def _listed_rows(counts: Counts) -> str:
    return ", ".join(f"{rows:,} {table}" for table, rows in counts.rows.items())
