"""What travels: calls with their callers, answers and refusals."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

from emulator.core.microsoft_names import Name

CORRELATION_HEADERS = (
    "x-ms-correlation-id",
    "x-ms-correlation-request-id",
    "x-correlation-id",
    "x-ms-client-request-id",
    "client-request-id",
)

# Stands for a slash that the client had encoded, so that it does not end a path segment.
SLASH = "\x00"


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


class UnknownNameError(ServiceError):
    """A refusal because nothing is called so; it is sent only when Microsoft has no such name either (`Route`)."""

    def __init__(self, name: Name, refusal: ServiceError) -> None:
        """`refusal`: what the service answers to a name that it does not have."""
        super().__init__(refusal.status, refusal.body, refusal.headers)
        self.name = name


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
        except (ValueError, RecursionError):
            text = "The request content is not valid JSON."
            # Documented: RFC 9110, 15.5.1: 400 for malformed syntax
            raise ServiceError(400, {"error": {"code": "InvalidRequestContent", "message": text}}) from None

    def json_object(self) -> dict[str, Any] | None:
        """Return the parsed body when it is a JSON object, else None."""
        try:
            document = json.loads(self.body or b"null")
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None

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


def _correlation_id(headers: Mapping[str, str]) -> str:
    """The caller's own, or a new one; header names in lower case."""
    return next((headers[name] for name in CORRELATION_HEADERS if headers.get(name)), None) or str(uuid4())


def parse(
    method: str,
    host: str,
    raw_path: str,
    query_string: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    outer: Call | None = None,
) -> Call:
    """Build the call from the parts of an HTTP request; header names may have any case.

    `outer`: the batch of which the request is a part, whose caller and correlation id it shares.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    query: dict[str, str] = {}
    for name, value in parse_qsl(query_string, keep_blank_values=True):
        query.setdefault(name, value)
    return Call(
        method=method.upper(),
        host=host.lower(),
        path=decode_path(raw_path),
        query=query,
        headers=lowered,
        body=body,
        caller=outer.caller if outer else None,
        query_string=query_string,
        correlation_id=outer.correlation_id if outer else _correlation_id(lowered),
    )


def decode_path(raw: str) -> str:
    """Decode percent escapes for matching; encoded slashes stay apart from the real ones."""
    return unquote(raw.replace("%2F", SLASH).replace("%2f", SLASH)) if "%" in raw else raw


def plain_path(decoded: str) -> str:
    """Return a `decode_path` result as people read it."""
    return decoded.replace(SLASH, "/")
