"""Requests on maps: start, stop, pause, resume and init as asynchronous work (E3, E4).

A request waits ("1") for a virtual duration, then ends ("2" or "3"); the map's state follows after a lag, so that who
looks only at E4 acts too early (dual-write-management-api.md 12.1 items 4 and 5). The document kind
`dualwrite.request` remembers which maps a request was for.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from emulator.core.routing import NotModelledError
from emulator.dual_write import checks, connections, maps, sync
from emulator.dual_write.connections import Connection, timestamp
from emulator.dual_write.errors import bad_request, conflict, not_found
from emulator.dual_write.maps import TableMap
from emulator.dual_write.start_call import Asked
from emulator.dual_write.states import (
    Action,
    ActionNotAllowedError,
    CatchUp,
    MapState,
    RequestState,
    transition,
)
from emulator.tenant import Tenant

KIND = "dualwrite.request"
ENDS = "dual_write.request_ends"
SYNC_ENDS = "dual_write.initial_sync_ends"
FOLLOWS = "dual_write.state_follows"
_COLLECTIVE = frozenset({Action.PAUSE, Action.RESUME})


def register(tenant: Tenant) -> None:
    """Play what was asked when it is due."""
    tenant.events.on(ENDS, partial(_ends, tenant))
    tenant.events.on(SYNC_ENDS, partial(_sync_ends, tenant))
    tenant.events.on(FOLLOWS, partial(_follows, tenant))


def start(tenant: Tenant, action: Action, asked: Sequence[Asked]) -> str:
    """Take a request for one or more maps and return its id.

    Raises:
        ServiceError: 400 bulk refused, a map twice or maps of several links, 404 unknown link, version or project, 409
            the state of a map does not allow the action (by the switches `refused_action` and `bulk_rule`).
    """
    connection = connections.require(tenant, asked[0].cid)
    _check_bulk(tenant, connection, action, asked)
    chosen = [(one, _find(tenant, connection, action, one)) for one in asked]
    refusals = _refusals(tenant, action, chosen)
    request_id = _new_request(tenant, connection, [table_map for _, table_map in chosen])
    for place, ((one, table_map), refusal) in enumerate(zip(chosen, refusals, strict=True)):
        _enter_request(tenant, table_map, request_id, action)
        _schedule_end(tenant, table_map, request_id, action, one, place, refusal)
    return request_id


def _check_bulk(tenant: Tenant, connection: Connection, action: Action, asked: Sequence[Asked]) -> None:
    """Refuse maps of several links, a map that stands twice, and several maps where one is the rule."""
    if any(one.cid.casefold() != connection.cid.casefold() for one in asked):
        raise NotModelledError("maps of several links in one request")
    if len({one.tid.casefold() for one in asked}) < len(asked):
        raise NotModelledError("a map that stands twice in one request")
    several = len(asked) > 1 and action not in _COLLECTIVE
    if several and tenant.switches["bulk_start"] == "refuse":
        # Switch: `bulk_start`, which accepts several unless told otherwise
        raise bad_request(f"The action {action.name.lower()} takes one map per request.")


def _refusals(tenant: Tenant, action: Action, chosen: Sequence[tuple[Asked, TableMap]]) -> list[str | None]:
    """Return for each map why its state does not allow the action, None where it does; 409 by the switches."""
    refusals = [_refusal(tenant, action, one, table_map) for one, table_map in chosen]
    if not any(refusals):
        return refusals
    first = next(filter(None, refusals))
    if action not in _COLLECTIVE or tenant.switches["bulk_rule"] == "all-or-nothing":
        refusals = [text or first for text in refusals]
    if None not in refusals and tenant.switches["refused_action"] == "status":
        # Documented: dual-write-management-api.md E2, detail.actions: the actions that the state allows
        raise conflict(first)
    return refusals


def _new_request(tenant: Tenant, connection: Connection, table_maps: Sequence[TableMap]) -> str:
    """Store which maps a new request is for and return its id."""
    request_id = str(uuid.uuid4())
    tenant.store.put(KIND, request_id, {"cid": connection.cid, "maps": [one.id for one in table_maps]})
    return request_id


def _schedule_end(
    tenant: Tenant,
    table_map: TableMap,
    request_id: str,
    action: Action,
    asked: Asked,
    place: int,
    refusal: str | None,
) -> None:
    """Queue the end of a request for one map; `place`: its number among the maps of the request."""
    stagger = 0 if action is Action.RESUME else place * tenant.switches["dual_write_stagger"]
    tenant.events.schedule(
        _duration(tenant, action) + stagger,
        ENDS,
        cid=table_map.cid,
        map_id=table_map.id,
        request_id=request_id,
        action=str(action),
        initial_sync=asked.initial_sync,
        master=asked.master,
        catch_up=str(asked.catch_up),
        refusal=refusal,
    )


def maps_of_request(tenant: Tenant, request_id: str) -> list[TableMap]:
    """Return the maps that a request was for, as they are now.

    Raises:
        ServiceError: 404, there is no such request.
    """
    document = tenant.store.get(KIND, request_id) or tenant.store.get(KIND, request_id.lower())
    if document is None:
        # Documented: RFC 9110, 15.5.5: 404 where what the address names is not there
        raise not_found(f"Request '{request_id}'")
    found = (maps.find(tenant, document["cid"], map_id) for map_id in document["maps"])
    return [table_map for table_map in found if table_map is not None]


def remove_all(tenant: Tenant, cid: str) -> None:
    """Forget the requests of a link; what is still due finds nothing to do."""
    for request_id, document in tenant.store.items(KIND):
        if document["cid"] == cid:
            tenant.store.delete(KIND, request_id)


def make_project(connection: Connection, table_map: TableMap) -> None:
    """Give a map its project, which takes over the present integration key."""
    table_map.pid = str(uuid.uuid4())
    table_map.project = f"DWM-{connection.cid}-{table_map.active}"
    table_map.keys = list(connection.integration_keys.get(table_map.definition.dataverse_set, ()))
    table_map.state = MapState.STOPPED


def write_company(tenant: Tenant, connection: Connection, table_map: TableMap, code: str) -> None:
    """Take a running or paused map through the initial write of a company that was added (semantics 5.5).

    That Dataverse is the master and that the map returns to the state it had are assumed.
    """
    request_id, before = _new_request(tenant, connection, [table_map]), table_map.state
    _enter_request(tenant, table_map, request_id, Action.START)
    sync.enter(tenant, connection, [table_map], MapState.INITIAL_SYNC)
    seconds = sync.begin(tenant, _only(connection, code), table_map, request_id, "CRM")
    tenant.events.schedule(
        seconds,
        SYNC_ENDS,
        cid=connection.cid,
        map_id=table_map.id,
        request_id=request_id,
        company=code,
        afterwards=str(before),
    )


def note(tenant: Tenant, table_map: TableMap, action: Action) -> None:
    """Leave the trace of something that a person did and that has ended."""
    table_map.requests.insert(0, _entry(tenant, str(uuid.uuid4()), action, RequestState.COMPLETED))


def _find(tenant: Tenant, connection: Connection, action: Action, asked: Asked) -> TableMap:
    if action is Action.INIT:
        found = maps.by_template(maps.maps_of(tenant, connection.cid), asked.tid)
        if found is None:
            raise NotModelledError(f"an init of the unknown version '{asked.tid}'")
        return found
    found = maps.by_project(tenant, str(asked.pid))
    if found is None or found.cid != connection.cid:
        raise NotModelledError(f"an action on the unknown project '{asked.pid}'")
    if found.active.casefold() != asked.tid.casefold():
        raise NotModelledError(f"an action on a version of '{found.name}' that is not the active one")
    return found


def _refusal(tenant: Tenant, action: Action, asked: Asked, table_map: TableMap) -> str | None:
    if table_map.is_busy:
        return f"The map '{table_map.name}': another operation is in progress."
    try:
        transition(
            table_map.state,
            action,
            has_project=table_map.pid is not None,
            initial_sync=asked.initial_sync,
            catch_up=asked.catch_up,
            stop_paused=tenant.switches["stop_on_paused"] == "accept",
        )
    except ActionNotAllowedError as error:
        return f"The map '{table_map.name}': {error}."
    return None


def _duration(tenant: Tenant, action: Action) -> float:
    kind = {Action.INIT: "init", Action.START: "start"}.get(action, "change")
    return float(tenant.switches[f"dual_write_{kind}_duration"])


def _entry(tenant: Tenant, request_id: str, action: Action, state: RequestState) -> dict[str, Any]:
    now = timestamp(tenant)
    return {
        "requestId": request_id,
        "action": str(action),
        "createdOn": now,
        "modifiedOn": now,
        "state": str(state),
        "errorMessage": None,
        "errorUri": None,
        "rootActivityId": str(uuid.uuid4()),
    }


def _enter_request(tenant: Tenant, table_map: TableMap, request_id: str, action: Action) -> None:
    table_map.requests.insert(0, _entry(tenant, request_id, action, RequestState.WAITING))
    maps.save(tenant, table_map)


def _end_request(tenant: Tenant, table_map: TableMap, request_id: str, error: str | None) -> None:
    entry = table_map.request(request_id)
    if entry is not None:
        entry["state"] = str(RequestState.FAILED if error else RequestState.COMPLETED)
        entry["errorMessage"] = error
        entry["modifiedOn"] = timestamp(tenant)


def _live(tenant: Tenant, cid: str, map_id: str, request_id: str) -> tuple[Connection, TableMap] | None:
    connection, table_map = connections.find(tenant, cid), maps.find(tenant, cid, map_id)
    if connection is None or table_map is None or table_map.request(request_id) is None:
        return None
    return connection, table_map


def _ends(
    tenant: Tenant,
    *,
    cid: str,
    map_id: str,
    request_id: str,
    action: str,
    initial_sync: bool,
    master: str,
    catch_up: str,
    refusal: str | None,
) -> None:
    found = _live(tenant, cid, map_id, request_id)
    if found is None:
        return
    connection, table_map = found
    wanted = Action(action)
    if refusal is None and wanted is Action.START:
        refusal = checks.start_failure(tenant, connection, table_map, initial_sync=initial_sync)
    if refusal is None and wanted is Action.INIT:
        make_project(connection, table_map)
    if refusal is not None or wanted is Action.INIT:
        _end_request(tenant, table_map, request_id, refusal)
        maps.save(tenant, table_map)
    elif initial_sync:
        _begin_sync(tenant, connection, table_map, request_id, master)
    else:
        _end_request(tenant, table_map, request_id, None)
        _lead_on(tenant, table_map, wanted, CatchUp(catch_up))


def _lead_on(tenant: Tenant, table_map: TableMap, action: Action, catch_up: CatchUp) -> None:
    paused = tenant.switches["stop_on_paused"] == "accept"
    change = transition(table_map.state, action, has_project=True, catch_up=catch_up, stop_paused=paused)
    _follow(tenant, table_map, change.passing or change.to, tenant.switches["dual_write_state_lag"], catch_up)


def _follow(tenant: Tenant, table_map: TableMap, state: MapState, delay: float, catch_up: CatchUp) -> None:
    table_map.pending = state
    maps.save(tenant, table_map)
    tenant.events.schedule(
        delay, FOLLOWS, cid=table_map.cid, map_id=table_map.id, state=str(state), catch_up=str(catch_up)
    )


def _begin_sync(tenant: Tenant, connection: Connection, table_map: TableMap, request_id: str, master: str) -> None:
    sync.enter(tenant, connection, [table_map], MapState.INITIAL_SYNC)
    seconds = sync.begin(tenant, connection, table_map, request_id, master)
    tenant.events.schedule(seconds, SYNC_ENDS, cid=table_map.cid, map_id=table_map.id, request_id=request_id)


def _follows(tenant: Tenant, *, cid: str, map_id: str, state: str, catch_up: str) -> None:
    connection, table_map = connections.find(tenant, cid), maps.find(tenant, cid, map_id)
    reached = MapState(state)
    if connection is None or table_map is None or table_map.pending is not reached:
        return
    together = [one for one in _siblings(tenant, table_map) if one.pending is reached]
    sync.enter(tenant, connection, together, reached, CatchUp(catch_up))
    if reached is MapState.CATCH_UP:
        for one in together:
            _follow(tenant, one, MapState.RUNNING, tenant.switches["dual_write_change_duration"], CatchUp.PLAY_BACK)


def _siblings(tenant: Tenant, table_map: TableMap) -> list[TableMap]:
    """Return the maps of the map's last request; what a bulk resume queued is played back together."""
    last = table_map.requests[0]
    if last["action"] != Action.RESUME:
        return [table_map]
    table_maps = maps_of_request(tenant, last["requestId"])
    return [one for one in table_maps if one.requests[0]["requestId"] == last["requestId"]]


def _sync_ends(
    tenant: Tenant,
    *,
    cid: str,
    map_id: str,
    request_id: str,
    company: str | None = None,
    afterwards: str = MapState.RUNNING,
) -> None:
    found = _live(tenant, cid, map_id, request_id)
    if found is None:
        return
    connection, table_map = found
    error = sync.finish(tenant, _only(connection, company), table_map, request_id)
    _end_request(tenant, table_map, request_id, error)
    reached = MapState.STOPPED if error else MapState(afterwards)
    _follow(tenant, table_map, reached, tenant.switches["dual_write_state_lag"], CatchUp.PLAY_BACK)


def _only(connection: Connection, company: str | None) -> Connection:
    if company is None:
        return connection
    return replace(connection, companies=[one for one in connection.companies if one.code == company])
