"""The time a client lives in, and how one attempt of a call ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Literal, NamedTuple

from providers.api.transport.answers import Response
from providers.api.transport.errors import ApiError
from providers.api.transport.operations import Clock, Sleep
from providers.api.transport.retry import Verdict

Replay = Literal["safe", "never"]


class Attempt(NamedTuple):
    """How one attempt ended: a response, or an error with what it means for another try and the wait asked for."""

    response: Response | None = None
    error: ApiError | None = None
    verdict: Verdict = Verdict.FAIL
    wait: float | None = None


@dataclass
class Timing:
    """The time a client lives in; tests inject all of it.

    `busy` (seconds) is the wait while something else runs on an environment, `patience` bounds the waits of one call.
    """

    sleep: Sleep = time.sleep
    clock: Clock = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    random: Random = field(default_factory=Random)
    busy: float = 15.0
    patience: float = 600.0
