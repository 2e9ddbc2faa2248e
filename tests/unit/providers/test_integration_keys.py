"""Integration keys: which the party maps need, what counts as the same key, and how a change is made."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.api.dual_write.client import DualWriteManagement
from providers.api.dual_write.models import ConnectionSet, EntityMapStatus, LinkSide
from providers.api.transport.errors import ApiError, InvalidRequest
from providers.catalogue.default_keys import PARTY_KEYS, default_keys
from providers.catalogue.selection import choose_maps
from providers.maps.integration_keys import (
    KeyPlan,
    changed_keys,
    key_drift,
    keys_of,
    same_key,
    same_keys,
    set_keys,
)
from tests.unit.providers.fake_dual_write import FakeDualWrite

ACCOUNTS, CONTACTS = "accounts - Customers V3", "contacts - Customers V3"


class Service(FakeDualWrite):
    """The fake with a link around its keys."""

    def connection_set(self, cname: str, *, fresh: bool = True) -> ConnectionSet:
        side = {"name": "x.crm4.dynamics.com", "targetType": "CRM", "schemas": self.schemas()}
        return ConnectionSet.model_validate({"name": cname, "environments": {"x": side}})

    @property
    def side(self) -> LinkSide | None:
        return self.connection_set("c").dataverse

    def listed(self) -> list[EntityMapStatus]:
        return self.maps("cid")


def change(service: Service, keys: dict[str, list[str]]) -> None:
    set_keys(
        cast(DualWriteManagement, service), service.connection_set("c"), keys, service.listed(), lambda _text: None
    )


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


def test_keys_are_shown_in_the_declared_form_where_that_means_the_same() -> None:
    service = Service({ACCOUNTS: "1", CONTACTS: "1"})
    service.keys = {"accounts": ["B", "A"], "contacts": ["x"]}
    declared = {"accounts": ["a", "b"], "contacts": ["y"], "elsewhere": ["z"]}
    held = keys_of(service.side, declared)
    assert held == {"accounts": ["a", "b"], "contacts": ["x"], "elsewhere": ["z"]}
    assert key_drift(declared, held) == {"contacts": "integration key of 'contacts' is [x], not [y]"}


def test_only_keys_of_tables_with_a_map_are_changed() -> None:
    service = Service({ACCOUNTS: "1", CONTACTS: "1"})
    service.keys = {"accounts": ["a"]}
    declared = {"accounts": ["A"], "contacts": ["c"], "elsewhere": ["z"]}
    assert changed_keys(declared, service.side, service.listed()) == {"contacts": ["c"]}


def test_all_tables_go_in_one_call_and_their_maps_are_refreshed() -> None:
    service = Service({ACCOUNTS: "1", CONTACTS: "none", "other": "1"})
    change(service, {"accounts": ["a"], "contacts": ["c"]})
    assert service.keys_set == [{"accounts": ["a"], "contacts": ["c"]}]
    assert service.refreshed == [f"DWM-pid-{ACCOUNTS}"]


def test_refused_call_with_many_tables_is_made_table_by_table() -> None:
    service = Service({ACCOUNTS: "1", CONTACTS: "1"})
    service.key_refusal = InvalidRequest("one table at a time")
    change(service, {"accounts": ["a"], "contacts": ["c"]})
    assert service.keys_set[1:] == [{"accounts": ["a"]}, {"contacts": ["c"]}]


def test_key_that_does_not_read_back_is_an_error() -> None:
    service = Service({ACCOUNTS: "1"})
    service.deaf_keys = True
    with pytest.raises(ApiError, match=r"key of 'accounts' is \[\] after it was set to \[a\]\. Check that the table"):
        change(service, {"accounts": ["a"]})


@pytest.mark.parametrize(
    ("goal", "cure"),
    [
        ({ACCOUNTS: "paused"}, "resume it in the stack file first (`state: running`)"),
        ({}, "resume it on the dual-write page first"),
    ],
)
def test_paused_map_keeps_its_key_until_somebody_resumes_it(goal: dict[str, str], cure: str) -> None:
    service = Service({ACCOUNTS: "5"})
    plan = KeyPlan.of({"accounts": ["a"]}, service.connection_set("c"), service.listed(), goal)
    with pytest.raises(ApiError) as caught:
        plan.require_possible()
    said = f"'{ACCOUNTS}' is paused, so the integration key of 'accounts' cannot change: {cure}"
    assert str(caught.value) == said == plan.refusal(service.listed()[0])


def test_paused_map_that_shall_run_is_resumed_and_stopped_for_its_key() -> None:
    service = Service({ACCOUNTS: "5"})
    plan = KeyPlan.of({"accounts": ["a"]}, service.connection_set("c"), service.listed(), {ACCOUNTS: "running"})
    plan.require_possible()
    assert (plan.paused, plan.interrupted) == ([], [ACCOUNTS])
