"""The Dataverse Web API on the wire (power-platform-api.md 14.8, dual-write-semantics.md 12.2)."""

import json

import httpx
import pytest

from providers.api.dataverse.client import Dataverse
from providers.api.session import Session
from providers.api.transport.errors import (
    ForeignHost,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    TransportError,
    UnexpectedAnswer,
)

from .scripted import Script, answer, refused

HOST = "https://hl-uat-01.crm4.dynamics.com"
API = f"{HOST}/api/data/v9.2"
ID = "9a41d2f7-5c3e-4b60-8e1d-0f2a4c6b8d11"
APP = "2e49aa60-1bd3-43b6-8ab6-03ada3d9f08b"


@pytest.fixture
def organization(session: Session) -> Dataverse:
    return session.dataverse(f"{HOST}/")


def rows(*values: object, **more: object) -> httpx.Response:
    return answer(200, {"value": list(values), **more})


def test_young_organization_refuses_its_creator(organization: Dataverse, network: Script) -> None:
    network.expect("GET", f"{API}/WhoAmI", refused("0x80072560", "The user is not a member", 403))
    with pytest.raises(PermissionDenied) as caught:
        organization.who_am_i()
    assert caught.value.code == "0x80072560"
    network.expect("GET", f"{API}/WhoAmI", answer(200, {"UserId": ID, "OrganizationId": ID, "BusinessUnitId": ID}))
    assert organization.who_am_i().user_id == ID


def test_missing_link_is_none_and_no_error(organization: Dataverse, network: Script) -> None:
    path = f"{API}/RetrieveFinanceAndOperationsIntegrationDetails"
    network.expect("GET", path, refused("0x80048D0B", "not integrated"))
    assert organization.integration_details() is None
    linked = {"Url": "https://hl.operations.eu.dynamics.com/", "TenantId": "t", "Id": ID, "IsUnifiedDatabase": True}
    network.expect("GET", path, answer(200, linked))
    found = organization.integration_details()
    assert found is not None
    assert (found.id, found.url, found.unified) == (ID, "https://hl.operations.eu.dynamics.com/", True)


def test_other_refusals_of_the_link_are_errors(organization: Dataverse, network: Script) -> None:
    network.expect("GET", "/RetrieveFinanceAndOperationsIntegrationDetails", refused("0x80040216", "no"))
    with pytest.raises(InvalidRequest):
        organization.integration_details()


def test_versions_are_sorted_as_numbers(organization: Dataverse, network: Script) -> None:
    listed = json.dumps([{"value": "10.0.45.10"}, {"value": "10.0.45.5"}, {"value": "10.0.9.1"}, {"value": "10.0.44"}])
    network.expect("GET", f"{API}/msprov_getfnoversiondetails", answer(200, {"Response": listed}))
    assert organization.finops_versions() == ["10.0.9.1", "10.0.44", "10.0.45.5", "10.0.45.10"]


@pytest.mark.parametrize("body", [{"Response": "[]"}, {}, {"Response": None}])
def test_no_versions_on_offer_is_an_empty_list(organization: Dataverse, network: Script, body: object) -> None:
    network.expect("GET", f"{API}/msprov_getfnoversiondetails", answer(200, body))
    assert organization.finops_versions() == []


@pytest.mark.parametrize("body", [{"Response": "oops"}, {"Response": "{}"}, {"Response": 7}, {"Response": "[" * 9999}])
def test_versions_that_cannot_be_read_are_not_none(organization: Dataverse, network: Script, body: object) -> None:
    network.expect("GET", f"{API}/msprov_getfnoversiondetails", answer(200, body))
    with pytest.raises(UnexpectedAnswer, match="Response: no list"):
        organization.finops_versions()


def test_install_is_queued_once(organization: Dataverse, network: Script) -> None:
    network.expect("POST", f"{API}/msprov_queuefnoinstallorupdate", httpx.ReadTimeout("late"))
    with pytest.raises(TransportError) as caught:
        organization.queue_finops_install_or_update("ApplicationVersion=10.0.45.5|DevToolsEnabled=False")
    assert caught.value.may_have_happened
    assert network.sent() == {"payload": "ApplicationVersion=10.0.45.5|DevToolsEnabled=False"}


@pytest.mark.parametrize(
    "absent",
    [
        refused("0x8006088a", "Resource not found for the segment 'msprov_getfinopsapplicationdetails'.", 404),
        refused("0x80060888", "no such function", 404),
        refused("0x80048d0b"),
    ],
)
def test_finops_details_are_none_while_there_is_none(
    organization: Dataverse, network: Script, absent: httpx.Response
) -> None:
    details = {"applicationversion": "10.0.45.5", "applicationdeploymenttype": "Sandbox", "finopsenvironmentid": ID}
    network.expect("GET", f"{API}/msprov_getfinopsapplicationdetails", absent, answer(200, details))
    assert organization.finops_application_details() is None
    found = organization.finops_application_details()
    assert found is not None
    assert (found.application_version, found.deployment_type) == ("10.0.45.5", "Sandbox")


def test_rows_are_streamed_page_by_page(organization: Dataverse, network: Script) -> None:
    link = f"{API}/accounts?$select=name&$skiptoken=%3Ccookie%3E"
    network.expect("GET", f"{API}/accounts", rows({"name": "a"}, {"name": "b"}, **{"@odata.nextLink": link}))
    found = organization.rows("accounts", filter="name ne null", select=("name",), orderby="name", page_size=9999)
    assert next(found) == {"name": "a"}
    assert len(network.requests) == 1
    assert network.query() == {"$filter": "name ne null", "$select": "name", "$orderby": "name"}
    assert network.requests[0].headers["prefer"] == "odata.maxpagesize=5000"
    network.expect("GET", f"{API}/accounts", rows({"name": "c"}))
    assert [row["name"] for row in found] == ["b", "c"]
    assert network.query() == {"$select": "name", "$skiptoken": "<cookie>"}


def test_next_page_on_another_host_is_refused(organization: Dataverse, network: Script) -> None:
    network.expect("GET", f"{API}/accounts", rows(**{"@odata.nextLink": "https://other.crm4.dynamics.com/x"}))
    with pytest.raises(ForeignHost):
        list(organization.rows("accounts"))


def test_row_by_id_key_or_difficult_key(organization: Dataverse, network: Script) -> None:
    network.expect("GET", f"{API}/accounts({ID})", answer(200, {"name": "a"}))
    network.expect("GET", f"{API}/accounts(accountnumber='O''N')", refused("0x80040217", status=404))
    network.expect("GET", f"{API}/accounts", rows({"name": "b"}))
    assert organization.row("accounts", ID) == {"name": "a"}
    assert organization.row("accounts", {"accountnumber": "O'N"}) is None
    assert organization.row("accounts", {"accountnumber": "a/b"}) == {"name": "b"}
    assert network.query() == {"$filter": "accountnumber eq 'a/b'", "$top": "1"}


def test_count_beyond_the_limit_reads_the_pages(organization: Dataverse, network: Script) -> None:
    network.expect("GET", f"{API}/accounts", rows({}, **{"@odata.count": 7}))
    assert organization.count("accounts", "statecode eq 0") == 7
    assert network.query() == {"$count": "true", "$filter": "statecode eq 0"}
    exceeded = {"@odata.count": 5000, "@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded": True}
    network.expect("GET", f"{API}/accounts", rows({}, **exceeded))
    link = f"{API}/accounts?$skiptoken=2"
    network.expect("GET", f"{API}/accounts", rows(*[{}] * 5000, **{"@odata.nextLink": link}), rows({}, {}))
    assert organization.count("accounts") == 5002


@pytest.mark.parametrize("represented", [True, False])
def test_created_row_is_returned(organization: Dataverse, network: Script, represented: bool) -> None:
    made = answer(201, {"name": "a"}) if represented else answer(204, OData_EntityId=f"{API}/accounts({ID})")
    network.expect("POST", f"{API}/accounts", made)
    if not represented:
        network.expect("GET", f"{API}/accounts({ID})", answer(200, {"name": "a"}))
    assert organization.create_row("accounts", {"name": "a"}) == {"name": "a"}


def test_lost_create_of_a_row_is_sent_once(organization: Dataverse, network: Script) -> None:
    network.expect("POST", f"{API}/accounts", answer(500))
    with pytest.raises(TransportError) as caught:
        organization.create_row("accounts", {"name": "a"})
    assert caught.value.may_have_happened


def test_update_never_creates(organization: Dataverse, network: Script) -> None:
    network.expect("PATCH", f"{API}/accounts({ID})", refused("0x80040217", "gone", 404))
    with pytest.raises(NotFound):
        organization.update_row("accounts", ID, {"name": "a"})
    assert network.requests[0].headers["if-match"] == "*"


def test_key_that_dataverse_refuses_is_not_written(organization: Dataverse) -> None:
    with pytest.raises(InvalidRequest):
        organization.update_row("accounts", {"accountnumber": "a/b"}, {"name": "a"})


def test_delete_of_an_absent_row_is_a_success(organization: Dataverse, network: Script) -> None:
    network.expect("DELETE", f"{API}/accounts({ID})", answer(204), refused("0x80040217", "gone", 404))
    organization.delete_row("accounts", ID)
    organization.delete_row("accounts", ID)


def test_organization_is_read_with_its_currency(organization: Dataverse, network: Script) -> None:
    row = {"organizationid": ID, "name": "hl", "languagecode": 1033, "_basecurrencyid_value": ID}
    network.expect("GET", f"{API}/organizations", rows(row))
    network.expect("GET", f"{API}/transactioncurrencies({ID})", answer(200, {"isocurrencycode": "EUR"}))
    found = organization.organization()
    assert (found.name, found.language, found.currency) == ("hl", 1033, "EUR")


def test_solutions_are_found_by_name_in_any_case(organization: Dataverse, network: Script) -> None:
    network.expect("GET", f"{API}/solutions", rows({"uniquename": "crmprime", "version": "1.0", "ismanaged": True}))
    found = organization.solutions(["CRMPrime", "O'Neil"])
    assert list(found) == ["CRMPrime"]
    assert network.query()["$filter"] == "(uniquename eq 'CRMPrime' or uniquename eq 'O''Neil')"
    assert organization.solutions([]) == {}


def test_table_definition_gives_set_name_and_keys(organization: Dataverse, network: Script) -> None:
    body = {
        "LogicalName": "account",
        "EntitySetName": "accounts",
        "PrimaryIdAttribute": "accountid",
        "Attributes": [{"LogicalName": "name", "AttributeType": "String"}],
        "Keys": [{"LogicalName": "k", "KeyAttributes": ["name"], "EntityKeyIndexStatus": "Active"}],
    }
    network.expect(
        "GET", f"{API}/EntityDefinitions(LogicalName='account')", answer(200, body), refused("0x80040217", "gone", 404)
    )
    found = organization.entity_definition("account")
    assert found is not None
    assert (found.set_name, found.keys[0].columns, found.attributes[0].type) == ("accounts", ["name"], "String")
    assert organization.entity_definition("account") is None


def test_application_user_is_found_by_its_bare_id(organization: Dataverse, network: Script) -> None:
    network.expect("GET", f"{API}/systemusers", rows({"systemuserid": ID, "applicationid": APP, "isdisabled": False}))
    found = organization.access.application_user(APP.upper())
    assert found is not None
    assert found.id == ID
    assert network.query()["$filter"] == f"applicationid eq {APP}"


@pytest.mark.parametrize(
    "made",
    [answer(201, {}), refused("0x80040237", "A record with matching key values already exists.", 412), answer(500)],
)
def test_application_user_is_added_once_or_found(
    organization: Dataverse, network: Script, made: httpx.Response
) -> None:
    network.expect("POST", f"{API}/systemusers", made)
    network.expect("GET", f"{API}/systemusers", rows({"systemuserid": ID, "applicationid": APP}))
    assert organization.access.add_application_user(APP, ID).id == ID
    assert json.loads(network.requests[0].content)["businessunitid@odata.bind"] == f"/businessunits({ID})"


def test_refused_application_user_is_an_error(organization: Dataverse, network: Script) -> None:
    network.expect("POST", f"{API}/systemusers", refused("0x80040220", "no privilege", 403))
    network.expect("GET", f"{API}/systemusers", rows())
    with pytest.raises(PermissionDenied, match="no privilege"):
        organization.access.add_application_user(APP, ID)


@pytest.mark.parametrize("answered", [answer(204), refused("0x80040237", "already", 412)])
def test_having_a_role_already_is_a_success(organization: Dataverse, network: Script, answered: httpx.Response) -> None:
    network.expect("POST", f"{API}/teams({ID})/teamroles_association/$ref", answered)
    organization.access.assign_role_to_team(ID, APP)
    assert network.sent() == {"@odata.id": f"{API}/roles({APP})"}


def test_refused_role_is_an_error(organization: Dataverse, network: Script) -> None:
    network.expect("POST", f"{API}/systemusers({ID})/systemuserroles_association/$ref", refused("0x80040220", "no"))
    with pytest.raises(InvalidRequest, match="no"):
        organization.access.assign_role_to_user(ID, APP)


def test_roles_and_teams_are_read(organization: Dataverse, network: Script) -> None:
    network.expect("GET", f"{API}/systemusers({ID})/systemuserroles_association", rows({"roleid": APP, "name": "R"}))
    network.expect("GET", f"{API}/teams({ID})/teamroles_association", rows())
    network.expect("GET", f"{API}/teams", rows({"teamid": ID, "name": "DAT", "isdefault": True}))
    network.expect("GET", f"{API}/roles", rows({"roleid": APP, "name": "R"}))
    assert [role.name for role in organization.access.roles_of_user(ID)] == ["R"]
    assert organization.access.roles_of_team(ID) == []
    assert [team.default for team in organization.access.teams(names=["DAT"], default_only=True)] == [True]
    assert network.query()["$filter"] == "name eq 'DAT' and isdefault eq true"
    assert [role.id for role in organization.access.roles("R", ID)] == [APP]
    assert network.query()["$filter"] == f"name eq 'R' and _businessunitid_value eq {ID}"


def test_teams_are_read_by_id_some_at_a_time(organization: Dataverse, network: Script) -> None:
    network.expect("GET", f"{API}/teams", rows({"teamid": ID, "name": "DAT"}), rows())
    found = organization.access.teams_by_id([ID, *(APP for _ in range(25))])
    assert [team.name for team in found] == ["DAT"]
    first = network.requests[0].url.params["$filter"]
    assert first.startswith(f"(teamid eq {ID} or teamid eq {APP} or ")
    assert first.count("teamid eq") == 25
    assert network.query()["$filter"] == f"teamid eq {APP}"
    assert organization.access.teams_by_id([]) == []
