"""A reset of a link whose maps run is killed at each of its steps; the next `up` ends with all that is declared.

Three companies are added to a link of 43 maps, two of which have an initial sync, one a version of its own and two
tables keys of their own. To the services a kill after a request is the same as one before the next, so a copy of the
tenant is taken after each write, and after each reading before which time has passed; of steps that repeat themselves,
such as the waves of starts, some.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from emulator.data.maps import map_by_name
from emulator.data.schemas import Plane
from emulator.identity.tokens import SigningKey
from providers.api.dual_write.actions import MapState
from providers.catalogue.areas import packages_for
from providers.catalogue.selection import Selection, carrying_solution, standard
from providers.company import CompanyInputs, CompanyProvider
from providers.dual_write_connection import ConnectionInputs, DualWriteConnectionProvider
from providers.entity_map import EntityMapInputs, EntityMapProvider
from providers.live_sync import LiveSyncInputs, LiveSyncProvider
from tests.support.in_process import World, copied
from tests.support.linked_world import CDS, CDS_HOST, FINOPS, FINOPS_HOST, LinkedWorld, a_linked_world

SOLUTIONS, OWN = ["msdyn_DualWriteAppCoreMaps"], "msdyn_Dynamics365FinanceExtendedMaps"
# All that the two solutions carry, so that no list of the link is longer than it has to be.
MAPS = [name for name in standard().maps if carrying_solution(name) in (*SOLUTIONS, OWN)]
CARRIED = Selection(tuple(MAPS), packages=packages_for(["application-core", "finance"]), solutions=(*SOLUTIONS, OWN))
GROUPS, TERMS = "msdyn_customergroups - Customer groups", "msdyn_paymentterms - Terms of payment"
PINNED, VERSION, AUTHOR = "msdyn_taxgroups - Sales tax groups", "1.0.0.3", "Microsoft Corporation"
KEYS = {"msdyn_nameaffixes": ["msdyn_affix"], "msdyn_vendorgroups": ["msdyn_vendorgroup"]}
BEFORE, ADDED = ["DAT", "LAMN"], ["GBSI", "USMF", "USRT"]
CONSENT = [{"action": "reset-link", "target": "lamna-sales", "until": "2099-01-31"}]
PAIR = {"cloud": "public", "cds": CDS, "finops": FINOPS}
ORDER: tuple[tuple[str, Any], ...] = (
    ("connection", DualWriteConnectionProvider()),
    ("map", EntityMapProvider()),
    ("live sync", LiveSyncProvider()),
)
PRIVATE: Mapping[str, Mapping[str, Any]] = {
    "connection": {"initialise": [PINNED], "maps": MAPS},
    "map": {"run_state": "running"},
    "live sync": {},
}
# The tenant in which a killed run is repeated: a start that takes as long as it does would be polled for just as often.
QUICK = {
    "dual_write_init_duration": 1,
    "dual_write_start_duration": 3,
    "dual_write_change_duration": 3,
    "dual_write_stagger": 0,
    "dual_write_state_lag": 1,
    "dual_write_sync_base_duration": 1,
    "dual_write_rows_per_minute": 100_000,
}
# Of the repetitions of one step, the first and each seventh.
OFTEN, SELDOM = 1, 7
# Ids of new rows and times differ from run to run.
RANDOM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d{2}-\d{2}T[\d:]+Z|W/.*")
State = dict[str, tuple[str, Any]]


@dataclass(frozen=True)
class Kill:
    """What a killed `up` leaves: the tenant, what the engine has saved of it, and the requests so far."""

    world: World
    state: State
    requests: list[str]


def declared(companies: list[str]) -> dict[str, Any]:
    """The three resources of the stack file for a list of companies."""
    inputs = {
        "connection": ConnectionInputs.model_validate(
            {
                **PAIR,
                "companies": companies,
                "company_change": "reset",
                "confirm": CONSENT,
                "solutions": SOLUTIONS,
                "own_solutions": {OWN: "1.0"},
            }
        ),
        "map": EntityMapInputs.model_validate(
            {**PAIR, "companies": companies, "map": PINNED, "version": VERSION, "author": AUTHOR}
        ),
        "live sync": LiveSyncInputs.model_validate(
            {
                **PAIR,
                "companies": companies,
                "maps": dict.fromkeys(MAPS, "running"),
                "integration_keys": KEYS,
                "initial_sync": {GROUPS: "finops", TERMS: "finops"},
                "pinned": [PINNED],
            }
        ),
    }
    return {name: provider.normalise(inputs[name]) for name, provider in ORDER}


def up(pair: LinkedWorld, state: State, wanted: Mapping[str, Any]) -> None:
    """What the engine does: each resource in order that is not there, or has other companies; saved when it ends."""
    for name, provider in ORDER:
        call = pair.call(**PRIVATE[name])
        if name not in state:
            state[name] = provider.on_create(wanted[name], call)
        elif state[name][1].companies != wanted[name].companies:
            identifier, stored = state[name]
            state[name] = (identifier, provider.on_update(identifier, stored, wanted[name], call))


def rows(world: World) -> Counter[str]:
    """All rows of both sides, but for what is random in them."""
    found: Counter[str] = Counter()
    for mapped in filter(None, map(map_by_name, MAPS)):
        sides: tuple[tuple[Plane, str, str], ...] = (
            ("finops", FINOPS_HOST, mapped.finops_set),
            ("dataverse", CDS_HOST, mapped.dataverse_set),
        )
        for plane, host, name in sides:
            found |= Counter(
                f"{name} {sorted((key, value) for key, value in row.items() if not RANDOM.fullmatch(str(value)))}"
                for row in world.tenant.rows.find(plane, host, name, {})
            )
    return found


@pytest.fixture(scope="module")
def running(key: SigningKey) -> Iterator[tuple[LinkedWorld, State]]:
    """The pair with all its maps running for two companies; three more are in F&O, with customer groups."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUALWRITE_TOKEN", "of no use: the world signs in by itself")
        pair = a_linked_world(key, CARRIED)
        for version in (VERSION, "1.0.0.0"):
            pair.person("switch-version", PINNED, version=version)
        for code in ADDED:
            company = CompanyInputs(**PAIR, code=code, name=f"{code} Ltd", country="USA")
            CompanyProvider().on_create(company, pair.call())
        groups = [
            {"dataAreaId": code.lower(), "CustomerGroupId": "10", "Description": f"Wholesale of {code}"}
            for code in ADDED
        ]
        pair.world.tenant.seeds.play({"rows": {"finops": {FINOPS_HOST: {"CustomerGroups": groups}}}})
        state: State = {}
        up(pair, state, declared(BEFORE))
        yield pair, state


def killed_everywhere(pair: LinkedWorld, state: State, wanted: Mapping[str, Any], key: SigningKey) -> list[Kill]:
    """The `up` once without a kill; what one at each of its steps would have left."""
    kills: list[Kill] = []
    seen: Counter[str] = Counter()
    world, written, last = pair.world, "", 0.0

    def answered(request: str) -> None:
        nonlocal written, last
        reading = request.startswith("GET")
        written = written if reading else RANDOM.sub("", request).rstrip("/").rsplit("/", 1)[-1]
        if not reading or world.elapsed > last:
            step = f"reading after {written}" if reading else written
            seen[step] += 1
            if seen[step] <= OFTEN or seen[step] % SELDOM == 0:
                kills.append(Kill(copied(world, key), dict(state), list(world.requests)))
        last = world.elapsed

    world.answered = answered
    up(pair, state, wanted)
    world.answered = None
    assert {"Reset", "$ref", "RestoreTemplates", "SwitchActive", "Refresh", "IntegrationKeys", "Start"} <= seen.keys()
    return kills


def test_reset_that_is_killed_at_any_step_ends_with_all_that_is_declared_and_every_row_once(
    running: tuple[LinkedWorld, State], key: SigningKey
) -> None:
    pair, before = running
    wanted, state = declared([*BEFORE, *ADDED]), dict(before)
    undisturbed = LinkedWorld(copied(pair.world, key))
    kills = killed_everywhere(undisturbed, state, wanted, key)
    require_declared(undisturbed, state, wanted)
    rows_afterwards = rows(undisturbed.world)
    assert set(rows_afterwards.values()) == {1}
    assert len([row for row in rows_afterwards if "Wholesale of" in row]) == 2 * len(ADDED)
    for number, kill in enumerate(kills):
        again = LinkedWorld(kill.world)
        for name, seconds in QUICK.items():
            again.world.tenant.switches.set(name, seconds)
        # The next `up` comes at once, or when all that was under way has ended.
        again.world.sleep(number % 2 * 600)
        up(again, kill.state, wanted)
        step = kill.requests[-1]
        resets = [each for each in [*kill.requests, *again.world.requests] if each.endswith("/Reset")]
        assert len(resets) == 1, step
        require_declared(again, kill.state, wanted)
        assert rows(again.world) == rows_afterwards, step


def require_declared(pair: LinkedWorld, state: State, wanted: Mapping[str, Any]) -> None:
    """Versions, keys and states are those of the stack file, and a refresh finds nothing to say."""
    service = pair.world.call().session("public").dual_write
    listed = {status.name: status for status in service.maps(pair.cid, fresh=True)}
    assert {listed[name].state for name in MAPS} == {MapState.RUNNING}
    template = listed[PINNED].detail.template
    assert template is not None
    assert (str(template.version), template.author) == (VERSION, AUTHOR)
    connection = state["connection"][1]
    assert connection.linked_companies == sorted([*BEFORE, *ADDED])
    assert connection.applied_versions == {OWN: "1.0.0.0"}
    assert state["live sync"][1].integration_keys == wanted["live sync"].integration_keys
    assert sorted(state["live sync"][1].sync_projects) == [GROUPS, TERMS]
    mark = len(pair.world.said)
    for name, provider in ORDER:
        assert provider.on_read(*state[name], pair.call()) is not None
    assert pair.said_since(mark) == []
