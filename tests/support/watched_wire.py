"""The wire between provider code and the emulated tenant: what was sent, and answers that no fault can make."""

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import httpx

from tests.support.in_process import World


class Sent(NamedTuple):
    """A request as the service got it; `body` is None where there was none."""

    method: str
    path: str
    query: str
    body: Any


class Wire:
    """All that the processes of a world ask from now on. Paths are shell patterns."""

    def __init__(self, world: World) -> None:
        """Watch this world."""
        self.sent: list[Sent] = []
        self._world = world
        self._changes: dict[str, Callable[[Any], Any]] = {}
        self._disconnected: list[str] = []
        self._meanwhile: list[tuple[str, int, Callable[[], object]]] = []
        world.network = lambda direct: _Watched(direct, self)

    def count(self, path: str) -> int:
        """How many requests went to such a path."""
        return len([each for each in self.sent if fnmatchcase(each.path, path)])

    def bodies(self, path: str) -> list[Any]:
        """The bodies of the requests to such a path, in order."""
        return [each.body for each in self.sent if fnmatchcase(each.path, path)]

    def forget(self) -> None:
        """Count requests and messages of the world anew."""
        for log in (self.sent, self._world.said, self._world.progress, self._world.requests):
            log.clear()

    def alter(self, path: str, change: Callable[[Any], Any]) -> None:
        """Every answer of such a path is changed on its way."""
        self._changes[path] = change

    def disconnect(self, path: str) -> None:
        """No connection can be made for such a path."""
        self._disconnected.append(path)

    def meanwhile(self, path: str, number: int, happens: Callable[[], object]) -> None:
        """Something happens once, right after so many answers to such a path from now on."""
        self._meanwhile.append((path, self.count(path) + number, happens))

    def answer(self, direct: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
        """The answer to one request as the program gets it."""
        with self._world.lock:
            self._note(request)
            answer = direct.handle_request(request)
            path = request.url.path
            for one in [one for one in self._meanwhile if fnmatchcase(path, one[0]) and self.count(one[0]) == one[1]]:
                self._meanwhile.remove(one)
                one[2]()
            change = next((change for pattern, change in self._changes.items() if fnmatchcase(path, pattern)), None)
            return answer if change is None or answer.status_code != 200 else _changed(answer, change)

    def _note(self, request: httpx.Request) -> None:
        content, url = request.read(), request.url
        body = json.loads(content) if content[:1] in (b"{", b"[") else None
        self.sent.append(Sent(request.method, url.path, url.query.decode(), body))
        if any(fnmatchcase(url.path, pattern) for pattern in self._disconnected):
            raise httpx.ConnectError("no connection", request=request)


def _changed(answer: httpx.Response, change: Callable[[Any], Any]) -> httpx.Response:
    answer.read()
    content = httpx.ByteStream(json.dumps(change(answer.json())).encode())
    return httpx.Response(200, headers={"content-type": "application/json"}, stream=content)


class _Watched(httpx.BaseTransport):
    """Stands before the transport of a process."""

    def __init__(self, direct: httpx.BaseTransport, wire: Wire) -> None:
        self._direct = direct
        self._wire = wire

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._wire.answer(self._direct, request)
