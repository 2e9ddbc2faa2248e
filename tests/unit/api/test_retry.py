"""The retry policy as a table, and its waits."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.api.transport.answers import Response
from providers.api.transport.busy import BUSY_CODES
from providers.api.transport.limits import LONGEST_DELAY
from providers.api.transport.retry import (
    FINAL_CODES,
    REFUSED_CODES,
    Verdict,
    backoff,
    verdict,
)

STATUSES = [400, 401, 403, 404, 408, 409, 412, 425, 429, 499, 500, 502, 503, 504]


def judged(status: int, code: str | None) -> Verdict:
    text = "" if code is None else json.dumps({"error": {"code": code, "message": "m"}})
    response = Response(status, {"content-type": "application/json"}, text, "https://x", "c")
    return verdict(response, response.problem)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(
    ("codes", "expected"),
    [(FINAL_CODES, Verdict.FAIL), (BUSY_CODES, Verdict.BUSY), (REFUSED_CODES, Verdict.REFUSED)],
)
def test_known_code_decides_whatever_the_status(status: int, codes: frozenset[str], expected: Verdict) -> None:
    assert {judged(status, code) for code in codes} == {expected}
    assert {judged(status, code.upper()) for code in codes} == {expected}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Verdict.FAIL),
        (401, Verdict.FAIL),
        (403, Verdict.FAIL),
        (404, Verdict.FAIL),
        (408, Verdict.UNCLEAR),
        (409, Verdict.FAIL),
        (412, Verdict.FAIL),
        (425, Verdict.REFUSED),
        (429, Verdict.REFUSED),
        (499, Verdict.UNCLEAR),
        (500, Verdict.UNCLEAR),
        (501, Verdict.FAIL),
        (502, Verdict.UNCLEAR),
        (503, Verdict.UNCLEAR),
        (504, Verdict.UNCLEAR),
    ],
)
def test_status_decides_only_without_a_known_code(status: int, expected: Verdict) -> None:
    assert judged(status, "") is expected
    assert judged(status, "NeverSeenBefore") is expected


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (409, "OperationNotStartable", Verdict.BUSY),
        (409, None, Verdict.BUSY),
        (409, "Conflict", Verdict.BUSY),
        (409, "CONFLICT", Verdict.BUSY),
        (423, None, Verdict.BUSY),
        (423, "Locked", Verdict.BUSY),
        (400, "Conflict", Verdict.FAIL),
        (409, "", Verdict.FAIL),
        (409, "InsufficientCapacity_StorageDriven", Verdict.FAIL),
        (409, "DomainNameAlreadyInUse", Verdict.FAIL),
        (409, "SomethingElse", Verdict.FAIL),
        (409, "0x80040237", Verdict.FAIL),
    ],
)
def test_busy_has_many_spellings_and_all_else_fails_at_once(status: int, code: str | None, expected: Verdict) -> None:
    assert judged(status, code) is expected


@given(attempt=st.integers(min_value=1, max_value=60), seed=st.integers())
def test_backoff_stays_within_bounds(attempt: int, seed: int) -> None:
    assert 0.5 <= backoff(attempt, Random(seed)) <= LONGEST_DELAY  # noqa: S311 - no secret
