"""How a map is doing, in one word with a colour and a shape: its state, the request on it, and its last error."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from emulator.dual_write.maps import TableMap
from emulator.dual_write.states import Action, MapState, RequestState


class Condition(StrEnum):
    """The kinds that the page tells apart, in the order in which it lists them."""

    FAILED = "failed"
    PAUSED = "paused"
    SYNCING = "syncing"
    CHANGING = "changing"
    RUNNING = "running"
    STOPPED = "stopped"


TITLES = {
    Condition.FAILED: "failed",
    Condition.PAUSED: "paused",
    Condition.SYNCING: "initial sync",
    Condition.CHANGING: "changing state",
    Condition.RUNNING: "running",
    Condition.STOPPED: "not running",
}

BAR = (
    Condition.RUNNING,
    Condition.CHANGING,
    Condition.SYNCING,
    Condition.PAUSED,
    Condition.FAILED,
    Condition.STOPPED,
)
"""The order along a bar: what is well first, what nobody asked for last."""

_CODE = re.compile(r"DIPV\d+|DW\w{2,4}\d+|0x[0-9a-fA-F]{8}|\(?\b[45]\d\d\b\)?")
_VERBS = {
    Action.START: "starting",
    Action.STOP: "stopping",
    Action.PAUSE: "pausing",
    Action.RESUME: "resuming",
    Action.INIT: "being set up",
}


@dataclass(frozen=True)
class Problem:
    """An error text of the service without its code. `code`: the one that it quotes, empty when it quotes none."""

    text: str
    code: str


@dataclass(frozen=True)
class Count:
    """How many maps are in one condition."""

    condition: Condition
    title: str
    number: int


def condition_of(table_map: TableMap) -> Condition:
    """Return the condition of a map."""
    if table_map.state is MapState.INITIAL_SYNC:
        return Condition.SYNCING
    if table_map.is_busy or table_map.state is MapState.CATCH_UP:
        return Condition.CHANGING
    if table_map.state is MapState.RUNNING:
        return Condition.RUNNING
    if last_problem(table_map) is not None:
        return Condition.FAILED
    return Condition.PAUSED if table_map.state is MapState.PAUSED else Condition.STOPPED


def words_of(table_map: TableMap) -> str:
    """Return the condition in words; for a map on its way, where it goes."""
    condition = condition_of(table_map)
    if condition is not Condition.CHANGING:
        return TITLES[condition]
    if table_map.state is MapState.CATCH_UP or not table_map.requests:
        return "catching up"
    return _VERBS[Action(table_map.requests[0]["action"])]


def last_problem(table_map: TableMap) -> Problem | None:
    """Return the error of the last request, None when that did not fail."""
    last = table_map.requests[0] if table_map.requests else None
    if last is None or last["state"] != RequestState.FAILED:
        return None
    return problem(str(last["errorMessage"] or ""))


def problem(text: str) -> Problem:
    """Return an error text with the first code that it quotes, which the page shows apart."""
    found = _CODE.search(text)
    if found is None:
        return Problem(text, "")
    code = found.group().strip("()")
    alone = rf"(?:^|\s)(?:{re.escape(code)}|\({re.escape(code)}\))(?=\s|$)"
    return Problem(re.sub(alone, "", text, count=1).strip(), code)


def tally(conditions: Iterable[Condition]) -> tuple[Count, ...]:
    """Count the conditions that occur."""
    known = list(conditions)
    return tuple(Count(one, TITLES[one], known.count(one)) for one in Condition if one in known)
