"""Which rows a bootstrap may touch and which column it writes: from metadata, never guessed."""

from typing import Any

import pytest

from providers.api.dataverse.models import EntityDefinition
from providers.protocol.problems import Problem
from providers.stamping.tables import Scope, company_lookup, find_scope
from tests.support.in_process import World
from tests.support.prepared_tenants import PreparedTenants
from tests.support.unstamped_rows import HOST, ONLINE, RETAIL, UnstampedRows, without_rows

TABLES = ("accounts", "products", "uoms")
ROW = "00000000-0000-0000-0000-0000000000c9"


class Organization:
    """What a CDS says of itself, read once."""

    def __init__(self, world: World) -> None:
        rows, dataverse = UnstampedRows(world), world.call().session("public").dataverse(HOST)
        self.companies, self.units = dataverse.companies(), dataverse.business_units()
        self.definitions = dataverse.table_definitions(TABLES)
        self.usmf = rows.company_ids["USMF"]
        self.retail, self.online = rows.unit_ids[RETAIL], rows.unit_ids[ONLINE]

    def scope(self, **changes: Any) -> Scope:
        arguments: dict[str, Any] = {
            "company": "usmf",
            "business_units": [],
            "tables": ["accounts", "products"],
            "overwrite": False,
            "companies": self.companies,
            "units": self.units,
            "definitions": self.definitions,
        }
        return find_scope(**{**arguments, **changes})


@pytest.fixture(scope="module")
def cds(tenants: PreparedTenants) -> Organization:
    return Organization(tenants.copy(without_rows))


def test_column_and_its_name_in_writes_come_from_metadata_in_their_case(cds: Organization) -> None:
    accounts, products = cds.scope().tables
    assert accounts.stamp == {"msdyn_company@odata.bind": f"/cdm_companies({cds.usmf})"}
    assert products.stamp == {"msdyn_CompanyId@odata.bind": f"/cdm_companies({cds.usmf})"}
    assert (accounts.lacking, products.lacking) == ("_msdyn_company_value eq null", "_msdyn_companyid_value eq null")
    assert accounts.ids == ("accountid",)


def test_business_units_restrict_the_tables_that_have_one(cds: Organization) -> None:
    accounts, products = cds.scope(business_units=["fabrikam retail", "Fabrikam Online"]).tables
    units = f"(_owningbusinessunit_value eq {cds.retail} or _owningbusinessunit_value eq {cds.online})"
    assert accounts.lacking == f"_msdyn_company_value eq null and {units}"
    assert accounts.carrying == f"_msdyn_company_value eq {cds.usmf} and {units}"
    assert products.lacking == "_msdyn_companyid_value eq null"


def test_overwriting_finds_other_companies_too(cds: Organization) -> None:
    accounts, _ = cds.scope(overwrite=True, business_units=["Fabrikam Retail"]).tables
    assert accounts.lacking == (
        f"(_msdyn_company_value eq null or _msdyn_company_value ne {cds.usmf}) "
        f"and _owningbusinessunit_value eq {cds.retail}"
    )


def test_rows_are_looked_up_within_the_scope(cds: Organization) -> None:
    accounts, _ = cds.scope().tables
    assert accounts.among([ROW]) == f"accountid eq {ROW} and _msdyn_company_value eq null"


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


def test_company_of_a_row_is_not_guessed_among_several_lookups(cds: Organization) -> None:
    lookups = [
        {"ReferencingAttribute": each, "ReferencedEntity": "cdm_company"} for each in ("new_buyer", "new_seller")
    ]
    deals = EntityDefinition.model_validate({"EntitySetName": "new_deals", "ManyToOneRelationships": lookups})
    assert company_lookup(deals) is None
    (problem,) = cds.scope(tables=["new_deals"], definitions={"new_deals": deals}).problems
    assert problem.text == (
        "'new_deals' has several lookups to a company, and nothing says which is that of its rows: "
        "new_buyer, new_seller"
    )


def test_all_that_is_wrong_is_told_at_once(cds: Organization) -> None:
    wrong = cds.scope(
        company="TSUS", business_units=["Fabrikam Retail", "Nowhere"], tables=["accounts", "uoms", "cars"]
    )
    assert wrong == Scope(
        [],
        [
            Problem("company", "bootstrap of an unlinked company: TSUS is not enabled for dual-write; linked are USMF"),
            Problem(
                "business_units",
                "no business unit is called 'Nowhere'; known are Fabrikam Holding, Fabrikam Online, Fabrikam Retail, "
                "USMF, fabrikam-sales",
            ),
            Problem("tables[1]", "'uoms' has no lookup to a company"),
            Problem("tables[2]", "'cars' is no entity set of this environment"),
        ],
    )


@pytest.mark.parametrize(
    ("times", "text"),
    [
        (0, "bootstrap of an unlinked company: USMF is not part of the link; linked are none"),
        (2, "2 companies of the link have the code USMF; delete the wrong one"),
    ],
)
def test_company_must_be_there_once(cds: Organization, times: int, text: str) -> None:
    companies = cds.companies * times
    assert cds.scope(company="USMF", companies=companies).problems == [Problem("company", text)]
