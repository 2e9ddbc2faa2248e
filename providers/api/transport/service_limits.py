"""Dataverse's service protection limits, kept from this side: requests and execution time in a sliding window.

Per user and web server, 6,000 requests and 1,200 s of execution in 300 s (dual-write-semantics.md 12.2); how many
web servers there are nobody is told, so one is assumed, and a batch counts as one request (assumed).
"""

import threading
from collections import deque
from collections.abc import Callable

WINDOW = 300.0
REQUESTS = 6000
EXECUTION = 1200.0
# What runs at the moment is not counted yet, and others may use the same identity.
SHARE = 0.9


class ServiceLimits:
    """When the next request may begin; shared by the threads that send to one service. Times are in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._begun: deque[float] = deque()
        self._ended: deque[tuple[float, float]] = deque()
        self._spent = 0.0
        self._not_before = float("-inf")

    def admit(self) -> float:
        """0 when a request may begin now, which then counts; otherwise how long to wait before asking again."""
        with self._lock:
            now = self._clock()
            self._forget(now - WINDOW)
            wait = self._not_before - now
            if len(self._begun) >= REQUESTS * SHARE:
                wait = max(wait, self._begun[0] + WINDOW - now)
            if self._spent >= EXECUTION * SHARE:
                wait = max(wait, self._ended[0][0] + WINDOW - now)
            if wait > 0:
                return wait
            self._begun.append(now)
            return 0.0

    def ended(self, took: float) -> None:
        """A request has its answer after `took` seconds."""
        with self._lock:
            self._ended.append((self._clock(), took))
            self._spent += took

    def hold(self, wait: float) -> None:
        """The service asks for a pause: nothing begins before it is over, on any thread."""
        with self._lock:
            self._not_before = max(self._not_before, self._clock() + wait)

    @property
    def held(self) -> float:
        """How long the pause that the service asked for still lasts; 0 without one."""
        with self._lock:
            return max(0.0, self._not_before - self._clock())

    def _forget(self, before: float) -> None:
        while self._begun and self._begun[0] <= before:
            self._begun.popleft()
        while self._ended and self._ended[0][0] <= before:
            self._spent -= self._ended.popleft()[1]
