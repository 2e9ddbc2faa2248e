"""Row and company limits of planned initial syncs: asked of the pair that is there, of maps that will be synced."""

from typing import Any

import pytest

from emulator.dual_write.states import MapState
from providers.live_sync import LiveSyncInputs, LiveSyncProvider
from providers.protocol.base import Problem
from tests.support.linked_world import FINOPS
from tests.support.one_pair import ACCOUNTS, GROUPS, OnePair, a_pair
from tests.support.prepared_tenants import PreparedTenants

PROVIDER = LiveSyncProvider()
LIST = "*/Entities"


pytestmark = pytest.mark.usefixtures("token")


@pytest.fixture
def large(pair: OnePair) -> OnePair:
    """The pair, whose F&O counts 600,000 rows in every set: more than a test can make."""
    for entity_set in ("CustomerGroups", "CustomersV3"):
        pair.wire.alter(f"/data/{entity_set}", lambda page: {**page, "@odata.count": 600_000})
    return pair


def declared(**values: Any) -> LiveSyncInputs:
    maps = dict.fromkeys((GROUPS, ACCOUNTS), "running")
    inputs = {"cloud": "public", "cds": "lamna-sales", "companies": ["DAT"], "maps": maps, **values}
    return PROVIDER.normalise(LiveSyncInputs.model_validate(inputs))


SYNCED = {GROUPS: "finops"}


def problems(pair: OnePair, inputs: LiveSyncInputs) -> list[Problem]:
    return list(PROVIDER.live_problems(inputs, pair.call()))


def test_map_with_too_many_rows_is_refused_with_the_documented_plan(large: OnePair) -> None:
    (problem,) = problems(large, declared(initial_sync=SYNCED))
    assert problem.path == f"initial_sync['{GROUPS}']"
    text = f"'{GROUPS}' has 600,000 rows of DAT in F&O. An initial sync takes 500,000 a company at most: "
    assert problem.text.startswith(text)


def test_limit_can_be_raised(large: OnePair) -> None:
    assert problems(large, declared(initial_sync=SYNCED, initial_sync_rows_limit=700_000)) == []


def test_rows_are_counted_by_company(pair: OnePair) -> None:
    few = declared(initial_sync=SYNCED, initial_sync_rows_limit=30)
    assert problems(pair, few) == []
    (problem,) = problems(pair, few.model_copy(update={"companies": ["DAT", "USMF"]}))
    assert problem.text.startswith(f"'{GROUPS}' has 31 rows of USMF in F&O. An initial sync takes 30 a company")


def test_pair_that_does_not_exist_yet_says_nothing(large: OnePair) -> None:
    large.person("delete-environment")
    assert problems(large, declared(initial_sync=SYNCED)) == []


def test_rows_of_an_existing_finops_are_counted_before_its_cds_is_there(large: OnePair) -> None:
    large.person("delete-environment")
    (problem,) = problems(large, declared(initial_sync=SYNCED, finops=FINOPS))
    assert problem.text.startswith(f"'{GROUPS}' has 600,000 rows of DAT in F&O")


def test_rows_of_an_existing_cds_are_counted_before_finops_is_on_it(tenants: PreparedTenants) -> None:
    pair = OnePair(tenants.copy(a_pair, linked=()))
    pair.rows.add("dataverse", "cdm_companies", {"cdm_companycode": "DAT", "cdm_name": "Company accounts data"})
    (company,) = pair.rows.find("dataverse", "cdm_companies")
    groups = ({"msdyn_groupid": str(number), "_msdyn_company_value": company["cdm_companyid"]} for number in range(5))
    pair.rows.add("dataverse", "msdyn_customergroups", *groups)
    (problem,) = problems(pair, declared(initial_sync=SYNCED, initial_sync_rows_limit=4))
    assert problem.text.startswith(f"'{GROUPS}' has more than 4 rows of DAT in CDS")


def test_without_initial_sync_nothing_is_asked(large: OnePair) -> None:
    large.person("delete-environment")
    large.forget()
    assert problems(large, declared()) == []
    assert large.wire.sent == []


@pytest.mark.parametrize("state", [MapState.RUNNING, MapState.PAUSED])
def test_map_that_runs_already_is_not_counted(large: OnePair, state: MapState) -> None:
    large.put(state, GROUPS)
    assert problems(large, declared(initial_sync=SYNCED)) == []


def test_map_that_was_synced_before_is_not_refused(large: OnePair) -> None:
    large.put(MapState.STOPPED, GROUPS)
    large.sync(GROUPS)
    large.put(MapState.STOPPED, GROUPS)
    assert problems(large, declared(initial_sync=SYNCED)) == []


def test_without_token_every_planned_map_is_counted(large: OnePair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUALWRITE_TOKEN")
    large.put(MapState.RUNNING, GROUPS)
    assert len(problems(large, declared(initial_sync=SYNCED))) == 1
    assert large.wire.count(LIST) == 0


def test_more_companies_as_linked_than_an_initial_sync_takes(large: OnePair) -> None:
    for number in range(39):
        large.add_company(f"C{number:02}")
    found = problems(large, declared(initial_sync=SYNCED, companies="as-linked", initial_sync_rows_limit=700_000))
    assert [(problem.path, problem.text.partition(".")[0]) for problem in found] == [
        ("companies", "41 companies are linked, and an initial sync takes 40 at most")
    ]


def test_change_counts_only_what_it_brings(large: OnePair) -> None:
    old = declared(initial_sync=SYNCED)

    def asked(inputs: LiveSyncInputs) -> list[str]:
        return [problem.path for problem in PROVIDER.live_change_problems(inputs, old, large.call())]

    assert asked(declared(initial_sync=SYNCED, maps={GROUPS: "paused"})) == []
    assert asked(declared(initial_sync={**SYNCED, ACCOUNTS: "cds"})) == [f"initial_sync['{ACCOUNTS}']"]
    assert asked(declared(initial_sync=SYNCED, companies=["DAT", "USMF"])) == [f"initial_sync['{GROUPS}']"]
    large.put(MapState.RUNNING, GROUPS)
    assert asked(declared(initial_sync=SYNCED, resync={GROUPS: "x"})) == [f"initial_sync['{GROUPS}']"]


@pytest.mark.parametrize(("change", "refused"), [("reset", 1), ("manual", 0)])
def test_reset_of_the_link_syncs_running_maps_again(large: OnePair, change: str, refused: int) -> None:
    large.put(MapState.RUNNING, GROUPS)
    old, wanted = declared(initial_sync=SYNCED), declared(initial_sync=SYNCED, companies=["DAT", "USMF"])
    call = large.call(company_change=change)
    assert len(list(PROVIDER.live_change_problems(wanted, old, call))) == refused
    same = declared(initial_sync=SYNCED, maps={GROUPS: "paused"})
    assert list(PROVIDER.live_change_problems(same, old, call)) == []
