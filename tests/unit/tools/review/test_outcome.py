"""Exit codes of runs, from the engine's events and our codes."""

import json
from typing import Any

import pytest

from tests.unit.tools.review.plans import plan, said, step, urn
from tools.exit_codes import MEANINGS, ExitCode, NotRead, Refused, UserError
from tools.review.commands import verdict
from tools.review.outcome import ended


def log(*events: dict[str, Any]) -> str:
    return "\n".join(json.dumps({"sequence": 1, **event}) for event in events)


def failed(kind: str = "LiveSync") -> dict[str, Any]:
    return {"resOpFailedEvent": {"metadata": {"op": "update", "urn": urn(kind, f"pair-{kind}")}}}


def told(message: str, kind: str = "LiveSync", severity: str = "error") -> dict[str, Any]:
    return {"diagnosticEvent": said(message, kind, severity)}


@pytest.mark.parametrize(
    ("code", "events", "expected"),
    [
        (0, [], ExitCode.DONE),
        (0, [told("DW-W01 x", severity="warning")], ExitCode.DONE),
        (7, [], ExitCode.CHANGES),
        (1, [], ExitCode.OTHER),
        (1, [told("the stack is locked")], ExitCode.OTHER),
        (1, [told("property a has a problem: DW-C02 no consent")], ExitCode.REFUSED),
        (1, [told("DW-E01 CdsInstance 'x': check failed: 503"), told("DW-C01 x")], ExitCode.NOT_READ),
        (1, [failed(), told("DualWriteError: x")], ExitCode.FAILED),
        (1, [told("DW-P02 link them", severity="info"), failed()], ExitCode.PERSON),
        (1, [told("DW-P02 link them", "Company", severity="info"), failed()], ExitCode.FAILED),
        (1, [failed(), told("DW-E01 LiveSync 'x': read failed: 503")], ExitCode.NOT_READ),
    ],
)
def test_run_ends_with_the_code_of_its_events(code: int, events: list[dict[str, Any]], expected: ExitCode) -> None:
    assert ended(code, log(*events)) is expected


def test_half_a_line_of_a_killed_engine_is_no_obstacle() -> None:
    assert ended(130, log(failed()) + '\n{"sequence": 2, "dia') is ExitCode.FAILED


@pytest.mark.parametrize(
    ("steps", "diagnostics", "expected"),
    [
        ([], [], ExitCode.DONE),
        ([step("Company", "create", new={"code": "X"})], [], ExitCode.CHANGES),
        ([], [said("DW-C01 x", severity="error")], ExitCode.REFUSED),
        ([], [said("DW-E01 x", severity="error"), said("DW-C01 x", severity="error")], ExitCode.NOT_READ),
        ([], [said("a crash", severity="error")], ExitCode.OTHER),
    ],
)
def test_preview_ends_with_the_code_of_its_plan(
    steps: list[dict[str, Any]], diagnostics: list[dict[str, Any]], expected: ExitCode
) -> None:
    assert verdict(plan(*steps, diagnostics=diagnostics)) is expected


def test_numbers_are_a_contract() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "OTHER": 1,
        "CHANGES": 2,
        "NOT_READ": 3,
        "REFUSED": 4,
        "PERSON": 5,
        "FAILED": 6,
    }
    assert set(MEANINGS) == set(ExitCode)
    assert [error("x").code for error in (UserError, NotRead, Refused)] == [1, 3, 4]
