"""F&O OData: registration, companies, keys, validation, pages, demo data."""

from typing import Any

import pytest

from emulator.core.wire import Reply
from emulator.data.schemas import tables
from emulator.finance_operations import reads
from emulator.finance_operations.instance import delete_instance
from emulator.identity.directory import (
    ADMINISTRATOR_UPN,
    DEMO_CLIENT_ID,
    PROVE_CLIENT_ID,
    UNREGISTERED_CLIENT_ID,
)
from emulator.tables import SyncError, Write
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.data_planes.conftest import CDS, DATA, ENVIRONMENT_ID, FINOPS
from tests.unit.emulator.new_sides import new_instance

CROSS = "cross-company=true"


@pytest.fixture
def registered(call: CallTenant, instance: str) -> str:
    """The instance, with the demo program registered by itself."""
    body = {"AADClientId": DEMO_CLIENT_ID, "UserId": "Admin", "Name": "Dual-write as code"}
    assert call("POST", f"{DATA}/SysAADClients", json=body).status == 201
    return instance


@pytest.fixture
def usmf(call: CallTenant, registered: str) -> str:
    """A second company, with terms of payment and a customer group."""
    company = {"LegalEntityId": "USMF", "Name": "Contoso US", "AddressCountryRegionId": "USA"}
    assert call("POST", f"{DATA}/LegalEntities", json=company).status == 201
    _post(call, "PaymentTerms", dataAreaId="usmf", Name="Net30", NumberOfDays=30)
    _post(
        call, "CustomerGroups", dataAreaId="usmf", CustomerGroupId="10", Description="Wholesale", PaymentTermId="Net30"
    )
    return registered


def _post(call: CallTenant, entity_set: str, **values: Any) -> dict[str, Any]:
    reply = call("POST", f"{DATA}/{entity_set}", json=values)
    assert reply.status == 201, reply.json
    return dict(reply.json)


def _values(call: CallTenant, path: str) -> list[dict[str, Any]]:
    reply = call("GET", f"{DATA}/{path}")
    assert reply.status == 200, reply.json
    return list(reply.json["value"])


def _inner(reply: Reply) -> str:
    assert reply.json["error"]["code"] == ""
    return str(reply.json["error"]["innererror"]["message"])


def test_unregistered_application_is_401(call: CallTenant, instance: str) -> None:
    assert call("GET", f"{DATA}/", app=UNREGISTERED_CLIENT_ID).status == 401
    assert call("GET", f"{DATA}/").status == 401
    assert call("GET", f"{DATA}/", app=None).status == 401


def test_installer_registers_itself_once(call: CallTenant, registered: str) -> None:
    assert call("GET", f"{DATA}/").status == 200
    again = {"AADClientId": DEMO_CLIENT_ID, "UserId": "Admin", "Name": "x"}
    reply = call("POST", f"{DATA}/SysAADClients", json=again)
    assert reply.status == 500
    assert "already exists" in _inner(reply)


def test_without_the_switch_a_person_registers(tenant: Tenant, call: CallTenant, instance: str) -> None:
    tenant.switches.set("finops_creator_is_administrator", value=False)
    body = {"AADClientId": DEMO_CLIENT_ID, "UserId": "Admin", "Name": "x"}
    assert call("POST", f"{DATA}/SysAADClients", json=body).status == 401
    tenant.person.act({"action": "register-application", "environment": CDS})
    assert call("GET", f"{DATA}/").status == 200


def test_proof_and_administrator_are_known(call: CallTenant, instance: str) -> None:
    assert call("GET", f"{DATA}/", app=PROVE_CLIENT_ID).status == 200
    assert call("GET", f"{DATA}/", app=None, user=ADMINISTRATOR_UPN).status == 200


def test_registration_needs_an_existing_user(call: CallTenant, registered: str) -> None:
    body = {"AADClientId": UNREGISTERED_CLIENT_ID, "UserId": "Nobody", "Name": "x"}
    assert call("POST", f"{DATA}/SysAADClients", json=body).status == 400


def test_empty_instance_has_company_dat_only(call: CallTenant, registered: str) -> None:
    assert [row["LegalEntityId"] for row in _values(call, "LegalEntities")] == ["DAT"]
    assert _values(call, f"CustomersV3?{CROSS}") == []


def test_reads_show_the_own_company_unless_cross_company(call: CallTenant, usmf: str) -> None:
    _post(call, "CustomerGroups", CustomerGroupId="99", Description="of DAT")
    assert [row["CustomerGroupId"] for row in _values(call, "CustomerGroups")] == ["99"]
    both = _values(call, f"CustomerGroups?{CROSS}&$orderby=CustomerGroupId")
    assert [(row["dataAreaId"], row["CustomerGroupId"]) for row in both] == [("usmf", "10"), ("dat", "99")]
    only = _values(call, f"CustomerGroups?{CROSS}&$filter=dataAreaId eq 'USMF'")
    assert [row["CustomerGroupId"] for row in only] == ["10"]


def test_entity_is_addressed_by_all_its_keys(call: CallTenant, usmf: str) -> None:
    url = f"{DATA}/CustomerGroups(dataAreaId='usmf',CustomerGroupId='10')?{CROSS}"
    assert call("GET", url).json["Description"] == "Wholesale"
    lacking = call("GET", f"{DATA}/CustomerGroups(CustomerGroupId='10')?{CROSS}")
    assert lacking.status == 404
    assert "No route data was found for this request." in lacking.json["Message"]
    assert call("GET", f"{DATA}/CustomerGroups(dataAreaId='usmf',CustomerGroupId='11')?{CROSS}").status == 404


def test_key_of_another_company_needs_cross_company(tenant: Tenant, call: CallTenant, usmf: str) -> None:
    url = f"{DATA}/CustomerGroups(dataAreaId='usmf',CustomerGroupId='10')"
    assert call("GET", url).status == 404
    assert call("DELETE", url).status == 404
    tenant.switches.set("finops_keys_need_cross_company", value=False)
    assert call("GET", url).status == 200


def test_patch_changes_and_delete_removes(call: CallTenant, usmf: str) -> None:
    url = f"{DATA}/CustomerGroups(dataAreaId='USMF',CustomerGroupId='10')?{CROSS}"
    reply = call("PATCH", url, json={"Description": "Retail"})
    assert (reply.status, reply.json) == (204, None)
    assert call("GET", url).json["Description"] == "Retail"
    assert call("DELETE", url).status == 204
    assert call("GET", url).status == 404


def test_stale_etag_is_412(call: CallTenant, usmf: str) -> None:
    url = f"{DATA}/CustomerGroups(dataAreaId='usmf',CustomerGroupId='10')?{CROSS}"
    headers = {"If-Match": call("GET", url).json["@odata.etag"]}
    assert call("PATCH", url, json={"Description": "a"}, headers=headers).status == 204
    assert call("PATCH", url, json={"Description": "b"}, headers=headers).status == 412


def test_duplicate_is_500_with_the_reason_inside(call: CallTenant, usmf: str) -> None:
    body = {"dataAreaId": "usmf", "CustomerGroupId": "10"}
    reply = call("POST", f"{DATA}/CustomerGroups", json=body)
    assert reply.status == 500
    assert "record already exists" in _inner(reply)


@pytest.mark.parametrize(
    ("entity_set", "body", "said"),
    [
        ("CustomerGroups", {"Description": "x"}, "Field 'CustomerGroupId' must be filled in"),
        ("CustomerGroups", {"CustomerGroupId": "1", "PaymentTermId": "Net99"}, "in field 'PaymentTermId' is not found"),
        ("CustomersV3", {"CustomerAccount": "1", "CustomerGroupId": "10"}, "Field 'SalesCurrencyCode' must be"),
        ("LegalEntities", {"LegalEntityId": "USRTX", "Name": "x", "AddressCountryRegionId": "x"}, "one to four"),
        ("LegalEntities", {"LegalEntityId": "USRT", "Name": "x"}, "Field 'AddressCountryRegionId' must be filled in"),
        ("LegalEntities", {"LegalEntityId": "dat", "Name": "x", "AddressCountryRegionId": "x"}, "already exists"),
        ("CustomerGroups", {"CustomerGroupId": "1", "Nonsense": 1}, "The property 'Nonsense' does not exist"),
        ("CustomerGroups", {"CustomerGroupId": 1}, "Cannot convert the literal '1'"),
        ("CustomerGroups", {"CustomerGroupId": "1", "IsSalesTaxIncludedInPrice": "Maybe"}, "the literal 'Maybe'"),
    ],
)  # fmt: skip
def test_validation_says_what_is_wrong(
    call: CallTenant, registered: str, entity_set: str, body: Any, said: str
) -> None:
    reply = call("POST", f"{DATA}/{entity_set}", json=body)
    assert reply.status in {400, 500}
    assert said in _inner(reply)


def test_unset_properties_have_the_defaults_of_finops(call: CallTenant, usmf: str) -> None:
    row = _post(call, "CustomerGroups", dataAreaId="usmf", CustomerGroupId="20")
    assert (row["Description"], row["IsSalesTaxIncludedInPrice"]) == ("", "No")
    assert _post(call, "PaymentTerms", dataAreaId="usmf", Name="COD")["NumberOfDays"] == 0


def test_company_code_is_case_blind_and_its_change_is_not_modelled(call: CallTenant, usmf: str) -> None:
    url = f"{DATA}/LegalEntities('usmf')"
    assert call("GET", url).json["Name"] == "Contoso US"
    assert call("PATCH", url, json={"LegalEntityId": "USRT"}).status == 501
    assert call("PATCH", url, json={"Name": "Contoso"}).status == 204


def test_deletion_of_a_company_with_data_is_not_modelled(call: CallTenant, usmf: str) -> None:
    assert call("DELETE", f"{DATA}/LegalEntities('USMF')").status == 501
    call("DELETE", f"{DATA}/CustomerGroups(dataAreaId='usmf',CustomerGroupId='10')?{CROSS}")
    call("DELETE", f"{DATA}/PaymentTerms(dataAreaId='usmf',Name='Net30')?{CROSS}")
    assert call("DELETE", f"{DATA}/LegalEntities('USMF')").status == 204


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("$select=CurrencyCode&$filter=CurrencyCode eq 'eur'", ["EUR"]),
        ("$filter=Name eq '*Krona*'&$select=CurrencyCode", ["SEK"]),
        ("$orderby=CurrencyCode desc&$top=2&$skip=1", ["SEK", "JPY"]),
    ],
)
def test_query_options_shape_the_answer(call: CallTenant, registered: str, query: str, wanted: list[str]) -> None:
    assert [row["CurrencyCode"] for row in _values(call, f"Currencies?{query}")] == wanted


def test_count_and_unknown_options(call: CallTenant, registered: str) -> None:
    page = call("GET", f"{DATA}/Currencies?$count=true&$top=1").json
    assert (page["@odata.count"], len(page["value"])) == (8, 1)
    assert call("GET", f"{DATA}/Currencies/$count").body == "8"
    for query in (
        "$nonsense=1",
        "$filter=Nonsense eq 1",
        "$filter=CurrencyCode in ('EUR')",
        "$expand=Nonsense",
        "$top=x",
    ):
        assert call("GET", f"{DATA}/Currencies?{query}").status == 400
    assert call("GET", f"{DATA}/Nonsense").status == 404
    assert call("GET", f"{DATA}/Currencies?$skiptoken=x").status == 501


def test_long_answers_come_in_pages(call: CallTenant, registered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "PAGE", 3)
    url, codes = f"{DATA}/Currencies?$select=CurrencyCode", []
    while url:
        page = call("GET", url).json
        codes += [row["CurrencyCode"] for row in page["value"]]
        url = page.get("@odata.nextLink")
    assert len(codes) == len(set(codes)) == 8


def test_refusal_of_the_other_side_fails_the_write(tenant: Tenant, call: CallTenant, usmf: str) -> None:
    def refuse(write: Write) -> None:
        if write.table == "CustomerGroups":
            msg = "Unable to write data to entity msdyn_customergroups."
            raise SyncError(msg)

    tenant.rows.on_write(refuse)
    reply = call("POST", f"{DATA}/CustomerGroups", json={"dataAreaId": "usmf", "CustomerGroupId": "30"})
    assert reply.status == 400
    assert "Unable to write data to entity" in _inner(reply)
    assert len(_values(call, f"CustomerGroups?{CROSS}")) == 1


def test_demo_data_brings_companies_with_rows(tenant: Tenant, call: CallTenant, organization: str) -> None:
    new_instance(tenant, ENVIRONMENT_ID, FINOPS, organization, demo_data=True)
    tenant.person.act({"action": "register-application", "environment": CDS})
    assert [row["LegalEntityId"] for row in _values(call, "LegalEntities")] == ["DAT", "USMF", "DEMF", "GBSI"]
    for entity_set in (
        "CustomersV3",
        "VendorsV2",
        "CustomerGroups",
        "CDSReleasedDistinctProducts",
        "ReleasedProductsV2",
    ):
        companies = {row["dataAreaId"] for row in _values(call, f"{entity_set}?{CROSS}")}
        assert companies == {"usmf", "demf", "gbsi"}, entity_set
    people = _values(
        call, f"CustomersV3?{CROSS}&$filter=PartyType eq Microsoft.Dynamics.DataEntities.DirPartyType'Person'"
    )
    assert 0 < len(people) < len(_values(call, f"CustomersV3?{CROSS}"))


def test_metadata_lists_every_set(call: CallTenant, registered: str) -> None:
    text = str(call("GET", f"{DATA}/$metadata").body)
    assert all(f'EntitySet Name="{name}"' in text for name in tables("finops"))


def test_deleted_instance_answers_no_more(tenant: Tenant, registered: str) -> None:
    delete_instance(tenant, FINOPS)
    assert tenant.service_of(FINOPS) is None
    assert tenant.rows.count("finops", FINOPS, "LegalEntities") == 0


@pytest.mark.parametrize("key", ["''", "AADClientId=''", "' '"])
def test_entity_of_an_empty_key_is_not_there(call: CallTenant, registered: str, key: str) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        body: dict[str, Any] | None = {} if method == "PATCH" else None
        assert call(method, f"{DATA}/SysAADClients({key})", json=body).status == 404, method
