"""A scripted network: answers in order, every request recorded, nothing real behind it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

FIXTURES = Path(__file__).parent / "fixtures"


def fixture(name: str) -> Any:
    """A recorded-style body of `fixtures/<name>.json`."""
    return json.loads((FIXTURES / f"{name}.json").read_text())


def answer(status: int = 200, body: object = None, **headers: str) -> httpx.Response:
    """An answer; header names are written with underscores. Text bodies are sent as they are."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, str):
        return httpx.Response(status, text=body, headers=named)
    if body is None:
        return httpx.Response(status, headers=named)
    return httpx.Response(status, json=body, headers=named)


def page(title: str = "Sign in", status: int = 200) -> httpx.Response:
    """A web page where data was expected."""
    return httpx.Response(status, html=f"<html><head><title>{title}</title></head><body>hello</body></html>")


def refused(code: str, message: str = "", status: int = 400, **headers: str) -> httpx.Response:
    """An error answer in the usual shape."""
    return answer(status, {"error": {"code": code, "message": message}}, **headers)


Step = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Script(httpx.BaseTransport):
    """Answers request after request in the order given and fails on any that was not expected."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.steps: list[tuple[str, str, Step]] = []

    def expect(self, method: str, path: str, *steps: Step) -> None:
        """The next requests are `method` to a URL that ends with `path` (query aside), with these answers."""
        self.steps += [(method, path, step) for step in steps]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        shown = f"{request.method} {request.url.copy_with(query=None)}"
        assert self.steps, f"not expected any more: {shown}"
        method, path, step = self.steps.pop(0)
        assert request.method == method, f"expected {method} {path}, got {shown}"
        assert str(request.url.copy_with(query=None)).endswith(path), f"expected {method} {path}, got {shown}"
        if isinstance(step, Exception):
            raise step
        return _unread(step(request) if callable(step) else step)

    def sent(self, index: int = -1) -> Any:
        """The JSON body of a request."""
        return json.loads(self.requests[index].content)

    def query(self, index: int = -1) -> dict[str, str]:
        """The query of a request."""
        return dict(self.requests[index].url.params)

    @property
    def calls(self) -> list[str]:
        """Method and path of every request."""
        return [f"{each.method} {each.url.path}" for each in self.requests]


class Answering(httpx.BaseTransport):
    """Answers every request with what a function makes of it."""

    def __init__(self, respond: Callable[[httpx.Request], httpx.Response]) -> None:
        self._respond = respond

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return _unread(self._respond(request))


def _unread(response: httpx.Response) -> httpx.Response:
    """The same answer as the network gives it: nothing of the body read yet."""
    if not response.is_stream_consumed:
        return response
    headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"]
    return httpx.Response(response.status_code, headers=headers, stream=httpx.ByteStream(response.content))


@dataclass
class FakeTime:
    """Time that passes only by sleeping."""

    elapsed: float = 0.0
    start: datetime = datetime(2026, 9, 2, 6, 0, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.elapsed += seconds
        self.slept.append(seconds)

    def clock(self) -> float:
        return self.elapsed

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.elapsed)


class FakeTokens:
    """Hands out numbered tokens and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.forgotten: list[str] = []

    def token(self, scope: str, /, claims: str | None = None) -> str:
        self.asked.append((scope, claims))
        return f"token-{len(self.forgotten)}"

    def forget(self, scope: str, /) -> None:
        self.forgotten.append(scope)
