"""A company stamped on rows of Dataverse: what reaches F&O while maps run, are stopped, or refuse."""

import re
from typing import Any

import pytest

from emulator.dual_write import connections
from emulator.dual_write.connections import Company
from emulator.dual_write.states import MapState
from tests.unit.emulator import stamping
from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.dual_write.linked_pair import CDS, CUSTOMERS, LinkedPair, sync

API = f"https://{CDS}/api/data/v9.2"


def group(link: LinkedPair, company_id: str, code: str) -> str:
    """Insert customer group 10 of a company on both sides and return its id in Dataverse."""
    link.finops("CustomerGroups", dataAreaId=code, CustomerGroupId="10", Description="Wholesale")
    row = link.dataverse("msdyn_customergroups", msdyn_groupid="10", _msdyn_company_value=company_id)
    return str(row["msdyn_customergroupid"])


def account(link: LinkedPair, number: str, group_id: str | None, **values: Any) -> str:
    """Insert an account without a company and return its id."""
    currency = link.one("dataverse", "transactioncurrencies", isocurrencycode="EUR")["transactioncurrencyid"]
    lookups = {"_msdyn_customergroupid_value": group_id, "_transactioncurrencyid_value": currency}
    row = link.dataverse(
        "accounts", **{"accountnumber": number, "name": number, "customertypecode": 3, **lookups, **values}
    )
    return str(row["accountid"])


def stamp(call: CallTenant, company_id: str, *ids: str) -> list[tuple[int, str]]:
    """Stamp a company in one batch; return status and error text of each operation."""
    reply = stamping.stamp(call, CDS, company_id, ids)
    assert reply.status == 200, reply.json
    answers = re.split(r"HTTP/1\.1 ", bytes(reply.body or b"").decode())[1:]  # type: ignore[arg-type]
    return [(int(text[:3]), text) for text in answers]


@pytest.fixture
def usmf(link: LinkedPair) -> str:
    """A second linked company, and the demo program a user by now; returns the id of the company's row."""
    link.tenant.events.advance(120)
    link.finops("LegalEntities", LegalEntityId="USMF", Name="Contoso USA", AddressCountryRegionId="USA")
    row = link.dataverse("cdm_companies", cdm_companycode="USMF", cdm_name="USA", cdm_isenabledfordualwrite=True)
    link.connection.companies.append(Company("USMF", row["cdm_companyid"]))
    connections.save(link.tenant, link.connection)
    return str(row["cdm_companyid"])


def test_stamped_row_is_created_once_in_its_company(link: LinkedPair, call: CallTenant, usmf: str) -> None:
    link.run(CUSTOMERS)
    account_id = account(link, "A-1", group(link, usmf, "usmf"))
    assert link.all("finops", "CustomersV3") == []
    assert [status for status, _ in stamp(call, usmf, account_id)] == [204]
    row = link.one("finops", "CustomersV3")
    assert (row["dataAreaId"], row["CustomerAccount"], row["CustomerGroupId"]) == ("usmf", "A-1", "10")
    assert [status for status, _ in stamp(call, usmf, account_id)] == [204], "the same stamp again"
    assert len(link.all("finops", "CustomersV3")) == 1


def test_row_outside_the_filter_of_its_map_is_stamped_only(link: LinkedPair, call: CallTenant, usmf: str) -> None:
    link.run(CUSTOMERS)
    account_id = account(link, "A-1", group(link, usmf, "usmf"), customertypecode=1)
    assert [status for status, _ in stamp(call, usmf, account_id)] == [204]
    assert link.all("finops", "CustomersV3") == []


def test_row_of_a_stopped_map_is_stamped_only(link: LinkedPair, call: CallTenant, usmf: str) -> None:
    account_id = account(link, "A-1", group(link, usmf, "usmf"))
    link.run(CUSTOMERS, MapState.STOPPED)
    assert [status for status, _ in stamp(call, usmf, account_id)] == [204]
    link.run(CUSTOMERS)
    assert link.all("finops", "CustomersV3") == []


def test_row_of_a_company_that_is_not_linked_is_stamped_only(link: LinkedPair, call: CallTenant, usmf: str) -> None:
    link.connection.companies.pop()
    connections.save(link.tenant, link.connection)
    link.run(CUSTOMERS)
    account_id = account(link, "A-1", group(link, usmf, "usmf"))
    assert [status for status, _ in stamp(call, usmf, account_id)] == [204]
    assert link.all("finops", "CustomersV3") == []


def test_refused_row_fails_alone_and_stays_without_company(link: LinkedPair, call: CallTenant, usmf: str) -> None:
    link.run(CUSTOMERS)
    group_id = group(link, usmf, "usmf")
    good, bad, other = account(link, "A-1", group_id), account(link, "A-2", None), account(link, "A-3", group_id)
    (first, _), (second, text), (third, _) = stamp(call, usmf, good, bad, other)
    assert (first, second, third) == (204, 400, 204)
    assert "Unable to write data to entity CustomersV3. Field 'CustomerGroupId' must be filled in." in text
    assert {row["CustomerAccount"] for row in link.all("finops", "CustomersV3")} == {"A-1", "A-3"}
    assert call("GET", f"{API}/accounts({bad})").json["_msdyn_company_value"] is None


def test_rows_of_a_bootstrap_before_live_sync_wait_for_the_initial_sync(
    link: LinkedPair, call: CallTenant, usmf: str
) -> None:
    account_id = account(link, "A-1", group(link, usmf, "usmf"))
    stamp(call, usmf, account_id)
    assert link.all("finops", "CustomersV3") == []
    error, _ = sync(link, CUSTOMERS, "AX")
    assert error is None
    assert link.one("finops", "CustomersV3")["dataAreaId"] == "usmf"
