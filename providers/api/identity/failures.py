"""Failures to get a token: which of them pass, and how callers share one instead of each asking again."""

import copy
from collections.abc import Callable
from typing import TypeVar

from providers.api.transport.errors import ApiError, AuthenticationError
from providers.api.transport.operations import PASSING

T = TypeVar("T")
# What a token service answers while it is busy or down; anything else is a refusal of the credential.
PASSING_STATUSES = frozenset({408, 425, 429, 499, 500, 502, 503, 504})


# For so long what passes answers those that come next: shorter than the pause before the same caller tries again.
PASSING_SECONDS = 0.4


class SharedFailures:
    """Remembers for `seconds` that a credential was refused. Not safe between threads: its owner holds a lock.

    What passes is shared by those that waited for the same try or come right after it, as the resources of a refresh
    do: a sign-in that hangs is waited for once, not once by each of them. `clock` is in seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._error: ApiError | None = None
        self._until = float("-inf")

    def shared(self, obtain: Callable[[], T], asked: float) -> T:
        """What `obtain` gives, or the failure that it met a short time ago. `asked`: when the caller began to wait."""
        if self._error is not None and asked < self._until:
            # Each caller raises an error of its own: tracebacks of several threads would mix in one.
            raise copy.copy(self._error)
        self._error = None
        try:
            return obtain()
        except (AuthenticationError, *PASSING) as error:
            lasts = self._seconds if isinstance(error, AuthenticationError) else PASSING_SECONDS
            self._error, self._until = copy.copy(error), self._clock() + lasts
            raise
