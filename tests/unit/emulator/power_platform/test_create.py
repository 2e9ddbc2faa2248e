"""Creating environments: power-platform-api.md 7, 8 and 22 (a) to (d), (g) to (j), (o)."""

from typing import Any

import pytest

from emulator.core.clock import Clock
from emulator.core.faults import Fault
from emulator.core.store import Store
from emulator.power_platform import OrganizationReady, locations
from emulator.tenant import Tenant

from .conftest import ADMIN, BAP, BODY, Admin, DataPlanes, V, code


def test_create_answers_202_on_a_regional_host(admin: Admin) -> None:
    reply = admin.create()
    assert (reply.status, reply.content()) == (202, b"")
    assert reply.headers["Location"].startswith(
        "https://europe.api.bap.microsoft.com/providers/Microsoft.BusinessAppPlatform/lifecycleOperations/"
    )
    assert reply.headers["Location"].endswith("?api-version=2023-06-01")
    assert admin.operation(reply.headers["Location"]).status == 200


def test_location_can_name_the_central_host(admin: Admin) -> None:
    admin.tenant.switches.set("operation_location", "central")
    assert admin.create().headers["Location"].startswith(f"{BAP}/lifecycleOperations/")


def test_retry_after_follows_the_scale(admin: Admin, tenant: Tenant) -> None:
    tenant.clock = Clock(Store(), "scaled:5", start=tenant.clock.now())
    assert admin.create().headers["Retry-After"] == "3"


def test_operation_runs_through_four_stages(admin: Admin) -> None:
    location = admin.create().headers["Location"]
    seen = []
    for seconds in (0, 30, 100, 160, 20):
        admin.wait(seconds)
        operation = admin.operation(location).json
        seen.append((operation["state"]["id"], [stage["state"]["id"] for stage in operation["stages"]]))
    done, now, next_ = "Succeeded", "Running", "NotStarted"
    assert seen == [
        ("Running", [now, next_, next_, next_]),
        ("Running", [done, now, next_, next_]),
        ("Running", [done, done, now, next_]),
        ("Running", [done, done, done, now]),
        ("Succeeded", [done, done, done, done]),
    ]


def test_operation_names_environment_type_and_requester(admin: Admin) -> None:
    operation = admin.operation(admin.create().headers["Location"]).json
    environment_id = operation["links"]["environment"]["path"].rpartition("/")[2]
    assert admin.get(environment_id).status == 200
    assert operation["type"] == {"id": "Create"}
    assert operation["requestedBy"]["type"] == "ServicePrincipal"
    assert operation["links"]["self"]["path"].endswith(operation["id"])
    assert "firstActionDateTime" in operation["stages"][0]
    assert "firstActionDateTime" not in operation["stages"][3]


def test_failed_creation_leaves_nothing(admin: Admin, planes: DataPlanes) -> None:
    admin.tenant.switches.set("environment_create_failures", 1)
    location = admin.create().headers["Location"]
    environment_id = admin.operation(location).json["links"]["environment"]["path"].rpartition("/")[2]
    admin.wait(300)
    operation = admin.operation(location).json
    assert operation["state"]["id"] == "Failed"
    assert operation["links"]["environment"]["path"] == ""
    assert [stage["id"] for stage in operation["stages"]] == ["Validate", "Prepare", "Run"]
    assert operation["stages"][-1]["state"]["id"] == "Failed"
    assert admin.get(environment_id).status == 404
    assert planes.made == []
    assert admin.create().status == 202, "the domain is free again"


def test_created_environment_shows_what_was_asked_for(admin: Admin, planes: DataPlanes) -> None:
    environment = admin.get(admin.created()).json
    properties = environment["properties"]
    linked = properties["linkedEnvironmentMetadata"]
    assert environment["location"] == "europe"
    assert properties["displayName"] == "hl-uat-01"
    assert properties["description"] == "dual-write demo/new-new"
    assert properties["azureRegion"] == "westeurope"
    assert properties["provisioningState"] == "Succeeded"
    assert properties["states"]["management"]["id"] == "Ready"
    assert properties["createdBy"]["type"] == "ServicePrincipal"
    assert linked["instanceUrl"] == "https://hl-uat-01.crm4.dynamics.com/"
    assert linked["instanceApiUrl"] == "https://hl-uat-01.api.crm4.dynamics.com"
    assert linked["baseLanguage"] == 1033
    assert linked["schemaType"] == "Full"
    assert "linkedAppMetadata" not in properties
    assert not {"templates", "templateMetadata", "currency"} & (set(properties) | set(linked)), "never echoed (5.1)"
    assert planes.made == [("dataverse", "hl-uat-01.crm4.dynamics.com")]
    assert [type(one) for one in planes.published] == [OrganizationReady]


def test_capacity_comes_only_with_expand(admin: Admin) -> None:
    environment_id = admin.created()
    assert "capacity" not in admin.get(environment_id).json["properties"]
    expanded = admin.get(environment_id, "permissions,properties.capacity,properties/billingPolicy").json["properties"]
    assert {row["capacityType"]: row["ratedConsumption"] for row in expanded["capacity"]}["Database"] == 1024.0
    assert expanded["billingPolicy"] is None


def test_metadata_appears_after_reads_and_seconds(admin: Admin) -> None:
    admin.tenant.switches.set("dataverse_metadata_reads", 2)
    admin.tenant.switches.set("dataverse_metadata_delay", 30)
    location = admin.create().headers["Location"]
    path = admin.operation(location).json["links"]["environment"]["path"]
    environment_id = path.rpartition("/")[2]
    assert "linkedEnvironmentMetadata" not in admin.properties(environment_id), "not while it is created"
    admin.wait(300)
    admin.wait(30)
    assert "linkedEnvironmentMetadata" not in admin.properties(environment_id)
    listed = admin.call("GET", ADMIN, params=V).json["value"]
    assert "linkedEnvironmentMetadata" not in listed[0]["properties"]
    assert "linkedEnvironmentMetadata" in admin.properties(environment_id)


def test_new_environment_may_stay_invisible(admin: Admin) -> None:
    admin.tenant.switches.set("environment_visible_delay", 310)
    location = admin.create().headers["Location"]
    admin.wait(305)
    environment_id = admin.operation(location).json["links"]["environment"]["path"].rpartition("/")[2]
    assert code(admin.get(environment_id)) == "EnvironmentNotFound"
    assert admin.call("GET", ADMIN, params=V).json["value"] == []
    admin.wait(5)
    assert admin.get(environment_id).status == 200


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda body: body.update(foo=1), "'foo' on object of type 'EnvironmentDefinition'"),
        (lambda body: body["properties"].update(foo=1), "'foo' on object of type 'EnvironmentProperties'"),
        (
            lambda body: body["properties"]["linkedEnvironmentMetadata"].update(template=["x"]),
            "'template' on object of type 'linkedEnvironmentMetadata'",
        ),
        (
            lambda body: body["properties"]["linkedEnvironmentMetadata"].update(
                templateMetadata={"postProvisioningPackages": []}
            ),
            "'postProvisioningPackages' on object of type 'templateMetadata'",
        ),
    ],
    ids=["root", "properties", "linked", "metadata"],
)
def test_unknown_members_are_refused(admin: Admin, change: Any, text: str) -> None:
    body = admin.body()
    change(body)
    reply = admin.create(body)
    assert reply.status == 400
    assert reply.json["error"]["message"] == f"Could not find member {text}."


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda body: body.update(location="atlantis"), "the location 'atlantis'"),
        (lambda body: body["properties"].update(azureRegion="eastus"), "the Azure region 'eastus'"),
        (lambda body: body["properties"].update(environmentSku="Sand"), "the environment SKU 'Sand'"),
        (lambda body: body["properties"].pop("displayName"), "'properties.displayName'"),
        (lambda body: body["properties"].update(displayName=3), "'properties.displayName'"),
        (lambda body: body["properties"].pop("databaseType"), "without the other"),
        (lambda body: body["properties"]["linkedEnvironmentMetadata"].update(baseLanguage=1), "the language '1'"),
        (lambda body: body["properties"]["linkedEnvironmentMetadata"].update(baseLanguage="1033"), "baseLanguage'"),
        (lambda body: body["properties"]["linkedEnvironmentMetadata"].update(currency={"code": "XYZ"}), "'XYZ'"),
        (lambda body: body["properties"]["linkedEnvironmentMetadata"].update(securityGroupId="x"), "not a GUID"),
        (lambda body: body["properties"]["linkedEnvironmentMetadata"].update(templates=["Nope"]), "'Nope'"),
        (
            lambda body: body["properties"]["linkedEnvironmentMetadata"].update(templates=["D365_FinOps_Commerce"]),
            "Commerce'",
        ),
    ],
)
def test_values_whose_answer_nobody_saw_are_not_modelled(admin: Admin, change: Any, what: str) -> None:
    body = admin.body()
    change(body)
    reply = admin.create(body)
    assert (reply.status, code(reply)) == (501, "NotModelled")
    assert what in reply.json["error"]["message"]
    assert admin.call("GET", ADMIN, params=V).json["value"] == []


@pytest.mark.parametrize("domain", ["a b", "a" * 33])
def test_malformed_domains_are_refused(admin: Admin, domain: str) -> None:
    reply = admin.create(admin.body(domainName=domain))
    assert (reply.status, code(reply)) == (400, "InvalidDomainName")
    assert admin.call("GET", ADMIN, params=V).json["value"] == []


def test_body_must_be_json(admin: Admin) -> None:
    assert admin.call("POST", f"{BAP}/environments", params=V, body=b"{").status == 400


@pytest.mark.parametrize(("language", "currency"), [("", None), (None, None)])
def test_language_and_currency_fall_back_to_the_tenant(admin: Admin, language: Any, currency: Any) -> None:
    environment_id = admin.created(admin.body(baseLanguage=language, currency=currency))
    assert admin.properties(environment_id)["linkedEnvironmentMetadata"]["baseLanguage"] == locations.DEFAULT_LANGUAGE


def test_service_makes_up_a_missing_domain(admin: Admin) -> None:
    body = admin.body()
    del body["properties"]["linkedEnvironmentMetadata"]["domainName"]
    linked = admin.properties(admin.created(body))["linkedEnvironmentMetadata"]
    assert linked["domainName"].startswith("org")


def test_domain_of_a_live_environment_is_taken(admin: Admin) -> None:
    admin.create()
    reply = admin.create(admin.body(domainName="HL-UAT-01"))
    assert (reply.status, code(reply)) == (409, "DomainNameAlreadyInUse")


def test_capacity_below_one_gigabyte_refuses(admin: Admin) -> None:
    admin.tenant.switches.set("capacity_database_mb", 2047.0)
    admin.create()
    reply = admin.create(admin.body(domainName="hl-uat-02"))
    assert (reply.status, code(reply)) == (409, "InsufficientCapacity_StorageDriven")
    assert reply.json["error"]["message"].startswith("This environment can't be created because your org (tenant)")


def test_create_from_a_disabled_template_is_not_modelled_and_makes_nothing(admin: Admin) -> None:
    admin.tenant.switches.set("disabled_templates", "D365_Sales, D365_DeveloperEdition")
    reply = admin.create()
    assert reply.status == 501
    assert "'D365_DeveloperEdition'" in reply.json["error"]["message"]
    assert admin.call("GET", ADMIN, params=V).json["value"] == []


def test_bare_environment_is_there_at_once(admin: Admin) -> None:
    body = {"location": "europe", "properties": {"displayName": "shell", "environmentSku": "Sandbox"}}
    reply = admin.create(body)
    assert reply.status == 201
    assert reply.json["properties"]["provisioningState"] == "Succeeded"
    assert "linkedEnvironmentMetadata" not in admin.properties(reply.json["name"])
    assert "databaseType" not in admin.properties(reply.json["name"])


def test_bare_environment_can_take_an_operation(admin: Admin) -> None:
    admin.tenant.switches.set("bare_environment_answer", "accepted")
    reply = admin.create({"location": "europe", "properties": {"displayName": "shell", "environmentSku": "Sandbox"}})
    assert reply.status == 202
    admin.wait(10)
    assert admin.operation(reply.headers["Location"]).json["state"]["id"] == "Succeeded"


@pytest.mark.parametrize(
    ("place", "status", "refused"),
    [
        ({"macroRegion": "eu-efta"}, 202, None),
        ({"location": "europe"}, 400, "MacroRegionRequired"),
        ({"location": "europe", "macroRegion": "eu-efta"}, 400, "AmbiguousLocationSpecification"),
        ({"macroRegion": "atlantis"}, 400, "InvalidMacroRegion"),
    ],
)
def test_macro_region_mode_wants_a_macro_region(
    admin: Admin, place: dict[str, str], status: int, refused: str | None
) -> None:
    admin.tenant.switches.set("tenant_provisioning_mode", "macroRegion")
    reply = admin.create({"properties": BODY["properties"], **place})
    assert reply.status == status
    assert refused is None or code(reply) == refused


def test_location_mode_refuses_both_places(admin: Admin) -> None:
    reply = admin.create({**admin.body(), "macroRegion": "eu-efta"})
    assert code(reply) == "AmbiguousLocationSpecification"


def test_dataverse_is_added_to_a_shell(admin: Admin, planes: DataPlanes) -> None:
    shell = admin.create({"location": "europe", "properties": {"displayName": "shell", "environmentSku": "Sandbox"}})
    environment_id = shell.json["name"]
    url = f"{BAP}/environments/{environment_id}/provisionInstance"
    linked = BODY["properties"]["linkedEnvironmentMetadata"]
    reply = admin.call("POST", url, params={"api-version": "2021-04-01"}, json=linked)
    assert reply.status == 202
    poll = admin.operation(reply.headers["Location"])
    assert (poll.status, poll.json["properties"]["provisioningState"]) == (202, "LinkedDatabaseProvisioning")
    assert poll.json["id"].startswith("/providers/Microsoft.BusinessAppPlatform/scopes/service/environments/")
    assert "apiManagementEndpoint" in poll.json["properties"]
    admin.wait(120)
    poll = admin.operation(reply.headers["Location"])
    assert (poll.status, poll.json["properties"]["provisioningState"]) == (200, "Succeeded")
    assert planes.made == [("dataverse", "hl-uat-01.crm4.dynamics.com")]
    again = admin.call("POST", url, params={"api-version": "2021-04-01"}, json=linked)
    assert again.status == 501


def test_lost_answer_leaves_a_created_environment(admin: Admin, tenant: Tenant) -> None:
    tenant.faults.add(Fault.model_validate({"service": "bap", "method": "POST", "drop": "after"}))
    with pytest.raises(AssertionError, match="connection was dropped"):
        admin.create()
    listed = admin.call("GET", ADMIN, params=V).json["value"]
    assert [row["properties"]["displayName"] for row in listed] == ["hl-uat-01"]


def test_request_lost_before_it_arrives_creates_nothing(admin: Admin, tenant: Tenant) -> None:
    tenant.faults.add(Fault.model_validate({"service": "bap", "method": "POST", "drop": "before"}))
    with pytest.raises(AssertionError, match="connection was dropped"):
        admin.create()
    assert admin.call("GET", ADMIN, params=V).json["value"] == []


def test_bursts_of_429_come_from_a_fault(admin: Admin, tenant: Tenant) -> None:
    body = {"error": {"code": "TooManyRequests", "message": "Slow down."}}
    tenant.faults.add(
        Fault.model_validate(
            {"service": "bap", "status": 429, "body": body, "headers": {"Retry-After": "7"}, "count": 2}
        )
    )
    replies = [admin.create() for _ in range(3)]
    assert [reply.status for reply in replies] == [429, 429, 202]
    assert replies[0].headers["Retry-After"] == "7"
