"""A proxy on loopback that answers `CONNECT` itself with TLS, as the emulator does; real sockets, real certificates."""

import json
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trustme

Handler = Callable[[str, str, str, bytes], tuple[int, Any]]


class Tunnel:
    """Serves `handler(host, method, path, body) -> (status, JSON)`; hosts not named get 403 at CONNECT."""

    def __init__(self, hosts: list[str], handler: Handler, folder: Path) -> None:
        self._authority = trustme.CA()
        self._hosts = hosts
        self._handler = handler
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.ca = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def close(self) -> None:
        """Stop listening and wait for what still runs."""
        if self._listener.fileno() != -1:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(lambda connection=connection: self._serve(connection))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection:
            host = _head(connection).split(" ", 2)[1].rsplit(":", 1)[0]
            if host not in self._hosts:
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._authority.issue_cert(host).configure_cert(context)
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    self._answer(host, secured)
            except (ssl.SSLError, ConnectionError):
                return

    def _answer(self, host: str, secured: ssl.SSLSocket) -> None:
        head = _head(secured)
        method, path, _ = head.split("\r\n", 1)[0].split(" ", 2)
        lengths = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
        wanted = int(lengths[0].split(":", 1)[1]) if lengths else 0
        body = b""
        while len(body) < wanted:
            body += secured.recv(wanted - len(body))
        status, answer = self._handler(host, method, path, body)
        content = json.dumps(answer).encode()
        secured.sendall(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + content
        )
        secured.unwrap()


def _head(connection: socket.socket) -> str:
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        more = connection.recv(1)
        if not more:
            raise ConnectionError("closed in the middle of a head")
        data += more
    return data.decode()
