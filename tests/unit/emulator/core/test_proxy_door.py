"""The proxy's door in this process: a connection that never says what it wants does not stay."""

import asyncio
import ssl

import pytest

from emulator.server.proxy import Door, Proxy


def proxy(patience: float) -> Proxy:
    """A proxy that serves every name but one and never gets as far as a protocol."""
    return Proxy(
        serves=lambda host: host != "example.com",
        context=lambda _host: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        tunnel=lambda _host, _transport: asyncio.Protocol(),
        plain=lambda _transport: asyncio.Protocol(),
        patience=patience,
    )


async def left_open(sent: bytes, patience: float) -> tuple[Proxy, bytes]:
    """What a client gets that sends this and waits, once the door is shut."""
    behind = proxy(patience)
    server = await asyncio.get_running_loop().create_server(lambda: Door(behind), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(sent)
        try:
            answer = await reader.read()
        except ConnectionResetError:
            answer = b""
        writer.close()
    return behind, answer


@pytest.mark.parametrize("sent", [b"", b"CONN", b"CONNECT a:443 HTTP/1.1\r\n", b"CONNECT a:443 HTTP/1.1\r\n\r\n"])
def test_half_open_tunnel_is_cut(sent: bytes) -> None:
    behind, answer = asyncio.run(asyncio.wait_for(left_open(sent, patience=0.05), 30))
    assert answer in (b"", b"HTTP/1.1 200 Connection established\r\n\r\n")
    assert behind.doors == set()


def test_name_that_is_no_host_of_the_tenant_gets_no_tunnel() -> None:
    sent = b"CONNECT example.com:443 HTTP/1.1\r\n\r\n"
    _, answer = asyncio.run(asyncio.wait_for(left_open(sent, patience=0.05), 30))
    assert answer.startswith(b"HTTP/1.1 403 ")
