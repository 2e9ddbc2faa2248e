"""Codes of findings: stable, unique, in front of every text that a machine may read."""

from typing import Any

import pytest

from providers.protocol.call import Call
from providers.protocol.findings import ALL, INVALID, MAP_STATE, NO_CONSENT
from providers.protocol.problems import Against, Fixed, NoConsent, Problem, against


def test_every_code_has_one_form_and_stands_once() -> None:
    codes = [finding.code for finding in ALL]
    assert len(codes) == len(set(codes)) > 20
    assert all(len(code) == 6 and code.startswith("DW-") and code[3] in "CIPNWE" for code in codes)
    assert all(finding.meaning for finding in ALL)


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (Problem("a", "b"), "DW-C01"),
        (NoConsent("a", "b"), "DW-C02"),
        (Fixed("a", "b"), "DW-C03"),
        (Against("a", "b"), "DW-C04"),
    ],
)
def test_problem_reads_as_code_and_sentence(problem: Problem, code: str) -> None:
    assert str(problem) == f"{code} b"


def test_live_problem_gets_its_own_code_and_a_missing_consent_keeps_its() -> None:
    assert against(Problem("a", "b")).finding.code == "DW-C04"
    assert against(NoConsent("a", "b")).finding is NO_CONSENT
    assert Problem("a", "b").finding is INVALID


def test_lines_of_a_check_begin_with_their_code() -> None:
    lines: list[tuple[str, bool]] = []

    def write(_row: Any, text: str, *, ephemeral: bool, warning: bool = False) -> None:
        lines.append((text, warning))

    call = Call(title="LiveSync 'a'", write=write)
    call.warn("map is paused", MAP_STATE)
    call.announce("no finding")
    assert lines == [("DW-W01 LiveSync 'a': map is paused", True), ("LiveSync 'a': no finding", False)]
