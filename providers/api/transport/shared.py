"""A reading that threads share, so that many pollers cost one call."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Holds the last result of `read` for `lifetime` seconds; concurrent callers wait for the one that runs."""

    def __init__(self, read: Callable[[], T], lifetime: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._lifetime = lifetime
        self._clock = clock
        self._order = threading.Lock()
        self._reading = threading.Lock()
        self._tickets = 0
        self._oldest_valid = 0
        self._held: tuple[int, float, T] | None = None

    def get(self, *, fresh: bool = False, lifetime: float | None = None) -> T:
        """The shared value. With `fresh`, one whose reading began after this call; `lifetime`: how old it may be."""
        asked = self._ticket()
        with self._reading:
            held = self._held
            if held is not None and self._usable(held[0], held[1], asked if fresh else None, lifetime):
                return held[2]
            began, moment = self._ticket(), self._clock()
            value = self._read()
            self._held = (began, moment, value)
            return value

    def forget(self) -> None:
        """Something was written: no reading that began before now will do."""
        self._oldest_valid = self._ticket()

    def _usable(self, began: int, moment: float, asked: int | None, lifetime: float | None) -> bool:
        if began <= self._oldest_valid:
            return False
        most = self._lifetime if lifetime is None else lifetime
        return self._clock() - moment < most if asked is None else began > asked

    def _ticket(self) -> int:
        with self._order:
            self._tickets += 1
            return self._tickets
