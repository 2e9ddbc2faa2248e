"""The rows of the default seed on their way: stamped while maps run, and by initial syncs that end without an error."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from emulator.data.maps import MAPS, Map, map_by_name
from emulator.data.schemas import table
from emulator.dataverse.organization import RUNTIME_APP_ID, add_application_user
from emulator.dual_write import connections, initial_sync, links, row_filters
from emulator.dual_write.states import MapState
from emulator.finance_operations.instance import DUAL_WRITE_APP_ID, register_application
from emulator.identity.directory import DATA_INTEGRATION_APP_ID
from emulator.power_platform import packages, queue_finops_install_or_update
from emulator.power_platform.catalogue import PLATFORM_TOOLS
from emulator.power_platform.records import environment_with_host
from emulator.tenant import Tenant
from tests.unit.emulator.dual_write.linked_pair import CUSTOMERS, LinkedPair

BOOTSTRAP = ("msdyn_customergroups", "accounts", "contacts", "products")
CORE, FINANCE, SUPPLY_CHAIN = "application-core", "finance", "supply-chain"
CONTACTS = "contacts - Customers V3"
TAILSPIN, FABRIKAM, ADVENTURE = "tailspin-sales", "fabrikam-sales", "adventure-works"


def in_order(areas: Sequence[str]) -> list[Map]:
    """Return the maps of some areas, each after those that it depends on."""
    chosen = {one.name: one for one in MAPS if set(one.areas) & set(areas)}
    found: dict[str, Map] = {}

    def take(one: Map, above: tuple[str, ...] = ()) -> None:
        for name in one.depends_on:
            if name in chosen and name not in found and name not in above:
                take(chosen[name], (*above, one.name))
        found.setdefault(one.name, one)

    for one in chosen.values():
        take(one)
    return list(found.values())


def linked(tenant: Tenant, domain: str, *companies: str) -> LinkedPair:
    """Let the pair of a domain be linked, with what the program declares; `companies`: others than the route's own."""
    environment = environment_with_host(tenant, f"{domain}.crm4.dynamics.com")
    assert environment is not None
    packages.place(tenant, environment, "DualWriteCoreAnchor")
    tenant.events.advance(120)
    connection = connections.by_dataverse_host(tenant, f"{domain}.crm4.dynamics.com")
    assert connection is not None
    if companies:
        links.set_companies(tenant, connection, companies)
        connections.save(tenant, connection)
    for app_id in (RUNTIME_APP_ID, DATA_INTEGRATION_APP_ID):
        add_application_user(tenant, connection.dataverse_host, app_id)
    for app_id in (DUAL_WRITE_APP_ID, DATA_INTEGRATION_APP_ID):
        register_application(tenant, connection.finance_host, app_id)
    return LinkedPair(tenant, connection, {})


def install_finops(tenant: Tenant, domain: str, company: str, *, demo_data: bool) -> None:
    """Install F&O on an existing environment and create a company in it."""
    environment = environment_with_host(tenant, f"{domain}.crm4.dynamics.com")
    assert environment is not None
    packages.place(tenant, environment, PLATFORM_TOOLS)
    queue_finops_install_or_update(tenant, environment.id, f"DemoDataEnabled={demo_data}")
    tenant.events.advance(3600)
    entity = {"LegalEntityId": company, "Name": f"Company {company}", "AddressCountryRegionId": "USA"}
    tenant.rows.insert("finops", f"{domain}.operations.eu.dynamics.com", "LegalEntities", entity)


def stamp(pair: LinkedPair, code: str, units: set[str] | None, tables: Sequence[str] = BOOTSTRAP) -> dict[str, int]:
    """Write the company into the rows of some business units (None: all) that have none; return how many a table."""
    host = pair.connection.dataverse_host
    (company,) = (one.dataverse_id for one in pair.connection.companies if one.code == code)
    names = {row["businessunitid"]: row["name"] for row in pair.all("dataverse", "businessunits")}
    counts: dict[str, int] = {}
    for name in tables:
        schema = table("dataverse", name)
        for row in list(pair.tenant.rows.scan("dataverse", host, name)):
            in_scope = units is None or not schema.owned or names[row["_owningbusinessunit_value"]] in units
            if in_scope and not row.get(str(schema.company)):
                pair.update("dataverse", name, row[schema.key[0]], **{str(schema.company): company})
                counts[name] = counts.get(name, 0) + 1
    return counts


def initial_sync_errors(pair: LinkedPair, areas: Sequence[str], master: str = "AX") -> dict[str, str]:
    """Run the initial sync of all maps of some areas and return the error texts by map."""
    errors = {}
    for one in in_order(areas):
        table_map = pair.run(one.name, MapState.INITIAL_SYNC)
        initial_sync.begin(pair.tenant, pair.connection, table_map, request_id="r", master=master)
        text = initial_sync.finish(pair.tenant, pair.connection, table_map, request_id="r")
        if text is not None:
            errors[one.name] = text
        pair.run(one.name)
    return errors


def in_filter(pair: LinkedPair, name: str) -> list[dict[str, Any]]:
    """Return the Dataverse rows with a company that pass the filter of a map."""
    mapped = map_by_name(name)
    assert mapped is not None
    host = pair.connection.dataverse_host
    rows = pair.tenant.rows.scan("dataverse", host, mapped.dataverse_set)
    return [
        row
        for row in rows
        if row.get("_msdyn_company_value") and row_filters.matches(pair.tenant, mapped, "dataverse", host, row)
    ]


def accounts_in_finops(pair: LinkedPair, company: str) -> set[str]:
    """Return the customer accounts of a company."""
    return {row["CustomerAccount"] for row in pair.all("finops", "CustomersV3", dataAreaId=company)}


def test_rows_flow_to_an_empty_company_as_they_are_stamped(existing: Tenant) -> None:
    install_finops(existing, FABRIKAM, "USMF", demo_data=False)
    pair = linked(existing, FABRIKAM, "DAT", "USMF")
    for one in in_order([CORE, FINANCE, SUPPLY_CHAIN]):
        pair.run(one.name)
    counts = stamp(pair, "USMF", {"Fabrikam Retail", "Fabrikam Online"})
    assert counts == {"msdyn_customergroups": 5, "accounts": 88, "contacts": 72, "products": 22}
    numbers = [row["accountnumber"] for row in in_filter(pair, CUSTOMERS)]
    numbers += [row["msdyn_contactpersonid"] for row in in_filter(pair, CONTACTS)]
    assert len(numbers) == 88 * 7 // 8 + 72 * 7 // 8
    customers = [row["CustomerAccount"] for row in pair.all("finops", "CustomersV3", dataAreaId="usmf")]
    assert Counter(customers) == Counter(numbers)
    assert pair.all("finops", "CustomersV3", dataAreaId="dat") == []
    assert len(pair.all("finops", "CustomerGroups", dataAreaId="usmf")) == 5


def test_units_that_are_not_named_stay_as_they_are(existing: Tenant) -> None:
    install_finops(existing, FABRIKAM, "USMF", demo_data=False)
    pair = linked(existing, FABRIKAM, "DAT", "USMF")
    stamp(pair, "USMF", {"Fabrikam Retail", "Fabrikam Online"})
    names = {row["businessunitid"]: row["name"] for row in pair.all("dataverse", "businessunits")}
    left = Counter(
        names[row["_owningbusinessunit_value"]]
        for row in pair.all("dataverse", "accounts")
        if not row.get("_msdyn_company_value")
    )
    assert left == {"Fabrikam Holding": 16, "fabrikam-sales": 8}


def test_both_halves_cross_with_demo_data(existing: Tenant) -> None:
    install_finops(existing, ADVENTURE, "CONT", demo_data=True)
    pair = linked(existing, ADVENTURE, "DAT", "USMF", "CONT")
    assert stamp(pair, "CONT", None) == {"msdyn_customergroups": 5, "accounts": 112, "contacts": 80, "products": 20}
    assert initial_sync_errors(pair, [CORE, FINANCE, SUPPLY_CHAIN]) == {}
    assert len(accounts_in_finops(pair, "cont")) == (112 + 80) * 7 // 8
    (usmf,) = (one.dataverse_id for one in pair.connection.companies if one.code == "USMF")
    assert len(pair.all("dataverse", "accounts", _msdyn_company_value=usmf)) == 24
    assert len(pair.all("dataverse", "contacts", _msdyn_company_value=usmf)) == 6
    assert len(pair.all("dataverse", "products", _msdyn_companyid_value=usmf)) == 14


@pytest.mark.parametrize("master", ["AX", "CRM"])
def test_two_companies_of_existing_sides_meet(existing: Tenant, master: str) -> None:
    pair = linked(existing, TAILSPIN)
    assert stamp(pair, "TSEU", {"Tailspin Europe"})["products"] == 18
    assert stamp(pair, "TSUS", {"Tailspin US"}, BOOTSTRAP[:3]) == {
        "msdyn_customergroups": 2,
        "accounts": 40,
        "contacts": 24,
    }
    assert initial_sync_errors(pair, [CORE, FINANCE, SUPPLY_CHAIN], master) == {}
    for code, own, stamped in (("tseu", 25, 56 + 40), ("tsus", 20, 40 + 24)):
        assert len(accounts_in_finops(pair, code)) == own + stamped * 7 // 8
    # The six products that both sides know under one number are matched, not doubled.
    (europe,) = (one.dataverse_id for one in pair.connection.companies if one.code == "TSEU")
    assert len(pair.all("dataverse", "products", _msdyn_companyid_value=europe)) == 18 + 11 - 6


def test_second_initial_sync_adds_nothing(existing: Tenant) -> None:
    pair = linked(existing, TAILSPIN)
    stamp(pair, "TSEU", {"Tailspin Europe"})
    initial_sync_errors(pair, [CORE, FINANCE, SUPPLY_CHAIN])
    before = existing.store.execute("SELECT count(*) FROM rows").fetchone()
    assert initial_sync_errors(pair, [CORE, FINANCE, SUPPLY_CHAIN]) == {}
    assert existing.store.execute("SELECT count(*) FROM rows").fetchone() == before


def test_existing_finops_fills_a_new_cds(existing: Tenant) -> None:
    existing.seeds.play({"environments": [{"name": "Northwind CE", "domain": "northwind-ce"}]})
    pair = linked(existing, "northwind-ce")
    assert initial_sync_errors(pair, [CORE, FINANCE]) == {}
    assert len(pair.all("dataverse", "accounts")) + len(pair.all("dataverse", "contacts")) == 30 + 15 + 20
    assert len(pair.all("dataverse", "msdyn_vendors")) == 12 + 8 + 8


def test_demo_companies_fill_a_new_cds(existing: Tenant) -> None:
    finops = {"demo_data": True}
    existing.seeds.play({"environments": [{"name": "Demo", "domain": "contoso-demo", "finops": finops}]})
    pair = linked(existing, "contoso-demo", "DAT", "USMF", "DEMF", "GBSI")
    assert initial_sync_errors(pair, [CORE, FINANCE, SUPPLY_CHAIN]) == {}
    assert len(pair.all("dataverse", "accounts")) + len(pair.all("dataverse", "contacts")) == 30 + 16 + 10
