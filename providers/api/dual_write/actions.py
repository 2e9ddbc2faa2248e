"""The codes of dual-write, and what a request for maps takes (dual-write-management-api.md sections 4 and 5).

Apart from the models of answers, since these alone are known before any service is asked.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class MapState(StrEnum):
    """Known values of `detail.state` (5.1). 1 and 6 both mean not running."""

    NONE = "0"
    STOPPED = "1"
    INITIAL_SYNC = "2"
    CATCH_UP = "3"
    RUNNING = "4"
    PAUSED = "5"
    NOT_RUNNING = "6"


class RequestState(StrEnum):
    """Known states of a request (5.2); any other value counts as still going on."""

    WAITING = "1"
    COMPLETED = "2"
    FAILED = "3"


class MapAction(StrEnum):
    """Known actions of E3 (5.3)."""

    START = "1"
    STOP = "4"
    PAUSE = "5"
    RESUME = "6"
    INITIALISE = "8"


class Master(StrEnum):
    """The side that wins a conflict of an initial sync (5.7)."""

    DATAVERSE = "CRM"
    FINANCE_OPERATIONS = "AX"


class ActionDetail(BaseModel):
    """One map of an E3 request.

    `skip_initial_sync` and `master` go with start and stop; `keep_queue` with resume: None replays the queue,
    True goes live and keeps it as errors, False discards it (5.5). `pid` is None only for initialise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    tid: str
    pid: str | None = None
    skip_initial_sync: bool | None = None
    master: Master = Master.DATAVERSE
    keep_queue: bool | None = None
