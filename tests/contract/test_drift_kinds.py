"""Each kind of drift of a link and its maps: named by a refresh, repaired or explained by the `up` that follows.

What is repaired is gone from the next refresh. One pair with all maps of application core, one of them stopped and one
with a version of its own; every kind happens in a copy of it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from providers.api.dual_write.actions import MapState
from providers.api.transport.errors import ApiError
from tests.contract.declared_stack import (
    AUTHOR,
    OTHER_AUTHOR,
    OTHER_VERSION,
    PINNED,
    SOLUTION,
    STOPPED,
    TABLE,
    VERSION,
    DeclaredStack,
)
from tests.support.linked_world import CDS_HOST, LinkedWorld

pytestmark = pytest.mark.usefixtures("signed_in")

ENTITIES, CURRENCIES = "cdm_companies - Legal entities", "transactioncurrencies - Currencies"
VERSIONS = "msdyn_dualwriteentitymaps"


Happens = Callable[[LinkedWorld], None]


@dataclass(frozen=True)
class Kind:
    """A kind of drift: what happens, what a refresh says of it, and how the next `up` ends.

    `repaired`: it changes something back; without it a refresh has accepted what it named. `change`: how companies
    change. `refused`: the error with which `up` explains what a person has to do.
    """

    name: str
    happens: Happens
    says: str
    repaired: bool = True
    change: str = "manual"
    refused: str = ""


def person(action: str, name: str = "", **values: Any) -> Happens:
    return lambda pair: pair.person(action, name, **values)


def switch(name: str, value: Any) -> Happens:
    return lambda pair: pair.world.tenant.switches.set(name, value)


def other_filter(pair: LinkedWorld) -> None:
    """Somebody edits the saved version."""
    rows, version = pair.world.tenant.rows, pair.map(PINNED).detail.tid
    row = rows.get("dataverse", CDS_HOST, VERSIONS, version)
    assert row is not None
    mapping = json.loads(row["msdyn_mapping"])
    mapping["legs"][0]["sourceFilter"] = 'AFFIX != "Dr."'
    rows.update("dataverse", CDS_HOST, VERSIONS, version, {"msdyn_mapping": json.dumps(mapping)}, origin="system")


def other_keys(pair: LinkedWorld) -> None:
    """Somebody sets another key while the map is stopped."""
    pair.person("stop-map", PINNED)
    service = pair.world.call().session("public").dual_write
    service.set_integration_keys(CDS_HOST, {TABLE: ["msdyn_affix"]})
    pair.person("start-map", PINNED)


def without_map(pair: LinkedWorld) -> None:
    """Somebody deletes a map on the dual-write page."""
    for action in ("stop-map", "delete-map"):
        pair.person(action, CURRENCIES)


STATE = f"map '{ENTITIES}' is"
KINDS = [
    Kind("paused", person("pause-map", ENTITIES), f"{STATE} paused, not running"),
    Kind("stopped", person("stop-map", ENTITIES), f"{STATE} stopped, not running"),
    Kind("started", person("start-map", STOPPED), f"map '{STOPPED}' is running, not stopped"),
    Kind(
        "version switched",
        person("switch-version", PINNED, version=OTHER_VERSION),
        f"the active version is {OTHER_VERSION} of {AUTHOR}, not {VERSION} of {AUTHOR}",
    ),
    Kind(
        "author switched",
        person("switch-version", PINNED, version=VERSION, author=OTHER_AUTHOR),
        f"the active version is {VERSION} of {OTHER_AUTHOR}, not {VERSION} of {AUTHOR}",
    ),
    Kind(
        "version of a map without a pin switched",
        person("switch-version", ENTITIES, version="1.0.0.9"),
        f"map '{ENTITIES}' runs on version 1.0.0.9 ({AUTHOR}) now",
        repaired=False,
    ),
    Kind("filter changed", other_filter, "accepted, as none is declared", repaired=False),
    Kind("keys changed", other_keys, f"integration key of '{TABLE}' is [msdyn_affix], not ["),
    Kind(
        "solution upgraded",
        switch("solution_version", "1.3.0.0"),
        f"the solution {SOLUTION} is installed in version 1.3.0.0, applied was 1.1.0.0",
    ),
    Kind("map vanished", without_map, f"1 map is not installed any more: {CURRENCIES}"),
    Kind(
        "company added, by hand",
        person("add-company", company="LAMU"),
        "the link has other companies than declared (linked but not declared: LAMU)",
        refused=r"Legal entities, remove LAMU, Save",
    ),
    Kind(
        "company added, reset",
        person("add-company", company="LAMU"),
        "the link has other companies than declared (linked but not declared: LAMU)",
        change="reset",
    ),
    Kind(
        "company removed, by hand",
        person("remove-company", company="LAMN"),
        "the link has other companies than declared (not linked: LAMN)",
        refused=r"Legal entities, add LAMN, Save",
    ),
    Kind(
        "company removed, reset",
        person("remove-company", company="LAMN"),
        "the link has other companies than declared (not linked: LAMN)",
        change="reset",
    ),
    Kind("link reset by a person", person("reset-link"), f"the link has no maps of {SOLUTION} any more"),
]


def test_refresh_of_a_pair_as_declared_is_silent_and_costs_three_calls(stack: DeclaredStack) -> None:
    before = len(stack.pair.world.requests)
    assert stack.refresh() == []
    calls = [each for each in stack.pair.world.requests[before:] if "gateway" in each]
    assert len(calls) == len(set(calls)) == 3
    requests = len(stack.pair.world.requests)
    stack.up()
    assert len(stack.pair.world.requests) == requests


def test_map_that_was_declared_after_the_link_comes_back_too(stack: DeclaredStack) -> None:
    identifier, stored = stack.state["connection"]
    stack.state["connection"] = (identifier, stored.model_copy(update={"applied_maps": []}))
    without_map(stack.pair)
    stack.refresh()
    stack.up()
    assert (stack.pair.map(CURRENCIES).state, stack.refresh()) == (MapState.RUNNING, [])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_drift_is_named_and_gone_after_the_next_up(stack: DeclaredStack, kind: Kind) -> None:
    connection, as_declared = {"company_change": kind.change}, stack.comparable()
    kind.happens(stack.pair)
    said = stack.refresh()
    assert len([line for line in said if kind.says in line]) == 1, said
    # What is accepted is told once, what is not is told until it is repaired.
    assert stack.refresh() == (said if kind.repaired else [])
    if kind.refused:
        with pytest.raises(ApiError, match=kind.refused):
            stack.up(connection=connection)
        assert stack.refresh() == said
        return
    before = len(stack.pair.world.writes())
    stack.up(connection=connection)
    assert (len(stack.pair.world.writes()) > before) is kind.repaired
    assert stack.refresh() == []
    assert (stack.comparable() == as_declared) is kind.repaired
