"""Whatever a service answers, a call ends: waits have a floor that grows, retries a count, pages an end."""

import itertools
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from providers.api.session import Session
from providers.api.transport.errors import ApiError, UnexpectedAnswer
from providers.api.transport.limits import MOST_ATTEMPTS

from .scripted import FakeTime, answer
from .sessions import PATIENCE, opened

WAITS = st.sampled_from(
    [
        *(None, "0", "0.0", "-1", "00", "1", "9" * 400, "soon", "\uff11", "NaN", "1e9", " 0 ", "0.0000001"),
        *("Thu, 01 Jan 1970 00:00:00 GMT", "Wed, 02 Sep 2026 05:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -2359"),
    ]
)
STATUSES = st.sampled_from([408, 409, 423, 425, 429, 499, 500, 502, 503, 504])
CODES = st.sampled_from(["", "TooManyRequests", "OperationNotStartable", "0x80072322", "Conflict"])
METHODS = st.sampled_from(["GET", "POST", "PATCH", "DELETE"])


@seed(20261126)
@given(st.lists(st.tuples(STATUSES, CODES, WAITS), min_size=1, max_size=4), METHODS)
def test_call_ends_whatever_waits_a_service_names(answers: list[tuple[int, str, str | None]], method: str) -> None:
    time, asked = FakeTime(), 0
    turns = itertools.cycle(answers)

    def respond(_request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        status, code, wait = next(turns)
        headers = [] if wait is None else [(b"Retry-After", wait.encode())]
        return httpx.Response(status, json={"error": {"code": code, "message": "m"}}, headers=headers)

    client = opened(respond, time)._bap()
    with pytest.raises(ApiError):
        client.request(method, "/a", replay="safe" if method in ("GET", "PATCH") else "never")
    assert asked <= MOST_ATTEMPTS + 1
    assert time.elapsed <= PATIENCE
    assert asked <= 1 or time.elapsed >= 0.1 * (asked - 1), "no wait is none"


# Every call that follows the pages of a list.
READERS = [
    pytest.param(lambda s: s.power_platform.environments(), id="environments"),
    pytest.param(lambda s: s.app_management.packages("e"), id="packages"),
    pytest.param(lambda s: list(s.dataverse("a.crm4.dynamics.com").rows("accounts")), id="Dataverse rows"),
    pytest.param(lambda s: list(s.dataverse("a.crm4.dynamics.com").pages("accounts")), id="Dataverse pages"),
    pytest.param(lambda s: s.dataverse("a.crm4.dynamics.com").access.teams(), id="Dataverse teams"),
    pytest.param(lambda s: list(s.finance_operations("a.operations.dynamics.com").rows("X")), id="F&O rows"),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("circle", [1, 2, 7])
@pytest.mark.parametrize("member", ["nextLink", "@odata.nextLink"])
def test_pages_in_a_circle_end(read: Callable[[Session], Any], circle: int, member: str) -> None:
    time, asked = FakeTime(), 0

    def respond(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        link = request.url.copy_with(params={"page": str(asked % circle)})
        return answer(200, {"value": [], member: str(link)})

    with pytest.raises(UnexpectedAnswer, match="the pages of the list have no end"):
        read(opened(respond, time))
    assert asked <= circle + 2


@pytest.mark.parametrize("read", READERS)
def test_pages_that_never_come_to_the_last_one_end(
    read: Callable[[Session], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.api.transport.client.MOST_PAGES", 20)
    asked = 0

    def respond(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return answer(200, {"value": [], "@odata.nextLink": str(request.url.copy_with(params={"page": str(asked)}))})

    with pytest.raises(UnexpectedAnswer, match="the pages of the list have no end"):
        read(opened(respond, FakeTime()))
    assert asked == 20
