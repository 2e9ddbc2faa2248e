"""What is under way in the tenant: what is running, since when, and when it is due, all in tenant time."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from emulator.core.events import Queued
from emulator.dual_write import connections, definitions, links, maps, requests, solutions
from emulator.dual_write.states import Action, RequestState
from emulator.power_platform import operations as lifecycle_operations
from emulator.power_platform import packages
from emulator.power_platform.records import (
    OPERATION,
    PACKAGE_OPERATION,
    Operation,
    PackageOperation,
    find_environment,
    load,
)
from emulator.tenant import Tenant

_OF_MAPS = (requests.ENDS, requests.SYNC_ENDS)
_VERBS = {
    Action.START: "Start",
    Action.STOP: "Stop",
    Action.PAUSE: "Pause",
    Action.RESUME: "Resume",
    Action.INIT: "Set up",
}


@dataclass(frozen=True)
class Underway:
    """One operation. `done` of `total` maps for a request on maps, else both None; `environment_id`: whose it is."""

    title: str
    environment: str
    environment_id: str
    begun: str
    due: str
    done: int | None = None
    total: int | None = None


def underway(tenant: Tenant, queued: Iterable[Queued]) -> tuple[Underway, ...]:
    """Return what runs, what ends first at the top."""
    found: list[Underway] = []
    requested: dict[str, list[Queued]] = {}
    for event in queued:
        if event.name in _OF_MAPS:
            requested.setdefault(event.arguments["request_id"], []).append(event)
        elif (reader := _READERS.get(event.name)) is not None:
            shown = reader(tenant, event)
            found += [shown] if shown else []
    found += filter(None, (_on_maps(tenant, request_id, events) for request_id, events in requested.items()))
    return tuple(sorted(found, key=lambda one: one.due))


def _operation(tenant: Tenant, event: Queued) -> Underway | None:
    operation = load(tenant, OPERATION, event.arguments["operation_id"], Operation)
    if operation is None or operation.state != "Running":
        return None
    where = _environment(tenant, operation.environment_id)
    return Underway(f"{operation.type} environment", *where, operation.created.isoformat(), event.due.isoformat())


def _package(tenant: Tenant, event: Queued) -> Underway | None:
    operation = load(tenant, PACKAGE_OPERATION, event.arguments["operation_id"], PackageOperation)
    if operation is None or operation.status != "Running":
        return None
    package = packages.find(operation.unique_name)
    title = f"Install {package.title if package else operation.unique_name}"
    where = _environment(tenant, operation.environment_id)
    return Underway(title, *where, operation.created.isoformat(), event.due.isoformat())


def _solution(tenant: Tenant, event: Queued) -> Underway | None:
    connection = connections.find(tenant, event.arguments["cid"])
    entry = solutions.find_request(connection, event.arguments["request_id"]) if connection else None
    if connection is None or entry is None:
        return None
    carriers = [definitions.solution(name) for name in event.arguments["names"]]
    title = f"Apply {', '.join(one.friendly_name for one in carriers if one)}"
    where = _environment(tenant, connection.environment_id)
    return Underway(title, *where, entry["createdOn"], event.due.isoformat())


def _attendant(tenant: Tenant, event: Queued) -> Underway | None:
    where = _environment(tenant, event.arguments["environment_id"])
    ordered = event.due - timedelta(seconds=tenant.switches["dual_write_attendant_delay"])
    return Underway("A person comes to press Link", *where, ordered.isoformat(), event.due.isoformat())


def _on_maps(tenant: Tenant, request_id: str, events: list[Queued]) -> Underway | None:
    """Return one request on maps; its end is that of its last map."""
    first = events[0].arguments
    connection = connections.find(tenant, first["cid"])
    document = tenant.store.get(requests.KIND, request_id)
    if connection is None or document is None:
        return None
    entry = _entry(tenant, document, request_id, [event.arguments["map_id"] for event in events])
    if entry is None:
        return None
    total, left = len(document["maps"]), len(events)
    name = f"map {first['map_id']}" if total == 1 else f"{total} maps"
    where = _environment(tenant, connection.environment_id, connection.dataverse_host)
    due = max(event.due for event in events).isoformat()
    return Underway(f"{_verb(entry, events)} {name}", *where, entry["createdOn"], due, total - left, total)


def _verb(entry: Mapping[str, Any], events: Iterable[Queued]) -> str:
    syncing = all(event.name == requests.SYNC_ENDS for event in events)
    return "Initial sync of" if syncing else _VERBS[Action(entry["action"])]


def _entry(
    tenant: Tenant, document: Mapping[str, Any], request_id: str, map_ids: Iterable[str]
) -> dict[str, Any] | None:
    """Return the request as one of the maps that wait for it keeps it, None when all have lost it."""
    for map_id in map_ids:
        table_map = maps.find(tenant, document["cid"], map_id)
        entry = table_map.request(request_id) if table_map else None
        if entry is not None and entry["state"] == RequestState.WAITING:
            return entry
    return None


def _environment(tenant: Tenant, environment_id: str, otherwise: str = "") -> tuple[str, str]:
    environment = find_environment(tenant, environment_id)
    return (environment.display_name if environment else otherwise or environment_id), environment_id


_READERS: Mapping[str, Callable[[Tenant, Queued], Underway | None]] = {
    lifecycle_operations.ENDED: _operation,
    packages.ENDED: _package,
    solutions.APPLIED: _solution,
    links.ATTENDANT: _attendant,
}
