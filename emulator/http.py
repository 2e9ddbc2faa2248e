"""What services, routes, calls and answers are; shared by all packages of the emulator."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from emulator.tenant import Tenant


@dataclass(frozen=True)
class Caller:
    """Who a valid bearer token stands for; `user` is the upn of a person, None for an application."""

    app_id: str | None
    user: str | None
    object_id: str
    audience: str
    name: str

    @property
    def identity(self) -> str:
        """Return what the journal calls this caller: upn or application id."""
        return self.user or self.app_id or ""


class ServiceError(Exception):
    """An answer that refuses: the transaction is rolled back, the body is sent as it stands."""

    def __init__(
        self, status: int, body: Mapping[str, Any] | str | None, headers: Mapping[str, str] | None = None
    ) -> None:
        """`body`: a JSON object, a text, or None for an empty body."""
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


@dataclass(frozen=True)
class Call:
    """One request. `query` holds the first value of each name, `headers` has lower-case names."""

    method: str
    host: str
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    caller: Caller | None = None
    query_string: str = ""
    correlation_id: str = ""

    def json(self) -> Any:
        """Return the parsed body; ServiceError 400 when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            text = "The request content is not valid JSON."
            raise ServiceError(400, {"error": {"code": "InvalidRequestContent", "message": text}}) from None

    @property
    def base_url(self) -> str:
        """Return scheme and host, for absolute links in answers."""
        return f"https://{self.host}"

    @property
    def url(self) -> str:
        """Return the whole URL as the client wrote it, the path decoded."""
        return self.base_url + self.path + (f"?{self.query_string}" if self.query_string else "")


@dataclass
class Reply:
    """One answer: `json` (any JSON value) or `body` (bytes or text), never both."""

    status: int = 200
    json: Any = None
    body: bytes | str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """Return the bytes to send."""
        if self.body is not None:
            return self.body.encode() if isinstance(self.body, str) else self.body
        return b"" if self.json is None else json.dumps(self.json, separators=(",", ":")).encode()

    def content_type(self) -> str | None:
        """Return the media type unless the handler set one in `headers`."""
        if any(name.lower() == "content-type" for name in self.headers):
            return None
        if self.body is not None:
            return "text/plain; charset=utf-8"
        return None if self.json is None else "application/json; charset=utf-8"

    @classmethod
    def of_error(cls, error: ServiceError) -> "Reply":
        """Return the answer that a ServiceError stands for."""
        if isinstance(error.body, str):
            return cls(error.status, body=error.body, headers=dict(error.headers))
        body = None if error.body is None else dict(error.body)
        return cls(error.status, json=body, headers=dict(error.headers))


Handler = Callable[["Tenant", Call], Reply]


@dataclass(frozen=True)
class Route:
    """One modelled operation.

    `pattern`: literal text, matched case-blind, with `{name}` for a part without a slash and `{name:path}` for the
    rest; a trailing slash is optional. `evidence`: the source, or "assumed: ...".
    """

    method: str
    pattern: str
    handler: Handler
    evidence: str
    summary: str
    regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "regex", _compile(self.pattern))

    def match(self, path: str) -> dict[str, str] | None:
        """Return the parameters when `path` (see `decode_path`) is this route's, else None."""
        found = self.regex.fullmatch(path)
        if found is None:
            return None
        return {name: value.replace(_SLASH, "/") for name, value in found.groupdict().items()}


@dataclass(frozen=True)
class Service:
    """One of the tenant's services: which hosts it answers on, what it serves and how it refuses.

    `name`: login, bap, powerplatform, dataverse, finops or dualwrite (the names of the journal).
    `audiences(tenant, host)`: accepted audiences; a trailing slash makes no difference. Empty: no token needed.
    `unauthorized(reason)`: this service's 401. `not_modelled(method, path)`: its 501.
    """

    name: str
    hosts: Callable[["Tenant", str], bool]
    routes: Sequence[Route]
    audiences: Callable[["Tenant", str], set[str]]
    unauthorized: Callable[[str], ServiceError]
    not_modelled: Callable[[str, str], ServiceError] | None = None


def not_modelled(method: str, path: str) -> ServiceError:
    """Return the answer to an operation that the emulator does not have, with method and path."""
    text = f"The emulator does not model {method} {path}."
    return ServiceError(501, {"error": {"code": "NotModelled", "message": text}})


# Stands for a slash that the client had encoded, so that it does not end a path segment.
_SLASH = "\x00"


def decode_path(raw: str) -> str:
    """Decode percent escapes for matching; encoded slashes stay apart from the real ones."""
    return unquote(raw.replace("%2F", _SLASH).replace("%2f", _SLASH)) if "%" in raw else raw


def plain_path(decoded: str) -> str:
    """Return a `decode_path` result as people read it."""
    return decoded.replace(_SLASH, "/")


def _compile(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(:path)?\}", pattern.rstrip("/"))
    text = re.escape(parts[0])
    for name, rest, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        text += f"(?P<{name}>{'.*' if rest else '[^/]+?'})" + re.escape(literal)
    return re.compile(text + "/?", re.IGNORECASE | re.DOTALL)
