"""The documented errors of setting up dual-write: recognising a text of the service, and telling its cure. Pure.

A text is recognised by its documented part or its code, apostrophes and case aside. The table: `table`.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from providers.api.transport.errors import ApiError, OperationFailed
from providers.api.transport.operations import PASSING
from providers.documented_errors.table import (
    CONSENT_MISSING,
    HEALTH,
    NO_RIGHTS,
    NOT_THE_LINKING_USER,
    SAME,
    SERVICE_DOWN,
    TEXTS,
    VALIDATION,
    Known,
)

# What a bare status means when the link is looked up, when it is read, and when its maps are made.
LOOKING_UP = {403: NO_RIGHTS, 404: CONSENT_MISSING, **dict.fromkeys((500, 502, 503, 504), SERVICE_DOWN)}
READING = {403: NO_RIGHTS}
MAKING_MAPS = {401: NOT_THE_LINKING_USER, 403: NO_RIGHTS}

_ANY_CASE = re.IGNORECASE | re.DOTALL
_AGAIN = re.compile(r"[,;] then run `up` again\.?$")
_HEALTH_CODE = re.compile(r"\b(DWDVEV|DWFOEV)(\d{4})\b", re.IGNORECASE)
_VALIDATION_CODE = re.compile(r"\bDIPV(\d{4})\b", re.IGNORECASE)


def explained(text: str) -> Known | None:
    """The documented error that a text of the service is, or None. A code says more than the words around it."""
    plain = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return (
        _by_health_code(plain)
        or _by_validation_code(plain)
        or next((known for pattern, known in TEXTS if re.search(pattern, plain, _ANY_CASE)), None)
    )


def _by_health_code(text: str) -> Known | None:
    code = _HEALTH_CODE.search(text)
    return Known(code[0].upper(), *HEALTH[code[2]]) if code and code[2] in HEALTH else None


def _by_validation_code(text: str) -> Known | None:
    code = _VALIDATION_CODE.search(text)
    meaning = VALIDATION.get(SAME.get(code[1], code[1])) if code else None
    return Known(code[0].upper(), *meaning) if code and meaning else None


def without_again(next_step: str) -> str:
    """A next step without its `, then run up again` and full stop, for a message that says itself what comes then."""
    return _AGAIN.sub("", next_step).rstrip(".")


def documented(error: ApiError, *, otherwise: Known | None = None) -> ApiError:
    """The same error with the documented code and next step; `otherwise` is meant when its text says nothing.

    One that usually passes (5xx, a lost answer) becomes `OperationFailed` when its text is a documented one: waiting
    does not mend it. An error that is not documented comes back as it is.
    """
    known = explained(f"{error.code or ''} {error.reason}")
    if known and isinstance(error, PASSING):
        return OperationFailed(
            error.reason,
            code=known.code or error.code,
            correlation_id=error.correlation_id,
            status=error.status,
            next_step=known.next_step,
            service=error.service,
        )
    known = known or otherwise
    if known is None:
        return error
    made = copy.copy(error)
    made.code, made.next_step = known.code or error.code, known.next_step
    return made


@contextmanager
def with_documented_cure(by_status: Mapping[int, Known] | None = None) -> Iterator[None]:
    """Refusals of the service leave the block as `documented` makes them.

    `by_status` says what an answer with that HTTP status means to this call when its text is not documented.
    """
    try:
        yield
    except ApiError as error:
        explained_error = documented(error, otherwise=(by_status or {}).get(error.status or 0))
        if explained_error is error:
            raise
        raise explained_error from error


def failed(text: str, *, correlation_id: str | None = None, otherwise: str = "") -> OperationFailed:
    """What a failure text of the service becomes; `otherwise` is the next step of one that is not documented."""
    known = explained(text)
    return OperationFailed(
        text,
        code=known.code if known else None,
        correlation_id=correlation_id,
        next_step=known.next_step if known else otherwise,
    )
