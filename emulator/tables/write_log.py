"""How often each row was written: one line a write, for tests that count (`GET /_emulator/writes`).

Left out is what seed sections say row by row; a write that is undone leaves no line. The newest million lines are kept.
"""

from typing import TypedDict

from emulator.core.store import Store
from emulator.tables.hooks import Write

SCHEMA = """
CREATE TABLE IF NOT EXISTS row_writes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL, entity_set TEXT NOT NULL, id TEXT NOT NULL,
    origin TEXT NOT NULL
);
"""
SEED = "seed"
KEPT, _TRIM_EVERY = 1_000_000, 10_000


class Counts(TypedDict):
    """How often rows were written. `last`: the number to give as `since` next time; `rows`: id to number of writes."""

    last: int
    writes: int
    rows: dict[str, int]


class WriteLog:
    """The lines, in the order of the writes."""

    def __init__(self, store: Store) -> None:
        """Create the table."""
        self._store = store
        store.create(SCHEMA)

    def note(self, write: Write) -> None:
        """Add a line for a write of either plane."""
        if write.origin == SEED:
            return
        noted = self._store.execute(
            "INSERT INTO row_writes (host, entity_set, id, origin) VALUES (?, ?, ?, ?)",
            (write.host, write.table, write.row_id, write.origin),
        )
        if (noted.lastrowid or 0) % _TRIM_EVERY == 0:
            self._store.execute("DELETE FROM row_writes WHERE seq <= ?", ((noted.lastrowid or 0) - KEPT,))

    def counted(self, *, host: str | None, entity_set: str | None, origin: str | None, since: int) -> Counts:
        """Return how often rows were written since line number `since`.

        `origin`: client, dual-write, system (the platform itself) or support; None counts all. Without a host and a
        set, rows of several tables that share an id are counted together.
        """
        rows = self._store.execute(
            "SELECT id, count(*) FROM row_writes WHERE seq > ? AND (? IS NULL OR host = ?)"
            " AND (? IS NULL OR entity_set = ?) AND (? IS NULL OR origin = ?) GROUP BY id",
            (since, host, host, entity_set, entity_set, origin, origin),
        ).fetchall()
        (last,) = self._store.execute("SELECT IFNULL(max(seq), 0) FROM row_writes").fetchone()
        return Counts(last=last, writes=sum(number for _, number in rows), rows=dict(rows))
