"""Start, stop, pause, resume and init through the service: E3, E4 and what E2 shows meanwhile."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.app import assemble
from emulator.core.clock import Clock
from emulator.core.store import Store
from emulator.dual_write import connections, definitions, maps, requests, solutions
from emulator.dual_write.start_call import Asked
from emulator.dual_write.states import Action, MapState, allowed
from emulator.identity.tokens import SigningKey
from tests.unit.emulator.conftest import START
from tests.unit.emulator.dual_write.administrator import DATAVERSE_HOST, ENVIRONMENT, FINANCE_HOST, Administrator

COMPANIES = "cdm_companies - Legal entities"
UNITS = "msdyn_internalorganizations - Operating unit"


@pytest.fixture
def core(pair: Administrator) -> Administrator:
    """The pair with the core maps applied."""
    pair.apply()
    return pair


def detail(core: Administrator, name: str = COMPANIES, **changes: Any) -> dict[str, Any]:
    """One element of E3's `details`."""
    mapped = core.maps()[name]
    return {"tid": mapped["tid"], "pid": mapped.get("pid"), "cid": core.cid, **changes}


def test_state_lags_behind_its_request(core: Administrator) -> None:
    """The request is done three seconds before the map's state shows it."""
    core.do("8", COMPANIES)
    request = core.ask("1", COMPANIES, skipInitialSync=True).json["requestId"]
    assert core.outcome(request) == [("1", None)]
    core.wait(15)
    assert core.outcome(request) == [("2", None)]
    assert core.maps()[COMPANIES]["state"] == "1"
    core.wait(3)
    assert core.maps()[COMPANIES]["state"] == "4"


def test_init_gives_a_project(core: Administrator) -> None:
    """Action 8 needs no pid, and a second one is refused."""
    assert core.post("Start", {"action": 8, "details": [detail(core)]}).status == 200
    core.wait(5)
    assert core.maps()[COMPANIES]["pid"]
    again = core.post("Start", {"action": "8", "details": [detail(core)]})
    assert again.status == 409


def test_initial_sync_passes_state_two(core: Administrator) -> None:
    """1, then 2 while rows move, then 4; the request ends with the sync."""
    core.do("8", COMPANIES)
    request = core.ask("1", COMPANIES, skipInitialSync=False).json["requestId"]
    seen = []
    for _ in range(200):
        core.wait(5)
        pair = (core.maps()[COMPANIES]["state"], core.outcome(request)[0][0])
        seen += [pair] if pair not in seen else []
    assert seen == [("1", "1"), ("2", "1"), ("2", "2"), ("4", "2")] or seen == [("1", "1"), ("2", "1"), ("4", "2")]


def test_default_resume_passes_state_three(core: Administrator) -> None:
    """Pause leads to 5, resume over 3 to 4."""
    core.running(COMPANIES)
    core.do("5", COMPANIES)
    assert core.maps()[COMPANIES]["state"] == "5"
    assert core.maps()[COMPANIES]["actions"] == ["6"]
    core.ask("6", COMPANIES)
    core.wait(13)
    assert core.maps()[COMPANIES]["state"] == "3"
    core.wait(10)
    assert core.maps()[COMPANIES]["state"] == "4"


@pytest.mark.parametrize("keep", [True, False])
def test_resume_with_skip_goes_live_at_once(core: Administrator, keep: bool) -> None:
    """Neither skip option shows state 3."""
    core.running(COMPANIES)
    core.do("5", COMPANIES)
    core.ask("6", COMPANIES, dualWriteSkipCatchUpSyncParameters={"skipCatchUpSyncPreserveData": keep})
    core.wait(13)
    assert core.maps()[COMPANIES]["state"] == "4"


def test_bulk_pause_is_all_or_nothing(core: Administrator) -> None:
    """One map that does not run keeps all others running."""
    core.running(COMPANIES)
    core.do("8", UNITS)
    assert core.ask("5", COMPANIES, UNITS).status == 409
    core.wait(60)
    assert core.maps()[COMPANIES]["state"] == "4"


def test_bulk_pause_of_running_maps_works(core: Administrator) -> None:
    """One request, both maps, E4 shows both."""
    core.running(COMPANIES, UNITS)
    request = core.do("5", COMPANIES, UNITS)
    assert core.outcome(request) == [("2", None), ("2", None)]
    assert {core.maps()[name]["state"] for name in (COMPANIES, UNITS)} == {"5"}


def test_bulk_rule_each_pauses_what_it_can(core: Administrator) -> None:
    """With the other reading the map that cannot fails alone."""
    core.tenant.switches.set("bulk_rule", "each")
    core.running(COMPANIES)
    core.do("8", UNITS)
    request = core.do("5", COMPANIES, UNITS)
    assert [state for state, _ in core.outcome(request)] == ["2", "3"]
    assert core.maps()[COMPANIES]["state"] == "5"


def test_bulk_resume_plays_back_in_order_of_change(core: Administrator) -> None:
    """A row that needs another map's row goes over, whichever map the request names first."""
    core.apply("msdyn_Dynamics365FinanceExtendedMaps")
    groups, terms = "msdyn_customergroups - Customer groups", "msdyn_paymentterms - Terms of payment"
    core.running(terms, groups)
    core.do("5", groups, terms)
    rows = core.tenant.rows
    with core.tenant.store.transaction():
        rows.insert("finops", FINANCE_HOST, "PaymentTerms", {"dataAreaId": "dat", "Name": "N7", "Description": "7"})
        group = {"dataAreaId": "dat", "CustomerGroupId": "77", "Description": "New", "PaymentTermId": "N7"}
        rows.insert("finops", FINANCE_HOST, "CustomerGroups", group)
    assert rows.find("dataverse", DATAVERSE_HOST, "msdyn_customergroups", {"msdyn_groupid": "77"}) == []
    core.do("6", groups, terms)
    (row,) = rows.find("dataverse", DATAVERSE_HOST, "msdyn_customergroups", {"msdyn_groupid": "77"})
    assert row["_msdyn_paymenttermid_value"]


def test_map_that_stands_twice_in_a_request_is_not_modelled(core: Administrator) -> None:
    """No client sends it."""
    assert core.ask("8", COMPANIES, COMPANIES).status == 501
    assert core.maps()[COMPANIES].get("pid") is None


@pytest.mark.parametrize(("rule", "status"), [("accept", 200), ("refuse", 400)])
def test_bulk_start_follows_its_switch(core: Administrator, rule: str, status: int) -> None:
    """Several maps in one start: accepted or refused as a whole."""
    core.do("8", COMPANIES)
    core.do("8", UNITS)
    core.tenant.switches.set("bulk_start", rule)
    assert core.ask("1", COMPANIES, UNITS, skipInitialSync=True).status == status
    core.wait(60)
    assert {core.maps()[name]["state"] for name in (COMPANIES, UNITS)} == {"4" if status == 200 else "1"}


def test_refused_action_may_fail_in_its_request(core: Administrator) -> None:
    """The switch `refused_action` lets the call pass and the request fail."""
    core.tenant.switches.set("refused_action", "request")
    core.do("8", COMPANIES)
    request = core.do("5", COMPANIES)
    ((state, text),) = core.outcome(request)
    assert state == "3"
    assert "Not running" in str(text)


def test_refused_bulk_request_fails_for_all_maps(core: Administrator) -> None:
    """All or nothing holds too where the refusal shows in the request."""
    core.tenant.switches.set("refused_action", "request")
    core.running(COMPANIES)
    core.do("8", UNITS)
    request = core.do("5", COMPANIES, UNITS)
    assert [state for state, _ in core.outcome(request)] == ["3", "3"]
    assert core.maps()[COMPANIES]["state"] == "4"


def test_busy_map_takes_no_second_action(core: Administrator) -> None:
    """Neither while a request waits nor while the state lags behind it."""
    core.do("8", COMPANIES)
    assert core.ask("1", COMPANIES, skipInitialSync=True).status == 200
    assert core.ask("1", COMPANIES, skipInitialSync=True).status == 409
    core.wait(16)
    assert core.ask("4", COMPANIES).status == 409
    core.wait(3)
    assert core.ask("4", COMPANIES).status == 200


@pytest.mark.parametrize(("action", "missing"), [("1", "tid"), ("1", "pid"), ("4", "pid"), ("8", "tid")])
def test_missing_ids_are_a_null_reference(core: Administrator, action: str, missing: str) -> None:
    """500 with the text of .NET (2.5)."""
    reply = core.post("Start", {"action": action, "details": [{**detail(core, pid="x"), missing: None}]})
    assert reply.status == 500
    assert "NullReference" in reply.json["exceptionType"]


@pytest.mark.parametrize(
    "change",
    [
        {"action": "2"},
        {"details": []},
        {"details": {}},
        {"details": [{"tid": "a", "pid": "b"}]},
        {"details": [{"tid": "a", "pid": "b", "cid": "c", "parameters": {"skipInitialSync": "maybe"}}]},
        {"details": [{"tid": "a", "pid": "b", "cid": "c", "parameters": {"conflictResolution": {"master": "CE"}}}]},
    ],
)
def test_values_that_no_client_sends_are_not_modelled(core: Administrator, change: dict[str, Any]) -> None:
    """No source says how the service refuses them, or whether."""
    body = {"action": "1", "details": [detail(core, pid="b")], **change}
    assert core.post("Start", body).status == 501


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"details": [{"tid": "a", "cid": "b", "unknown": 1}]},
        {"details": [{"tid": "a", "pid": "b", "cid": "c", "parameters": {"skipInitialsync2": True}}]},
    ],
)
def test_members_that_no_client_sends_are_not_modelled(core: Administrator, change: dict[str, Any]) -> None:
    body = {"action": "1", "details": [detail(core, pid="b")], **change}
    assert core.post("Start", body).status == 501


def test_member_names_are_case_blind(core: Administrator) -> None:
    """`Action`, `DETAILS`, `TID` do as well (0.1)."""
    one = {name.upper(): value for name, value in detail(core).items()}
    assert core.post("/API/dualwritemanagement/1.0/START", {"Action": 8, "DETAILS": [one]}).status == 200


@pytest.mark.parametrize("member", ["cid", "pid", "tid"])
def test_unknown_ids(core: Administrator, member: str) -> None:
    """404 for an unknown link or request; projects and versions of a body that are not there are in no source."""
    core.do("8", COMPANIES)
    reply = core.post("Start", {"action": "1", "details": [detail(core, **{member: "00000000-no"})]})
    assert reply.status == (404 if member == "cid" else 501)
    assert core.get("Status/00000000-no").status == 404


def test_broken_map_fails_and_stays_stopped(core: Administrator) -> None:
    """The failure shows in the request, the map's state does not move; mended, it starts."""
    core.do("8", COMPANIES)
    place = {"environment": "contoso-uat.crm4.dynamics.com", "map": COMPANIES}
    core.tenant.person.act({"action": "break-map", "text": "DIPV1010 Mandatory field.", **place})
    assert core.outcome(core.do("1", COMPANIES, skipInitialSync=True)) == [("3", "DIPV1010 Mandatory field.")]
    assert core.maps()[COMPANIES]["state"] == "1"
    core.tenant.person.act({"action": "mend-map", **place})
    assert core.outcome(core.do("1", COMPANIES, skipInitialSync=True)) == [("2", None)]


def test_too_many_companies_fail_the_start(core: Administrator) -> None:
    """The plug-in registration refuses more companies than its limit."""
    core.do("8", COMPANIES)
    core.tenant.switches.set("dual_write_live_companies", 0)
    ((state, text),) = core.outcome(core.do("1", COMPANIES, skipInitialSync=True))
    assert state == "3"
    assert "Exceeds the maximum partitions" in str(text)


def test_start_answer_may_be_a_bare_id(core: Administrator) -> None:
    """Some clients saw a quoted id instead of an object."""
    core.tenant.switches.set("start_answer_bare", True)
    assert isinstance(core.ask("8", COMPANIES).json, str)


def test_status_faults_never_end_or_hide(core: Administrator) -> None:
    """Faults of 12.1 item 11."""
    request = core.do("8", COMPANIES)
    core.tenant.switches.set("fault_status_never_ends", True)
    assert core.outcome(request) == [("1", None)]
    core.tenant.switches.set("fault_status_without_request", True)
    assert core.outcome(request) == []


def test_stop_on_paused_follows_its_switch(core: Administrator) -> None:
    """Refused by default; accepted with the switch."""
    core.running(COMPANIES)
    core.do("5", COMPANIES)
    assert core.ask("4", COMPANIES).status == 409
    core.tenant.switches.set("stop_on_paused", "accept")
    core.do("4", COMPANIES)
    assert core.maps()[COMPANIES]["state"] == "1"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["1", "4", "5", "6", "8"]), max_size=6))
def test_service_follows_the_state_machine(core: Administrator, actions: list[str]) -> None:
    """Whatever is asked in whatever order: accepted where allowed, 409 elsewhere (501 without project); E2 agrees."""
    for action in actions:
        before = core.maps()[UNITS]
        may = Action(action) in allowed(MapState(before["state"]), has_project="pid" in before)
        one = detail(core, UNITS, pid=before.get("pid") or "none")
        parameters = {"parameters": {"skipInitialSync": True}} if action == "1" else {}
        reply = core.post("Start", {"action": action, "details": [{**one, **parameters}]})
        core.wait(60)
        if may:
            assert reply.status == 200
            expected = {"1": "4", "4": "1", "5": "5", "6": "4", "8": "1"}[action]
            assert core.maps()[UNITS]["state"] == expected
        else:
            assert reply.status == (409 if "pid" in before else 501)
            assert core.maps()[UNITS]["state"] == before["state"]


def test_restart_finishes_what_was_asked(tmp_path: Path, signing_key: SigningKey) -> None:
    """A killed emulator goes on with the request, the queue of the map and the link it had."""
    first = Store(tmp_path / "tenant.db")
    tenant = assemble(first, Clock(first, "stepped", start=START), signing_key)
    tenant.seeds.play({"environments": [ENVIRONMENT]})
    (connection,) = connections.connections(tenant)
    solutions.restore(tenant, connection, definitions.SOLUTIONS[0])
    tid = maps.maps_of(tenant, connection.cid)[0].active
    requests.start(tenant, Action.INIT, [Asked(tid, None, connection.cid)])
    first.close()
    second = Store(tmp_path / "tenant.db")
    restarted = assemble(second, Clock(second, "stepped"), signing_key)
    restarted.events.advance(5)
    found = maps.by_template(maps.maps_of(restarted, connection.cid), tid)
    assert found is not None
    assert found.pid
    assert [entry["state"] for entry in found.requests] == ["2"]
    second.close()
