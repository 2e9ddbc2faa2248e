"""Provider code on the emulated tenant in one process: a stepped clock, no sockets, a process that dies at will.

Hours pass in milliseconds because waiting moves the tenant's clock. It stands in for the
provider process where a test needs to stop it at one exact request, some hundred times.
"""

import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from emulator.app import assemble
from emulator.core.clock import Clock
from emulator.core.store import SCHEMA, Store
from emulator.core.wire import parse
from emulator.dispatch import dispatch, find_fault
from emulator.identity import directory
from emulator.identity.tokens import SigningKey
from emulator.tenant import Tenant
from providers.api.session import Session
from providers.api.transport.clouds import EMULATOR_GATEWAY, PollIntervals, profile
from providers.api.transport.timing import Timing
from providers.protocol.base import Call
from providers.protocol.row import Row

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
# Long waits between polls: few requests in a run that is repeated for each of them.
POLLS = PollIntervals(
    environment=120, dataverse=60, package=600, finops=600, solution=60, map_action=20, initial_sync=40
)


class Killed(BaseException):
    """The provider process ended here, as SIGKILL ends it."""


@dataclass
class World:
    """One tenant and the time in it; every `run` is a new provider process with its own session.

    `answered` is called after each request with what `requests` says of it; `network` stands before the transport.
    `said` stays in a run's messages, `progress` is shown for a moment. A provider's own threads may ask: one is
    answered at a time.
    """

    tenant: Tenant
    elapsed: float = 0.0
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    progress: list[str] = field(default_factory=list)
    answered: Callable[[str], None] | None = None
    network: Callable[[httpx.BaseTransport], httpx.BaseTransport] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    _behind: float = 0.0

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.elapsed += seconds
            self._behind += seconds

    def catch_up(self) -> None:
        """Move the tenant's clock by what was slept: once a request, not once a second of progress."""
        self.tenant.events.advance(self._behind)
        self._behind = 0.0

    def clock(self) -> float:
        return self.elapsed

    def writes(self) -> list[str]:
        """Every request so far that changes something."""
        return [each for each in self.requests if not each.startswith("GET")]

    def call(self, *, kill_after: int | None = None) -> Call:
        """A row of the stack dualwrite/new-new in a new process, which dies before it reads answer `kill_after`.

        What that request did is done. To the services it is the same as dying before the request that would follow.
        """
        self.catch_up()
        direct = _Transport(self, kill_after)
        transport = self.network(direct) if self.network else direct
        session = Session(
            profile("public", polls=POLLS),
            gateway=EMULATOR_GATEWAY,
            tokens=TenantTokens(self),
            dual_write_tokens=_UserTokens(self),
            transport=transport,
            timing=Timing(sleep=self.sleep, clock=self.clock, busy=60),
        )
        return Call(
            row=Row("urn:pulumi:new-new::dualwrite::t::n", "dualwrite", "new-new"),
            session_for=lambda _cloud, **_options: session,
            sleep=self.sleep,
            clock=self.clock,
            write=self._write,
        )

    def _write(self, _row: Row, text: str, *, ephemeral: bool, warning: bool = False) -> None:
        if ephemeral:
            self.progress.append(text)
        else:
            self.said.append(f"warning: {text}" if warning else text)


def a_world(key: SigningKey) -> World:
    """A seeded tenant of its own, in memory."""
    store = _memory()
    clock = Clock(store, "stepped", start=START)
    return World(assemble(store, clock, key))


def copied(world: World, key: SigningKey) -> World:
    """The same tenant at the same time, in memory of its own: what is done in one is not seen in the other."""
    world.catch_up()
    store = _memory()
    world.tenant.clock.save()
    world.tenant.store.connection.backup(store.connection)
    return World(assemble(store, Clock(store, "stepped", start=world.tenant.clock.now()), key))


def _memory() -> Store:
    """A store in memory that any thread may use."""
    store = Store()
    store.close()
    store.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=512)
    store.create(SCHEMA)
    return store


class TenantTokens:
    """Tokens of the demo application, straight from the tenant's identity service."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tenant = world.tenant
        self._held: dict[str, str] = {}

    def token(self, scope: str, _claims: str | None = None) -> str:
        with self._world.lock:
            if scope not in self._held:
                self._held[scope] = self._issued(scope)
            return self._held[scope]

    def _issued(self, scope: str) -> str:
        application = self._tenant.identity.directory.application(directory.DEMO_CLIENT_ID)
        assert application is not None
        return str(self._tenant.identity.application_token(application, scope.removesuffix("/.default")))

    def forget(self, scope: str) -> None:
        self._held.pop(scope, None)


class _UserTokens(TenantTokens):
    """The delegated tokens of the dual-write service."""

    def _issued(self, scope: str) -> str:
        identity = self._tenant.identity
        person = identity.directory.user(directory.ADMINISTRATOR.upn)
        assert person is not None
        audience = scope.removesuffix("/.default")
        return str(identity.user_token(person, audience, client_id=directory.DATA_INTEGRATION_APP_ID))


class _Transport(httpx.BaseTransport):
    """Hands requests to the tenant's dispatcher, and stops the world at one of them."""

    def __init__(self, world: World, kill_after: int | None) -> None:
        self._world = world
        self._left = kill_after

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._world.lock:
            return self._handle(request)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        response = self._answer(request)
        if self._world.answered is not None:
            self._world.answered(self._world.requests[-1])
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                raise Killed
        return response

    def _answer(self, request: httpx.Request) -> httpx.Response:
        world, tenant = self._world, self._world.tenant
        host = request.url.host
        service = tenant.service_of(host)
        if service is None:
            raise httpx.ConnectError(f"{host} does not exist", request=request)
        world.catch_up()
        world.requests.append(f"{request.method} {host}{request.url.path}")
        query = request.url.query.decode()
        call = parse(request.method, host, request.url.path, query, dict(request.headers), request.read())
        reply = dispatch(tenant, service, call, find_fault(tenant, service, call))
        if reply is None:
            raise httpx.ReadError("the connection broke", request=request)
        # The stepped clock asks for no wait at all; the profile's own intervals keep the number of polls low.
        headers = {name: value for name, value in (reply.headers or {}).items() if name.lower() != "retry-after"}
        if reply.json is None:
            return httpx.Response(reply.status, headers=headers, stream=httpx.ByteStream(_bytes(reply.body)))
        headers.setdefault("content-type", "application/json")
        body = json.dumps(reply.json).encode()
        return httpx.Response(reply.status, headers=headers, stream=httpx.ByteStream(body))


def _bytes(body: bytes | str | None) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


def killed_everywhere(start: World, step: Callable[[Call], str], key: SigningKey) -> list[World]:
    """What a kill after each request of `step` leaves, and the step run again from there, to its end.

    To the services a kill after a request is the same as one before the next: the step runs once, and a copy is taken
    after each of its requests. Each world knows the requests of its own two runs only.
    """
    world, worlds = copied(start, key), []

    def answered(_request: str) -> None:
        worlds.append(copied(world, key))
        worlds[-1].requests += world.requests

    world.answered = answered
    step(world.call())
    for left in worlds:
        step(left.call())
    return worlds
