"""Rows through the Web API: create, read, change, delete, keys, ETags, pages."""

from typing import Any

import pytest

from emulator.core.wire import Reply
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.data_planes.conftest import API

NOBODY = "00000000-0000-4000-8000-00000000dead"
REPRESENTATION = {"Prefer": "return=representation"}

pytestmark = pytest.mark.usefixtures("organization")


def _create(call: CallTenant, entity_set: str = "accounts", **values: Any) -> dict[str, Any]:
    reply = call("POST", f"{API}/{entity_set}", json=values, headers=REPRESENTATION)
    assert reply.status == 201, reply.json
    return dict(reply.json)


def _company(call: CallTenant, code: str = "USMF") -> str:
    row = _create(
        call, "cdm_companies", cdm_companycode=code, cdm_name=f"Company {code}", cdm_isenabledfordualwrite=True
    )
    return str(row["cdm_companyid"])


def _error(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["error"]["code"]


def test_create_answers_with_the_address_of_the_row(call: CallTenant) -> None:
    reply = call("POST", f"{API}/accounts", json={"name": "Contoso"})
    assert (reply.status, reply.json) == (204, None)
    row = call("GET", reply.headers["OData-EntityId"]).json
    assert row["name"] == "Contoso"
    assert row["@odata.context"].endswith("$metadata#accounts/$entity")


def test_select_returns_the_key_as_well(call: CallTenant) -> None:
    account = _create(call, name="Contoso")
    row = call("GET", f"{API}/accounts({account['accountid']})?$select=name").json
    assert {name for name in row if not name.startswith("@")} == {"name", "accountid"}


def test_lookup_is_bound_and_read_as_value(call: CallTenant) -> None:
    company = _company(call)
    account = _create(call, name="Contoso", **{"msdyn_company@odata.bind": f"/cdm_companies({company})"})
    assert account["_msdyn_company_value"] == company
    by_key = {"msdyn_company@odata.bind": "/cdm_companies(cdm_companycode='usmf')"}
    assert _create(call, name="Fabrikam", **by_key)["_msdyn_company_value"] == company


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (
            {"msdyn_Company@odata.bind": "/cdm_companies(cdm_companycode='USMF')"},
            400,
            "undeclared property 'msdyn_Company'",
        ),
        ({"msdyn_company@odata.bind": f"/cdm_companies({NOBODY})"}, 404, "Does Not Exist"),
        ({"msdyn_company@odata.bind": "/contacts(cdm_companycode='USMF')"}, 400, "not valid for resource"),
        ({"_msdyn_company_value": NOBODY}, 400, "Use Navigation properties"),
        ({"nonsense": 1}, 400, "Invalid property 'nonsense' was found in entity 'Microsoft.Dynamics.CRM.account'"),
        ({"creditlimit": "five"}, 400, "Cannot convert the literal 'five'"),
        ({"donotemail": "true"}, 400, "Cannot convert the literal 'true'"),
    ],
)
def test_body_that_does_not_fit_is_refused(call: CallTenant, body: dict[str, Any], status: int, said: str) -> None:
    _company(call)
    reply = call("POST", f"{API}/accounts", json=body)
    assert reply.status == status
    assert said in reply.json["error"]["message"]


def test_case_of_a_lookup_is_that_of_metadata(call: CallTenant) -> None:
    company = _company(call)
    bind = {"msdyn_CompanyId@odata.bind": f"/cdm_companies({company})"}
    assert _create(call, "products", name="Cable", productnumber="1", **bind)["_msdyn_companyid_value"] == company


def test_null_clears_a_lookup(call: CallTenant) -> None:
    company = _company(call)
    account = _create(call, name="Contoso", **{"msdyn_company@odata.bind": f"/cdm_companies({company})"})
    url = f"{API}/accounts({account['accountid']})"
    assert call("PATCH", url, json={"msdyn_company@odata.bind": None}).status == 204
    assert call("GET", url).json["_msdyn_company_value"] is None


def test_unknown_set_property_and_row_are_refused(call: CallTenant) -> None:
    assert _error(call("GET", f"{API}/nonsenses")) == (404, "0x8006088a")
    assert _error(call("GET", f"{API}/accounts?$select=nonsense")) == (400, "0x80060888")
    assert _error(call("GET", f"{API}/accounts({NOBODY})")) == (404, "0x80040217")
    assert _error(call("GET", f"{API}/accounts(name='x')")) == (400, "0x80060888")


@pytest.mark.parametrize("option", ["$skip=1", "$nonsense=1", "$top=x"])
def test_unknown_query_options_are_refused(call: CallTenant, option: str) -> None:
    assert call("GET", f"{API}/accounts?{option}").status == 400


def test_alternate_key_addresses_a_row(call: CallTenant) -> None:
    company = _company(call)
    bind = {"msdyn_company@odata.bind": f"/cdm_companies({company})"}
    account = _create(call, name="Contoso", accountnumber="A'1", **bind)
    url = f"{API}/accounts(accountnumber='A%27%271',_msdyn_company_value={company})"
    assert call("GET", url).json["accountid"] == account["accountid"]


def test_duplicate_alternate_key_is_412(call: CallTenant) -> None:
    bind = {"msdyn_company@odata.bind": f"/cdm_companies({_company(call)})"}
    _create(call, accountnumber="A1", **bind)
    assert _error(call("POST", f"{API}/accounts", json={"accountnumber": "a1", **bind})) == (412, "0x80060892")


def test_patch_creates_what_is_not_there(call: CallTenant) -> None:
    company = _company(call)
    url = f"{API}/msdyn_customergroups(msdyn_groupid='10',_msdyn_company_value={company})"
    assert call("PATCH", url, json={"msdyn_description": "Wholesale"}, headers=REPRESENTATION).status == 201
    assert call("PATCH", url, json={"msdyn_description": "Retail"}, headers=REPRESENTATION).status == 200
    row = call("GET", url).json
    assert (row["msdyn_groupid"], row["msdyn_description"], row["_msdyn_company_value"]) == ("10", "Retail", company)


def test_key_values_of_the_body_are_ignored_on_update(call: CallTenant) -> None:
    url = f"{API}/msdyn_customergroups(msdyn_groupid='10',_msdyn_company_value={_company(call)})"
    call("PATCH", url, json={"msdyn_description": "Wholesale"})
    call("PATCH", url, json={"msdyn_groupid": "99"})
    assert call("GET", url).json["msdyn_groupid"] == "10"


def test_if_match_star_never_creates(call: CallTenant) -> None:
    reply = call("PATCH", f"{API}/accounts({NOBODY})", json={"name": "x"}, headers={"If-Match": "*"})
    assert _error(reply) == (404, "0x80040217")


def test_if_none_match_star_never_updates(call: CallTenant) -> None:
    url = f"{API}/accounts({_create(call, name='Contoso')['accountid']})"
    reply = call("PATCH", url, json={"name": "x"}, headers={"If-None-Match": "*"})
    assert _error(reply) == (412, "0x80040237")
    assert call("GET", url).json["name"] == "Contoso"


def test_stale_if_match_is_412(call: CallTenant) -> None:
    account = _create(call, name="Contoso")
    url = f"{API}/accounts({account['accountid']})"
    headers = {"If-Match": account["@odata.etag"]}
    assert call("PATCH", url, json={"name": "a"}, headers=headers).status == 204
    assert _error(call("PATCH", url, json={"name": "b"}, headers=headers)) == (412, "0x80060882")
    assert _error(call("DELETE", url, headers=headers)) == (412, "0x80060882")


def test_unchanged_row_is_304_unless_expanded(call: CallTenant) -> None:
    account = _create(call, name="Contoso")
    headers = {"If-None-Match": account["@odata.etag"]}
    url = f"{API}/accounts({account['accountid']})"
    assert call("GET", url, headers=headers).status == 304
    assert call("GET", f"{url}?$expand=primarycontactid", headers=headers).status == 200


def test_literal_null_in_if_none_match_means_nothing(call: CallTenant) -> None:
    headers = {"If-None-Match": "null"}
    assert call("PATCH", f"{API}/accounts({NOBODY})", json={"name": "x"}, headers=headers).status == 204
    assert call("GET", f"{API}/accounts({NOBODY})", headers=headers).status == 200


def test_deleted_row_is_gone(call: CallTenant) -> None:
    url = f"{API}/accounts({_create(call, name='Contoso')['accountid']})"
    assert call("DELETE", url).status == 204
    assert call("DELETE", url).status == 404


def test_pages_follow_next_link_to_the_end(call: CallTenant) -> None:
    for number in range(7):
        _create(call, name=f"Contoso {number}")
    headers = {"Prefer": "odata.maxpagesize=3"}
    url, names, sizes = f"{API}/accounts?$select=name&$filter=startswith(name,'Contoso')", [], []
    while url:
        page = call("GET", url, headers=headers)
        names += [row["name"] for row in page.json["value"]]
        sizes.append(len(page.json["value"]))
        url = page.json.get("@odata.nextLink")
    assert names == [f"Contoso {number}" for number in range(7)]
    assert sizes == [3, 3, 1]
    assert page.headers["Preference-Applied"] == "odata.maxpagesize=3"


def test_ordered_pages_keep_their_order(call: CallTenant) -> None:
    for number in (3, 1, 2, 5, 4):
        _create(call, name=str(number))
    url, names = f"{API}/accounts?$orderby=name desc", []
    while url:
        page = call("GET", url, headers={"Prefer": "odata.maxpagesize=2"}).json
        names += [row["name"] for row in page["value"]]
        url = page.get("@odata.nextLink")
    assert names == ["5", "4", "3", "2", "1"]


def test_top_limits_without_a_next_link(call: CallTenant) -> None:
    for number in range(4):
        _create(call, name=str(number))
    page = call("GET", f"{API}/accounts?$top=2", headers={"Prefer": "odata.maxpagesize=1"}).json
    assert len(page["value"]) == 2
    assert "@odata.nextLink" not in page


def test_count_stops_at_5000(call: CallTenant, tenant: Tenant, organization: str) -> None:
    for number in range(5001):
        tenant.rows.insert("dataverse", organization, "msdyn_productcolors", {"msdyn_productcolorname": str(number)})
    headers = {"Prefer": 'odata.include-annotations="*"'}
    page = call("GET", f"{API}/msdyn_productcolors?$count=true&$top=1", headers=headers).json
    assert page["@odata.count"] == 5000
    assert page["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is True
    assert call("GET", f"{API}/msdyn_productcolors/$count").body == "5000"


def test_expand_shows_the_looked_up_row(call: CallTenant) -> None:
    bind = {"msdyn_company@odata.bind": f"/cdm_companies({_company(call)})"}
    account = _create(call, name="Contoso", **bind)
    url = f"{API}/accounts({account['accountid']})?$select=name&$expand=msdyn_company($select=cdm_companycode)"
    assert call("GET", url).json["msdyn_company"]["cdm_companycode"] == "USMF"


def test_older_versions_of_the_api_answer_too(call: CallTenant) -> None:
    assert call("GET", f"{API.replace('9.2', '9.0')}/WhoAmI").status == 200
    assert call("GET", f"{API.replace('9.2', '8.0')}/WhoAmI").status == 501


def test_api_host_is_the_same_organization(call: CallTenant) -> None:
    _create(call, name="Contoso")
    assert call("GET", f"{API.replace('.crm4', '.api.crm4')}/accounts").json["value"][0]["name"] == "Contoso"


def test_owner_decides_business_unit_and_team(call: CallTenant, tenant: Tenant, organization: str) -> None:
    company = call("GET", f"{API}/cdm_companies({_company(call)})").json
    team = company["_cdm_defaultowningteam_value"]
    account = _create(call, name="Contoso", **{"ownerid@odata.bind": f"/teams({team})"})
    unit = tenant.rows.find("dataverse", organization, "businessunits", {"name": "USMF"})[0]
    assert account["_owningteam_value"] == team
    assert account["_owninguser_value"] is None
    assert account["_owningbusinessunit_value"] == unit["businessunitid"]


@pytest.mark.parametrize(("condition", "names"), [("eq", ["Fabrikam"]), ("ne", ["Contoso"])])
def test_lookup_is_filtered_by_its_navigation_property_and_null(
    call: CallTenant, condition: str, names: list[str]
) -> None:
    company = _company(call)
    _create(call, name="Contoso", **{"msdyn_company@odata.bind": f"/cdm_companies({company})"})
    _create(call, name="Fabrikam")
    reply = call("GET", f"{API}/accounts", params={"$filter": f"msdyn_company {condition} null", "$select": "name"})
    assert [row["name"] for row in reply.json["value"]] == names


@pytest.mark.parametrize("text", ["msdyn_company eq 'x'", "msdyn_company eq 1", "nothing eq null"])
def test_navigation_property_compares_with_nothing_else(call: CallTenant, text: str) -> None:
    assert call("GET", f"{API}/accounts", params={"$filter": text}).status == 400


@pytest.mark.parametrize("name", ["MSCRMCallerID", "CallerObjectId"])
def test_impersonation_is_not_modelled_rather_than_ignored(call: CallTenant, name: str) -> None:
    assert call("GET", f"{API}/accounts", headers={name: NOBODY}).status == 501


@pytest.mark.parametrize(
    "option", ["sql=select * from account", "fetchXml=<fetch/>", "SavedQuery=x", "$search=x", "$apply=x"]
)
def test_option_that_would_choose_other_rows_is_not_modelled_rather_than_ignored(call: CallTenant, option: str) -> None:
    name, _, value = option.partition("=")
    refused = call("GET", f"{API}/accounts", params={name: value})
    assert refused.status == 501
    assert f"GET /api/data/v9.2/accounts: {name}" in refused.json["error"]["message"].replace("the query option '", "")


@pytest.mark.parametrize("expand", ["nothing", "msdyn_company($select=nothing)", "msdyn_company($expand=nothing)"])
def test_unknown_expansion_is_refused_though_there_is_no_row(call: CallTenant, expand: str) -> None:
    assert call("GET", f"{API}/accounts").json["value"] == []
    assert call("GET", f"{API}/accounts?$expand={expand}").status == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("POST", "accounts", {"msdyn_company": {"cdm_companycode": "A"}}, "a deep insert of 'msdyn_company'"),
        ("GET", "EntityDefinitions?$select=DisplayName", None, "$select=DisplayName of metadata"),
        ("GET", "EntityDefinitions?$expand=Settings", None, "$expand=Settings of metadata"),
        ("GET", "EntityDefinitions?$filter=ObjectTypeCode eq 1", None, "$filter=ObjectTypeCode eq 1 of metadata"),
        ("GET", "accounts?$expand=msdyn_company($filter=a eq 1)", None, "$expand with $filter"),
        ("GET", "accounts?$filter=name in ('a')", None, "the option 'in'"),
        ("GET", "accounts?$filter=year(createdon) eq 2026", None, "the option 'year'"),
    ],
)
def test_what_is_not_modelled_of_a_call_is_told_with_method_and_path(
    call: CallTenant, method: str, path: str, body: Any, said: str
) -> None:
    refused = call(method, f"{API}/{path}", json=body)
    assert refused.status == 501
    assert f"not model {method} /api/data/v9.2/{path.partition('?')[0]}: {said}" in refused.json["error"]["message"]


def test_change_tracking_is_not_modelled_rather_than_ignored(call: CallTenant) -> None:
    assert call("GET", f"{API}/accounts", headers={"Prefer": "odata.track-changes"}).status == 501


def test_columns_that_the_service_keeps_are_ignored_in_a_body(call: CallTenant) -> None:
    account = _create(call, name="Contoso", createdon="2001-01-01T00:00:00Z")
    assert not account["createdon"].startswith("2001")
    user = call("GET", f"{API}/systemusers?$top=1").json["value"][0]
    address = f"{API}/systemusers({user['systemuserid']})"
    assert call("PATCH", address, json={"disabledreason": "left"}).status == 204
    assert call("GET", address).json["disabledreason"] == user["disabledreason"]


def test_organization_is_neither_created_nor_deleted(call: CallTenant) -> None:
    row = call("GET", f"{API}/organizations").json["value"][0]
    assert _error(call("POST", f"{API}/organizations", json={})) == (405, "0x80040800")
    assert _error(call("DELETE", f"{API}/organizations({row['organizationid']})")) == (405, "0x80040800")


@pytest.mark.parametrize("entity_set", ["systemuserrolescollection", "teamrolescollection", "teammemberships"])
def test_rows_of_an_association_that_are_written_to_its_table_are_not_modelled(
    call: CallTenant, entity_set: str
) -> None:
    assert call("POST", f"{API}/{entity_set}", json={}).status == 501


def test_settings_of_the_organization_are_not_modelled(call: CallTenant) -> None:
    row = call("GET", f"{API}/organizations").json["value"][0]
    assert call("PATCH", f"{API}/organizations({row['organizationid']})", json={"name": "Contoso"}).status == 501
