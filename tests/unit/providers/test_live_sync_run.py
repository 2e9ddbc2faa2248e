"""LiveSync with initial syncs and keys: done once, remembered, restored after a reset, undone on existing pairs."""

import dataclasses
from typing import Any, cast

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from providers.api.dual_write.models import ActionDetail, ConnectionSet, MapAction
from providers.api.transport.errors import ApiError
from providers.live_sync import LiveSyncInputs, LiveSyncOutputs, LiveSyncProvider
from providers.protocol.base import Call
from tests.unit.providers.fake_link import FINOPS_HOST, FakeLink, LinkSession
from tests.unit.providers.fake_services import ENVIRONMENT_ID

PROVIDER = LiveSyncProvider()
IDENTIFIER = f"{FINOPS_HOST}/{ENVIRONMENT_ID}"
VENDORS = "msdyn_vendors - Vendors V2"
ACCOUNTS, GROUPS = "accounts - Customers V3", "msdyn_customergroups - Customer groups"


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use")


def declared(*maps: str, **values: Any) -> LiveSyncInputs:
    """These maps, running, each with an initial sync from F&O unless the values say otherwise."""
    inputs = {
        "cloud": "emulator",
        "cds": "contoso-uat",
        "companies": ["DAT"],
        "maps": dict.fromkeys(maps, "running"),
        "initial_sync": dict.fromkeys(maps, "finops"),
        **values,
    }
    return PROVIDER.normalise(LiveSyncInputs.model_validate(inputs))


def a_pair(maps: dict[str, str], **options: Any) -> LinkSession:
    return LinkSession(FakeLink(maps, **options))


def with_hidden(call: Call, before: list[str]) -> Call:
    return dataclasses.replace(call, private={"running_before": before})


def created(
    session: LinkSession, inputs: LiveSyncInputs, said: list[str] | None = None, before: list[str] | None = None
) -> LiveSyncOutputs:
    call = session.call(said)
    return PROVIDER.on_create(inputs, call if before is None else with_hidden(call, before))[1]


def updated(
    session: LinkSession, stored: LiveSyncOutputs, inputs: LiveSyncInputs, said: list[str] | None = None
) -> LiveSyncOutputs:
    return PROVIDER.on_update(IDENTIFIER, stored, inputs, session.call(said))


def read(session: LinkSession, stored: LiveSyncOutputs, said: list[str] | None = None) -> LiveSyncOutputs:
    held = PROVIDER.on_read(IDENTIFIER, stored, session.call(said))
    assert held is not None
    return held


def changes(inputs: LiveSyncInputs, held: LiveSyncOutputs) -> bool | None:
    bag = inputs.model_dump(mode="json", exclude_none=True)
    return PROVIDER.diff(IDENTIFIER, {**bag, **held.model_dump(mode="json", exclude_none=True)}, bag).changes


def test_initial_sync_is_reported_and_remembered() -> None:
    said: list[str] = []
    session = a_pair({"a": "none", "b": "4"})
    held = created(session, declared("a", "b", resync={"b": "x"}), said)
    assert said == [
        "1 map is running already and not synced again; a new text in `resync` runs it: b",
        "initial sync of 'a': USMF 31 rows",
    ]
    assert held.synced == {"a": "", "b": "x"}
    assert held.initial_syncs == {"a": {"DAT": {"upserts": 0, "errors": 0}, "USMF": {"upserts": 31, "errors": 0}}}
    assert held.ready is True


def test_nothing_is_synced_twice() -> None:
    session, inputs = a_pair({"a": "none"}), declared("a")
    held = created(session, inputs)
    assert created(session, inputs).initial_syncs == held.initial_syncs
    session.dual_write.states["a"] = "1"
    assert updated(session, read(session, held), inputs).synced == {"a": ""}
    assert session.dual_write.syncs == [("a", "AX")]
    assert changes(inputs, read(session, held)) is False


def test_new_text_syncs_the_map_once_more() -> None:
    session = a_pair({"a": "none", "b": "none"})
    stored = created(session, declared("a", "b"))
    session.dual_write.sent.clear()
    inputs = declared("a", "b", resync={"b": "2026-03"})
    assert changes(inputs, stored) is None
    held = updated(session, stored, inputs)
    assert session.dual_write.sent == [("STOP", ["b"]), ("START", ["b"])]
    assert held.synced == {"a": "", "b": "2026-03"}
    assert held.started == ["a", "b"]
    assert held.initial_syncs.keys() == {"a", "b"}


def test_new_text_is_served_once_by_every_map_although_one_fails() -> None:
    session = a_pair({"a": "none", "b": "none"})
    stored = created(session, declared("a", "b"))
    session.dual_write.sync_errors["b"] = [(2, "Invalid text"), (2, "Invalid text")]
    inputs, said = declared("a", "b", resync={"a": "x", "b": "x"}), list[str]()
    session.dual_write.syncs.clear()
    for _ in range(2):
        with pytest.raises(ApiError, match="'b': initial sync failed"):
            updated(session, stored, inputs)
    held = updated(session, stored, inputs, said)
    assert [name for name, _ in session.dual_write.syncs] == ["a", "b", "b", "b"]
    assert held.synced == {"a": "x", "b": "x"}
    assert said[0].endswith("USMF 31 rows, done before")
    assert held.sync_runs.keys() == {"a", "b"}


def test_map_of_an_existing_pair_that_is_synced_again_is_not_ours_to_stop() -> None:
    session = a_pair({"a": "4"})
    stored = created(session, declared("a"), before=["a"])
    held = updated(session, stored, declared("a", resync={"a": "x"}))
    assert (held.started, held.synced) == ([], {"a": "x"})
    assert session.dual_write.syncs == [("a", "AX")]


def test_failed_sync_ends_the_run_with_its_reason_and_the_next_run_tries_again() -> None:
    said: list[str] = []
    session, inputs = a_pair({"a": "none", "b": "none"}), declared("a", "b")
    session.dual_write.sync_errors["a"] = [(3, "The lookup value was not found: 7 in b")]
    with pytest.raises(ApiError) as caught:
        created(session, inputs, said)
    assert str(caught.value) == (
        "1 of 2 maps is not as declared: 'a': initial sync failed for USMF with 3 errors: "
        "The lookup value was not found: 7 in b. A referenced row is missing, refers to itself, or refers back. "
        "Sync the rows that it refers to first, then run `up` again."
    )
    assert said[-1].startswith("warning: map 'a': initial sync failed for USMF with 3 errors: ")
    held = created(session, inputs)
    assert sorted(session.dual_write.syncs) == [("a", "AX"), ("a", "AX"), ("b", "AX")]
    assert held.initial_syncs.keys() == {"a", "b"}


def test_stopped_map_waits_with_its_initial_sync() -> None:
    session = a_pair({"a": "none"})
    stored = created(session, declared("a", maps={"a": "stopped"}))
    assert (stored.synced, session.dual_write.syncs) == ({}, [])
    assert updated(session, stored, declared("a")).synced == {"a": ""}


def test_texts_and_syncs_of_undeclared_maps_are_refused() -> None:
    problems = list(PROVIDER.problems(declared("a", resync={"z": "x"}), None))
    assert [(problem.path, problem.text) for problem in problems] == [("resync['z']", "is no map of `maps`")]


KEYS = {"accounts": ["accountnumber", "msdyn_company.cdm_companycode"]}


def test_keys_are_set_before_the_first_start() -> None:
    said: list[str] = []
    session = a_pair({ACCOUNTS: "none"})
    held = created(session, declared(ACCOUNTS, integration_keys=KEYS), said)
    assert session.dual_write.keys_set == [KEYS]
    assert held.integration_keys == KEYS
    assert said[0] == "integration keys set: accounts"


def test_keys_that_mean_the_same_are_left_alone() -> None:
    session, inputs = a_pair({ACCOUNTS: "none"}), declared(ACCOUNTS, integration_keys=KEYS)
    session.dual_write.keys = {"accounts": ["MSDYN_company.cdm_companycode", "accountnumber"]}
    held = created(session, inputs)
    assert (session.dual_write.keys_set, held.integration_keys) == ([], KEYS)
    assert changes(inputs, read(session, held)) is False


def test_key_that_cannot_be_set_stops_no_map(monkeypatch: pytest.MonkeyPatch) -> None:
    session = a_pair({ACCOUNTS: "4"})
    monkeypatch.setattr(session.dual_write, "connection_set", lambda cname, **_options: ConnectionSet(name=cname))
    with pytest.raises(ApiError, match="the link 'cname-1' does not show its Dataverse side"):
        created(session, declared(ACCOUNTS, integration_keys=KEYS, initial_sync={}))
    assert session.dual_write.sent == []


def test_running_maps_of_a_table_stop_for_a_new_key_and_run_again() -> None:
    session = a_pair({ACCOUNTS: "4", "accounts - Other": "4", GROUPS: "4"})
    inputs = declared(ACCOUNTS, GROUPS, integration_keys=KEYS, initial_sync={})
    held = created(session, inputs, before=[ACCOUNTS, "accounts - Other", GROUPS])
    assert session.dual_write.sent == [
        ("STOP", [ACCOUNTS, "accounts - Other"]),
        ("START", [ACCOUNTS, "accounts - Other"]),
    ]
    assert held.started == []


def test_refused_key_leaves_no_live_map_stopped() -> None:
    session = a_pair({ACCOUNTS: "4", "accounts - Other": "4", GROUPS: "none"})
    stored = created(session, declared(ACCOUNTS, initial_sync={}), before=[ACCOUNTS, "accounts - Other"])
    session.dual_write.deaf_keys = True
    inputs = declared(ACCOUNTS, GROUPS, initial_sync={GROUPS: "finops"}, integration_keys=KEYS)
    with pytest.raises(ApiError, match=r"the integration key of 'accounts' is \[\] after it was set"):
        updated(session, stored, inputs)
    assert session.dual_write.states == {ACCOUNTS: "4", "accounts - Other": "4", GROUPS: "none"}
    session.dual_write.deaf_keys = False
    assert updated(session, stored, inputs).integration_keys == KEYS
    assert session.dual_write.states == dict.fromkeys((ACCOUNTS, "accounts - Other", GROUPS), "4")


def test_maps_that_a_killed_creation_stopped_for_a_key_run_again() -> None:
    session = a_pair({ACCOUNTS: "1", "accounts - Other": "1", GROUPS: "1"})
    session.dual_write.keys = dict(KEYS)
    inputs = declared(ACCOUNTS, integration_keys=KEYS, initial_sync={})
    held = created(session, inputs, before=[ACCOUNTS, "accounts - Other"])
    assert session.dual_write.states == {ACCOUNTS: "4", "accounts - Other": "4", GROUPS: "1"}
    assert held.started == []


def test_maps_that_a_killed_update_stopped_for_a_key_run_again() -> None:
    session = a_pair({ACCOUNTS: "4", "accounts - Other": "4", GROUPS: "4"})
    stored = created(session, declared(ACCOUNTS, initial_sync={}))
    both = session.dual_write.maps("cid")[:2]
    details = [ActionDetail(tid=status.detail.tid, pid=status.detail.pid) for status in both]
    session.dual_write.start_action("cid", MapAction.STOP, details)
    session.dual_write.keys = dict(KEYS)
    held = updated(session, stored, declared(ACCOUNTS, integration_keys=KEYS, initial_sync={}))
    assert session.dual_write.states == {ACCOUNTS: "4", "accounts - Other": "4", GROUPS: "4"}
    assert held.ready is True


def test_map_that_a_person_stopped_is_left_alone_and_what_cannot_be_known_is_named() -> None:
    session, said = a_pair({ACCOUNTS: "4", "accounts - Other": "4"}), list[str]()
    stored = created(session, declared(ACCOUNTS, initial_sync={}))
    for status in session.dual_write.maps("cid"):
        detail = ActionDetail(tid=status.detail.tid, pid=status.detail.pid)
        session.dual_write.start_action("cid", MapAction.STOP, [detail])
    session.dual_write.keys = dict(KEYS)
    updated(session, stored, declared(ACCOUNTS, integration_keys=KEYS, initial_sync={}), said)
    assert session.dual_write.states == {ACCOUNTS: "4", "accounts - Other": "1"}
    assert "accounts - Other stopped: whether an earlier run of this stack did that cannot be known" in said[0]


def test_drift_of_a_key_is_named_by_every_refresh_and_mended() -> None:
    said: list[str] = []
    session, inputs = a_pair({ACCOUNTS: "none"}), declared(ACCOUNTS, integration_keys=KEYS)
    stored = created(session, inputs)
    session.dual_write.keys = {"accounts": ["name"]}
    held = read(session, read(session, stored, said), said)
    text = "warning: DW-W03 integration key of 'accounts' is [name], not [accountnumber, msdyn_company.cdm_companycode]"
    assert said == [text, text]
    assert (held.integration_keys, held.drifted_keys, held.ready) == ({"accounts": ["name"]}, KEYS, False)
    assert changes(inputs, held) is None
    mended = updated(session, held, inputs)
    assert (mended.integration_keys, mended.drifted_keys, mended.ready) == (KEYS, {}, True)
    assert session.dual_write.syncs == [(ACCOUNTS, "AX")]


def test_refresh_reads_the_link_for_declared_keys_and_companies_alone() -> None:
    session = a_pair({"a": "none"})
    assert read(session, created(session, declared("a"))).companies == ["DAT"]
    stored = created(session, declared("a", companies="as-linked"))
    before = session.dual_write.read
    assert read(session, stored) == stored
    assert session.dual_write.read == before


def test_everything_is_restored_after_a_reset() -> None:
    said: list[str] = []
    session, inputs = a_pair({ACCOUNTS: "none", GROUPS: "none"}), declared(ACCOUNTS, GROUPS, integration_keys=KEYS)
    stored = created(session, inputs)
    fake = session.dual_write
    fake.keys, fake.runs, fake.states = {}, {}, {ACCOUNTS: "none", GROUPS: "none"}
    fake.pids = {ACCOUNTS: None, GROUPS: None}
    more = declared(ACCOUNTS, GROUPS, integration_keys=KEYS, companies=["DAT", "USMF"])
    assert changes(more, stored) is None
    held = updated(session, stored, more, said)
    assert fake.states == {ACCOUNTS: "4", GROUPS: "4"}
    assert (fake.keys, held.started, held.companies) == (KEYS, [ACCOUNTS, GROUPS], ["DAT", "USMF"])
    assert len(fake.syncs) == 4
    assert said[-1] == "restored after reset: 2 maps started, 2 initial syncs, 1 integration keys"


def test_maps_that_a_reset_took_away_are_named_by_every_refresh() -> None:
    said: list[str] = []
    session = a_pair({"a": "none", "b": "4"})
    stored = created(session, declared("a", "b", VENDORS, initial_sync={}))
    assert read(session, stored, said).ready is True
    del session.dual_write.states["a"]
    held = read(session, read(session, stored, said), said)
    text = "warning: DW-W02 1 map is not installed any more: a. `up` applies the map solutions of the stack again, "
    assert [line.startswith(text) for line in said] == [True, True]
    assert (held.ready, held.maps["a"], held.drifted, held.not_installed) == (
        False, "not installed", {"a": "running"}, [VENDORS],
    )  # fmt: skip
    del session.dual_write.states["b"]
    assert read(session, stored.model_copy(update={"started": []})).ready is False


def test_initial_write_for_an_added_company_is_waited_for() -> None:
    session = a_pair({"a": "none"})
    stored = created(session, declared("a"))
    session.dual_write.states["a"] = "2"
    session.dual_write._due.append((session.dual_write.lists + 4, "a", "4"))
    session.dual_write.sent.clear()
    held = updated(session, stored, declared("a", companies=["DAT", "USMF"]))
    assert (held.maps, session.dual_write.sent) == ({"a": "running"}, [])


def test_companies_as_linked_are_no_difference_and_counted() -> None:
    session, inputs = a_pair({"a": "none"}), declared("a", companies="as-linked")
    held = created(session, inputs)
    assert held.companies == "as-linked"
    session.dual_write.companies = ["DAT", "USMF"]
    assert changes(inputs, read(session, held)) is False


def test_limit_of_companies_as_linked_holds_for_syncs_that_are_left_to_do() -> None:
    session = a_pair({"a": "none", "b": "none"})
    stored = created(session, declared("a", companies="as-linked"))
    session.dual_write.companies = ["DAT", "USMF"]
    few = {"companies": "as-linked", "initial_sync_companies_limit": 1}
    assert updated(session, stored, declared("a", **few)).ready is True
    with pytest.raises(ApiError, match=r"2 companies are linked, and an initial sync takes 1 at most\. Link fewer"):
        updated(session, stored, declared("a", "b", **few))
    assert session.dual_write.states["b"] == "none"


@pytest.mark.parametrize(
    ("before", "started"), [(None, ["a", "d"]), ([], ["a", "b", "c", "d"]), (["b", "c"], ["a", "d"])]
)
def test_started_is_what_did_not_run_before_this_stack(before: list[str] | None, started: list[str]) -> None:
    session = a_pair({"a": "none", "b": "4", "c": "5", "d": "none", "e": "4"}, needs={"a": ["d"]})
    inputs = declared("a", "b", "c", initial_sync={})
    assert created(session, inputs, before=before).started == started


def test_extras_of_a_killed_creation_are_known_again() -> None:
    session = a_pair({"a": "4", "extra": "4"}, needs={"a": ["extra"]})
    held = created(session, declared("a", initial_sync={}), before=[])
    assert (held.started, held.started_for_service, session.dual_write.sent) == (["a", "extra"], ["extra"], [])


def test_old_state_without_the_new_outputs_still_reads() -> None:
    session, inputs = a_pair({"a": "4"}), declared("a", initial_sync={})
    stored = created(session, inputs)
    old = LiveSyncOutputs.model_validate(
        stored.model_dump(
            exclude={"synced", "sync_runs", "initial_syncs", "drifted_keys", "connection_name", "integration_keys"}
        )
    )
    assert changes(inputs, read(session, old)) is False


class Stack(RuleBasedStateMachine):
    """A stack whose texts, keys and maps change while people pause, stop, and reset behind its back."""

    names = ("a", "b", ACCOUNTS)

    def __init__(self) -> None:
        super().__init__()
        self.session = a_pair(dict.fromkeys(self.names, "none"), needs={"b": ["a"]})
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
        self.stored = created(self.session, self.declaration())
        self.settled = True

    @rule(name=st.sampled_from(names), text=st.sampled_from(["", "x", "y"]))
    def another_text(self, name: str, text: str) -> None:
        self.texts[name] = text
        self.settled = False

    @rule(columns=st.sampled_from([["accountnumber"], ["name", "accountnumber"]]))
    def other_keys(self, columns: list[str]) -> None:
        self.keys = {"accounts": columns}
        self.settled = False

    @rule(name=st.sampled_from(["b", ACCOUNTS]))
    def map_leaves_or_comes(self, name: str) -> None:
        self.chosen ^= {name}
        self.settled = False

    @rule(name=st.sampled_from(names))
    def person_stops_a_map(self, name: str) -> None:
        if self.session.dual_write.states[name] == "4":
            self.session.dual_write.states[name] = "1"
            self.settled = False

    @rule()
    def link_is_reset(self) -> None:
        fake = self.session.dual_write
        fake.keys, fake.runs = {}, {}
        fake.states, fake.pids = dict.fromkeys(self.names, "none"), dict.fromkeys(self.names)
        self.settled = False

    @rule()
    def up(self) -> None:
        assert self.stored is not None
        self.stored = updated(self.session, read(self.session, self.stored), self.declaration())
        self.settled = True

    @precondition(lambda self: cast("Stack", self).settled)
    @rule()
    def second_up_does_nothing(self) -> None:
        assert self.stored is not None
        fake = self.session.dual_write
        sent, keys = len(fake.sent), len(fake.keys_set)
        assert changes(self.declaration(), read(self.session, self.stored)) is False
        updated(self.session, self.stored, self.declaration())
        assert (len(fake.sent), len(fake.keys_set)) == (sent, keys)

    @invariant()
    def settled_means_as_declared(self) -> None:
        if not self.settled or self.stored is None:
            return
        fake = self.session.dual_write
        assert {name for name in self.names if fake.states[name] == "4"} == self.chosen
        assert self.stored.synced.keys() == self.chosen
        assert set(self.stored.started) == self.chosen
        for name, text in self.texts.items():
            assert not text or name not in self.chosen or self.stored.synced[name] == text


TestStack = Stack.TestCase


def test_side_that_all_maps_share_is_one_word_in_previews() -> None:
    assert declared("a", "b").initial_sync == "finops"
    assert declared("a", "b").masters == {"a": "finops", "b": "finops"}
    mixed = LiveSyncInputs.model_validate(
        {"cloud": "emulator", "cds": "x", "maps": {"b": "running", "a": "running"}, "initial_sync": {"b": "cds"}}
    )
    assert PROVIDER.normalise(mixed).initial_sync == {"b": "cds"}
