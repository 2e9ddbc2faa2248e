"""Many maps at once: which requests are sent, in which order, and what a failure leaves."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.api.dual_write.client import DualWriteManagement
from providers.api.dual_write.models import ActionDetail, EntityMapStatus, MapAction, Master
from providers.api.transport.errors import ApiError
from providers.maps.initial_sync import InitialSyncs
from providers.maps.operations import MapOperations, Pace, Report, one_error
from tests.unit.providers.fake_dual_write import FakeDualWrite

STATES = {"none": "stopped", "1": "stopped", "6": "stopped", "4": "running", "5": "paused"}


def operations(service: FakeDualWrite, seconds: float = 1000) -> MapOperations:
    now = [0.0]

    def sleep(duration: float) -> None:
        now[0] += duration

    pace = Pace(1, 2, seconds, lambda: now[0], sleep)
    return MapOperations(cast(DualWriteManagement, service), "cid", pace=pace, progress=lambda _text: None)


def bring(service: FakeDualWrite, wanted: dict[str, str], **options: Any) -> Report:
    return operations(service, **options).bring_to(wanted)


def test_new_maps_are_initialised_and_started_in_bulk() -> None:
    service = FakeDualWrite({"a": "none", "b": "none", "c": "none"})
    report = bring(service, dict.fromkeys("abc", "running"))
    assert service.sent == [("INITIALISE", ["a", "b", "c"]), ("START", ["a", "b", "c"])]
    assert report.started == {"a", "b", "c"}
    assert not report.failures


def test_prerequisites_run_before_their_dependents() -> None:
    service = FakeDualWrite(dict.fromkeys("abcd", "1"), needs={"b": ["a"], "c": ["a", "b"]})
    bring(service, dict.fromkeys("abcd", "running"))
    assert service.sent == [("START", ["a", "d"]), ("START", ["b"]), ("START", ["c"])]
    assert service.orders == 1


def test_maps_that_need_each_other_start_together() -> None:
    service = FakeDualWrite(dict.fromkeys("abc", "1"), needs={"a": ["b"], "b": ["a"]})
    report = bring(service, dict.fromkeys("abc", "running"))
    assert service.sent == [("START", ["c"]), ("START", ["a", "b"])]
    assert not report.failures


def test_maps_only_the_service_asks_for_are_started_and_named() -> None:
    service = FakeDualWrite({"a": "1", "extra": "1"}, needs={"a": ["extra"]})
    report = bring(service, {"a": "running"})
    assert service.sent == [("START", ["extra"]), ("START", ["a"])]
    assert report.extras == {"extra"}


def test_dropped_map_is_not_started_although_the_service_asks() -> None:
    service = FakeDualWrite({"a": "1", "replaced": "1"}, needs={"a": ["replaced"]})
    report = operations(service).bring_to({"a": "running"}, avoid=["replaced"])
    assert service.sent == [("START", ["a"])]
    assert not report.extras


def test_what_is_as_declared_is_left_alone() -> None:
    service = FakeDualWrite({"a": "4", "b": "5", "c": "1", "d": "none"})
    report = bring(service, {"a": "running", "b": "paused", "c": "stopped", "d": "stopped"})
    assert service.sent == []
    assert service.lists == 1
    assert not report.failures


def test_one_paused_map_is_resumed_by_one_request() -> None:
    service = FakeDualWrite({"a": "4", "b": "5", "c": "4"})
    bring(service, dict.fromkeys("abc", "running"))
    assert service.sent == [("RESUME", ["b"])]


def test_paused_map_is_resumed_on_its_way_to_stopped() -> None:
    service = FakeDualWrite({"a": "5"})
    bring(service, {"a": "stopped"})
    assert service.sent == [("RESUME", ["a"]), ("STOP", ["a"])]


def test_new_map_that_shall_be_paused_runs_first() -> None:
    service = FakeDualWrite({"a": "1", "b": "1"}, needs={"b": ["a"]})
    report = bring(service, {"a": "paused", "b": "running"})
    assert service.sent == [("START", ["a"]), ("START", ["b"]), ("PAUSE", ["a"])]
    assert not report.failures


class Busy(FakeDualWrite):
    """Answers some list calls with no map at all."""

    empty: range = range(0)

    def maps(self, cid: str, *, fresh: bool = False, lifetime: float | None = None) -> list[EntityMapStatus]:
        found = super().maps(cid, fresh=fresh, lifetime=lifetime)
        return [] if self.lists in self.empty else found


@pytest.mark.parametrize("call", range(1, 7))
def test_list_without_maps_is_a_busy_service_and_not_the_end(call: int) -> None:
    service = Busy({"a": "none"})
    service.empty = range(call, call + 1)
    report = bring(service, {"a": "running"})
    assert (service.states, report.not_installed) == ({"a": "4"}, [])


def test_maps_that_stay_away_end_the_run_long_before_its_deadline() -> None:
    service = Busy({"a": "none"})
    service.empty = range(2, 1000)
    with pytest.raises(ApiError, match=r"lists no entity maps any more\. Find out who reset the link"):
        bring(service, {"a": "running"}, seconds=100_000)
    assert service.lists < 20


def test_request_of_a_killed_run_is_followed_although_the_order_is_late() -> None:
    service = FakeDualWrite({"a": "1", "b": "1"})
    service.waiting_polls = 8
    operations(service, seconds=0).bring_to({"a": "running"})
    service.silent["prerequisite_sequences"] = 1
    report = bring(service, dict.fromkeys("ab", "running"))
    assert service.sent == [("START", ["a"]), ("START", ["b"])]
    assert not report.failures


def test_refused_bulk_request_is_sent_map_by_map() -> None:
    service = FakeDualWrite(dict.fromkeys("abc", "1"), needs={"c": ["a"]})
    service.refuse_bulk = True
    report = bring(service, dict.fromkeys("abc", "running"))
    assert service.sent == [
        ("START", ["a", "b"]), ("START", ["a"]), ("START", ["b"]), ("START", ["c"]),
    ]  # fmt: skip
    assert not report.failures


def test_failed_start_is_tried_once_more_after_a_table_refresh() -> None:
    service = FakeDualWrite({"a": "1", "b": "1"})
    service.breaks["a"] = 1
    report = bring(service, dict.fromkeys("ab", "running"))
    assert service.sent == [("START", ["a", "b"]), ("START", ["a"])]
    assert service.refreshed == ["DWM-pid-a"]
    assert not report.failures


def test_failed_map_is_reported_and_the_others_go_on() -> None:
    service = FakeDualWrite(dict.fromkeys("abcd", "1"), needs={"b": ["a"], "c": ["b"]})
    service.breaks["a"] = 99
    report = bring(service, dict.fromkeys("abcd", "running"))
    assert [(failure.name, failure.text, failure.code, failure.correlation_id) for failure in report.failures] == [
        ("a", "start failed: DIPV1014 a key field is not mapped", "DIPV1014", "root-1"),
        ("b", "not started: it needs 'a', which failed", None, None),
        ("c", "not started: it needs 'b', which failed", None, None),
    ]
    assert service.states["d"] == "4"


def test_next_run_after_a_failure_does_only_what_is_left() -> None:
    service = FakeDualWrite(dict.fromkeys("abc", "1"))
    service.breaks["b"] = 2
    bring(service, dict.fromkeys("abc", "running"))
    service.sent.clear()
    assert not bring(service, dict.fromkeys("abc", "running")).failures
    assert service.sent == [("START", ["b"])]


def test_request_missing_from_the_list_is_asked_for_by_id() -> None:
    service = FakeDualWrite({"a": "1"})
    service.hide_requests = True
    assert not bring(service, {"a": "running"}).failures


def test_deadline_names_every_map_that_is_not_there() -> None:
    service = FakeDualWrite({"a": "2", "b": "4"})
    report = bring(service, dict.fromkeys("ab", "running"), seconds=120)
    assert [(failure.name, failure.text) for failure in report.failures] == [("a", "not running within 2 min")]


def test_maps_that_are_not_installed_are_listed() -> None:
    report = bring(FakeDualWrite({"a": "4"}), {"a": "running", "z": "running"})
    assert report.not_installed == ["z"]
    assert not report.failures


def test_213_maps_cost_one_list_a_poll() -> None:
    names = [f"map {number}" for number in range(213)]
    service = FakeDualWrite(dict.fromkeys(names, "none"), needs=dict.fromkeys(names[3:], names[:3]))
    report = bring(service, dict.fromkeys(names, "running"))
    assert not report.failures
    assert len(service.sent) == 3
    assert service.lists <= 10


def test_error_names_the_map_that_failed_by_itself_not_one_that_waited_for_it() -> None:
    service = FakeDualWrite({"a": "1", "z": "1"}, needs={"a": ["z"]})
    service.breaks["z"] = 9
    error = one_error(bring(service, {"a": "running", "z": "running"}).failures, 2)
    assert error.reason.startswith("2 of 2 maps are not as declared: 'z': start failed")
    assert error.code == "DIPV1014"


def test_error_names_the_first_map_and_counts_the_others() -> None:
    service = FakeDualWrite({"a": "1", "b": "1"})
    service.breaks = {"a": 9, "b": 9}
    report = bring(service, dict.fromkeys("ab", "running"))
    assert str(one_error(report.failures, 2)) == (
        "2 of 2 maps are not as declared: 'a': start failed: DIPV1014 a key field is not mapped; "
        "1 more is named above "
        "(DIPV1014, correlation root-1). A key field, or the key behind a lookup, is not mapped. "
        "Map it in the map's column mappings and save a new version, then run `up` again."
    )


def test_map_is_not_singular_when_only_one_of_many_failed() -> None:
    service = FakeDualWrite({"a": "1", "b": "4"})
    service.breaks = {"a": 9}
    assert str(one_error(bring(service, dict.fromkeys("ab", "running")).failures, 2)).startswith(
        "1 of 2 maps is not as"
    )


@pytest.mark.parametrize("wanted", ["running", "paused"])
def test_request_of_a_killed_run_is_followed_and_not_sent_again(wanted: str) -> None:
    service = FakeDualWrite({"a": "1", "b": "1"})
    service.waiting_polls = 3
    request_id = service.start_action("cid", MapAction.START, [ActionDetail(tid="tid-a", pid="pid-a")])
    assert request_id == "r1"
    report = bring(service, {"a": wanted, "b": "running"})
    assert [sent for sent in service.sent if sent[0] == "START"] == [("START", ["a"]), ("START", ["b"])]
    assert report.started == {"a", "b"}
    assert not report.failures


def test_failed_prerequisite_keeps_no_other_map_from_its_pause() -> None:
    service = FakeDualWrite({"a": "1", "b": "1", "c": "4"}, needs={"b": ["a"]})
    service.breaks["a"] = 99
    report = bring(service, {"a": "running", "b": "running", "c": "paused"})
    assert [failure.name for failure in report.failures] == ["a", "b"]
    assert service.states["c"] == "5"


def test_map_that_cannot_be_initialised_keeps_no_ring_from_starting() -> None:
    service = FakeDualWrite({"a": "1", "b": "1", "c": "none"}, needs={"a": ["b"], "b": ["a"]})
    service.breaks["c"] = 99
    report = bring(service, dict.fromkeys("abc", "running"))
    assert [failure.name for failure in report.failures] == ["c"]
    assert (service.states["a"], service.states["b"]) == ("4", "4")


def test_unseen_bulk_request_costs_one_question_a_poll() -> None:
    service = FakeDualWrite(dict.fromkeys("abcdef", "1"))
    service.hide_requests = True
    assert not bring(service, dict.fromkeys("abcdef", "running")).failures
    assert service.questions == 1


@pytest.mark.parametrize("call", ["request_status", "prerequisite_sequences"])
def test_poll_without_an_answer_ends_nothing(call: str) -> None:
    service = FakeDualWrite({"a": "1"})
    service.hide_requests = True
    service.silent[call] = 2
    assert not bring(service, {"a": "running"}).failures
    assert service.sent == [("START", ["a"])]


NAMES = st.sampled_from("abcdef")


@given(
    st.dictionaries(NAMES, st.sampled_from(sorted(STATES)), min_size=1),
    st.dictionaries(NAMES, st.sampled_from(["running", "paused", "stopped"])),
    st.dictionaries(NAMES, st.lists(NAMES, max_size=3)),
)
def test_any_mixture_of_states_ends_as_declared(
    held: dict[str, str], wanted: dict[str, str], needs: dict[str, list[str]]
) -> None:
    known = {name: [need for need in before if need in held and need != name] for name, before in needs.items()}
    service = FakeDualWrite(held, needs=known)
    report = bring(service, wanted)
    assert not report.failures
    assert {name: STATES[service.states[name]] for name in wanted if name in held} == {
        name: state for name, state in wanted.items() if name in held
    }


@pytest.mark.parametrize("state", ["2", "3"])
def test_busy_map_takes_no_action_until_it_settles(state: str) -> None:
    service = FakeDualWrite({"a": state})
    service._due.append((4, "a", "4"))
    assert not bring(service, {"a": "running"}).failures
    assert service.sent == []


def syncing(
    service: FakeDualWrite, wanted: dict[str, str], masters: dict[str, Master], said: list[str] | None = None
) -> tuple[Report, InitialSyncs]:
    now = [0.0]

    def sleep(duration: float) -> None:
        now[0] += duration

    lines = said if said is not None else []
    syncs = InitialSyncs(
        cast(DualWriteManagement, service), dict(masters), announce=lines.append, progress=lines.append
    )
    pace = Pace(1, 2, 1000, lambda: now[0], sleep)
    made = MapOperations(cast(DualWriteManagement, service), "cid", pace=pace, progress=lambda _text: None, syncs=syncs)
    return made.bring_to(wanted), syncs


FINOPS, CDS = Master.FINANCE_OPERATIONS, Master.DATAVERSE


def test_initial_syncs_start_together_each_with_its_master() -> None:
    said: list[str] = []
    service = FakeDualWrite({"a": "none", "b": "none", "c": "none"})
    report, syncs = syncing(service, dict.fromkeys("abc", "running"), {"a": FINOPS, "b": CDS}, said)
    assert service.sent == [("INITIALISE", ["a", "b", "c"]), ("START", ["a", "b", "c"])]
    assert service.syncs == [("a", "AX"), ("b", "CRM")]
    assert service.refreshed == ["DWM-pid-a", "DWM-pid-b"]
    assert (report.failures, report.started, service.reports) == ([], {"a", "b", "c"}, 2)
    assert said == [
        "initial sync of 'a': USMF 31 rows",
        "initial sync of 'b': USMF 31 rows",
    ]
    assert syncs.counts["a"] == {"DAT": {"upserts": 0, "errors": 0}, "USMF": {"upserts": 31, "errors": 0}}


def test_dependent_map_waits_for_the_initial_sync_of_what_it_needs() -> None:
    service = FakeDualWrite({"a": "1", "b": "1"}, needs={"b": ["a"]})
    syncing(service, dict.fromkeys("ab", "running"), {"a": FINOPS, "b": FINOPS})
    assert service.sent == [("START", ["a"]), ("START", ["b"])]


def test_map_that_shall_be_paused_is_synced_first() -> None:
    said: list[str] = []
    service = FakeDualWrite({"a": "1"})
    report, _ = syncing(service, {"a": "paused"}, {"a": CDS}, said)
    assert (service.sent, service.syncs, len(said)) == ([("START", ["a"]), ("PAUSE", ["a"])], [("a", "CRM")], 1)
    assert not report.failures


SELF = "Couldn't resolve the guid for the field: parent. The lookup value was not found: 7. Try https://x/accounts"


def test_errors_within_the_table_are_run_again_while_they_shrink() -> None:
    name, said = "accounts - Customers V3", list[str]()
    service = FakeDualWrite({name: "1"})
    service.sync_errors[name] = [(9, SELF), (4, SELF), (1, SELF)]
    report, syncs = syncing(service, {name: "running"}, {name: FINOPS}, said)
    assert not report.failures
    assert len(service.syncs) == 4
    first = f"initial sync of '{name}': USMF 22 rows and 9 in error"
    assert said[0] == f"{first}; rows refer to each other, so it runs again"
    assert syncs.counts[name]["USMF"] == {"upserts": 31, "errors": 0}
    assert service.refreshed == [f"DWM-pid-{name}"]


def test_errors_within_the_table_that_do_not_shrink_end_the_map_only() -> None:
    name = "accounts - Customers V3"
    service = FakeDualWrite({name: "1", "b": "1", "c": "1"}, needs={"c": [name]})
    service.sync_errors[name] = [(9, SELF), (9, SELF)]
    report, _ = syncing(service, {name: "running", "b": "running", "c": "running"}, {name: FINOPS, "b": FINOPS})
    (failure, dependent) = report.failures
    assert len([each for each in service.syncs if each[0] == name]) == 2
    assert failure.text.startswith(
        "initial sync failed for USMF with 9 errors: Couldn't resolve the guid for the field"
    )
    assert failure.cure.startswith("A referenced row is missing")
    assert dependent.text == f"not started: it needs '{name}', which failed"
    assert service.states["b"] == "4"


def test_errors_of_another_table_are_not_run_again() -> None:
    service = FakeDualWrite({"contacts - X": "1"})
    service.sync_errors["contacts - X"] = [(1, SELF)]
    report, _ = syncing(service, {"contacts - X": "running"}, {"contacts - X": FINOPS})
    assert len(service.syncs) == 1
    assert report.failures[0].text.startswith("initial sync failed for USMF with 1 error: ")


def test_sync_that_moved_nothing_is_an_ordinary_start_that_failed() -> None:
    service = FakeDualWrite({"a": "1"})
    service.breaks["a"] = 1
    report, _ = syncing(service, {"a": "running"}, {"a": FINOPS})
    assert (len(service.syncs), service.refreshed, report.failures) == (2, ["DWM-pid-a"] * 2, [])


def test_refusal_of_the_whole_sync_names_what_the_service_says() -> None:
    service = FakeDualWrite({"a": "1"})
    service.breaks["a"] = 9
    report, _ = syncing(service, {"a": "running"}, {"a": FINOPS})
    assert report.failures[0].text == "initial sync failed: DIPV1014 a key field is not mapped"


def test_sync_of_a_killed_run_is_followed_and_reported() -> None:
    said: list[str] = []
    service = FakeDualWrite({"a": "1"})
    service.start_action("cid", MapAction.START, [ActionDetail(tid="tid-a", pid="pid-a", skip_initial_sync=False)])
    report, _ = syncing(service, {"a": "running"}, {"a": FINOPS}, said)
    assert (len(service.sent), report.started) == (1, {"a"})
    assert said == ["initial sync of 'a': USMF 31 rows"]


def test_report_that_cannot_be_read_ends_nothing() -> None:
    said: list[str] = []
    service = FakeDualWrite({"a": "1"})
    service.silent["executions"] = 99
    report, syncs = syncing(service, {"a": "running"}, {"a": FINOPS}, said)
    assert (report.failures, syncs.counts) == ([], {"a": {}})
    assert said[-1] == "the initial sync of 'a' is not readable at the moment: the service is restarting"


@given(
    st.dictionaries(NAMES, st.sampled_from(["none", "1", "6"]), min_size=1),
    st.dictionaries(NAMES, st.sampled_from([FINOPS, CDS])),
    st.dictionaries(NAMES, st.lists(NAMES, max_size=3)),
    st.dictionaries(NAMES, st.lists(st.integers(1, 9), max_size=3)),
)
def test_any_mixture_of_syncs_ends_synced_or_named(
    held: dict[str, str], masters: dict[str, Master], needs: dict[str, list[str]], errors: dict[str, list[int]]
) -> None:
    known = {name: [need for need in before if need in held and need != name] for name, before in needs.items()}
    service = FakeDualWrite(held, needs=known)
    service.sync_errors = {name: [(count, f"The lookup was not found in {name}") for count in counts]
                           for name, counts in errors.items()}  # fmt: skip
    due = {name: master for name, master in masters.items() if name in held}
    report, syncs = syncing(service, dict.fromkeys(held, "running"), due)
    failed = {failure.name for failure in report.failures}
    assert {name for name in held if service.states[name] == "4"} == held.keys() - failed
    assert syncs.counts.keys() == due.keys() - failed
    for name in due.keys() - failed:
        assert len([each for each in service.syncs if each[0] == name]) == 1 + len(errors.get(name, []))
