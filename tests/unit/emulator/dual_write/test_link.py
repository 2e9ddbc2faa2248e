"""The link itself: E1, E9 to E11, E16, E17, who may call, and how links come and go."""

from collections.abc import Callable
from typing import Any

import pytest

from emulator.core.person import PersonError
from emulator.core.wire import Reply
from emulator.identity.directory import ADMINISTRATOR_UPN
from emulator.tenant import Tenant
from tests.unit.emulator.dual_write.administrator import (
    DATAVERSE_HOST,
    ENVIRONMENT,
    FINANCE_HOST,
    GATEWAY,
    ROOT,
    Administrator,
)

MAP = "cdm_companies - Legal entities"
GLOBAL = GATEWAY.replace("weu-il107", "us-il101")


def body_of_reset(pair: Administrator, *codes: str) -> dict[str, Any]:
    """What the tool sends to E11, from E10."""
    sides = pair.get(f"/api/ConnectionSet/{pair.link['cname']}").json["environments"].values()
    environment = pair.link["powerAppsEnvironment"]
    return {
        "powerAppsEnvironmentName": environment,
        "environments": [
            {"targetType": one["targetType"], "name": one["name"], "id": environment, "isDevInstance": False}
            for one in sides
        ],
        "legalEntities": list(codes),
    }


def reset(pair: Administrator, *codes: str, force: str = "False", **changes: Any) -> Reply:
    """Send E11."""
    path = f"/api/ConnectionSet/{pair.cid}/Reset?targetType=AX&forceReset={force}"
    return pair.post(path, {**body_of_reset(pair, *codes), **changes})


def companies(pair: Administrator) -> list[str]:
    """The linked codes as E10 lists them."""
    detail = pair.get(f"/api/ConnectionSet/{pair.link['cname']}").json["dualWriteDetail"]
    return [one["left"]["name"] for one in detail["legalEntityMappings"]["mappings"]]


@pytest.mark.parametrize(
    ("host", "identifier"),
    [
        (GATEWAY, f"https://{FINANCE_HOST}"),
        (GATEWAY, f"{FINANCE_HOST}/"),
        (GATEWAY, "other.operations.eu.dynamics.com"),
        (GLOBAL, FINANCE_HOST),
    ],
)
def test_environments_are_empty_where_documented(pair: Administrator, host: str, identifier: str) -> None:
    """A scheme, an unlinked host and the global gateway answer 200 with an empty list."""
    url = f"{host}/api/DualWriteManagement/1.0/Environments"
    reply = pair.get(url, params={"targetType": "AX", "identifier": identifier})
    assert (reply.status, reply.json) == (200, [])


def test_environment_names_the_link(pair: Administrator) -> None:
    """E1 gives cid and cname; the host is read without regard to case."""
    (one,) = pair.get(f"Environments?targetType=AX&identifier={FINANCE_HOST.upper()}").json
    assert one["cname"] == f"DWCS-{one['cid'][:8]}"
    assert one["powerAppsEnvironment"] == ENVIRONMENT["id"]


@pytest.mark.parametrize("path", ["Environments?identifier=x", "Entities?cid=x", "Environments?targetType=CRM"])
def test_target_types_that_no_client_sends_are_not_modelled(pair: Administrator, path: str) -> None:
    """Only AX is in evidence."""
    assert pair.get(path).status == 501


@pytest.mark.parametrize(
    "path", ["Entities?targetType=AX&cid=no", "SolutionAware/no/Solutions/", "no/FieldMappings", "Status/no"]
)
def test_unknown_ids_are_not_found(pair: Administrator, path: str) -> None:
    """404 for every unknown id."""
    assert pair.get(path).status == 404


def test_only_people_may_call(pair: Administrator, call: Callable[..., Reply]) -> None:
    """No token and an application's token are 401, a person's token does."""
    url = f"{ROOT}/Version"
    assert call("GET", url, app=None).status == 401
    assert call("GET", url).status == 401
    assert call("GET", url, user=ADMINISTRATOR_UPN).status == 200


def test_unknown_operations_are_not_modelled(pair: Administrator) -> None:
    """501 with method and path."""
    reply = pair.get("/api/ProjectSummary")
    assert reply.status == 501
    assert "GET /api/ProjectSummary" in str(reply.json)


def test_cluster_discovery_names_the_regional_gateway(pair: Administrator) -> None:
    """E17 leads from the global to the regional host."""
    reply = pair.get(f"{GLOBAL}/api/ClusterDiscovery?regionName=westeurope&pageType=DW")
    assert reply.json == GATEWAY


def test_new_link_has_company_dat(pair: Administrator) -> None:
    """DAT is linked, and its row in Dataverse has a business unit's team as default owner."""
    assert companies(pair) == ["DAT"]
    (row,) = pair.tenant.rows.find("dataverse", DATAVERSE_HOST, "cdm_companies", {"cdm_companycode": "DAT"})
    assert row["cdm_isenabledfordualwrite"] is True
    assert row["_cdm_defaultowningteam_value"]


def test_link_appears_once_core_is_installed(tenant: Tenant, call: Callable[..., Reply]) -> None:
    """Without DualWriteCoreAnchor a new F&O is not linked; its installation links it."""
    tenant.seeds.play({"environments": [{**ENVIRONMENT, "packages": []}]})
    pair = Administrator(tenant, call)
    path = f"Environments?targetType=AX&identifier={FINANCE_HOST}"
    assert pair.get(path).json == []
    url = f"https://api.powerplatform.com/appmanagement/environments/{ENVIRONMENT['id']}"
    install = f"{url}/applicationPackages/DualWriteCoreAnchor/install?api-version=2022-03-01-preview"
    assert call("POST", install).status in {200, 202}
    pair.wait(700)
    assert len(pair.get(path).json) == 1


def test_existing_pair_is_linked_by_attendant(tenant: Tenant, call: Callable[..., Reply]) -> None:
    """Two virtual minutes after both sides are ready, with all legal entities."""
    finops = {"host": FINANCE_HOST, "demo_data": True, "linked": True}
    tenant.seeds.play({"environments": [{**ENVIRONMENT, "finops": finops}]})
    pair = Administrator(tenant, call)
    path = f"Environments?targetType=AX&identifier={FINANCE_HOST}"
    pair.wait(119)
    assert pair.get(path).json == []
    pair.wait(1)
    assert set(companies(pair)) == {"DAT", "USMF", "DEMF", "GBSI"}


def test_person_links_when_attendant_is_off(tenant: Tenant, call: Callable[..., Reply]) -> None:
    """With the attendant off nothing happens until a person presses the button."""
    tenant.switches.set("attendant", False)
    tenant.switches.set("link_of_new_finops", "person")
    tenant.seeds.play({"environments": [ENVIRONMENT]})
    tenant.events.advance(10_000)
    act = {"action": "link", "environment": DATAVERSE_HOST, "companies": ["dat", "USMF"]}
    assert tenant.person.act(act)["companies"] == ["DAT", "USMF"]
    assert companies(Administrator(tenant, call)) == ["DAT", "USMF"]
    with pytest.raises(PersonError, match="linked already"):
        tenant.person.act(act)


def test_maps_at_link_gives_the_seed_wording(tenant: Tenant, call: Callable[..., Reply]) -> None:
    """With the switch the core maps are there from the start."""
    tenant.switches.set("maps_at_link", "application-core")
    tenant.seeds.play({"environments": [ENVIRONMENT]})
    assert MAP in Administrator(tenant, call).maps()


def test_deleted_environment_wipes_its_link(pair: Administrator) -> None:
    """Neither link nor maps remain."""
    pair.apply()
    pair.running(MAP)
    cid = pair.cid
    pair.tenant.person.act({"action": "delete-environment", "environment": DATAVERSE_HOST})
    assert pair.get(f"Environments?targetType=AX&identifier={FINANCE_HOST}").json == []
    assert pair.get(f"Entities?targetType=AX&cid={cid}").status == 404


def test_reset_needs_stopped_maps_or_force(pair: Administrator) -> None:
    """409 while a map runs; forced, maps, keys and run-time rows are gone and the companies are the given ones."""
    pair.apply()
    pair.running(MAP)
    assert pair.tenant.rows.count("finops", FINANCE_HOST, "DualWriteProjectConfigurations") == 1
    assert reset(pair, "DAT", "USMF").status == 409
    assert companies(pair) == ["DAT"]
    assert reset(pair, "DAT", "USMF", force="tRue").status == 200
    assert companies(pair) == ["DAT", "USMF"]
    assert pair.maps() == {}
    assert pair.tenant.rows.count("finops", FINANCE_HOST, "DualWriteProjectConfigurations") == 0
    pair.apply()
    assert pair.maps()[MAP]["state"] == "1"


def test_reset_during_a_request_ends_it(pair: Administrator) -> None:
    """What was under way finds nothing to do any more."""
    pair.apply()
    pair.do("8", MAP)
    request = pair.ask("1", MAP, skipInitialSync=False).json["requestId"]
    assert reset(pair, "DAT", force="True").status == 200
    pair.wait(10_000)
    assert pair.maps() == {}
    assert pair.get(f"Status/{request}").status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"legalEntities": []},
        {"legalEntities": ["NOPE"]},
        {"legalEntities": "DAT"},
        {"powerAppsEnvironmentName": "other"},
        {"environments": [{"targetType": "CRM", "name": "other.crm4.dynamics.com"}]},
        {"unknown": 1},
    ],
)
def test_resets_that_no_client_sends_are_not_modelled_and_change_nothing(
    pair: Administrator, change: dict[str, Any]
) -> None:
    """No source says what the service does with them; the link is as it was."""
    assert reset(pair, "DAT", **change).status == 501
    assert companies(pair) == ["DAT"]


def test_link_takes_so_many_companies_and_no_more(pair: Administrator) -> None:
    pair.tenant.switches.set("dual_write_live_companies", 0)
    refused = reset(pair, "DAT")
    assert refused.status == 400
    assert "maximum partitions" in str(refused.json)
    assert companies(pair) == ["DAT"]


def test_keys_belong_to_the_link(pair: Administrator) -> None:
    """E9 shows in E10 at once; a project sees it after E8."""
    pair.apply()
    pair.do("8", MAP)
    path = f"/api/dataset/{DATAVERSE_HOST}/IntegrationKeys"
    body = {"integrationKeys": {"cdm_companies": ["cdm_name"]}, "datasetName": DATAVERSE_HOST}
    assert pair.post(path, body).status == 200
    shown = pair.get(f"/api/ConnectionSet/{pair.link['cname']}").json["environments"][DATAVERSE_HOST]["schemas"]
    (schema,) = [one for one in shown if one["name"] == "cdm_companies"]
    assert schema["keys"][0]["fields"] == ["cdm_name"]
    project = pair.get(f"{pair.maps()[MAP]['pid']}/FieldMappings").json
    assert project["areKeysMismatched"] is True
    assert pair.post(f"/api/Project/{project['name']}/Refresh", {"tokens": [""]}).status == 200
    assert pair.get(f"{pair.maps()[MAP]['pid']}/FieldMappings").json["areKeysMismatched"] is False


@pytest.mark.parametrize(
    ("dataset", "body", "status"),
    [
        ("other.crm4.dynamics.com", {}, 404),
        (DATAVERSE_HOST, {"datasetName": "x"}, 501),
        (DATAVERSE_HOST, {"integrationKeys": {}}, 501),
        (DATAVERSE_HOST, {"integrationKeys": {"nothings": ["a"]}}, 501),
        (DATAVERSE_HOST, {"integrationKeys": {"accounts": ["nothing"]}}, 501),
        (DATAVERSE_HOST, {"integrationKeys": {"accounts": []}}, 501),
        (DATAVERSE_HOST, {"integrationKeys": {"incidents": ["ticketnumber"]}}, 501),
        (DATAVERSE_HOST, {"integrationKeys": {"accounts": ["telephone3"]}}, 501),
        (DATAVERSE_HOST, {"more": 1}, 501),
    ],
)
def test_wrong_keys_are_refused(pair: Administrator, dataset: str, body: dict[str, Any], status: int) -> None:
    """An unknown dataset is 404; what the service says of keys that it cannot take is in no source."""
    whole = {"datasetName": DATAVERSE_HOST, "integrationKeys": {"accounts": ["accountnumber"]}, **body}
    assert pair.post(f"/api/dataset/{dataset}/IntegrationKeys", whole).status == status


def test_person_adds_and_removes_companies(pair: Administrator) -> None:
    """What the page does shows in E10; a company that is not there is refused."""
    place = {"environment": DATAVERSE_HOST}
    pair.tenant.person.act({"action": "add-company", "company": "USMF", **place})
    assert companies(pair) == ["DAT", "USMF"]
    pair.tenant.person.act({"action": "remove-company", "company": "dat", **place})
    assert companies(pair) == ["USMF"]
    for action, code in (("add-company", "NOPE"), ("add-company", "usmf"), ("remove-company", "DAT")):
        with pytest.raises(PersonError):
            pair.tenant.person.act({"action": action, "company": code, **place})


def test_person_resets_the_link_and_deletes_a_map(pair: Administrator) -> None:
    """The companies stay, maps and keys are gone until the solution is applied again; a running map is not deleted."""
    place = {"environment": DATAVERSE_HOST}
    pair.apply()
    pair.running(MAP)
    with pytest.raises(PersonError, match="Running"):
        pair.tenant.person.act({"action": "delete-map", "map": MAP, **place})
    pair.tenant.person.act({"action": "reset-link", **place})
    assert (companies(pair), pair.maps()) == (["DAT"], {})
    pair.apply()
    assert pair.maps()[MAP].get("pid") is None
    pair.tenant.person.act({"action": "delete-map", "map": MAP, **place})
    assert MAP not in pair.maps()
    pair.apply()
    assert MAP in pair.maps()


def test_added_company_goes_through_initial_write(pair: Administrator) -> None:
    """Running maps initialise and run again, with the new company's rows on the other side (5.5)."""
    groups = "msdyn_customergroups - Customer groups"
    terms = "msdyn_paymentterms - Terms of payment"
    pair.apply("msdyn_Dynamics365FinanceExtendedMaps")
    pair.running(terms, groups, "msdyn_paymentschedules - Payment schedule", "msdyn_paymentdays - Payment days CDS")
    pair.tenant.person.act({"action": "add-company", "company": "USMF", "environment": DATAVERSE_HOST})
    assert pair.maps()[groups]["state"] == "2"
    with pytest.raises(PersonError, match="Initializing"):
        pair.tenant.person.act({"action": "add-company", "company": "DEMF", "environment": DATAVERSE_HOST})
    pair.wait(600)
    assert pair.maps()[terms]["state"] == "4"
    assert pair.tenant.rows.count("dataverse", DATAVERSE_HOST, "msdyn_paymentterms") == 4
    runs = pair.get(f"/api/ProjectExecutionWithCompanies/{pair.maps()[terms]['pid']}").json
    assert [one["legalEntityName"] for one in runs["projectExecutionResponses"]] == ["USMF"]


def test_paused_map_hinders_removal_of_a_company(pair: Administrator) -> None:
    """The page refuses it (5.5)."""
    pair.apply()
    pair.running(MAP)
    place = {"environment": DATAVERSE_HOST}
    pair.tenant.person.act({"action": "pause-map", "map": MAP, **place})
    with pytest.raises(PersonError, match="Paused"):
        pair.tenant.person.act({"action": "remove-company", "company": "DAT", **place})
