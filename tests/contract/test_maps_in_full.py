"""The map landscape of a pair on the emulated tenant: solutions of one's own, queues of paused maps, drift, resets."""

from typing import Any

import pytest

from emulator.identity.tokens import SigningKey
from providers.api.transport.errors import ApiError
from providers.dual_write_connection import ConnectionInputs, ConnectionOutputs, DualWriteConnectionProvider
from providers.live_sync import LiveSyncInputs, LiveSyncOutputs, LiveSyncProvider
from providers.maps import catch_up
from tests.support.in_process import copied
from tests.support.linked_world import CDS, CORE, FINOPS, FINOPS_HOST, LinkedWorld, a_linked_world

pytestmark = pytest.mark.usefixtures("signed_in")

CONNECTION, LIVE_SYNC = DualWriteConnectionProvider(), LiveSyncProvider()
MAPS = list(CORE.maps)
COMPANIES = "cdm_companies - Legal entities"
(OWN,) = CORE.solutions
UNTIL = "2099-01-31"
Made = tuple[str, LiveSyncOutputs]


@pytest.fixture(scope="module")
def running(key: SigningKey) -> tuple[LinkedWorld, Made]:
    """The pair with all maps of application core running, and what the stack remembers of them."""
    pair = a_linked_world(key)
    return pair, LIVE_SYNC.on_create(live_sync(), pair.call())


@pytest.fixture
def pair(running: tuple[LinkedWorld, Made], key: SigningKey) -> LinkedWorld:
    """A copy of the pair of the test's own."""
    return LinkedWorld(copied(running[0].world, key))


@pytest.fixture
def made(running: tuple[LinkedWorld, Made]) -> Made:
    """The stored LiveSync of the running pair."""
    return running[1]


def live_sync(**values: Any) -> LiveSyncInputs:
    inputs = {"cloud": "public", "cds": CDS, "finops": FINOPS, "companies": ["DAT", "LAMN"], **values}
    inputs.setdefault("maps", dict.fromkeys(MAPS, "running"))
    return LIVE_SYNC.normalise(LiveSyncInputs.model_validate(inputs))


def with_state(state: str, **values: Any) -> LiveSyncInputs:
    return live_sync(maps={**dict.fromkeys(MAPS, "running"), COMPANIES: state}, **values)


def connection(**values: Any) -> ConnectionInputs:
    inputs = {"cloud": "public", "cds": CDS, "finops": FINOPS, "companies": ["DAT", "LAMN"], **values}
    return CONNECTION.normalise(ConnectionInputs.model_validate(inputs))


def updated(pair: LinkedWorld, made: Made, inputs: LiveSyncInputs, **private: Any) -> Made:
    return made[0], LIVE_SYNC.on_update(*made, inputs, pair.call(**private))


def read(pair: LinkedWorld, made: Made) -> LiveSyncOutputs:
    found = LIVE_SYNC.on_read(*made, pair.call())
    assert found is not None
    return found


def linked(pair: LinkedWorld, **values: Any) -> tuple[str, ConnectionOutputs]:
    return CONNECTION.on_create(connection(**values), pair.call())


def applications(pair: LinkedWorld) -> int:
    return len([each for each in pair.world.writes() if each.endswith("/RestoreTemplates")])


def test_solution_whose_maps_are_there_is_not_applied_again(pair: LinkedWorld) -> None:
    before = applications(pair)
    _, outputs = linked(pair, own_solutions={OWN: "1.0"})
    assert (list(outputs.applied_versions), applications(pair)) == ([OWN], before)


def test_solution_below_its_minimum_is_refused_with_both_versions(pair: LinkedWorld) -> None:
    pair.world.tenant.switches.set("solution_version", "1.1.0.0")
    wanted = connection(own_solutions={OWN: "1.2.0.0"})
    ((path, text),) = CONNECTION.live_change_problems(wanted, connection(), pair.call())
    assert (path, "version 1.1.0.0, and 1.2.0.0 is the minimum" in text) == ("own_solutions", True)
    with pytest.raises(ApiError, match=r"1\.1\.0\.0, and 1\.2\.0\.0 is the minimum"):
        CONNECTION.on_create(wanted, pair.call())


def test_updated_solution_is_named_and_applied_again_once(pair: LinkedWorld) -> None:
    pair.world.tenant.switches.set("solution_version", "1.1.0.0")
    wanted = connection(own_solutions={OWN: "1.0"})
    identifier, stored = CONNECTION.on_create(wanted, pair.call())
    pair.world.tenant.switches.set("solution_version", "1.3.0.0")
    before = applications(pair)
    found = CONNECTION.on_read(identifier, stored, pair.call())
    assert found is not None
    assert found.own_solutions == {OWN: "1.0 (1.3.0.0 installed, 1.1.0.0 applied)"}
    assert pair.world.said[-1].endswith(f"the solution {OWN} is installed in version 1.3.0.0, applied was 1.1.0.0")
    again = CONNECTION.on_update(identifier, found, wanted, pair.call())
    assert (again.applied_versions, applications(pair)) == ({OWN: "1.3.0.0"}, before + 1)
    assert CONNECTION.on_read(identifier, again, pair.call()) == again


def test_queue_is_discarded_only_with_consent_and_before_anything_else_is_done(pair: LinkedWorld, made: Made) -> None:
    paused = updated(pair, made, with_state("paused"))
    before = len(pair.world.writes())
    with pytest.raises(ApiError, match=r"the queue of 'cdm_companies - Legal entities' would be discarded; it needs"):
        updated(pair, paused, with_state("running", catch_up={COMPANIES: "discard"}))
    assert len(pair.world.writes()) == before
    confirm = [{"action": "discard-queue", "target": COMPANIES, "until": UNTIL}]
    resumed = updated(pair, paused, with_state("running", catch_up={COMPANIES: "discard"}, confirm=confirm))
    assert resumed[1].maps[COMPANIES] == "running"


def test_queue_of_a_map_that_somebody_else_paused_is_played_back_without_consent(pair: LinkedWorld, made: Made) -> None:
    pair.person("pause-map", COMPANIES)
    found = read(pair, made)
    assert (found.maps[COMPANIES], found.drifted) == ("paused", {COMPANIES: "running"})
    wanted = live_sync(catch_up={COMPANIES: "discard"})
    old = LiveSyncInputs.model_validate({**live_sync().model_dump(), "maps": found.maps, "drifted": found.drifted})
    assert list(LIVE_SYNC.problems(wanted, old)) == []
    repaired = updated(pair, (made[0], found), wanted)
    assert repaired[1].maps[COMPANIES] == "running"
    assert read(pair, repaired).drifted == {}


def test_age_of_a_queue_is_told_by_the_services_time(pair: LinkedWorld, made: Made) -> None:
    """The tenant lives in March 2026, this machine later."""
    pair.person("pause-map", COMPANIES)
    pair.world.tenant.events.advance(30 * 3600)
    read(pair, made)
    (line,) = [line for line in pair.world.said if "DW-W06" in line]
    assert (
        f"map '{COMPANIES}' is paused for 30 h 02 min; how much its queue holds is not readable; Microsoft names one"
        in line
    )


def test_core_that_is_too_old_to_skip_a_queue_is_told_in_the_preview_and_by_up(
    pair: LinkedWorld, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "CORE_WITH_A_CHOICE", "99.0")
    wanted = live_sync(catch_up={COMPANIES: "keep-as-errors"})
    running = updated(pair, made, wanted)
    assert list(LIVE_SYNC.live_change_problems(wanted, with_state("paused"), pair.call())) == []
    paused = updated(pair, running, with_state("paused", catch_up={COMPANIES: "keep-as-errors"}))
    ((path, text),) = LIVE_SYNC.live_change_problems(wanted, with_state("paused"), pair.call())
    assert path == f"catch_up['{COMPANIES}']"
    assert "cannot be skipped: that needs dual-write core 99.0, and CDS has " in text
    with pytest.raises(
        ApiError, match=r"needs dual-write core 99\.0, .*\. Update the dual-write core solution, or use"
    ):
        updated(pair, paused, wanted)


def test_every_kind_of_drift_is_named_and_gone_after_the_next_up(pair: LinkedWorld, made: Made) -> None:
    pair.person("stop-map", COMPANIES)
    pair.person("switch-version", MAPS[0], version="1.0.0.9")
    found = read(pair, made)
    said = "\n".join(pair.world.said)
    assert f"map '{COMPANIES}' is stopped, not running" in said
    assert f"map '{MAPS[0]}' runs on version 1.0.0.9 (Microsoft Corporation) now" in said
    repaired = updated(pair, (made[0], found), live_sync())
    mark = len(pair.world.said)
    assert read(pair, repaired).ready is True
    assert pair.said_since(mark) == []


def test_key_of_a_paused_map_is_refused_in_the_preview_and_of_one_that_an_alert_paused_it_is_set(
    pair: LinkedWorld, made: Made
) -> None:
    pair.person("pause-map", COMPANIES)
    keys = {"cdm_companies": ["cdm_name"]}
    still = with_state("paused", integration_keys=keys)
    ((path, text),) = LIVE_SYNC.live_change_problems(still, with_state("paused"), pair.call())
    assert path == "integration_keys['cdm_companies']"
    assert f"'{COMPANIES}' is paused, so the integration key of 'cdm_companies' cannot change: resume it in" in text
    wanted = live_sync(integration_keys=keys)
    assert list(LIVE_SYNC.live_change_problems(wanted, with_state("paused"), pair.call())) == []
    _, outputs = updated(pair, (made[0], read(pair, made)), wanted)
    assert (outputs.maps[COMPANIES], outputs.integration_keys) == ("running", keys)
    assert COMPANIES not in set(outputs.started) - set(made[1].started)


def test_prerequisite_that_is_declared_paused_is_a_warning(pair: LinkedWorld) -> None:
    wanted = live_sync(maps={COMPANIES: "paused", "msdyn_ledgers - Ledger": "running"})
    assert list(LIVE_SYNC.problems(wanted, live_sync())) == []
    assert list(LIVE_SYNC.live_change_problems(wanted, live_sync(), pair.call())) == []
    assert pair.world.said == [f"warning: DW-W07 declared paused, and running maps need their rows: {COMPANIES}"]


RESET = {"action": "reset-link", "target": "lamna-sales", "until": UNTIL}
STOPPING: dict[str, tuple[Any, Any, Any]] = {
    "key": (LIVE_SYNC, live_sync(integration_keys={"cdm_companies": ["cdm_name"]}), live_sync()),
    "reset": (
        CONNECTION,
        connection(companies=["DAT", "LAMN", "USMF"], company_change="reset", confirm=[RESET]),
        connection(),
    ),
}


@pytest.mark.parametrize("name", STOPPING)
def test_preview_of_what_stops_a_running_map_says_that_changes_are_not_queued(pair: LinkedWorld, name: str) -> None:
    provider, wanted, old = STOPPING[name]
    pair.world.call().session("public").finance_operations(FINOPS_HOST).create_legal_entity("USMF", "Contoso", "USA")
    assert list(provider.live_change_problems(wanted, old, pair.call())) == []
    (said,) = [line for line in pair.world.said if "changes made in that time are not queued" in line]
    assert said.startswith("DW-I03 ")
    assert name in said


def test_version_that_was_pinned_meanwhile_is_no_version_that_nobody_declares(pair: LinkedWorld, made: Made) -> None:
    pair.person("switch-version", COMPANIES, version="1.0.0.9")
    pinned = made[1].model_copy(update={"pinned": [COMPANIES]})
    stored = LiveSyncOutputs.model_validate(pinned.model_dump())
    found = read(pair, (made[0], stored))
    assert pair.world.said == []
    assert found == stored
    assert COMPANIES not in (found.versions or {})
    unpinned = read(pair, (made[0], found.model_copy(update={"pinned": []})))
    assert (unpinned.versions or {})[COMPANIES] == "1.0.0.9 (Microsoft Corporation)"
    assert pair.world.said == []


def test_prerequisite_that_is_declared_stopped_is_refused_with_both_names() -> None:
    (problem,) = LIVE_SYNC.problems(live_sync(maps={COMPANIES: "stopped", "msdyn_ledgers - Ledger": "running"}), None)
    assert problem.path == f"maps['{COMPANIES}']"
    assert "'msdyn_ledgers - Ledger' needs it to run" in problem.text
