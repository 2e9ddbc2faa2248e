"""CompanyBootstrap: what a preview says, what creation and update do, and that nothing else ever happens."""

from dataclasses import replace
from typing import Any

import pytest

from providers.api.transport.errors import ApiError, NotFound
from providers.company_bootstrap import BootstrapInputs, BootstrapOutputs, CompanyBootstrapProvider
from providers.protocol.base import Call, ResourceError
from tests.unit.providers.fake_rows import ONLINE, RETAIL, USMF, FakeRow, FakeRows
from tests.unit.providers.fake_services import ENVIRONMENT_ID, FakePowerPlatform, FakeSession, a_call, an_environment

PROVIDER = CompanyBootstrapProvider()
IDENTIFIER = f"{ENVIRONMENT_ID}/USMF"
BAG: dict[str, Any] = {"cloud": "emulator", "cds": "contoso-uat", "company": "USMF", "tables": ["accounts", "products"]}


def a_tenant(rows: FakeRows | None = None) -> FakeSession:
    session = FakeSession(FakePowerPlatform(an_environment()))
    session.organization = rows or some_rows()  # type: ignore[assignment]
    return session


def some_rows() -> FakeRows:
    accounts = {f"00000000-0000-0000-0000-00000000000{n}": FakeRow(RETAIL if n % 2 else ONLINE) for n in range(9)}
    return FakeRows({"accounts": accounts, "products": {"00000000-0000-0000-0000-000000000099": FakeRow("")}})


def inputs(**changes: Any) -> BootstrapInputs:
    return PROVIDER.normalise(BootstrapInputs.model_validate({**BAG, **changes}))


def created(session: FakeSession, said: list[str] | None = None, **changes: Any) -> BootstrapOutputs:
    identifier, outputs = PROVIDER.on_create(inputs(**changes), a_call(session, said))
    assert identifier == IDENTIFIER
    return outputs


def check(session: FakeSession, *, linked: list[str] | None = None, **changes: Any) -> list[tuple[str, str]]:
    call = a_call(session)
    call = replace(call, private={} if linked is None else {"linked_companies": linked})
    return [(each.path, each.text) for each in PROVIDER.live_problems(inputs(**changes), call)]


def test_all_rows_are_stamped_and_counted() -> None:
    said: list[str] = []
    outputs = created(a_tenant(), said)
    assert (outputs.rows, outputs.unstamped) == ({"accounts": 9, "products": 1}, {"accounts": 0, "products": 0})
    assert outputs.complete
    assert said == ["rows that carry USMF: 9 accounts, 1 products"]


def test_business_unit_restricts_what_has_one() -> None:
    assert created(a_tenant(), business_units=["Fabrikam Retail"]).rows == {"accounts": 4, "products": 1}


def test_simulation_writes_nothing_and_is_complete() -> None:
    rows, said = some_rows(), list[str]()
    outputs = created(a_tenant(rows), said, simulate=True)
    assert outputs.rows == outputs.unstamped == {"accounts": 9, "products": 1}
    assert outputs.complete
    assert rows.batches == []
    assert said == ["simulated, nothing is written; USMF would go on 9 accounts, 1 products"]


def test_what_was_simulated_is_done_by_an_update() -> None:
    session = a_tenant()
    stored = created(session, simulate=True)
    changed = inputs(simulate=False)
    bag = {**stored.model_dump(mode="json")}
    assert PROVIDER.diff(IDENTIFIER, bag, {**BAG, "simulate": False}).changes is None
    outputs = PROVIDER.on_update(IDENTIFIER, stored, changed, a_call(session))
    assert outputs.unstamped == {"accounts": 0, "products": 0}


def test_second_run_writes_nothing() -> None:
    rows = some_rows()
    created(a_tenant(rows))
    batches = len(rows.batches)
    assert created(a_tenant(rows)).rows == {"accounts": 9, "products": 1}
    assert len(rows.batches) == batches


def test_failed_rows_are_one_line_at_the_end() -> None:
    rows, said = some_rows(), list[str]()
    rows.failing = {"00000000-0000-0000-0000-000000000001"}
    with pytest.raises(ApiError, match=r"1 of 10 rows did not take the company: row .* has no group \(0x80040265\)"):
        created(a_tenant(rows), said)
    assert [line.partition(", for example")[0] for line in said] == ["accounts: 1 row failed"]


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
def test_wrong_declarations_write_nothing(changes: dict[str, Any], text: str) -> None:
    rows = some_rows()
    with pytest.raises(ResourceError) as caught:
        PROVIDER.on_create(inputs(**changes), a_call(a_tenant(rows)))
    assert text in str(caught.value)
    assert rows.batches == []


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
        ({"cds": "CONTOSO-UAT"}, False, []),
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
def test_diff(changes: dict[str, Any], changed: bool | None, replaced: list[str]) -> None:
    declared = {**BAG, "business_units": ["Fabrikam Retail", "Fabrikam Online"]}
    held = created(a_tenant(), business_units=declared["business_units"]).model_dump(mode="json")
    news = {name: value for name, value in {**declared, **changes}.items() if value is not None}
    found = PROVIDER.diff(IDENTIFIER, held, news)
    assert (found.changes, found.replaces or []) == (changed, replaced)


def test_refresh_makes_no_call_to_dataverse_and_counts_nothing() -> None:
    rows = some_rows()
    session = a_tenant(rows)
    stored = created(session)
    reads, counted = rows.reads, rows.counted
    rows.tables["accounts"].clear()
    assert PROVIDER.on_read(IDENTIFIER, stored, a_call(session)) == stored
    assert (rows.reads, rows.counted) == (reads, counted)


def test_bootstrap_is_gone_with_its_environment() -> None:
    session = a_tenant()
    stored = created(session)
    session.power_platform.held.clear()
    assert PROVIDER.on_read(IDENTIFIER, stored, a_call(session)) is None


def test_deletion_leaves_the_rows_and_says_so() -> None:
    rows, said = some_rows(), list[str]()
    session = a_tenant(rows)
    PROVIDER.on_delete(IDENTIFIER, created(session), a_call(session, said))
    assert said == ["rows keep their company USMF: a bootstrap is not taken back"]
    assert {row.company for row in rows.tables["accounts"].values()} == {USMF}


def test_preview_names_what_is_wrong_with_a_link_that_stands() -> None:
    paths = [path for path, _ in check(a_tenant(), linked=["DAT"], company="TSUS", tables=["cars"])]
    assert paths == ["company", "tables[0]"]
    assert check(a_tenant(), linked=["USMF"]) == []


def test_preview_is_silent_about_a_company_that_is_still_to_be_linked() -> None:
    assert check(a_tenant(), company="NEW", tables=["cars"]) == []


def test_preview_names_unknown_business_units_of_an_environment_that_is_there() -> None:
    (problem,) = check(a_tenant(), business_units=["Fabrikam Retail", "Nowhere", "usmf"])
    assert problem == (
        "business_units",
        "no business unit is called 'Nowhere'; known are Fabrikam Online, Fabrikam Retail",
    )


def test_preview_is_silent_while_the_environment_is_not_there_or_not_readable() -> None:
    class Closed(FakeRows):
        def business_units(self) -> Any:
            raise NotFound("the user is not a member of the organization", status=403)

    assert check(FakeSession(), business_units=["Nowhere"]) == []
    assert check(a_tenant(Closed()), business_units=["Nowhere"]) == []


def test_changed_inputs_are_looked_at_like_new_ones() -> None:
    call: Call = replace(a_call(a_tenant()), private={"linked_companies": ["USMF"]})
    found = PROVIDER.live_change_problems(inputs(tables=["cars"]), inputs(), call)
    assert [tuple(each) for each in found] == [("tables[0]", "'cars' is no entity set of this environment")]
