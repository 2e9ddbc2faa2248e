"""Long operations: poll until done or until the deadline, with an injected clock and progress text.

`pause` is the one place where this program waits; it ends soon after the signal to stop (`stopping`).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar, cast

from providers.api.transport import stopping
from providers.api.transport.errors import (
    ApiError,
    OperationTimedOut,
    ServiceUnavailable,
    Throttled,
    TransportError,
    UnexpectedAnswer,
)
from providers.api.transport.limits import STOP_CHECK_SECONDS, floor

T = TypeVar("T")
Progress = Callable[[str], None]
Clock = Callable[[], float]
Sleep = Callable[[float], None]

# A wait is slept in slices, so that the signal to stop is seen (seconds).
SLICE = STOP_CHECK_SECONDS
PASSING = (TransportError, Throttled, ServiceUnavailable, UnexpectedAnswer)


def _nothing(_text: str) -> None:
    return None


_PROGRESS: ContextVar[Progress] = ContextVar("progress", default=_nothing)


@contextmanager
def reporting(progress: Progress) -> Iterator[None]:
    """Within the block `progress` is told why a call of this thread waits (throttled, another operation runs, ...)."""
    token = _PROGRESS.set(progress)
    try:
        yield
    finally:
        _PROGRESS.reset(token)


def report(text: str) -> None:
    """Tell the caller's progress row something."""
    _PROGRESS.get()(text)


def pause(seconds: float, *, sleep: Sleep = time.sleep) -> None:
    """Sleep in slices and look before and after each for the signal to stop. Raises `Interrupted`."""
    left = seconds
    stopping.check()
    while left > 0:
        sleep(min(SLICE, left))
        left -= SLICE
        stopping.check()


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What one poll found: finished with a value, or pending with a status text and the wait the service asks for."""

    finished: bool
    value: T | None = None
    status: str = ""
    retry_after: float | None = None

    @classmethod
    def done(cls, value: T, status: str = "") -> "Outcome[T]":
        """The operation is over and well; a failed one raises `OperationFailed` from the poll instead."""
        return cls(True, value, status)

    @classmethod
    def pending(cls, status: str = "", retry_after: float | None = None) -> "Outcome[T]":
        """Not over yet; `status` is shown to the user, `retry_after` (seconds) beats the interval."""
        return cls(False, None, status, retry_after)


def wait(
    poll: Callable[[], Outcome[T]],
    *,
    what: str,
    deadline: float,
    interval: float,
    clock: Clock = time.monotonic,
    sleep: Sleep = time.sleep,
    progress: Progress = _nothing,
) -> T:
    """Poll every `interval` seconds until the outcome is done, and return its value; `deadline` is from now.

    A failing poll (lost answer, throttled, unavailable, no JSON) is not a failed operation: it is polled again
    (dual-write-management-api.md 12.2, rule 4). `progress` is told each new status once, after `what`. Raises
    `OperationTimedOut` with the last status, and what `poll` raises.
    """
    end = clock() + deadline
    last = ""
    for polls in count(1):
        outcome = _polled(poll)
        if outcome.status and outcome.status != last:
            last = outcome.status
            progress(f"{what}: {last}")
        if outcome.finished:
            return cast("T", outcome.value)
        left = end - clock()
        if left <= 0:
            raise _timed_out(what, deadline, last)
        # A service that names no wait, or a scaled clock, must not make this spin: it comes to the interval in the end.
        wanted = interval if outcome.retry_after is None else max(outcome.retry_after, floor(polls, interval))
        pause(min(max(wanted, floor(1)), left), sleep=sleep)
    raise AssertionError("the loop has no end of its own")


def _polled(poll: Callable[[], Outcome[T]]) -> Outcome[T]:
    try:
        return poll()
    except PASSING as error:
        return Outcome.pending(f"not readable at the moment: {_shortly(error)}")


def _timed_out(what: str, deadline: float, last: str) -> OperationTimedOut:
    return OperationTimedOut(
        f"{what} did not finish within {duration(deadline)}" + (f"; last status: {last}" if last else ""),
        last_status=last,
        next_step="It may still finish: run `up` again to continue, or raise the timeout.",
    )


def duration(seconds: float) -> str:
    """A duration as users write it: `2h`, `1h 30m`, `45s`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (left, "s"))
    return " ".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def _shortly(error: ApiError) -> str:
    return f"{error.reason} ({error.code})" if error.code else error.reason
