"""Calls whose effect must not come twice (E11, E13), and which a service that is down for a moment must not end."""

from collections.abc import Callable
from itertools import count
from typing import TypeVar

from providers.api.transport.client import ServiceClient
from providers.api.transport.errors import TransportError
from providers.api.transport.operations import PASSING, pause, report

T = TypeVar("T")
# How often such a call is sent while the service says that it is down.
SENDS = 3
DOWN_STATUSES = frozenset({429, 500, 502, 503, 504})


def repeated(
    client: ServiceClient, send: Callable[[], T], look: Callable[[], T | None] | None, *, look_when_lost: bool = False
) -> T:
    """What `send` gives, or its effect as `look` finds it (None: it does not show; no `look`: it never would).

    An answer that says the service is down is looked up until the grace time is over, and only then sent again. A lost
    answer is never sent again; with `look_when_lost` it is looked up once. Raises `TransportError` with
    `may_have_happened`.
    """
    for tries in count(1):
        try:
            return send()
        except TransportError as error:
            down = error.status in DOWN_STATUSES
            telling = error.may_have_happened and (down or look_when_lost)
            if look is None or not telling:
                raise
            effect = _looked_up(client, look, error, down=down)
            if effect is not None:
                return effect
            if not down or tries >= SENDS:
                raise
    raise AssertionError("the loop has no end of its own")


def _looked_up(client: ServiceClient, look: Callable[[], T | None], error: TransportError, *, down: bool) -> T | None:
    if not down:
        return _effect(client, look, 0.0)
    report(f"{error.reason}; looking whether it was done")
    return _effect(client, look, client.profile.polls.lost_answer)


def _effect(client: ServiceClient, look: Callable[[], T | None], seconds: float) -> T | None:
    """The effect as soon as it shows, looked for at least once and for that long."""
    timing = client.timing
    end = timing.clock() + seconds
    while (effect := _looked(look)) is None and timing.clock() < end:
        pause(client.profile.polls.map_action, sleep=timing.sleep)
    return effect


def _looked(look: Callable[[], T | None]) -> T | None:
    """What a look found; one that fails while the service is down found nothing."""
    try:
        return look()
    except PASSING:
        return None
