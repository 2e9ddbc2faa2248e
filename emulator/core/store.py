"""The tenant's memory: one SQLite file that survives a kill, one transaction a request."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
"""


class Store:
    """JSON documents by kind and key, and whatever tables the packages bring along.

    The emulator runs on one thread, so there is one connection and no lock.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Open the file, or an in-memory database when `path` is None."""
        self.connection = sqlite3.connect(path or ":memory:", isolation_level=None, cached_statements=512)
        self._depth = 0
        # WAL without a sync per commit: a killed process loses nothing, only a power cut could.
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = OFF")
        # Tens of thousands of rows are written in random order: keep their pages (64 MB) at hand.
        self.connection.execute("PRAGMA cache_size = -65536")
        self.create(SCHEMA)

    def create(self, schema: str) -> None:
        """Run a module's SCHEMA: any number of CREATE ... IF NOT EXISTS statements."""
        self.connection.executescript(schema)

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """Return the document, or None when there is none."""
        row = self.execute("SELECT value FROM documents WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def put(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        """Write the document, replacing the one that stood under this key."""
        text = json.dumps(value, separators=(",", ":"))
        self.execute("INSERT OR REPLACE INTO documents (kind, key, value) VALUES (?, ?, ?)", (kind, key, text))

    def delete(self, kind: str, key: str) -> None:
        """Remove the document; nothing happens when there is none."""
        self.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key))

    def items(self, kind: str, prefix: str = "") -> list[tuple[str, dict[str, Any]]]:
        """Return key and document of every key that starts with `prefix`, ordered by key."""
        return [(key, json.loads(text)) for key, text in self.texts(kind, prefix)]

    def texts(self, kind: str, prefix: str = "") -> list[tuple[str, str]]:
        """Return key and text of the same documents, unread."""
        return self.execute(
            "SELECT key, value FROM documents WHERE kind = ? AND key >= ? AND substr(key, 1, ?) = ? ORDER BY key",
            (kind, prefix, len(prefix), prefix),
        ).fetchall()

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """Run one statement inside the current transaction."""
        return self.connection.execute(sql, parameters)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit when the block ends, roll back when it raises; inner blocks are savepoints."""
        begin, commit, rollback = self._statements()
        self.connection.execute(begin)
        self._depth += 1
        try:
            yield
        except BaseException:
            for statement in rollback:
                self.connection.execute(statement)
            raise
        else:
            self.connection.execute(commit)
        finally:
            self._depth -= 1

    def _statements(self) -> tuple[str, str, tuple[str, ...]]:
        if self._depth == 0:
            return "BEGIN", "COMMIT", ("ROLLBACK",)
        name = f"level_{self._depth}"
        return f"SAVEPOINT {name}", f"RELEASE {name}", (f"ROLLBACK TO {name}", f"RELEASE {name}")

    def tables(self) -> list[str]:
        """Return the names of all tables, the internal ones of SQLite left out."""
        rows = self.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return sorted(name for (name,) in rows.fetchall())

    def changes(self) -> int:
        """Return a number that grows with every row that is written, also with one that is rolled back."""
        return self.connection.total_changes

    def snapshot(self) -> sqlite3.Connection:
        """Copy the committed state into a database of its own, for reads that shall be stale."""
        copy = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.backup(copy)
        return copy

    @contextmanager
    def reading(self, snapshot: sqlite3.Connection) -> Iterator[None]:
        """Let every statement of the block see `snapshot`; what it writes there is lost."""
        live, self.connection = self.connection, snapshot
        try:
            yield
        finally:
            self.connection = live

    def close(self) -> None:
        """Close the file."""
        self.connection.close()
