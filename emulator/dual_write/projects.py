"""The project of a map: mappings, filters and table metadata, in E7's shape."""

import json
from typing import Any

from emulator.data.maps import Field
from emulator.data.schemas import Plane, Table, table
from emulator.dual_write import connections, maps
from emulator.dual_write.connections import Connection, timestamp
from emulator.dual_write.definitions import MapDefinition
from emulator.dual_write.errors import not_found
from emulator.dual_write.maps import TableMap
from emulator.dual_write.states import SYNCING
from emulator.tenant import Tenant

LEG_ID = "001"


def find(tenant: Tenant, pid: str) -> tuple[Connection, TableMap]:
    """Return link and map of a project id.

    Raises:
        ServiceError: 404, there is no such project.
    """
    table_map = maps.by_project(tenant, pid)
    if table_map is None:
        # Documented: RFC 9110, 15.5.5: 404 where what the address names is not there
        raise not_found(f"Project '{pid}'")
    return connections.require(tenant, table_map.cid), table_map


def find_by_name(tenant: Tenant, name: str) -> tuple[Connection, TableMap]:
    """Return link and map of a project name.

    Raises:
        ServiceError: 404, there is no such project.
    """
    for connection in connections.connections(tenant):
        for table_map in maps.maps_of(tenant, connection.cid):
            if table_map.project is not None and table_map.project.casefold() == name.casefold():
                return connection, table_map
    # Documented: RFC 9110, 15.5.5: 404 where what the address names is not there
    raise not_found(f"Project '{name}'")


def refresh(tenant: Tenant, connection: Connection, table_map: TableMap) -> None:
    """Renew what a project knows of its tables and keys (E8); that it is done at once is assumed."""
    table_map.keys = list(connection.integration_keys.get(table_map.definition.dataverse_set, ()))
    table_map.refreshed_on = timestamp(tenant)
    maps.save(tenant, table_map)


def keys_mismatch(connection: Connection, table_map: TableMap) -> bool:
    """Return whether the link's key of the table is another one than the project's."""
    wanted = connection.integration_keys.get(table_map.definition.dataverse_set, ())
    return {key.casefold() for key in wanted} != {key.casefold() for key in table_map.keys or ()}


def wire(connection: Connection, table_map: TableMap) -> dict[str, Any]:
    """Return E7's answer."""
    mapped = table_map.definition
    template = table_map.template
    return {
        "id": table_map.pid,
        "name": table_map.project,
        "displayName": mapped.finops_entity,
        "environments": [environment(connection, "AX", [mapped]), environment(connection, "CRM", [mapped])],
        "targetTypeList": ["AX", "CRM"],
        "entityMappingTasks": [_task(mapped, connection)],
        "validationIssues": [],
        "isDualWriteProject": True,
        "isDualWriteEnabled": table_map.state in SYNCING,
        "skipInitialSync": True,
        "areKeysMismatched": keys_mismatch(connection, table_map),
        "templateIdentifier": {
            "name": template["name"],
            "version": template["version"],
            "id": template["id"],
            "displayName": template["displayName"],
        },
        "authorizedUsers": [],
        "owner": connection.owner,
        "createdDateTime": connection.created_on,
        "tags": [],
    }


def environment(connection: Connection, target: str, mapped: list[MapDefinition]) -> dict[str, Any]:
    """Return one side of a link with the tables of these maps, as E7 lists and E10 keys them."""
    is_finance = target == "AX"
    host = connection.finance_host if is_finance else connection.dataverse_host
    plane: Plane = "finops" if is_finance else "dataverse"
    schemas: dict[str, dict[str, Any]] = {}
    for one in mapped:
        name = one.finops_entity if is_finance else one.dataverse_set
        source = table(plane, one.finops_set if is_finance else one.dataverse_set)
        if name not in schemas:
            schemas[name] = _schema(
                source, name, target, [] if is_finance else connection.integration_keys.get(name, [])
            )
    return {
        "name": host,
        "connectionSetName": connection.cname,
        "targetType": target,
        "schemas": list(schemas.values()),
        "environmentDisplayName": host.split(".")[0],
        "powerAppsEnvironment": connection.environment_id,
        "directUrl": f"https://{host}/",
        "isDevInstance": False,
        "needsIntegrationKey": not is_finance,
    }


def mapping_task(mapped: MapDefinition) -> str:
    """Return the text of `msdyn_mapping`: one mapping task without environments (10.1)."""
    return json.dumps(_task(mapped, None))


def _task(mapped: MapDefinition, connection: Connection | None) -> dict[str, Any]:
    leg = {
        "id": LEG_ID,
        "sourceSchema": mapped.finops_entity,
        "sourceEnvironmentType": "AX",
        "sourceFilter": mapped.finops_filter,
        "isSourceFilterEditable": True,
        "destinationSchema": mapped.dataverse_set,
        "destinationEnvironmentType": "CRM",
        "reversedSourceFilter": mapped.dataverse_filter,
        "fieldMappings": [_field_mapping(field) for field in mapped.fields],
    }
    if connection is not None:
        leg |= {"sourceEnvironment": connection.finance_host, "destinationEnvironment": connection.dataverse_host}
    return {
        "name": mapped.finops_entity,
        "order": 0,
        "leftEnvironmentType": "AX",
        "centerEnvironmentType": "CRM",
        "rightEnvironmentType": "UNDEFINED",
        "legs": [leg],
    }


def _field_mapping(field: Field) -> dict[str, Any]:
    mapping: dict[str, Any] = {
        "syncDirection": str(field.direction),
        "sourceField": field.source,
        "destinationField": field.dataverse or "none",
        "isSystemGenerated": False,
    }
    if field.lookup is not None:
        mapping["destinationLookupFieldRelatedEntity"] = field.lookup
    if field.value_map is not None:
        mapping["valueTransforms"] = [{"transformType": "ValueMap", "valueMap": field.value_map}]
    elif field.default is not None:
        mapping["valueTransforms"] = [{"transformType": "Default", "defaultValue": field.default}]
    return mapping


def _schema(source: Table, name: str, target: str, key: list[str]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "id": f"{target}-{name}",
        "targetType": target,
        "name": name,
        "displayName": name,
        "fields": [
            {"name": column.name, "displayName": column.name, "isRequired": column.name in source.mandatory}
            for column in source.columns.values()
        ],
        "keys": [],
        "singletonName": source.logical,
    }
    if key:
        schema["keys"] = [
            {
                "name": "userKeys",
                "displayName": "User keys",
                "fields": key,
                "isIntegrationKey": True,
                "isPrimaryKey": False,
                "isCustomized": False,
                "isHardcoded": False,
            }
        ]
    return schema
