"""Many maps at once: which requests are sent, in which order, and what a failure leaves."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.api.dual_write import DualWriteManagement
from providers.api.dual_write_models import ActionDetail, MapAction
from providers.map_operations import MapOperations, Report, only
from tests.unit.providers.fake_dual_write import FakeDualWrite

STATES = {"none": "stopped", "1": "stopped", "6": "stopped", "4": "running", "5": "paused"}


def operations(service: FakeDualWrite, seconds: float = 1000) -> MapOperations:
    now = [0.0]

    def sleep(duration: float) -> None:
        now[0] += duration

    return MapOperations(
        cast(DualWriteManagement, service), "cid", interval=1, seconds=seconds,
        clock=lambda: now[0], sleep=sleep, progress=lambda _text: None,
    )  # fmt: skip


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


def test_error_names_the_first_map_and_counts_the_others() -> None:
    service = FakeDualWrite({"a": "1", "b": "1"})
    service.breaks = {"a": 9, "b": 9}
    report = bring(service, dict.fromkeys("ab", "running"))
    assert str(only(report.failures, 2)) == (
        "2 of 2 maps are not as declared: 'a': start failed: DIPV1014 a key field is not mapped; "
        "1 more are named above "
        "(DIPV1014, correlation root-1). "
        "Mend the map on the dual-write page, or exclude it; then run `up` again, it continues."
    )


def test_map_is_not_singular_when_only_one_of_many_failed() -> None:
    service = FakeDualWrite({"a": "1", "b": "4"})
    service.breaks = {"a": 9}
    assert str(only(bring(service, dict.fromkeys("ab", "running")).failures, 2)).startswith("1 of 2 maps is not as")


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
