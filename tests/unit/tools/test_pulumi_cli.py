import json
import os
from pathlib import Path
from typing import Any

import pytest

from tools import pulumi_cli, summary

GONE = 2**22 + 1  # beyond the kernel's largest process id


@pytest.mark.parametrize(
    ("counts", "changed"),
    [
        ({"same": 9}, False),
        ({"same": 8, "update": 1}, True),
        ({"create": 9}, True),
        ({}, False),
        (None, False),
    ],
)
def test_only_real_changes_count_as_change(counts: dict[str, int] | None, changed: bool) -> None:
    assert pulumi_cli.changed({"resourceChanges": counts}) is changed


def locked_backend(folder: Path, pid: int) -> dict[str, str]:
    lock = folder / ".pulumi" / "locks" / "organization" / "dualwrite" / "new-new" / "1.json"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"pid": pid, "username": "root"}))
    return {"PULUMI_BACKEND_URL": folder.as_uri()}


def test_lock_of_killed_run_comes_with_its_release(tmp_path: Path) -> None:
    advice = pulumi_cli.lock_advice("new-new", locked_backend(tmp_path / "with space", GONE))
    assert advice is not None
    assert "pulumi cancel --yes --stack new-new" in advice


def test_lock_of_living_run_is_left_to_pulumi(tmp_path: Path) -> None:
    assert pulumi_cli.lock_advice("new-new", locked_backend(tmp_path, os.getpid())) is None


@pytest.mark.parametrize("backend", ["s3://bucket", "https://api.pulumi.com", ""])
def test_locks_of_other_backends_are_not_read(backend: str) -> None:
    assert pulumi_cli.lock_advice("new-new", {"PULUMI_BACKEND_URL": backend}) is None


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"resourceChanges": {"same": 9}}, "9 unchanged"),
        ({"resourceChanges": {"same": 8, "create": 2, "delete": 1}}, "2 created, 1 deleted, 8 unchanged"),
        ({}, "nothing to do"),
    ],
)
def test_summary_counts_changes_in_words(update: dict[str, Any], words: str) -> None:
    assert summary.changes(update) == words


def test_summary_counts_maps_by_state() -> None:
    assert summary.states({"a": "Running", "b": "Stopped", "c": "Running"}) == "2 Running, 1 Stopped"
