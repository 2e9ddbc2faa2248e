"""Updates of rows that go together, and what became of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from providers.api.transport.errors import ApiError


class Fate(Enum):
    """What became of one update."""

    DONE = "the row was changed"
    FAILED = "the service refuses it for good"
    REFUSED = "it was not taken up: send it again after a wait"
    MISMATCH = "the row is not there, or not as it was read"
    UNCLEAR = "it may have been done: look before it is sent again"


class RowUpdate(NamedTuple):
    """New column values of one row. `version`: an ETag that the row must still have, or `*` for any."""

    row_id: str
    values: Mapping[str, object]
    version: str = "*"


@dataclass(frozen=True)
class UpdateAnswer:
    """The fate of one update; `wait` is in seconds where the service asks for one, `error` says why it was not done."""

    fate: Fate
    error: ApiError = field(default_factory=lambda: ApiError(""))
    wait: float | None = None
