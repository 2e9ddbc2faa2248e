"""The running emulator: opens the tenant, listens on loopback, plays due events, ends cleanly."""

import asyncio
import contextlib
import errno
import logging
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from emulator.app import assemble, first_day
from emulator.core.clock import Clock
from emulator.core.store import Store
from emulator.identity.tokens import SigningKey
from emulator.server.certificates import Authority
from emulator.server.control import control_plane
from emulator.server.gateway import Gateway
from emulator.server.proxy import Door, Proxy
from emulator.server.state_folder import Running, StateFolder
from emulator.tenant import Tenant

LOG = logging.getLogger("emulator")
LOOPBACK = "127.0.0.1"
TICK_SECONDS = 0.2
END_SECONDS = 3.0
KEEP_ALIVE_SECONDS = 120
SEEDED = ("emulator", "seeded")


class PortTakenError(Exception):
    """The wanted port cannot be listened on."""


def open_tenant(folder: StateFolder, clock: str, tenant_id: str | None = None) -> Tenant:
    """Open what the folder holds; `clock`: real, scaled:N or stepped, ValueError for any other text.

    `tenant_id`: that of a new tenant, else a new one is drawn.
    """
    own_id = folder.tenant_id(tenant_id)
    store = Store(folder.tenant)
    return assemble(store, Clock(store, clock), SigningKey.kept_in(folder.signing_key), own_id)


def seed(tenant: Tenant, extra: Mapping[str, Any] | None = None) -> bool:
    """Play the first day unless that happened already; say whether it was played."""
    if tenant.store.get(*SEEDED) is not None:
        return False
    with tenant.store.transaction(), tenant.ids.repeatable():
        tenant.seeds.play(first_day(extra))
        tenant.store.put(*SEEDED, {})
    return True


class Server:
    """One tenant on one port."""

    def __init__(self, tenant: Tenant, folder: StateFolder, extra_seed: Mapping[str, Any] | None = None) -> None:
        """Prepare the HTTP protocols; nothing listens yet."""
        self._tenant = tenant
        self._folder = folder
        self._state = ServerState()
        data = _config(Gateway(tenant))
        control = _config(control_plane(tenant, lambda: self._start_anew(extra_seed)))
        self._proxy = Proxy(
            serves=lambda host: tenant.service_of(host) is not None,
            context=Authority.kept_in(folder.ca, folder.ca_key).context,
            tunnel=lambda host, transport: HttpToolsProtocol(data, self._state, {"host": host, "transport": transport}),
            plain=lambda _transport: HttpToolsProtocol(control, self._state, {}),
        )

    def _start_anew(self, extra_seed: Mapping[str, Any] | None) -> None:
        with self._tenant.store.transaction():
            self._tenant.reset()
            seed(self._tenant, extra_seed)

    async def run(self, port: int, ready: Callable[[Running], None]) -> None:
        """Serve until SIGTERM or SIGINT; `ready` is called once the port answers. Raises PortTakenError."""
        loop = asyncio.get_running_loop()
        end = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, end.set)
        try:
            listener = await loop.create_server(lambda: Door(self._proxy), LOOPBACK, port)
        except OSError as error:
            reason = (
                "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used: {os.strerror(error.errno or 0)}"
            )
            raise PortTakenError(f"Port {port} on {LOOPBACK} {reason}.") from error
        ticking = loop.create_task(self._tick(end))
        url = f"http://{LOOPBACK}:{listener.sockets[0].getsockname()[1]}"
        try:
            ready(self._folder.announce(url))
            await end.wait()
        finally:
            listener.close()
            ticking.cancel()
            await self._close_connections()
            if self._folder.is_ours():
                self._tenant.clock.save()
                self._folder.withdraw()

    async def _tick(self, end: asyncio.Event) -> None:
        """Play events that nobody's request would trigger, so that the tenant moves while nobody looks.

        A tenant whose folder was removed ends: nobody would find it any more.
        """
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if not self._folder.is_ours():
                LOG.warning("the state folder %s is gone, so this emulator ends", self._folder.path)
                end.set()
                return
            try:
                self._tenant.events.run_due()
            except Exception:
                LOG.exception("a due event failed")

    async def _close_connections(self) -> None:
        """Let running requests finish for a moment, then cut what is left."""
        self._proxy.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                while self._state.tasks:
                    await asyncio.wait(self._state.tasks)
        for task in self._state.tasks:
            task.cancel()


def _config(app: ASGIApp) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        interface="asgi3",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        # Answers bear the tenant's time.
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    config.load()
    return config
