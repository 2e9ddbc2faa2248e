"""Waiting: one deadline for several steps, one line a poll."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.api.transport.errors import ApiError, OperationTimedOut, ServiceUnavailable, Throttled, TransportError
from providers.api.transport.operations import Outcome
from providers.protocol.waiting import Waiting, progress_line
from tests.support.talk import FakeTalk


def after(polls: int) -> Callable[[], Outcome[str]]:
    """A poll that is done after so many pending answers."""
    left = iter(range(polls))
    return lambda: Outcome.done("done") if next(left, None) is None else Outcome.pending("Running")


@pytest.mark.parametrize(
    ("status", "usually", "line"),
    [
        ("Installing", "about 1 h", "Provisioning App: Installing, 12 min (usually about 1 h)"),
        ("Installing", "", "Provisioning App: Installing, 12 min"),
        ("", "", "Provisioning App, 12 min"),
    ],
)
def test_line_names_step_state_and_time(status: str, usually: str, line: str) -> None:
    assert progress_line("Provisioning App", status, 720, usually) == line


def test_every_poll_and_the_end_write_one_line() -> None:
    talk = FakeTalk()
    assert Waiting(talk, 600).until(after(2), what="step", interval=30) == "done"
    assert talk.lines == ["step: Running, 0 s", "step: Running, 30 s", "step: done, 1 min"]


def test_steps_share_one_deadline() -> None:
    talk = FakeTalk()
    waiting = Waiting(talk, 100)
    waiting.until(after(3), what="first", interval=30)
    assert waiting.remaining == 10
    with pytest.raises(OperationTimedOut, match="second did not finish within 10s; last status: Running"):
        waiting.until(after(99), what="second", interval=30)
    assert talk.time.now == 100


def test_limit_of_one_step_ends_it_early() -> None:
    talk = FakeTalk()
    with pytest.raises(OperationTimedOut):
        Waiting(talk, 600).until(after(99), what="step", interval=30, at_most=60)
    assert talk.time.now == 60


def test_wait_that_the_service_asks_for_is_kept() -> None:
    talk = FakeTalk()
    outcomes = [Outcome[str].pending("Running", retry_after=7), Outcome.done("done")]
    Waiting(talk, 600).until(lambda: outcomes.pop(0), what="step", interval=30)
    assert talk.time.now == 7


def test_poll_without_an_answer_is_said_and_repeated() -> None:
    talk, errors = FakeTalk(), [TransportError("the connection broke")]

    def poll() -> Outcome[str]:
        if errors:
            raise errors.pop()
        return Outcome.done("done")

    assert Waiting(talk, 600).until(poll, what="step", interval=30) == "done"
    assert talk.lines == ["step: not readable at the moment: the connection broke, 0 s", "step: done, 30 s"]


def test_sentence_that_stays_is_said_once_however_often_it_is_polled() -> None:
    talk = FakeTalk()
    waiting = Waiting(talk, 600)
    for _ in range(3):
        waiting.announce("a person has to do it")
    assert talk.announced == ["a person has to do it"]


def test_next_step_of_a_step_that_is_late_is_named() -> None:
    talk = FakeTalk()
    with pytest.raises(OperationTimedOut, match="Call somebody") as caught:
        Waiting(talk, 60).until(after(99), what="step", interval=30, late="Call somebody.")
    assert caught.value.last_status == "Running"


def test_error_of_a_step_that_is_late_may_be_its_own() -> None:
    talk = FakeTalk()
    with pytest.raises(OperationTimedOut, match="not linked: Running"):
        Waiting(talk, 60).until(
            after(99),
            what="step",
            interval=30,
            late=lambda error: OperationTimedOut(f"not linked: {error.last_status}"),
        )


# What a header can name: nothing, no time, the past, and days.
ASKED = st.none() | st.floats(0, 10**9) | st.sampled_from([0.0, 0.001])
FAULTS = st.sampled_from([None, TransportError("broken"), ServiceUnavailable("down"), Throttled("slow")])


@given(
    answers=st.lists(st.tuples(ASKED, FAULTS), min_size=1, max_size=5),
    seconds=st.floats(1, 10_000),
    interval=st.floats(0.5, 600),
    at_most=st.none() | st.floats(1, 10_000),
)
def test_wait_ends_at_its_deadline_whatever_the_service_asks_for_and_however_it_fails(
    answers: list[tuple[float | None, ApiError | None]], seconds: float, interval: float, at_most: float | None
) -> None:
    talk, turns, polls = FakeTalk(), itertools.cycle(answers), 0

    def poll() -> Outcome[str]:
        nonlocal polls
        polls += 1
        asked, fault = next(turns)
        if fault is not None:
            raise fault
        return Outcome.pending("Running", retry_after=asked)

    with pytest.raises(OperationTimedOut):
        Waiting(talk, seconds).until(poll, what="step", interval=interval, at_most=at_most)
    limit = seconds if at_most is None else min(seconds, at_most)
    assert talk.time.now <= limit * (1 + 1e-9)
    # A wait of no length is none: polls come to the interval in the end, whatever the service names.
    assert polls <= 20 + limit / interval
