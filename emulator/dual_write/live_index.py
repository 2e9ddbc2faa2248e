"""Which maps a written row concerns: one small document per table, kept in step with the maps' states.

A bootstrap writes tens of thousands of rows; each write must not read all maps of the link.
"""

from emulator.dual_write.connections import Connection
from emulator.dual_write.definitions import MapDefinition
from emulator.dual_write.states import SYNCING, MapState
from emulator.tenant import Tenant

KIND = "dualwrite.live"


def update(tenant: Tenant, connection: Connection, map_id: str, mapped: MapDefinition, state: MapState) -> None:
    """Add or remove a map at the tables of both of its sides."""
    for plane, host, table in _tables(connection, mapped):
        key = _key(plane, host, table)
        document = tenant.store.get(KIND, key) or {"cid": connection.cid, "maps": []}
        others = [other for other in document["maps"] if other != map_id]
        document["maps"] = [*others, map_id] if state in SYNCING else others
        if document["maps"]:
            tenant.store.put(KIND, key, document)
        else:
            tenant.store.delete(KIND, key)


def lookup(tenant: Tenant, plane: str, host: str, table: str) -> tuple[str, list[str]] | None:
    """Return `cid` and ids of the maps that see writes of this table, in the order of their start, or None."""
    document = tenant.store.get(KIND, _key(plane, host, table))
    return (document["cid"], document["maps"]) if document else None


def clear(tenant: Tenant, connection: Connection) -> None:
    """Forget all tables of a link."""
    for prefix in (_key("dataverse", connection.dataverse_host, ""), _key("finops", connection.finance_host, "")):
        for key, _ in tenant.store.items(KIND, prefix):
            tenant.store.delete(KIND, key)


def _tables(connection: Connection, mapped: MapDefinition) -> tuple[tuple[str, str, str], ...]:
    return (
        ("dataverse", connection.dataverse_host, mapped.dataverse_set),
        ("finops", connection.finance_host, mapped.finops_set),
    )


def _key(plane: str, host: str, table: str) -> str:
    return f"{plane}/{host}/{table}".casefold()
