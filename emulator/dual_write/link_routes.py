"""Handlers of the link: E1, E9 to E11, E16 and E17."""

from collections.abc import Iterable
from typing import Any

from emulator.core.routing import NotModelledError
from emulator.core.wire import Call, Reply
from emulator.data.schemas import UnknownTableError, table
from emulator.dual_write import connections, links, maps, projects
from emulator.dual_write.bodies import Members, parse_json, read_flag, read_texts
from emulator.dual_write.connections import GLOBAL_ISLAND, REGIONAL_ISLAND, Connection
from emulator.dual_write.errors import conflict, not_found
from emulator.dual_write.maps import TableMap
from emulator.dual_write.states import STARTABLE
from emulator.tenant import Tenant

_RESET = frozenset({"powerAppsEnvironmentName", "environments", "legalEntities"})
_SIDE = frozenset({"targetType", "name", "displayName", "id", "isDevInstance", "directUrl"})
_KEYS = frozenset({"integrationKeys", "datasetName"})


def target_is_finance(call: Call) -> None:
    """Check `targetType=AX`, the only value in evidence.

    Raises:
        NotModelledError: it is another.
    """
    if query(call, "targetType").upper() != "AX":
        raise NotModelledError("a targetType other than AX")


def query(call: Call, name: str) -> str:
    """Return a query parameter, its name without regard to case, "" when it is missing."""
    return next((value for key, value in call.query.items() if key.casefold() == name.casefold()), "")


def environments(tenant: Tenant, call: Call) -> Reply:
    """Answer E1: the link of an F&O host; empty for a host with scheme, a host without link and the global gateway."""
    target_is_finance(call)
    connection = connections.by_finance_host(tenant, query(call, "identifier"))
    if connection is None or call.host == connections.gateway(GLOBAL_ISLAND):
        return Reply(json=[])
    return Reply(
        json=[
            {
                "cid": connection.cid,
                "cname": connection.cname,
                "targetType": "AX",
                "displayName": connection.finance_host.split(".")[0],
                "detail": {"isSolutionAware": True},
                "powerAppsEnvironment": connection.environment_id,
            }
        ]
    )


def connection_set(tenant: Tenant, call: Call) -> Reply:
    """Answer E10: the link with its environments, keys and companies."""
    connection = connections.by_name(tenant, call.parameters["cname"])
    mapped = [one.definition for one in maps.maps_of(tenant, connection.cid)]
    sides = [projects.environment(connection, target, mapped if target == "CRM" else []) for target in ("CRM", "AX")]
    return Reply(
        json={
            "id": connection.cid,
            "name": connection.cname,
            "displayName": connection.finance_host.split(".")[0],
            "environments": {side["name"]: side for side in sides},
            "targetTypeList": ["AX", "CRM"],
            "dataPartitionMappings": [],
            "forDualWrite": True,
            "dualWriteDetail": _detail(connection),
            "owner": connection.owner,
            "createdDateTime": connection.created_on,
            "tags": [],
        }
    )


def _detail(connection: Connection) -> dict[str, Any]:
    mappings = [
        {"left": {"name": one.code, "id": one.code}, "right": {"name": one.code, "id": one.dataverse_id}}
        for one in connection.companies
    ]
    return {
        "isSolutionAware": True,
        "isTrialEnvironment": False,
        "legalEntityMappings": {
            "leftEnvironment": connection.finance_host,
            "rightEnvironment": connection.dataverse_host,
            "mappings": mappings,
        },
        "conflictResolution": {"option": "1", "master": "CRM"},
        "alertSettings": [],
        "solutionAwareRequests": connection.solution_requests,
    }


def set_integration_keys(tenant: Tenant, call: Call) -> Reply:
    """Answer E9: set the keys of Dataverse tables for the link; a project takes them over at its next refresh."""
    dataset = call.parameters["dataset"]
    connection = connections.by_dataverse_host(tenant, dataset)
    if connection is None:
        # Documented: RFC 9110, 15.5.5: 404 where what the address names is not there
        raise not_found(f"Dataset '{dataset}'")
    body = Members(parse_json(call.body), "request", _KEYS)
    if body.text("datasetName").casefold() != dataset.casefold():
        raise NotModelledError("another dataset in the body than in the path")
    wanted = body.get("integrationKeys")
    if not isinstance(wanted, dict) or not wanted:
        raise NotModelledError("request.integrationKeys that is no object, or empty")
    for entity_set, columns in wanted.items():
        _check_key(entity_set, read_texts(columns, f"request.integrationKeys.{entity_set}"))
        _check_stopped(tenant, connection, entity_set, columns)
        connection.integration_keys[entity_set] = columns
    connections.save(tenant, connection)
    return Reply()


def _check_key(entity_set: str, columns: list[str]) -> None:
    """Check that a key names columns that there are; what the service says of others is in no source."""
    try:
        known = table("dataverse", entity_set).columns
    except UnknownTableError:
        raise NotModelledError(f"a key of the table '{entity_set}'") from None
    unknown = next((path for path in columns if path.split(".")[0] not in known), None)
    if unknown is not None or not columns:
        raise NotModelledError(f"a key of '{entity_set}' with the column '{unknown or ''}'")


def _check_stopped(tenant: Tenant, connection: Connection, entity_set: str, columns: list[str]) -> None:
    """Refuse another key for a table whose map runs, by the switch `keys_while_running`."""
    present = {path.casefold() for path in connection.integration_keys.get(entity_set, ())}
    if present == {path.casefold() for path in columns} or tenant.switches["keys_while_running"] == "accept":
        return
    running = maps.syncing_on(tenant, connection.cid, entity_set)
    if running is not None:
        # Documented: Microsoft Learn, Customize table and column mappings: a map is stopped before its mapping changes
        raise conflict(f"The integration key of '{entity_set}' cannot change while the map '{running.name}' runs.")


def _require_stopped(known: Iterable[TableMap]) -> None:
    running = next((one for one in known if one.state not in STARTABLE or one.is_busy), None)
    if running is not None:
        # Documented: Microsoft Learn, Reset dual-write connections: all maps stopped, or Force Reset
        raise conflict(f"All maps must be stopped before the link is reset; '{running.name}' is not. Use Force Reset.")


def reset(tenant: Tenant, call: Call) -> Reply:
    """Answer E11: wipe maps, keys, history and run-time rows of a link and link these companies."""
    target_is_finance(call)
    connection = connections.require(tenant, call.parameters["cid"])
    forced = read_flag(query(call, "forceReset") or None, "forceReset", default=False)
    body = Members(parse_json(call.body), "request", _RESET)
    _check_sides(connection, body)
    codes = body.texts("legalEntities")
    if not codes:
        raise NotModelledError("a reset without legal entities")
    if not forced:
        _require_stopped(maps.maps_of(tenant, connection.cid))
    links.wipe(tenant, connection)
    links.set_companies(tenant, connection, codes)
    connections.save(tenant, connection)
    return Reply()


def _check_sides(connection: Connection, body: Members) -> None:
    """Check that a reset is to the linked pair; to another it is not modelled."""
    hosts = {"CRM": connection.dataverse_host, "AX": connection.finance_host}
    if body.text("powerAppsEnvironmentName").casefold() != connection.environment_id.casefold():
        raise NotModelledError("a reset to another Power Platform environment than the linked one")
    sides = [Members(one, "request.environments[]", _SIDE) for one in body.objects("environments")]
    given = {side.text("targetType").upper(): side.text("name").casefold() for side in sides}
    if given != hosts:
        raise NotModelledError("a reset with other environments than the linked two")


def version(_tenant: Tenant, _call: Call) -> Reply:
    """Answer E16: any JSON text; no client in evidence reads it."""
    return Reply(json="1.0")


def cluster_discovery(_tenant: Tenant, call: Call) -> Reply:
    """Answer E17: the regional gateway; the shape of the answer is assumed."""
    if not query(call, "regionName") or query(call, "pageType").upper() != "DW":
        raise NotModelledError("cluster discovery without regionName, or of another pageType than DW")
    return Reply(json=f"https://{connections.gateway(REGIONAL_ISLAND)}")
