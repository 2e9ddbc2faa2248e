"""Many maps at once: which requests are sent, in which order, and what a failure leaves."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.dual_write.states import MapState
from providers.api.dual_write.actions import Master
from providers.api.transport.errors import ApiError
from providers.catalogue.selection import standard
from providers.maps.initial_sync import InitialSyncs
from providers.maps.operations import MapOperations, Pace, Report, one_error
from tests.support.one_pair import (
    ACCOUNTS,
    AFFIXES,
    CURRENCIES,
    ENTITIES,
    GROUPS,
    HIERARCHIES,
    HIERARCHY_TYPES,
    PAUSED,
    PURPOSES,
    RATE_PAIRS,
    RATE_TYPES,
    RATES,
    RUNNING,
    STOPPED,
    VENDORS,
    OnePair,
    a_pair_with_maps,
)
from tests.support.prepared_tenants import PreparedTenants

BROKEN = "DIPV1014 a key field is not mapped"
LIST, START = "*/Entities", "*/Start"


def operations(pair: OnePair, seconds: float = 1000, syncs: InitialSyncs | None = None) -> MapOperations:
    world = pair.world
    pace = Pace(10, 20, seconds, world.clock, world.sleep)
    service = pair.call().session("public").dual_write
    return MapOperations(service, pair.cid, pace=pace, progress=pair.shown.append, syncs=syncs)


def bring(pair: OnePair, wanted: Mapping[str, str], **options: Any) -> Report:
    """The run, with requests counted from its begin."""
    run = operations(pair, **options)
    pair.forget()
    return run.bring_to(wanted)


def running(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "running")


def a_ring(pair: OnePair) -> None:
    """Hierarchy types and their purposes need each other."""
    pair.person("delete-map", HIERARCHIES)
    pair.world.tenant.switches.set("prerequisites_mutual", True)


def hide_requests(pair: OnePair) -> None:
    """The list shows no request, whatever the state of a map."""

    def without_requests(maps: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for each in maps:
            each["detail"]["lastRequests"] = []
            each["detail"].pop("lastRequest", None)
        return maps

    pair.wire.alter(LIST, without_requests)


def last_activity(pair: OnePair, name: str) -> str:
    return str(pair.stored(name).requests[0]["rootActivityId"])


def test_new_maps_are_initialised_and_started_in_bulk(pair: OnePair) -> None:
    report = bring(pair, running(ENTITIES, CURRENCIES, AFFIXES))
    assert pair.asked == [
        ("INITIALISE", [ENTITIES, CURRENCIES, AFFIXES]), ("START", [ENTITIES, CURRENCIES, AFFIXES]),
    ]  # fmt: skip
    assert report.started == {ENTITIES, CURRENCIES, AFFIXES}
    assert not report.failures


def test_prerequisites_run_before_their_dependents(pair: OnePair) -> None:
    pair.put(STOPPED, AFFIXES, CURRENCIES, RATE_TYPES, RATE_PAIRS, RATES)
    bring(pair, running(CURRENCIES, RATE_PAIRS, RATES, RATE_TYPES, AFFIXES))
    assert pair.asked == [
        ("START", [CURRENCIES, RATE_TYPES, AFFIXES]), ("START", [RATE_PAIRS]), ("START", [RATES]),
    ]  # fmt: skip
    assert pair.wire.count("*/GetTemplatePrerequisiteSequences/*") == 1


def test_maps_that_need_each_other_start_together(pair: OnePair) -> None:
    a_ring(pair)
    pair.put(STOPPED, HIERARCHY_TYPES, PURPOSES, AFFIXES)
    report = bring(pair, running(HIERARCHY_TYPES, PURPOSES, AFFIXES))
    assert pair.asked == [("START", [AFFIXES]), ("START", [PURPOSES, HIERARCHY_TYPES])]
    assert not report.failures


def test_maps_only_the_service_asks_for_are_started_and_named(pair: OnePair) -> None:
    pair.put(STOPPED, HIERARCHY_TYPES, PURPOSES)
    report = bring(pair, running(PURPOSES))
    assert pair.asked == [("START", [HIERARCHY_TYPES]), ("START", [PURPOSES])]
    assert report.extras == {HIERARCHY_TYPES}


def test_dropped_map_is_not_started_although_the_service_asks(pair: OnePair) -> None:
    pair.put(STOPPED, HIERARCHY_TYPES, PURPOSES)
    report = operations(pair).bring_to(running(PURPOSES), avoid=[HIERARCHY_TYPES])
    assert pair.asked == [("START", [PURPOSES])]
    assert not report.extras


def test_what_is_as_declared_is_left_alone(pair: OnePair) -> None:
    pair.put(RUNNING, ENTITIES)
    pair.put(PAUSED, CURRENCIES)
    pair.put(STOPPED, AFFIXES)
    wanted = {ENTITIES: "running", CURRENCIES: "paused", AFFIXES: "stopped", RATE_TYPES: "stopped"}
    report = bring(pair, wanted)
    assert [each.method for each in pair.wire.sent] == ["GET"]
    assert pair.wire.count(LIST) == 1
    assert not report.failures


def test_one_paused_map_is_resumed_by_one_request(pair: OnePair) -> None:
    pair.put(RUNNING, ENTITIES, AFFIXES)
    pair.put(PAUSED, CURRENCIES)
    bring(pair, running(ENTITIES, CURRENCIES, AFFIXES))
    assert pair.asked == [("RESUME", [CURRENCIES])]


def test_paused_map_is_resumed_on_its_way_to_stopped(pair: OnePair) -> None:
    pair.put(PAUSED, ENTITIES)
    bring(pair, {ENTITIES: "stopped"})
    assert pair.asked == [("RESUME", [ENTITIES]), ("STOP", [ENTITIES])]


def test_new_map_that_shall_be_paused_runs_first(pair: OnePair) -> None:
    pair.put(STOPPED, HIERARCHY_TYPES, PURPOSES)
    report = bring(pair, {HIERARCHY_TYPES: "paused", PURPOSES: "running"})
    assert pair.asked == [("START", [HIERARCHY_TYPES]), ("START", [PURPOSES]), ("PAUSE", [HIERARCHY_TYPES])]
    assert not report.failures


@pytest.mark.parametrize("reading", range(1, 7))
def test_list_without_maps_is_a_busy_service_and_not_the_end(pair: OnePair, reading: int) -> None:
    run = operations(pair)
    # The client believes an empty list only when the next one is empty too.
    pair.fault("GET", LIST, nth=reading, count=2, status=200, body=[])
    report = run.bring_to(running(ENTITIES))
    assert (pair.states, report.not_installed) == ({ENTITIES: RUNNING}, [])


def test_maps_that_stay_away_end_the_run_long_before_its_deadline(pair: OnePair) -> None:
    pair.fault("GET", LIST, nth=2, count=0, status=200, body=[])
    with pytest.raises(ApiError, match=r"lists no entity maps any more\. Find out who reset the link"):
        bring(pair, running(ENTITIES), seconds=100_000)
    assert pair.wire.count(LIST) < 2 * 20


def test_request_of_a_killed_run_is_followed_although_the_order_is_late(pair: OnePair) -> None:
    pair.put(STOPPED, ENTITIES, CURRENCIES)
    pair.world.tenant.switches.set("dual_write_start_duration", 100)
    operations(pair, seconds=0).bring_to(running(ENTITIES))
    pair.silence("POST", "*/GetTemplatePrerequisiteSequences/*")
    run = operations(pair)
    report = run.bring_to(running(ENTITIES, CURRENCIES))
    assert pair.asked == [("START", [ENTITIES]), ("START", [CURRENCIES])]
    assert not report.failures


def test_refused_bulk_request_is_sent_map_by_map(pair: OnePair) -> None:
    pair.put(STOPPED, HIERARCHY_TYPES, AFFIXES, PURPOSES)
    pair.world.tenant.switches.set("bulk_start", "refuse")
    report = bring(pair, running(HIERARCHY_TYPES, AFFIXES, PURPOSES))
    assert pair.asked == [
        ("START", [HIERARCHY_TYPES, AFFIXES]), ("START", [HIERARCHY_TYPES]), ("START", [AFFIXES]),
        ("START", [PURPOSES]),
    ]  # fmt: skip
    assert not report.failures


def test_failed_start_is_tried_once_more_after_a_table_refresh(pair: OnePair) -> None:
    pair.put(STOPPED, ENTITIES, CURRENCIES)
    pair.person("break-map", ENTITIES, text=BROKEN)
    refresh = f"/api/Project/{pair.stored(ENTITIES).project}/Refresh"
    pair.wire.meanwhile(refresh, 1, lambda: pair.person("mend-map", ENTITIES))
    report = bring(pair, running(ENTITIES, CURRENCIES))
    assert pair.asked == [("START", [ENTITIES, CURRENCIES]), ("START", [ENTITIES])]
    assert (pair.wire.count("*/Refresh"), pair.wire.count(refresh)) == (1, 1)
    assert not report.failures


def test_failed_map_is_reported_and_the_others_go_on(pair: OnePair) -> None:
    pair.put(RUNNING, CURRENCIES)
    pair.put(STOPPED, RATE_TYPES, RATE_PAIRS, RATES, AFFIXES)
    pair.person("break-map", RATE_TYPES, text=BROKEN)
    report = bring(pair, running(RATE_TYPES, RATE_PAIRS, RATES, AFFIXES))
    assert [(failure.name, failure.text, failure.code, failure.correlation_id) for failure in report.failures] == [
        (RATE_PAIRS, f"not started: it needs '{RATE_TYPES}', which failed", None, None),
        (RATES, f"not started: it needs '{RATE_PAIRS}', which failed", None, None),
        (RATE_TYPES, f"start failed: {BROKEN}", "DIPV1014", last_activity(pair, RATE_TYPES)),
    ]
    assert pair.states[AFFIXES] == RUNNING


def test_next_run_after_a_failure_does_only_what_is_left(pair: OnePair) -> None:
    pair.put(STOPPED, ENTITIES, CURRENCIES, AFFIXES)
    pair.person("break-map", CURRENCIES, text=BROKEN)
    assert len(bring(pair, running(ENTITIES, CURRENCIES, AFFIXES)).failures) == 1
    pair.person("mend-map", CURRENCIES)
    assert not bring(pair, running(ENTITIES, CURRENCIES, AFFIXES)).failures
    assert pair.asked == [("START", [CURRENCIES])]


def test_request_missing_from_the_list_is_asked_for_by_id(pair: OnePair) -> None:
    pair.put(STOPPED, ENTITIES)
    hide_requests(pair)
    assert not bring(pair, running(ENTITIES)).failures
    assert pair.wire.count("*/Status/*") == 1


def test_deadline_names_every_map_that_is_not_there(pair: OnePair) -> None:
    pair.put(MapState.INITIAL_SYNC, ENTITIES)
    pair.put(RUNNING, CURRENCIES)
    report = bring(pair, running(ENTITIES, CURRENCIES), seconds=120)
    assert [(failure.name, failure.text) for failure in report.failures] == [(ENTITIES, "not running within 2 min")]


def test_maps_that_are_not_installed_are_listed(pair: OnePair) -> None:
    pair.put(RUNNING, ENTITIES)
    report = bring(pair, running(ENTITIES, "z"))
    assert report.not_installed == ["z"]
    assert not report.failures


def test_213_maps_cost_one_list_a_poll(tenants: PreparedTenants) -> None:
    pair = OnePair(a_pair_with_maps(tenants, list(standard().maps)))
    report = bring(pair, running(*standard().maps))
    assert not report.failures
    assert len(pair.states) == 213
    # One request makes them ready, then one starts all whose prerequisites run: the longest chain has eight.
    assert [action for action, _ in pair.asked] == ["INITIALISE", *["START"] * 8]
    assert pair.wire.count(LIST) <= 10


def test_error_names_the_map_that_failed_by_itself_not_one_that_waited_for_it(pair: OnePair) -> None:
    pair.put(STOPPED, HIERARCHY_TYPES, PURPOSES)
    pair.person("break-map", HIERARCHY_TYPES, text=BROKEN)
    failures = bring(pair, running(PURPOSES, HIERARCHY_TYPES)).failures
    assert [each.name for each in failures] == [PURPOSES, HIERARCHY_TYPES]
    error = one_error(failures, 2)
    assert error.reason.startswith(f"2 of 2 maps are not as declared: '{HIERARCHY_TYPES}': start failed")
    assert error.code == "DIPV1014"


def test_error_names_the_first_map_and_counts_the_others(pair: OnePair) -> None:
    pair.put(STOPPED, ENTITIES, CURRENCIES)
    for name in (ENTITIES, CURRENCIES):
        pair.person("break-map", name, text=BROKEN)
    report = bring(pair, running(ENTITIES, CURRENCIES))
    assert str(one_error(report.failures, 2)) == (
        f"2 of 2 maps are not as declared: '{ENTITIES}': start failed: {BROKEN}; "
        "1 more is named above "
        f"(DIPV1014, correlation {last_activity(pair, ENTITIES)}). A key field, or the key behind a lookup, is not "
        "mapped. Map it in the map's column mappings and save a new version, then run `up` again."
    )


def test_map_is_not_singular_when_only_one_of_many_failed(pair: OnePair) -> None:
    pair.put(STOPPED, ENTITIES)
    pair.put(RUNNING, CURRENCIES)
    pair.person("break-map", ENTITIES, text=BROKEN)
    error = one_error(bring(pair, running(ENTITIES, CURRENCIES)).failures, 2)
    assert str(error).startswith("1 of 2 maps is not as")


@pytest.mark.parametrize("wanted", ["running", "paused"])
def test_request_of_a_killed_run_is_followed_and_not_sent_again(pair: OnePair, wanted: str) -> None:
    pair.put(STOPPED, ENTITIES, CURRENCIES)
    assert pair.start(ENTITIES)
    report = operations(pair).bring_to({ENTITIES: wanted, CURRENCIES: "running"})
    assert [each for each in pair.asked if each[0] == "START"] == [("START", [ENTITIES]), ("START", [CURRENCIES])]
    assert report.started == {ENTITIES, CURRENCIES}
    assert not report.failures


def test_failed_prerequisite_keeps_no_other_map_from_its_pause(pair: OnePair) -> None:
    pair.put(STOPPED, HIERARCHY_TYPES, PURPOSES)
    pair.put(RUNNING, AFFIXES)
    pair.person("break-map", HIERARCHY_TYPES, text=BROKEN)
    report = bring(pair, {HIERARCHY_TYPES: "running", PURPOSES: "running", AFFIXES: "paused"})
    assert [failure.name for failure in report.failures] == [PURPOSES, HIERARCHY_TYPES]
    assert pair.states[AFFIXES] == PAUSED


def test_map_that_cannot_be_initialised_keeps_no_ring_from_starting(pair: OnePair) -> None:
    a_ring(pair)
    pair.put(STOPPED, HIERARCHY_TYPES, PURPOSES)
    pair.fault("POST", START, count=2, status=400, body=BROKEN)
    report = bring(pair, running(HIERARCHY_TYPES, PURPOSES, AFFIXES))
    assert [failure.name for failure in report.failures] == [AFFIXES]
    assert pair.states == {HIERARCHY_TYPES: RUNNING, PURPOSES: RUNNING}


def test_unseen_bulk_request_costs_one_question_a_poll(pair: OnePair) -> None:
    six = (ENTITIES, AFFIXES, CURRENCIES, RATE_TYPES, HIERARCHY_TYPES, GROUPS)
    pair.put(STOPPED, *six)
    hide_requests(pair)
    assert not bring(pair, running(*six)).failures
    assert pair.wire.count("*/Status/*") == 1


@pytest.mark.parametrize(("method", "path"), [("GET", "*/Status/*"), ("POST", "*/GetTemplatePrerequisiteSequences/*")])
def test_poll_without_an_answer_ends_nothing(pair: OnePair, method: str, path: str) -> None:
    pair.put(STOPPED, ENTITIES)
    hide_requests(pair)
    pair.silence(method, path, calls=2)
    assert not bring(pair, running(ENTITIES)).failures
    assert pair.asked == [("START", [ENTITIES])]


NAMES = (ENTITIES, HIERARCHY_TYPES, PURPOSES, RATE_TYPES, RATE_PAIRS, CURRENCIES)
ANY = st.sampled_from(NAMES)
# The states in which nothing is under way; None: never initialised.
AT_REST = (None, STOPPED, MapState.NOT_RUNNING, RUNNING, PAUSED)
WORDS = {STOPPED: "stopped", MapState.NOT_RUNNING: "stopped", RUNNING: "running", PAUSED: "paused"}
FEWER = settings(max_examples=12)


def put_all(pair: OnePair, states: Mapping[str, MapState | None]) -> None:
    for name, state in states.items():
        if state is not None:
            pair.put(state, name)


@FEWER
@given(
    st.dictionaries(ANY, st.sampled_from(AT_REST), min_size=1),
    st.dictionaries(ANY, st.sampled_from(["running", "paused", "stopped"])),
    st.booleans(),
)
def test_any_mixture_of_states_ends_as_declared(
    tenants: PreparedTenants,
    states: dict[str, MapState | None],
    wanted: dict[str, str],
    ring: bool,
) -> None:
    pair = OnePair(tenants.copy(a_pair_with_maps))
    put_all(pair, states)
    pair.world.tenant.switches.set("prerequisites_mutual", ring)
    report = bring(pair, wanted)
    assert not report.failures
    reached = {name: WORDS[MapState(state)] for name, state in pair.states.items()}
    assert {name: reached.get(name, "stopped") for name in wanted} == wanted


@pytest.mark.parametrize("state", [MapState.INITIAL_SYNC, MapState.CATCH_UP])
def test_busy_map_takes_no_action_until_it_settles(pair: OnePair, state: MapState) -> None:
    pair.put(state, ENTITIES)
    pair.wire.meanwhile(LIST, 4, lambda: pair.put(RUNNING, ENTITIES))
    assert not bring(pair, running(ENTITIES)).failures
    assert pair.asked == []


def syncing(pair: OnePair, wanted: Mapping[str, str], masters: Mapping[str, Master]) -> tuple[Report, InitialSyncs]:
    """The run with initial syncs, and what it says of them in `shown`."""
    service = pair.call().session("public").dual_write
    syncs = InitialSyncs(service, dict(masters), announce=pair.said.append, progress=pair.said.append)
    run = operations(pair, seconds=10_000, syncs=syncs)
    pair.forget()
    return run.bring_to(wanted), syncs


AX, CRM = Master.FINANCE_OPERATIONS, Master.DATAVERSE


def test_initial_syncs_start_together_each_with_its_master(pair: OnePair) -> None:
    pair.put(RUNNING, CURRENCIES)
    pair.rows.add_vendors(("V-1", None))
    report, syncs = syncing(pair, running(GROUPS, VENDORS, AFFIXES), {GROUPS: AX, VENDORS: CRM})
    assert pair.asked == [("INITIALISE", [GROUPS, VENDORS, AFFIXES]), ("START", [GROUPS, VENDORS, AFFIXES])]
    assert pair.synced == [(GROUPS, "AX"), (VENDORS, "CRM")]
    projects = [f"/api/Project/{pair.stored(name).project}/Refresh" for name in (GROUPS, VENDORS)]
    assert [each.path for each in pair.wire.sent if each.path.endswith("/Refresh")] == projects
    assert (report.failures, report.started) == ([], {GROUPS, VENDORS, AFFIXES})
    assert pair.wire.count("*/ProjectExecutionWithCompanies/*") == 2
    assert pair.said == [
        f"initial sync of '{GROUPS}': USMF 31 rows",
        f"initial sync of '{VENDORS}': USMF 2 rows",
    ]
    assert syncs.counts[GROUPS] == {"DAT": {"upserts": 0, "errors": 0}, "USMF": {"upserts": 31, "errors": 0}}


def test_dependent_map_waits_for_the_initial_sync_of_what_it_needs(pair: OnePair) -> None:
    pair.put(STOPPED, HIERARCHY_TYPES, PURPOSES)
    syncing(pair, running(HIERARCHY_TYPES, PURPOSES), {HIERARCHY_TYPES: AX, PURPOSES: AX})
    assert pair.asked == [("START", [HIERARCHY_TYPES]), ("START", [PURPOSES])]


def test_map_that_shall_be_paused_is_synced_first(pair: OnePair) -> None:
    pair.put(STOPPED, GROUPS)
    report, _ = syncing(pair, {GROUPS: "paused"}, {GROUPS: CRM})
    assert (pair.asked, pair.synced, len(pair.said)) == (
        [("START", [GROUPS]), ("PAUSE", [GROUPS])], [(GROUPS, "CRM")], 1,
    )  # fmt: skip
    assert not report.failures


def test_errors_within_the_table_are_run_again_while_they_shrink(pair: OnePair) -> None:
    pair.put(RUNNING, CURRENCIES)
    pair.put(STOPPED, VENDORS)
    pair.rows.add_vendors(("V-1", "V-2"), ("V-2", "V-3"), ("V-3", "V-4"), ("V-4", None))
    report, syncs = syncing(pair, running(VENDORS), {VENDORS: AX})
    assert not report.failures
    assert len(pair.synced) == 4
    first = f"initial sync of '{VENDORS}': USMF 1 row and 3 in error"
    assert pair.said[0] == f"{first}; rows refer to each other, so it runs again"
    assert syncs.counts[VENDORS]["USMF"]["errors"] == 0
    assert syncs.counts[VENDORS]["USMF"]["upserts"] >= 4
    assert pair.wire.count("*/Refresh") == 1


def test_errors_within_the_table_that_do_not_shrink_end_the_map_only(pair: OnePair) -> None:
    pair.put(RUNNING, CURRENCIES)
    pair.put(STOPPED, VENDORS, GROUPS, ACCOUNTS)
    pair.rows.add_vendors(*((f"V-{number}", "gone") for number in range(1, 10)))
    report, _ = syncing(pair, running(VENDORS, GROUPS, ACCOUNTS), {VENDORS: AX, GROUPS: AX})
    (dependent, failure) = report.failures
    assert len([each for each in pair.synced if each[0] == VENDORS]) == 2
    assert failure.text.startswith(
        "initial sync failed for USMF with 9 errors: Couldn't resolve the guid for the field"
    )
    assert failure.cure.startswith("A referenced row is missing")
    assert dependent.text == f"not started: it needs '{VENDORS}', which failed"
    assert pair.states[GROUPS] == RUNNING


def test_errors_of_another_table_are_not_run_again(pair: OnePair) -> None:
    pair.put(STOPPED, GROUPS)
    pair.rows.add("finops", "PaymentTerms", {"Name": "Net30"})
    pair.rows.add("finops", "CustomerGroups", {"CustomerGroupId": "99", "PaymentTermId": "Net30"})
    report, _ = syncing(pair, running(GROUPS), {GROUPS: AX})
    assert len(pair.synced) == 1
    assert report.failures[0].text.startswith("initial sync failed for USMF with 1 error: ")


def test_sync_that_moved_nothing_is_an_ordinary_start_that_failed(pair: OnePair) -> None:
    pair.put(STOPPED, GROUPS)
    pair.person("break-map", GROUPS, text=BROKEN)
    refresh = f"/api/Project/{pair.stored(GROUPS).project}/Refresh"
    pair.wire.meanwhile(refresh, 2, lambda: pair.person("mend-map", GROUPS))
    report, _ = syncing(pair, running(GROUPS), {GROUPS: AX})
    assert (len(pair.synced), pair.wire.count(refresh), report.failures) == (2, 2, [])


def test_refusal_of_the_whole_sync_names_what_the_service_says(pair: OnePair) -> None:
    pair.put(STOPPED, GROUPS)
    pair.person("break-map", GROUPS, text=BROKEN)
    report, _ = syncing(pair, running(GROUPS), {GROUPS: AX})
    assert report.failures[0].text == f"initial sync failed: {BROKEN}"


def test_sync_of_a_killed_run_is_followed_and_reported(pair: OnePair) -> None:
    pair.put(STOPPED, GROUPS)
    pair.start(GROUPS, skip_initial_sync=False, master=AX)
    report, _ = syncing(pair, running(GROUPS), {GROUPS: AX})
    assert (pair.asked, report.started) == ([], {GROUPS})
    assert pair.said == [f"initial sync of '{GROUPS}': USMF 31 rows"]


def test_report_that_cannot_be_read_ends_nothing(pair: OnePair) -> None:
    pair.put(STOPPED, GROUPS)
    pair.fault("GET", "*/ProjectExecutionWithCompanies/*", count=0, status=503, body="the service is restarting")
    report, syncs = syncing(pair, running(GROUPS), {GROUPS: AX})
    assert (report.failures, syncs.counts) == ([], {GROUPS: {}})
    assert pair.said[-1] == (f"the initial sync of '{GROUPS}' is not readable at the moment: the service is restarting")


SYNCED = (ENTITIES, HIERARCHY_TYPES, PURPOSES, GROUPS, VENDORS)


@FEWER
@given(
    st.dictionaries(st.sampled_from(SYNCED), st.sampled_from([None, STOPPED, MapState.NOT_RUNNING]), min_size=1),
    st.dictionaries(st.sampled_from(SYNCED), st.sampled_from([AX, CRM])),
    st.integers(0, 3),
    st.booleans(),
)
def test_any_mixture_of_syncs_ends_synced_or_named(
    tenants: PreparedTenants,
    states: dict[str, MapState | None],
    masters: dict[str, Master],
    depth: int,
    complete: bool,
) -> None:
    """Vendors refer to `depth` others in a row; the last one's payer is missing unless they are `complete`."""
    pair = OnePair(tenants.copy(a_pair_with_maps))
    pair.put(RUNNING, CURRENCIES)
    put_all(pair, states)
    vendors = [f"V-{number}" for number in range(depth + 1)]
    pair.rows.add_vendors(*zip(vendors, [*vendors[1:], None if complete else "gone"], strict=True))
    due = {name: master for name, master in masters.items() if name in states}
    report, syncs = syncing(pair, running(*states), due)
    failed = {failure.name for failure in report.failures}
    assert failed == ({VENDORS} & due.keys() if not complete else set())
    extras = report.extras | {CURRENCIES}
    assert {name for name, state in pair.states.items() if state == RUNNING} - extras == states.keys() - failed
    assert syncs.counts.keys() == due.keys() - failed
    for name in due.keys() - failed:
        runs = 1 + depth if name == VENDORS else 1
        assert len([each for each in pair.synced if each[0] == name]) == runs
