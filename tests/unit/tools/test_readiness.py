"""What the end of `make up` says of a pair: ready or why not, and as of when."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from tools import summary
from tools.pulumi_cli import Deployment
from tools.readiness import declared_states, map_states, readiness

RUNNING = {"a": "running", "b": "running"}


def deployed(bootstrap: dict[str, Any] | None = None, **live_sync: Any) -> Deployment:
    rows = [("LiveSync", live_sync)] if live_sync else []
    rows += [("CompanyBootstrap", bootstrap)] if bootstrap else []
    return Deployment(
        {"ready": True}, [{"type": f"pulumi-python:dynamic/dualwrite:{kind}", "outputs": row} for kind, row in rows]
    )


@pytest.mark.parametrize(
    ("deployment", "expected"),
    [
        (deployed(maps=RUNNING), (True, "")),
        (deployed(maps={"a": "stopped", "b": "stopped"}), (True, "as declared, and no map runs: no row crosses")),
        (deployed(maps={"a": "running", "b": "paused"}), (True, "as declared, and 1 of 2 maps do not run")),
        (deployed(maps=RUNNING, not_installed=["b"]), (True, "as declared, and 1 of 2 maps do not run")),
        (deployed(maps=RUNNING, not_installed=["a", "b"]), (False, "none of the 2 maps is installed")),
        (deployed(maps={"a": "running", "b": "paused"}, drifted={"b": "running"}), (False, "b is paused, not running")),
        (
            deployed(maps=dict.fromkeys("abcde", "stopped"), drifted=dict.fromkeys("abcde", "running")),
            (False, "a is stopped, not running, b is stopped, not running, c is stopped, not running, and 2 more"),
        ),
        (
            deployed(maps=RUNNING, drifted_keys={"accounts": ["accountnumber"]}),
            (False, "other integration keys than declared: accounts"),
        ),
        (
            deployed({"company": "USMF", "complete": False}, maps=RUNNING),
            (False, "rows of USMF are not stamped yet"),
        ),
        (deployed({"company": "USMF", "complete": True}, maps=RUNNING), (True, "")),
        (deployed(), (False, "live sync is not in the stack; `make up` brings it")),
    ],
)
def test_ready_says_what_it_means(deployment: Deployment, expected: tuple[bool, str]) -> None:
    assert readiness(deployment) == expected


def test_states_are_those_of_the_last_refresh_and_not_of_the_stack_outputs() -> None:
    deployment = deployed(maps={"a": "paused", "b": "running"}, drifted={"a": "running"}, not_installed=["b"])
    assert map_states(deployment) == {"a": "paused", "b": "not installed"}
    assert declared_states(deployment) == RUNNING


def entry(minute: int, kind: str = "update", flags: dict[str, str] | None = None, **counts: int) -> dict[str, Any]:
    time = f"2026-11-26T14:{minute:02d}:07.000Z"
    return {"kind": kind, "endTime": time, "environment": flags or {}, "resourceChanges": counts}


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([entry(9, create=14)], "2026-11-26 14:09 UTC"),
        ([entry(9, same=14), entry(5, create=14)], "2026-11-26 14:05 UTC; `make refresh` reads the services again"),
        ([entry(9, same=14), entry(7, "refresh"), entry(5, create=1)], "2026-11-26 14:07 UTC; `make refresh` reads"),
        ([entry(9, flags={"pulumi.flag.refresh": "true"}, same=14), entry(5, create=14)], "2026-11-26 14:09 UTC"),
        ([entry(9, same=14)], "long ago; `make refresh` reads"),
        ([], ""),
    ],
)
def test_summary_says_as_of_when_it_speaks(history: list[dict[str, Any]], said: str) -> None:
    assert summary.as_of(history).startswith(said)
    assert ("make refresh" in summary.as_of(history)) is ("make refresh" in said)


def test_reason_stands_beside_no(record: Console) -> None:
    deployment = deployed(maps={"a": "[red]", "b": "running"}, drifted={"a": "running"})
    summary.show("new-new", deployment, [entry(9, update=1)], record)
    lines = [line.split(maxsplit=1) for line in record.export_text().splitlines()]
    assert ["ready", "no (a is [red], not running)"] in lines
    assert ["as", "of                   2026-11-26 14:09 UTC"] in lines


@pytest.fixture
def record() -> Console:
    return Console(file=StringIO(), width=200, record=True)
