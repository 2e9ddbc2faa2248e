"""The one port: an HTTPS proxy that ends every tunnel itself, and plain HTTP for the control plane.

`CONNECT host:443` is answered with `200` when the host belongs to the tenant; the connection then turns to TLS under
that name and is handed to an HTTP protocol. Everything else goes to the control plane's protocol as it came.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

from emulator.server.gathering import GatheringTransport

CONNECT = b"CONNECT "
END_OF_HEAD = b"\r\n\r\n"
LONGEST_HEAD = 65536
TLS_PORT = 443
# How long a connection may take to say what it wants, TLS included.
HALF_OPEN_SECONDS = 30.0


@dataclass
class Proxy:
    """What a connection needs to know. `tunnel(host, transport)` and `plain(transport)` make HTTP protocols."""

    serves: Callable[[str], bool]
    context: Callable[[str], ssl.SSLContext]
    tunnel: Callable[[str, asyncio.Transport], asyncio.Protocol]
    plain: Callable[[asyncio.Transport], asyncio.Protocol]
    patience: float = HALF_OPEN_SECONDS
    doors: "set[Door]" = field(default_factory=set)

    def close(self) -> None:
        """Cut the connections that have not said yet what they want."""
        for door in list(self.doors):
            door.close()


class Door(asyncio.Protocol):
    """Receives a connection's first bytes, decides, and hands it over with every byte that came too early."""

    def __init__(self, proxy: Proxy) -> None:
        """Wait for the connection."""
        self._proxy = proxy
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._turning: asyncio.Task[None] | None = None
        self._lost = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._proxy.doors.add(self)
        self._deadline = asyncio.get_running_loop().call_later(self._proxy.patience, self.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._lost = True
        self._decided()

    def close(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Decide as soon as the bytes allow it; while TLS is being set up they are only kept."""
        self._received += data
        if self._turning is not None or self._transport is None:
            return
        start = bytes(self._received[: len(CONNECT)])
        if start == CONNECT:
            self._connect(self._transport)
        elif not CONNECT.startswith(start):
            self._hand_over(self._transport, self._proxy.plain(self._transport))

    def _connect(self, transport: asyncio.Transport) -> None:
        head, end, early = bytes(self._received).partition(END_OF_HEAD)
        if not end:
            if len(head) > LONGEST_HEAD:
                _refuse(transport, 431, "Too long", "The head of the CONNECT request is too long.")
            return
        self._received.clear()
        target = head.split(b"\r\n", 1)[0].split(b" ")[1].decode("latin-1")
        host, _, port = target.rpartition(":")
        if port != str(TLS_PORT) or not self._proxy.serves(host.lower()):
            _refuse(
                transport,
                403,
                "Not a host of this tenant",
                f"The emulator does not serve {target}: it is no host of this tenant, and nothing leaves this machine.",
            )
            return
        self._turning = asyncio.get_running_loop().create_task(self._turn(transport, host.lower(), early))

    async def _turn(self, transport: asyncio.Transport, host: str, early: bytes) -> None:
        transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        loop = asyncio.get_running_loop()
        handshake = loop.create_task(loop.start_tls(transport, self, self._proxy.context(host), server_side=True))
        if early:
            # One turn of the loop puts the TLS protocol in place, the next connects it; only then can it take bytes.
            await asyncio.sleep(0)
            loop.call_soon(_feed, cast("asyncio.BufferedProtocol", transport.get_protocol()), early)
        tunnel: asyncio.Transport | None = None
        with suppress(OSError):  # the client went away, or does not trust our certificate: it knows
            tunnel = await handshake
        if tunnel is None or self._lost:
            self._decided()
            return
        gathering = GatheringTransport(tunnel, loop)
        self._hand_over(gathering, self._proxy.tunnel(host, gathering))

    def _decided(self) -> None:
        self._proxy.doors.discard(self)
        if self._deadline is not None:
            self._deadline.cancel()

    def _hand_over(self, transport: asyncio.Transport, protocol: asyncio.Protocol) -> None:
        self._decided()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if self._received:
            protocol.data_received(bytes(self._received))
            self._received.clear()


def _feed(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    while data:
        buffer = memoryview(protocol.get_buffer(len(data)))
        part = data[: len(buffer)]
        buffer[: len(part)] = part
        protocol.buffer_updated(len(part))
        data = data[len(part) :]


def _refuse(transport: asyncio.Transport, status: int, reason: str, sentence: str) -> None:
    body = f"{sentence}\n".encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    transport.write(head.encode() + body)
    transport.close()
