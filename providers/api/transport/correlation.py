"""The correlation id of the last answer that this thread read.

A finding can rest on an answer that is no error: a template that is listed as disabled, a capacity that is used up.
Its line names the answer it rests on, as the line of an error does.
"""

from contextvars import ContextVar

_LAST: ContextVar[str | None] = ContextVar("last_correlation_id", default=None)


def heard(correlation_id: str | None) -> None:
    """Remember the id of an answer; None before a call whose answer may come from a cache."""
    _LAST.set(correlation_id)


def last_correlation_id() -> str | None:
    """The id of the last answer since `heard`, or None."""
    return _LAST.get()
