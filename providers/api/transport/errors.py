"""The errors of the API clients: one small tree, one line of text each, no secret and no whole body."""

from providers.api.transport.limits import LONGEST_REASON
from providers.api.transport.redaction import redact
from providers.api.transport.texts import clean

# Of a code or an id, in characters.
_LONGEST_MARK = 100


class ApiError(Exception):
    """A call failed. `str()` gives `<reason> (<code>, correlation <id>). <next_step>` without the absent parts.

    `code` is the service's own error code; `correlation_id` what its support asks for; `status` the HTTP status when
    there was an answer; `may_have_happened` says that the effect of the call is unknown and has to be looked up;
    `busy` that something else runs there, so that the same call can be taken later.
    """

    def __init__(
        self,
        reason: str,
        *,
        code: str | None = None,
        correlation_id: str | None = None,
        status: int | None = None,
        next_step: str = "",
        service: str = "",
        may_have_happened: bool = False,
        busy: bool = False,
    ) -> None:
        self.reason = _one_line(reason)
        self.code = clean(code or "")[:_LONGEST_MARK] or None
        self.correlation_id = clean(correlation_id or "")[:_LONGEST_MARK] or None
        self.status = status
        self.next_step = clean(redact(next_step))
        self.service = service
        self.may_have_happened = may_have_happened
        self.busy = busy
        super().__init__(self.reason)

    def __str__(self) -> str:
        marks = [self.code] if self.code else []
        marks += [f"correlation {self.correlation_id}"] if self.correlation_id else []
        after = f" ({redact(', '.join(marks))})" if marks else ""
        after += f". {self.next_step}" if self.next_step else ""
        return f"{self.reason.rstrip('.')}{after}" if after else self.reason


class AuthenticationError(ApiError):
    """No usable credential, or the service refused the token (401)."""


class TokenMissing(AuthenticationError):
    """No delegated token for the dual-write management service is configured."""


class PermissionDenied(ApiError):
    """The caller is known but may not do this (403)."""


class NotFound(ApiError):
    """The thing that the call names does not exist."""


class Conflict(ApiError):
    """The state of the service forbids the call, for example a taken domain or no capacity left."""


class InvalidRequest(ApiError):
    """The service rejects what was sent (400, 412, 422)."""


class Throttled(ApiError):
    """The service still asked us to slow down after all retries."""


class ServiceUnavailable(ApiError):
    """The service answered with a server error after all retries, or another operation still runs there."""


class UnexpectedAnswer(ApiError):
    """An answer that is no answer of the service: HTML, broken JSON, an empty body, a status outside the contract."""


class TransportError(ApiError):
    """No usable answer arrived. With `may_have_happened` the request may have taken effect: look, never re-send."""


class OperationFailed(ApiError):
    """A long operation ended, and not well."""


class OperationTimedOut(ApiError):
    """A long operation did not end before its deadline. `last_status` is what it said last; it may still end."""

    def __init__(self, reason: str, *, last_status: str = "", next_step: str = "", service: str = "") -> None:
        super().__init__(reason, next_step=next_step, service=service, may_have_happened=True)
        self.last_status = last_status


class Interrupted(ApiError):
    """The signal to stop was given; what is under way at the service goes on there."""


class ForeignHost(ApiError):
    """A URL outside the configured cloud; no token was sent there."""


class EmulatorNotRunning(ApiError):
    """`cloud: emulator` is configured, and no emulator answers."""


def _one_line(text: str) -> str:
    # A text of megabytes need not be searched whole; redaction comes before the cut, or half a token would stay.
    line = redact(clean(text[: 20 * LONGEST_REASON]))
    return line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 1].rstrip() + "…"
