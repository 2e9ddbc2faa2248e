"""A session of the public cloud whose services all answer with one function, in fake time."""

from collections.abc import Callable
from random import Random

import httpx

from providers.api.session import Session
from providers.api.transport.clouds import profile
from providers.api.transport.timing import Timing

from .scripted import Answering, FakeTime, FakeTokens

GATEWAY = "https://projectmanagementservice.weu-il107.gateway.prod.island.powerapps.com"
PATIENCE = 600.0


def opened(respond: Callable[[httpx.Request], httpx.Response], time: FakeTime) -> Session:
    """A session whose services answer with `respond`."""
    timing = Timing(sleep=time.sleep, clock=time.clock, now=time.now, random=Random(1), busy=15, patience=PATIENCE)  # noqa: S311
    return Session(
        profile("public"),
        gateway=GATEWAY,
        tokens=FakeTokens(),
        dual_write_tokens=FakeTokens(),
        transport=Answering(respond),
        timing=timing,
    )
