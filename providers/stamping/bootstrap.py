"""A bootstrap from its plan to its rows: what stands against it, and stamping what is in scope. No pulumi."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from providers.api.transport.errors import ApiError, NotFound
from providers.catalogue.durations import seconds
from providers.instances.references import resolve
from providers.protocol.base import Call, Problem, ResourceError
from providers.protocol.findings import OVERWRITES
from providers.stamping.model import BootstrapInputs, BootstrapOutputs, BootstrapPrivate
from providers.stamping.plan import Pending, PlannedBootstrap, entity_sets, overwritten
from providers.stamping.run import WORKERS, Counts, RunSettings, simulate, stamp_tables
from providers.stamping.tables import Scope, find_scope, known_units

if TYPE_CHECKING:
    from providers.api.dataverse.client import Dataverse
    from providers.api.power_platform.models import Environment

NOT_LINKED = "Add the company to the link first, and check company, business units and tables in the stack file."


def problems(inputs: BootstrapInputs, call: Call, *, rows: bool) -> Iterable[Problem]:
    """Business units that are not there; what the link, F&O and the rows say against it. Silent where none answers.

    `rows`: whether the volume is checked too, which only a creation needs.
    """
    private = BootstrapPrivate.of(call.private)
    session = call.session(inputs.cloud, gateway=private.gateway)
    try:
        dataverse = session.dataverse(_url(resolve(session.power_platform.environments(), inputs.cds)))
        # Linking creates a business unit for each company (semantics 5.1).
        units, wrong = known_units(
            inputs.business_units,
            dataverse.business_units() if inputs.business_units else [],
            coming=inputs.company,
        )
        planned = PlannedBootstrap(session, inputs.cds, inputs.company, _pending(private))
        if private.linked_companies is not None:
            wrong = _scope(dataverse, inputs).problems
        else:
            wrong += [*planned.company_problems(), *planned.table_problems(dataverse, inputs.tables)]
        if wrong:
            return wrong
        if inputs.overwrite and not private.updating:
            _tell_overwritten(dataverse, inputs, units, call)
        if rows and bool(units) == bool(inputs.business_units):
            return list(planned.row_problems(dataverse, inputs.tables, units, overwrite=inputs.overwrite))
    except ApiError:
        return ()
    return ()


def bootstrapped(environment: Environment, inputs: BootstrapInputs, call: Call) -> BootstrapOutputs:
    """Stamp all rows in scope, or count them when simulated."""
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


def _tell_overwritten(dataverse: Dataverse, inputs: BootstrapInputs, units: Sequence[str], call: Call) -> None:
    """Which rows lose the company that they carry: it cannot be undone."""
    lost = overwritten(dataverse, inputs.company, inputs.tables, units)
    if lost:
        would = "would get" if inputs.simulate else "get"
        call.announce(f"rows that carry another company {would} {inputs.company}: {', '.join(lost)}", OVERWRITES)


def _scope(dataverse: Dataverse, inputs: BootstrapInputs) -> Scope:
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


def _url(environment: Environment) -> str:
    if not environment.url:
        raise NotFound(f"the environment '{environment.display_name}' has no Dataverse")
    return environment.url


def _listed_rows(counts: Counts) -> str:
    return ", ".join(f"{rows:,} {table}" for table, rows in counts.rows.items())


def _pending(private: BootstrapPrivate) -> Pending:
    return Pending(private.finops, private.companies or (), private.initial_syncs or {})
