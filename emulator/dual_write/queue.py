"""Changes that wait while their map initializes, resumes or is paused; and those that failed when played back.

Limits of a pause and the life of catch-up errors are dual-write-semantics.md 7.8. Assumed: deletions are queued like
other changes; where both sides changed one row during a pause, the later change wins on both; the text of a full queue.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from emulator.dual_write.connections import Connection
from emulator.dual_write.maps import TableMap
from emulator.dual_write.sent_rows import observed
from emulator.dual_write.states import MapState
from emulator.dual_write.transfer import Change, Transfer
from emulator.tables import SyncError
from emulator.tenant import Tenant

SCHEMA = """
CREATE TABLE IF NOT EXISTS dual_write_queue (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, cid TEXT NOT NULL, map TEXT NOT NULL, change TEXT NOT NULL,
    error TEXT, failed_on TEXT
);
CREATE INDEX IF NOT EXISTS dual_write_queue_map ON dual_write_queue (cid, map, seq);
"""
ERROR_LIFE = timedelta(days=1)
KEPT_TEXT = "Catch-up was skipped; the record was not written."


@dataclass(frozen=True)
class CatchUpError:
    """A queued change that was not written, and why."""

    seq: int
    change: Change
    text: str


def create(tenant: Tenant) -> None:
    """Create the table in the tenant's store."""
    tenant.store.create(SCHEMA)


def add(tenant: Tenant, table_map: TableMap, change: Change) -> None:
    """Queue a change; SyncError when the pause has lasted too long or holds too much."""
    _check_limits(tenant, table_map)
    tenant.store.execute(
        "INSERT INTO dual_write_queue (cid, map, change) VALUES (?, ?, ?)",
        (table_map.cid, table_map.id, json.dumps(asdict(change), separators=(",", ":"))),
    )


def lengths(tenant: Tenant, cid: str) -> dict[str, tuple[int, int]]:
    """Return id of map to how many changes wait for it and how many were not written, of maps that have any."""
    rows = tenant.store.execute(
        "SELECT map, sum(error IS NULL), sum(error IS NOT NULL) FROM dual_write_queue WHERE cid = ? GROUP BY map",
        (cid,),
    ).fetchall()
    return {map_id: (waiting, failed) for map_id, waiting, failed in rows}


def queued(tenant: Tenant, table_map: TableMap) -> list[Change]:
    """Return the changes that wait for a map, in the order in which they were made."""
    return [change for _, change in _waiting(tenant, table_map)]


def catch_up_errors(tenant: Tenant, table_map: TableMap) -> list[CatchUpError]:
    """Return the changes of the last day that were not written; older ones are purged."""
    limit = (tenant.clock.now() - ERROR_LIFE).isoformat(timespec="microseconds")
    where = (table_map.cid, table_map.id)
    tenant.store.execute(
        "DELETE FROM dual_write_queue WHERE cid = ? AND map = ? AND error IS NOT NULL AND failed_on < ?",
        (*where, limit),
    )
    rows = tenant.store.execute(
        "SELECT seq, change, error FROM dual_write_queue WHERE cid = ? AND map = ? AND error IS NOT NULL ORDER BY seq",
        where,
    ).fetchall()
    return [CatchUpError(seq, _read(change), error) for seq, change, error in rows]


def _send(tenant: Tenant, table_map: TableMap, transfer: Transfer, change: Change) -> None:
    if transfer.concerns(change):
        with observed(tenant, table_map, change, queued=True):
            transfer.apply(change)
        transfer.settle(change)


def play_back(tenant: Tenant, connection: Connection, table_maps: Sequence[TableMap]) -> int:
    """Send everything queued for these maps, in the full order of the changes.

    Returns:
        How many changes failed; they stay as catch-up errors.
    """
    waiting = [(seq, change, table_map) for table_map in table_maps for seq, change in _waiting(tenant, table_map)]
    failures = 0
    for seq, change, table_map in sorted(waiting, key=lambda entry: entry[0]):
        transfer = Transfer(tenant, connection, table_map.definition)
        try:
            with tenant.store.transaction():
                _send(tenant, table_map, transfer, change)
        except SyncError as error:
            failures += 1
            _fail(tenant, seq, str(error))
        else:
            tenant.store.execute("DELETE FROM dual_write_queue WHERE seq = ?", (seq,))
    return failures


def keep_as_errors(tenant: Tenant, table_map: TableMap) -> int:
    """Turn all queued changes of a map into catch-up errors and return how many there were."""
    waiting = list(_waiting(tenant, table_map))
    for seq, _ in waiting:
        _fail(tenant, seq, KEPT_TEXT)
    return len(waiting)


def discard(tenant: Tenant, table_map: TableMap) -> None:
    """Forget all queued changes of a map; catch-up errors stay."""
    tenant.store.execute(
        "DELETE FROM dual_write_queue WHERE cid = ? AND map = ? AND error IS NULL", (table_map.cid, table_map.id)
    )


def remove_all(tenant: Tenant, cid: str) -> None:
    """Forget everything queued on a link."""
    tenant.store.execute("DELETE FROM dual_write_queue WHERE cid = ?", (cid,))


def _waiting(tenant: Tenant, table_map: TableMap) -> Iterator[tuple[int, Change]]:
    rows = tenant.store.execute(
        "SELECT seq, change FROM dual_write_queue WHERE cid = ? AND map = ? AND error IS NULL ORDER BY seq",
        (table_map.cid, table_map.id),
    ).fetchall()
    return ((seq, _read(change)) for seq, change in rows)


def _fail(tenant: Tenant, seq: int, text: str) -> None:
    now = tenant.clock.now().isoformat(timespec="microseconds")
    tenant.store.execute("UPDATE dual_write_queue SET error = ?, failed_on = ? WHERE seq = ?", (text, now, seq))


def _check_limits(tenant: Tenant, table_map: TableMap) -> None:
    if table_map.state is not MapState.PAUSED:
        return
    longest = timedelta(days=tenant.switches["dual_write_queue_days"])
    too_long = table_map.paused_on and tenant.clock.now() - datetime.fromisoformat(table_map.paused_on) > longest
    (size,) = tenant.store.execute(
        "SELECT IFNULL(sum(length(change)), 0) FROM dual_write_queue WHERE cid = ? AND map = ? AND error IS NULL",
        (table_map.cid, table_map.id),
    ).fetchone()
    if too_long or size >= tenant.switches["dual_write_queue_bytes"]:
        msg = f"The table map {table_map.name} is paused and its queue takes no more records. Resume the table map."
        raise SyncError(msg)


def _read(text: str) -> Change:
    document: dict[str, Any] = json.loads(text)
    return Change(**{**document, "changes": tuple(document["changes"])})
