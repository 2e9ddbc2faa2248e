"""Each kind of drift of a link and its maps: named by a refresh, repaired or explained by the `up` that follows.

What is repaired is gone from the next refresh. One pair with all maps of application core, one of them stopped and one
with a version of its own; every kind happens in a copy of it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from emulator.dual_write import maps as emulated_maps
from emulator.identity.tokens import SigningKey
from providers.api.transport.errors import ApiError
from providers.company import CompanyInputs, CompanyProvider
from providers.dual_write_connection import ConnectionInputs, DualWriteConnectionProvider
from providers.entity_map import EntityMapInputs, EntityMapProvider
from providers.live_sync import LiveSyncInputs, LiveSyncProvider
from tests.contract.in_process import copied
from tests.contract.linked_world import CDS, CDS_HOST, CORE, FINOPS, LinkedWorld, a_linked_world

COMPANIES, CURRENCIES = "cdm_companies - Legal entities", "transactioncurrencies - Currencies"
PINNED, STOPPED = "msdyn_nameaffixes - Name affixes", "msmrw_guides - Mixed reality guides entity"
VERSION, AUTHOR = "1.0.0.3", "Microsoft Corporation"
(SOLUTION,) = CORE.solutions
KEYS = {"msdyn_nameaffixes": ["msdyn_affix", "msdyn_affixtype"]}
PAIR = {"cloud": "public", "cds": CDS, "finops": FINOPS}
CONSENT = [{"action": "reset-link", "target": "lamna-sales", "until": "2099-01-31"}]
ORDER: tuple[tuple[str, Any], ...] = (
    ("connection", DualWriteConnectionProvider()),
    ("map", EntityMapProvider()),
    ("live sync", LiveSyncProvider()),
)
PRIVATE: dict[str, dict[str, Any]] = {
    "connection": {"initialise": [PINNED], "maps": list(CORE.maps)},
    "map": {"run_state": "running"},
    "live sync": {},
}


class StackOnPair:
    """A stack whose `up` has ended, and what happens to its pair afterwards."""

    def __init__(self, pair: LinkedWorld, state: dict[str, Any]) -> None:
        self.pair = pair
        self.state = dict(state)

    def refresh(self) -> list[str]:
        """What a refresh says; the state follows."""
        mark, call = len(self.pair.world.said), self.pair.call()
        for name, provider in ORDER:
            identifier, stored = self.state[name]
            self.state[name] = (identifier, provider.on_read(identifier, stored, call))
        return self.pair.said_since(mark)

    def up(self, **changes: Any) -> None:
        """Create what is not there, update what differs; nothing else, as the engine does."""
        for name, inputs in declared(**changes).items():
            provider = dict(ORDER)[name]
            if name not in self.state:
                self.state[name] = provider.on_create(inputs, self._call(name))
            elif self._differs(name, inputs):
                identifier, stored = self.state[name]
                self.state[name] = (identifier, provider.on_update(identifier, stored, inputs, self._call(name)))

    def _differs(self, name: str, inputs: Any) -> bool:
        identifier, stored = self.state[name]
        bags = [model.model_dump(mode="json", exclude_none=True) for model in (stored, inputs)]
        return bool(dict(ORDER)[name].difference(*bags, identifier=identifier))

    def _call(self, name: str) -> Any:
        return self.pair.call(**PRIVATE[name])


def declared(**changes: Any) -> dict[str, Any]:
    """The three resources; `changes` are of the connection."""
    companies = ["DAT", "LAMN"]
    states = {**dict.fromkeys(CORE.maps, "running"), STOPPED: "stopped"}
    inputs: dict[str, Any] = {
        "connection": ConnectionInputs.model_validate(
            {**PAIR, "companies": companies, "own_solutions": {SOLUTION: "1.0"}, "timeout": "1h", **changes}
        ),
        "map": EntityMapInputs.model_validate(
            {**PAIR, "companies": companies, "map": PINNED, "version": VERSION, "author": AUTHOR}
        ),
        "live sync": LiveSyncInputs.model_validate(
            {**PAIR, "companies": companies, "maps": states, "integration_keys": KEYS, "pinned": [PINNED]}
        ),
    }
    return {name: provider.normalise(inputs[name]) for name, provider in ORDER}


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use: the world signs in by itself")


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture(scope="module")
def finished(key: SigningKey) -> StackOnPair:
    """The stack after its first `up`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUALWRITE_TOKEN", "of no use: the world signs in by itself")
        pair = a_linked_world(key, solution_version="1.1.0.0")
        company = CompanyInputs(**PAIR, code="LAMU", name="Lamna US", country="USA")
        CompanyProvider().on_create(company, pair.call())
        for version, author in ((VERSION, AUTHOR), (VERSION, "Lamna"), ("1.0.0.0", AUTHOR)):
            pair.person("switch-version", PINNED, version=version, author=author)
        stack = StackOnPair(pair, {})
        stack.up()
    return stack


@pytest.fixture
def stack(finished: StackOnPair, key: SigningKey) -> StackOnPair:
    """A copy of the test's own."""
    return StackOnPair(LinkedWorld(copied(finished.pair.world, key)), finished.state)


Happens = Callable[[LinkedWorld], None]


@dataclass(frozen=True)
class Kind:
    """A kind of drift: what happens, what a refresh says of it, and how the next `up` ends.

    `repaired`: it changes something back; without it a refresh has accepted what it named. `changes`: inputs of the
    connection. `refused`: the error with which `up` explains what a person has to do.
    """

    name: str
    happens: Happens
    says: str
    repaired: bool = True
    changes: tuple[tuple[str, Any], ...] = ()
    refused: str = ""


def person(action: str, name: str = "", **values: Any) -> Happens:
    return lambda pair: pair.person(action, name, **values)


def switch(name: str, value: Any) -> Happens:
    return lambda pair: pair.world.tenant.switches.set(name, value)


def other_filter(pair: LinkedWorld) -> None:
    """Somebody edits the saved version."""
    rows = pair.world.tenant.rows
    (row,) = [
        row
        for row in rows.scan("dataverse", CDS_HOST, "msdyn_dualwriteentitymaps")
        if PINNED in row["msdyn_name"] and row["msdyn_dualwriteentitymapid"] == pair.map(PINNED).detail.tid
    ]
    mapping = row["msdyn_mapping"] if isinstance(row["msdyn_mapping"], dict) else json.loads(row["msdyn_mapping"])
    mapping["legs"][0]["sourceFilter"] = 'AFFIX != "Dr."'
    changed = {"msdyn_mapping": mapping if isinstance(row["msdyn_mapping"], dict) else json.dumps(mapping)}
    rows.update(
        "dataverse", CDS_HOST, "msdyn_dualwriteentitymaps", row["msdyn_dualwriteentitymapid"], changed, origin="system"
    )


def other_keys(pair: LinkedWorld) -> None:
    """Somebody sets another key while the map is stopped."""
    pair.person("stop-map", PINNED)
    service = pair.world.call().session("public").dual_write
    service.set_integration_keys(CDS_HOST, {"msdyn_nameaffixes": ["msdyn_affix"]})
    pair.person("start-map", PINNED)


def without_map(pair: LinkedWorld) -> None:
    """Somebody deletes a map on the dual-write page."""
    pair.person("stop-map", CURRENCIES)
    pair.world.tenant.store.delete(emulated_maps.KIND, f"{pair.cid}/{CURRENCIES}")


def reset(pair: LinkedWorld) -> None:
    """Somebody resets the link, with the companies it has."""
    service = pair.world.call().session("public").dual_write
    link = service.environment("lamna-erp.sandbox.operations.eu.dynamics.com")
    assert link is not None
    service.reset(link.cid, service.connection_set(link.cname), ["DAT", "LAMN"], force=True)


WITH_RESET = (("company_change", "reset"), ("confirm", CONSENT))
STATE = f"map '{COMPANIES}' is"
KINDS = [
    Kind("paused", person("pause-map", COMPANIES), f"{STATE} paused, not running"),
    Kind("stopped", person("stop-map", COMPANIES), f"{STATE} stopped, not running"),
    Kind("started", person("start-map", STOPPED), f"map '{STOPPED}' is running, not stopped"),
    Kind(
        "version switched",
        person("switch-version", PINNED, version="1.0.0.0"),
        f"the active version is 1.0.0.0 of {AUTHOR}, not {VERSION} of {AUTHOR}",
    ),
    Kind(
        "author switched",
        person("switch-version", PINNED, version=VERSION, author="Lamna"),
        f"the active version is {VERSION} of Lamna, not {VERSION} of {AUTHOR}",
    ),
    Kind(
        "version of a map without a pin switched",
        person("switch-version", COMPANIES, version="1.0.0.9"),
        f"map '{COMPANIES}' runs on version 1.0.0.9 ({AUTHOR}) now",
        repaired=False,
    ),
    Kind("filter changed", other_filter, "accepted, as none is declared", repaired=False),
    Kind("keys changed", other_keys, "integration key of 'msdyn_nameaffixes' is [msdyn_affix], not ["),
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
        changes=WITH_RESET,
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
        changes=WITH_RESET,
    ),
    Kind("link reset by a person", reset, f"the link has no maps of {SOLUTION} any more"),
]


def test_refresh_of_a_pair_as_declared_is_silent_and_costs_three_calls(stack: StackOnPair) -> None:
    before = len(stack.pair.world.requests)
    assert stack.refresh() == []
    calls = [each for each in stack.pair.world.requests[before:] if "gateway" in each]
    assert len(calls) == len(set(calls)) == 3
    requests = len(stack.pair.world.requests)
    stack.up()
    assert len(stack.pair.world.requests) == requests


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_drift_is_named_and_gone_after_the_next_up(stack: StackOnPair, kind: Kind) -> None:
    as_declared = dict(stack.state)
    kind.happens(stack.pair)
    said = stack.refresh()
    assert len([line for line in said if kind.says in line]) == 1, said
    # What is accepted is told once, what is not is told until it is repaired.
    assert stack.refresh() == (said if kind.repaired else [])
    if kind.refused:
        with pytest.raises(ApiError, match=kind.refused):
            stack.up(**dict(kind.changes))
        assert stack.refresh() == said
        return
    before = len(stack.pair.world.writes())
    stack.up(**dict(kind.changes))
    assert (len(stack.pair.world.writes()) > before) is kind.repaired
    assert stack.refresh() == []
    if kind.repaired:
        for name, (_, stored) in stack.state.items():
            assert comparable(stored) == comparable(as_declared[name][1])


def comparable(outputs: Any) -> dict[str, Any]:
    """The outputs without ids, and without what tells of the runs themselves."""
    told = {"connection_id", "health", "not_checked", "applied_versions", "sync_projects", "confirm"}
    return {name: value for name, value in outputs.model_dump(mode="json").items() if name not in told}
