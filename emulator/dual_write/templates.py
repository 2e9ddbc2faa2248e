"""Versions of maps: what E2 calls templates, their order of start (E5), and the active one (E6)."""

from collections.abc import Iterable, Sequence
from typing import Any

from emulator.dual_write import maps
from emulator.dual_write.connections import timestamp
from emulator.dual_write.definitions import AUTHOR, PUBLISHER_PREFIX, MapDefinition, template_id
from emulator.dual_write.errors import conflict
from emulator.dual_write.maps import TableMap
from emulator.dual_write.states import STARTABLE, state_name
from emulator.tenant import Tenant

FIRST_VERSION = "1.0.0.0"
PARKED_VERSION = "9.9.9.9"


def template(
    tenant: Tenant, mapped: MapDefinition, version: str, *, author: str = AUTHOR, copy: int = 0
) -> dict[str, Any]:
    """Return one version of a map in E2's shape."""
    major, minor, build, revision = (int(part) for part in version.split("."))
    return {
        "id": template_id(mapped.name, version, copy, author),
        "name": f"{PUBLISHER_PREFIX}_[{mapped.name}]",
        "readOnly": False,
        "displayName": mapped.finops_entity,
        "author": author,
        "version": {
            "major": major,
            "minor": minor,
            "build": build,
            "revision": revision,
            "majorRevision": 0,
            "minorRevision": 0,
        },
        "tags": [],
        "description": mapped.finops_entity,
        "createdDateTime": timestamp(tenant),
    }


def new_templates(tenant: Tenant, mapped: MapDefinition, *, copy: int = 0) -> list[dict[str, Any]]:
    """Return the versions with which a map appears; the first is to be the active one."""
    versions = [FIRST_VERSION, PARKED_VERSION] if tenant.switches["parked_version"] else [FIRST_VERSION]
    return [template(tenant, mapped, version, copy=copy) for version in versions]


def sequence(known: Sequence[TableMap], asked: TableMap, *, mutual: bool) -> list[str]:
    """Return the active template ids of a map's prerequisites in starting order, the map itself last (E5).

    Only maps of this link count; with `mutual` a first prerequisite names the map that needs it as well.
    """
    by_name = {one.name: one for one in known}
    ordered: list[TableMap] = []
    seen = {asked.name}

    def visit(current: TableMap) -> None:
        for name in current.definition.depends_on:
            needed = by_name.get(name)
            if needed is not None and name not in seen:
                seen.add(name)
                visit(needed)
                ordered.append(needed)

    visit(asked)
    dependent = _first_dependent(known, asked) if mutual else None
    if dependent is not None and dependent.name not in seen:
        ordered.append(dependent)
    return [one.active for one in [*ordered, asked]]


def missing_prerequisites(known: Iterable[TableMap], asked: TableMap) -> list[str]:
    """Return the names of the map's prerequisites in this link that do not sync."""
    wanted = asked.definition.depends_on
    return sorted(one.name for one in known if one.name in wanted and one.state in STARTABLE)


def _is_stopped(table_map: TableMap) -> bool:
    return table_map.state in STARTABLE and not table_map.is_busy


def switch(tenant: Tenant, table_map: TableMap, tid: str) -> None:
    """Make a version the active one, by the rule of the switch `switch_while_running`.

    Raises:
        ServiceError: 409, the map runs or is busy.
    """
    rule = "take" if _is_stopped(table_map) else tenant.switches["switch_while_running"]
    if rule == "refuse":
        # Documented: Microsoft Learn, Customize table and column mappings: a map is stopped before its mapping changes
        raise conflict(f"The map '{table_map.name}' must be stopped first; it is {state_name(table_map.state)}.")
    if rule == "ignore":
        return
    table_map.active = next(one["id"] for one in table_map.templates if one["id"].casefold() == tid.casefold())
    maps.save(tenant, table_map)


def _first_dependent(known: Sequence[TableMap], asked: TableMap) -> TableMap | None:
    return next((one for one in known if one.definition.depends_on[:1] == (asked.name,)), None)
