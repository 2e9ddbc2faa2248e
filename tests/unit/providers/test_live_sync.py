"""LiveSync: the bookkeeping of what was started, drift by name, and what a destroy leaves alone."""

from typing import Any

import pytest

from providers import live_sync
from providers.api.transport.errors import ApiError, NotFound
from providers.live_sync import LiveSyncInputs, LiveSyncOutputs, LiveSyncProvider
from providers.maps.declared_checks import announce_resyncs
from providers.protocol.base import Call, NotRead
from providers.protocol.memory import Memory
from providers.protocol.reading import live_inputs
from tests.unit.providers.fake_link import CDS_HOST, FINOPS_HOST, FakeLink, LinkSession
from tests.unit.providers.fake_services import ENVIRONMENT_ID

PROVIDER = LiveSyncProvider()
VENDORS = "msdyn_vendors - Vendors V2"
IDENTIFIER = f"{FINOPS_HOST}/{ENVIRONMENT_ID}"
CDS_URL = f"https://{CDS_HOST}"


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use")
    monkeypatch.setattr(live_sync, "_declared", Memory())


def declared(**maps: str) -> LiveSyncInputs:
    return LiveSyncInputs.model_validate(
        {"cloud": "emulator", "cds": "contoso-uat", "companies": ["DAT"], "maps": maps}
    )


def a_pair(maps: dict[str, str], **options: Any) -> LinkSession:
    return LinkSession(FakeLink(maps, **options))


def created(session: LinkSession, inputs: LiveSyncInputs, said: list[str] | None = None) -> LiveSyncOutputs:
    identifier, outputs = PROVIDER.on_create(inputs, session.call(said))
    assert identifier == IDENTIFIER
    return outputs


def read(session: LinkSession, stored: LiveSyncOutputs, said: list[str] | None = None) -> LiveSyncOutputs:
    held = PROVIDER.on_read(IDENTIFIER, stored, session.call(said))
    assert held is not None
    return held


def updated(session: LinkSession, stored: LiveSyncOutputs, inputs: LiveSyncInputs) -> LiveSyncOutputs:
    return PROVIDER.on_update(IDENTIFIER, stored, inputs, session.call())


def bags(inputs: LiveSyncInputs, held: LiveSyncOutputs) -> tuple[dict[str, Any], dict[str, Any]]:
    return {**inputs.model_dump(), **held.model_dump()}, inputs.model_dump()


def test_running_map_that_is_synced_again_is_announced_as_stopped_meanwhile() -> None:
    said: list[str] = []
    call = Call(write=lambda _row, text, **_options: said.append(text))
    announce_resyncs(["a", "b"], declared(a="running", b="stopped"), call)
    (line,) = said
    assert line.startswith("DW-I03 for another initial sync each of these maps is stopped meanwhile")
    assert line.endswith("changes made in that time are not queued: a")
    announce_resyncs(["b"], declared(a="running", b="stopped"), call)
    assert said == [line]


def test_maps_are_brought_to_their_states() -> None:
    session = a_pair({"a": "none", "b": "4", "c": "4"})
    held = created(session, declared(a="running", b="running", c="paused"))
    assert held.maps == {"a": "running", "b": "running", "c": "paused"}
    assert (held.ready, held.connection_id, held.finops_host) == (True, "cid-1", FINOPS_HOST)


def test_only_maps_that_this_stack_took_out_of_not_running_count_as_started() -> None:
    session = a_pair({"a": "none", "b": "4", "c": "5", "d": "none"}, needs={"a": ["d"]})
    held = created(session, declared(a="running", b="running", c="running"))
    assert held.started == ["a", "d"]
    assert held.started_for_service == ["d"]


def test_second_creation_writes_nothing() -> None:
    session = a_pair({"a": "none"})
    created(session, declared(a="running"))
    session.dual_write.sent.clear()
    created(session, declared(a="running"))
    assert session.dual_write.sent == []


def test_failures_are_named_one_by_one_and_end_the_run() -> None:
    said: list[str] = []
    session = a_pair(dict.fromkeys("abc", "1"))
    session.dual_write.breaks = {"a": 9, "b": 9}
    with pytest.raises(ApiError, match=r"2 of 3 maps are not as declared: 'a': start failed: DIPV1014"):
        created(session, declared(a="running", b="running", c="running"), said)
    assert [line.partition(":")[0] + line[7:16] for line in said] == ["warning: map 'a'", "warning: map 'b'"]
    assert session.dual_write.states["c"] == "4"


def test_link_without_any_map_is_an_error_and_not_ready() -> None:
    with pytest.raises(ApiError, match=r"lists none of the declared entity maps\. Apply the map solutions"):
        created(a_pair({}), declared(a="running"))


def test_map_that_is_not_installed_is_an_output_and_no_difference() -> None:
    said: list[str] = []
    session, inputs = a_pair({"a": "4"}), declared(**{"a": "running", VENDORS: "running"})
    held = created(session, inputs, said)
    assert held.not_installed == [VENDORS]
    assert said == [f"warning: 1 declared map is not installed here: {VENDORS}"]
    assert PROVIDER.diff(IDENTIFIER, *bags(inputs, read(session, held))).changes is False


def test_custom_map_that_the_link_lacks_is_an_error_after_all_else_is_done() -> None:
    session = a_pair({"a": "1", "contoso_projects - Projects": "1"})
    with pytest.raises(ApiError) as caught:
        created(session, declared(**{"a": "running", "contoso_project - Projects": "running"}))
    assert "the link has no such map; did you mean 'contoso_projects - Projects'?" in str(caught.value)
    assert session.dual_write.states["a"] == "4"


def test_pair_that_is_not_linked_names_every_cause() -> None:
    session = a_pair({"a": "1"})
    session.dual_write.late = 1
    with pytest.raises(NotFound, match=r"knows no link of contoso-uat\.operations.* not linked yet, or `gateway`"):
        created(session, declared(a="running"))


def test_refresh_costs_one_list_and_finds_nothing_new() -> None:
    said: list[str] = []
    session, inputs = a_pair({"a": "none", "b": "4"}), declared(a="running", b="running")
    held = created(session, inputs)
    session.dual_write.lists = 0
    assert read(session, held, said) == held
    assert (said, session.dual_write.lists) == ([], 1)


def test_map_that_a_person_paused_is_named_and_resumed_alone() -> None:
    said: list[str] = []
    session, inputs = a_pair({"a": "4", "b": "4"}), declared(a="running", b="running")
    stored = created(session, inputs)
    session.dual_write.states["b"] = "5"
    held = read(session, stored, said)
    assert said == ["warning: DW-W01 map 'b' is paused, not running"]
    assert (held.maps["b"], held.drifted, held.ready) == ("paused", {"b": "running"}, False)
    assert PROVIDER.diff(IDENTIFIER, *bags(inputs, held)).changes is None
    session.dual_write.sent.clear()
    after = updated(session, held, inputs)
    assert session.dual_write.sent == [("RESUME", ["b"])]
    assert (after.maps["b"], after.drifted, after.ready) == ("running", {}, True)


def test_drift_is_named_by_every_refresh() -> None:
    said: list[str] = []
    session = a_pair({"a": "4"})
    stored = created(session, declared(a="running"))
    session.dual_write.states["a"] = "5"
    read(session, read(session, stored, said), said)
    assert said == ["warning: DW-W01 map 'a' is paused, not running"] * 2


def test_drift_that_a_person_mended_leaves_the_pair_ready() -> None:
    said: list[str] = []
    session, inputs = a_pair({"a": "4"}), declared(a="running")
    stored = created(session, inputs)
    session.dual_write.states["a"] = "5"
    drifted = read(session, stored)
    session.dual_write.states["a"] = "4"
    assert read(session, drifted, said) == stored
    assert said == []


def test_inputs_of_a_refresh_keep_what_is_declared_of_a_map_that_a_person_paused() -> None:
    session, inputs = a_pair({"a": "4"}), declared(a="running")
    stored = created(session, inputs)
    session.dual_write.states["a"] = "5"
    found = read(session, stored)
    kept = live_inputs(PROVIDER, stored.model_dump(), found.model_dump())
    assert (kept["maps"], kept["drifted"]) == ({"a": "paused"}, {"a": "running"})
    wanted = inputs.model_copy(update={"catch_up": {"a": "discard"}})
    assert list(PROVIDER.problems(wanted, PROVIDER.inputs_of(kept))) == []
    (problem,) = PROVIDER.problems(wanted, declared(a="paused"))
    assert str(problem).startswith("DW-C02 ")
    session.dual_write.states["a"] = "4"
    assert "drifted" not in live_inputs(PROVIDER, found.model_dump(), read(session, found).model_dump())


@pytest.mark.parametrize(
    ("word", "nearest"),
    [("not installed", "stopped"), ("initializing", "running"), ("resuming", "running"), ("paused", "paused")],
)
def test_states_that_nobody_declares_leave_the_old_inputs_comparable(word: str, nearest: str) -> None:
    kept = {**declared(a="running").model_dump(mode="json", exclude_none=True), "maps": {"a": word}}
    old = PROVIDER.old_inputs_of(kept)
    assert old is not None
    assert old.maps == {"a": nearest}
    assert PROVIDER.old_inputs_of({}) is None


def test_without_token_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = created(a_pair({"a": "4"}), declared(a="running"))
    monkeypatch.delenv("DUALWRITE_TOKEN")
    with pytest.raises(NotRead, match="DUALWRITE_TOKEN"):
        read(a_pair({}), stored)


def test_live_sync_is_gone_with_its_environment() -> None:
    session = a_pair({"a": "4"})
    stored = created(session, declared(a="running"))
    session.delete_environment()
    assert PROVIDER.on_read(IDENTIFIER, stored, session.call()) is None


def test_lost_link_of_a_living_environment_is_an_error_not_gone() -> None:
    session = a_pair({"a": "4"})
    stored = created(session, declared(a="running"))
    session.dual_write.gone = NotFound("no such connection set", status=404)
    with pytest.raises(NotFound, match="knows no link"):
        read(session, stored)


def test_link_with_a_new_id_is_found_by_its_host() -> None:
    session = a_pair({"a": "4"})
    stored = created(session, declared(a="running")).model_copy(update={"connection_id": "before-the-reset"})
    lists = session.dual_write.maps

    def maps(cid: str, *, fresh: bool = False, lifetime: float | None = None) -> Any:
        if cid == "before-the-reset":
            raise NotFound("no such connection set", status=404)
        return lists(cid, fresh=fresh)

    session.dual_write.maps = maps  # type: ignore[method-assign]
    assert read(session, stored).connection_id == "cid-1"


def test_map_that_left_the_declaration_is_stopped_only_if_started_here() -> None:
    session = a_pair({"a": "1", "b": "4", "c": "4"})
    stored = created(session, declared(a="running", b="running", c="running"))
    assert stored.started == ["a"]
    session.dual_write.sent.clear()
    held = updated(session, stored, declared(c="running"))
    assert session.dual_write.sent == [("STOP", ["a"])]
    assert (held.started, sorted(held.maps)) == ([], ["c"])


def test_map_that_left_the_declaration_while_paused_stays_paused() -> None:
    session = a_pair({"a": "1", "b": "4"})
    stored = created(session, declared(a="running", b="running"))
    session.dual_write.states["a"] = "5"
    session.dual_write.sent.clear()
    held = updated(session, stored, declared(b="running"))
    assert session.dual_write.sent == []
    assert held.started == []


def test_map_only_the_service_asked_for_outlives_an_update() -> None:
    session = a_pair({"a": "1", "extra": "1"}, needs={"a": ["extra"]})
    stored = created(session, declared(a="running"))
    session.dual_write.sent.clear()
    assert updated(session, stored, declared(a="paused")).started == ["a", "extra"]
    assert session.dual_write.sent == [("PAUSE", ["a"])]


def test_delete_stops_everything_that_was_started_and_nothing_else() -> None:
    session = a_pair({"a": "1", "b": "4", "extra": "1"}, needs={"a": ["extra"]})
    stored = created(session, declared(a="running", b="running"))
    session.dual_write.sent.clear()
    PROVIDER.on_delete(IDENTIFIER, stored, session.call())
    assert session.dual_write.sent == [("STOP", ["a", "extra"])]
    assert session.dual_write.states == {"a": "1", "b": "4", "extra": "1"}


@pytest.mark.parametrize("names", [{}, {"cds": CDS_URL}, {"cds": ENVIRONMENT_ID, "finops": f"https://{FINOPS_HOST}/"}])
def test_delete_leaves_what_this_run_declares_for_the_same_link(names: dict[str, str]) -> None:
    session, said = a_pair({"a": "1", "b": "1", "extra": "1"}, needs={"a": ["extra"]}), list[str]()
    stored = created(session, declared(a="running", b="running"))
    session.dual_write.sent.clear()
    noted(session, declared(a="running").model_copy(update=names))
    PROVIDER.on_delete(IDENTIFIER, stored, session.call(said))
    assert session.dual_write.sent == [("STOP", ["b"])]
    assert said[0] == "declared anew for the same link: only maps that are not declared any more are stopped"


def test_delete_stops_everything_when_this_run_declares_another_link_alone() -> None:
    session = a_pair({"a": "1"})
    stored = created(session, declared(a="running"))
    noted(session, declared(a="running").model_copy(update={"cds": "somewhere-else"}))
    PROVIDER.on_delete(IDENTIFIER, stored, session.call())
    assert session.dual_write.states == {"a": "1"}


def test_refresh_stores_every_name_of_the_pair_that_older_code_did_not() -> None:
    session = a_pair({"a": "4"})
    stored = created(session, declared(a="running"))
    older = stored.model_copy(update={"environment_id": "", "cds_url": ""})
    assert read(session, older) == stored.model_copy(update={"cds_url": read(session, older).cds_url})
    assert read(session, older).cds_url.rstrip("/") == CDS_URL == stored.cds_url


def noted(session: LinkSession, inputs: LiveSyncInputs) -> None:
    """What the check of a declaration in the same run leaves behind."""
    call: Call = session.call()
    PROVIDER.noted(inputs, None, call)


def test_delete_waits_for_a_map_that_is_still_catching_up() -> None:
    session = a_pair({"a": "1"})
    stored = created(session, declared(a="running"))
    session.dual_write.states["a"] = "3"
    session.dual_write._due.append((session.dual_write.lists + 3, "a", "4"))
    PROVIDER.on_delete(IDENTIFIER, stored, session.call())
    assert session.dual_write.states["a"] == "1"


def test_paused_maps_stay_paused_when_deleted_and_are_named() -> None:
    said: list[str] = []
    session = a_pair({"a": "1", "b": "1"})
    stored = created(session, declared(a="running", b="running"))
    session.dual_write.states["b"] = "5"
    PROVIDER.on_delete(IDENTIFIER, stored, session.call(said))
    assert session.dual_write.states == {"a": "1", "b": "5"}
    assert said == ["warning: 1 map is paused and left so: b"]


def test_delete_without_its_link_is_a_success() -> None:
    session = a_pair({"a": "1"})
    stored = created(session, declared(a="running"))
    session.delete_environment()
    PROVIDER.on_delete(IDENTIFIER, stored, session.call())


def test_another_gateway_is_an_update_that_is_recorded() -> None:
    inputs = declared(a="running")
    stored = created(a_pair({"a": "4"}), inputs)
    other = inputs.model_copy(update={"gateway": "https://eu.example"})
    held, wanted = bags(other, stored)
    found = PROVIDER.diff(IDENTIFIER, held, wanted)
    assert (found.changes, found.replaces) == (None, [])
    session = a_pair({"a": "4"})
    assert updated(session, stored, other).gateway == "https://eu.example"
    assert session.dual_write.sent == []


def test_refresh_adds_no_empty_lists_to_the_inputs() -> None:
    inputs = PROVIDER.check({"x": 1}, declared(a="running").model_dump(exclude={"finops", "gateway"})).inputs
    stored = created(a_pair({"a": "4"}), declared(a="running"))
    outs = {**inputs, **stored.model_dump(mode="json", exclude_none=True)}
    assert live_inputs(PROVIDER, outs, outs) == inputs


def test_company_that_the_link_got_after_the_initial_sync_is_told_what_it_missed() -> None:
    session, said = a_pair({"a": "none"}), list[str]()
    inputs = declared(a="running").model_copy(update={"initial_sync": {"a": "finops"}})
    stored = created(session, inputs)
    grown = inputs.model_copy(update={"companies": ["DAT", "USMF"]})
    PROVIDER.on_update(IDENTIFIER, stored, grown, session.call(said))
    (line,) = said
    assert line.startswith("warning: rows that USMF had before are not copied: an initial sync runs once")
    said.clear()
    again = grown.model_copy(update={"resync": {"a": "USMF"}})
    PROVIDER.on_update(IDENTIFIER, stored, again, session.call(said))
    assert not [line for line in said if line.startswith("warning")]
