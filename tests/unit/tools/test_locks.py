"""Locks of killed runs: released where this machine can tell, else explained."""

import json
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tools import locks

GONE = 2**22 + 1  # beyond the kernel's largest process id
LONG_AGO = datetime.now(UTC) - timedelta(days=400)
SOON = datetime.now(UTC) + timedelta(minutes=1)


def locked(folder: Path, **changes: Any) -> tuple[dict[str, str], Path]:
    """A file backend with a lock of this host's, and the lock."""
    lock = folder / ".pulumi" / "locks" / "organization" / "dualwrite" / "new-new" / "1.json"
    lock.parent.mkdir(parents=True)
    content = {"pid": GONE, "username": "root", "hostname": socket.gethostname(), "timestamp": SOON.isoformat()}
    lock.write_text(json.dumps(content | changes))
    return {"PULUMI_BACKEND_URL": folder.as_uri()}, lock


def test_lock_of_a_killed_run_is_released_and_said(tmp_path: Path) -> None:
    environment, lock = locked(tmp_path / "with space")
    (line,) = locks.release("new-new", environment)
    assert line.startswith(f"Stack 'new-new' was locked by a run that was killed (process {GONE} on ")
    assert not lock.exists()
    assert locks.release("new-new", environment) == []


def test_attributes_that_a_killed_run_began_to_write_are_removed_with_its_lock(tmp_path: Path) -> None:
    environment, _ = locked(tmp_path)
    names = ("stacks/dualwrite/{}.json", "stacks/dualwrite/{}.json.bak", "history/dualwrite/{0}/{0}-1.history.json")
    own, others = (
        [tmp_path / ".pulumi" / f"{name.format(stack)}.attrs" for name in names] for stack in ("new-new", "x")
    )
    for path, text in zip([*own, *others], ["", '{"md5"', "{}", "", "", ""], strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert len(locks.release("new-new", environment)) == 1
    assert [path.exists() for path in [*own, *others]] == [False, False, True, True, True, True]


def test_number_that_another_process_has_by_now_is_no_run(tmp_path: Path) -> None:
    environment, lock = locked(tmp_path, pid=os.getpid(), timestamp=LONG_AGO.isoformat())
    assert len(locks.release("new-new", environment)) == 1
    assert not lock.exists()


def test_lock_of_a_living_run_is_left_to_pulumi(tmp_path: Path) -> None:
    environment, lock = locked(tmp_path, pid=os.getpid())
    assert locks.release("new-new", environment) == []
    assert locks.advice("new-new", environment) is None
    assert lock.exists()


def test_lock_of_another_machine_is_only_explained(tmp_path: Path) -> None:
    environment, lock = locked(tmp_path, hostname="runner-7")
    assert locks.release("new-new", environment) == []
    text = str(locks.advice("new-new", environment))
    assert f"process {GONE} on runner-7. If that run has ended" in text
    assert "pulumi cancel --yes --stack new-new" in text
    assert lock.exists()


@pytest.mark.parametrize("content", ["", "[]", '{"pid": 7}', '{"pid": "x", "hostname": 1, "timestamp": 2}'])
def test_lock_that_cannot_be_read_is_named(tmp_path: Path, content: str) -> None:
    environment, lock = locked(tmp_path)
    lock.write_text(content)
    assert locks.release("new-new", environment) == []
    assert str(lock) in str(locks.advice("new-new", environment))


def test_lock_of_another_stack_stays(tmp_path: Path) -> None:
    environment, lock = locked(tmp_path)
    assert locks.release("existing-new", environment) == []
    assert lock.exists()


@pytest.mark.parametrize("backend", ["s3://bucket", "https://api.pulumi.com", ""])
def test_locks_of_other_backends_are_not_read(backend: str) -> None:
    assert locks.release("new-new", {"PULUMI_BACKEND_URL": backend}) == []
    assert locks.advice("new-new", {"PULUMI_BACKEND_URL": backend}) is None
