"""What an organization holds, who may call it, and what enabling a company does."""

import pytest

from emulator.dataverse.organization import delete_organization, required
from emulator.identity.directory import ADMINISTRATOR_UPN, PROVE_CLIENT_ID, UNREGISTERED_CLIENT_ID
from emulator.power_platform import OrganizationRenamed
from emulator.tenant import Tenant
from tests.unit.emulator import new_sides
from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.data_planes.conftest import API, CDS, ENVIRONMENT_ID


def _rows(call: CallTenant, path: str) -> list[dict[str, object]]:
    reply = call("GET", f"{API}/{path}")
    assert reply.status == 200, reply.json
    return list(reply.json["value"])


@pytest.fixture
def new_organization(tenant: Tenant) -> str:
    new_sides.new_organization(tenant, ENVIRONMENT_ID, CDS, base_language=1031, currency="CHF")
    return CDS


def test_creator_is_no_member_until_the_delay_is_over(tenant: Tenant, call: CallTenant, new_organization: str) -> None:
    refused = call("GET", f"{API}/WhoAmI")
    assert (refused.status, refused.json["error"]["code"]) == (403, "0x80072560")
    tenant.events.advance(tenant.switches["application_user_delay"])
    assert call("GET", f"{API}/WhoAmI").json["OrganizationId"] == required(tenant, CDS).organization_id


def test_function_of_finops_is_not_there_before_it(call: CallTenant, new_organization: str) -> None:
    """Others have it, so that the emulator knows it; this organization lacks the solution that brings it."""
    refused = call("GET", f"{API}/msprov_getfinopsapplicationdetails", user=ADMINISTRATOR_UPN, app=None)
    assert (refused.status, refused.json["error"]["code"]) == (404, "0x8006088a")


def test_proof_and_administrator_are_members_at_once(call: CallTenant, new_organization: str) -> None:
    assert call("GET", f"{API}/WhoAmI", app=PROVE_CLIENT_ID).status == 200
    assert call("GET", f"{API}/accounts", user=ADMINISTRATOR_UPN, app=None).status == 200


def test_call_without_token_is_401(call: CallTenant, new_organization: str) -> None:
    assert call("GET", f"{API}/WhoAmI", app=None).status == 401


def test_stranger_is_refused(call: CallTenant, organization: str) -> None:
    assert call("GET", f"{API}/accounts", app=UNREGISTERED_CLIENT_ID).json["error"]["code"] == "0x80072560"


def test_new_organization_holds_marker_currency_and_language(
    call: CallTenant, tenant: Tenant, new_organization: str
) -> None:
    tenant.events.advance(60)
    assert _rows(call, "solutions?$filter=uniquename eq 'CRMPrime'")
    held = _rows(call, "organizations?$expand=basecurrencyid($select=isocurrencycode)")[0]
    assert held["languagecode"] == 1031
    assert held["basecurrencyid"]["isocurrencycode"] == "CHF"  # type: ignore[index]


def test_root_unit_has_default_team_and_roles(call: CallTenant, organization: str) -> None:
    units = _rows(call, "businessunits?$filter=_parentbusinessunitid_value eq null")
    teams = _rows(call, f"teams?$filter=isdefault eq true and _businessunitid_value eq {units[0]['businessunitid']}")
    assert [team["name"] for team in teams] == [units[0]["name"]]
    assert {"System Administrator", "Dual-write App User"} <= {role["name"] for role in _rows(call, "roles")}


def test_enabled_company_gets_unit_team_and_owning_team(call: CallTenant, organization: str) -> None:
    body = {"cdm_companycode": "USMF", "cdm_name": "Contoso US", "cdm_isenabledfordualwrite": True}
    assert call("POST", f"{API}/cdm_companies", json=body).status == 204
    unit = _rows(call, "businessunits?$filter=name eq 'USMF'")[0]
    team = _rows(call, "teams?$filter=name eq 'USMF Dual Write'")[0]
    assert (team["_businessunitid_value"], team["isdefault"]) == (unit["businessunitid"], False)
    assert _rows(call, "cdm_companies")[0]["_cdm_defaultowningteam_value"] == team["teamid"]


def test_company_that_is_not_enabled_gets_nothing(call: CallTenant, organization: str) -> None:
    call("POST", f"{API}/cdm_companies", json={"cdm_companycode": "USMF", "cdm_name": "Contoso US"})
    assert _rows(call, "businessunits?$filter=name eq 'USMF'") == []
    row = _rows(call, "cdm_companies")[0]
    call("PATCH", f"{API}/cdm_companies({row['cdm_companyid']})", json={"cdm_isenabledfordualwrite": True})
    assert len(_rows(call, "businessunits?$filter=name eq 'USMF'")) == 1


def test_owning_team_of_an_enabled_company_stays(call: CallTenant, organization: str) -> None:
    body = {"cdm_companycode": "USMF", "cdm_name": "Contoso US", "cdm_isenabledfordualwrite": True}
    call("POST", f"{API}/cdm_companies", json=body)
    url = f"{API}/cdm_companies({_rows(call, 'cdm_companies')[0]['cdm_companyid']})"
    assert call("PATCH", url, json={"cdm_DefaultOwningTeam@odata.bind": None}).status == 400
    unit_team = _rows(call, "teams?$filter=name eq 'USMF'")[0]["teamid"]
    assert call("PATCH", url, json={"cdm_DefaultOwningTeam@odata.bind": f"/teams({unit_team})"}).status == 204


def test_application_user_needs_a_role_for_rows(call: CallTenant, organization: str) -> None:
    unit = _rows(call, "businessunits")[0]["businessunitid"]
    body = {"applicationid": UNREGISTERED_CLIENT_ID, "accessmode": 4, "isdisabled": False,
            "businessunitid@odata.bind": f"/businessunits({unit})"}  # fmt: skip
    user = call("POST", f"{API}/systemusers", json=body, headers={"Prefer": "return=representation"}).json
    assert call("GET", f"{API}/WhoAmI", app=UNREGISTERED_CLIENT_ID).status == 200
    refused = call("GET", f"{API}/accounts", app=UNREGISTERED_CLIENT_ID)
    assert (refused.status, refused.json["error"]["code"]) == (403, "0x80042f09")
    role = _rows(call, f"roles?$filter=name eq 'System Administrator' and _businessunitid_value eq {unit}")[0]
    reference = {"@odata.id": f"{API}/roles({role['roleid']})"}
    url = f"{API}/systemusers({user['systemuserid']})/systemuserroles_association/$ref"
    assert call("POST", url, json=reference).status == 204
    assert call("POST", url, json=reference).status == 204
    assert call("GET", f"{API}/accounts", app=UNREGISTERED_CLIENT_ID).status == 200
    roles = _rows(call, f"systemusers({user['systemuserid']})/systemuserroles_association?$select=name")
    assert [one["name"] for one in roles] == ["System Administrator"]


def test_same_application_is_a_user_only_once(call: CallTenant, organization: str) -> None:
    unit = _rows(call, "businessunits")[0]["businessunitid"]
    body = {"applicationid": PROVE_CLIENT_ID, "businessunitid@odata.bind": f"/businessunits({unit})"}
    assert call("POST", f"{API}/systemusers", json=body).status == 412


def test_role_of_another_business_unit_is_refused(call: CallTenant, organization: str) -> None:
    body = {"cdm_companycode": "USMF", "cdm_name": "Contoso US", "cdm_isenabledfordualwrite": True}
    call("POST", f"{API}/cdm_companies", json=body)
    team = _rows(call, "teams?$filter=name eq 'USMF Dual Write'")[0]
    url = f"{API}/teams({team['teamid']})/teamroles_association/$ref"
    for role in _rows(call, "roles?$filter=name eq 'Dual-write App User'"):
        own = role["_businessunitid_value"] == team["_businessunitid_value"]
        reply = call("POST", url, json={"@odata.id": f"{API}/roles({role['roleid']})"})
        assert reply.status == (204 if own else 400)
        assert own or reply.json["error"]["code"] == "0x80041409"
    names = [one["name"] for one in _rows(call, f"teams({team['teamid']})/teamroles_association")]
    assert names == ["Dual-write App User"]


def test_row_of_dual_write_is_modified_by_the_runtime_user(tenant: Tenant, call: CallTenant, organization: str) -> None:
    row = tenant.rows.insert("dataverse", organization, "accounts", {"name": "Contoso"}, origin="dual-write")
    user = call("GET", f"{API}/systemusers({row['_modifiedby_value']})").json
    assert user["applicationid"] == "00000015-0000-0000-c000-000000000000"


def test_renamed_organization_keeps_its_rows(tenant: Tenant, call: CallTenant, organization: str) -> None:
    call("POST", f"{API}/accounts", json={"name": "Contoso"})
    new_host = "fabrikam-uat.crm4.dynamics.com"
    tenant.signals.publish(OrganizationRenamed("x", organization, new_host))
    assert call("GET", f"https://{new_host}/api/data/v9.2/accounts").json["value"][0]["name"] == "Contoso"
    assert tenant.service_of(organization) is None


def test_deleted_organization_leaves_no_rows(tenant: Tenant, organization: str) -> None:
    delete_organization(tenant, organization)
    assert tenant.store.execute("SELECT count(*) FROM rows").fetchone() == (0,)
    assert tenant.service_of(organization) is None


def test_unlinked_organization_says_so(call: CallTenant, organization: str) -> None:
    reply = call("GET", f"{API}/RetrieveFinanceAndOperationsIntegrationDetails")
    assert (reply.status, reply.json["error"]["code"]) == (400, "0x80048d0b")


def test_finops_versions_are_json_inside_text(call: CallTenant, organization: str) -> None:
    text = call("GET", f"{API}/msprov_getfnoversiondetails").json["Response"]
    assert text.startswith('[{"value":"10.0.')
