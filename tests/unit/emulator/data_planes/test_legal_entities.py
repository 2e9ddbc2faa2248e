"""A company that a program creates in an existing F&O: found, filled, never renamed, kept while it holds rows."""

from typing import Any

import pytest

from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant

DATA = "https://tailspin-erp.sandbox.operations.eu.dynamics.com/data"
COMPANY = {"LegalEntityId": "TSUK", "Name": "Tailspin Toys UK", "AddressCountryRegionId": "GBR"}


@pytest.fixture
def created(existing: Tenant, call: CallTenant) -> dict[str, Any]:
    """The new company as F&O answered it."""
    reply = call("POST", f"{DATA}/LegalEntities", json=COMPANY)
    assert reply.status == 201
    return dict(reply.json)


def test_created_company_reads_back(created: dict[str, Any], call: CallTenant) -> None:
    found = call("GET", f"{DATA}/LegalEntities('tsuk')").json
    assert {name: found[name] for name in COMPANY} == COMPANY
    assert found["PartyNumber"] == created["PartyNumber"] != ""
    listed = call("GET", f"{DATA}/LegalEntities?$filter=LegalEntityId eq 'tsuk'").json["value"]
    assert [row["LegalEntityId"] for row in listed] == ["TSUK"]


def test_created_company_takes_rows(created: dict[str, Any], call: CallTenant) -> None:
    group = {"dataAreaId": "TSUK", "CustomerGroupId": "10", "Description": "Shops"}
    assert call("POST", f"{DATA}/CustomerGroups", json=group).json["dataAreaId"] == "tsuk"
    customer = {
        "dataAreaId": "tsuk", "CustomerAccount": "UK-1", "CustomerGroupId": "10", "SalesCurrencyCode": "GBP",
        "OrganizationName": "Toy Harbour", "PartyType": "Organization",
    }  # fmt: skip
    assert call("POST", f"{DATA}/CustomersV3", json=customer).status == 201
    read = call("GET", f"{DATA}/CustomersV3?cross-company=true&$filter=dataAreaId eq 'tsuk'").json["value"]
    assert [row["CustomerAccount"] for row in read] == ["UK-1"]
    refused = call("DELETE", f"{DATA}/LegalEntities('TSUK')")
    assert refused.status == 501
    assert "a company that contains data" in refused.json["error"]["message"]


@pytest.mark.parametrize("code", ["TSUK", "tsuk", "tSEU"])
def test_code_is_taken_whatever_its_case(created: dict[str, Any], call: CallTenant, code: str) -> None:
    refused = call("POST", f"{DATA}/LegalEntities", json={**COMPANY, "LegalEntityId": code})
    assert refused.status == 500
    assert "record already exists" in refused.json["error"]["innererror"]["message"]


@pytest.mark.parametrize("code", ["TSUKX", "T-1", "T 1", "TÜR", ""])
def test_code_is_one_to_four_alphanumerics(existing: Tenant, call: CallTenant, code: str) -> None:
    assert call("POST", f"{DATA}/LegalEntities", json={**COMPANY, "LegalEntityId": code}).status == 400
    assert len(call("GET", f"{DATA}/LegalEntities").json["value"]) == 3


@pytest.mark.parametrize("missing", ["LegalEntityId", "Name", "AddressCountryRegionId"])
def test_code_name_and_country_are_mandatory(existing: Tenant, call: CallTenant, missing: str) -> None:
    body = {name: value for name, value in COMPANY.items() if name != missing}
    refused = call("POST", f"{DATA}/LegalEntities", json=body)
    assert refused.status == 400
    assert f"Field '{missing}' must be filled in" in refused.json["error"]["innererror"]["message"]


def test_change_of_the_code_is_not_modelled(created: dict[str, Any], call: CallTenant) -> None:
    assert call("PATCH", f"{DATA}/LegalEntities('TSUK')", json={"LegalEntityId": "TSU2"}).status == 501
    assert call("PATCH", f"{DATA}/LegalEntities('TSUK')", json={"Name": "Tailspin UK"}).status == 204
    assert call("GET", f"{DATA}/LegalEntities('TSUK')").json["Name"] == "Tailspin UK"


def test_rows_of_a_company_that_is_not_there_are_not_modelled(existing: Tenant, call: CallTenant) -> None:
    group = {"dataAreaId": "tsuk", "CustomerGroupId": "10"}
    refused = call("POST", f"{DATA}/CustomerGroups", json=group)
    assert refused.status == 501
    assert "POST /data/CustomerGroups: a row of the company 'tsuk'" in refused.json["error"]["message"]
    assert call("GET", f"{DATA}/CustomerGroups?cross-company=true&$filter=dataAreaId eq 'tsuk'").json["value"] == []
