"""Which rows a bootstrap may touch and which column it writes: from metadata, never guessed."""

from typing import Any

import pytest

from providers.api.dataverse.models import BusinessUnit, Company, EntityDefinition
from providers.protocol.problems import Problem
from providers.stamping.tables import Scope, company_lookup, find_scope
from tests.unit.providers.fake_rows import ONLINE, OTHER, RETAIL, USMF, a_definition

COMPANIES = [Company(id=USMF, code="usmf", enabled=True), Company(id=OTHER, code="TSUS", enabled=False)]
UNITS = [BusinessUnit(id=RETAIL, name="Fabrikam Retail"), BusinessUnit(id=ONLINE, name="Fabrikam Online")]
TABLES = ("accounts", "products", "notes")


def scope(**changes: Any) -> Scope:
    arguments: dict[str, Any] = {
        "company": "USMF",
        "business_units": [],
        "tables": ["accounts", "products"],
        "overwrite": False,
        "companies": COMPANIES,
        "units": UNITS,
        "definitions": {name: a_definition(name) for name in TABLES},
    }
    return find_scope(**{**arguments, **changes})


def test_column_and_its_name_in_writes_come_from_metadata_in_their_case() -> None:
    accounts, products = scope().tables
    assert accounts.stamp == {"msdyn_company@odata.bind": f"/cdm_companies({USMF})"}
    assert products.stamp == {"msdyn_CompanyId@odata.bind": f"/cdm_companies({USMF})"}
    assert (accounts.lacking, products.lacking) == ("_msdyn_company_value eq null", "_msdyn_companyid_value eq null")
    assert accounts.ids == ("accountid",)


def test_business_units_restrict_the_tables_that_have_one() -> None:
    accounts, products = scope(business_units=["fabrikam retail", "Fabrikam Online"]).tables
    units = f"(_owningbusinessunit_value eq {RETAIL} or _owningbusinessunit_value eq {ONLINE})"
    assert accounts.lacking == f"_msdyn_company_value eq null and {units}"
    assert accounts.carrying == f"_msdyn_company_value eq {USMF} and {units}"
    assert products.lacking == "_msdyn_companyid_value eq null"


def test_overwriting_finds_other_companies_too() -> None:
    accounts, _ = scope(overwrite=True, business_units=["Fabrikam Retail"]).tables
    assert accounts.lacking == (
        f"(_msdyn_company_value eq null or _msdyn_company_value ne {USMF}) and _owningbusinessunit_value eq {RETAIL}"
    )


def test_rows_are_looked_up_within_the_scope() -> None:
    accounts, _ = scope().tables
    assert accounts.among([RETAIL]) == f"accountid eq {RETAIL} and _msdyn_company_value eq null"


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        (["cdm_companyid"], "cdm_companyid"),
        (["contoso_other", "cdm_companyid", "msdyn_companyid"], "msdyn_companyid"),
        (["msdyn_intercompany", "msdyn_company"], "msdyn_company"),
        (["contoso_company"], "contoso_company"),
    ],
)
def test_company_of_the_row_is_preferred_to_other_lookups(columns: list[str], chosen: str) -> None:
    lookups = [{"ReferencingAttribute": each, "ReferencedEntity": "cdm_company"} for each in columns]
    other = {"ReferencingAttribute": "ownerid", "ReferencedEntity": "systemuser"}
    table = EntityDefinition.model_validate({"ManyToOneRelationships": [other, *lookups]})
    found = company_lookup(table)
    assert found is not None
    assert found.column == chosen


def test_company_of_a_row_is_not_guessed_among_several_lookups() -> None:
    lookups = [
        {"ReferencingAttribute": each, "ReferencedEntity": "cdm_company"} for each in ("new_buyer", "new_seller")
    ]
    deals = EntityDefinition.model_validate({"EntitySetName": "new_deals", "ManyToOneRelationships": lookups})
    assert company_lookup(deals) is None
    (problem,) = scope(tables=["new_deals"], definitions={"new_deals": deals}).problems
    assert problem.text == (
        "'new_deals' has several lookups to a company, and nothing says which is that of its rows: "
        "new_buyer, new_seller"
    )


def test_all_that_is_wrong_is_told_at_once() -> None:
    wrong = scope(company="TSUS", business_units=["Fabrikam Retail", "Nowhere"], tables=["accounts", "notes", "cars"])
    assert wrong == Scope(
        [],
        [
            Problem("company", "bootstrap of an unlinked company: TSUS is not enabled for dual-write; linked are USMF"),
            Problem(
                "business_units",
                "no business unit is called 'Nowhere'; known are Fabrikam Online, Fabrikam Retail",
            ),
            Problem("tables[1]", "'notes' has no lookup to a company"),
            Problem("tables[2]", "'cars' is no entity set of this environment"),
        ],
    )


@pytest.mark.parametrize(
    ("companies", "text"),
    [
        ([], "bootstrap of an unlinked company: USMF is not part of the link; linked are none"),
        ([*COMPANIES, *COMPANIES], "2 companies of the link have the code USMF; delete the wrong one"),
    ],
)
def test_company_must_be_there_once(companies: list[Company], text: str) -> None:
    assert scope(companies=companies).problems == [Problem("company", text)]
