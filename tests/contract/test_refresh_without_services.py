"""A refresh while a service is down: one series of tries for all that ask, one warning a resource, nothing lost.

Real threads, as the engine has them, in time that passes fifty times as fast; the tenant has a thread of its own.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import pytest
from azure.core.exceptions import ServiceRequestTimeoutError

from emulator.identity.tokens import SigningKey
from providers.api.identity.application_tokens import AzureIdentityTokens
from providers.api.session import Session
from providers.api.transport.clouds import profile
from providers.api.transport.errors import AuthenticationError
from providers.api.transport.limits import ATTEMPTS
from providers.api.transport.tokens import TokenSource
from providers.application_package import ApplicationPackageProvider
from providers.catalogue.selection import choose_maps
from providers.cds_instance import CdsInstanceProvider
from providers.company import CompanyProvider
from providers.company_bootstrap import CompanyBootstrapProvider
from providers.dual_write_connection import DualWriteConnectionProvider
from providers.entity_map import EntityMapProvider
from providers.finops_instance import FinOpsInstanceProvider
from providers.live_sync import LiveSyncProvider
from providers.protocol import base
from providers.protocol.base import Call, DualWriteError, Provider
from providers.protocol.memory import Memory
from providers.protocol.row import Row
from tests.support.in_process import World
from tests.support.linked_world import CDS, CDS_HOST, FINOPS, FINOPS_HOST, a_linked_world

FASTER = 50.0
# The engine's, for the operations of one provider.
THREADS = 4
MAPS = choose_maps(["finance"])
# The longest waits between the tries of one call: 1, 2, 4, 8 and 16 seconds.
ONE_SERIES = sum(2**number for number in range(ATTEMPTS - 1))
PAIR = {"cloud": "public", "cds": CDS, "finops": FINOPS}
GATEWAY = "projectmanagementservice.weu-il107.gateway.prod.island.powerapps.com"
SLOW = "msdyn_customergroups - Customer groups"
DECLARED: list[tuple[Provider[Any, Any], dict[str, Any]]] = [
    (CdsInstanceProvider(), {"cloud": "public", "instance": "existing", "url": CDS, "finops": FINOPS}),
    (FinOpsInstanceProvider(), {"cloud": "public", "instance": "existing", "url": FINOPS, "cds": CDS}),
    *((ApplicationPackageProvider(), {"cloud": "public", "cds": CDS, "package": name}) for name in MAPS.packages),
    (CompanyProvider(), {**PAIR, "code": "LAMN"}),
    (
        DualWriteConnectionProvider(),
        {**PAIR, "companies": ["DAT", "LAMN"], "solutions": list(MAPS.solutions), "timeout": "1h"},
    ),
    (
        CompanyBootstrapProvider(),
        {"cloud": "public", "cds": CDS, "company": "DAT", "tables": ["accounts"], "simulate": True},
    ),
    (EntityMapProvider(), {**PAIR, "map": SLOW, "version": "1.0.0.0"}),
    (LiveSyncProvider(), {**PAIR, "companies": ["DAT", "LAMN"], "maps": dict.fromkeys(MAPS.maps, "stopped")}),
]


class Stored(NamedTuple):
    """One resource of the state."""

    provider: Provider[Any, Any]
    identifier: str
    outputs: dict[str, Any]


@dataclass
class Refused:
    """A source of tokens whose secret is wrong."""

    asked: int = 0

    def token(self, _scope: str, _claims: str | None = None) -> str:
        self.asked += 1
        raise AuthenticationError("no token: Invalid client secret provided", code="AADSTS7000215", service="identity")

    def forget(self, _scope: str) -> None:
        """Nothing to forget."""


class Hanging:
    """A credential whose sign-in ends after ten seconds, without an answer."""

    def __init__(self) -> None:
        self.asked = 0

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        self.asked += 1
        time.sleep(10 / FASTER)
        raise ServiceRequestTimeoutError("no answer in time")


@dataclass
class Stack:
    """The state of a stack with a resource of each kind, and the tenant's own thread, on which all of it lives."""

    world: World
    stored: list[Stored]
    thread: ThreadPoolExecutor
    said: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    slept: Counter[int] = field(default_factory=Counter)

    def refresh(self, monkeypatch: pytest.MonkeyPatch, *, down: str = "", tokens: TokenSource | None = None) -> None:
        """Read every resource, as the engine does. `slept`: the waits between tries, in seconds by thread."""
        self.said, self.asked, self.failed, self.slept = [], Counter(), [], Counter()
        begun, lock = time.monotonic(), threading.Lock()
        session = self.thread.submit(lambda: self.world.call().session("public")).result()
        self._on_the_tenants_thread(session, down, tokens)

        def clock() -> float:
            return (time.monotonic() - begun) * FASTER

        def sleep(seconds: float) -> None:
            with lock:
                self.slept[threading.get_ident()] += math.ceil(seconds)
            time.sleep(seconds / FASTER)

        def write(_row: Row, text: str, *, ephemeral: bool, warning: bool = False) -> None:
            with lock:
                self.said += [] if ephemeral else [f"{'warning: ' * warning}{text}"]

        def call(**given: Any) -> Call:
            return Call(session_for=lambda *_, **__: session, sleep=sleep, clock=clock, write=write, **given)

        session._timing.sleep, session._timing.clock = sleep, clock
        monkeypatch.setattr(base, "Call", call)
        monkeypatch.setattr(base, "refused", Memory())
        with ThreadPoolExecutor(THREADS) as engine:
            list(engine.map(self._read, self.stored))

    def _read(self, one: Stored) -> None:
        try:
            result = one.provider.read(one.identifier, one.outputs)
        except DualWriteError as error:
            self.failed.append(str(error))
            return
        assert result.id == one.identifier, "nothing is taken for gone"

    def _on_the_tenants_thread(self, session: Session, down: str, tokens: TokenSource | None) -> None:
        """Every request and every token is made on the thread that the tenant's memory belongs to."""
        inner = session._transport
        assert inner is not None

        def respond(request: httpx.Request) -> httpx.Response:
            request.read()
            self.asked[request.url.host] += 1
            if request.url.host == down:
                return httpx.Response(503, stream=httpx.ByteStream(b""))
            return self.thread.submit(inner.handle_request, request).result()

        session._transport = _Answering(respond)
        session._tokens = tokens or _Elsewhere(session._tokens, self.thread)
        session._dual_write_tokens = _Elsewhere(session._dual_write_tokens, self.thread)


class _Answering(httpx.BaseTransport):
    def __init__(self, respond: Callable[[httpx.Request], httpx.Response]) -> None:
        self._respond = respond

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._respond(request)


class _Elsewhere:
    """Tokens that another thread makes."""

    def __init__(self, tokens: Any, thread: ThreadPoolExecutor) -> None:
        self._tokens = tokens
        self._thread = thread

    def token(self, scope: str, claims: str | None = None) -> str:
        return str(self._thread.submit(self._tokens.token, scope, claims).result())

    def forget(self, scope: str) -> None:
        self._thread.submit(self._tokens.forget, scope).result()


def a_stack(thread: ThreadPoolExecutor) -> Stack:
    pair = a_linked_world(SigningKey.generate(), MAPS)
    stored = []
    for provider, bag in DECLARED:
        inputs = provider.normalise(provider.inputs.model_validate(bag))
        identifier, outputs = provider.on_create(inputs, pair.call())
        given = inputs.model_dump(mode="json", exclude_none=True)
        stored.append(Stored(provider, identifier, {**given, **outputs.model_dump(mode="json", exclude_none=True)}))
    return Stack(pair.world, stored, thread)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with ThreadPoolExecutor(1) as thread, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUALWRITE_TOKEN", "of no use: the world signs in by itself")
        yield thread.submit(a_stack, thread).result()


@pytest.mark.parametrize(
    ("down", "kinds"),
    [
        ("api.bap.microsoft.com", {"CdsInstance", "FinOpsInstance", "DualWriteConnection", "CompanyBootstrap"}),
        ("api.powerplatform.com", {"ApplicationPackage", "FinOpsInstance"}),
        (CDS_HOST, {"CdsInstance", "FinOpsInstance", "EntityMap"}),
        (FINOPS_HOST, {"Company", "FinOpsInstance"}),
        (GATEWAY, {"DualWriteConnection", "EntityMap", "LiveSync"}),
    ],
)
def test_refresh_ends_within_one_series_of_tries_and_warns_once_a_resource(
    down: str, kinds: set[str], stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.refresh(monkeypatch, down=down)
    assert stack.failed == []
    named = [line.split()[2] for line in stack.said]
    assert all(line.startswith("warning: DW-N07 ") for line in stack.said)
    assert set(named) == kinds
    # One warning a resource, whatever number of its readings failed.
    assert len(stack.said) == sum(each.provider.resource in kinds for each in stack.stored)
    # Different readings of one service that is down go on at the same time; those of the same thing are one.
    assert stack.asked[down] <= 3 * ATTEMPTS
    assert max(stack.slept.values()) <= ONE_SERIES


def test_refresh_of_a_healthy_stack_says_nothing(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.refresh(monkeypatch)
    assert (stack.failed, stack.said) == ([], [])


def test_refused_secret_is_told_once(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.refresh(monkeypatch, tokens=Refused())
    (failure,) = stack.failed
    assert "read failed: no token: Invalid client secret provided (AADSTS7000215)" in failure
    assert stack.said == []


def test_login_host_that_hangs_is_waited_for_once(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    credential = Hanging()
    tokens = AzureIdentityTokens(profile("public"), build=lambda: credential, clock=lambda: time.monotonic() * FASTER)
    stack.refresh(monkeypatch, tokens=tokens)
    assert stack.failed == []
    assert len(stack.said) == len(stack.stored)
    # One try for all resources; a busy machine may need more than the moment for which its failure is shared.
    assert credential.asked < len(stack.stored) / THREADS
