"""A session of the public cloud on a scripted network, with fake time and fake tokens."""

from collections.abc import Iterator
from random import Random

import pytest

from providers.api.session import Session
from providers.api.transport.client import ServiceClient
from providers.api.transport.clouds import CloudProfile, profile
from providers.api.transport.hosts import power_platform_hosts
from providers.api.transport.lazy import connect
from providers.api.transport.timing import Timing

from .scripted import FakeTime, FakeTokens, Script

GATEWAY = "https://projectmanagementservice.weu-il107.gateway.prod.island.powerapps.com"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "DUALWRITE_POWER_PLATFORM_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def network() -> Iterator[Script]:
    script = Script()
    yield script
    left = [f"{method} {path}" for method, path, _ in script.steps]
    assert not left, f"expected, but never sent: {left}"


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def tokens() -> FakeTokens:
    return FakeTokens()


@pytest.fixture
def dual_write_tokens() -> FakeTokens:
    return FakeTokens()


@pytest.fixture
def timing(time: FakeTime) -> Timing:
    return Timing(sleep=time.sleep, clock=time.clock, now=time.now, random=Random(1), busy=15)  # noqa: S311 - no secret


@pytest.fixture
def public() -> CloudProfile:
    return profile("public")


@pytest.fixture
def session(
    public: CloudProfile, network: Script, timing: Timing, tokens: FakeTokens, dual_write_tokens: FakeTokens
) -> Session:
    return Session(
        public, gateway=GATEWAY, tokens=tokens, dual_write_tokens=dual_write_tokens, transport=network, timing=timing
    )


@pytest.fixture
def client(public: CloudProfile, network: Script, timing: Timing, tokens: FakeTokens) -> ServiceClient:
    """A client of the Power Platform admin API, for what all services share."""
    return ServiceClient(
        "Power Platform",
        "https://api.bap.microsoft.com",
        public.bap_scope,
        profile=public,
        tokens=tokens,
        rule=power_platform_hosts(public),
        http=connect(public, network),
        timing=timing,
    )
