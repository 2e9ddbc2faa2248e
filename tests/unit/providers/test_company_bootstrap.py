"""CompanyBootstrap: what a preview says, what creation and update do, and that nothing else ever happens."""

from dataclasses import replace
from typing import Any

import pytest

from emulator.identity.directory import DEMO_CLIENT_ID
from providers.api.transport.errors import ApiError
from providers.company_bootstrap import BootstrapInputs, BootstrapOutputs, CompanyBootstrapProvider
from providers.protocol.base import Call, ResourceError
from tests.support.environments import FABRIKAM_ID
from tests.support.in_process import World
from tests.support.prepared_tenants import PreparedTenants
from tests.support.unstamped_rows import HOST, ONLINE, RETAIL, UnstampedRows, without_rows

PROVIDER = CompanyBootstrapProvider()
IDENTIFIER = f"{FABRIKAM_ID}/USMF"
BAG: dict[str, Any] = {
    "cloud": "emulator",
    "cds": "fabrikam-sales",
    "company": "USMF",
    "tables": ["accounts", "products"],
}


def ten_rows(tenants: PreparedTenants) -> World:
    """Nine accounts of two business units, and a product."""
    world = tenants.copy(without_rows)
    rows = UnstampedRows(world)
    rows.add(4, unit=RETAIL)
    rows.add(5, unit=ONLINE)
    rows.add(1, "products")
    return world


@pytest.fixture
def rows(tenants: PreparedTenants) -> UnstampedRows:
    return UnstampedRows(tenants.copy(ten_rows))


@pytest.fixture(scope="module")
def stored(tenants: PreparedTenants) -> BootstrapOutputs:
    """The outputs of a bootstrap of both business units."""
    return created(UnstampedRows(tenants.copy(ten_rows)), business_units=[RETAIL, ONLINE])


def inputs(**changes: Any) -> BootstrapInputs:
    return PROVIDER.normalise(BootstrapInputs.model_validate({**BAG, **changes}))


def created(rows: UnstampedRows, **changes: Any) -> BootstrapOutputs:
    identifier, outputs = PROVIDER.on_create(inputs(**changes), rows.world.call())
    assert identifier == IDENTIFIER
    return outputs


def a_call(world: World, *linked: str) -> Call:
    """`linked`: companies of a connection that does not change; none while they are not known."""
    return replace(world.call(), private={"linked_companies": list(linked)} if linked else {})


def check(world: World, *linked: str, **changes: Any) -> list[tuple[str, str]]:
    problems = PROVIDER.live_problems(inputs(**changes), a_call(world, *linked))
    return [(each.path, each.text) for each in problems]


def deletes_cds(world: World) -> None:
    world.tenant.person.act({"action": "delete-environment", "environment": HOST})


def test_all_rows_are_stamped_and_counted(rows: UnstampedRows) -> None:
    outputs = created(rows)
    assert (outputs.rows, outputs.unstamped) == ({"accounts": 9, "products": 1}, {"accounts": 0, "products": 0})
    assert outputs.complete
    assert rows.world.said == ["rows that carry USMF: 9 accounts, 1 products"]
    assert set(rows.companies().values()) == set(rows.companies("products").values()) == {"USMF"}


def test_business_unit_restricts_what_has_one(rows: UnstampedRows) -> None:
    assert created(rows, business_units=[RETAIL]).rows == {"accounts": 4, "products": 1}


def test_simulation_writes_nothing_and_is_complete(rows: UnstampedRows) -> None:
    outputs = created(rows, simulate=True)
    assert outputs.rows == outputs.unstamped == {"accounts": 9, "products": 1}
    assert outputs.complete
    assert rows.world.writes() == []
    assert rows.world.said == ["simulated, nothing is written; USMF would go on 9 accounts, 1 products"]


def test_what_was_simulated_is_done_by_an_update(rows: UnstampedRows) -> None:
    simulated = created(rows, simulate=True)
    bag = {**simulated.model_dump(mode="json")}
    assert PROVIDER.diff(IDENTIFIER, bag, {**BAG, "simulate": False}).changes is None
    outputs = PROVIDER.on_update(IDENTIFIER, simulated, inputs(simulate=False), rows.world.call())
    assert outputs.unstamped == {"accounts": 0, "products": 0}
    assert set(rows.companies().values()) == {"USMF"}


def test_second_run_writes_nothing(rows: UnstampedRows) -> None:
    created(rows)
    writes = rows.world.writes()
    assert created(rows).rows == {"accounts": 9, "products": 1}
    assert rows.world.writes() == writes


def test_failed_rows_are_one_line_at_the_end(rows: UnstampedRows) -> None:
    account = next(iter(rows.companies()))
    rows.refused = {account: f"row {account} has no group"}
    reason = r"1 of 10 rows did not take the company: row .* has no group \(0x80040265, correlation .*\)\. Remove"
    with pytest.raises(ApiError, match=reason):
        created(rows)
    assert [line.partition(", for example")[0] for line in rows.world.said] == ["accounts: 1 row failed"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"company": "TSUS"},
            "unlinked company: TSUS is not enabled for dual-write; linked are USMF. Add the company to the link first",
        ),
        ({"business_units": ["Nowhere"]}, "no business unit is called 'Nowhere'"),
        ({"tables": ["cars"]}, "'cars' is no entity set of this environment"),
    ],
)
def test_wrong_declarations_write_nothing(rows: UnstampedRows, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ResourceError) as caught:
        PROVIDER.on_create(inputs(**changes), rows.world.call())
    assert text in str(caught.value)
    assert rows.world.writes() == []


@pytest.mark.parametrize("company", ["USMFX", "", "US-F", "Ü"])
def test_impossible_company_code_is_refused_offline(company: str) -> None:
    (failure,) = PROVIDER.check({}, {**BAG, "company": company}).failures
    assert failure.property == "company"
    assert "company code" in failure.reason


def test_table_named_twice_is_refused_offline() -> None:
    found = list(PROVIDER.problems(inputs(tables=["accounts", "accounts"]), None))
    assert [tuple(each) for each in found] == [("tables[1]", "'accounts' is named twice")]


def test_canonical_form() -> None:
    shown = inputs(company=" usmf", business_units=["b", "A", "a "], tables=["products", "accounts"])
    assert (shown.company, shown.business_units, shown.tables) == ("USMF", ["A", "b"], ["products", "accounts"])
    assert PROVIDER.normalise(shown) == shown
    assert BootstrapInputs(cloud="c", cds="d", company="e").tables == ["accounts", "contacts", "products"]


@pytest.mark.parametrize(
    ("changes", "changed", "replaced"),
    [
        ({}, False, []),
        ({"cds": "FABRIKAM-SALES"}, False, []),
        ({"cds": "other"}, None, ["cds"]),
        ({"company": "usmf"}, False, []),
        ({"company": "DAT"}, None, ["company"]),
        ({"business_units": ["fabrikam online", "FABRIKAM RETAIL"]}, False, []),
        ({"business_units": ["Fabrikam Retail"]}, None, []),
        ({"business_units": None}, None, []),
        ({"tables": ["products", "accounts"]}, None, []),
        ({"overwrite": True}, None, []),
        ({"simulate": True}, None, []),
        ({"order": "before-live-sync"}, False, []),
        ({"max_failures": 5}, False, []),
        ({"timeout": "1h"}, False, []),
    ],
)
def test_diff(stored: BootstrapOutputs, changes: dict[str, Any], changed: bool | None, replaced: list[str]) -> None:
    declared = {**BAG, "business_units": [RETAIL, ONLINE]}
    news = {name: value for name, value in {**declared, **changes}.items() if value is not None}
    found = PROVIDER.diff(IDENTIFIER, stored.model_dump(mode="json"), news)
    assert (found.changes, found.replaces or []) == (changed, replaced)


def test_refresh_makes_no_call_to_dataverse_and_counts_nothing(rows: UnstampedRows) -> None:
    stored = created(rows)
    rows.clear()
    rows.world.requests.clear()
    assert PROVIDER.on_read(IDENTIFIER, stored, rows.world.call()) == stored
    assert len(rows.world.requests) == 1
    assert HOST not in rows.world.requests[0]


def test_bootstrap_is_gone_with_its_environment(rows: UnstampedRows) -> None:
    stored = created(rows)
    deletes_cds(rows.world)
    assert PROVIDER.on_read(IDENTIFIER, stored, rows.world.call()) is None


def test_deletion_leaves_the_rows_and_says_so(rows: UnstampedRows) -> None:
    stored = created(rows)
    rows.world.said.clear()
    PROVIDER.on_delete(IDENTIFIER, stored, rows.world.call())
    assert rows.world.said == ["rows keep their company USMF: a bootstrap is not taken back"]
    assert set(rows.companies().values()) == {"USMF"}


def test_preview_names_what_is_wrong_with_a_link_that_stands(rows: UnstampedRows) -> None:
    paths = [path for path, _ in check(rows.world, "DAT", company="TSUS", tables=["cars"])]
    assert paths == ["company", "tables[0]"]
    assert check(rows.world, "USMF") == []


def test_preview_is_silent_about_a_company_that_is_still_to_be_linked(world: World) -> None:
    assert check(world, company="NEW", tables=["cars"]) == []


def test_preview_names_unknown_business_units_of_an_environment_that_is_there(world: World) -> None:
    known = "Fabrikam Holding, Fabrikam Online, Fabrikam Retail, fabrikam-sales"
    assert check(world, business_units=[RETAIL, "Nowhere", "usmf"]) == [
        ("business_units", f"no business unit is called 'Nowhere'; known are {known}")
    ]


def test_preview_is_silent_while_the_environment_is_not_there_or_not_readable(world: World) -> None:
    assert check(world, cds="not-yet-there", business_units=["Nowhere"]) == []
    closed = {"action": "remove-application", "environment": HOST, "client_id": DEMO_CLIENT_ID}
    world.tenant.person.act(closed)
    assert check(world, business_units=["Nowhere"]) == []


def test_changed_inputs_are_looked_at_like_new_ones(rows: UnstampedRows) -> None:
    found = PROVIDER.live_change_problems(inputs(tables=["cars"]), inputs(), a_call(rows.world, "USMF"))
    assert [tuple(each) for each in found] == [("tables[0]", "'cars' is no entity set of this environment")]
