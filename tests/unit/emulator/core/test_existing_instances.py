"""What the default tenant holds: the existing instances that the stacks name, and the ones that stacks are refused."""

import time
from collections import Counter
from typing import Any

import pytest

from emulator.app import first_day
from emulator.core.seeds import SeedError
from emulator.data.maps import map_by_name
from emulator.data.schemas import table
from emulator.dual_write import row_filters
from emulator.identity.directory import DATA_INTEGRATION_APP_ID, DEMO_CLIENT_ID, PROVE_CLIENT_ID
from emulator.power_platform.finops import LONGEST_DISPLAY_NAME, LONGEST_DOMAIN
from emulator.power_platform.records import Environment, environment_with_host, environments
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant

FABRIKAM, ADVENTURE, TAILSPIN = (
    f"{name}.crm4.dynamics.com" for name in ("fabrikam-sales", "adventure-works", "tailspin-sales")
)
NORTHWIND_ERP, TAILSPIN_ERP, LAMNA_ERP = (
    f"{name}.sandbox.operations.eu.dynamics.com" for name in ("northwind-erp", "tailspin-erp", "lamna-erp")
)
SALES = [FABRIKAM, ADVENTURE, TAILSPIN]
RUNTIME_APP_ID = "00000015-0000-0000-c000-000000000000"
DUAL_WRITE_APP_ID = "6f7d0213-62b1-43a8-b7f4-ff2bb8b7b452"
MAPS = {
    "accounts": "accounts - Customers V3",
    "contacts": "contacts - Customers V3",
    "products": "products - CDS released distinct products",
    "msdyn_customergroups": "msdyn_customergroups - Customer groups",
}
UNITS = {
    FABRIKAM: {"Fabrikam Retail", "Fabrikam Online", "Fabrikam Holding"},
    ADVENTURE: {"Adventure Works Bikes", "Adventure Works Outdoor"},
    TAILSPIN: {"Tailspin Europe", "Tailspin US", "Tailspin Licensing"},
}


def environment(tenant: Tenant, host: str) -> Environment:
    """Return the record of an environment."""
    found = environment_with_host(tenant, host)
    assert found is not None
    return found


def rows(tenant: Tenant, host: str, entity_set: str) -> list[dict[str, Any]]:
    """Return all rows of a Dataverse table."""
    return list(tenant.rows.scan("dataverse", host, entity_set))


def outside(tenant: Tenant, host: str, entity_set: str) -> list[dict[str, Any]]:
    """Return the rows that the filter of the table's map leaves out."""
    mapped = map_by_name(MAPS[entity_set])
    assert mapped is not None
    found = rows(tenant, host, entity_set)
    return [row for row in found if not row_filters.matches(tenant, mapped, "dataverse", host, row)]


@pytest.mark.parametrize("host", SALES)
def test_existing_cds_can_carry_finops(existing: Tenant, host: str) -> None:
    found = environment(existing, host)
    assert found.database is not None
    assert (found.location, found.database.currency, found.database.base_language) == ("europe", "EUR", 1033)
    assert found.database.dynamics_365_apps
    assert found.finops is None
    assert len(found.display_name) <= LONGEST_DISPLAY_NAME
    assert len(found.database.domain) <= LONGEST_DOMAIN


def test_display_names_are_unique(existing: Tenant) -> None:
    names = Counter(one.display_name.casefold() for one in environments(existing))
    assert set(names.values()) == {1}


@pytest.mark.parametrize("host", SALES)
def test_units_have_owner_teams_with_a_role(existing: Tenant, host: str) -> None:
    units = {row["businessunitid"]: row for row in rows(existing, host, "businessunits")}
    (root,) = (row for row in units.values() if row.get("_parentbusinessunitid_value") is None)
    assert {row["name"] for row in units.values()} - {root["name"]} == UNITS[host]
    for unit_id in units:
        teams = [row for row in rows(existing, host, "teams") if row["_businessunitid_value"] == unit_id]
        assert sorted(row["isdefault"] for row in teams) == [False, True]
        (owner,) = (row["teamid"] for row in teams if not row["isdefault"])
        assert existing.rows.find("dataverse", host, "teamrolescollection", {"teamid": owner}) != []


@pytest.mark.parametrize("host", SALES)
def test_a_few_hundred_rows_have_no_company(existing: Tenant, host: str) -> None:
    held = {name: rows(existing, host, name) for name in MAPS}
    assert 200 <= sum(len(found) for found in held.values()) <= 300
    for name, found in held.items():
        assert found
        assert all(row.get(table("dataverse", name).company or "") is None for row in found)
    assert rows(existing, host, "cdm_companies") == []


@pytest.mark.parametrize("host", SALES)
def test_rows_belong_to_their_unit(existing: Tenant, host: str) -> None:
    names = {row["businessunitid"]: row["name"] for row in rows(existing, host, "businessunits")}
    for entity_set in ("accounts", "msdyn_customergroups"):
        owners = Counter(names[row["_owningbusinessunit_value"]] for row in rows(existing, host, entity_set))
        assert set(owners) >= UNITS[host]
    groups = {row["msdyn_customergroupid"]: row for row in rows(existing, host, "msdyn_customergroups")}
    for entity_set in ("accounts", "contacts"):
        for row in rows(existing, host, entity_set):
            group = groups[row["_msdyn_customergroupid_value"]]
            assert group["_owningbusinessunit_value"] == row["_owningbusinessunit_value"]


@pytest.mark.parametrize("host", SALES)
def test_one_account_and_contact_in_eight_lies_outside_the_filter(existing: Tenant, host: str) -> None:
    for entity_set in ("accounts", "contacts"):
        left_out = outside(existing, host, entity_set)
        assert len(left_out) == len(rows(existing, host, entity_set)) // 8
    assert {row["customertypecode"] for row in outside(existing, host, "accounts")} == {8, 10, 12}
    contacts = outside(existing, host, "contacts")
    assert {(row["msdyn_sellable"], row["msdyn_contactpersonid"] is None) for row in contacts} == {
        (False, False),
        (True, True),
    }
    assert outside(existing, host, "msdyn_customergroups") == outside(existing, host, "products") == []


@pytest.mark.parametrize("host", SALES)
def test_keys_are_filled_and_unique(existing: Tenant, host: str) -> None:
    accounts = [row["accountnumber"] for row in rows(existing, host, "accounts")]
    contacts = [
        row["msdyn_contactpersonid"] for row in rows(existing, host, "contacts") if row["msdyn_contactpersonid"]
    ]
    names = [row["name"] for row in rows(existing, host, "accounts")]
    for found in (accounts + contacts, names, [row["fullname"] for row in rows(existing, host, "contacts")]):
        assert len(set(found)) == len(found)
    assert all(row["msdyn_productnumber"] for row in rows(existing, host, "products"))
    symbols = [row["msdyn_symbol"] for row in rows(existing, host, "uoms")]
    assert all(symbols)
    assert len(set(symbols)) == len(symbols)
    for plane_host in (TAILSPIN_ERP, NORTHWIND_ERP):
        customers = {row["CustomerAccount"] for row in existing.rows.scan("finops", plane_host, "CustomersV3")}
        assert not customers & {*accounts, *contacts}


@pytest.mark.parametrize(
    ("host", "companies"),
    [(NORTHWIND_ERP, ["DAT", "NWEU", "NWUK", "NWUS"]), (TAILSPIN_ERP, ["DAT", "TSEU", "TSUS"])],
)
def test_existing_finops_holds_companies_with_data(
    existing: Tenant, call: CallTenant, host: str, companies: list[str]
) -> None:
    assert call("GET", f"https://{host}/data/").status == 200
    listed = call("GET", f"https://{host}/data/LegalEntities").json["value"]
    assert [row["LegalEntityId"] for row in listed] == companies
    for entity_set in ("CustomerGroups", "PaymentTerms", "CustomersV3", "VendorsV2", "ReleasedProductsV2"):
        held = {row["dataAreaId"] for row in existing.rows.scan("finops", host, entity_set)}
        assert held == {code.lower() for code in companies[1:]}


@pytest.mark.parametrize("host", SALES)
def test_program_and_proof_are_administrators_of_existing_cds(existing: Tenant, call: CallTenant, host: str) -> None:
    users = {row.get("applicationid") for row in rows(existing, host, "systemusers")} - {None}
    assert users == {DEMO_CLIENT_ID, PROVE_CLIENT_ID}
    root = f"https://{host}/api/data/v9.2"
    me = call("GET", f"{root}/WhoAmI").json["UserId"]
    roles = call("GET", f"{root}/systemusers({me})/systemuserroles_association").json["value"]
    assert [row["name"] for row in roles] == ["System Administrator"]
    names = {row["name"] for row in rows(existing, host, "roles")}
    assert {"Dual-write App User", "Dual-write Runtime User"} <= names


@pytest.mark.parametrize("host", [NORTHWIND_ERP, TAILSPIN_ERP])
def test_program_and_proof_are_clients_of_existing_finops(existing: Tenant, host: str) -> None:
    clients = {row["AADClientId"] for row in existing.rows.scan("finops", host, "SysAADClients")}
    assert clients == {DEMO_CLIENT_ID, PROVE_CLIENT_ID}


def test_program_declares_the_applications_of_dual_write(existing: Tenant, call: CallTenant) -> None:
    root = f"https://{TAILSPIN}/api/data/v9.2"
    unit = call("GET", f"{root}/businessunits?$filter=_parentbusinessunitid_value eq null").json["value"][0]
    for app_id in (RUNTIME_APP_ID, DATA_INTEGRATION_APP_ID):
        body = {
            "applicationid": app_id,
            "accessmode": 4,
            "isdisabled": False,
            "businessunitid@odata.bind": f"/businessunits({unit['businessunitid']})",
        }
        user = call("POST", f"{root}/systemusers", json=body, headers={"Prefer": "return=representation"}).json
        wanted = f"name eq 'System Administrator' and _businessunitid_value eq {unit['businessunitid']}"
        role = call("GET", f"{root}/roles?$filter={wanted}").json["value"][0]
        url = f"{root}/systemusers({user['systemuserid']})/systemuserroles_association/$ref"
        assert call("POST", url, json={"@odata.id": f"{root}/roles({role['roleid']})"}).status == 204
    for app_id in (DUAL_WRITE_APP_ID, DATA_INTEGRATION_APP_ID):
        client = {"AADClientId": app_id, "UserId": "Admin", "Name": "Dual-write"}
        assert call("POST", f"https://{TAILSPIN_ERP}/data/SysAADClients", json=client).status == 201


def test_refusals_have_their_instances(existing: Tenant) -> None:
    basic = environment(existing, "woodgrove-basic.crm4.dynamics.com").database
    assert basic is not None
    assert not basic.dynamics_365_apps
    assert environment(existing, "graphic-us.crm.dynamics.com").location == "unitedstates"
    lamna = environment(existing, "lamna-sales.crm4.dynamics.com").finops
    assert lamna is not None
    assert (lamna.host, lamna.type) == (LAMNA_ERP, "Linked")


def test_nothing_is_due_on_the_first_day(existing: Tenant) -> None:
    assert existing.events.next_due() is None


def test_first_day_is_made_quickly(tenant: Tenant) -> None:
    """A bound for a busy machine; a tenth of it is what the seed takes on a quiet one."""
    before = time.process_time()
    tenant.seeds.play(first_day())
    assert time.process_time() - before < 2.0


@pytest.mark.parametrize(
    ("section", "row", "says"),
    [
        ("environments", {"name": "a", "domain": "a", "dataset": "nobody"}, "no data set 'nobody' of sales"),
        ("lifecycle_finops", {"name": "a", "host": "a.example", "dataset": "nobody"}, "no data set 'nobody' of comp"),
        ("lifecycle_finops", {"name": "a"}, r"lifecycle_finops: 0\.host"),
    ],
)
def test_wrong_rows_of_the_seed_are_refused(tenant: Tenant, section: str, row: dict[str, Any], says: str) -> None:
    with pytest.raises(SeedError, match=says):
        tenant.seeds.play({section: [row]})
