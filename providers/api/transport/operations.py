"""Long operations: poll until done or until the deadline, with an injected clock, progress text and a stop check."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from providers.api.transport.errors import (
    ApiError,
    OperationTimedOut,
    ServiceUnavailable,
    Throttled,
    TransportError,
    UnexpectedAnswer,
)

T = TypeVar("T")
Progress = Callable[[str], None]
Stop = Callable[[], None]
Clock = Callable[[], float]
Sleep = Callable[[float], None]

# The engine may vanish while we sleep: look at least this often (seconds).
SLICE = 1.0
# A wait of zero, which a scaled clock may ask for, must not spin.
SHORTEST_WAIT = 0.1
PASSING = (TransportError, Throttled, ServiceUnavailable, UnexpectedAnswer)


def _nothing(*_: object) -> None:
    return None


@dataclass(frozen=True)
class Surroundings:
    """What the caller up the stack wants called while this thread waits."""

    stop: Stop = _nothing
    progress: Progress = _nothing


_NONE = Surroundings()
_SURROUNDINGS: ContextVar[Surroundings] = ContextVar("surroundings", default=_NONE)


@contextmanager
def interruptible(stop: Stop, progress: Progress | None = None) -> Iterator[None]:
    """Within the block every wait of this thread, retries included, calls `stop` at least each second.

    `progress` is told why a call waits (throttled, another operation runs, ...).
    """
    token = _SURROUNDINGS.set(Surroundings(stop, progress or _nothing))
    try:
        yield
    finally:
        _SURROUNDINGS.reset(token)


def report(text: str) -> None:
    """Tell the caller's progress row something."""
    _SURROUNDINGS.get().progress(text)


def pause(seconds: float, *, sleep: Sleep = time.sleep) -> None:
    """Sleep in slices and ask before each whether to stop."""
    check = _SURROUNDINGS.get().stop
    left = seconds
    check()
    while left > 0:
        sleep(min(SLICE, left))
        left -= SLICE
        check()


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
    while True:
        outcome = _polled(poll)
        if outcome.status and outcome.status != last:
            last = outcome.status
            progress(f"{what}: {last}")
        if outcome.finished:
            return cast("T", outcome.value)
        left = end - clock()
        if left <= 0:
            raise OperationTimedOut(
                f"{what} did not finish within {duration(deadline)}" + (f"; last status: {last}" if last else ""),
                last_status=last,
                next_step="It may still finish: run `up` again to continue, or raise the timeout.",
            )
        wanted = interval if outcome.retry_after is None else outcome.retry_after
        pause(min(max(wanted, SHORTEST_WAIT), left), sleep=sleep)


def _polled(poll: Callable[[], Outcome[T]]) -> Outcome[T]:
    try:
        return poll()
    except PASSING as error:
        return Outcome.pending(f"not readable at the moment: {_shortly(error)}")


def duration(seconds: float) -> str:
    """A duration as users write it: `2h`, `1h 30m`, `45s`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{left}s" if left or whole == 0 else ""]
    return " ".join(part for part in parts if part)


def _shortly(error: ApiError) -> str:
    return f"{error.reason} ({error.code})" if error.code else error.reason
