"""What an entity map needs next to reach its declared run state, and what a failed request says. Pure.

The state machine is dual-write-management-api.md section 6: a map without a project is
initialised first; initialising and resuming maps take no action; a paused map cannot be
stopped (no source shows it), so it is resumed on its way to stopped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from providers.api.dual_write.actions import MapAction, MapState, RequestState

if TYPE_CHECKING:
    from providers.api.dual_write.models import ActionRequest, EntityMapStatus

RunState = Literal["running", "paused", "stopped"]
RUN_STATES: tuple[str, ...] = get_args(RunState)

NOT_RUNNING = (MapState.STOPPED, MapState.NOT_RUNNING, MapState.NONE)
_WORDS = {
    MapState.NONE: "stopped",
    MapState.STOPPED: "stopped",
    MapState.NOT_RUNNING: "stopped",
    MapState.INITIAL_SYNC: "initializing",
    MapState.CATCH_UP: "resuming",
    MapState.RUNNING: "running",
    MapState.PAUSED: "paused",
}
# The text of a failed initial sync tells first what was moved; its reason stands behind this word.
_DETAILS = re.compile(r"^Dual write Initial Sync completed with status.*Message: ", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"\bDIPV\d{4}\b|\b0x[0-9a-fA-F]{8}\b|\bDW[A-Z]*\d{4}\b")


class MapFailure(NamedTuple):
    """Why one map is not as declared; `cure` is the documented one, if any; `waited`: it was kept back by another."""

    name: str
    text: str
    code: str | None
    correlation_id: str | None
    cure: str = ""
    waited: bool = False


class Settled(Enum):
    """Why a map takes no action now."""

    AS_DECLARED = "as declared"
    UNDER_WAY = "under way"


# Declared run state, then state of the map: the action that follows. States that are not named are on their way.
_STEPS: Mapping[str, Mapping[str, MapAction | Settled]] = {
    "running": {
        **dict.fromkeys(NOT_RUNNING, MapAction.START),
        MapState.RUNNING: Settled.AS_DECLARED,
        MapState.PAUSED: MapAction.RESUME,
    },
    "paused": {
        **dict.fromkeys(NOT_RUNNING, MapAction.START),
        MapState.RUNNING: MapAction.PAUSE,
        MapState.PAUSED: Settled.AS_DECLARED,
    },
    "stopped": {
        **dict.fromkeys(NOT_RUNNING, Settled.AS_DECLARED),
        MapState.RUNNING: MapAction.STOP,
        MapState.PAUSED: MapAction.RESUME,
    },
}


def state_word(status: EntityMapStatus) -> str:
    """The state in the words of the stack file and the admin page; an unknown code is shown as it is."""
    return _WORDS.get(MapState(status.state), status.state) if status.state in set(MapState) else status.state


def nearest_state(word: str) -> str:
    """The run state that a program declares and that comes nearest to one that a refresh has recorded."""
    if word in RUN_STATES:
        return word
    return "running" if word in (_WORDS[MapState.INITIAL_SYNC], _WORDS[MapState.CATCH_UP]) else "stopped"


def next_step(status: EntityMapStatus, wanted: str) -> MapAction | Settled:
    """The action that brings a map nearer to `wanted`; none while the service does not allow it (client rule 3)."""
    step = _step(status, wanted)
    allowed = status.detail.actions
    # A map that does not run lists no actions at all, which says nothing (E2).
    return Settled.UNDER_WAY if isinstance(step, MapAction) and allowed and step not in allowed else step


def _step(status: EntityMapStatus, wanted: str) -> MapAction | Settled:
    if wanted != "stopped" and not status.initialised:
        return MapAction.INITIALISE
    return Settled.AS_DECLARED if wanted == "initialised" else _STEPS[wanted].get(status.state, Settled.UNDER_WAY)


def last_stop(status: EntityMapStatus) -> str | None:
    """The id of the request that stopped a map; None when the last thing that happened to it was something else."""
    ended = [each for each in status.detail.last_requests if each.state == RequestState.COMPLETED]
    newest = max(ended, key=lambda each: each.created_on or "", default=None)
    return newest.request_id if newest is not None and newest.action == MapAction.STOP else None


def stops(status: EntityMapStatus) -> set[str]:
    """The ids of all requests that stopped a map, as far as the service remembers them."""
    ended = (each for each in status.detail.last_requests if each.state == RequestState.COMPLETED)
    return {each.request_id for each in ended if each.action == MapAction.STOP}


def has_taken_effect(action: str, status: EntityMapStatus) -> bool:
    """Whether the map shows what a completed request did; the state may lag behind the request (E4)."""
    if action == MapAction.INITIALISE:
        return status.initialised
    if action == MapAction.START:
        return status.state not in NOT_RUNNING
    if action == MapAction.STOP:
        return status.state in NOT_RUNNING
    if action == MapAction.PAUSE:
        return status.state == MapState.PAUSED
    return status.state != MapState.PAUSED


def error_code(text: str) -> str | None:
    """The service's own code in an error text, such as `DIPV1014`."""
    found = _CODE.search(text)
    return found.group() if found else None


def failure_text(action: str, request: ActionRequest) -> str:
    """What a failed request says, in one sentence; `action` is a code, or a word."""
    verb = MapAction(action).name.lower() if action in set(MapAction) else action
    verb = f"action {verb}" if verb.isdigit() else verb
    reason = _DETAILS.sub("", request.error_message or "") or "the service gave no reason"
    return f"{verb} failed: {reason}"
