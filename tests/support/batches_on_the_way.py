"""The network between a bootstrap and the emulator: small pages, and batches of which a part arrives or is answered.

The emulator's faults hit whole requests. What becomes of single updates of a batch, what runs on after its sender
died, and a service that counts its pages instead of remembering rows, only something before the emulator can show.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from tests.support.in_process import Killed, World

_PAGE = re.compile(r"odata\.maxpagesize=(\d+)")
_LARGEST_PAGE = 5000
_JSON = {"content-type": "application/json"}
_TOO_MANY = json.dumps({"error": {"code": "0x80072322", "message": "too many requests"}})


class Batch:
    """A batch on its way. `operations` are its parts as bytes, each with its headers."""

    def __init__(self, request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> None:
        self._request, self._send = request, send
        self.operations = _parts(request.headers["content-type"], request.read())

    def send(self, operations: Sequence[bytes]) -> list[bytes]:
        """Let these operations be executed; the parts of the answer."""
        if not operations:
            return []
        response = self._send(self._with(operations))
        return _parts(response.headers["content-type"], response.read())

    def pass_on(self) -> httpx.Response:
        """Let all be executed; the answer as it comes."""
        return self._send(self._with(self.operations))

    def _with(self, operations: Sequence[bytes]) -> httpx.Request:
        headers = {name: value for name, value in self._request.headers.items() if name != "content-length"}
        content = _joined(headers["content-type"], operations)
        return httpx.Request(self._request.method, self._request.url, headers=headers, content=content)


@dataclass(frozen=True)
class Mishap:
    """What happens to one batch; this one is none."""

    def happen(self, network: "Network", batch: Batch) -> httpx.Response:
        """The answer that arrives, or an error."""
        return batch.pass_on()


@dataclass(frozen=True)
class Meanwhile(Mishap):
    """Something happens between the sending of the batch and its arrival."""

    work: Callable[[], None]

    def happen(self, network: "Network", batch: Batch) -> httpx.Response:
        self.work()
        return batch.pass_on()


@dataclass(frozen=True)
class Lost(Mishap):
    """No answer; `done` updates are executed, and the rest is too, later, if it `runs_on`; `kills` the sender."""

    done: int = 0
    runs_on: bool = False
    kills: bool = False

    def happen(self, network: "Network", batch: Batch) -> httpx.Response:
        batch.send(batch.operations[: self.done])
        if self.runs_on:
            network.unfinished.append(partial(batch.send, batch.operations[self.done :]))
        if self.kills:
            raise Killed
        msg = "the answer was lost"
        raise httpx.ReadError(msg)


@dataclass(frozen=True)
class Throttled(Mishap):
    """Every `each`-th update is refused with a wait in seconds, or without one; 1 means all of the batch."""

    each: int = 1
    wait: int | None = 30

    def happen(self, network: "Network", batch: Batch) -> httpx.Response:
        taken = [each for number, each in enumerate(batch.operations) if number % self.each]
        answers = iter(batch.send(taken))
        wait = [] if self.wait is None else [f"Retry-After: {self.wait}"]
        lines = ["Content-Type: application/http", "", "HTTP/1.1 429 Too Many Requests", *wait, "", _TOO_MANY]
        refused = "\r\n".join(lines).encode()
        return _answer([next(answers) if number % self.each else refused for number in range(len(batch.operations))])


@dataclass(frozen=True)
class Truncated(Mishap):
    """All is executed, but only the first `told` answers arrive whole."""

    told: int = 0

    def happen(self, network: "Network", batch: Batch) -> httpx.Response:
        answers = batch.send(batch.operations)
        if self.told >= len(answers):
            return _answer(answers)
        cut = answers[self.told][:40]
        return _answer([*answers[: self.told], cut], closed=False)


@dataclass
class Network:
    """Between the world's next provider processes and its services. `mishaps` happen to one batch each, in order.

    `page`: the most rows a page; `counted`: pages are cut by number, so that rows which leave the filter move others.
    `batches`: the sizes of the batches so far.
    """

    world: World
    page: int = _LARGEST_PAGE
    counted: bool = False
    mishaps: list[Mishap] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    unfinished: list[Callable[[], Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world.network = lambda transport: httpx.MockTransport(partial(self._answer, transport.handle_request))

    def finish_what_runs(self) -> None:
        """What lost batches have left behind at the service is executed now."""
        left, self.unfinished = self.unfinished, []
        for execute in left:
            execute()

    def _answer(self, send: Callable[[httpx.Request], httpx.Response], request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and _PAGE.search(request.headers.get("prefer", "")):
            return self._page(send, request)
        if not request.url.path.endswith("/$batch"):
            return send(request)
        batch = Batch(request, send)
        self.batches.append(len(batch.operations))
        mishap = self.mishaps.pop(0) if self.mishaps else Mishap()
        return mishap.happen(self, batch)

    def _page(self, send: Callable[[httpx.Request], httpx.Response], request: httpx.Request) -> httpx.Response:
        asked = int(_PAGE.search(request.headers["prefer"])[1])  # type: ignore[index]
        if self.counted:
            return self._counted_page(send, request, min(asked, self.page))
        return send(_of_size(request, min(asked, self.page)))

    def _counted_page(
        self, send: Callable[[httpx.Request], httpx.Response], request: httpx.Request, size: int
    ) -> httpx.Response:
        """The rows of page N are those between N * size and (N + 1) * size now."""
        start = size * int(request.url.params.get("$skiptoken", 0))
        whole = send(_of_size(request, _LARGEST_PAGE, url=request.url.copy_remove_param("$skiptoken")))
        document = json.loads(whole.read())
        rows = document["value"]
        if len(rows) > start + size:
            link = request.url.copy_set_param("$skiptoken", str(start // size + 1))
            document["@odata.nextLink"] = str(link)
        shown = json.dumps({**document, "value": rows[start : start + size]})
        return httpx.Response(200, headers=_JSON, stream=httpx.ByteStream(shown.encode()))


def _of_size(request: httpx.Request, size: int, url: httpx.URL | None = None) -> httpx.Request:
    prefer = _PAGE.sub(f"odata.maxpagesize={size}", request.headers["prefer"])
    return httpx.Request("GET", url or request.url, headers={**request.headers, "prefer": prefer})


def _boundary(content_type: str) -> bytes:
    return b"--" + content_type.partition("boundary=")[2].encode()


def _parts(content_type: str, content: bytes) -> list[bytes]:
    return [part.strip(b"\r\n") for part in content.split(_boundary(content_type))[1:-1]]


def _joined(content_type: str, parts: Sequence[bytes], *, closed: bool = True) -> bytes:
    boundary = _boundary(content_type)
    return b"".join(boundary + b"\r\n" + part + b"\r\n" for part in parts) + (boundary + b"--\r\n") * closed


def _answer(parts: Sequence[bytes], *, closed: bool = True) -> httpx.Response:
    kind = "multipart/mixed; boundary=answer"
    content = _joined(kind, parts, closed=closed)
    return httpx.Response(200, headers={"content-type": kind}, stream=httpx.ByteStream(content))
