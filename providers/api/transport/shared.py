"""A reading that threads share, so that many pollers cost one call."""

import copy
import threading
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from providers.api.transport import stopping
from providers.api.transport.errors import ApiError
from providers.api.transport.limits import FAILURE_SECONDS, STOP_CHECK_SECONDS

T = TypeVar("T")


class _Failure(NamedTuple):
    """A reading that failed: tickets of its beginning and end, the time of its end, and why."""

    began: int
    ended: int
    moment: float
    error: ApiError


class Shared(Generic[T]):
    """Holds the last result of `read` for `lifetime` seconds; concurrent callers wait for the one that runs.

    They share its failure as well: a service that is down is asked in one series of tries, not one for each of them.
    """

    def __init__(self, read: Callable[[], T], lifetime: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._lifetime = lifetime
        self._clock = clock
        self._order = threading.Lock()
        self._reading = threading.Lock()
        self._tickets = 0
        self._oldest_valid = 0
        self._last: tuple[int, float, T] | None = None
        self._failure: _Failure | None = None

    def get(self, *, fresh: bool = False, lifetime: float | None = None) -> T:
        """The shared value. With `fresh`, one whose reading began after this call; `lifetime`: how old it may be."""
        asked = self._ticket()
        while not self._reading.acquire(timeout=STOP_CHECK_SECONDS):
            stopping.check()
        try:
            failure = self._failure
            if failure is not None and self._shares(failure, asked, fresh=fresh):
                raise copy.copy(failure.error)
            last = self._last
            if last is not None and self._usable(last[0], last[1], asked if fresh else None, lifetime):
                return last[2]
            return self._read_now()
        finally:
            self._reading.release()

    def _read_now(self) -> T:
        began, moment = self._ticket(), self._clock()
        try:
            value = self._read()
        except ApiError as error:
            self._failure = _Failure(began, self._ticket(), self._clock(), copy.copy(error))
            raise
        self._last = (began, moment, value)
        return value

    def forget(self) -> None:
        """Something was written: no reading that began before now will do."""
        self._oldest_valid = self._ticket()

    def _usable(self, began: int, moment: float, asked: int | None, lifetime: float | None) -> bool:
        if began <= self._oldest_valid:
            return False
        most = self._lifetime if lifetime is None else lifetime
        return self._clock() - moment < most if asked is None else began > asked

    def _shares(self, failure: "_Failure", asked: int, *, fresh: bool) -> bool:
        """Whether a caller gets the failure of another: it waited for that reading, or came shortly after."""
        if failure.began <= self._oldest_valid:
            return False
        waited = asked < failure.ended
        return waited or (not fresh and self._clock() - failure.moment < FAILURE_SECONDS)

    def _ticket(self) -> int:
        with self._order:
            self._tickets += 1
            return self._tickets
