"""LiveSync with initial syncs and keys: done once, remembered, restored after a reset, undone on existing pairs."""

from typing import Any, ClassVar, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from emulator.dual_write.states import MapState
from providers.api.dual_write.actions import ActionDetail, MapAction
from providers.api.transport.errors import ApiError
from providers.live_sync import LiveSyncInputs, LiveSyncOutputs
from tests.support.live_sync import PROVIDER, read, updated
from tests.support.one_pair import (
    ABSENT,
    AFFIXES,
    CURRENCIES,
    ENTITIES,
    GROUPS,
    HIERARCHY_TYPES,
    IDENTIFIER,
    LEGAL_ENTITIES,
    OPERATING_UNITS,
    PAUSED,
    PURPOSES,
    RUNNING,
    STOPPED,
    VENDORS,
    OnePair,
    a_pair_with_maps,
)
from tests.support.prepared_tenants import PreparedTenants

LINK = "*/ConnectionSet/*"
BOTH = (LEGAL_ENTITIES, OPERATING_UNITS)
# The table of both.
TABLE = "msdyn_internalorganizations"
KEYS = {TABLE: ["msdyn_companycode", "msdyn_type"]}


pytestmark = pytest.mark.usefixtures("token")


def declared(*maps: str, **values: Any) -> LiveSyncInputs:
    """These maps, running, each with an initial sync from F&O unless the values say otherwise."""
    inputs = {
        "cloud": "public",
        "cds": "lamna-sales",
        "companies": ["DAT", "USMF"],
        "maps": dict.fromkeys(maps, "running"),
        "initial_sync": dict.fromkeys(maps, "finops"),
        **values,
    }
    return PROVIDER.normalise(LiveSyncInputs.model_validate(inputs))


def created(pair: OnePair, inputs: LiveSyncInputs, before: list[str] | None = None) -> LiveSyncOutputs:
    private = {} if before is None else {"running_before": before}
    return PROVIDER.on_create(inputs, pair.call(**private))[1]


def changes(inputs: LiveSyncInputs, found: LiveSyncOutputs) -> bool | None:
    bag = inputs.model_dump(mode="json", exclude_none=True)
    return PROVIDER.diff(IDENTIFIER, {**bag, **found.model_dump(mode="json", exclude_none=True)}, bag).changes


def break_vendors(pair: OnePair) -> None:
    """Two vendors of USMF have terms of payment that CDS lacks."""
    pair.rows.add("finops", "PaymentTerms", {"Name": "Net30"})
    pair.rows.change("finops", "VendorsV2", {"DefaultPaymentTermsName": "Net30"})


def mend_vendors(pair: OnePair) -> None:
    terms = {"msdyn_name": "Net30", "_msdyn_company_value": pair.rows.company_id("USMF")}
    pair.rows.add("dataverse", "msdyn_paymentterms", terms)


@pytest.fixture
def vendors(pair: OnePair) -> OnePair:
    """The pair with two vendors; what vendors need of other maps is there."""
    pair.put(RUNNING, CURRENCIES)
    pair.rows.add_vendors(("V-1", None), ("V-2", None))
    return pair


def test_initial_sync_is_reported_and_remembered(pair: OnePair) -> None:
    pair.put(RUNNING, ENTITIES)
    outputs = created(pair, declared(GROUPS, ENTITIES, resync={ENTITIES: "x"}))
    assert pair.said == [
        f"1 map is running already and not synced again; a new text in `resync` runs it: {ENTITIES}",
        f"initial sync of '{GROUPS}': USMF 31 rows",
    ]
    assert outputs.synced == {GROUPS: "", ENTITIES: "x"}
    assert outputs.initial_syncs == {GROUPS: {"DAT": {"upserts": 0, "errors": 0}, "USMF": {"upserts": 31, "errors": 0}}}
    assert outputs.ready is True


def test_nothing_is_synced_twice(pair: OnePair) -> None:
    inputs = declared(GROUPS)
    outputs = created(pair, inputs)
    assert created(pair, inputs).initial_syncs == outputs.initial_syncs
    pair.person("stop-map", GROUPS)
    assert updated(pair, read(pair, outputs), inputs).synced == {GROUPS: ""}
    assert pair.synced == [(GROUPS, "AX")]
    assert changes(inputs, read(pair, outputs)) is False


def test_new_text_syncs_the_map_once_more(pair: OnePair) -> None:
    stored = created(pair, declared(ENTITIES, GROUPS))
    pair.forget()
    inputs = declared(ENTITIES, GROUPS, resync={GROUPS: "2026-03"})
    assert changes(inputs, stored) is None
    outputs = updated(pair, stored, inputs)
    assert pair.asked == [("STOP", [GROUPS]), ("START", [GROUPS])]
    assert outputs.synced == {ENTITIES: "", GROUPS: "2026-03"}
    assert outputs.started == [ENTITIES, GROUPS]
    assert outputs.initial_syncs.keys() == {ENTITIES, GROUPS}


def test_new_text_is_served_once_by_every_map_although_one_fails(vendors: OnePair) -> None:
    stored = created(vendors, declared(GROUPS, VENDORS))
    vendors.put(STOPPED, VENDORS)
    break_vendors(vendors)
    vendors.put(RUNNING, VENDORS)
    inputs = declared(GROUPS, VENDORS, resync={GROUPS: "x", VENDORS: "x"})
    vendors.forget()
    for _ in range(2):
        with pytest.raises(ApiError, match=f"'{VENDORS}': initial sync failed"):
            updated(vendors, stored, inputs)
    mend_vendors(vendors)
    vendors.said.clear()
    outputs = updated(vendors, stored, inputs)
    assert [name for name, _ in vendors.synced] == [GROUPS, VENDORS, VENDORS, VENDORS]
    assert outputs.synced == {GROUPS: "x", VENDORS: "x"}
    assert vendors.said[0].endswith("USMF 31 rows, done before")
    assert outputs.sync_runs.keys() == {GROUPS, VENDORS}


def test_map_of_an_existing_pair_that_is_synced_again_is_not_ours_to_stop(pair: OnePair) -> None:
    pair.put(RUNNING, GROUPS)
    stored = created(pair, declared(GROUPS), before=[GROUPS])
    outputs = updated(pair, stored, declared(GROUPS, resync={GROUPS: "x"}))
    assert (outputs.started, outputs.synced) == ([], {GROUPS: "x"})
    assert pair.synced == [(GROUPS, "AX")]


def test_failed_sync_ends_the_run_with_its_reason_and_the_next_run_tries_again(vendors: OnePair) -> None:
    inputs = declared(GROUPS, VENDORS)
    break_vendors(vendors)
    with pytest.raises(ApiError) as caught:
        created(vendors, inputs)
    text = str(caught.value)
    failed = "initial sync failed for USMF with 2 errors: Couldn't resolve the guid for the field: msdyn_paymentterms."
    assert text.startswith(f"1 of 2 maps is not as declared: '{VENDORS}': {failed}")
    assert "The lookup value was not found: Net30. " in text
    assert text.endswith(
        "A referenced row is missing, refers to itself, or refers back. "
        "Sync the rows that it refers to first, then run `up` again."
    )
    assert vendors.said[-1].startswith(f"warning: map '{VENDORS}': {failed}")
    mend_vendors(vendors)
    outputs = created(vendors, inputs)
    assert sorted(vendors.synced) == [(GROUPS, "AX"), (VENDORS, "AX"), (VENDORS, "AX")]
    assert outputs.initial_syncs.keys() == {GROUPS, VENDORS}


def test_stopped_map_waits_with_its_initial_sync(pair: OnePair) -> None:
    stored = created(pair, declared(GROUPS, maps={GROUPS: "stopped"}))
    assert (stored.synced, pair.synced) == ({}, [])
    assert updated(pair, stored, declared(GROUPS)).synced == {GROUPS: ""}


def test_texts_and_syncs_of_undeclared_maps_are_refused() -> None:
    problems = list(PROVIDER.problems(declared("a", resync={"z": "x"}), None))
    assert [(problem.path, problem.text) for problem in problems] == [("resync['z']", "is no map of `maps`")]


def test_keys_are_set_before_the_first_start(pair: OnePair) -> None:
    outputs = created(pair, declared(LEGAL_ENTITIES, integration_keys=KEYS))
    assert pair.keys_set == [KEYS]
    assert outputs.integration_keys == KEYS
    assert pair.said[0] == f"integration keys set: {TABLE}"
    ends = [each.path.rpartition("/")[2] for each in pair.wire.sent]
    assert ends.index("IntegrationKeys") < ends.index("Start")


def test_keys_that_mean_the_same_are_left_alone(pair: OnePair) -> None:
    inputs = declared(LEGAL_ENTITIES, integration_keys=KEYS)
    pair.set_key(TABLE, "MSDYN_type", "msdyn_companycode")
    outputs = created(pair, inputs)
    assert (pair.keys_set, outputs.integration_keys) == ([], KEYS)
    assert changes(inputs, read(pair, outputs)) is False


def test_key_that_cannot_be_set_stops_no_map(pair: OnePair) -> None:
    pair.put(RUNNING, LEGAL_ENTITIES)
    pair.wire.alter(LINK, lambda link: {**link, "environments": {}})
    with pytest.raises(ApiError, match=f"the link '{pair.connection.cname}' does not show its Dataverse side"):
        created(pair, declared(LEGAL_ENTITIES, integration_keys=KEYS, initial_sync={}))
    assert pair.asked == []


def test_running_maps_of_a_table_stop_for_a_new_key_and_run_again(pair: OnePair) -> None:
    pair.put(RUNNING, *BOTH, GROUPS)
    inputs = declared(LEGAL_ENTITIES, GROUPS, integration_keys=KEYS, initial_sync={})
    outputs = created(pair, inputs, before=[*BOTH, GROUPS])
    assert pair.asked == [("STOP", [*BOTH]), ("START", [*BOTH])]
    assert outputs.started == []


def test_refused_key_leaves_no_live_map_stopped(pair: OnePair) -> None:
    pair.put(RUNNING, *BOTH)
    pair.set_key(TABLE)
    stored = created(pair, declared(LEGAL_ENTITIES, initial_sync={}), before=[*BOTH])
    pair.fault("POST", "*/IntegrationKeys", status=200, body={})
    inputs = declared(LEGAL_ENTITIES, GROUPS, initial_sync={GROUPS: "finops"}, integration_keys=KEYS)
    with pytest.raises(ApiError, match=rf"the integration key of '{TABLE}' is \[\] after it was set"):
        updated(pair, stored, inputs)
    assert pair.states == dict.fromkeys(BOTH, RUNNING)
    assert updated(pair, stored, inputs).integration_keys == KEYS
    assert pair.states == dict.fromkeys((GROUPS, *BOTH), RUNNING)


def test_maps_that_a_killed_creation_stopped_for_a_key_run_again(pair: OnePair) -> None:
    pair.put(STOPPED, *BOTH, GROUPS)
    pair.set_key(TABLE, *KEYS[TABLE])
    outputs = created(pair, declared(LEGAL_ENTITIES, integration_keys=KEYS, initial_sync={}), before=[*BOTH])
    assert pair.states == {GROUPS: STOPPED, **dict.fromkeys(BOTH, RUNNING)}
    assert outputs.started == []


def test_maps_that_a_killed_update_stopped_for_a_key_run_again(pair: OnePair) -> None:
    pair.put(RUNNING, *BOTH, GROUPS)
    stored = created(pair, declared(LEGAL_ENTITIES, initial_sync={}))
    details = [ActionDetail(tid=one.active, pid=one.pid) for one in map(pair.stored, BOTH)]
    pair.call().session("public").dual_write.start_action(pair.connection.cid, MapAction.STOP, details)
    pair.set_key(TABLE, *KEYS[TABLE])
    outputs = updated(pair, stored, declared(LEGAL_ENTITIES, integration_keys=KEYS, initial_sync={}))
    assert pair.states == dict.fromkeys((GROUPS, *BOTH), RUNNING)
    assert outputs.ready is True


def test_map_that_a_person_stopped_is_left_alone_and_what_cannot_be_known_is_named(pair: OnePair) -> None:
    pair.put(RUNNING, *BOTH)
    stored = created(pair, declared(LEGAL_ENTITIES, initial_sync={}))
    for name in BOTH:
        pair.person("stop-map", name)
    pair.set_key(TABLE, *KEYS[TABLE])
    updated(pair, stored, declared(LEGAL_ENTITIES, integration_keys=KEYS, initial_sync={}))
    assert pair.states == {LEGAL_ENTITIES: RUNNING, OPERATING_UNITS: STOPPED}
    unknown = f"{OPERATING_UNITS} stopped: whether an earlier run of this stack did that cannot be known"
    assert unknown in pair.said[0]


def test_drift_of_a_key_is_named_by_every_refresh_and_mended(pair: OnePair) -> None:
    inputs = declared(LEGAL_ENTITIES, integration_keys=KEYS)
    stored = created(pair, inputs)
    pair.set_key(TABLE, "msdyn_name")
    pair.said.clear()
    found = read(pair, read(pair, stored))
    text = f"warning: DW-W03 integration key of '{TABLE}' is [msdyn_name], not [msdyn_companycode, msdyn_type]"
    assert pair.said == [text, text]
    assert (found.integration_keys, found.drifted_keys, found.ready) == ({TABLE: ["msdyn_name"]}, KEYS, False)
    assert changes(inputs, found) is None
    mended = updated(pair, found, inputs)
    assert (mended.integration_keys, mended.drifted_keys, mended.ready) == (KEYS, {}, True)
    assert pair.synced == [(LEGAL_ENTITIES, "AX")]


def test_refresh_reads_the_link_for_declared_keys_and_companies_alone(pair: OnePair) -> None:
    assert read(pair, created(pair, declared(ENTITIES))).companies == ["DAT", "USMF"]
    stored = created(pair, declared(ENTITIES, companies="as-linked"))
    pair.forget()
    assert read(pair, stored) == stored
    assert pair.wire.count(LINK) == 0


def test_everything_is_restored_after_a_reset(pair: OnePair) -> None:
    inputs = declared(LEGAL_ENTITIES, GROUPS, integration_keys=KEYS, companies=["DAT"])
    stored = created(pair, inputs)
    pair.person("reset-link")
    pair.restore_maps()
    more = declared(LEGAL_ENTITIES, GROUPS, integration_keys=KEYS)
    assert changes(more, stored) is None
    pair.said.clear()
    outputs = updated(pair, stored, more)
    assert pair.states == {LEGAL_ENTITIES: RUNNING, GROUPS: RUNNING}
    assert (outputs.started, outputs.companies) == ([GROUPS, LEGAL_ENTITIES], ["DAT", "USMF"])
    assert pair.connection.integration_keys[TABLE] == KEYS[TABLE]
    assert len(pair.synced) == 4
    assert pair.said[-1] == "restored after reset: 2 maps started, 2 initial syncs, 1 integration keys"


def test_maps_that_a_reset_took_away_are_named_by_every_refresh(pair: OnePair) -> None:
    pair.put(RUNNING, CURRENCIES)
    stored = created(pair, declared(ENTITIES, CURRENCIES, ABSENT, initial_sync={}))
    pair.said.clear()
    assert read(pair, stored).ready is True
    pair.remove_map(ENTITIES)
    found = read(pair, read(pair, stored))
    text = f"warning: DW-W02 1 map is not installed any more: {ENTITIES}. `up` applies the map solutions of the stack "
    assert [line.startswith(text) for line in pair.said] == [True, True]
    assert (found.ready, found.maps[ENTITIES], found.drifted, found.not_installed) == (
        False, "not installed", {ENTITIES: "running"}, [ABSENT],
    )  # fmt: skip
    pair.remove_map(CURRENCIES)
    assert read(pair, stored.model_copy(update={"started": []})).ready is False


def test_initial_write_for_an_added_company_is_waited_for(pair: OnePair) -> None:
    stored = created(pair, declared(GROUPS))
    pair.world.tenant.switches.set("dual_write_sync_base_duration", 300)
    pair.add_company("DEMF")
    assert pair.states[GROUPS] == MapState.INITIAL_SYNC
    pair.forget()
    outputs = updated(pair, stored, declared(GROUPS, companies=["DAT", "DEMF", "USMF"]))
    assert (outputs.maps, pair.asked) == ({GROUPS: "running"}, [])


def test_companies_as_linked_are_no_difference_and_counted(pair: OnePair) -> None:
    inputs = declared(ENTITIES, companies="as-linked")
    outputs = created(pair, inputs)
    assert outputs.companies == "as-linked"
    pair.add_company("DEMF")
    assert changes(inputs, read(pair, outputs)) is False


def test_limit_of_companies_as_linked_holds_for_syncs_that_are_left_to_do(pair: OnePair) -> None:
    stored = created(pair, declared(ENTITIES, companies="as-linked"))
    few = {"companies": "as-linked", "initial_sync_companies_limit": 1}
    assert updated(pair, stored, declared(ENTITIES, **few)).ready is True
    with pytest.raises(ApiError, match=r"2 companies are linked, and an initial sync takes 1 at most\. Link fewer"):
        updated(pair, stored, declared(ENTITIES, GROUPS, **few))
    assert pair.states == {ENTITIES: RUNNING}


STARTED = [PURPOSES, HIERARCHY_TYPES]


@pytest.mark.parametrize(
    ("before", "started"),
    [(None, STARTED), ([], [*STARTED, AFFIXES, CURRENCIES]), ([AFFIXES, CURRENCIES], STARTED)],
)
def test_started_is_what_did_not_run_before_this_stack(
    pair: OnePair, before: list[str] | None, started: list[str]
) -> None:
    pair.put(RUNNING, AFFIXES, ENTITIES)
    pair.put(PAUSED, CURRENCIES)
    inputs = declared(PURPOSES, AFFIXES, CURRENCIES, initial_sync={})
    assert created(pair, inputs, before=before).started == started


def test_extras_of_a_killed_creation_are_known_again(pair: OnePair) -> None:
    pair.put(RUNNING, PURPOSES, HIERARCHY_TYPES)
    outputs = created(pair, declared(PURPOSES, initial_sync={}), before=[])
    assert (outputs.started, outputs.started_for_service, pair.asked) == (STARTED, [HIERARCHY_TYPES], [])


def test_old_state_without_the_new_outputs_still_reads(pair: OnePair) -> None:
    inputs = declared(ENTITIES, initial_sync={})
    stored = created(pair, inputs)
    old = LiveSyncOutputs.model_validate(
        stored.model_dump(
            exclude={"synced", "sync_runs", "initial_syncs", "drifted_keys", "connection_name", "integration_keys"}
        )
    )
    assert changes(inputs, read(pair, old)) is False


class Stack(RuleBasedStateMachine):
    """A stack whose texts, keys and maps change while people stop maps, and reset the link behind its back."""

    names = (HIERARCHY_TYPES, PURPOSES, LEGAL_ENTITIES)
    tenants: ClassVar[PreparedTenants]

    def __init__(self) -> None:
        super().__init__()
        self.pair = OnePair(self.tenants.copy(a_pair_with_maps, self.names))
        self.texts: dict[str, str] = {}
        self.keys: dict[str, list[str]] = {}
        self.chosen = set(self.names)
        self.stored: LiveSyncOutputs | None = None
        self.settled = False

    def declaration(self) -> LiveSyncInputs:
        texts = {name: text for name, text in self.texts.items() if name in self.chosen}
        return declared(*sorted(self.chosen), resync=texts, integration_keys=self.keys)

    @initialize()
    def create(self) -> None:
        self.stored = created(self.pair, self.declaration())
        self.settled = True

    @rule(name=st.sampled_from(names), text=st.sampled_from(["", "x", "y"]))
    def another_text(self, name: str, text: str) -> None:
        self.texts[name] = text
        self.settled = False

    @rule(columns=st.sampled_from([["msdyn_companycode"], ["msdyn_name", "msdyn_companycode"]]))
    def other_keys(self, columns: list[str]) -> None:
        self.keys = {TABLE: columns}
        self.settled = False

    @rule(name=st.sampled_from([PURPOSES, LEGAL_ENTITIES]))
    def map_leaves_or_comes(self, name: str) -> None:
        self.chosen ^= {name}
        self.settled = False

    @rule(name=st.sampled_from(names))
    def person_stops_a_map(self, name: str) -> None:
        if self.pair.states.get(name) == RUNNING:
            self.pair.person("stop-map", name)
            self.settled = False

    @rule()
    def link_is_reset(self) -> None:
        self.pair.person("reset-link")
        self.pair.restore_maps(self.names)
        self.settled = False

    @rule()
    def up(self) -> None:
        assert self.stored is not None
        self.stored = updated(self.pair, read(self.pair, self.stored), self.declaration())
        self.settled = True

    @precondition(lambda self: cast("Stack", self).settled)
    @rule()
    def second_up_does_nothing(self) -> None:
        assert self.stored is not None
        self.pair.forget()
        assert changes(self.declaration(), read(self.pair, self.stored)) is False
        updated(self.pair, self.stored, self.declaration())
        assert (self.pair.asked, self.pair.keys_set) == ([], [])

    @invariant()
    def settled_means_as_declared(self) -> None:
        if not self.settled or self.stored is None:
            return
        assert {name for name, state in self.pair.states.items() if state == RUNNING} == self.chosen
        assert self.stored.synced.keys() == self.chosen
        assert set(self.stored.started) == self.chosen
        for name, text in self.texts.items():
            assert not text or name not in self.chosen or self.stored.synced[name] == text


@pytest.fixture(scope="module", autouse=True)
def three_maps(tenants: PreparedTenants) -> None:
    """The machine works on copies of a pair with its three maps alone."""
    Stack.tenants = tenants


TestStack = Stack.TestCase
TestStack.settings = settings(max_examples=10, stateful_step_count=20)


def test_side_that_all_maps_share_is_one_word_in_previews() -> None:
    assert declared("a", "b").initial_sync == "finops"
    assert declared("a", "b").masters == {"a": "finops", "b": "finops"}
    mixed = LiveSyncInputs.model_validate(
        {"cloud": "emulator", "cds": "x", "maps": {"b": "running", "a": "running"}, "initial_sync": {"b": "cds"}}
    )
    assert PROVIDER.normalise(mixed).initial_sync == {"b": "cds"}
