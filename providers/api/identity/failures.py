"""Failures to get a token: which of them pass, and how callers share one instead of each asking again."""

import copy
from collections.abc import Callable
from typing import TypeVar

from providers.api.transport.errors import AuthenticationError

T = TypeVar("T")
# What a token service answers while it is busy or down; anything else is a refusal of the credential.
PASSING_STATUSES = frozenset({408, 425, 429, 499, 500, 502, 503, 504})


class SharedFailures:
    """Remembers for `seconds` that a credential was refused. Not safe between threads: its owner holds a lock."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._error: AuthenticationError | None = None
        self._until = float("-inf")

    def shared(self, obtain: Callable[[], T], now: float) -> T:
        """What `obtain` gives, or the refusal that it met a short time ago. What passes is not remembered."""
        if self._error is not None and now < self._until:
            # Each caller raises an error of its own: tracebacks of several threads would mix in one.
            raise copy.copy(self._error)
        try:
            return obtain()
        except AuthenticationError as error:
            self._error, self._until = copy.copy(error), now + self._seconds
            raise
