"""The state machine of one map, for every state and action (dual-write-management-api.md 6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.dual_write.states import (
    STARTABLE,
    Action,
    ActionNotAllowedError,
    CatchUp,
    MapState,
    allowed,
    read_action,
    shown_actions,
    transition,
)

STATES = st.sampled_from(MapState)
ACTIONS = st.sampled_from(Action)
CATCH_UPS = st.sampled_from(CatchUp)


@given(STATES, ACTIONS, st.booleans(), st.booleans(), CATCH_UPS)
def test_action_works_exactly_where_allowed(
    state: MapState, action: Action, has_project: bool, initial_sync: bool, catch_up: CatchUp
) -> None:
    """An action that `allowed` names leads somewhere, every other one is refused with the reason."""
    if action in allowed(state, has_project=has_project):
        change = transition(state, action, has_project=has_project, initial_sync=initial_sync, catch_up=catch_up)
        assert change.on_failure in {state, MapState.PAUSED}
    else:
        with pytest.raises(ActionNotAllowedError, match="not allowed"):
            transition(state, action, has_project=has_project, initial_sync=initial_sync, catch_up=catch_up)


def test_each_state_takes_these_actions_and_no_other() -> None:
    assert {state: allowed(state, has_project=True) for state in MapState} == {
        MapState.STOPPED: {Action.START},
        MapState.NOT_RUNNING: {Action.START},
        MapState.INITIAL_SYNC: set(),
        MapState.CATCH_UP: set(),
        MapState.RUNNING: {Action.STOP, Action.PAUSE},
        MapState.PAUSED: {Action.RESUME},
    }


@given(STATES)
def test_transient_states_take_no_action(state: MapState) -> None:
    """Nothing can be asked of a map that initialises or resumes; a map without project can only be initialised."""
    assert allowed(state, has_project=False) == {Action.INIT}
    assert (allowed(state, has_project=True) == frozenset()) == (state in {MapState.INITIAL_SYNC, MapState.CATCH_UP})


@given(STATES)
def test_shown_actions_are_allowed_ones(state: MapState) -> None:
    """What `detail.actions` offers is accepted; maps that do not run show no such member."""
    shown = shown_actions(state)
    assert set(shown or []) <= allowed(state, has_project=True)
    if state in STARTABLE:
        assert shown is None


@pytest.mark.parametrize(
    ("state", "action", "initial_sync", "catch_up", "way"),
    [
        ("1", "1", False, CatchUp.PLAY_BACK, [None, "4"]),
        ("6", "1", False, CatchUp.PLAY_BACK, [None, "4"]),
        ("1", "1", True, CatchUp.PLAY_BACK, ["2", "4"]),
        ("4", "4", False, CatchUp.PLAY_BACK, [None, "1"]),
        ("4", "5", False, CatchUp.PLAY_BACK, [None, "5"]),
        ("5", "6", False, CatchUp.PLAY_BACK, ["3", "4"]),
        ("5", "6", False, CatchUp.KEEP_AS_ERRORS, [None, "4"]),
        ("5", "6", False, CatchUp.DROP, [None, "4"]),
    ],
)
def test_actions_lead_where_documented(
    state: str, action: str, initial_sync: bool, catch_up: CatchUp, way: list[str | None]
) -> None:
    """The table of section 6."""
    change = transition(MapState(state), Action(action), has_project=True, initial_sync=initial_sync, catch_up=catch_up)
    assert [change.passing, change.to] == way


@pytest.mark.parametrize("code", ["1", 1, " 4 ", 8])
def test_codes_are_read_as_text_or_number(code: object) -> None:
    """Both forms occur (2.4)."""
    assert read_action(code).value == str(code).strip()


@pytest.mark.parametrize("code", ["2", 3, "7", True, None, 1.0, "start"])
def test_unknown_codes_are_refused(code: object) -> None:
    """2, 3 and 7 are not evidenced."""
    with pytest.raises(ValueError, match=r"action|valid"):
        read_action(code)
