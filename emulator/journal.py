"""The requests the tenant received: what was asked and what status it got, never bodies or tokens.

The newest million are kept.
"""

from collections.abc import Mapping
from typing import Any

from emulator.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, service TEXT NOT NULL, host TEXT NOT NULL,
    method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL, status INTEGER NOT NULL,
    identity TEXT NOT NULL, correlation_id TEXT NOT NULL
);
"""

KEPT, _TRIM_EVERY = 1_000_000, 10_000
COLUMNS = ("seq", "time", "service", "host", "method", "path", "query", "status", "identity", "correlation_id")


class Journal:
    """Rows in the order of arrival; `status` 0 is a connection that was dropped without an answer."""

    def __init__(self, store: Store) -> None:
        """Create the table."""
        self._store = store
        store.create(SCHEMA)

    def append(self, row: Mapping[str, Any]) -> None:
        """Add one row; `row` has all columns but `seq`."""
        noted = self._store.execute(
            "INSERT INTO journal (time, service, host, method, path, query, status, identity, correlation_id)"
            " VALUES (:time, :service, :host, :method, :path, :query, :status, :identity, :correlation_id)",
            row,  # type: ignore[arg-type]
        )
        if (noted.lastrowid or 0) % _TRIM_EVERY == 0:
            self._store.execute("DELETE FROM journal WHERE seq <= ?", ((noted.lastrowid or 0) - KEPT,))

    def rows(
        self, since: int = 0, service: str | None = None, method: str | None = None, last: int | None = None
    ) -> list[dict[str, Any]]:
        """Return the rows after number `since`, oldest first; `last` keeps only that many of the newest."""
        found = self._store.execute(
            f"SELECT {', '.join(COLUMNS)} FROM journal WHERE seq > ?"  # noqa: S608 - constant column names
            " AND (? IS NULL OR service = ?) AND (? IS NULL OR method = upper(?)) ORDER BY seq DESC LIMIT ?",
            (since, service, service, method, method, -1 if last is None else last),
        ).fetchall()
        return [dict(zip(COLUMNS, row, strict=True)) for row in reversed(found)]
