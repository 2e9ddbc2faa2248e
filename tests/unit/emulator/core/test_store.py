"""The tenant's memory: documents, transactions, stale copies."""

import subprocess
import sys
from pathlib import Path

import pytest

from emulator.core.store import Store

ROOT = Path(__file__).parents[4]
WRITE_AND_DIE = """
import os, sys
from pathlib import Path
from emulator.core.store import Store
store = Store(Path(sys.argv[1]))
with store.transaction():
    store.put("thing", "committed", {"value": 1})
store.execute("BEGIN")
store.put("thing", "open", {"value": 2})
os._exit(9)
"""


def test_items_come_by_key_and_prefix() -> None:
    store = Store()
    for key in ("b/2", "a/1", "b/1", "b%/1", "B/3"):
        store.put("thing", key, {"key": key})
    store.put("other", "b/9", {})
    assert [key for key, _ in store.items("thing")] == ["B/3", "a/1", "b%/1", "b/1", "b/2"]
    assert [key for key, _ in store.items("thing", "b/")] == ["b/1", "b/2"]


def test_put_replaces_and_delete_forgets() -> None:
    store = Store()
    store.put("thing", "x", {"old": True})
    store.put("thing", "x", {"new": "ä"})
    assert store.get("thing", "x") == {"new": "ä"}
    store.delete("thing", "x")
    store.delete("thing", "x")
    assert store.get("thing", "x") is None


def test_inner_failure_keeps_the_outer_work() -> None:
    store = Store()

    def inner() -> None:
        with store.transaction():
            store.put("thing", "inner", {})
            raise LookupError

    with store.transaction():
        store.put("thing", "outer", {})
        with pytest.raises(LookupError):
            inner()
    assert [key for key, _ in store.items("thing")] == ["outer"]


def test_outer_failure_takes_back_the_inner_work() -> None:
    store = Store()

    def outer() -> None:
        with store.transaction():
            with store.transaction():
                store.put("thing", "inner", {})
            raise LookupError

    with pytest.raises(LookupError):
        outer()
    assert store.items("thing") == []


def test_stale_copy_is_read_and_never_written_back() -> None:
    store = Store()
    store.put("thing", "x", {"value": 1})
    copy = store.snapshot()
    store.put("thing", "x", {"value": 2})
    with store.reading(copy):
        assert store.get("thing", "x") == {"value": 1}
        store.put("thing", "x", {"value": 3})
    assert store.get("thing", "x") == {"value": 2}


def test_killed_process_leaves_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "tenant.db"
    done = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(path)], cwd=ROOT, check=False)
    assert done.returncode == 9
    store = Store(path)
    assert [key for key, _ in store.items("thing")] == ["committed"]
    store.close()
