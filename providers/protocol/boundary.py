"""The error boundary of the provider process: whatever goes wrong leaves it as one line (R41)."""

from collections.abc import Callable
from typing import TypeVar

from providers.api.transport.errors import ApiError
from providers.api.transport.operations import reporting
from providers.protocol import process
from providers.protocol.call import Call, DualWriteError
from providers.protocol.findings import UNREADABLE

T = TypeVar("T")
Explained = Callable[[ApiError], ApiError]


def guarded(operation: str, call: Call, work: Callable[[Call], T], explained: Explained) -> T:
    """Run one operation. Raises `DualWriteError` with resource, operation, reason and next step, and nothing else.

    `explained` gives an error its documented code and next step.
    """
    try:
        with reporting(call.progress):
            return work(call)
    except ApiError as error:
        code = f"{UNREADABLE.code} " if operation in ("check", "read") else ""
        message = f"{code}{call.title}: {operation} failed: {explained(error)}"
    except Exception as error:  # noqa: BLE001 - the boundary: nothing may leave here as a traceback
        kept = process.keep_traceback(f"{call.title}: {operation}")
        where = f"The traceback is in {kept}; please" if kept else "Its traceback could not be written; please"
        message = (
            f"{call.title}: {operation} failed: unexpected {type(error).__name__} in dual-write as code. "
            f"{where} report it."
        )
    raise DualWriteError(message) from None
