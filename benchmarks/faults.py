"""What can go wrong between a client and a service: each fault as it happens to the requests of one call.

A fault decides what becomes of the n-th request that it is about: whether it reaches the service, and what comes back.
"""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

ELSEWHERE = "evil.example"
Send = Callable[[httpx.Request], httpx.Response]
# The request, the way to the service, and the how manieth it is, from 1 on.
Happening = Callable[[httpx.Request, Send, int], httpx.Response]


@dataclass(frozen=True)
class Fault:
    """One fault. `tells_gone`: clients to which it is the service's word that the thing does not exist."""

    name: str
    happen: Happening
    tells_gone: frozenset[str] = frozenset()


def answer(status: int, body: object = None, **headers: str) -> httpx.Response:
    """An answer as the network brings it; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, str | bytes):
        content = body.encode() if isinstance(body, str) else body
    else:
        content = b"" if body is None else json.dumps(body).encode()
        named.setdefault("content-type", "application/json")
    return httpx.Response(status, headers=named, stream=httpx.ByteStream(content))


def refusal(status: int, code: str = "", message: str = "no", **headers: str) -> httpx.Response:
    """An error in the shape that the services share."""
    return answer(status, {"error": {"code": code, "message": message}}, **headers)


def page(status: int = 200) -> httpx.Response:
    """A web page of something that stands in between."""
    text = "<html><head><title>Blocked</title></head><body>proxy</body></html>"
    return answer(status, text, content_type="text/html")


def instead(make: Callable[[], httpx.Response]) -> Happening:
    """Each request gets this answer and never reaches the service."""
    return lambda _request, _send, _turn: make()


def first(happening: Happening, times: int = 1) -> Happening:
    """Only the first requests; those after them pass."""
    return lambda request, send, turn: happening(request, send, turn) if turn <= times else send(request)


def broken(kind: type[httpx.TransportError], text: str = "it broke") -> Happening:
    """The request never reaches the service."""

    def happen(request: httpx.Request, _send: Send, _turn: int) -> httpx.Response:
        raise kind(text, request=request)

    return happen


def lost(kind: type[httpx.TransportError] = httpx.ReadError) -> Happening:
    """The service does what is asked, and its answer is lost."""

    def happen(request: httpx.Request, send: Send, _turn: int) -> httpx.Response:
        send(request)
        raise kind("the answer was lost", request=request)

    return happen


def done_but(make: Callable[[], httpx.Response]) -> Happening:
    """The service does what is asked, and another answer comes back."""

    def happen(request: httpx.Request, send: Send, _turn: int) -> httpx.Response:
        send(request)
        return make()

    return happen


def changed(change: Callable[[bytes], bytes], **headers: str) -> Happening:
    """The answer comes back with another body, and these headers."""

    def happen(request: httpx.Request, send: Send, _turn: int) -> httpx.Response:
        response = send(request)
        body = change(response.read())
        named = {**dict(response.headers), **{name.replace("_", "-"): value for name, value in headers.items()}}
        named.pop("content-length", None)
        return httpx.Response(response.status_code, headers=named, stream=httpx.ByteStream(body))

    return happen


def in_json(change: Callable[[Any], Any]) -> Happening:
    """The same for the value of a JSON body; other bodies come as they are."""

    def on_bytes(body: bytes) -> bytes:
        try:
            value = json.loads(body)
        except ValueError:
            return body
        return json.dumps(change(value)).encode()

    return changed(on_bytes)


def then_gone(happening: Happening) -> Happening:
    """The first request meets this, and afterwards nothing answers any more."""

    def happen(request: httpx.Request, send: Send, turn: int) -> httpx.Response:
        if turn > 1:
            raise httpx.ConnectError("nothing answers", request=request)
        return happening(request, send, turn)

    return happen


def pointing(link: str) -> Callable[[Any], Any]:
    """A list with this address as its next page; each spelling of it."""
    return lambda body: {**body, "nextLink": link, "@odata.nextLink": link} if isinstance(body, dict) else body


def circle(request: httpx.Request, send: Send, turn: int) -> httpx.Response:
    """A list whose next page is itself."""
    return in_json(pointing(str(request.url)))(request, send, turn)


def new_pages(request: httpx.Request, send: Send, turn: int) -> httpx.Response:
    """A list that never ends: every page names another one."""
    return in_json(pointing(str(request.url.copy_add_param("page", str(turn)))))(request, send, turn)


def each_leaf(value: Any) -> Callable[[Any], Any]:
    """Every leaf of a body is this value."""

    def change(body: Any) -> Any:
        if isinstance(body, dict):
            return {name: change(item) for name, item in body.items()}
        return [change(item) for item in body] if isinstance(body, list) else value

    return change


def turned(body: Any) -> Any:
    """Lists in the place of objects and the other way round."""
    return list(body) if isinstance(body, dict) else {"value": body}


def deep(_body: bytes) -> bytes:
    """JSON that no reader of the world takes."""
    return b"[" * 100_000 + b"]" * 100_000


def transport_faults() -> Iterator[Fault]:
    """The network."""
    yield Fault("nothing answers", broken(httpx.ConnectError))
    yield Fault("nothing answers, once", first(broken(httpx.ConnectError)))
    yield Fault("no connection in time, once", first(broken(httpx.ConnectTimeout)))
    yield Fault("the proxy refuses", broken(httpx.ProxyError))
    yield Fault("the certificate is refused", broken(httpx.ConnectError, "[SSL: CERTIFICATE_VERIFY_FAILED]"))
    yield Fault("breaks before it is done, once", first(broken(httpx.ReadError)))
    yield Fault("breaks while it is sent, once", first(broken(httpx.WriteError)))
    yield Fault("no answer in time", broken(httpx.ReadTimeout))
    yield Fault("answer lost, done, once", first(lost()))
    yield Fault("answer late, done, once", first(lost(httpx.ReadTimeout)))
    yield Fault("answer lost, done, each time", lost())
    yield Fault("answer against the protocol, done, once", first(lost(httpx.RemoteProtocolError)))
    yield Fault("answer lost, done, then nothing answers", then_gone(lost()))


def status_faults() -> Iterator[Fault]:
    """Refusals, and failures of the service."""
    yield Fault("400 with a code", instead(lambda: refusal(400, "InvalidInput")))
    yield Fault("401, once", first(instead(lambda: refusal(401, "ExpiredToken"))))
    yield Fault("401", instead(lambda: refusal(401, "InvalidToken")))
    yield Fault("403", instead(lambda: refusal(403, "Forbidden")))
    yield Fault("404 with the service's code", instead(lambda: refusal(404, "ResourceNotFound")), _ALL)
    yield Fault("404 with an unknown code", instead(lambda: refusal(404, "Nope")), _WITHOUT_CODES)
    yield Fault("404 with a code and no word", instead(lambda: answer(404, {"code": "Nope"})))
    yield Fault("404 of a proxy", instead(lambda: page(404)))
    yield Fault("404 without a body", instead(lambda: answer(404)))
    yield Fault("404 with {}", instead(lambda: answer(404, {})))
    yield Fault("404 of a proxy, once", first(instead(lambda: page(404))))
    yield Fault("405", instead(lambda: refusal(405, "MethodNotAllowed")))
    yield Fault("408, once", first(instead(lambda: answer(408))))
    yield Fault("409 without a body, once", first(instead(lambda: answer(409))))
    yield Fault("409 without a body", instead(lambda: answer(409)))
    yield Fault("409 OperationNotStartable, once", first(instead(lambda: refusal(409, "OperationNotStartable"))))
    yield Fault("409 with another code", instead(lambda: refusal(409, "Taken")))
    yield Fault("410 of a proxy", instead(lambda: page(410)))
    yield Fault("412", instead(lambda: refusal(412, "PreconditionFailed")))
    yield Fault("413", instead(lambda: page(413)))
    yield Fault("423, once", first(instead(lambda: refusal(423, "Locked"))))
    yield Fault("429 with Retry-After: 0", instead(lambda: refusal(429, "TooManyRequests", retry_after="0")))
    yield Fault("429 with a date that has passed", instead(lambda: answer(429, None, retry_after=_PAST)))
    yield Fault("429 with Retry-After: 1 day", instead(lambda: answer(429, None, retry_after="86400")))
    yield Fault("429, once", first(instead(lambda: answer(429))))
    yield Fault("500, once", first(instead(lambda: refusal(500, "InternalError"))))
    yield Fault("500", instead(lambda: refusal(500, "InternalError")))
    yield Fault("500, done, once", first(done_but(lambda: refusal(500, "InternalError"))))
    yield Fault("502 of a proxy, done, once", first(done_but(lambda: page(502))))
    yield Fault("503, once", first(instead(lambda: answer(503))))
    yield Fault("503", instead(lambda: answer(503)))
    yield Fault("503, done, once", first(done_but(lambda: answer(503, None, retry_after="0"))))
    yield Fault("504, done, each time", done_but(lambda: answer(504)))
    yield Fault("a status that does not exist", instead(lambda: answer(799, {})))
    yield Fault("204 without a body", instead(lambda: answer(204)))


def answer_faults() -> Iterator[Fault]:
    """Answers that are none, after the service did what was asked."""
    yield Fault("page of a proxy", done_but(page))
    yield Fault("page of a proxy, once", first(done_but(page)))
    yield Fault("no body", changed(lambda _: b""))
    yield Fault("half of the body", changed(lambda body: body[: len(body) // 2]))
    yield Fault("no JSON", changed(lambda _: b"odd \x1b[31m <{%reset%}>"))
    yield Fault("no text", changed(lambda _: b"\xff\xfe\x00\x80"))
    yield Fault("JSON that is too deep", changed(deep))
    yield Fault("cut gzip", changed(lambda body: gzip.compress(body, mtime=0)[:-9], content_encoding="gzip"))
    yield Fault("gzip that is none", changed(lambda _: b"no gzip", content_encoding="gzip"))
    yield Fault("packed in an unknown way", changed(lambda body: body, content_encoding="br"))
    yield Fault("more than the largest answer", changed(lambda _: gzip.compress(bytes(_MUCH)), content_encoding="gzip"))
    yield Fault("null", in_json(lambda _: None))
    yield Fault("a number", in_json(lambda _: 7))
    yield Fault("an object without members", in_json(lambda _: {}))
    yield Fault("lists for objects", in_json(turned))
    yield Fault("every leaf null", in_json(each_leaf(None)))
    yield Fault("every leaf a huge number", in_json(each_leaf(10**400)))
    yield Fault("every leaf an object", in_json(each_leaf({"a": [1]})))
    yield Fault("every leaf a hostile text", in_json(each_leaf("odd \x1b[31m\ud800 <{%reset%}>")))


def address_faults() -> Iterator[Fault]:
    """Addresses that lead elsewhere, or nowhere."""
    yield Fault("redirect to another host", instead(lambda: answer(302, None, location=f"https://{ELSEWHERE}/a")))
    yield Fault("redirect to itself", lambda request, _send, _turn: answer(307, None, location=str(request.url)))
    yield Fault("next page elsewhere", in_json(pointing(f"https://{ELSEWHERE}/a")))
    yield Fault("next page without TLS", in_json(pointing("http://api.bap.microsoft.com/a")))
    yield Fault(
        "next page with a name before the host", in_json(pointing(f"https://api.bap.microsoft.com@{ELSEWHERE}/"))
    )
    yield Fault("next pages in a circle", circle)
    yield Fault("next pages without end", new_pages)
    yield Fault(
        "operation elsewhere",
        changed(lambda body: body, location=_OPERATION, operation_location=_OPERATION, odata_entityid=_OPERATION),
    )


# No source shows the codes of these: an error in their own shape counts (providers/api/transport/absence.py).
_WITHOUT_CODES = frozenset({"F&O", "Dual-write"})
_ALL = _WITHOUT_CODES | {"Power Platform", "Application packages", "Dataverse", "Dataverse access"}
_PAST = "Wed, 01 Jan 2020 00:00:00 GMT"
_MUCH = 3 * 1024 * 1024
_OPERATION = f"https://{ELSEWHERE}/operations/1"
FAULTS: tuple[Fault, ...] = (
    *transport_faults(),
    *status_faults(),
    *answer_faults(),
    *address_faults(),
)
