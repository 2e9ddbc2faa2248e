"""Initial syncs: what a report says, and which maps still need one."""

from typing import Any

import pytest

from emulator.dual_write.states import MapState
from providers.api.dual_write.projects import Execution
from providers.maps.initial_sync import newest_run, report_line, total_line
from providers.maps.sync_plan import Memory, SyncPlan, plan_syncs
from tests.support.one_pair import GROUPS, RUNNING, STOPPED, VENDORS, OnePair


def execution(company: str = "USMF", run: str = "r1", **members: Any) -> Execution:
    return Execution.model_validate({"initialSyncRequestId": run, "legalEntityName": company, **members})


def failing(text: str, company: str = "USMF", count: int = 2, run: str = "r1") -> Execution:
    legs = [{"status": "error", "exportErrors": [{"errorMessage": text}]}]
    return execution(company, run, errorCount=count, taskExecutionStatuses=[{"legs": legs}])


HISTORY = "*/ProjectExecutionWithCompanies/*"


def plan(pair: OnePair, *names: str, **options: Any) -> SyncPlan:
    """The plan for these maps, from F&O; requests are counted from its begin."""
    service = pair.call().session("public").dual_write
    statuses = {status.name: status for status in service.maps(pair.cid)}
    pair.forget()
    return plan_syncs(service, statuses, dict.fromkeys(names, "finops"), Memory(**options))


def test_newest_run_is_every_company_of_the_first_id() -> None:
    run = newest_run([execution("usmf"), execution("DAT"), execution("USMF", "older")])
    assert run is not None
    assert (run.run_id, list(run.counts)) == ("r1", ["DAT", "USMF"])
    assert newest_run([]) is None


def test_totals_are_summed_where_the_service_gives_none() -> None:
    legs = [
        {"importRecordsInsertedCount": 3, "importRecordsUpdatedCount": 1},
        {"importRecordsInsertedCount": 2, "importRecordsErrorCount": 4},
    ]
    run = newest_run([execution(taskExecutionStatuses=[{"legs": legs}])])
    assert run is not None
    assert run.counts == {"USMF": {"upserts": 6, "errors": 4}}


@pytest.mark.parametrize(
    ("members", "clean"),
    [
        ({}, True),
        ({"executionStatus": "Completed"}, True),
        ({"errorCount": 1}, False),
        ({"executionStatus": "Error"}, False),
        ({"taskExecutionStatuses": [{"isRunning": True}]}, False),
        ({"taskExecutionStatuses": [{"legs": [{"status": "importing"}]}]}, False),
        ({"taskExecutionStatuses": [{"legs": [{"status": "Something new"}]}]}, True),
    ],
)
def test_run_is_clean_when_it_ended_without_errors(members: dict[str, Any], clean: bool) -> None:
    run = newest_run([execution("DAT"), execution(**members)])
    assert run is not None
    assert run.clean is clean


def test_failure_names_company_count_reasons_and_the_documented_cure() -> None:
    text = "Can't convert the literal '000000' to the expected type 'Edm.Decimal'"
    run = newest_run([execution("DAT"), failing(text), failing("other", "DEMF", 7)])
    assert run is not None
    failure = run.failure("x", "root-1")
    assert failure.text == f"initial sync failed for USMF with 2 errors: {text}; errors in DEMF as well"
    assert failure.cure.startswith("The source data format of F&O")
    assert failure.correlation_id == "root-1"


@pytest.mark.parametrize(
    ("text", "itself"),
    [
        ("The lookup value was not found: 7. Try https://x/accounts(7)", True),
        ("The lookup was not found in ACCOUNTS", True),
        ("The lookup value was not found: 7. Try https://x/contacts(7)", False),
        ("The lookup value was not found: 7. Try https://x/msdyn_accounts(7)", False),
        ("accounts is locked", False),
    ],
)
def test_lookup_in_its_own_table(text: str, itself: bool) -> None:
    run = newest_run([failing(text)])
    assert run is not None
    assert run.refers_to_itself("accounts") is itself


def test_report_is_one_line() -> None:
    counts = {"DAT": {"upserts": 1, "errors": 0}, "USMF": {"upserts": 31_000, "errors": 2}}
    assert report_line("x", counts) == "initial sync of 'x': DAT 1 row, USMF 31,000 rows and 2 in error"
    assert report_line("x", {}) == "initial sync of 'x': no rows"


def test_total_is_one_line_by_company_and_a_single_map_keeps_its_name() -> None:
    one = {"USMF": {"upserts": 5, "errors": 0}, "DAT": {"upserts": 0, "errors": 1}}
    assert total_line({"a": one, "b": one}) == "initial sync of 2 maps: DAT 0 rows and 2 in error, USMF 10 rows"
    assert total_line({"a": one}) == report_line("a", one)


def test_new_maps_are_synced_without_asking_for_their_history(pair: OnePair) -> None:
    pair.put(STOPPED, VENDORS)
    made = plan(pair, GROUPS, VENDORS)
    assert (list(made.masters), pair.wire.count(HISTORY)) == ([GROUPS, VENDORS], 1)


def test_map_that_was_synced_by_a_killed_run_is_done(pair: OnePair) -> None:
    pair.put(STOPPED, GROUPS)
    pair.sync(GROUPS)
    pair.put(STOPPED, GROUPS)
    made = plan(pair, GROUPS, resync={GROUPS: "x"})
    assert (made.masters, made.synced) == ({}, {GROUPS: "x"})
    assert made.counts[GROUPS]["USMF"] == {"upserts": 31, "errors": 0}


def test_map_whose_last_run_failed_is_tried_again(pair: OnePair) -> None:
    pair.put(STOPPED, GROUPS)
    pair.sync(GROUPS)
    pair.put(STOPPED, GROUPS)
    failed = pair.sync(GROUPS, breaks="no")
    made = plan(pair, GROUPS)
    assert (list(made.masters), made.before) == ([GROUPS], {GROUPS: failed})


@pytest.mark.parametrize("state", [RUNNING, MapState.PAUSED, MapState.CATCH_UP])
def test_map_that_is_live_without_history_is_left_alone(pair: OnePair, state: MapState) -> None:
    pair.put(state, GROUPS)
    made = plan(pair, GROUPS)
    assert (made.masters, made.synced, made.left) == ({}, {GROUPS: ""}, [GROUPS])


def test_initial_sync_under_way_is_followed(pair: OnePair) -> None:
    pair.put(MapState.INITIAL_SYNC, GROUPS)
    assert (list(plan(pair, GROUPS).masters), pair.wire.count(HISTORY)) == ([GROUPS], 0)


@pytest.mark.parametrize(
    ("wanted", "masters", "again"), [("", [], []), ("old", [], []), ("new", [GROUPS, VENDORS], [GROUPS])]
)
def test_only_a_new_text_syncs_once_more(pair: OnePair, wanted: str, masters: list[str], again: list[str]) -> None:
    pair.put(RUNNING, GROUPS)
    pair.put(STOPPED, VENDORS)
    known = {GROUPS: "old", VENDORS: "old"}
    made = plan(pair, GROUPS, VENDORS, resync=dict.fromkeys(known, wanted), synced=known)
    assert (list(made.masters), made.again, pair.wire.count(HISTORY)) == (masters, again, len(masters))
    assert made.synced == ({} if masters else known)


@pytest.mark.parametrize(
    ("state", "known", "again"),
    [
        pytest.param(RUNNING, ["r1", "r1"], [VENDORS], id="all live: a clean run that nobody knows is an answer"),
        pytest.param(STOPPED, ["r1", "r1"], [], id="one down: an earlier run got as far as this"),
        pytest.param(STOPPED, ["newest", "r1"], [GROUPS], id="its run is the one that is known"),
        pytest.param(STOPPED, [], [GROUPS], id="state of older code"),
    ],
)
def test_new_text_that_an_earlier_run_served_in_part_is_not_served_twice(
    pair: OnePair, state: MapState, known: list[str], again: list[str]
) -> None:
    both = (GROUPS, VENDORS)
    pair.put(STOPPED, *both)
    newest, failed = pair.sync(GROUPS), pair.sync(VENDORS, breaks="no")
    pair.put(state, VENDORS)
    runs = {name: newest if run == "newest" else run for name, run in zip(both, known, strict=False)}
    made = plan(pair, *both, resync=dict.fromkeys(both, "new"), synced=dict.fromkeys(both, ""), runs=runs)
    assert (made.again, VENDORS in made.masters, made.before[VENDORS]) == (again, True, failed)
    assert made.synced == ({} if GROUPS in again else {GROUPS: "new"})
    assert made.served == ([] if GROUPS in again else [GROUPS])


def test_reset_forgets_what_the_stack_remembers(pair: OnePair) -> None:
    assert list(plan(pair, GROUPS, synced={GROUPS: ""}).masters) == [GROUPS]
