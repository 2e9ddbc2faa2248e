"""Environments, operations and catalogues on the wire (power-platform-api.md 5 to 13, 15.4)."""

import httpx
import pytest

from providers.api.power_platform.interface import PowerPlatform
from providers.api.power_platform.request import EnvironmentRequest
from providers.api.session import Session
from providers.api.transport.errors import Conflict, InvalidRequest, NotFound, TransportError, UnexpectedAnswer

from .scripted import FakeTime, FakeTokens, Script, answer, fixture, page, refused

ID = "c0ffee00-1b2d-4a77-9d10-3e5f6a7b8c9d"
ADMIN = "https://api.bap.microsoft.com/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments"
BAP = "/providers/Microsoft.BusinessAppPlatform"
OPERATION = f"https://europe.api.bap.microsoft.com{BAP}/lifecycleOperations/1f6d2c9a-8b37-4f5e-a0c4-2d9e7b1a3c55"
REQUEST = EnvironmentRequest(
    display_name="hl-uat-01",
    domain="hl-uat-01",
    location="europe",
    description="dual-write dualwrite/new-new",
    currency="EUR",
    language=1033,
    templates=("D365_DeveloperEdition",),
)


@pytest.fixture
def service(session: Session) -> PowerPlatform:
    return session.power_platform


def environment() -> httpx.Response:
    return answer(200, fixture("power_platform/environment"))


def listed() -> httpx.Response:
    return answer(200, {"value": [fixture("power_platform/environment")]})


def test_environment_is_read_flat(service: PowerPlatform, network: Script) -> None:
    network.expect("GET", f"{ADMIN}/{ID}", environment())
    found = service.environment(ID)
    assert (found.id, found.domain, found.sku, found.location, found.azure_region) == (
        ID,
        "hl-uat-01",
        "Sandbox",
        "europe",
        "northeurope",
    )
    assert (found.language, found.state, found.schema_type) == (1033, "Ready", "Full")
    assert found.url == "https://hl-uat-01.crm4.dynamics.com/"
    assert found.finops is not None
    assert found.finops.url == "https://hl-uat-01.operations.eu.dynamics.com/"
    assert network.query() == {
        "$expand": "permissions,properties.capacity,properties/billingPolicy,properties/copilotPolicies",
        "api-version": "2023-06-01",
    }


def test_empty_id_is_never_sent(service: PowerPlatform) -> None:
    for call in (service.environment, service.operations_of, service.delete_environment, service.finops_properties):
        with pytest.raises(InvalidRequest):
            call(" ")


def test_id_cannot_leave_its_segment(service: PowerPlatform, network: Script) -> None:
    network.expect("GET", "/environments/..%2Fx%3Fy", refused("EnvironmentNotFound", status=404))
    with pytest.raises(NotFound):
        service.environment("../x?y")


def test_one_environment_is_shared_by_a_refresh_until_something_is_written(
    service: PowerPlatform, network: Script, time: FakeTime
) -> None:
    seen = fixture("power_platform/environment")
    network.expect("GET", "/environments/e-1", answer(200, seen))
    network.expect("PATCH", "/environments/e-1", answer(202))
    network.expect("GET", "/environments/e-1", answer(200, seen), answer(200, seen))
    for _ in range(2):
        service.environment("e-1", shared=True)
    service.update_environment("e-1", display_name="Other")
    for _ in range(2):
        service.environment("e-1", shared=True)
    time.sleep(6)
    service.environment("e-1", shared=True)
    assert [call.partition(" ")[0] for call in network.calls] == ["GET", "PATCH", "GET", "GET"]


def test_list_follows_its_pages(service: PowerPlatform, network: Script) -> None:
    link = f"{ADMIN}?api-version=2023-06-01&$skiptoken=2"
    first = {"value": [fixture("power_platform/environment")], "nextLink": link}
    network.expect("GET", ADMIN, answer(200, first), listed())
    assert len(service.environments()) == 2
    assert network.query()["$skiptoken"] == "2"


def test_next_page_on_a_foreign_host_is_refused(service: PowerPlatform, network: Script) -> None:
    network.expect("GET", ADMIN, answer(200, {"value": [], "nextLink": "https://evil.example/"}))
    with pytest.raises(Exception, match="outside the configured cloud"):
        service.environments()


def test_list_is_shared_for_a_second(service: PowerPlatform, network: Script, time: FakeTime) -> None:
    network.expect("GET", ADMIN, listed(), listed(), listed())
    service.environments()
    service.environments()
    assert len(network.requests) == 1
    time.sleep(1)
    service.environments()
    assert len(network.requests) == 2
    service.environments(fresh=True)
    assert len(network.requests) == 3


def test_domain_is_found_without_regard_to_case(service: PowerPlatform, network: Script) -> None:
    network.expect("GET", ADMIN, listed())
    found = service.find_by_domain("HL-UAT-01")
    assert found is not None
    assert found.id == ID
    assert service.find_by_domain("hl-uat-02") is None


def test_create_sends_the_documented_body(service: PowerPlatform, network: Script) -> None:
    network.expect("POST", f"{BAP}/environments", answer(202, Location=OPERATION, Retry_After="5"))
    started = service.create_environment(REQUEST)
    assert (started.operation_url, started.environment_id, started.retry_after) == (OPERATION, None, 5)
    assert network.query() == {"api-version": "2023-06-01"}
    assert network.sent() == {
        "location": "europe",
        "properties": {
            "displayName": "hl-uat-01",
            "description": "dual-write dualwrite/new-new",
            "environmentSku": "Sandbox",
            "databaseType": "CommonDataService",
            "linkedEnvironmentMetadata": {
                "baseLanguage": 1033,
                "currency": {"code": "EUR"},
                "domainName": "hl-uat-01",
                "templates": ["D365_DeveloperEdition"],
            },
        },
    }


def test_macro_region_stands_at_the_root(service: PowerPlatform, network: Script) -> None:
    network.expect("POST", f"{BAP}/environments", answer(202, Location=OPERATION))
    service.create_environment(REQUEST.model_copy(update={"location": None, "macro_region": "eu-efta"}))
    assert network.sent()["macroRegion"] == "eu-efta"
    assert "location" not in network.sent()


def test_create_that_is_done_at_once_names_the_environment(service: PowerPlatform, network: Script) -> None:
    network.expect("POST", f"{BAP}/environments", answer(201, fixture("power_platform/environment")))
    assert service.create_environment(REQUEST).environment_id == ID


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(httpx.ReadTimeout("no answer"), id="timed out"),
        pytest.param(answer(500), id="500"),
        pytest.param(answer(499, {"name": "x"}), id="499"),
        pytest.param(page(), id="page"),
        pytest.param(answer(202), id="202 without an operation"),
    ],
)
def test_lost_create_is_sent_once_and_has_to_be_looked_up(
    service: PowerPlatform, network: Script, lost: httpx.Response
) -> None:
    network.expect("GET", ADMIN, answer(200, {"value": []}))
    service.environments()
    network.expect("POST", f"{BAP}/environments", lost)
    with pytest.raises(TransportError) as caught:
        service.create_environment(REQUEST)
    assert caught.value.may_have_happened
    network.expect("GET", ADMIN, listed())
    assert service.find_by_domain("hl-uat-01") is not None, "the list before the create must not be used any more"


@pytest.mark.parametrize("code", ["DomainNameAlreadyInUse", "InsufficientCapacity_StorageDriven"])
def test_create_refused_for_good_is_a_conflict(service: PowerPlatform, network: Script, code: str) -> None:
    network.expect("POST", f"{BAP}/environments", refused(code, "no", 409))
    with pytest.raises(Conflict) as caught:
        service.create_environment(REQUEST)
    assert caught.value.code == code
    assert caught.value.next_step


def test_operation_is_polled_at_its_regional_url(service: PowerPlatform, network: Script, tokens: FakeTokens) -> None:
    network.expect("GET", OPERATION, answer(200, fixture("power_platform/operation_running"), Retry_After="7"))
    found = service.operation(f"{OPERATION}?api-version=2023-06-01")
    assert (found.finished, found.stage, found.environment_id, found.retry_after) == (False, "Run", ID, 7)
    assert tokens.asked[-1][0] == "https://service.powerapps.com/.default"


@pytest.mark.parametrize("running", [answer(202), answer(409), refused("OperationNotStartable", status=409)])
def test_202_and_409_on_a_poll_mean_running(service: PowerPlatform, network: Script, running: httpx.Response) -> None:
    network.expect("GET", OPERATION, running)
    found = service.operation(OPERATION)
    assert not found.finished


def test_failed_operation_names_no_environment(service: PowerPlatform, network: Script) -> None:
    network.expect("GET", OPERATION, answer(200, fixture("power_platform/operation_failed")))
    found = service.operation(OPERATION)
    assert (found.finished, found.succeeded, found.stage, found.environment_id) == (True, False, "Run", None)


def test_404_on_a_poll_is_left_to_the_caller(service: PowerPlatform, network: Script) -> None:
    network.expect("GET", OPERATION, refused("LifecycleOperationNotFound", status=404))
    with pytest.raises(NotFound):
        service.operation(OPERATION)


def test_operations_of_an_environment_are_listed(service: PowerPlatform, network: Script) -> None:
    network.expect("GET", "/lifecycleOperations", answer(200, {"value": [fixture("power_platform/operation_running")]}))
    assert [each.type for each in service.operations_of(ID)] == ["Create"]
    assert network.query() == {"api-version": "2024-05-01", "$filter": f"environment eq '{ID}'"}


def test_update_sends_only_what_changes_by_the_old_version(service: PowerPlatform, network: Script) -> None:
    network.expect("PATCH", f"{ADMIN}/{ID}", answer(202, Location=OPERATION))
    assert service.update_environment(ID, description="x").operation_url == OPERATION
    assert network.sent() == {"properties": {"description": "x"}}
    assert network.query() == {"api-version": "2021-04-01"}


def test_update_waits_for_another_operation(service: PowerPlatform, network: Script, time: FakeTime) -> None:
    busy = refused("OperationNotStartable", "an operation runs", 409)
    network.expect("PATCH", f"{ADMIN}/{ID}", busy, busy, answer(204))
    assert service.update_environment(ID, display_name="x").operation_url is None
    assert time.elapsed == 30


def test_sku_change_reads_the_other_header(service: PowerPlatform, network: Script) -> None:
    network.expect("POST", f"{ADMIN}/{ID}/modifySku", answer(202, Operation_Location=OPERATION))
    assert service.modify_sku(ID, "Production").operation_url == OPERATION
    assert network.sent() == {"environmentSku": "Production"}


def test_lost_sku_change_is_sent_once(service: PowerPlatform, network: Script) -> None:
    network.expect("POST", f"{ADMIN}/{ID}/modifySku", answer(502))
    with pytest.raises(TransportError) as caught:
        service.modify_sku(ID, "Production")
    assert caught.value.may_have_happened


def test_delete_says_that_an_application_did_it(service: PowerPlatform, network: Script) -> None:
    network.expect("DELETE", f"{ADMIN}/{ID}", answer(409), answer(202, Location=OPERATION))
    assert service.delete_environment(ID).operation_url == OPERATION
    assert network.sent()["code"] == "7"


def test_delete_of_what_is_gone_says_so(service: PowerPlatform, network: Script) -> None:
    network.expect("DELETE", f"{ADMIN}/{ID}", httpx.ReadError("reset"), refused("EnvironmentNotFound", status=404))
    with pytest.raises(NotFound):
        service.delete_environment(ID)


def test_locations_tell_how_the_tenant_places(service: PowerPlatform, network: Script) -> None:
    body = {
        "value": [
            {
                "name": "europe",
                "properties": {"displayName": "Europe", "azureRegions": ["westeurope"], "isDisabled": None},
            }
        ],
        "tenantProvisioningMode": "macroRegion",
        "macroRegions": [{"macroRegionId": "eu-efta", "displayName": "EU and EFTA"}],
    }
    network.expect("GET", f"{BAP}/locations", answer(200, body))
    found = service.locations()
    assert found.provisioning_mode == "macroRegion"
    assert [each.id for each in found.macro_regions] == ["eu-efta"]
    assert (found.locations[0].azure_regions, found.locations[0].disabled) == (["westeurope"], False)


def test_older_locations_answer_means_location_mode(service: PowerPlatform, network: Script) -> None:
    network.expect("GET", f"{BAP}/locations", answer(200, {"value": []}))
    assert service.locations().provisioning_mode == "location"


def test_templates_carry_their_sku_and_reason(service: PowerPlatform, network: Script) -> None:
    network.expect("GET", f"{BAP}/locations/europe/templates", answer(200, fixture("power_platform/templates")))
    found = {(each.sku, each.name): each for each in service.templates("europe")}
    assert found["sandbox", "D365_FinOps_Finance"].disabled_code == "DynamicsEntitlementMissing"
    assert not found["developer", "D365_DeveloperEdition"].disabled


def test_what_findings_rest_on_carries_the_id_of_its_answer(service: PowerPlatform, network: Script) -> None:
    given = {
        name: answer(200, {**body, "correlation_id": "not the answer's"}, x_ms_correlation_id=name)
        for name, body in {
            "list": {"value": [fixture("power_platform/environment")]},
            "one": fixture("power_platform/environment"),
            "templates": fixture("power_platform/templates"),
            "capacity": {"tenantCapacities": []},
        }.items()
    }
    network.expect("GET", ADMIN, given["list"])
    network.expect("GET", f"{ADMIN}/{ID}", given["one"])
    network.expect("GET", f"{BAP}/locations/europe/templates", given["templates"])
    network.expect("GET", "/licensing/tenantCapacity", given["capacity"])
    # Another answer in between, and one that comes from a cache, change nothing about whose id a value carries.
    listed, one = service.environments(), service.environment(ID)
    assert [each.correlation_id for each in (*listed, one, *service.environments())] == ["list", "one", "list"]
    assert {each.correlation_id for each in service.templates("europe")} == {"templates"}
    assert service.tenant_capacity().correlation_id == "capacity"


def test_currencies_and_languages_of_a_location(service: PowerPlatform, network: Script) -> None:
    network.expect(
        "GET",
        f"{BAP}/locations/europe/environmentCurrencies",
        answer(200, {"value": [{"name": "EUR", "properties": {"code": "EUR", "symbol": "€"}}]}),
    )
    network.expect(
        "GET",
        f"{BAP}/locations/europe/environmentLanguages",
        answer(200, {"value": [{"name": "1033", "properties": {"localeId": 1033, "localizedName": "English"}}]}),
    )
    assert [each.code for each in service.currencies("europe")] == ["EUR"]
    assert [each.lcid for each in service.languages("europe")] == [1033]


def test_domain_check_gives_the_reason(service: PowerPlatform, network: Script) -> None:
    text = "The specified domain name with a value of 'taken' is invalid."
    network.expect("POST", f"{BAP}/validateEnvironmentDetails", answer(200), refused("InvalidDomainName", text))
    assert service.validate_domain("free", "europe") is None
    said = str(service.validate_domain("taken", "europe"))
    assert said.startswith(f"{text.removesuffix('.')} (InvalidDomainName, correlation ")
    assert network.sent() == {"domainName": "taken", "environmentLocation": "europe"}


def test_other_refusals_of_the_domain_check_are_errors(service: PowerPlatform, network: Script) -> None:
    network.expect("POST", f"{BAP}/validateEnvironmentDetails", refused("BadRequest", "no"))
    with pytest.raises(InvalidRequest):
        service.validate_domain("x", "europe")


def test_capacity_comes_from_the_other_host_with_its_token(
    service: PowerPlatform, network: Script, tokens: FakeTokens
) -> None:
    body = {"tenantCapacities": [{"capacityType": "Database", "totalCapacity": 10.0, "consumption": {"actual": 4.0}}]}
    network.expect("GET", "https://api.powerplatform.com/licensing/tenantCapacity", answer(200, body))
    database = service.tenant_capacity().of("Database")
    assert database is not None
    assert database.free == 6
    assert tokens.asked == [("https://api.powerplatform.com/.default", None)]


def test_finops_properties_are_none_without_finops(service: PowerPlatform, network: Script) -> None:
    path = f"/dynamics/environments/{ID}/finopsproperties"
    network.expect(
        "GET",
        path,
        answer(200, {"deploymentType": "UnifiedSandbox", "demoDataset": None}),
        refused("FinOpsEnvironmentNotFound", status=404),
    )
    found = service.finops_properties(ID)
    assert found is not None
    assert (found.deployment_type, found.demo_dataset) == ("UnifiedSandbox", "")
    assert service.finops_properties(ID) is None


def test_operation_errors_say_why(service: PowerPlatform, network: Script) -> None:
    error = {"correlationId": "c", "errorCode": "E1", "errorMessage": "disk full", "failedActionName": "Deploy"}
    path = f"/dynamics/environments/{ID}/operationerrors"
    network.expect("GET", path, answer(200, {"environmentId": ID, "errors": [error]}))
    found = service.operation_errors(ID)
    assert [(each.code, each.message, each.action, each.correlation_id) for each in found] == [
        ("E1", "disk full", "Deploy", "c")
    ]
    assert network.query()["maxResults"] == "20"


def test_unknown_shape_is_an_error_not_a_crash(service: PowerPlatform, network: Script) -> None:
    network.expect("GET", f"{ADMIN}/{ID}", answer(200, {"name": ["a list"]}))
    with pytest.raises(UnexpectedAnswer, match="in an unknown shape"):
        service.environment(ID)
