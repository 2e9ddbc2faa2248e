"""The tenant's time: real, scaled (N virtual seconds a second) or stepped by hand."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from emulator.core.store import Store

KIND = "clock"


class Clock:
    """Virtual time that never goes back, also across restarts; it stands still while the emulator is down."""

    def __init__(
        self,
        store: Store,
        mode: str = "real",
        *,
        start: datetime | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        real_now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`mode`: `real`, `scaled:N` or `stepped`; ValueError for any other text."""
        self._store = store
        self._monotonic = monotonic
        self._real_now = real_now
        self.mode = mode
        self.scale = _scale(mode)
        saved = store.get(KIND, "now")
        self._base = datetime.fromisoformat(saved["now"]) if saved else start or real_now()
        self._since = monotonic()
        self._held: datetime | None = None

    def now(self) -> datetime:
        """Return the virtual time, UTC; constant during one request and one event."""
        return self._held or self.running()

    def running(self) -> datetime:
        """Return the virtual time that a new request would see."""
        if self.scale == 0:
            return self._base
        return self._base + timedelta(seconds=(self._monotonic() - self._since) * self.scale)

    def real_now(self) -> datetime:
        """Return the real time, UTC; token life times follow it."""
        return self._real_now()

    def retry_after(self, virtual_seconds: float) -> int:
        """Return what belongs into a Retry-After header for a wait of so many virtual seconds: at least 1.

        No service says 0, however fast the clock is, and a client may take it for "at once".
        """
        return max(1, math.ceil(virtual_seconds / self.scale)) if self.scale else 1

    def outruns(self, virtual_seconds: float) -> bool:
        """Return whether so many virtual seconds are over before a Retry-After header could say so."""
        return self.scale > 1 and virtual_seconds / self.scale < 0.5

    def move(self, seconds: float) -> None:
        """Put the running clock forward; due events are the caller's business (`Events.advance`)."""
        if seconds < 0:
            msg = "the clock cannot go back"
            raise ValueError(msg)
        self._base += timedelta(seconds=seconds)
        self.save()

    def save(self) -> None:
        """Keep the present virtual time for the next start."""
        self._store.put(KIND, "now", {"now": self.running().isoformat()})

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Hold `now()` at `moment` while the block runs."""
        before, self._held = self._held, moment
        try:
            yield
        finally:
            self._held = before


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _scale(mode: str) -> float:
    if mode == "real":
        return 1.0
    if mode == "stepped":
        return 0.0
    name, _, number = mode.partition(":")
    scale = _number(number) if name == "scaled" else math.nan
    if not 0 < scale < math.inf:
        msg = f"unknown clock '{mode}'; use real, scaled:N or stepped"
        raise ValueError(msg)
    return scale
