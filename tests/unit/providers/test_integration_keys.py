"""Integration keys: which the party maps need, what counts as the same key, and how a change is made."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.dual_write.states import MapState
from providers.api.dual_write.models import ConnectionSet, EntityMapStatus
from providers.api.transport.errors import ApiError
from providers.catalogue.default_keys import PARTY_KEYS, default_keys
from providers.catalogue.selection import choose_maps
from providers.maps.declaration import same_key, same_keys
from providers.maps.integration_keys import KeyPlan, changed_keys, key_drift, keys_of, set_keys
from tests.support.linked_world import FINOPS_HOST
from tests.support.one_pair import ACCOUNTS, AFFIXES, VENDORS, OnePair

STOPPED, PAUSED = MapState.STOPPED, MapState.PAUSED


def link_of(pair: OnePair) -> ConnectionSet:
    """The link with its keys (E10)."""
    service = pair.call().session("public").dual_write
    environment = service.environment(FINOPS_HOST)
    assert environment is not None
    return service.connection_set(environment.cname)


def listed(pair: OnePair) -> list[EntityMapStatus]:
    return pair.call().session("public").dual_write.maps(pair.cid)


def change(pair: OnePair, keys: dict[str, list[str]]) -> None:
    """Set the keys; requests are counted from there."""
    link, maps = link_of(pair), listed(pair)
    pair.forget()
    set_keys(pair.call().session("public").dual_write, link, keys, maps, pair.shown.append)


def test_party_maps_need_four_keys() -> None:
    keys = default_keys(choose_maps(["party"]).maps)
    assert keys.keys() == {"accounts", "contacts", "msdyn_contactforparties", "msdyn_vendors"}
    assert keys["msdyn_contactforparties"][1] == "msdyn_associatedcompanyid.cdm_companycode"


@pytest.mark.parametrize("maps", [[], ["accounts - Customers V3"], ["contoso_projects - Contoso projects"]])
def test_other_maps_need_no_default(maps: list[str]) -> None:
    assert default_keys(maps) == {}


def test_every_default_key_is_of_a_table_with_a_standard_map() -> None:
    tables = {name.partition(" - ")[0] for name in choose_maps(["party"]).maps}
    assert PARTY_KEYS.keys() <= tables


COLUMNS = st.lists(st.sampled_from(["a", "B", "msdyn_company.cdm_companycode"]), min_size=1, unique=True)


@given(COLUMNS, st.randoms())
def test_order_and_case_of_columns_mean_nothing(columns: list[str], random: Any) -> None:
    other = [column.swapcase() for column in columns]
    random.shuffle(other)
    assert same_key(columns, other)
    assert not same_key(columns, [*other, "more"])
    assert same_keys({"accounts": columns}, {"Accounts": other})


def test_keys_are_shown_in_the_declared_form_where_that_means_the_same(pair: OnePair) -> None:
    pair.set_key("accounts", "NAME", "accountnumber")
    pair.set_key("msdyn_vendors", "msdyn_vendoraccountnumber")
    declared = {"accounts": ["accountNumber", "name"], "msdyn_vendors": ["y"], "elsewhere": ["z"]}
    linked = keys_of(link_of(pair).dataverse, declared)
    vendors = ["msdyn_vendoraccountnumber"]
    assert linked == {"accounts": ["accountNumber", "name"], "msdyn_vendors": vendors, "elsewhere": ["z"]}
    assert key_drift(declared, linked) == {
        "msdyn_vendors": "integration key of 'msdyn_vendors' is [msdyn_vendoraccountnumber], not [y]"
    }


def test_only_keys_of_tables_with_a_map_are_changed(pair: OnePair) -> None:
    pair.set_key("accounts", "name")
    declared = {"accounts": ["NAME"], "msdyn_vendors": ["c"], "elsewhere": ["z"]}
    assert changed_keys(declared, link_of(pair).dataverse, listed(pair)) == {"msdyn_vendors": ["c"]}


BOTH = {"accounts": ["name"], "msdyn_vendors": ["msdyn_vendorgroupid"]}


def test_all_tables_go_in_one_call_and_their_maps_are_refreshed(pair: OnePair) -> None:
    pair.put(STOPPED, ACCOUNTS, AFFIXES)
    change(pair, BOTH)
    assert pair.keys_set == [BOTH]
    refreshed = [each.path for each in pair.wire.sent if each.path.endswith("/Refresh")]
    assert refreshed == [f"/api/Project/{pair.stored(ACCOUNTS).project}/Refresh"]


def test_refused_call_with_many_tables_is_made_table_by_table(pair: OnePair) -> None:
    pair.put(STOPPED, ACCOUNTS, VENDORS)
    pair.fault("POST", "*/IntegrationKeys", status=400, body="one table at a time")
    change(pair, BOTH)
    assert pair.keys_set[1:] == [{table: columns} for table, columns in BOTH.items()]


def test_key_that_does_not_read_back_is_an_error(pair: OnePair) -> None:
    pair.put(STOPPED, ACCOUNTS)
    pair.set_key("accounts")
    pair.fault("POST", "*/IntegrationKeys", status=200, body={})
    with pytest.raises(
        ApiError, match=r"key of 'accounts' is \[\] after it was set to \[name\]\. Check that the table"
    ):
        change(pair, {"accounts": ["name"]})


def plan(pair: OnePair, goal: dict[str, str]) -> KeyPlan:
    """The plan for another key of the customers."""
    return KeyPlan.of({"accounts": ["name"]}, link_of(pair), listed(pair), goal)


@pytest.mark.parametrize(
    ("goal", "cure"),
    [
        ({ACCOUNTS: "paused"}, "resume it in the stack file first (`state: running`)"),
        ({}, "resume it on the dual-write page first"),
    ],
)
def test_paused_map_keeps_its_key_until_somebody_resumes_it(pair: OnePair, goal: dict[str, str], cure: str) -> None:
    pair.put(PAUSED, ACCOUNTS)
    made = plan(pair, goal)
    with pytest.raises(ApiError) as caught:
        made.require_possible()
    said = f"'{ACCOUNTS}' is paused, so the integration key of 'accounts' cannot change: {cure}"
    assert str(caught.value) == said == made.refusal(pair.map(ACCOUNTS))


def test_paused_map_that_shall_run_is_resumed_and_stopped_for_its_key(pair: OnePair) -> None:
    pair.put(PAUSED, ACCOUNTS)
    made = plan(pair, {ACCOUNTS: "running"})
    made.require_possible()
    assert (made.paused, made.interrupted) == ([], [ACCOUNTS])
