"""What a declaration of maps says against the one before, without asking a service."""

from typing import Any

import pytest

from providers.maps.declaration import late_initial_syncs
from providers.maps.model import LiveSyncInputs

MAP = "accounts - Customers V3"


def declared(state: str = "running", **more: Any) -> LiveSyncInputs:
    return LiveSyncInputs.model_validate({"cloud": "public", "cds": "uat", "maps": {MAP: state}, **more})


@pytest.mark.parametrize(
    ("old", "new", "is_late"),
    [
        pytest.param(declared(), declared(initial_sync="finops"), True, id="new for a map that runs"),
        pytest.param(declared(initial_sync="finops"), declared(initial_sync="cds"), True, id="from the other side"),
        pytest.param(
            declared(initial_sync="finops"), declared(initial_sync={MAP: "cds"}), True, id="the other side by name"
        ),
        pytest.param(declared("paused", initial_sync="finops"), declared(initial_sync="cds"), True, id="paused map"),
        pytest.param(declared(initial_sync="finops"), declared(initial_sync={MAP: "finops"}), False, id="by name"),
        pytest.param(declared(initial_sync="finops"), declared(), False, id="left out"),
        pytest.param(declared("stopped"), declared(initial_sync="cds"), False, id="a map that starts"),
        pytest.param(
            declared(initial_sync="finops"), declared("stopped", initial_sync="cds"), False, id="a map that stops"
        ),
        pytest.param(
            declared(initial_sync="finops"),
            declared(initial_sync="cds", resync={MAP: "again"}),
            False,
            id="asked for anew",
        ),
        pytest.param(
            declared(initial_sync="finops", resync={MAP: "again"}),
            declared(initial_sync="cds", resync={MAP: "again"}),
            True,
            id="asked for before",
        ),
        pytest.param(
            declared(initial_sync="finops"), declared(initial_sync="cds", reset="1"), False, id="with a reset"
        ),
        pytest.param(
            declared(initial_sync="finops", companies=["DAT"]),
            declared(initial_sync="cds", companies=["DAT", "USMF"]),
            False,
            id="with other companies",
        ),
    ],
)
def test_an_initial_sync_comes_too_late_for_maps_that_run(
    old: LiveSyncInputs, new: LiveSyncInputs, is_late: bool
) -> None:
    problems = [str(problem) for problem in late_initial_syncs(new, old)]
    assert len(problems) == is_late
    assert not is_late or problems[0].startswith(f"DW-C03 comes too late for maps that run already: '{MAP}'")
