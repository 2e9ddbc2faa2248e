"""What people do on the dual-write page behind our back; it is done at once.

Only the initial write of a company that was added takes its time (dual-write-semantics.md 5.5).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from emulator.core.person import PersonError, PersonRequest
from emulator.core.routing import NotModelledError
from emulator.core.wire import ServiceError
from emulator.dual_write import connections, links, maps, requests, solutions, sync, templates
from emulator.dual_write.connections import Connection
from emulator.dual_write.definitions import AUTHOR
from emulator.dual_write.maps import TableMap
from emulator.dual_write.row_mapping import is_company_specific
from emulator.dual_write.states import STARTABLE, Action, MapState, state_name
from emulator.tenant import Tenant

BROKEN = "Project validation failed: DIPV1014 A field of the integration key is not mapped."

_T = TypeVar("_T")
_MapAction = Callable[[Tenant, Connection, TableMap, PersonRequest], None]


def register(tenant: Tenant) -> None:
    """Register the actions on links, companies and maps."""
    tenant.person.on("link", partial(_link, tenant))
    tenant.person.on("add-company", partial(_add_company, tenant))
    tenant.person.on("remove-company", partial(_remove_company, tenant))
    tenant.person.on("reset-link", partial(_reset, tenant))
    for name, action in (
        ("start-map", _start),
        ("stop-map", _stop),
        ("pause-map", _pause),
        ("switch-version", _switch),
        ("break-map", _break),
        ("mend-map", _mend),
        ("delete-map", _delete),
    ):
        tenant.person.on(name, partial(_act_on_map, tenant, action))


def _link(tenant: Tenant, request: PersonRequest) -> dict[str, Any]:
    """Link `environment` with `finops`, or with the F&O that it is integrated with."""
    finops, codes = request.get("finops"), request.get("companies")
    if not isinstance(finops, str | None) or not isinstance(codes, list | None):
        raise PersonError("'finops' is a host, 'companies' a list of codes")
    connection = links.link_by_person(tenant, request.text("environment"), finops, codes)
    return {"cid": connection.cid, "companies": connection.company_codes()}


def _add_company(tenant: Tenant, request: PersonRequest) -> dict[str, Any]:
    connection, code = _connection(tenant, request), request.text("company")
    if connection.has_company(code):
        raise PersonError(f"the company '{code}' is linked already")
    _refuse_in(tenant, connection, MapState.INITIAL_SYNC)
    answer = _set_companies(tenant, connection, [*connection.company_codes(), code])
    for table_map in maps.maps_of(tenant, connection.cid):
        if table_map.state in {MapState.RUNNING, MapState.PAUSED} and is_company_specific(table_map.definition):
            requests.write_company(tenant, connection, table_map, connection.company_codes()[-1])
    return answer


def _remove_company(tenant: Tenant, request: PersonRequest) -> dict[str, Any]:
    connection, code = _connection(tenant, request), request.text("company")
    if not connection.has_company(code):
        raise PersonError(f"the company '{code}' is not linked")
    _refuse_in(tenant, connection, MapState.INITIAL_SYNC, MapState.PAUSED)
    kept = [one for one in connection.company_codes() if one.casefold() != code.casefold()]
    return _set_companies(tenant, connection, kept)


def _reset(tenant: Tenant, request: PersonRequest) -> dict[str, Any]:
    """Reset Link with Force Reset: the companies stay, all that hangs on the link goes (dual-write-semantics.md 9)."""
    connection = _connection(tenant, request)
    links.wipe(tenant, connection)
    return _set_companies(tenant, connection, connection.company_codes())


def _set_companies(tenant: Tenant, connection: Connection, codes: list[str]) -> dict[str, Any]:
    _accepted(lambda: links.set_companies(tenant, connection, codes))
    connections.save(tenant, connection)
    return {"companies": connection.company_codes()}


def _start(tenant: Tenant, connection: Connection, table_map: TableMap, _request: PersonRequest) -> None:
    if table_map.state is MapState.PAUSED:
        _finish(tenant, connection, table_map, Action.RESUME, MapState.RUNNING)
        return
    _must_be(table_map, *STARTABLE)
    if table_map.broken is not None:
        raise PersonError(table_map.broken)
    if table_map.pid is None:
        requests.make_project(connection, table_map)
    _finish(tenant, connection, table_map, Action.START, MapState.RUNNING)


def _stop(tenant: Tenant, connection: Connection, table_map: TableMap, _request: PersonRequest) -> None:
    _must_be(table_map, MapState.RUNNING)
    _finish(tenant, connection, table_map, Action.STOP, MapState.STOPPED)


def _pause(tenant: Tenant, connection: Connection, table_map: TableMap, _request: PersonRequest) -> None:
    _must_be(table_map, MapState.RUNNING)
    _finish(tenant, connection, table_map, Action.PAUSE, MapState.PAUSED)


def _switch(tenant: Tenant, connection: Connection, table_map: TableMap, request: PersonRequest) -> None:
    """Activate a version, saving it first when its author has none such; a running map is stopped meanwhile."""
    version, author = request.text("version"), str(request.get("author") or AUTHOR)
    _must_be(table_map, MapState.RUNNING, *STARTABLE)
    try:
        wanted = templates.template(tenant, table_map.definition, version, author=author)
    except ValueError as error:
        raise PersonError(f"'{version}' is no version; give four numbers") from error
    if not table_map.has_template(wanted["id"]):
        table_map.templates.append(wanted)
        solutions.save_version(tenant, connection, table_map.definition, version, author)
    state = table_map.state
    if state is MapState.RUNNING:
        sync.enter(tenant, connection, [table_map], MapState.STOPPED)
    table_map.active = wanted["id"]
    maps.save(tenant, table_map)
    if state is MapState.RUNNING:
        sync.enter(tenant, connection, [table_map], MapState.RUNNING)


def _break(tenant: Tenant, _connection: Connection, table_map: TableMap, request: PersonRequest) -> None:
    version = request.get("version")
    table_map.broken, table_map.broken_version = str(request.get("text") or BROKEN), str(version) if version else None
    maps.save(tenant, table_map)


def _mend(tenant: Tenant, _connection: Connection, table_map: TableMap, _request: PersonRequest) -> None:
    table_map.broken = table_map.broken_version = None
    maps.save(tenant, table_map)


def _delete(tenant: Tenant, _connection: Connection, table_map: TableMap, _request: PersonRequest) -> None:
    """Delete a map from the list; its solution brings it back."""
    _must_be(table_map, *STARTABLE)
    maps.remove(tenant, table_map)


def _finish(tenant: Tenant, connection: Connection, table_map: TableMap, action: Action, state: MapState) -> None:
    requests.note(tenant, table_map, action)
    sync.enter(tenant, connection, [table_map], state)


def _act_on_map(tenant: Tenant, action: _MapAction, request: PersonRequest) -> dict[str, Any]:
    connection = _connection(tenant, request)
    name = request.text("map")
    table_map = maps.find(tenant, connection.cid, name)
    if table_map is None:
        raise PersonError(f"the link has no map '{name}'")
    if table_map.is_busy:
        raise PersonError(f"the map '{name}' is busy")
    action(tenant, connection, table_map, request)
    return {"map": name, "state": str(table_map.state), "version": table_map.version}


def _must_be(table_map: TableMap, *states: MapState) -> None:
    if table_map.state not in states:
        raise PersonError(f"the map '{table_map.name}' is {state_name(table_map.state)}")


def _refuse_in(tenant: Tenant, connection: Connection, *states: MapState) -> None:
    hindering = next((one for one in maps.maps_of(tenant, connection.cid) if one.state in states), None)
    if hindering is not None:
        raise PersonError(f"the map '{hindering.name}' is {state_name(hindering.state)}")


def _accepted(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except (ServiceError, NotModelledError) as error:
        raise PersonError(links.text_of(error)) from error


def _connection(tenant: Tenant, request: PersonRequest) -> Connection:
    host = request.text("environment")
    connection = connections.by_dataverse_host(tenant, host)
    if connection is None:
        raise PersonError(f"'{host}' is not linked; give the host of the Dataverse environment")
    return connection
