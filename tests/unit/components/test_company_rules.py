"""The link's list of companies, the legal entities to create, and the bootstrap: what may not stand together."""

from typing import Any

import pytest

from components.config import check
from components.stack import Stack
from tests.unit.components.stack_files import TODAY, existing_pair, stack_file

USMF = {"code": "USMF", "name": "Contoso Entertainment System USA", "country": "USA"}
EUROPE = {"company": "USMF", "businessUnits": ["Europe"], "tables": ["accounts"]}
AMERICA = {"company": "FRRT", "businessUnits": ["America"], "tables": ["accounts"]}


def findings_of(raw: dict[str, Any]) -> dict[str, str]:
    return {finding.path: finding.text for finding in check(raw, TODAY)[1]}


def stack_of(raw: dict[str, Any]) -> Stack:
    stack, findings = check(raw, TODAY)
    assert stack is not None, findings
    return stack


def new_finops(data: str = "empty", **sections: Any) -> dict[str, Any]:
    """A right file with a new F&O on an existing CDS instance."""
    return existing_pair(
        finops={"instance": "new", "data": data}, connection={"companies": ["DAT", "USMF"]}, companies=[USMF]
    ) | {name: value for name, value in sections.items() if value is not None}


@pytest.mark.parametrize("connection", [{}, {"companies": None}, None])
def test_companies_of_existing_finops_are_required(connection: Any) -> None:
    raw = existing_pair(connection=connection)
    if connection is None:
        del raw["connection"]
    assert findings_of(raw) == {
        "dualwrite:connection.companies": "is required with an existing F&O: the legal entities of the link, "
        "or as-linked"
    }


def test_empty_list_of_companies_is_refused() -> None:
    assert (
        "or say as-linked" in findings_of(existing_pair(connection={"companies": []}))["dualwrite:connection.companies"]
    )


def test_new_finops_is_linked_without_its_built_in_company() -> None:
    assert not findings_of(new_finops(connection={"companies": ["USMF"]}))


@pytest.mark.parametrize(
    ("count", "maps", "limits", "says"),
    [
        (40, {"initialSync": "finops"}, {}, ""),
        (41, {"initialSync": "finops"}, {}, "41 companies, and an initial sync takes 40 at most"),
        (41, {"initialSync": "none"}, {}, ""),
        (41, {"overrides": {"accounts - Customers V3": {"initialSync": "cds"}}}, {}, "an initial sync takes 40"),
        (41, {"initialSync": "finops"}, {"initialSyncCompanies": 41}, ""),
        (250, {}, {}, ""),
        (251, {}, {}, "251 companies, and live sync takes 250 at most (`limits.liveCompanies`)"),
        (251, {}, {"liveCompanies": 300}, ""),
    ],
)
def test_number_of_companies_is_limited(count: int, maps: dict[str, Any], limits: dict[str, int], says: str) -> None:
    raw = existing_pair(
        connection={"companies": [f"C{number:03}" for number in range(count)]},
        maps={"include": ["finance"], **maps},
        limits=limits,
    )
    text = findings_of(raw).get("dualwrite:connection.companies", "")
    assert says in text
    assert bool(text) == bool(says)


def test_company_that_a_new_finops_without_data_cannot_have_needs_an_entry() -> None:
    found = findings_of(new_finops(connection={"companies": ["DAT", "USMF", "FRRT"]}))
    assert list(found) == ["dualwrite:connection.companies[2]"]
    assert "'FRRT' does not exist in a new F&O without data" in found["dualwrite:connection.companies[2]"]


@pytest.mark.parametrize("data", ["demo", None])
def test_company_that_may_be_there_needs_no_entry(data: str | None) -> None:
    raw = new_finops(data, companies=[{"code": "USMF"}]) if data else existing_pair(companies=[{"code": "GBSI"}])
    assert not findings_of(raw)


def test_company_to_create_has_name_and_country() -> None:
    found = findings_of(new_finops(companies=[{"code": "USMF"}, {"code": "DAT"}]))
    assert list(found) == ["dualwrite:companies[0].country", "dualwrite:companies[0].name"]


def test_company_is_declared_once() -> None:
    found = findings_of(new_finops(companies=[USMF, {**USMF, "code": "usmf"}]))
    assert found == {"dualwrite:companies[1].code": "'usmf' stands in the list already; keep one"}


def test_two_companies_of_one_name_break_linking() -> None:
    found = findings_of(new_finops(companies=[USMF, {**USMF, "code": "FRRT", "name": USMF["name"].upper()}]))
    assert list(found) == ["dualwrite:companies[1].name"]
    assert "is the name of 'USMF' too" in found["dualwrite:companies[1].name"]


def test_bootstrap_has_the_tables_of_the_sample_program() -> None:
    entry = stack_of(existing_pair(bootstrap=[{"company": "usmf"}])).bootstrap[0]
    assert (entry.company, entry.tables, entry.business_units) == ("USMF", ["accounts", "contacts", "products"], None)


@pytest.mark.parametrize(
    ("companies", "company", "right"),
    [
        (["USMF"], "usmf", True),
        (["USMF"], "FRRT", False),
        ("as-linked", "FRRT", True),
        ([7], "FRRT", True),
    ],
)
def test_company_of_bootstrap_is_linked(companies: Any, company: str, right: bool) -> None:
    found = findings_of(existing_pair(connection={"companies": companies}, bootstrap=[{"company": company}]))
    assert ("dualwrite:bootstrap[0].company" in found) != right
    assert right or "only rows of linked companies take part" in found["dualwrite:bootstrap[0].company"]


def test_company_of_bootstrap_is_linked_by_default_only_when_built_in() -> None:
    raw = new_finops(connection={}, bootstrap=[{"company": "USMF"}])
    assert "'USMF' is not linked" in findings_of(raw)["dualwrite:bootstrap[0].company"]
    assert not findings_of(new_finops(connection={}, bootstrap=[{"company": "DAT"}]))


def test_new_cds_has_nothing_to_stamp() -> None:
    assert list(findings_of(stack_file() | {"bootstrap": [{"company": "DAT"}]})) == ["dualwrite:bootstrap"]


@pytest.mark.parametrize(
    ("changes", "key", "says"),
    [
        ({}, "", ""),
        ({"company": "usmf"}, "[1].company", "one entry a company"),
        ({"businessUnits": ["North", "europe "]}, "[1].businessUnits[1]", "stands under 'USMF' already"),
        ({"businessUnits": ["North", "north"]}, "[1].businessUnits[1]", "stands in the list already"),
        ({"businessUnits": []}, "[1].businessUnits", "name at least one business unit"),
        ({"businessUnits": None}, "[1].businessUnits", "'USMF' has rows of accounts as well"),
        ({"businessUnits": None, "tables": ["contacts"]}, "", ""),
        ({"businessUnits": None, "tables": ["products"]}, "", ""),
        ({"tables": []}, "[1].tables", "name at least one table"),
        ({"tables": ["contacts", "Contacts"]}, "[1].tables[1]", "stands in the list already"),
        ({"maxFailures": -1}, "[1].maxFailures", "0 or more"),
        ({"order": "before"}, "[1].order", "before-live-sync"),
    ],
)
def test_rows_go_to_one_company(changes: dict[str, Any], key: str, says: str) -> None:
    second = {name: value for name, value in {**AMERICA, **changes}.items() if value is not None}
    found = findings_of(existing_pair(bootstrap=[EUROPE, second]))
    assert list(found) == ([f"dualwrite:bootstrap{key}"] if key else [])
    assert key == "" or says in found[f"dualwrite:bootstrap{key}"]


def test_entry_that_leaves_business_units_out_is_named_wherever_it_stands() -> None:
    everywhere = {"company": "USMF", "tables": ["accounts"]}
    assert list(findings_of(existing_pair(bootstrap=[everywhere, AMERICA]))) == ["dualwrite:bootstrap[0].businessUnits"]


@pytest.mark.parametrize(("tables", "key"), [(["accounts", "products"], "tables[1]"), (None, "tables")])
def test_table_without_business_unit_goes_under_one_company(tables: list[str] | None, key: str) -> None:
    first = {**EUROPE, "tables": ["products"]}
    second = {name: value for name, value in {**AMERICA, "tables": tables}.items() if value is not None}
    found = findings_of(existing_pair(bootstrap=[first, second]))
    assert list(found) == [f"dualwrite:bootstrap[1].{key}"]
    assert "has no business unit, so one company gets all its rows" in found[f"dualwrite:bootstrap[1].{key}"]
