"""What hooks on writes get: the row before it is stored, and what was written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulator.core.wire import Caller
from emulator.data.schemas import Plane, Table


@dataclass(frozen=True)
class Write:
    """One write inside the present transaction. `changes`: names of the properties whose value is another one now."""

    plane: Plane
    host: str
    table: str
    operation: str
    row_id: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    changes: tuple[str, ...]
    origin: str
    caller: Caller | None


class SyncError(Exception):
    """Raised by a hook: the other side refused, so this write fails with this text (dual-write is synchronous)."""


@dataclass(frozen=True)
class Draft:
    """A row on its way into the tables. `new` is what hooks complete; `old` is None for an insert."""

    host: str
    schema: Table
    old: dict[str, Any] | None
    new: dict[str, Any]
    origin: str
    caller: Caller | None


BeforeWrite = Callable[[Draft], None]
OnWrite = Callable[[Write], None]
