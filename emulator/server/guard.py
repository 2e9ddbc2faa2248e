"""Who may speak to the control plane: programs and pages of this machine, under its own names.

A browser sends what any page of the net tells it to. So a request has exactly one Host, one of ours; and one that
changes something comes from no other origin, and not as one of the plain forms that a page may post without asking.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from emulator.server.bodies import BodyTooLargeError, read_body

OWN_NAMES = {"127.0.0.1", "localhost", "::1"}
LARGEST_BODY = 30_000_000
_READS = {"GET", "HEAD", "OPTIONS"}
_OWN_SITES = {"same-origin", "none"}
_PAGE_FORMS = ("text/plain", "multipart/form-data")


def only_own(app: ASGIApp) -> ASGIApp:
    """Return the application behind these rules."""

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        refusal = _host_refusal(request) or _origin_refusal(request)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        try:
            body = await read_body(receive, LARGEST_BODY)
        except BodyTooLargeError:
            await _refusal(f"the body is longer than {LARGEST_BODY} bytes", 413)(scope, receive, send)
            return

        messages = iter([{"type": "http.request", "body": body or b"", "more_body": False}])
        await app(scope, lambda: _next(messages, receive), send)

    return checked


async def _next(messages: Iterable[dict[str, object]], receive: Receive) -> dict[str, object]:
    for message in messages:
        return message
    return dict(await receive())


def _host_refusal(request: Request) -> Response | None:
    """Plain HTTP that is meant for another host: a proxied `http://` URL, a page under a name of its own."""
    hosts = request.headers.getlist("host")
    name = _name(hosts[0]) if len(hosts) == 1 else None
    if name in OWN_NAMES:
        return None
    text = f"The emulator serves its tenant under https:// only, and does not forward to {name or 'such a Host'}.\n"
    return PlainTextResponse(text, 403)


def _name(host: str) -> str | None:
    """The name in a Host header, None when it is more than name and port."""
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port
    except ValueError:
        return None
    plain = parts.netloc == host and "@" not in host and port != 0
    return parts.hostname if plain else None


def _origin_refusal(request: Request) -> Response | None:
    """A request that changes something and that a page of another site made."""
    if request.method in _READS:
        return None
    origins, sites = request.headers.getlist("origin"), request.headers.getlist("sec-fetch-site")
    foreign = [each for each in origins if each != f"http://{request.headers['host']}"]
    if foreign or not _OWN_SITES.issuperset(sites):
        return _refusal("a page of another site may not do this", 403)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _PAGE_FORMS:
        return _refusal(f"the body is {kind}; send it as application/json", 415)
    return None


def _refusal(text: str, status: int) -> Response:
    return JSONResponse({"error": text}, status)
