"""The state machine of one table map: pure, no storage, no clock.

States, actions and their wire codes are those of dual-write-management-api.md 5.1, 5.3 and 6. The service writes codes
as strings of one digit and is read here with strings or numbers (2.4).
"""

from dataclasses import dataclass
from enum import StrEnum


class MapState(StrEnum):
    """Run state of a map (dual-write-management-api.md 5.1). `NOT_RUNNING` is understood, never set."""

    STOPPED = "1"
    INITIAL_SYNC = "2"
    CATCH_UP = "3"
    RUNNING = "4"
    PAUSED = "5"
    NOT_RUNNING = "6"


class Action(StrEnum):
    """Action of E3 (dual-write-management-api.md 5.3)."""

    START = "1"
    STOP = "4"
    PAUSE = "5"
    RESUME = "6"
    INIT = "8"


class RequestState(StrEnum):
    """State of an asynchronous request (dual-write-management-api.md 5.2)."""

    WAITING = "1"
    COMPLETED = "2"
    FAILED = "3"


class CatchUp(StrEnum):
    """What a resume does with the queue (dual-write-management-api.md 5.5)."""

    PLAY_BACK = "play back"
    KEEP_AS_ERRORS = "keep as catch-up errors"
    DROP = "drop"


@dataclass(frozen=True)
class Transition:
    """Where an accepted action leads: `passing` meanwhile (None: the old state), `to` at the end, or `on_failure`."""

    passing: MapState | None
    to: MapState
    on_failure: MapState


class ActionNotAllowedError(Exception):
    """The map's present state does not allow the action."""


_STATE_NAMES = {
    MapState.STOPPED: "Not running",
    MapState.NOT_RUNNING: "Not running",
    MapState.INITIAL_SYNC: "Initializing",
    MapState.CATCH_UP: "Resuming",
    MapState.RUNNING: "Running",
    MapState.PAUSED: "Paused",
}

_ALLOWED = {
    MapState.STOPPED: frozenset({Action.START}),
    MapState.NOT_RUNNING: frozenset({Action.START}),
    MapState.INITIAL_SYNC: frozenset[Action](),
    MapState.CATCH_UP: frozenset[Action](),
    MapState.RUNNING: frozenset({Action.STOP, Action.PAUSE}),
    MapState.PAUSED: frozenset({Action.RESUME}),
}

STARTABLE = frozenset({MapState.STOPPED, MapState.NOT_RUNNING})
"""States in which a map does not run: it may be started, switched, refreshed and get new keys."""

SYNCING = frozenset({MapState.INITIAL_SYNC, MapState.CATCH_UP, MapState.RUNNING, MapState.PAUSED})
"""States in which writes of its tables concern the map: sent (Running) or queued (the others)."""


def state_name(state: MapState) -> str:
    """Return the word of the admin page for a state (dual-write-management-api.md 5.1)."""
    return _STATE_NAMES[state]


def allowed(state: MapState, *, has_project: bool, stop_paused: bool = False) -> frozenset[Action]:
    """Return the actions that a map accepts. `stop_paused` adds Stop to a Paused map, which no source shows."""
    if not has_project:
        return frozenset({Action.INIT})
    if state is MapState.PAUSED and stop_paused:
        return _ALLOWED[state] | {Action.STOP}
    return _ALLOWED[state]


def shown_actions(state: MapState) -> list[str] | None:
    """Return `detail.actions` as seen live: `["4","5"]` for Running, `["6"]` for Paused, else no such member."""
    if state is MapState.RUNNING:
        return [Action.STOP, Action.PAUSE]
    return [Action.RESUME] if state is MapState.PAUSED else None


def _not_allowed(state: MapState, action: Action, *, has_project: bool) -> ActionNotAllowedError:
    needed = "is already initialized" if action is Action.INIT else f"is {state_name(state)}"
    reason = needed if has_project else "has no project yet"
    return ActionNotAllowedError(f"the action '{action.name.lower()}' is not allowed because the map {reason}")


def transition(
    state: MapState,
    action: Action,
    *,
    has_project: bool,
    initial_sync: bool = False,
    catch_up: CatchUp = CatchUp.PLAY_BACK,
    stop_paused: bool = False,
) -> Transition:
    """Return what an action does (dual-write-management-api.md 6).

    Raises:
        ActionNotAllowedError: the state does not allow it.
    """
    if action not in allowed(state, has_project=has_project, stop_paused=stop_paused):
        raise _not_allowed(state, action, has_project=has_project)
    if action is Action.START:
        return Transition(MapState.INITIAL_SYNC if initial_sync else None, MapState.RUNNING, state)
    if action is Action.RESUME:
        passing = MapState.CATCH_UP if catch_up is CatchUp.PLAY_BACK else None
        return Transition(passing, MapState.RUNNING, MapState.PAUSED)
    if action is Action.PAUSE:
        return Transition(None, MapState.PAUSED, state)
    return Transition(None, MapState.STOPPED, state)


def read_action(code: object) -> Action:
    """Read an action code given as a string or a number.

    Raises:
        ValueError: no such action is known; codes 2, 3 and 7 are not evidenced.
    """
    if isinstance(code, bool) or not isinstance(code, str | int):
        raise ValueError(f"action {code!r} is neither a string nor a number")  # noqa: TRY004 - one error for one bad member
    return Action(str(code).strip())
