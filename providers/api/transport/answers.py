"""Reading an HTTP answer: JSON, error code and text in all shapes of the services, waits, ids, operation URLs.

Error shapes: power-platform-api.md 4.2, 15.2, 15.5; dual-write-semantics.md 12; dual-write-management-api.md 2.5.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, cast

from providers.api.transport.errors import UnexpectedAnswer

CORRELATION_HEADERS = (
    "x-ms-correlation-id",
    "x-ms-correlation-request-id",
    "x-ms-service-request-id",
    "ms-dyn-aid",
    "x-ms-request-id",
    "request-id",
)
_TITLE = re.compile(r"(?is)<title[^>]*>(.*?)</title>")
_CLAIMS = re.compile(r'(?i)\bclaims="([^"]+)"')


@dataclass(frozen=True)
class Problem:
    """What an error answer says. `code` "" = none; `correlation_id` when the body carries one."""

    code: str = ""
    message: str = ""
    correlation_id: str | None = None


@dataclass(frozen=True)
class Response:
    """An answer. `headers` have lower-case names; `retry_after` is in seconds from now."""

    status: int
    headers: Mapping[str, str]
    text: str
    url: str
    correlation_id: str
    retry_after: float | None = None

    @property
    def empty(self) -> bool:
        """Whether there is no body."""
        return not self.text.strip()

    @property
    def html(self) -> bool:
        """Whether a page came instead of data: a proxy or a sign-in page in between."""
        return "html" in self.headers.get("content-type", "").lower() or self.text.lstrip()[:1] == "<"

    @property
    def date(self) -> datetime | None:
        """The service's clock when it answered; None when it did not say."""
        return _http_date(self.headers.get("date", ""))

    def json(self) -> Any:
        """The parsed body; None when empty. Raises `ValueError` when it is no JSON, or nested too deeply."""
        if isinstance(self._parsed, ValueError):
            raise self._parsed
        return self._parsed

    @cached_property
    def _parsed(self) -> Any:
        """The parsed body, or why it is none: a page of a list has many megabytes and is asked several times."""
        try:
            return None if self.empty else json.loads(self.text)
        except RecursionError:
            return ValueError("it is nested too deeply")
        except ValueError as error:
            return error

    def object(self) -> dict[str, Any]:
        """The parsed body when it is an object, else an empty one."""
        try:
            parsed = self.json()
        except ValueError:
            return {}
        return cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}

    @property
    def path(self) -> str:
        """The path that answered, without host and query."""
        return self.url.partition("://")[2].partition("/")[2].partition("?")[0].join(("/", ""))

    @property
    def operation_url(self) -> str | None:
        """Where to poll: `Location`, then `Operation-Location` (section 4.1)."""
        return self.headers.get("location") or self.headers.get("operation-location") or None

    @property
    def claims_challenge(self) -> str | None:
        """The base64 claims of a continuous access evaluation challenge (section 4.1)."""
        found = _CLAIMS.search(self.headers.get("www-authenticate", ""))
        return found.group(1) if found else None

    @property
    def problem(self) -> Problem:
        """Code and text of an error answer."""
        if self.html:
            title = _TITLE.search(self.text)
            page = f"the page '{' '.join(title.group(1).split())}'" if title else "a page"
            return Problem(message=f"{page} came instead of an answer of the service")
        try:
            parsed = self.json()
        except ValueError:
            return Problem(message=self.text)
        return read_problem(parsed)


def unexpected_answer(
    reason: str, response: Response, service: str, problem: Problem | None = None
) -> UnexpectedAnswer:
    """The error for an answer that is none of the service, or not in its known shape."""
    told = problem or Problem()
    return UnexpectedAnswer(
        reason,
        code=told.code or f"HTTP {response.status}",
        correlation_id=told.correlation_id or response.correlation_id,
        status=response.status,
        service=service,
    )


def _lower_names(body: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in body.items()}


def read_problem(body: object) -> Problem:
    """Code and text of a parsed error body of any service; what is not understood gives an empty problem."""
    if isinstance(body, str):
        return Problem(message=body)
    if not isinstance(body, Mapping):
        return Problem()
    lower = _lower_names(body)
    trace = _text(lower, "rootactivityid", "correlationid", "correlation_id", "activityid")
    inner = lower.get("error", lower.get("errordetail"))
    if isinstance(inner, Mapping):
        nested = _lower_names(inner)
        trace = trace or _text(nested, "rootactivityid", "correlationid", "activityid")
        return Problem(_error_code(nested), _message(nested), trace or None)
    if isinstance(inner, str):
        # The token endpoint: {"error": "invalid_client", "error_description": "AADSTS7000215: ..."}.
        return Problem(inner, _text(lower, "error_description").partition("\n")[0].strip(), trace or None)
    return Problem(_error_code(lower), _message(lower), trace or None)


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait from a `Retry-After` header, an integer or an HTTP date; None when absent or unreadable."""
    text = (value or "").strip()
    if not text:
        return None
    if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", text):
        return float(text)
    moment = _http_date(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, TypeError):
        return None


def _error_code(error: Mapping[str, Any]) -> str:
    name = _text(error, "errorname")
    return name or _text(error, "code", "errorcode")


def _message(error: Mapping[str, Any]) -> str:
    text = _text(error, "message", "exceptionmessage", "errormessage", "title", "detail")
    inner = error.get("innererror")
    if isinstance(inner, Mapping):
        # F&O puts the real text inside, behind the word Infolog (dual-write-semantics.md 12.1).
        real = _text({str(name).lower(): value for name, value in inner.items()}, "message")
        text = real.split("Infolog:", 1)[-1].strip() or text
    fields = error.get("fielderrors")
    if isinstance(fields, Mapping):
        text = "; ".join(filter(None, [text, *(_field_error(str(name), value) for name, value in fields.items())]))
    return text


def _field_error(name: str, error: object) -> str:
    if not isinstance(error, Mapping):
        return ""
    messages = error.get("errorMessages")
    text = " ".join(str(each) for each in messages) if isinstance(messages, list) else ""
    suggested = error.get("suggestedValue")
    return f"{name}: {text}" + (f" (suggested: {suggested})" if suggested else "")


def _text(values: Mapping[str, Any], *names: str) -> str:
    texts = (_plain(values.get(name)) for name in names)
    return next((text for text in texts if text), "")


def _plain(value: object) -> str:
    """A text, or a number other than zero, as text; empty for anything else."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and value and value is not True else ""
