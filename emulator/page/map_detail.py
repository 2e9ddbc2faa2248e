"""One map in full: its prerequisites and dependents, versions, keys, requests, initial syncs, queue and errors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.dual_write import connections, executions, maps, queue
from emulator.dual_write.connections import Connection
from emulator.dual_write.maps import TableMap
from emulator.dual_write.states import Action, RequestState
from emulator.page.conditions import Problem, problem
from emulator.page.map_offers import map_groups
from emulator.page.offers import Group
from emulator.page.table_maps import MapView
from emulator.tenant import Tenant

SHOWN = 5
_STATES = {
    RequestState.WAITING: "waiting",
    RequestState.COMPLETED: "completed",
    RequestState.FAILED: "failed",
}


@dataclass(frozen=True)
class PastRequest:
    """One request on the map."""

    action: str
    state: str
    created_on: str
    problem: Problem | None


@dataclass(frozen=True)
class Leg:
    """One direction of an initial sync: rows read on one side, and what became of them on the `target`."""

    target: str
    read: int
    inserted: int
    updated: int
    refused: int


@dataclass(frozen=True)
class CompanySync:
    """The newest initial sync of one company. `legs`: what went in each direction; `errors`: its first refusals."""

    company: str
    status: str
    begun: str
    legs: tuple[Leg, ...]
    errors: tuple[Problem, ...]


@dataclass(frozen=True)
class WaitingChange:
    """A queued change. `problem`: why the other side refused it; None while it waits."""

    row: str
    source: str
    problem: Problem | None


@dataclass(frozen=True)
class MapDetail:
    """One map in full. `keys`: of its project, or those that a start would take; `broken`: why every start fails."""

    view: MapView
    needs: tuple[MapView, ...]
    needed_by: tuple[MapView, ...]
    versions: tuple[str, ...]
    keys: tuple[str, ...]
    project: str | None
    broken: str | None
    requests: tuple[PastRequest, ...]
    syncs: tuple[CompanySync, ...]
    queue: tuple[WaitingChange, ...]
    groups: tuple[Group, ...]


def map_detail(tenant: Tenant, cid: str, map_id: str, views: Iterable[MapView]) -> MapDetail | None:
    """Return one map of a link, None when there is none. `views`: all maps of the link."""
    connection, table_map = connections.find(tenant, cid), maps.find(tenant, cid, map_id)
    by_id = {view.id: view for view in views}
    if connection is None or table_map is None or map_id not in by_id:
        return None
    return _detail(tenant, connection, table_map, by_id)


def _detail(tenant: Tenant, connection: Connection, table_map: TableMap, by_id: Mapping[str, MapView]) -> MapDetail:
    view = by_id[table_map.id]
    return MapDetail(
        view=view,
        needs=tuple(by_id[each] for each in view.needs),
        needed_by=tuple(one for one in by_id.values() if view.id in one.needs),
        versions=tuple(map(_version, table_map.templates)),
        keys=_keys(connection, table_map),
        project=table_map.project,
        broken=table_map.broken,
        requests=tuple(map(_request, table_map.requests[:SHOWN])),
        syncs=_syncs(tenant, table_map),
        queue=_queue(tenant, table_map),
        groups=map_groups(connection.dataverse_host, table_map),
    )


def _version(template: dict[str, Any]) -> str:
    number = template["version"]
    text = ".".join(str(number[part]) for part in ("major", "minor", "build", "revision"))
    return f"{text} by {template['author']}"


def _keys(connection: Connection, table_map: TableMap) -> tuple[str, ...]:
    found = connection.integration_keys.get(table_map.definition.dataverse_set, [])
    return tuple(found if table_map.keys is None else table_map.keys)


def _request(entry: dict[str, Any]) -> PastRequest:
    error = entry["errorMessage"]
    return PastRequest(
        Action(entry["action"]).name.lower(),
        _STATES[RequestState(entry["state"])],
        entry["createdOn"],
        problem(error) if error else None,
    )


def _syncs(tenant: Tenant, table_map: TableMap) -> tuple[CompanySync, ...]:
    newest: dict[str, dict[str, Any]] = {}
    for execution in executions.answer(tenant, table_map)["projectExecutionResponses"]:
        newest.setdefault(execution["legalEntityName"], execution)
    return tuple(_sync(company, execution) for company, execution in newest.items())


def _sync(company: str, execution: dict[str, Any]) -> CompanySync:
    legs = [leg for task in execution["taskExecutionStatuses"] for leg in task["legs"]]
    errors = [error["errorMessage"] for leg in legs for error in [*leg["exportErrors"], *leg["importErrors"]]]
    return CompanySync(
        company=company,
        status=execution["executionStatus"].lower(),
        begun=execution["submittedOn"],
        legs=tuple(map(_leg, legs)),
        errors=tuple(map(problem, dict.fromkeys(errors))),
    )


def _leg(leg: dict[str, Any]) -> Leg:
    return Leg(
        target="Dataverse" if leg["displayName"].endswith("Dataverse") else "F&O",
        read=leg["exportRecordCount"],
        inserted=leg["importRecordsInsertedCount"],
        updated=leg["importRecordsUpdatedCount"],
        refused=leg["importRecordsErrorCount"],
    )


def _queue(tenant: Tenant, table_map: TableMap) -> tuple[WaitingChange, ...]:
    errors = queue.catch_up_errors(tenant, table_map)
    waiting = queue.queued(tenant, table_map)
    refused = [WaitingChange(one.change.row_id, one.change.source, problem(one.text)) for one in errors[:SHOWN]]
    return (*refused, *(WaitingChange(one.row_id, one.source, None) for one in waiting[:SHOWN]))
