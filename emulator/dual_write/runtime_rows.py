"""What a map that is on leaves in both data planes: dual-write's own run-time configuration.

Dataverse: `msdyn_dualwriteruntimeconfigs`, only for maps with Dataverse as a source; F&O:
`DualWriteProjectConfigurations` (dual-write-management-api.md 10.1, 10.2). One F&O row per map is assumed; one page
speaks of two.
"""

import json
import uuid
from typing import Any

from emulator.data.schemas import Plane, table
from emulator.dual_write.connections import Connection
from emulator.dual_write.definitions import dataverse_table
from emulator.dual_write.maps import TableMap
from emulator.dual_write.states import SYNCING, MapState
from emulator.tables.keys import row_id_of
from emulator.tenant import Tenant

DATAVERSE_SET = "msdyn_dualwriteruntimeconfigs"
FINANCE_SET = "DualWriteProjectConfigurations"
ORIGIN = "dual-write"
_NAMESPACE = uuid.UUID("0c7d2a0e-8f5e-4b0c-9c53-9f6d2f1a7b64")
_DATAVERSE_TYPE, _FINANCE_TYPE = 1, 3  # 5.8: the runtime rows write target types as numbers


def update(tenant: Tenant, connection: Connection, table_map: TableMap, state: MapState) -> None:
    """Add the rows of a map that came on, remove those of one that went off."""
    if table_map.project is None:
        return
    if state in SYNCING:
        if any(field.direction in {2, 3} for field in table_map.definition.fields):
            _put(tenant, "dataverse", connection.dataverse_host, DATAVERSE_SET, _dataverse_row(table_map))
        _put(tenant, "finops", connection.finance_host, FINANCE_SET, _finance_row(connection, table_map))
    else:
        _drop(tenant, "dataverse", connection.dataverse_host, DATAVERSE_SET, _dataverse_row(table_map))
        _drop(tenant, "finops", connection.finance_host, FINANCE_SET, _finance_row(connection, table_map))


def clear(tenant: Tenant, connection: Connection) -> None:
    """Empty both tables, left-over rows of earlier links included (dual-write-semantics.md 9, reset)."""
    places: tuple[tuple[Plane, str, str], ...] = (
        ("dataverse", connection.dataverse_host, DATAVERSE_SET),
        ("finops", connection.finance_host, FINANCE_SET),
    )
    for plane, host, entity_set in places:
        for row in list(tenant.rows.scan(plane, host, entity_set)):
            tenant.rows.delete(plane, host, entity_set, row_id_of(table(plane, entity_set), row), origin=ORIGIN)


def _put(tenant: Tenant, plane: Any, host: str, entity_set: str, values: dict[str, Any]) -> None:
    row_id = row_id_of(table(plane, entity_set), values)
    if tenant.rows.get(plane, host, entity_set, row_id) is None:
        tenant.rows.insert(plane, host, entity_set, values, origin=ORIGIN)


def _drop(tenant: Tenant, plane: Any, host: str, entity_set: str, values: dict[str, Any]) -> None:
    row_id = row_id_of(table(plane, entity_set), values)
    if tenant.rows.get(plane, host, entity_set, row_id) is not None:
        tenant.rows.delete(plane, host, entity_set, row_id, origin=ORIGIN)


def _dataverse_row(table_map: TableMap) -> dict[str, Any]:
    mapped, version = table_map.definition, table_map.template["version"]
    unsecure = {
        "ProjectId": table_map.pid,
        "SourceEntityName": mapped.dataverse_set,
        "SourceEnvironmentType": _DATAVERSE_TYPE,
        "DestinationEntityName": mapped.finops_entity,
        "DestinationEnvironmentType": _FINANCE_TYPE,
        "EntityMapVersion": {part.capitalize(): version[part] for part in ("major", "minor", "build", "revision")},
    }
    key = table("dataverse", DATAVERSE_SET).key[0]
    return {
        key: str(uuid.uuid5(_NAMESPACE, str(table_map.pid))),
        "msdyn_name": table_map.project,
        "msdyn_unsecure": json.dumps(unsecure),
        "msdyn_internalentityname": dataverse_table(mapped),
        "msdyn_externalentityname": mapped.finops_entity,
    }


def _finance_row(connection: Connection, table_map: TableMap) -> dict[str, Any]:
    mapped = table_map.definition
    return {
        "ProjectName": table_map.project,
        "InternalEntityName": mapped.finops_entity,
        "ExternalEntityName": mapped.dataverse_set,
        "ExternalEnvironmentUrl": f"https://{connection.dataverse_host}/",
        "IsDelete": "No",
        "IsDebugMode": "No",
    }
