"""An emulated tenant in this process: in-memory store, stepped clock, the real dispatcher, no sockets."""

import json as jsonlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from emulator.app import assemble, first_day
from emulator.core.clock import Clock
from emulator.core.routing import Service
from emulator.core.store import Store
from emulator.core.wire import Reply, parse
from emulator.dispatch import dispatch, find_fault
from emulator.identity import directory
from emulator.identity.tokens import SigningKey
from emulator.tenant import Tenant

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class CallTenant:
    """`call("GET", "https://host/path?query")` answers as the tenant would, through the real dispatcher."""

    def __init__(self, tenant: Tenant) -> None:
        """`tenant`: gets the requests."""
        self._tenant = tenant

    def __call__(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        params: Mapping[str, str] | None = None,
        app: str | None = directory.DEMO_CLIENT_ID,
        user: str | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request.

        The bearer is of application `app` (default: the demo program), or of person `user`, or `token` as it stands;
        `app=None` sends none. The audience is the first one the host accepts.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        service = self._tenant.service_of(host)
        assert service is not None, f"{host} is no host of the tenant"
        sent = dict(headers or {})
        bearer_text = token or self._bearer(service, host, app, user)
        if bearer_text:
            sent["Authorization"] = f"Bearer {bearer_text}"
        content = body if body is not None else b"" if json is None else jsonlib.dumps(json).encode()
        query = "&".join(part for part in (parts.query, urlencode(params or {})) if part)
        request = parse(method, host, parts.path, query, sent, content)
        reply = dispatch(self._tenant, service, request, find_fault(self._tenant, service, request))
        assert reply is not None, "the connection was dropped"
        if reply.json is not None:
            # What a client would see: tuples become lists, keys become text.
            reply.json = jsonlib.loads(jsonlib.dumps(reply.json))
        return reply

    def _bearer(self, service: Service, host: str, app: str | None, user: str | None) -> str | None:
        identity = self._tenant.identity
        audience = min(service.audiences(host), default=None)
        if audience is None or (app is None and user is None):
            return None
        if user is not None:
            person = identity.directory.user(user)
            assert person is not None
            return identity.user_token(person, audience, client_id=directory.DATA_INTEGRATION_APP_ID)
        application = identity.directory.application(app or "")
        assert application is not None
        return identity.application_token(application, audience)


@pytest.fixture
def tenant(signing_key: SigningKey) -> Iterator[Tenant]:
    """A fresh tenant whose clock stands at START until a test calls `tenant.events.advance(seconds)`."""
    store = Store()
    yield assemble(store, Clock(store, "stepped", start=START), signing_key)
    store.close()


@pytest.fixture(scope="session")
def first_day_store(signing_key: SigningKey) -> Iterator[Store]:
    """The default seed, played once for all tests."""
    store = Store()
    assemble(store, Clock(store, "stepped", start=START), signing_key).seeds.play(first_day())
    yield store
    store.close()


@pytest.fixture
def existing(tenant: Tenant, first_day_store: Store) -> Tenant:
    """The tenant with all that the default seed holds."""
    first_day_store.connection.backup(tenant.store.connection)
    return tenant


@pytest.fixture
def call(tenant: Tenant) -> CallTenant:
    """Send one request through the real dispatcher."""
    return CallTenant(tenant)
