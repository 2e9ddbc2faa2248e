"""One session per cloud and process: shared, thread-safe clients, built when first asked for."""

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from providers.api.app_management.client import AppManagement
from providers.api.dataverse.client import Dataverse
from providers.api.dual_write.client import DualWriteManagement
from providers.api.finance_operations.client import FinanceOperations, not_registered
from providers.api.identity.application_tokens import IDENTITIES, AzureIdentityTokens
from providers.api.identity.dual_write_sources import HOW_TO_GET_ONE, dual_write_token_configured
from providers.api.identity.dual_write_tokens import DualWriteTokens
from providers.api.identity.tenants import tenant_of
from providers.api.power_platform.bap import BapPowerPlatform
from providers.api.power_platform.interface import PowerPlatform
from providers.api.transport import lazy
from providers.api.transport.client import Explain, ServiceClient, as_it_is
from providers.api.transport.clouds import EMULATOR_CA, EMULATOR_URL, POWER_PLATFORM_HOST, CloudProfile, profile
from providers.api.transport.connection import Connection
from providers.api.transport.errors import InvalidRequest, TokenMissing
from providers.api.transport.hosts import (
    HostRule,
    app_management_hosts,
    gateway_hosts,
    instance_host,
    only,
    power_platform_hosts,
)
from providers.api.transport.timing import Timing
from providers.api.transport.tokens import TokenSource, claim

if TYPE_CHECKING:
    import httpx

C = TypeVar("C")


class Session:
    """The clients of one cloud. Everything is lazy: making a session contacts nothing.

    `transport` (one for all services), `timing` and the token sources are injected by tests.
    """

    def __init__(
        self,
        profile: CloudProfile,
        *,
        gateway: str | None = None,
        identity: str = "default",
        tokens: TokenSource | None = None,
        dual_write_tokens: TokenSource | None = None,
        transport: "httpx.BaseTransport | None" = None,
        timing: Timing | None = None,
    ) -> None:
        self.profile = profile
        self.gateway = gateway or profile.default_gateway
        self._identity = identity
        self._tokens = tokens or AzureIdentityTokens(profile, identity)
        self._dual_write_tokens = dual_write_tokens
        self._transport = transport
        self._timing = timing or Timing(busy=profile.polls.busy, patience=profile.polls.patience)
        self._lock = threading.RLock()
        self._clients: dict[str, Any] = {}
        self._pools: dict[str, Connection] = {}

    @property
    def client_id(self) -> str | None:
        """The program's own application id: as the environment names it, else as its token says."""
        named = os.environ.get(IDENTITIES[self._identity][0])
        if named:
            return named
        token = self._tokens.token(self.profile.bap_scope)
        found = claim(token, "appid") or claim(token, "azp")
        return found if isinstance(found, str) else None

    @property
    def tenant_id(self) -> str | None:
        """The tenant that the program signs in to, as its token says; None for a token that cannot be read."""
        found = claim(self._tokens.token(self.profile.bap_scope), "tid")
        return found if isinstance(found, str) else None

    @property
    def dual_write_tenant_id(self) -> str | None:
        """The tenant of the delegated dual-write token; None without a token, and for one that cannot be read."""
        if self._dual_write_tokens is None and not dual_write_token_configured():
            return None
        found = claim(self._delegated().token(f"{self.profile.dual_write_audience}/.default"), "tid")
        return found if isinstance(found, str) else None

    def tenant_of(self, domain: str) -> str:
        """Id of the tenant of a domain, asked once at the login host."""
        return self._once(f"tenant {domain}", lambda: tenant_of(domain, self.profile, self._connection("identity")))

    @property
    def power_platform(self) -> PowerPlatform:
        """Environments and catalogues."""
        return self._once("power_platform", lambda: BapPowerPlatform(self._bap(), self._ppapi()))

    @property
    def app_management(self) -> AppManagement:
        """Application packages."""
        return self._once("app_management", lambda: AppManagement(self._ppapi()))

    @property
    def dual_write(self) -> DualWriteManagement:
        """The dual-write management service; raises `TokenMissing` when no delegated token is configured."""
        if self._dual_write_tokens is None and not dual_write_token_configured():
            raise TokenMissing("no delegated token for the dual-write service is configured", next_step=HOW_TO_GET_ONE)
        return self._once("dual_write", self._make_dual_write)

    def dataverse(self, host_or_url: str) -> Dataverse:
        """The Web API of one organization. Raises `ForeignHost` outside the cloud."""
        host = instance_host(host_or_url, self.profile.dataverse_suffixes)
        return self._once(f"dataverse {host}", lambda: Dataverse(self._instance("Dataverse", host), host))

    def finance_operations(self, host_or_url: str) -> FinanceOperations:
        """The OData service of one F&O environment. Raises `ForeignHost` outside the cloud."""
        host = instance_host(host_or_url, self.profile.finance_operations_suffixes)

        def make() -> FinanceOperations:
            return FinanceOperations(self._instance("F&O", host, not_registered), host)

        return self._once(f"finops {host}", make)

    def close(self) -> None:
        """Close all connections; the session can be used again."""
        with self._lock:
            pools, self._pools, self._clients = list(self._pools.values()), {}, {}
        for pool in pools:
            pool.close()

    def _once(self, name: str, make: Callable[[], C]) -> C:
        with self._lock:
            if name not in self._clients:
                self._clients[name] = make()
            found: C = self._clients[name]
            return found

    def _connection(self, service: str) -> Connection:
        with self._lock:
            if service not in self._pools:
                self._pools[service] = lazy.connect(self.profile, self._transport)
            return self._pools[service]

    def _client(
        self,
        service: str,
        host: str,
        scope: str,
        rule: HostRule,
        tokens: TokenSource | None = None,
        explain: Explain = as_it_is,
    ) -> ServiceClient:
        return ServiceClient(
            service,
            f"https://{host}",
            scope,
            profile=self.profile,
            tokens=tokens or self._tokens,
            rule=rule,
            http=self._connection(service),
            timing=self._timing,
            explain=explain,
        )

    def _bap(self) -> ServiceClient:
        found = self.profile
        return self._client("Power Platform", found.bap_host, found.bap_scope, power_platform_hosts(found))

    def _ppapi(self) -> ServiceClient:
        found = self.profile
        return self._client(
            "Power Platform API", found.power_platform_host, found.power_platform_scope, app_management_hosts(found)
        )

    def _instance(self, service: str, host: str, explain: Explain = as_it_is) -> ServiceClient:
        # The audience is the instance itself, so a token for one is of no use at another.
        return self._client(service, host, f"https://{host}/.default", only(host), explain=explain)

    def _delegated(self) -> TokenSource:
        return self._dual_write_tokens or self._once(
            "delegated tokens", lambda: DualWriteTokens(self.profile, lambda: self._connection("identity"))
        )

    def _make_dual_write(self) -> DualWriteManagement:
        if not self.gateway:
            raise InvalidRequest(
                "no dual-write gateway is configured",
                next_step="Set `gateway` under `dualwrite:connection` in the stack file.",
            )
        host = gateway_hosts(self.profile).check(self.gateway if "://" in self.gateway else f"https://{self.gateway}")
        tokens = self._delegated()
        scope = f"{self.profile.dual_write_audience}/.default"
        return DualWriteManagement(self._client("dual-write", host, scope, only(host), tokens))


_SESSIONS: dict[tuple[str | None, ...], Session] = {}
_LOCK = threading.Lock()
# A session belongs to what the environment says when it is made.
_PARTS = (EMULATOR_URL, EMULATOR_CA, POWER_PLATFORM_HOST, "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")


def session(cloud: str, *, gateway: str | None = None, tokens: str | None = None) -> Session:
    """The session of this process for a cloud and a dual-write gateway (default: the profile's).

    `tokens="prove"` takes the identity of DUALWRITE_PROVE_CLIENT_ID and DUALWRITE_PROVE_CLIENT_SECRET.
    Raises `EmulatorNotRunning` when the emulator is meant and the environment does not name one.
    """
    identity = tokens or "default"
    if identity not in IDENTITIES:
        raise InvalidRequest(f"unknown identity '{identity}'")
    key = (cloud, gateway, identity, *(os.environ.get(name) for name in _PARTS))
    with _LOCK:
        if key not in _SESSIONS:
            _SESSIONS[key] = Session(profile(cloud), gateway=gateway, identity=identity)
        return _SESSIONS[key]


def close_all() -> None:
    """Close all sessions of this process."""
    with _LOCK:
        sessions = list(_SESSIONS.values())
        _SESSIONS.clear()
    for each in sessions:
        each.close()
