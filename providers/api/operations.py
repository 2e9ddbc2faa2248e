"""Long operations: poll until done or until the deadline, with an injected clock, progress text and a stop check."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
Progress = Callable[[str], None]
Stop = Callable[[], None]


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


@contextmanager
def interruptible(stop: Stop) -> Iterator[None]:
    """Within the block every wait of this thread, retries included, calls `stop` at least each second."""
    raise NotImplementedError
    yield


def wait(
    poll: Callable[[], Outcome[T]],
    *,
    what: str,
    deadline: float,
    interval: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> T:
    """Poll until the outcome is done and return its value; `deadline` is in seconds from now.

    A failing poll (lost answer, throttled, unavailable, no JSON) is not a failed operation: it is polled again.
    `progress` is told each new status once. Raises `OperationTimedOut` with the last status and what `poll` raises.
    """
    raise NotImplementedError
