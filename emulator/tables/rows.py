"""The rows of both planes: one indexed table of JSON documents, with keys enforced and hooks on every write.

A row is what the plane's OData shows: Dataverse rows carry lookups as `_x_value`, F&O rows `dataAreaId` in lower case.
Text compares without regard to case, as in both services. `@odata.etag` changes with every write.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from emulator.core.store import Store
from emulator.core.wire import Caller
from emulator.data.schemas import Plane, Table, table
from emulator.tables import bounds
from emulator.tables.hooks import BeforeWrite, Draft, OnWrite, Write
from emulator.tables.keys import Condition, RowError, equality, key_value, row_id_of, space_of
from emulator.tables.values import coerce_all

SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    space INTEGER NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, company TEXT, version INTEGER NOT NULL,
    data TEXT NOT NULL, PRIMARY KEY (space, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS rows_id ON rows (space, id);
CREATE INDEX IF NOT EXISTS rows_company ON rows (space, company, seq);
CREATE TABLE IF NOT EXISTS row_keys (
    space INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (space, name, value)
) WITHOUT ROWID;
"""

ETAG = "@odata.etag"
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Rows:
    """All rows of all instances. Everything runs inside the transaction of the present request or event."""

    def __init__(self, store: Store, new_id: Callable[[], str]) -> None:
        """Create the tables in the store; `new_id` makes the ids of Dataverse rows."""
        self._store = store
        self._new_id = new_id
        self._hooks: list[OnWrite] = []
        self._before: dict[str, list[BeforeWrite]] = {}
        self._writes = 0
        store.create(SCHEMA)

    def on_write(self, hook: OnWrite) -> None:
        """Call `hook(write)` after every write, before commit; what it raises undoes the write."""
        self._hooks.append(hook)

    def before_write(self, plane: Plane, hook: BeforeWrite) -> None:
        """Call `hook(draft)` to complete `draft.new` before it is stored."""
        self._before.setdefault(plane, []).append(hook)

    def get(self, plane: Plane, host: str, table_name: str, row_id: str) -> dict[str, Any] | None:
        """Return the row, or None."""
        row = self._store.execute(
            "SELECT version, data FROM rows WHERE space = ? AND id = ?",
            (space_of(plane, host, table_name), row_id.casefold()),
        ).fetchone()
        return None if row is None else _row(*row)

    def find_id(self, plane: Plane, host: str, table_name: str, equals: Mapping[str, Any]) -> str | None:
        """Return the id of the row with these values of an alternate key, unread; KeyError when that is no key."""
        schema = table(plane, table_name)
        wanted = coerce_all(schema, equals)
        name = {frozenset(columns): name for name, columns in schema.keys.items()}[frozenset(wanted)]
        row = self._store.execute(
            "SELECT id FROM row_keys WHERE space = ? AND name = ? AND value = ?",
            (space_of(plane, host, table_name), name, key_value(schema.keys[name], wanted)),
        ).fetchone()
        return None if row is None else str(row[0])

    def find(self, plane: Plane, host: str, table_name: str, equals: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the rows whose properties equal these; by index when they are a whole key."""
        schema = table(plane, table_name)
        wanted = coerce_all(schema, equals)
        space = space_of(plane, host, table_name)
        for name, columns in schema.keys.items():
            if set(columns) == set(wanted) and (value := key_value(columns, wanted)) is not None:
                return self._by_key(space, name, value)
        if set(schema.key) == set(wanted):
            row = self.get(plane, host, table_name, row_id_of(schema, wanted))
            return [row] if row else []
        return list(self.scan(plane, host, table_name, where=equality(schema, wanted)))

    def _by_key(self, space: int, name: str, value: str) -> list[dict[str, Any]]:
        row = self._store.execute(
            "SELECT r.version, r.data FROM row_keys k JOIN rows r ON r.space = k.space AND r.id = k.id "
            "WHERE k.space = ? AND k.name = ? AND k.value = ?",
            (space, name, value),
        ).fetchone()
        return [] if row is None else [_row(*row)]

    def scan(
        self,
        plane: Plane,
        host: str,
        table_name: str,
        where: Condition | None = None,
        limit: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Stream rows in the order in which they were created."""
        where = where or Condition()
        cursor = self._store.execute(
            f"SELECT r.version, r.data FROM rows r WHERE r.space = ? AND ({where.sql}) "  # noqa: S608
            "ORDER BY r.seq LIMIT ?",
            (space_of(plane, host, table_name), *where.parameters, -1 if limit is None else limit),
        )
        for version, data in cursor:
            yield _row(version, data)

    def ordered(
        self,
        plane: Plane,
        host: str,
        table_name: str,
        where: Condition,
        order: str,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return rows in the order of an ORDER BY clause over the alias `r`."""
        cursor = self._store.execute(
            f"SELECT r.version, r.data FROM rows r WHERE r.space = ? AND ({where.sql}) "  # noqa: S608
            f"ORDER BY {order}, r.seq LIMIT ? OFFSET ?",
            (space_of(plane, host, table_name), *where.parameters, -1 if limit is None else limit, offset),
        )
        return [_row(version, data) for version, data in cursor]

    def position(self, plane: Plane, host: str, table_name: str, row_id: str) -> int:
        """Return the place (`seq`) of a row in the order of `scan`, 0 when it is gone."""
        row = self._store.execute(
            "SELECT seq FROM rows WHERE space = ? AND id = ?", (space_of(plane, host, table_name), row_id.casefold())
        ).fetchone()
        return int(row[0]) if row else 0

    def count(
        self, plane: Plane, host: str, table_name: str, where: Condition | None = None, limit: int | None = None
    ) -> int:
        """Return how many rows satisfy the condition, counting no further than `limit`."""
        where = where or Condition()
        row = self._store.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM rows r WHERE r.space = ? AND ({where.sql}) LIMIT ?)",  # noqa: S608
            (space_of(plane, host, table_name), *where.parameters, -1 if limit is None else limit),
        ).fetchone()
        return int(row[0])

    def insert(
        self,
        plane: Plane,
        host: str,
        table_name: str,
        values: Mapping[str, Any],
        *,
        caller: Caller | None = None,
        origin: str = "client",
    ) -> dict[str, Any]:
        """Store a new row and return it; RowError duplicate, unknown-column, incomplete, too-long or outside-choice."""
        schema = table(plane, table_name)
        new = self._coerced(schema, values)
        if plane == "dataverse":
            new[schema.key[0]] = new.get(schema.key[0]) or self._new_id()
        self._complete(plane, Draft(host, schema, None, new, origin, caller))
        row_id = row_id_of(schema, new)
        space = space_of(plane, host, table_name)
        if self._exists(space, row_id):
            raise RowError("duplicate", "The record already exists.", schema.key)
        self._claim_keys(schema, space, row_id, None, new)
        seq = self._next_seq(space)
        self._store.execute(
            "INSERT INTO rows (space, seq, id, company, version, data) VALUES (?, ?, ?, ?, ?, ?)",
            (space, seq, row_id, _company(schema, new), 1, _text(new)),
        )
        stored = {ETAG: _etag(1), **new}
        write = Write(plane, host, table_name, "insert", row_id, None, stored, tuple(new), origin, caller)
        return self._publish(write, stored)

    def update(
        self,
        plane: Plane,
        host: str,
        table_name: str,
        row_id: str,
        changes: Mapping[str, Any],
        *,
        caller: Caller | None = None,
        origin: str = "client",
        present: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Change a row and return it; key values are left alone. RowError missing, duplicate or unknown-column.

        `present`: the row as the caller has just read it, which saves reading it again.
        """
        schema = table(plane, table_name)
        row_id = row_id.casefold()
        old = present or self.get(plane, host, table_name, row_id)
        if old is None:
            raise RowError("missing", f"There is no row {row_id} in {table_name}.")
        before = {name: value for name, value in old.items() if name != ETAG}
        kept = {name: value for name, value in changes.items() if name not in schema.key}
        new = {**before, **self._coerced(schema, kept)}
        self._complete(plane, Draft(host, schema, before, new, origin, caller))
        space = space_of(plane, host, table_name)
        self._claim_keys(schema, space, row_id, before, new)
        version = _version(old) + 1
        self._store.execute(
            "UPDATE rows SET company = ?, version = ?, data = ? WHERE space = ? AND id = ?",
            (_company(schema, new), version, _text(new), space, row_id),
        )
        changed = tuple(name for name in new if new[name] != before.get(name))
        stored = {ETAG: _etag(version), **new}
        write = Write(plane, host, table_name, "update", row_id, old, stored, changed, origin, caller)
        return self._publish(write, stored)

    def delete(
        self,
        plane: Plane,
        host: str,
        table_name: str,
        row_id: str,
        *,
        caller: Caller | None = None,
        origin: str = "client",
    ) -> None:
        """Remove a row; RowError missing."""
        row_id = row_id.casefold()
        old = self.get(plane, host, table_name, row_id)
        if old is None:
            raise RowError("missing", f"There is no row {row_id} in {table_name}.")
        schema = table(plane, table_name)
        space = space_of(plane, host, table_name)
        self._claim_keys(schema, space, row_id, old, {})
        self._store.execute("DELETE FROM rows WHERE space = ? AND id = ?", (space, row_id))
        self._call_hooks(Write(plane, host, table_name, "delete", row_id, old, None, (), origin, caller))

    def drop(self, plane: Plane, host: str, table_names: Sequence[str]) -> None:
        """Forget all rows of an instance, without hooks."""
        for name in table_names:
            space = space_of(plane, host, name)
            self._store.execute("DELETE FROM rows WHERE space = ?", (space,))
            self._store.execute("DELETE FROM row_keys WHERE space = ?", (space,))

    def move(self, plane: Plane, old_host: str, new_host: str, table_names: Sequence[str]) -> None:
        """Let an instance's rows be those of another host."""
        for name in table_names:
            spaces = (space_of(plane, new_host, name), space_of(plane, old_host, name))
            self._store.execute("UPDATE rows SET space = ? WHERE space = ?", spaces)
            self._store.execute("UPDATE row_keys SET space = ? WHERE space = ?", spaces)

    def _complete(self, plane: Plane, draft: Draft) -> None:
        for hook in self._before.get(plane, ()):
            hook(draft)

    def _exists(self, space: int, row_id: str) -> bool:
        cursor = self._store.execute("SELECT 1 FROM rows WHERE space = ? AND id = ?", (space, row_id))
        return cursor.fetchone() is not None

    def _next_seq(self, space: int) -> int:
        row = self._store.execute("SELECT max(seq) FROM rows WHERE space = ?", (space,)).fetchone()
        return int(row[0] or 0) + 1

    def _coerced(self, schema: Table, values: Mapping[str, Any]) -> dict[str, Any]:
        try:
            coerced = coerce_all(schema, values)
        except KeyError as error:
            msg = f"'{schema.set}' has no property '{error.args[0]}'."
            raise RowError("unknown-column", msg, (str(error.args[0]),)) from None
        bounds.check(schema, coerced)
        return coerced

    def _claim_keys(
        self, schema: Table, space: int, row_id: str, old: Mapping[str, Any] | None, new: Mapping[str, Any]
    ) -> None:
        for name, columns in schema.keys.items():
            before, after = key_value(columns, old or {}), key_value(columns, new)
            if before == after:
                continue
            if before is not None:
                self._store.execute(
                    "DELETE FROM row_keys WHERE space = ? AND name = ? AND value = ?", (space, name, before)
                )
            if after is not None:
                self._claim(schema, space, row_id, name, after)

    def _claim(self, schema: Table, space: int, row_id: str, name: str, value: str) -> None:
        holder = self._store.execute(
            "SELECT id FROM row_keys WHERE space = ? AND name = ? AND value = ?", (space, name, value)
        ).fetchone()
        if holder is not None:
            raise RowError("duplicate", "A record with matching key values already exists.", schema.keys[name])
        self._store.execute("INSERT INTO row_keys VALUES (?, ?, ?, ?)", (space, name, value, row_id))

    def _call_hooks(self, write: Write) -> None:
        self._writes += 1
        for hook in self._hooks:
            hook(write)

    def _publish(self, write: Write, stored: dict[str, Any]) -> dict[str, Any]:
        """Call the hooks and return the row, read again only when a hook wrote rows itself."""
        before = self._writes + 1
        self._call_hooks(write)
        if self._writes == before:
            return stored
        return self.get(write.plane, write.host, write.table, write.row_id) or stored


def _company(schema: Table, values: Mapping[str, Any]) -> str | None:
    value = values.get(schema.company) if schema.company else None
    return value.casefold() if isinstance(value, str) else None


def _text(values: Mapping[str, Any]) -> str:
    return _encode({name: value for name, value in values.items() if name != ETAG})


def _version(row: Mapping[str, Any]) -> int:
    return int(str(row[ETAG])[3:-1])


def _row(version: int, data: str) -> dict[str, Any]:
    return {ETAG: _etag(version), **json.loads(data)}


def _etag(version: int) -> str:
    return f'W/"{version}"'
