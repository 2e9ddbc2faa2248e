"""The digest names what a plan does: nothing more moves it, nothing less."""

from typing import Any

import pytest

from tests.unit.tools.review.plans import maps, plan, said, step
from tools.review import digest
from tools.review.preview import Preview

PAUSE = step("LiveSync", "update", old=maps(a="running", b="running"), new=maps(a="paused", b="running"))
COMPANY = step("Company", "create", new={"code": "USMF"})
BASE = plan(PAUSE, COMPANY, diagnostics=[said("DW-N05 Company 'USMF': not checked: (403)", "Company")])


def test_order_times_counts_and_words_move_nothing() -> None:
    other = plan(
        COMPANY,
        PAUSE,
        diagnostics=[
            said("DW-N05 Company 'USMF': other words", "Company"),
            said("a line without a code"),
            said("DW-W06 LiveSync 'contoso-uat': map 'a' is paused for 2 days", "LiveSync"),
        ],
        duration=5,
        changeSummary={"same": 99},
    )
    assert digest.digest(other) == digest.digest(BASE)
    assert digest.is_digest(digest.digest(BASE))
    assert digest.moved(digest.parts(BASE), digest.parts(other)) == []


def changed(**values: Any) -> Preview:
    wanted = {"steps": [PAUSE, COMPANY], "diagnostics": [said("DW-N05 x", "Company")], **values}
    return plan(*wanted["steps"], diagnostics=wanted["diagnostics"])


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ({"steps": [COMPANY]}, ["pair-LiveSync: approved update, now untouched"]),
        (
            {"steps": [{**PAUSE, "op": "replace"}, COMPANY]},
            ["pair-LiveSync: approved update, now replace"],
        ),
        (
            {"steps": [step("LiveSync", "update", old=maps(a="running"), new=maps(a="stopped")), COMPANY]},
            ["pair-LiveSync: update with other inputs"],
        ),
        (
            {"steps": [step("LiveSync", "update", old=maps(a="error"), new=maps(a="paused")), COMPANY]},
            ["pair-LiveSync: update with other inputs"],
        ),
        ({"diagnostics": []}, ["pair-Company: create with other inputs"]),
        (
            {"steps": [PAUSE, COMPANY, step("Company", "delete", old={"code": "CONT"}, name="pair-cont")]},
            ["pair-cont: approved untouched, now delete"],
        ),
    ],
    ids=["step gone", "operation", "new value", "old value", "finding", "step more"],
)
def test_whatever_is_planned_otherwise_moves_it_and_is_named(values: dict[str, Any], lines: list[str]) -> None:
    other = changed(**values)
    assert digest.digest(other) != digest.digest(BASE)
    assert digest.moved(digest.parts(BASE), digest.parts(other)) == lines
