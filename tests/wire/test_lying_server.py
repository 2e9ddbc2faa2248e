"""A server on a real socket that answers slowly, without end, or not as it says: each exchange ends in its bounds."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from providers.api.transport import http, limits
from providers.api.transport.clouds import profile
from providers.api.transport.connection import Connection, NoReply, Outgoing
from providers.api.transport.errors import Interrupted
from providers.api.transport.lazy import connect

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SECONDS = 0.4
Behaviour = Callable[[socket.socket, threading.Event], None]


class LyingServer:
    """Reads a request, then does to each connection what it was told, until it is closed."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/a"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            connection.recv(65536)
            self._behaviour(connection, self._over)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self) -> None:
        self._over.set()
        self._listener.close()


@pytest.fixture
def lying(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Behaviour], LyingServer]]:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("DUALWRITE_STOP_FILE", raising=False)
    servers: list[LyingServer] = []

    def start(behaviour: Behaviour) -> LyingServer:
        servers.append(LyingServer(behaviour))
        return servers[-1]

    yield start
    for each in servers:
        each.close()


@pytest.fixture
def connection(lying: object) -> Iterator[Connection]:
    made = connect(profile("public"))
    yield made
    made.close()


def sending(*parts: bytes, every: float = 0.0, for_ever: bytes = b"") -> Behaviour:
    """Sends the parts, a moment apart, and then the same bytes again and again until the test ends."""

    def behave(client: socket.socket, over: threading.Event) -> None:
        for part in parts:
            client.sendall(part)
            over.wait(every)
        while for_ever and not over.wait(every):
            client.sendall(for_ever)

    return behave


def silent(client: socket.socket, over: threading.Event) -> None:
    over.wait(30)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(silent, id="silence"),
        pytest.param(sending(b"HTTP/1.1 200 OK\r\n", every=0.05, for_ever=b"X-A: b\r\n"), id="headers that trickle"),
        pytest.param(sending(b"HTTP/1.1 ", every=0.05, for_ever=b"2"), id="a status that trickles"),
        pytest.param(
            sending(HEAD + b"Content-Length: 99999999\r\n\r\n", every=0.05, for_ever=b" "), id="a body that trickles"
        ),
        pytest.param(
            sending(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", every=0.05, for_ever=b"1\r\n \r\n"), id="chunks"
        ),
        pytest.param(sending(every=0.05, for_ever=b"HTTP/1.1 100 Continue\r\n\r\n"), id="continue without end"),
    ],
)
def test_exchange_ends_at_its_deadline(
    lying: Callable[[Behaviour], LyingServer], connection: Connection, behaviour: Behaviour
) -> None:
    server = lying(behaviour)
    begun = time.monotonic()
    with pytest.raises(NoReply) as caught:
        connection.exchange(Outgoing("GET", server.url, seconds=SECONDS))
    assert time.monotonic() - begun < SECONDS + 0.6
    assert caught.value.sent


def test_answer_under_way_ends_soon_after_the_signal_to_stop(
    lying: Callable[[Behaviour], LyingServer],
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    signal = tmp_path / "stop"
    monkeypatch.setenv("DUALWRITE_STOP_FILE", str(signal))
    monkeypatch.setattr(http, "STOP_CHECK_SECONDS", 0.1)

    def give_signal_and_say_nothing(client: socket.socket, over: threading.Event) -> None:
        signal.touch()
        silent(client, over)

    server = lying(give_signal_and_say_nothing)
    begun = time.monotonic()
    with pytest.raises(Interrupted):
        connection.exchange(Outgoing("GET", server.url, seconds=30))
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("encoding", "body", "told"),
    [
        ("gzip", gzip.compress(bytes(4_000_000), mtime=0), "the body has more than 1 MB"),
        ("", bytes(2_000_000), "the body has more than 1 MB"),
        ("gzip", b"this is no gzip", "the body is no gzip"),
        ("gzip", gzip.compress(b'{"value": []}', mtime=0)[:-9], "the gzip of the body is cut off"),
        ("deflate", b"\x00\xff\x13", "the body is no deflate"),
        ("br", b"abc", "the body is packed in an unknown way, br"),
        (
            "gzip, gzip",
            gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0),
            "the body is packed in an unknown way, gzip, gzip",
        ),
    ],
)
def test_body_that_is_too_long_or_not_what_it_says_is_no_answer(
    lying: Callable[[Behaviour], LyingServer],
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
    body: bytes,
    told: str,
) -> None:
    monkeypatch.setattr(http, "LARGEST_ANSWER_BYTES", 1024 * 1024)
    head = HEAD + (f"Content-Encoding: {encoding}\r\n".encode() if encoding else b"")
    server = lying(sending(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body))
    with pytest.raises(NoReply) as caught:
        connection.exchange(Outgoing("GET", server.url, seconds=10))
    assert str(caught.value) == told
    assert caught.value.sent, "what was asked for may have happened"


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (b"Content-Encoding: gzip\r\n", gzip.compress(b'{"a": 1}', mtime=0), '{"a": 1}'),
        (b"Content-Encoding: identity\r\n", b"{}", "{}"),
        (b"", b"\xef\xbb\xbf{}", "{}"),
        (b"", b"\xff{}", "�{}"),
    ],
)
def test_body_as_services_send_it_is_read(
    lying: Callable[[Behaviour], LyingServer], connection: Connection, head: bytes, body: bytes, text: str
) -> None:
    server = lying(sending(HEAD + head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body))
    reply = connection.exchange(Outgoing("GET", server.url, params={"a": "b c"}, seconds=10))
    assert (reply.status, reply.text) == (200, text)
    assert reply.url.endswith("/a?a=b%20c") or reply.url.endswith("/a?a=b+c")


def test_every_bound_is_one() -> None:
    bounds = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert all(0 < value < float("inf") for value in bounds.values()), bounds
    floors = [limits.floor(tries) for tries in range(1, 200)]
    assert floors == sorted(floors)
    assert floors[0] > 0
    assert floors[-1] == limits.LONGEST_FLOOR
