"""A row written on one side of a linked pair is on the other side when the write has ended."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from emulator.dual_write import connections
from emulator.dual_write.connections import Company
from emulator.dual_write.states import MapState
from emulator.identity import directory
from emulator.tables import SyncError
from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.dual_write.customer_groups import WRITES, Writes, clear, play, shown
from tests.unit.emulator.dual_write.linked_pair import (
    COMPANIES,
    CURRENCIES,
    CUSTOMER_GROUPS,
    CUSTOMERS,
    PAYMENT_TERMS,
    VENDOR_GROUPS,
    LinkedPair,
)


def group(link: LinkedPair, group_id: str = "10", **values: Any) -> dict[str, Any]:
    """Insert a customer group of DAT in F&O."""
    return link.finops("CustomerGroups", dataAreaId="dat", CustomerGroupId=group_id, **values)


def legal_entity(link: LinkedPair, code: str, name: str) -> None:
    """Insert a company in F&O."""
    link.finops("LegalEntities", LegalEntityId=code, Name=name, AddressCountryRegionId="USA", LanguageId="en-US")


def test_customer_group_flows_to_dataverse(link: LinkedPair) -> None:
    link.run(CUSTOMER_GROUPS)
    group(link, Description="Wholesale", IsSalesTaxIncludedInPrice="Yes")
    row = link.one("dataverse", "msdyn_customergroups", msdyn_groupid="10")
    assert row["msdyn_description"] == "Wholesale"
    assert row["msdyn_issalestaxincludedinprice"] is True
    assert row["_msdyn_company_value"] == link.company["cdm_companyid"]


def test_vendor_group_flows_to_finops(link: LinkedPair) -> None:
    link.run(VENDOR_GROUPS)
    company = link.company["cdm_companyid"]
    link.dataverse(
        "msdyn_vendorgroups", msdyn_vendorgroup="40", msdyn_description="Others", _msdyn_company_value=company
    )
    row = link.one("finops", "VendorGroups", VendorGroupId="40")
    assert (row["dataAreaId"], row["Description"]) == ("dat", "Others")


def test_row_is_owned_by_team_of_company(link: LinkedPair) -> None:
    link.run(CUSTOMER_GROUPS)
    group(link)
    row = link.one("dataverse", "msdyn_customergroups")
    team = link.one("dataverse", "teams", name="DAT Dual Write")
    runtime = link.one("dataverse", "systemusers", systemuserid=row["_modifiedby_value"])
    assert row["_ownerid_value"] == team["teamid"]
    assert runtime["applicationid"].startswith("00000015-")


def test_team_takes_rows_back_on_every_finops_write(link: LinkedPair) -> None:
    link.run(CUSTOMER_GROUPS)
    group(link)
    row = link.one("dataverse", "msdyn_customergroups")
    user = link.all("dataverse", "systemusers")[0]["systemuserid"]
    link.update("dataverse", "msdyn_customergroups", row["msdyn_customergroupid"], _ownerid_value=user)
    link.update("finops", "CustomerGroups", "dat|10", Description="again")
    assert link.one("dataverse", "msdyn_customergroups")["_ownerid_value"] == row["_ownerid_value"]


def test_synced_row_never_echoes(link: LinkedPair) -> None:
    link.run(CUSTOMER_GROUPS)
    group(link)
    assert link.one("finops", "CustomerGroups")["@odata.etag"] == 'W/"1"'
    assert link.one("dataverse", "msdyn_customergroups")["@odata.etag"] == 'W/"1"'


def test_update_flows_both_ways(link: LinkedPair) -> None:
    link.run(CUSTOMER_GROUPS)
    group(link, Description="one")
    mirrored = link.one("dataverse", "msdyn_customergroups")
    link.update("finops", "CustomerGroups", "dat|10", Description="two")
    assert link.one("dataverse", "msdyn_customergroups")["msdyn_description"] == "two"
    link.update("dataverse", "msdyn_customergroups", mirrored["msdyn_customergroupid"], msdyn_description="three")
    assert link.one("finops", "CustomerGroups")["Description"] == "three"


@pytest.mark.parametrize("plane", ["finops", "dataverse"])
def test_deletion_flows_both_ways(link: LinkedPair, plane: str) -> None:
    link.run(CUSTOMER_GROUPS)
    group(link)
    mirrored = link.one("dataverse", "msdyn_customergroups")
    if plane == "finops":
        link.delete("finops", "CustomerGroups", "dat|10")
    else:
        link.delete("dataverse", "msdyn_customergroups", mirrored["msdyn_customergroupid"])
    assert link.all("dataverse", "msdyn_customergroups") == []
    assert link.all("finops", "CustomerGroups") == []


def test_lookup_resolves_by_key_in_company(link: LinkedPair) -> None:
    for name in (PAYMENT_TERMS, CUSTOMER_GROUPS):
        link.run(name)
    link.finops("PaymentTerms", dataAreaId="dat", Name="Net30", Description="30 days")
    group(link, PaymentTermId="net30")
    term = link.one("dataverse", "msdyn_paymentterms", msdyn_name="Net30")
    row = link.one("dataverse", "msdyn_customergroups")
    assert row["_msdyn_paymenttermid_value"] == term["msdyn_paymenttermid"]


def test_same_key_in_two_companies_is_told_apart(link: LinkedPair) -> None:
    legal_entity(link, "USMF", "Contoso USA")
    usmf = link.dataverse("cdm_companies", cdm_companycode="USMF", cdm_isenabledfordualwrite=True)
    link.connection.companies.append(Company("USMF", usmf["cdm_companyid"]))
    connections.save(link.tenant, link.connection)
    for name in (PAYMENT_TERMS, CUSTOMER_GROUPS):
        link.run(name)
    for company in ("dat", "usmf"):
        link.finops("PaymentTerms", dataAreaId=company, Name="Net30", Description="30 days")
    link.finops("CustomerGroups", dataAreaId="usmf", CustomerGroupId="10", PaymentTermId="Net30")
    row = link.one("dataverse", "msdyn_customergroups")
    term = link.one("dataverse", "msdyn_paymentterms", msdyn_paymenttermid=row["_msdyn_paymenttermid_value"])
    assert row["_msdyn_company_value"] == term["_msdyn_company_value"] == usmf["cdm_companyid"]


def test_missing_lookup_fails_the_write(link: LinkedPair) -> None:
    link.finops("PaymentTerms", dataAreaId="dat", Name="Net30", Description="30 days")
    link.run(CUSTOMER_GROUPS)
    with pytest.raises(SyncError) as refused:
        group(link, PaymentTermId="Net30")
    text = "the field: msdyn_paymenttermid.msdyn_name. The lookup value was not found: Net30."
    assert str(refused.value).startswith(f"Couldn't resolve the guid for {text}")
    assert link.all("finops", "CustomerGroups") == []


def test_account_with_customer_group_flows_to_finops(link: LinkedPair) -> None:
    for name in (CUSTOMER_GROUPS, CUSTOMERS):
        link.run(name)
    group(link, Description="Wholesale")
    held = link.one("dataverse", "msdyn_customergroups")
    link.dataverse(
        "accounts",
        name="Fabrikam",
        accountnumber="C-1",
        customertypecode=3,
        _msdyn_company_value=link.company["cdm_companyid"],
        _msdyn_customergroupid_value=held["msdyn_customergroupid"],
        _transactioncurrencyid_value=link.one("dataverse", "transactioncurrencies")["transactioncurrencyid"],
    )
    customer = link.one("finops", "CustomersV3", CustomerAccount="C-1")
    assert customer["OrganizationName"] == "Fabrikam"
    assert (customer["CustomerGroupId"], customer["SalesCurrencyCode"]) == ("10", "EUR")
    assert customer["PartyType"] == "Organization"


def test_customer_flows_to_account_with_defaults(link: LinkedPair) -> None:
    for name in (CUSTOMER_GROUPS, CUSTOMERS):
        link.run(name)
    group(link)
    values = {
        "CustomerAccount": "C-2",
        "CustomerGroupId": "10",
        "SalesCurrencyCode": "EUR",
        "OrganizationName": "Adatum",
    }
    link.finops("CustomersV3", dataAreaId="dat", OnHoldStatus="Payment", **values)
    account = link.one("dataverse", "accounts", accountnumber="C-2")
    assert (account["name"], account["customertypecode"], account["msdyn_onholdstatus"]) == ("Adatum", 3, 806380003)


def test_person_customer_is_no_account(link: LinkedPair) -> None:
    group(link)
    link.run(CUSTOMERS)
    values = {"CustomerAccount": "C-3", "CustomerGroupId": "10", "SalesCurrencyCode": "EUR", "PartyType": "Person"}
    link.finops("CustomersV3", dataAreaId="dat", **values)
    assert link.all("dataverse", "accounts") == []


def test_supplier_account_stays_in_dataverse(link: LinkedPair) -> None:
    link.run(CUSTOMERS)
    company = link.company["cdm_companyid"]
    link.dataverse("accounts", name="A", accountnumber="1", customertypecode=10, _msdyn_company_value=company)
    assert link.all("finops", "CustomersV3") == []


def test_refusal_of_finops_fails_the_write(link: LinkedPair) -> None:
    link.run(CUSTOMERS)
    company = link.company["cdm_companyid"]
    with pytest.raises(SyncError, match=r"entity CustomersV3[.] Field 'CustomerGroupId' must be filled in"):
        link.dataverse("accounts", name="A", accountnumber="1", customertypecode=3, _msdyn_company_value=company)
    assert link.all("dataverse", "accounts") == []


def test_row_without_company_flows_once_stamped(link: LinkedPair) -> None:
    link.run(VENDOR_GROUPS)
    row = link.dataverse("msdyn_vendorgroups", msdyn_vendorgroup="40", msdyn_description="Others")
    assert link.all("finops", "VendorGroups") == []
    company = link.company["cdm_companyid"]
    link.update("dataverse", "msdyn_vendorgroups", row["msdyn_vendorgroupid"], _msdyn_company_value=company)
    assert link.one("finops", "VendorGroups")["Description"] == "Others"


def test_stamped_row_replaces_its_counterpart(link: LinkedPair) -> None:
    link.run(VENDOR_GROUPS)
    link.run(VENDOR_GROUPS, MapState.STOPPED)
    link.finops("VendorGroups", dataAreaId="dat", VendorGroupId="40", Description="older")
    row = link.dataverse("msdyn_vendorgroups", msdyn_vendorgroup="40", msdyn_description="stamped")
    link.run(VENDOR_GROUPS)
    company = link.company["cdm_companyid"]
    link.update("dataverse", "msdyn_vendorgroups", row["msdyn_vendorgroupid"], _msdyn_company_value=company)
    assert link.one("finops", "VendorGroups")["Description"] == "stamped"


def test_company_that_is_not_linked_stays(link: LinkedPair) -> None:
    link.run(CUSTOMER_GROUPS)
    legal_entity(link, "USMF", "Contoso USA")
    link.dataverse("cdm_companies", cdm_companycode="USMF", cdm_name="Contoso USA")
    link.finops("CustomerGroups", dataAreaId="usmf", CustomerGroupId="10")
    assert link.all("dataverse", "msdyn_customergroups") == []


def test_one_way_map_does_not_flow_back(link: LinkedPair) -> None:
    link.run(COMPANIES)
    legal_entity(link, "USMF", "Contoso USA")
    made = link.one("dataverse", "cdm_companies", cdm_companycode="USMF")
    assert made["cdm_isenabledfordualwrite"] is True
    link.update("dataverse", "cdm_companies", made["cdm_companyid"], cdm_name="Renamed")
    link.dataverse("cdm_companies", cdm_companycode="GBSI", cdm_name="Contoso GB")
    assert link.all("finops", "LegalEntities", LegalEntityId="GBSI") == []
    assert link.one("finops", "LegalEntities", LegalEntityId="USMF")["Name"] == "Contoso USA"


def test_finops_filter_leaves_currency_999_out(link: LinkedPair) -> None:
    link.run(CURRENCIES)
    link.update("finops", "Currencies", "999", Name="None")
    link.update("finops", "Currencies", "chf", Name="Franken")
    assert link.one("dataverse", "transactioncurrencies", isocurrencycode="CHF")["currencyname"] == "Franken"
    assert link.all("dataverse", "transactioncurrencies", isocurrencycode="999") == []


def test_stopped_map_moves_nothing(link: LinkedPair) -> None:
    link.run(CUSTOMER_GROUPS)
    link.run(CUSTOMER_GROUPS, MapState.STOPPED)
    group(link)
    assert link.all("dataverse", "msdyn_customergroups") == []


def test_unmapped_column_writes_nothing_there(link: LinkedPair) -> None:
    link.run(CUSTOMER_GROUPS)
    group(link)
    mirrored = link.one("dataverse", "msdyn_customergroups")
    before = link.one("finops", "CustomerGroups")["@odata.etag"]
    link.update("dataverse", "msdyn_customergroups", mirrored["msdyn_customergroupid"], statuscode=2)
    assert link.one("finops", "CustomerGroups")["@odata.etag"] == before


def test_odata_write_is_on_the_other_side(link: LinkedPair, call: CallTenant) -> None:
    link.run(CUSTOMER_GROUPS)
    body = {"dataAreaId": "dat", "CustomerGroupId": "77", "Description": "By OData"}
    finops = link.connection.finance_host
    reply = call("POST", f"https://{finops}/data/CustomerGroups", json=body, app=directory.PROVE_CLIENT_ID)
    assert reply.status == 201
    url = f"https://{link.connection.dataverse_host}/api/data/v9.2/msdyn_customergroups"
    found = call("GET", url, params={"$filter": "msdyn_groupid eq '77'"}, app=directory.PROVE_CLIENT_ID)
    assert [row["msdyn_description"] for row in found.json["value"]] == ["By OData"]


def test_odata_write_that_cannot_sync_is_refused(link: LinkedPair, call: CallTenant) -> None:
    link.finops("PaymentTerms", dataAreaId="dat", Name="Net30", Description="30 days")
    link.run(CUSTOMER_GROUPS)
    body = {"dataAreaId": "dat", "CustomerGroupId": "77", "PaymentTermId": "Net30"}
    finops = link.connection.finance_host
    reply = call("POST", f"https://{finops}/data/CustomerGroups", json=body, app=directory.PROVE_CLIENT_ID)
    assert reply.status >= 400
    assert "The lookup value was not found: Net30" in str(reply.json)
    assert link.all("finops", "CustomerGroups") == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(writes=WRITES)
def test_running_map_keeps_both_sides_equal(link: LinkedPair, writes: Writes) -> None:
    clear(link)
    link.run(CUSTOMER_GROUPS)
    play(link, writes)
    finops, dataverse = shown(link)
    assert finops == dataverse


def test_row_that_is_too_long_for_dataverse_fails_and_says_why(link: LinkedPair) -> None:
    """An everyday failure: what F&O takes, the column of the other side does not."""
    link.run(CURRENCIES)
    said = "Unable to write data to entity transactioncurrencies. A validation error occurred.  The length of the "
    with pytest.raises(SyncError, match=f"{said}'currencyname' attribute .* allowed length of '100'"):
        link.finops("Currencies", CurrencyCode="XTS", Name="x" * 101)
    assert link.all("dataverse", "transactioncurrencies", isocurrencycode="XTS") == []
