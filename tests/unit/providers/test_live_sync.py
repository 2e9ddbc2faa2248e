"""LiveSync: the bookkeeping of what was started, drift by name, and what a destroy leaves alone."""

from collections.abc import Mapping
from typing import Any

import pytest

from emulator.dual_write.states import MapState
from providers import live_sync
from providers.api.transport.errors import ApiError, NotFound
from providers.live_sync import LiveSyncInputs, LiveSyncOutputs
from providers.maps.live_checks import announce_resyncs
from providers.protocol.base import Call, NotRead
from providers.protocol.memory import Memory
from providers.protocol.reading import live_inputs
from tests.support.linked_world import CDS, FINOPS, FINOPS_HOST
from tests.support.live_sync import PROVIDER, read, updated
from tests.support.one_pair import (
    ABSENT,
    AFFIXES,
    CURRENCIES,
    ENTITIES,
    ENVIRONMENT_ID,
    GROUPS,
    HIERARCHY_TYPES,
    IDENTIFIER,
    PAUSED,
    PURPOSES,
    RUNNING,
    STOPPED,
    OnePair,
)

LIST, LINKS = "*/Entities", "*/DualWriteManagement/1.0/Environments"
PAUSED_ENTITIES = f"warning: DW-W01 map '{ENTITIES}' is paused, not running"


pytestmark = pytest.mark.usefixtures("token")


@pytest.fixture(autouse=True)
def nothing_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests of the process have checked is forgotten."""
    monkeypatch.setattr(live_sync, "_declared", Memory())


def declared(*running: str, **others: str) -> LiveSyncInputs:
    """These maps, running, and by the name of a state another one: `paused=MAP`."""
    return inputs_of({**dict.fromkeys(running, "running"), **{name: state for state, name in others.items()}})


def inputs_of(maps: Mapping[str, str], **values: Any) -> LiveSyncInputs:
    return LiveSyncInputs.model_validate(
        {"cloud": "public", "cds": "lamna-sales", "companies": ["DAT", "USMF"], "maps": maps, **values}
    )


def created(pair: OnePair, inputs: LiveSyncInputs) -> LiveSyncOutputs:
    """The outputs; requests and messages are counted from the end of the creation."""
    identifier, outputs = PROVIDER.on_create(inputs, pair.call())
    assert identifier == IDENTIFIER
    pair.forget()
    return outputs


def deleted(pair: OnePair, stored: LiveSyncOutputs) -> None:
    PROVIDER.on_delete(IDENTIFIER, stored, pair.call())


def bags(inputs: LiveSyncInputs, found: LiveSyncOutputs) -> tuple[dict[str, Any], dict[str, Any]]:
    return {**inputs.model_dump(), **found.model_dump()}, inputs.model_dump()


def test_running_map_that_is_synced_again_is_announced_as_stopped_meanwhile() -> None:
    said: list[str] = []
    call = Call(write=lambda _row, text, **_options: said.append(text))
    old = inputs_of({"a": "running", "b": "stopped"})
    announce_resyncs(["a", "b"], old, call)
    (line,) = said
    assert line.startswith("DW-I03 for another initial sync each of these maps is stopped meanwhile")
    assert line.endswith("changes made in that time are not queued: a")
    announce_resyncs(["b"], old, call)
    assert said == [line]


def test_maps_are_brought_to_their_states(pair: OnePair) -> None:
    pair.put(RUNNING, CURRENCIES, AFFIXES)
    outputs = created(pair, declared(ENTITIES, CURRENCIES, paused=AFFIXES))
    assert outputs.maps == {ENTITIES: "running", CURRENCIES: "running", AFFIXES: "paused"}
    assert pair.states == {ENTITIES: RUNNING, CURRENCIES: RUNNING, AFFIXES: PAUSED}
    assert (outputs.ready, outputs.connection_id, outputs.finops_host) == (True, pair.connection.cid, FINOPS_HOST)


def test_only_maps_that_this_stack_took_out_of_not_running_count_as_started(pair: OnePair) -> None:
    pair.put(RUNNING, ENTITIES)
    pair.put(PAUSED, CURRENCIES)
    outputs = created(pair, declared(PURPOSES, ENTITIES, CURRENCIES))
    assert outputs.started == [PURPOSES, HIERARCHY_TYPES]
    assert outputs.started_for_service == [HIERARCHY_TYPES]


def test_second_creation_writes_nothing(pair: OnePair) -> None:
    created(pair, declared(ENTITIES))
    PROVIDER.on_create(declared(ENTITIES), pair.call())
    assert pair.asked == []


def test_failures_are_named_one_by_one_and_end_the_run(pair: OnePair) -> None:
    pair.put(STOPPED, ENTITIES, CURRENCIES, AFFIXES)
    for name in (ENTITIES, CURRENCIES):
        pair.person("break-map", name, text="DIPV1014 a key field is not mapped")
    with pytest.raises(ApiError, match=f"2 of 3 maps are not as declared: '{ENTITIES}': start failed: DIPV1014"):
        created(pair, declared(ENTITIES, CURRENCIES, AFFIXES))
    assert [line.partition("': ")[0] for line in pair.said] == [
        f"warning: map '{ENTITIES}", f"warning: map '{CURRENCIES}",
    ]  # fmt: skip
    assert pair.states[AFFIXES] == RUNNING


def test_link_without_any_map_is_an_error_and_not_ready(linked: OnePair) -> None:
    with pytest.raises(ApiError, match=r"lists none of the declared entity maps\. Apply the map solutions"):
        created(linked, declared(ENTITIES))


def test_map_that_is_not_installed_is_an_output_and_no_difference(pair: OnePair) -> None:
    pair.put(RUNNING, ENTITIES)
    inputs = declared(ENTITIES, ABSENT)
    outputs = PROVIDER.on_create(inputs, pair.call())[1]
    assert outputs.not_installed == [ABSENT]
    assert pair.said == [f"warning: 1 declared map is not installed here: {ABSENT}"]
    assert PROVIDER.diff(IDENTIFIER, *bags(inputs, read(pair, outputs))).changes is False


def test_custom_map_that_the_link_lacks_is_an_error_after_all_else_is_done(pair: OnePair) -> None:
    pair.put(STOPPED, ENTITIES)
    with pytest.raises(ApiError) as caught:
        created(pair, declared(ENTITIES, "transactioncurrencies - Currency"))
    assert f"the link has no such map; did you mean '{CURRENCIES}'?" in str(caught.value)
    assert pair.states[ENTITIES] == RUNNING


def test_pair_that_is_not_linked_names_every_cause(pair: OnePair) -> None:
    pair.fault("GET", LINKS, status=200, body=[])
    with pytest.raises(NotFound, match=f"knows no link of {FINOPS_HOST}.* not linked yet, or `gateway`"):
        created(pair, declared(ENTITIES))


def test_refresh_costs_one_list_and_finds_nothing_new(pair: OnePair) -> None:
    pair.put(RUNNING, CURRENCIES)
    stored = created(pair, declared(ENTITIES, CURRENCIES))
    assert read(pair, stored) == stored
    assert (pair.said, pair.wire.count(LIST)) == ([], 1)


def test_map_that_a_person_paused_is_named_and_resumed_alone(pair: OnePair) -> None:
    pair.put(RUNNING, ENTITIES, CURRENCIES)
    inputs = declared(ENTITIES, CURRENCIES)
    stored = created(pair, inputs)
    pair.person("pause-map", ENTITIES)
    found = read(pair, stored)
    assert pair.said == [PAUSED_ENTITIES]
    assert (found.maps[ENTITIES], found.drifted, found.ready) == ("paused", {ENTITIES: "running"}, False)
    assert PROVIDER.diff(IDENTIFIER, *bags(inputs, found)).changes is None
    pair.forget()
    after = updated(pair, found, inputs)
    assert pair.asked == [("RESUME", [ENTITIES])]
    assert (after.maps[ENTITIES], after.drifted, after.ready) == ("running", {}, True)


def test_drift_is_named_by_every_refresh(pair: OnePair) -> None:
    stored = created(pair, declared(ENTITIES))
    pair.person("pause-map", ENTITIES)
    read(pair, read(pair, stored))
    assert pair.said == [PAUSED_ENTITIES] * 2


def test_drift_that_a_person_mended_leaves_the_pair_ready(pair: OnePair) -> None:
    stored = created(pair, declared(ENTITIES))
    pair.person("pause-map", ENTITIES)
    drifted = read(pair, stored)
    pair.person("start-map", ENTITIES)
    pair.forget()
    assert read(pair, drifted) == stored
    assert pair.said == []


def test_inputs_of_a_refresh_keep_what_is_declared_of_a_map_that_a_person_paused(pair: OnePair) -> None:
    inputs = declared(ENTITIES)
    stored = created(pair, inputs)
    pair.person("pause-map", ENTITIES)
    found = read(pair, stored)
    kept = live_inputs(PROVIDER, stored.model_dump(), found.model_dump())
    assert (kept["maps"], kept["drifted"]) == ({ENTITIES: "paused"}, {ENTITIES: "running"})
    wanted = inputs.model_copy(update={"catch_up": {ENTITIES: "discard"}})
    assert list(PROVIDER.problems(wanted, PROVIDER.inputs_of(kept))) == []
    (problem,) = PROVIDER.problems(wanted, declared(paused=ENTITIES))
    assert str(problem).startswith("DW-C02 ")
    pair.person("start-map", ENTITIES)
    assert "drifted" not in live_inputs(PROVIDER, found.model_dump(), read(pair, found).model_dump())


@pytest.mark.parametrize(
    ("word", "nearest"),
    [("not installed", "stopped"), ("initializing", "running"), ("resuming", "running"), ("paused", "paused")],
)
def test_states_that_nobody_declares_leave_the_old_inputs_comparable(word: str, nearest: str) -> None:
    kept = {**declared("a").model_dump(mode="json", exclude_none=True), "maps": {"a": word}}
    old = PROVIDER.old_inputs_of(kept)
    assert old is not None
    assert old.maps == {"a": nearest}
    assert PROVIDER.old_inputs_of({}) is None


def test_without_token_nothing_is_read(pair: OnePair, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = created(pair, declared(ENTITIES))
    monkeypatch.delenv("DUALWRITE_TOKEN")
    with pytest.raises(NotRead, match="DUALWRITE_TOKEN"):
        read(pair, stored)
    assert pair.wire.sent == []


def test_live_sync_is_gone_with_its_environment(pair: OnePair) -> None:
    stored = created(pair, declared(ENTITIES))
    pair.person("delete-environment")
    assert PROVIDER.on_read(IDENTIFIER, stored, pair.call()) is None


def test_lost_link_of_a_living_environment_is_an_error_not_gone(pair: OnePair) -> None:
    stored = created(pair, declared(ENTITIES))
    pair.fault("GET", LIST, status=404, body={"message": "Connection set was not found."})
    pair.fault("GET", LINKS, status=200, body=[])
    with pytest.raises(NotFound, match="knows no link"):
        read(pair, stored)


def test_link_with_a_new_id_is_found_by_its_host(pair: OnePair) -> None:
    stored = created(pair, declared(ENTITIES)).model_copy(update={"connection_id": "before-the-reset"})
    assert read(pair, stored).connection_id == pair.connection.cid


def test_map_that_left_the_declaration_is_stopped_only_if_started_here(pair: OnePair) -> None:
    pair.put(RUNNING, CURRENCIES, AFFIXES)
    stored = created(pair, declared(ENTITIES, CURRENCIES, AFFIXES))
    assert stored.started == [ENTITIES]
    after = updated(pair, stored, declared(AFFIXES))
    assert pair.asked == [("STOP", [ENTITIES])]
    assert (after.started, sorted(after.maps)) == ([], [AFFIXES])


def test_map_that_left_the_declaration_while_paused_stays_paused(pair: OnePair) -> None:
    pair.put(RUNNING, CURRENCIES)
    stored = created(pair, declared(ENTITIES, CURRENCIES))
    pair.person("pause-map", ENTITIES)
    after = updated(pair, stored, declared(CURRENCIES))
    assert pair.asked == []
    assert after.started == []
    assert pair.states[ENTITIES] == PAUSED


def test_map_only_the_service_asked_for_outlives_an_update(pair: OnePair) -> None:
    stored = created(pair, declared(PURPOSES))
    assert updated(pair, stored, declared(paused=PURPOSES)).started == [PURPOSES, HIERARCHY_TYPES]
    assert pair.asked == [("PAUSE", [PURPOSES])]


def test_delete_stops_everything_that_was_started_and_nothing_else(pair: OnePair) -> None:
    pair.put(RUNNING, CURRENCIES)
    stored = created(pair, declared(PURPOSES, CURRENCIES))
    deleted(pair, stored)
    assert pair.asked == [("STOP", [PURPOSES, HIERARCHY_TYPES])]
    assert pair.states == {PURPOSES: STOPPED, CURRENCIES: RUNNING, HIERARCHY_TYPES: STOPPED}


@pytest.mark.parametrize("names", [{}, {"cds": CDS}, {"cds": ENVIRONMENT_ID, "finops": f"{FINOPS}/"}])
def test_delete_leaves_what_this_run_declares_for_the_same_link(pair: OnePair, names: dict[str, str]) -> None:
    stored = created(pair, declared(PURPOSES, ENTITIES))
    noted(pair, declared(PURPOSES).model_copy(update=names))
    deleted(pair, stored)
    assert pair.asked == [("STOP", [ENTITIES])]
    assert pair.said[0] == "declared anew for the same link: only maps that are not declared any more are stopped"


def test_delete_stops_everything_when_this_run_declares_another_link_alone(pair: OnePair) -> None:
    stored = created(pair, declared(ENTITIES))
    noted(pair, declared(ENTITIES).model_copy(update={"cds": "somewhere-else"}))
    deleted(pair, stored)
    assert pair.states == {ENTITIES: STOPPED}


def test_refresh_stores_every_name_of_the_pair_that_older_code_did_not(pair: OnePair) -> None:
    stored = created(pair, declared(ENTITIES))
    older = stored.model_copy(update={"environment_id": "", "cds_url": ""})
    assert read(pair, older) == stored.model_copy(update={"cds_url": read(pair, older).cds_url})
    assert read(pair, older).cds_url.rstrip("/") == CDS == stored.cds_url


def noted(pair: OnePair, inputs: LiveSyncInputs) -> None:
    """What the check of a declaration in the same run leaves behind."""
    PROVIDER.noted(inputs, None, pair.call())


def test_delete_waits_for_a_map_that_is_still_catching_up(pair: OnePair) -> None:
    stored = created(pair, declared(ENTITIES))
    pair.put(MapState.CATCH_UP, ENTITIES)
    pair.wire.meanwhile(LIST, 3, lambda: pair.put(RUNNING, ENTITIES))
    deleted(pair, stored)
    assert pair.states[ENTITIES] == STOPPED


def test_paused_maps_stay_paused_when_deleted_and_are_named(pair: OnePair) -> None:
    stored = created(pair, declared(ENTITIES, CURRENCIES))
    pair.person("pause-map", CURRENCIES)
    deleted(pair, stored)
    assert pair.states == {ENTITIES: STOPPED, CURRENCIES: PAUSED}
    assert pair.said == [f"warning: 1 map is paused and left so: {CURRENCIES}"]


def test_delete_without_its_link_is_a_success(pair: OnePair) -> None:
    stored = created(pair, declared(ENTITIES))
    pair.person("delete-environment")
    deleted(pair, stored)


def test_another_gateway_is_an_update_that_is_recorded(pair: OnePair) -> None:
    inputs = declared(ENTITIES)
    stored = created(pair, inputs)
    other = inputs.model_copy(update={"gateway": "https://eu.example"})
    old, wanted = bags(other, stored)
    verdict = PROVIDER.diff(IDENTIFIER, old, wanted)
    assert (verdict.changes, verdict.replaces) == (None, [])
    assert updated(pair, stored, other).gateway == "https://eu.example"
    assert pair.asked == []


def test_refresh_adds_no_empty_lists_to_the_inputs(pair: OnePair) -> None:
    inputs = PROVIDER.check({"x": 1}, declared(ENTITIES).model_dump(exclude={"finops", "gateway"})).inputs
    stored = created(pair, declared(ENTITIES))
    outs = {**inputs, **stored.model_dump(mode="json", exclude_none=True)}
    assert live_inputs(PROVIDER, outs, outs) == inputs


def test_company_that_the_link_got_after_the_initial_sync_is_told_what_it_missed(pair: OnePair) -> None:
    inputs = inputs_of({GROUPS: "running"}, companies=["DAT"], initial_sync={GROUPS: "finops"})
    stored = created(pair, inputs)
    grown = inputs.model_copy(update={"companies": ["DAT", "USMF"]})
    updated(pair, stored, grown)
    (line,) = pair.said
    assert line.startswith("warning: rows that USMF had before are not copied: an initial sync runs once")
    pair.forget()
    updated(pair, stored, grown.model_copy(update={"resync": {GROUPS: "USMF"}}))
    assert not [line for line in pair.said if line.startswith("warning")]
