"""Table maps of a link: their documents, their state, and E2's shape of them.

A map is the document kind `dualwrite.map` under `<cid>/<id>`; the id is the map's name, with a suffix for duplicates
that E13 made. A project points back to its map under `dualwrite.project`.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from emulator.dual_write.definitions import MapDefinition, dataverse_table, definition
from emulator.dual_write.states import SYNCING, MapState, RequestState, shown_actions
from emulator.tenant import Tenant

KIND = "dualwrite.map"
PROJECT_KIND = "dualwrite.project"
MAX_SHOWN_REQUESTS = 20


@dataclass
class TableMap:
    """One map of one link.

    `keys`: the integration key its project knows (taken over by init and E8). `pending`: the state that follows its
    ended request after the lag. `broken`: the error text with which every start fails until a person mends it;
    `broken_version`: the version alone that fails so.
    """

    cid: str
    id: str
    name: str
    templates: list[dict[str, Any]]
    active: str
    state: MapState = MapState.STOPPED
    pid: str | None = None
    project: str | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] | None = None
    pending: MapState | None = None
    paused_on: str | None = None
    broken: str | None = None
    broken_version: str | None = None
    refreshed_on: str | None = None

    @property
    def definition(self) -> MapDefinition:
        """Return what the map maps."""
        return definition(self.name)

    @property
    def template(self) -> dict[str, Any]:
        """Return the active version."""
        return next(template for template in self.templates if template["id"] == self.active)

    @property
    def version(self) -> str:
        """Return the number of the active version."""
        number = self.template["version"]
        return ".".join(str(number[part]) for part in ("major", "minor", "build", "revision"))

    @property
    def failure(self) -> str | None:
        """Return the error text of every start of the active version, None when it is sound."""
        of_all = self.broken_version is None
        return self.broken if of_all or self.broken_version == self.version else None

    @property
    def is_busy(self) -> bool:
        """Return whether a request for this map is under way or its state still lags behind."""
        waiting = any(request["state"] == RequestState.WAITING for request in self.requests)
        return waiting or self.pending is not None

    def has_template(self, tid: str) -> bool:
        """Return whether a template id names one of the map's versions."""
        return any(template["id"].casefold() == tid.casefold() for template in self.templates)

    def request(self, request_id: str) -> dict[str, Any] | None:
        """Return this map's entry of a request, or None."""
        return next((entry for entry in self.requests if entry["requestId"] == request_id), None)


def save(tenant: Tenant, table_map: TableMap) -> None:
    """Store a map."""
    tenant.store.put(KIND, _key(table_map.cid, table_map.id), asdict(table_map))
    if table_map.pid is not None:
        pointer = {"cid": table_map.cid, "id": table_map.id}
        tenant.store.put(PROJECT_KIND, table_map.pid, pointer)


def find(tenant: Tenant, cid: str, map_id: str) -> TableMap | None:
    """Return one map by its id, or None."""
    document = tenant.store.get(KIND, _key(cid, map_id))
    return _read(document) if document else None


def maps_of(tenant: Tenant, cid: str) -> list[TableMap]:
    """Return all maps of a link, ordered by name."""
    return [_read(document) for _, document in tenant.store.items(KIND, f"{cid}/")]


def by_project(tenant: Tenant, pid: str) -> TableMap | None:
    """Return the map of a project id, or None."""
    pointer = tenant.store.get(PROJECT_KIND, pid) or tenant.store.get(PROJECT_KIND, pid.lower())
    return find(tenant, pointer["cid"], pointer["id"]) if pointer else None


def by_template(maps: Iterable[TableMap], tid: str) -> TableMap | None:
    """Return the first map that has this version, or None."""
    return next((table_map for table_map in maps if table_map.has_template(tid)), None)


def syncing_on(tenant: Tenant, cid: str, dataverse_set: str) -> TableMap | None:
    """Return the first map of a Dataverse table that is not stopped, or None."""
    on_table = (one for one in maps_of(tenant, cid) if one.definition.dataverse_set == dataverse_set)
    return next((one for one in on_table if one.state in SYNCING or one.is_busy), None)


def remove_all(tenant: Tenant, cid: str) -> None:
    """Delete every map and project of a link (E11, or the end of an environment)."""
    for table_map in maps_of(tenant, cid):
        remove(tenant, table_map)


def remove(tenant: Tenant, table_map: TableMap) -> None:
    """Delete a map and its project."""
    tenant.store.delete(KIND, _key(table_map.cid, table_map.id))
    if table_map.pid is not None:
        tenant.store.delete(PROJECT_KIND, table_map.pid)


def _shown_requests(requests: list[dict[str, Any]], only: str | None, *, never_ends: bool) -> list[dict[str, Any]]:
    newest, older = requests[:MAX_SHOWN_REQUESTS], requests[MAX_SHOWN_REQUESTS:]
    shown = [*newest, *(entry for entry in older if entry["requestId"] == only)]
    if not never_ends:
        return shown
    return [{**entry, "state": RequestState.WAITING, "errorMessage": None} for entry in shown]


def wire(
    table_map: TableMap, *, never_ends: bool = False, hide_request: str | None = None, only: str | None = None
) -> dict[str, Any]:
    """Return E2's shape of a map (dual-write-management-api.md E2), which E4 answers too.

    `never_ends` and `hide_request` are the faults of E4: all requests waiting, one request missing. `only` names a
    request that must be among those shown, however old it is.
    """
    requests = [entry for entry in table_map.requests if entry["requestId"] != hide_request]
    shown = _shown_requests(requests, only, never_ends=never_ends)
    detail: dict[str, Any] = {
        "tid": table_map.active,
        "tName": table_map.name,
        "tags": [],
        "templates": table_map.templates,
        "template": table_map.template,
        "state": table_map.state,
        "lastRequests": shown,
        "isProjectDeleted": False,
    }
    if table_map.pid is not None:
        detail["pid"] = table_map.pid
    if shown:
        detail["lastRequest"] = shown[0]
    actions = shown_actions(table_map.state)
    if actions is not None:
        detail["actions"] = actions
    return {**_entities(table_map.definition), "detail": detail}


def _entities(mapped: MapDefinition) -> dict[str, Any]:
    left = {"targetType": "AX", "name": mapped.finops_entity, "displayName": mapped.finops_entity}
    right = {"targetType": "CRM", "name": mapped.dataverse_set, "displayName": mapped.dataverse_set}
    return {
        "leftEntity": {**left, "singletonName": mapped.finops_entity},
        "rightEntity": {**right, "singletonName": dataverse_table(mapped)},
    }


def _key(cid: str, map_id: str) -> str:
    return f"{cid}/{map_id}"


def _read(document: dict[str, Any]) -> TableMap:
    pending = document["pending"]
    states = {"state": MapState(document["state"]), "pending": MapState(pending) if pending else None}
    return TableMap(**{**document, **states})
