"""Row and company limits of planned initial syncs: asked of the pair that is there, of maps that will be synced."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import pytest

from providers.api.dataverse.models import EntityDefinition
from providers.live_sync import LiveSyncInputs, LiveSyncProvider
from providers.protocol.base import Problem
from tests.unit.providers.fake_link import FakeDataverseSide, FakeFinOpsSide, FakeLink, LinkSession
from tests.unit.providers.fake_services import FINOPS_URL, FakePowerPlatform, an_environment

PROVIDER = LiveSyncProvider()
GROUPS, ACCOUNTS = "msdyn_customergroups - Customer groups", "accounts - Customers V3"


class CountedCds(FakeDataverseSide):
    """An organization whose tables have that many rows each, without a company."""

    def __init__(self, counted: int = 0) -> None:
        super().__init__()
        self.counted = counted

    def table_definitions(self, names: Iterable[str]) -> dict[str, EntityDefinition]:
        return {name: EntityDefinition(primary_id="id", set_name=name) for name in names}

    def count(self, name: str, **_options: object) -> int:
        return self.counted


class CountedFinOps(FakeFinOpsSide):
    """An F&O with the same number of rows in every set."""

    counted = 600_000

    def count(self, name: str, wanted: str | None = None) -> int:
        return self.counted


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use")


@pytest.fixture
def session() -> LinkSession:
    """A pair with 600,000 rows in every set of F&O."""
    return LinkSession(FakeLink({GROUPS: "none", ACCOUNTS: "none"}), organization=CountedCds(), finops=CountedFinOps())


def declared(**values: Any) -> LiveSyncInputs:
    maps = dict.fromkeys((GROUPS, ACCOUNTS), "running")
    inputs = {"cloud": "emulator", "cds": "contoso-uat", "companies": ["DAT"], "maps": maps, **values}
    return PROVIDER.normalise(LiveSyncInputs.model_validate(inputs))


SYNCED = {GROUPS: "finops"}


def problems(session: LinkSession, inputs: LiveSyncInputs) -> list[Problem]:
    return list(PROVIDER.live_problems(inputs, session.call()))


def test_map_with_too_many_rows_is_refused_with_the_documented_plan(session: LinkSession) -> None:
    (problem,) = problems(session, declared(initial_sync=SYNCED))
    assert problem.path == f"initial_sync['{GROUPS}']"
    text = f"'{GROUPS}' has 600,000 rows of DAT in F&O. An initial sync takes 500,000 a company at most: "
    assert problem.text.startswith(text)


def test_limit_can_be_raised(session: LinkSession) -> None:
    assert problems(session, declared(initial_sync=SYNCED, initial_sync_rows_limit=700_000)) == []


def test_pair_that_does_not_exist_yet_says_nothing(session: LinkSession) -> None:
    session.delete_environment()
    assert problems(session, declared(initial_sync=SYNCED)) == []


def test_rows_of_an_existing_finops_are_counted_before_its_cds_is_there(session: LinkSession) -> None:
    session.delete_environment()
    (problem,) = problems(session, declared(initial_sync=SYNCED, finops=FINOPS_URL))
    assert problem.text.startswith(f"'{GROUPS}' has 600,000 rows of DAT in F&O")


def test_rows_of_an_existing_cds_are_counted_before_finops_is_on_it(session: LinkSession) -> None:
    session.power_platform = FakePowerPlatform(an_environment())
    session.organization = CountedCds(600_000)
    (problem,) = problems(session, declared(initial_sync=SYNCED))
    assert problem.text.startswith(f"'{GROUPS}' has more than 500,000 rows in CDS")


def test_without_initial_sync_nothing_is_asked(session: LinkSession) -> None:
    session.delete_environment()
    assert problems(session, declared()) == []
    assert session.dual_write.lists == 0


@pytest.mark.parametrize("state", ["4", "5"])
def test_map_that_runs_already_is_not_counted(session: LinkSession, state: str) -> None:
    session.dual_write.states[GROUPS], session.dual_write.pids[GROUPS] = state, "pid"
    assert problems(session, declared(initial_sync=SYNCED)) == []


def test_map_that_was_synced_before_is_not_refused(session: LinkSession) -> None:
    fake = session.dual_write
    fake.states[GROUPS], fake.pids[GROUPS] = "1", f"pid-{GROUPS}"
    fake.runs[GROUPS] = [fake._execution("r", "DAT", 0, "")]
    assert problems(session, declared(initial_sync=SYNCED)) == []


def test_without_token_every_planned_map_is_counted(session: LinkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUALWRITE_TOKEN")
    session.dual_write.states[GROUPS] = "4"
    assert len(problems(session, declared(initial_sync=SYNCED))) == 1
    assert session.dual_write.lists == 0


def test_more_companies_as_linked_than_an_initial_sync_takes(session: LinkSession) -> None:
    session.dual_write.companies = [f"C{number}" for number in range(41)]
    found = problems(session, declared(initial_sync=SYNCED, companies="as-linked", initial_sync_rows_limit=700_000))
    assert [(problem.path, problem.text.partition(".")[0]) for problem in found] == [
        ("companies", "41 companies are linked, and an initial sync takes 40 at most")
    ]


def test_change_counts_only_what_it_brings(session: LinkSession) -> None:
    old = declared(initial_sync=SYNCED)

    def asked(inputs: LiveSyncInputs) -> list[str]:
        return [problem.path for problem in PROVIDER.live_change_problems(inputs, old, session.call())]

    assert asked(declared(initial_sync=SYNCED, maps={GROUPS: "paused"})) == []
    assert asked(declared(initial_sync={**SYNCED, ACCOUNTS: "cds"})) == [f"initial_sync['{ACCOUNTS}']"]
    assert asked(declared(initial_sync=SYNCED, companies=["DAT", "USMF"])) == [f"initial_sync['{GROUPS}']"]
    session.dual_write.states[GROUPS] = "4"
    assert asked(declared(initial_sync=SYNCED, resync={GROUPS: "x"})) == [f"initial_sync['{GROUPS}']"]


@pytest.mark.parametrize(("change", "refused"), [("reset", 1), ("manual", 0)])
def test_reset_of_the_link_syncs_running_maps_again(session: LinkSession, change: str, refused: int) -> None:
    session.dual_write.states[GROUPS], session.dual_write.pids[GROUPS] = "4", "pid"
    old, wanted = declared(initial_sync=SYNCED), declared(initial_sync=SYNCED, companies=["DAT", "USMF"])
    call = dataclasses.replace(session.call(), private={"company_change": change})
    assert len(list(PROVIDER.live_change_problems(wanted, old, call))) == refused
    same = declared(initial_sync=SYNCED, maps={GROUPS: "paused"})
    assert list(PROVIDER.live_change_problems(same, old, call)) == []
