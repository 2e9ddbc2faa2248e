"""The requests the tenant received: what was asked and what status it got, never bodies or tokens.

The newest million are kept.
"""

from typing import TypedDict

from emulator.core.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, service TEXT NOT NULL, host TEXT NOT NULL,
    method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL, status INTEGER NOT NULL,
    identity TEXT NOT NULL, correlation_id TEXT NOT NULL
);
"""

KEPT, _TRIM_EVERY = 1_000_000, 10_000
COLUMNS = ("seq", "time", "service", "host", "method", "path", "query", "status", "identity", "correlation_id")


class Entry(TypedDict):
    """One request as it is noted; `status` 0 is a connection that was dropped without an answer."""

    time: str
    service: str
    host: str
    method: str
    path: str
    query: str
    status: int
    identity: str
    correlation_id: str


class Row(Entry):
    """One row of the journal: an entry and its number."""

    seq: int


class Journal:
    """Rows in the order of arrival."""

    def __init__(self, store: Store) -> None:
        """Create the table."""
        self._store = store
        store.create(SCHEMA)

    def append(self, entry: Entry) -> None:
        """Add one row."""
        noted = self._store.execute(
            "INSERT INTO journal (time, service, host, method, path, query, status, identity, correlation_id)"
            " VALUES (:time, :service, :host, :method, :path, :query, :status, :identity, :correlation_id)",
            entry,
        )
        if (noted.lastrowid or 0) % _TRIM_EVERY == 0:
            self._store.execute("DELETE FROM journal WHERE seq <= ?", ((noted.lastrowid or 0) - KEPT,))

    def rows(
        self, since: int = 0, service: str | None = None, method: str | None = None, last: int | None = None
    ) -> list[Row]:
        """Return the rows after number `since`, oldest first; `last` keeps only that many of the newest."""
        rows = self._store.execute(
            f"SELECT {', '.join(COLUMNS)} FROM journal WHERE seq > ?"  # noqa: S608 - constant column names
            " AND (? IS NULL OR service = ?) AND (? IS NULL OR method = upper(?)) ORDER BY seq DESC LIMIT ?",
            (since, service, service, method, method, -1 if last is None else last),
        ).fetchall()
        return [Row(**dict(zip(COLUMNS, row, strict=True))) for row in reversed(rows)]  # type: ignore[typeddict-item]
