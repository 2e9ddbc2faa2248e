"""The seam behind which slow libraries wait for their first use: the HTTP client and the schedule of retries.

A preview of a stack without changes makes no call, and each provider process of it would pay a quarter of a second for
libraries that only calls need. Nothing else may import `http` and `retrying`; tests/unit/api/test_start_up.py holds it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from providers.api.transport.clouds import CloudProfile
from providers.api.transport.connection import Connection
from providers.api.transport.timing import Attempt, Replay, Timing

if TYPE_CHECKING:
    import httpx


def connect(profile: CloudProfile, transport: "httpx.BaseTransport | None" = None) -> Connection:
    """The connections to one service of a cloud; `transport` is injected by tests."""
    from providers.api.transport.http import HttpConnection
    from providers.api.transport.quiet import quieten

    quieten()
    return HttpConnection(profile, transport)


def repeated(
    attempt: Callable[[], Attempt], *, replay: Replay, attempts: int, wait_busy: bool, timing: Timing
) -> Attempt:
    """The last of the attempts that a call was worth; see `retrying.retrying`."""
    from providers.api.transport.retrying import retrying

    return retrying(replay, attempts, wait_busy, timing)(attempt)
