"""Waiting for long operations in fake time."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from providers.api.transport.errors import (
    Interrupted,
    NotFound,
    OperationFailed,
    OperationTimedOut,
    ServiceUnavailable,
    Throttled,
    TransportError,
    UnexpectedAnswer,
)
from providers.api.transport.operations import SLICE, Outcome, duration, pause, wait


class Time:
    def __init__(self) -> None:
        self.elapsed = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed += seconds

    def clock(self) -> float:
        return self.elapsed


@pytest.fixture
def time() -> Time:
    return Time()


def polls(*steps: Outcome[str] | Exception) -> Callable[[], Outcome[str]]:
    left: Iterator[Outcome[str] | Exception] = iter(steps)

    def poll() -> Outcome[str]:
        step = next(left)
        if isinstance(step, Exception):
            raise step
        return step

    return poll


def finished(time: Time, poll: Callable[[], Outcome[str]], **options: object) -> str:
    settings: dict[str, object] = {"what": "install", "deadline": 100.0, "interval": 10.0, **options}
    return wait(poll, clock=time.clock, sleep=time.sleep, **settings)  # type: ignore[arg-type]


def test_value_of_the_done_poll_is_returned(time: Time) -> None:
    assert finished(time, polls(Outcome.pending(), Outcome.pending(), Outcome.done("id"))) == "id"
    assert time.elapsed == 20


def test_retry_after_of_each_poll_beats_the_interval(time: Time) -> None:
    steps = polls(
        Outcome.pending(retry_after=3), Outcome.pending(), Outcome.pending(retry_after=30), Outcome.done("id")
    )
    finished(time, steps)
    assert time.elapsed == 43


def test_zero_wait_does_not_spin(time: Time) -> None:
    finished(time, polls(Outcome.pending(retry_after=0), Outcome.done("id")))
    assert time.elapsed > 0


def test_deadline_ends_with_the_last_status(time: Time) -> None:
    with pytest.raises(OperationTimedOut) as caught:
        finished(time, lambda: Outcome.pending("Installing"), deadline=95.0)
    assert time.elapsed == 95
    assert caught.value.last_status == "Installing"
    assert "install did not finish within 1m 35s; last status: Installing" in str(caught.value)
    assert "run `up` again" in str(caught.value)


def test_last_poll_happens_at_the_deadline(time: Time) -> None:
    poll: Callable[[], Outcome[str]] = lambda: Outcome.done("late") if time.elapsed >= 25 else Outcome.pending()  # noqa: E731
    assert finished(time, poll, deadline=25.0) == "late"


@pytest.mark.parametrize(
    "passing",
    [TransportError("lost"), Throttled("slow down"), ServiceUnavailable("down"), UnexpectedAnswer("a page")],
)
def test_failing_poll_is_no_failed_operation(time: Time, passing: Exception) -> None:
    assert finished(time, polls(passing, passing, Outcome.done("id"))) == "id"


@pytest.mark.parametrize("final", [OperationFailed("no"), NotFound("gone"), ValueError("bug")])
def test_other_errors_end_the_wait(time: Time, final: Exception) -> None:
    with pytest.raises(type(final)):
        finished(time, polls(Outcome.pending(), final))


def test_each_new_status_is_told_once(time: Time) -> None:
    told: list[str] = []
    states = ["Validate", "Validate", "Run", "Run", ""]
    finished(
        time, polls(*(Outcome.pending(each) for each in states), Outcome.done("id", "Succeeded")), progress=told.append
    )
    assert told == ["install: Validate", "install: Run", "install: Succeeded"]


@pytest.fixture
def stop_at(time: Time, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Gives the signal to stop when so many seconds have passed."""
    signal = tmp_path / "stop"
    monkeypatch.setenv("DUALWRITE_STOP_FILE", str(signal))

    def at(moment: float) -> None:
        slept = time.sleep

        def sleep(seconds: float) -> None:
            slept(seconds)
            if time.elapsed >= moment:
                signal.touch()

        time.sleep = sleep  # type: ignore[method-assign]

    return at


def test_wait_ends_within_a_second_of_the_signal_to_stop(time: Time, stop_at: Callable[[float], None]) -> None:
    stop_at(2.5)
    with pytest.raises(Interrupted, match="interrupted; run `up` again to continue"):
        finished(time, lambda: Outcome.pending(), interval=60.0)
    assert time.elapsed <= 3.5
    assert max(time.slept) <= SLICE


def test_every_thread_sees_the_signal_to_stop(time: Time, stop_at: Callable[[float], None]) -> None:
    stop_at(1)
    with pytest.raises(Interrupted):
        pause(5, sleep=time.sleep)
    ended: list[bool] = []

    def elsewhere() -> None:
        with pytest.raises(Interrupted):
            pause(5, sleep=time.sleep)
        ended.append(True)

    other = threading.Thread(target=elsewhere)
    other.start()
    other.join()
    assert ended == [True]


def test_without_a_signal_a_wait_takes_its_time(time: Time, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DUALWRITE_STOP_FILE", str(tmp_path / "never"))
    pause(5.5, sleep=time.sleep)
    assert time.elapsed == 5.5


@pytest.mark.parametrize("named", [0.0, -5.0])
def test_polls_of_a_service_that_names_no_wait_come_to_the_interval(time: Time, named: float) -> None:
    polled = 0

    def poll() -> Outcome[str]:
        nonlocal polled
        polled += 1
        return Outcome.pending(retry_after=named)

    with pytest.raises(OperationTimedOut):
        finished(time, poll, deadline=3600.0, interval=10.0)
    assert polled < 375


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.4, "0s"), (45, "45s"), (60, "1m"), (95, "1m 35s"), (7200, "2h"), (5400, "1h 30m"), (3601, "1h 1s")],
)
def test_durations_read_as_users_write_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
