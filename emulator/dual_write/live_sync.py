"""Live sync: a row written on one side of a link reaches the other side inside the writer's own transaction.

Dual-write is synchronous (dual-write-semantics.md 7.7): what the other side refuses fails the client's write. Maps that
initialize, resume or are paused queue the change instead; stopped ones are not in the index.
"""

from functools import partial

from emulator.dual_write import connections, live_index, maps, queue
from emulator.dual_write.connections import Connection
from emulator.dual_write.maps import TableMap
from emulator.dual_write.sent_rows import observed
from emulator.dual_write.states import MapState
from emulator.dual_write.transfer import ORIGIN, Change, Transfer
from emulator.tables import Write
from emulator.tenant import Tenant


def register(tenant: Tenant) -> None:
    """Follow every write of both planes."""
    queue.create(tenant)
    tenant.rows.on_write(partial(follow, tenant))


def follow(tenant: Tenant, write: Write) -> None:
    """Send a write through every map on its table, or queue it; SyncError fails the client's write."""
    if write.origin == ORIGIN:
        return
    found = live_index.lookup(tenant, write.plane, write.host, write.table)
    if found is None:
        return
    cid, map_ids = found
    connection = connections.find(tenant, cid)
    if connection is None:
        return
    change = Change(write.plane, write.row_id, write.old, write.new, write.changes)
    for map_id in map_ids:
        table_map = maps.find(tenant, cid, map_id)
        if table_map is not None:
            _carry(tenant, connection, table_map, change)


def _carry(tenant: Tenant, connection: Connection, table_map: TableMap, change: Change) -> None:
    """Send the change through one map, or queue it while the map is paused."""
    transfer = Transfer(tenant, connection, table_map.definition)
    if not transfer.concerns(change):
        return
    if table_map.state is MapState.RUNNING:
        with observed(tenant, table_map, change):
            transfer.apply(change)
    else:
        queue.add(tenant, table_map, change)
