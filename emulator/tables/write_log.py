"""How often each row was written: one line a write, for tests that count (`GET /_emulator/writes`).

Left out is what seed sections say row by row; a write that is undone leaves no line. The newest million lines are kept.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator.tables.rows import Write
    from emulator.tenant import Tenant

SCHEMA = """
CREATE TABLE IF NOT EXISTS row_writes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL, entity_set TEXT NOT NULL, id TEXT NOT NULL,
    origin TEXT NOT NULL
);
"""
SEED = "seed"
KEPT, _TRIM_EVERY = 1_000_000, 10_000


def register(tenant: "Tenant") -> None:
    """Note every write of both planes."""
    tenant.store.create(SCHEMA)
    tenant.rows.on_write(_note)


def _note(tenant: "Tenant", write: "Write") -> None:
    if write.origin == SEED:
        return
    noted = tenant.store.execute(
        "INSERT INTO row_writes (host, entity_set, id, origin) VALUES (?, ?, ?, ?)",
        (write.host, write.table, write.row_id, write.origin),
    )
    if (noted.lastrowid or 0) % _TRIM_EVERY == 0:
        tenant.store.execute("DELETE FROM row_writes WHERE seq <= ?", ((noted.lastrowid or 0) - KEPT,))


def counted(
    tenant: "Tenant", *, host: str | None, entity_set: str | None, origin: str | None, since: int
) -> dict[str, Any]:
    """Return `last` (the number to give as `since` next time), `writes` and `rows`: id to number of writes.

    `origin`: client, dual-write, system (the platform itself) or support; None counts all. Without a host and a set,
    rows of several tables that share an id are counted together.
    """
    found = tenant.store.execute(
        "SELECT id, count(*) FROM row_writes WHERE seq > ? AND (? IS NULL OR host = ?)"
        " AND (? IS NULL OR entity_set = ?) AND (? IS NULL OR origin = ?) GROUP BY id",
        (since, host, host, entity_set, entity_set, origin, origin),
    ).fetchall()
    (last,) = tenant.store.execute("SELECT IFNULL(max(seq), 0) FROM row_writes").fetchone()
    return {"last": last, "writes": sum(number for _, number in found), "rows": dict(found)}
