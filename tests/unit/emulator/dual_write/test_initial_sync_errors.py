"""Why an initial sync fails, in the words of the documents: limits, look-ups, F&O's services, number formats."""

from typing import Any

import pytest

from emulator.core.person import PersonError
from emulator.dual_write import executions, initial_sync
from emulator.dual_write.states import MapState
from emulator.identity.directory import DATA_INTEGRATION_APP_ID
from tests.unit.emulator.dual_write.linked_pair import (
    CDS,
    CUSTOMER_GROUPS,
    CUSTOMERS,
    FINOPS,
    PAYMENT_TERMS,
    LinkedPair,
)

PARTIES = "msdyn_parties - CDS Parties"
PARTY_CONTACTS = "msdyn_partyelectronicaddresses - Party contacts V3"
RUNTIME_APP_ID = "00000015-0000-0000-c000-000000000000"


def sync(
    link: LinkedPair, name: str, master: str = "AX", broken: str | None = None
) -> tuple[str, list[dict[str, Any]]]:
    """Run an initial sync; return the text of its request ("" for none) and its first company's legs."""
    table_map = link.run(name, MapState.INITIAL_SYNC)
    table_map.broken = broken
    initial_sync.begin(link.tenant, link.connection, table_map, request_id="r1", master=master)
    error = initial_sync.finish(link.tenant, link.connection, table_map, request_id="r1")
    newest = executions.answer(link.tenant, table_map)["projectExecutionResponses"][0]
    return error or "", newest["taskExecutionStatuses"][0]["legs"]


def person(link: LinkedPair, action: str, **request: Any) -> dict[str, Any]:
    """Let a person act on the pair."""
    return link.tenant.person.act({"action": action, "environment": CDS, **request})


def customer(link: LinkedPair, account: str, **values: Any) -> None:
    """Insert an organization customer of DAT into F&O, with group 10."""
    if not link.all("finops", "CustomerGroups", dataAreaId="dat", CustomerGroupId="10"):
        link.finops("CustomerGroups", dataAreaId="dat", CustomerGroupId="10", Description="Wholesale")
        company = link.company["cdm_companyid"]
        link.dataverse("msdyn_customergroups", msdyn_groupid="10", _msdyn_company_value=company)
    frame = {"dataAreaId": "dat", "CustomerGroupId": "10", "SalesCurrencyCode": "EUR", "PartyType": "Organization"}
    link.finops("CustomersV3", CustomerAccount=account, OrganizationName=account, **frame, **values)


def account(link: LinkedPair, number: str, **values: Any) -> dict[str, Any]:
    """Insert an account of DAT that passes the filter of its map."""
    company = link.company["cdm_companyid"]
    if not link.all("dataverse", "msdyn_customergroups", msdyn_groupid="10"):
        link.finops("CustomerGroups", dataAreaId="dat", CustomerGroupId="10", Description="Wholesale")
        link.dataverse("msdyn_customergroups", msdyn_groupid="10", _msdyn_company_value=company)
    group = link.one("dataverse", "msdyn_customergroups", msdyn_groupid="10")["msdyn_customergroupid"]
    currency = link.one("dataverse", "transactioncurrencies", isocurrencycode="EUR")["transactioncurrencyid"]
    frame = {"customertypecode": 3, "_msdyn_company_value": company, "_msdyn_customergroupid_value": group}
    return link.dataverse(
        "accounts", accountnumber=number, name=number, _transactioncurrencyid_value=currency, **frame, **values
    )


def test_accounts_and_customers_cross_with_their_lookups(link: LinkedPair) -> None:
    customer(link, "C-1")
    account(link, "A-1")
    assert sync(link, CUSTOMERS)[0] == ""
    assert {row["CustomerAccount"]: row["CustomerGroupId"] for row in link.all("finops", "CustomersV3")} == {
        "C-1": "10",
        "A-1": "10",
    }
    group = link.one("dataverse", "msdyn_customergroups", msdyn_groupid="10")["msdyn_customergroupid"]
    assert {row["accountnumber"]: row["_msdyn_customergroupid_value"] for row in link.all("dataverse", "accounts")} == {
        "C-1": group,
        "A-1": group,
    }


def test_standard_customers_have_ten_lookups_and_pass_from_dataverse(link: LinkedPair) -> None:
    account(link, "A-1")
    assert sync(link, CUSTOMERS)[0] == ""


def test_more_lookups_than_the_limit_fail_rows_of_dataverse(link: LinkedPair) -> None:
    account(link, "A-1")
    customer(link, "C-1")
    link.tenant.switches.set("dual_write_initial_sync_lookups", 9)
    error, legs = sync(link, CUSTOMERS)
    assert "5 Attempts to get data from https://europe-001.azure-apim.net/apim/" in error
    assert error.endswith(" Failed")
    from_finops, from_dataverse = sorted(legs, key=lambda leg: leg["displayName"], reverse=True)
    assert (from_finops["status"], from_finops["importRecordsInsertedCount"]) == ("COMPLETED", 1)
    assert (from_dataverse["status"], from_dataverse["exportStatus"]) == ("ERROR", "ERROR")
    assert from_dataverse["exportErrors"][0]["errorMessage"].startswith("CRMExport: Package execution complete.")


def test_many_lookups_do_not_matter_where_dataverse_has_no_rows(link: LinkedPair) -> None:
    customer(link, "C-1")
    link.tenant.switches.set("dual_write_initial_sync_lookups", 1)
    assert sync(link, CUSTOMERS)[0] == ""


def test_missing_lookup_names_field_value_and_address(link: LinkedPair) -> None:
    customer(link, "C-1", InvoiceAccount="1206-1")
    error, _ = sync(link, CUSTOMERS)
    assert error.endswith(
        "Couldn't resolve the guid for the field: msdyn_billingaccount.accountnumber. The lookup value was not found: "
        f"1206-1. Try this URL(s) to check if the reference data exists: https://{CDS}/api/data/v9.0/accounts"
        "?$select=accountnumber&$filter=accountnumber eq '1206-1'"
    )


def test_self_references_shrink_from_run_to_run(link: LinkedPair) -> None:
    customer(link, "C-1")
    customer(link, "C-2", InvoiceAccount="C-1")
    customer(link, "C-3", InvoiceAccount="C-2")
    failed = []
    for _ in range(3):
        _, legs = sync(link, CUSTOMERS)
        failed.append(sum(leg["importRecordsErrorCount"] for leg in legs))
    assert failed == [2, 1, 0]
    assert len(link.all("dataverse", "accounts")) == 3


def test_party_that_does_not_sync_fails_its_addresses(link: LinkedPair) -> None:
    link.finops("CDSParties", PartyNumber="000001", PartyType="Organization")
    link.finops("CDSParties", PartyNumber="000002", PartyType="LegalEntity")
    for number in ("000001", "000002"):
        link.finops("PartyContactsV3", PartyNumber=number, ElectronicAddressId=f"E{number}", Type="Phone")
    assert sync(link, PARTIES)[0] == ""
    assert [row["msdyn_partynumber"] for row in link.all("dataverse", "msdyn_parties")] == ["000001"]
    error, legs = sync(link, PARTY_CONTACTS)
    assert error.endswith("Party number couldn't be found in Dataverse.")
    assert sum(leg["importRecordsErrorCount"] for leg in legs) == 1


@pytest.mark.parametrize("environment", [CDS, FINOPS])
def test_stopped_data_management_is_400_until_it_starts_again(link: LinkedPair, environment: str) -> None:
    customer(link, "C-1")
    link.tenant.person.act({"action": "stop-data-management", "environment": environment})
    error, legs = sync(link, CUSTOMERS)
    text = "([Bad Request], The remote server returned an error: (400) Bad Request.), AX export encountered an error"
    assert error.startswith("Dual write Initial Sync completed with status: Error.")
    assert error.endswith(text)
    assert {leg["exportErrors"][0]["errorMessage"] for leg in legs} == {text}
    assert link.all("dataverse", "accounts") == []
    link.tenant.person.act({"action": "start-data-management", "environment": environment})
    assert sync(link, CUSTOMERS)[0] == ""


def test_removed_client_row_in_finops_is_403(link: LinkedPair) -> None:
    customer(link, "C-1")
    link.tenant.person.act(
        {"action": "remove-application", "environment": FINOPS, "client_id": DATA_INTEGRATION_APP_ID}
    )
    error, _ = sync(link, CUSTOMERS)
    assert error.endswith(
        "([Forbidden], The remote server returned an error: (403) Forbidden.), AX export encountered an error"
    )


def test_removed_application_user_fails_what_dual_write_writes(link: LinkedPair) -> None:
    customer(link, "C-1")
    person(link, "remove-application", client_id=RUNTIME_APP_ID)
    error, legs = sync(link, CUSTOMERS)
    assert error.endswith("0x80072560 The user is not a member of the organization.")
    assert sum(leg["importRecordsErrorCount"] for leg in legs) == 1


def test_other_number_format_fails_rows_with_a_zero(link: LinkedPair) -> None:
    customer(link, "C-1", CreditLimit=0)
    customer(link, "C-2", CreditLimit=100)
    person(link, "set-number-format", locale="de-de")
    error, legs = sync(link, CUSTOMERS)
    assert "Can't convert the literal '000000' to the expected type 'Edm.Decimal'" in error
    assert sum(leg["importRecordsErrorCount"] for leg in legs) == 1
    person(link, "set-number-format", locale="EN-US")
    assert sync(link, CUSTOMERS)[0] == ""


def test_maps_without_decimals_do_not_mind_the_number_format(link: LinkedPair) -> None:
    person(link, "set-number-format", locale="de-de")
    link.finops("CustomerGroups", dataAreaId="dat", CustomerGroupId="10")
    assert sync(link, CUSTOMER_GROUPS)[0] == ""


def test_broken_map_fails_every_direction_with_its_text(link: LinkedPair) -> None:
    link.finops("CustomerGroups", dataAreaId="dat", CustomerGroupId="10")
    text = "Unable to build dual-write lookup metadata. object reference not set"
    error, legs = sync(link, CUSTOMER_GROUPS, broken=text)
    assert error.endswith(text)
    assert [leg["exportErrors"][0]["errorMessage"] for leg in legs] == [text, text]
    assert link.all("dataverse", "msdyn_customergroups") == []


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        ("dual_write_initial_sync_rows", "The export of 3 records exceeds the limit of 2."),
        ("dual_write_single_threaded_rows", "Customers V3 is imported by one thread: 3 records exceed the limit of 2."),
    ],
)
def test_too_many_rows_of_dataverse_fail_their_direction(link: LinkedPair, limit: str, text: str) -> None:
    for number in range(3):
        account(link, f"A-{number}")
    link.tenant.switches.set(limit, 2)
    assert sync(link, CUSTOMERS)[0].endswith(text)
    assert link.all("finops", "CustomersV3") == []


def test_single_thread_limit_is_for_rows_of_dataverse_into_listed_tables(link: LinkedPair) -> None:
    for number in range(3):
        customer(link, f"C-{number}")
        link.finops("PaymentTerms", dataAreaId="dat", Name=f"Net{number}", Description="days")
    link.tenant.switches.set("dual_write_single_threaded_rows", 2)
    assert sync(link, CUSTOMERS)[0] == ""
    assert sync(link, PAYMENT_TERMS)[0] == ""


@pytest.mark.parametrize("side", ["dataverse", "finops"])
def test_stale_configuration_is_added_once(link: LinkedPair, side: str) -> None:
    person(link, "add-stale-configuration", side=side)
    with pytest.raises(PersonError, match="has that configuration already"):
        person(link, "add-stale-configuration", side=side)


@pytest.mark.parametrize(
    "request_",
    [
        {"action": "stop-data-management", "environment": "other.crm4.dynamics.com"},
        {"action": "remove-application", "environment": CDS, "client_id": "nobody"},
        {"action": "remove-application", "environment": CDS, "client_id": "11111111-0000-4000-8000-000000000000"},
        {"action": "remove-application", "environment": FINOPS, "client_id": "11111111-0000-4000-8000-000000000000"},
        {"action": "set-number-format", "environment": CDS},
        {"action": "rename-root-team", "environment": "other.crm4.dynamics.com", "name": "x"},
        {"action": "clear-owning-team", "environment": CDS, "company": "NONE"},
        {"action": "add-stale-configuration", "environment": CDS, "side": "left"},
    ],
)
def test_impossible_deeds_are_refused(link: LinkedPair, request_: dict[str, Any]) -> None:
    with pytest.raises(PersonError):
        link.tenant.person.act(request_)
