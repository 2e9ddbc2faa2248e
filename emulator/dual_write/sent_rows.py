"""What becomes of each change that a map takes to the other side, published for those who show it.

The signal comes inside the writer's transaction, also for a write that the other side refused. An initial sync moves
rows in bulk and publishes none: its executions count them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from emulator.dual_write.maps import TableMap
from emulator.dual_write.transfer import Change
from emulator.tables import SyncError
from emulator.tenant import Tenant


@dataclass(frozen=True)
class RowSent:
    """One change and what came of it.

    `seconds` of real time; `error`: why the other side refused; `queued`: it had waited for its map.
    """

    table_map: TableMap
    change: Change
    seconds: float
    error: str | None
    queued: bool


@contextmanager
def observed(tenant: Tenant, table_map: TableMap, change: Change, *, queued: bool = False) -> Iterator[None]:
    """Publish what becomes of a change that is sent inside the block; the SyncError of a refusal goes on."""
    began = perf_counter()
    error: str | None = None
    try:
        yield
    except SyncError as refusal:
        error = str(refusal)
        raise
    finally:
        tenant.signals.publish(RowSent(table_map, change, perf_counter() - began, error, queued))
