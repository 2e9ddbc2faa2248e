"""The proxy's own rules over raw sockets: who is let in, what happens to early bytes, how a connection is dropped."""

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.clients.conftest import DATAVERSE, Running

LOGIN = "login.microsoftonline.com"
KEYS = "/common/discovery/v2.0/keys"
REQUEST = f"GET {KEYS} HTTP/1.1\r\nHost: {LOGIN}\r\n\r\n".encode()


class Tunnel:
    """TLS over a socket by hand, so that a test decides which bytes travel together."""

    def __init__(self, running: Running, host: str = LOGIN) -> None:
        self._socket = socket.create_connection(("127.0.0.1", urlsplit(running.url).port or 0), timeout=20)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=running.ca)
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def hello(self) -> bytes:
        """The first flight of the handshake, not sent yet."""
        with pytest.raises(ssl.SSLWantReadError):
            self._tls.do_handshake()
        return self._outgoing.read()

    def receive(self) -> bytes:
        return self._socket.recv(65536)

    def head(self) -> bytes:
        """The proxy's answer to CONNECT, byte by byte: TLS follows at once."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._socket.recv(1)
        return head

    def handshake(self) -> bytes:
        """Finish the handshake; the last flight, not sent yet."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self.send(self._outgoing.read())
                self._incoming.write(self.receive())
            else:
                return self._outgoing.read()

    def encrypted(self, data: bytes) -> bytes:
        self._tls.write(data)
        return self._outgoing.read()

    def answer(self) -> tuple[bytes, bytes]:
        """Head and body of one HTTP answer."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._decrypted()
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None
        while len(body) < int(length[1]):
            body += self._decrypted()
        return head, body

    def _decrypted(self) -> bytes:
        while True:
            try:
                return self._tls.read(65536)
            except ssl.SSLWantReadError:
                data = self.receive()
                if not data:
                    raise EOFError from None
                self._incoming.write(data)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def tunnel(running: Running) -> Iterator[Tunnel]:
    made = Tunnel(running)
    yield made
    made.close()


@pytest.fixture
def fault(running: Running) -> Iterator[Running]:
    yield running
    running.control("DELETE", "faults")


def connect(host: str = LOGIN, port: int = 443) -> bytes:
    return f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()


def established(tunnel: Tunnel) -> None:
    tunnel.send(connect())
    assert tunnel.head().startswith(b"HTTP/1.1 200 ")
    tunnel.send(tunnel.hello())
    tunnel.send(tunnel.handshake())


def test_hello_that_comes_with_connect_is_kept(tunnel: Tunnel) -> None:
    tunnel.send(connect() + tunnel.hello())
    assert tunnel.head().startswith(b"HTTP/1.1 200 ")
    tunnel.send(tunnel.handshake())
    tunnel.send(tunnel.encrypted(REQUEST))
    assert tunnel.answer()[0].startswith(b"HTTP/1.1 200 ")


def test_request_that_comes_with_the_handshake_is_kept(tunnel: Tunnel) -> None:
    tunnel.send(connect())
    tunnel.head()
    tunnel.send(tunnel.hello())
    tunnel.send(tunnel.handshake() + tunnel.encrypted(REQUEST))
    head, body = tunnel.answer()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert "keys" in json.loads(body)


def test_connect_may_come_in_pieces(tunnel: Tunnel) -> None:
    for part in (b"CON", b"NECT ", connect()[8:30], connect()[30:]):
        tunnel.send(part)
    assert tunnel.head().startswith(b"HTTP/1.1 200 ")


def test_one_connection_serves_many_requests(tunnel: Tunnel) -> None:
    established(tunnel)
    for _ in range(50):
        tunnel.send(tunnel.encrypted(REQUEST))
        assert tunnel.answer()[0].startswith(b"HTTP/1.1 200 ")


def test_pipelined_requests_are_answered_in_order(tunnel: Tunnel) -> None:
    established(tunnel)
    missing = REQUEST.replace(KEYS.encode(), b"/nothing")
    tunnel.send(tunnel.encrypted(REQUEST) + tunnel.encrypted(missing))
    answers = tunnel.answer()[0], tunnel.answer()[0]
    assert [head[9:12] for head in answers] == [b"200", b"501"]


@pytest.mark.parametrize(("host", "port"), [("example.com", 443), (LOGIN, 80), (LOGIN, 8443), ("127.0.0.1", 443)])
def test_foreign_host_or_port_is_403_with_a_sentence(tunnel: Tunnel, host: str, port: int) -> None:
    tunnel.send(connect(host, port))
    answer = b""
    while part := tunnel.receive():
        answer += part
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert f"does not serve {host}:{port}" in answer.decode()


@pytest.mark.parametrize("target", [b"CONNECT\x20", b"CONNECT login", b"CONNECT  HTTP/1.1"])
def test_nonsense_target_is_refused(tunnel: Tunnel, target: bytes) -> None:
    tunnel.send(target + b"\r\n\r\n")
    assert tunnel.receive().startswith(b"HTTP/1.1 403 ")


def test_endless_head_is_refused(tunnel: Tunnel) -> None:
    tunnel.send(b"CONNECT " + b"a" * 70000)
    assert tunnel.receive().startswith(b"HTTP/1.1 431 ")


def test_plain_http_is_not_forwarded(tunnel: Tunnel) -> None:
    tunnel.send(b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n")
    assert tunnel.receive().startswith(b"HTTP/1.1 403 ")


def test_call_without_token_is_401(running: Running) -> None:
    tunnel = Tunnel(running, DATAVERSE)
    tunnel.send(connect(DATAVERSE))
    tunnel.head()
    tunnel.send(tunnel.hello())
    tunnel.send(tunnel.handshake())
    tunnel.send(tunnel.encrypted(f"GET /api/data/v9.2/WhoAmI HTTP/1.1\r\nHost: {DATAVERSE}\r\n\r\n".encode()))
    assert tunnel.answer()[0].startswith(b"HTTP/1.1 401 ")
    tunnel.close()


def test_dropped_answer_ends_the_connection(tunnel: Tunnel, fault: Running) -> None:
    fault.control("POST", "faults", {"service": "login", "path": KEYS, "drop": "after"})
    established(tunnel)
    tunnel.send(tunnel.encrypted(REQUEST))
    with pytest.raises((EOFError, ssl.SSLError, ConnectionError)):
        tunnel.answer()
    assert fault.control("GET", "requests?last=1")[0]["status"] == 0


def test_delay_holds_up_nobody_else(tunnel: Tunnel, fault: Running) -> None:
    fault.control("POST", "faults", {"service": "login", "path": KEYS, "delay": 30.0})
    established(tunnel)
    tunnel.send(tunnel.encrypted(REQUEST))
    began = time.monotonic()
    while not fault.control("GET", "faults")[0]["hits"]:
        assert time.monotonic() - began < 20
    assert fault.control("GET", "clock")["mode"] == "scaled:1800"
