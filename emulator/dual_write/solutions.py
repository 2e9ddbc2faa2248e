"""Dataverse solutions that hold maps: what is listed (E12), applied (E13) and asked after (E14).

Assumed: a solution that is applied brings every version of its maps that Dataverse has saved, also after a reset.
"""

import uuid
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from emulator import power_platform
from emulator.core.routing import NotModelledError
from emulator.data.schemas import table
from emulator.dual_write import connections, maps, templates
from emulator.dual_write.connections import Connection, timestamp
from emulator.dual_write.definitions import (
    AUTHOR,
    SOLUTIONS,
    MapDefinition,
    MapSolution,
    maps_in,
    solution,
    template_id,
)
from emulator.dual_write.errors import bad_request, not_found
from emulator.dual_write.maps import TableMap
from emulator.dual_write.projects import mapping_task
from emulator.dual_write.states import RequestState
from emulator.tenant import Tenant

APPLY = "2"
APPLIED = "dual_write.solution_applied"
ENTITY_MAPS = "msdyn_dualwriteentitymaps"
# The author of a saved version by its id: the table has no column for it (10.1).
AUTHORS = "dualwrite.version_author"
PARTY_TABLES = ("accounts", "contacts", "msdyn_vendors", "msdyn_contactforparties")


def register(tenant: Tenant) -> None:
    """Play what was applied when it is due."""
    tenant.events.on(APPLIED, partial(_applied, tenant))


def listed(tenant: Tenant, connection: Connection) -> list[MapSolution]:
    """Return the solutions whose package is installed, in a fixed order."""
    states = power_platform.installed_packages(tenant, connection.environment_id)
    return [one for one in SOLUTIONS if states.get(one.package) == "Installed"]


def begin_apply(tenant: Tenant, connection: Connection, names: Sequence[str]) -> str:
    """Take a request to apply solutions and return its id (E13).

    Raises:
        ServiceError: 400 several solutions (by the switch `several_solutions`), 404 a solution that is not listed.
    """
    offered = {one.unique_name.casefold(): one for one in listed(tenant, connection)}
    unknown = next((name for name in names if name.casefold() not in offered), None)
    if unknown is not None:
        raise NotModelledError(f"applying the solution '{unknown}', which is not listed")
    if len(names) > 1 and tenant.switches["several_solutions"] == "refuse":
        # Switch: `several_solutions`, which takes them unless told otherwise
        raise bad_request("Apply one solution per request.")
    request_id, now = str(uuid.uuid4()), timestamp(tenant)
    entry = {
        "requestId": request_id,
        "action": APPLY,
        "createdOn": now,
        "modifiedOn": now,
        "state": str(RequestState.WAITING),
        "result": {"message": "", "status": "InProgress"},
        "rootActivityId": str(uuid.uuid4()),
    }
    connection.solution_requests.insert(0, entry)
    connections.save(tenant, connection)
    duration = tenant.switches["dual_write_solution_duration"] * len(names)
    tenant.events.schedule(duration, APPLIED, cid=connection.cid, request_id=request_id, names=list(names))
    return request_id


def status(connection: Connection, request_id: str) -> dict[str, Any]:
    """Return E14's answer.

    Raises:
        ServiceError: 404, there is no such request.
    """
    entry = find_request(connection, request_id)
    if entry is None:
        # Documented: RFC 9110, 15.5.5: 404 where what the address names is not there
        raise not_found(f"Request '{request_id}'")
    return entry


def find_request(connection: Connection, request_id: str) -> dict[str, Any] | None:
    """Return what a link remembers of a request to apply solutions, or None."""
    wanted = request_id.casefold()
    return next((one for one in connection.solution_requests if one["requestId"].casefold() == wanted), None)


def restore(tenant: Tenant, connection: Connection, carrier: MapSolution, *, copy: int = 0) -> None:
    """Let the maps of a solution appear in the link; one that is there already stays as it is.

    `copy` above 0 adds every map once more, as several solutions in one request do.
    """
    present = {one.id for one in maps.maps_of(tenant, connection.cid)}
    saved = {} if copy else _saved_versions(tenant, connection.dataverse_host)
    for mapped in maps_in(carrier):
        map_id = f"{mapped.name}#{copy}" if copy else mapped.name
        if map_id in present:
            continue
        versions = _versions(tenant, mapped, saved.get(mapped.name, ()), copy)
        connection.integration_keys.setdefault(mapped.dataverse_set, list(mapped.key_paths))
        maps.save(tenant, TableMap(connection.cid, map_id, mapped.name, versions, versions[0]["id"]))
    if carrier.unique_name not in connection.applied_solutions:
        _note(tenant, connection, carrier)
    connections.save(tenant, connection)


def _note(tenant: Tenant, connection: Connection, carrier: MapSolution) -> None:
    """Write down that the link has the solution; the keys of the party model are unset where the switch says so."""
    connection.applied_solutions.append(carrier.unique_name)
    if "party" in carrier.areas and tenant.switches["party_keys"] == "unset":
        connection.integration_keys |= {name: [] for name in PARTY_TABLES}


def package_installed(tenant: Tenant, dataverse_host: str, unique_name: str) -> None:
    """Put the map versions that a package brings into the Dataverse table of maps (10.1)."""
    for carrier in SOLUTIONS:
        if carrier.package == unique_name:
            for mapped in maps_in(carrier):
                _put_version(tenant, dataverse_host, carrier, mapped, templates.FIRST_VERSION)


class _SavedVersion(NamedTuple):
    id: str
    version: str
    author: str


def _versions(tenant: Tenant, mapped: MapDefinition, saved: Iterable[_SavedVersion], copy: int) -> list[dict[str, Any]]:
    """The versions of a new map: those that it comes with, then those that somebody saved."""
    versions = templates.new_templates(tenant, mapped, copy=copy)
    known = {one["id"] for one in versions}
    others = [one for one in saved if one.id not in known]
    return versions + [templates.template(tenant, mapped, one.version, author=one.author) for one in others]


def _saved_versions(tenant: Tenant, host: str) -> dict[str, list[_SavedVersion]]:
    """Return what the Dataverse table of maps has, by the name of the map."""
    found: dict[str, list[_SavedVersion]] = {}
    for row in tenant.rows.find("dataverse", host, ENTITY_MAPS, {}):
        identifier, name = row[table("dataverse", ENTITY_MAPS).key[0]], str(row["msdyn_name"] or "")
        author = (tenant.store.get(AUTHORS, identifier) or {}).get("author", AUTHOR)
        version = _SavedVersion(identifier, row["msdyn_version"], author)
        found.setdefault(name.partition("[")[2].removesuffix("]"), []).append(version)
    return found


def save_version(
    tenant: Tenant, connection: Connection, mapped: MapDefinition, version: str, author: str = AUTHOR
) -> None:
    """Put a version that a person saved into the Dataverse table of maps."""
    carrier = next(one for one in SOLUTIONS if mapped in maps_in(one))
    _put_version(tenant, connection.dataverse_host, carrier, mapped, version, author)


def _put_version(
    tenant: Tenant, host: str, carrier: MapSolution, mapped: MapDefinition, version: str, author: str = AUTHOR
) -> None:
    key = table("dataverse", ENTITY_MAPS).key[0]
    identifier = template_id(mapped.name, version, author=author)
    if tenant.rows.get("dataverse", host, ENTITY_MAPS, identifier) is not None:
        return
    values = {
        key: identifier,
        "msdyn_name": f"msdyn_[{mapped.name}]",
        "msdyn_displayname": mapped.finops_entity,
        "msdyn_version": version,
        "msdyn_mapping": mapping_task(mapped),
        "solutionid": carrier.solution_id,
        "ismanaged": True,
    }
    tenant.rows.insert("dataverse", host, ENTITY_MAPS, values, origin="system")
    if author != AUTHOR:
        tenant.store.put(AUTHORS, identifier, {"author": author})


def _applied(tenant: Tenant, *, cid: str, request_id: str, names: list[str]) -> None:
    connection = connections.find(tenant, cid)
    entry = find_request(connection, request_id) if connection else None
    if connection is None or entry is None:
        return
    failure = str(tenant.switches["apply_solution_error"])
    if not failure:
        _restore_all(tenant, connection, [carrier for name in names if (carrier := solution(name))])
    state, status = (RequestState.FAILED, "Failed") if failure else (RequestState.COMPLETED, "Succeeded")
    entry |= {
        "modifiedOn": timestamp(tenant),
        "state": str(state),
        "result": {"message": failure, "status": status},
    }
    connections.save(tenant, connection)


def _restore_all(tenant: Tenant, connection: Connection, carriers: Sequence[MapSolution]) -> None:
    """Restore solutions; of several in one request every map appears twice."""
    for carrier in carriers:
        restore(tenant, connection, carrier)
        if len(carriers) > 1:
            restore(tenant, connection, carrier, copy=1)
