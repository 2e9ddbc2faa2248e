"""The one place where the life cycle of maps meets the movement of rows."""

from collections.abc import Sequence

from emulator.dual_write import executions, initial_sync, live_index, live_sync, queue, runtime_rows
from emulator.dual_write.connections import Connection
from emulator.dual_write.maps import TableMap, save
from emulator.dual_write.states import STARTABLE, CatchUp, MapState
from emulator.tenant import Tenant


def register(tenant: Tenant) -> None:
    """Hang the movement of rows into the tenant."""
    live_sync.register(tenant)


def enter(
    tenant: Tenant,
    connection: Connection,
    table_maps: Sequence[TableMap],
    state: MapState,
    catch_up: CatchUp = CatchUp.PLAY_BACK,
) -> None:
    """Put maps into a state and do with their queues what the state means (dual-write-management-api.md 5.5, 6).

    Queues of several maps are played back together, in the order in which the rows changed.
    """
    # Of a queue only a map that begins to run chooses; one that stops loses it.
    choice = CatchUp.DROP if state in STARTABLE else catch_up if state is MapState.RUNNING else CatchUp.PLAY_BACK
    for table_map in table_maps:
        if choice is CatchUp.KEEP_AS_ERRORS:
            queue.keep_as_errors(tenant, table_map)
        elif choice is CatchUp.DROP:
            queue.discard(tenant, table_map)
        _set_state(tenant, connection, table_map, state)
    if state is MapState.RUNNING:
        queue.play_back(tenant, connection, table_maps)


def _set_state(tenant: Tenant, connection: Connection, table_map: TableMap, state: MapState) -> None:
    """Put a map into a state and keep the live index and the runtime rows of both sides in step."""
    table_map.state = state
    table_map.pending = None
    table_map.paused_on = tenant.clock.now().isoformat() if state is MapState.PAUSED else None
    save(tenant, table_map)
    live_index.update(tenant, connection, table_map.id, table_map.definition, state)
    runtime_rows.update(tenant, connection, table_map, state)


def begin(tenant: Tenant, connection: Connection, table_map: TableMap, request_id: str, master: str) -> float:
    """Begin the initial sync of a map and return how many virtual seconds it takes."""
    return initial_sync.begin(tenant, connection, table_map, request_id=request_id, master=master)


def finish(tenant: Tenant, connection: Connection, table_map: TableMap, request_id: str) -> str | None:
    """End the initial sync of a map and return the error text of its request, None when all rows went over."""
    return initial_sync.finish(tenant, connection, table_map, request_id=request_id)


def forget(tenant: Tenant, cid: str) -> None:
    """Forget queues, errors and history of a link."""
    queue.remove_all(tenant, cid)
    executions.remove_all(tenant, cid)
