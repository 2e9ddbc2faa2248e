"""Reading, changing, deleting, recovering: power-platform-api.md 6, 8.3, 10, 11 and 22 (f), (g), (i), (m)."""

from typing import Any

import pytest

from emulator.app import first_day
from emulator.core.person import PersonError
from emulator.core.seeds import SeedError
from emulator.power_platform import EnvironmentDeleted, PackageInstalled
from emulator.tenant import Tenant

from .conftest import ADMIN, APP, BAP, PPAPI, TOOLS, Admin, DataPlanes, V, code

OPERATIONS = f"{BAP}/lifecycleOperations"
OLD = {"api-version": "2021-04-01"}


def test_get_with_an_empty_id_is_a_list(admin: Admin) -> None:
    admin.created()
    assert len(admin.call("GET", f"{ADMIN}/", params=V).json["value"]) == 1


def test_unknown_environment_is_not_found(admin: Admin) -> None:
    reply = admin.get("c0ffee00-1b2d-4a77-9d10-3e5f6a7b8c9d")
    assert reply.status == 404
    assert reply.json["error"] == {
        "code": "EnvironmentNotFound",
        "message": "The environment 'c0ffee00-1b2d-4a77-9d10-3e5f6a7b8c9d' could not be found in the tenant.",
        "detailUrlType": "NotSpecified",
    }


def test_regional_host_knows_the_same_environments(admin: Admin) -> None:
    environment_id = admin.created()
    url = f"{ADMIN}/{environment_id}".replace("api.bap", "unitedstates.api.bap")
    assert admin.call("GET", url, params=V).status == 200


def test_list_filters_by_environment_group(admin: Admin) -> None:
    grouped = admin.body()
    grouped["properties"]["parentEnvironmentGroup"] = {"id": "g1"}
    environment_id = admin.created(grouped)
    admin.created(admin.body(domainName="other"))
    params = {**OLD, "$filter": "properties/parentEnvironmentGroup/id eq g1"}
    assert [row["name"] for row in admin.call("GET", ADMIN, params=params).json["value"]] == [environment_id]
    assert admin.call("GET", ADMIN, params={**OLD, "$filter": "name eq 'x'"}).status == 501


def test_operations_of_an_environment_are_listed_newest_first(admin: Admin) -> None:
    environment_id = admin.created()
    admin.patch(environment_id, description="other")
    params = {"api-version": "2024-05-01", "$filter": f"environment eq '{environment_id}'"}
    rows = admin.call("GET", OPERATIONS, params=params).json["value"]
    assert [(row["type"]["id"], row["state"]["id"]) for row in rows] == [("Edit", "Running"), ("Create", "Succeeded")]
    assert admin.call("GET", OPERATIONS, params=V).status == 501


def test_unfinished_state_can_have_another_name(admin: Admin) -> None:
    admin.tenant.switches.set("operation_running_state", "InProgress")
    assert admin.operation(admin.create().headers["Location"]).json["state"]["id"] == "InProgress"


def test_unknown_operation_is_not_found(admin: Admin) -> None:
    assert admin.call("GET", f"{OPERATIONS}/nope", params=V).status == 404


def test_patch_takes_effect_when_its_operation_ends(admin: Admin) -> None:
    environment_id = admin.created()
    reply = admin.patch(environment_id, displayName="hl-uat-01b", description="renamed")
    assert reply.status == 202
    properties = admin.properties(environment_id)
    assert (properties["displayName"], properties["states"]["management"]["id"]) == ("hl-uat-01", "Running")
    admin.wait(10)
    properties = admin.properties(environment_id)
    assert (properties["displayName"], properties["states"]["management"]["id"]) == ("hl-uat-01b", "Ready")
    assert properties["description"] == "renamed"
    assert admin.operation(reply.headers["Location"]).json["type"]["id"] == "Edit"


def test_patch_refuses_unknown_members(admin: Admin) -> None:
    reply = admin.patch(admin.created(), nothing={"type": "Internal"})
    assert reply.status == 400
    assert "'nothing' on object of type 'EnvironmentProperties'" in reply.json["error"]["message"]
    assert admin.patch(admin.created(admin.body(domainName="b")), linkedAppMetadata={"type": "Internal"}).status == 501


def test_document_that_was_read_is_written_back_with_one_member_changed(admin: Admin) -> None:
    environment_id = admin.created()
    document = admin.get(environment_id).json
    document["properties"]["displayName"] = "another name"
    reply = admin.call("PATCH", f"{ADMIN}/{environment_id}", params=OLD, json=document)
    assert reply.status == 202, reply.json
    admin.wait(60)
    changed = admin.get(environment_id).json
    assert changed["properties"]["displayName"] == "another name"
    assert changed["properties"]["environmentSku"] == document["properties"]["environmentSku"]
    linked, before = (each["properties"]["linkedEnvironmentMetadata"] for each in (changed, document))
    assert linked == before | {"friendlyName": "another name"}


def test_member_that_the_emulator_cannot_change_is_not_modelled_once_it_differs(admin: Admin) -> None:
    environment_id = admin.created()
    document = admin.get(environment_id).json
    document["properties"]["environmentSku"] = "Production"
    reply = admin.call("PATCH", f"{ADMIN}/{environment_id}", params=OLD, json=document)
    assert (reply.status, "environmentSku" in reply.json["error"]["message"]) == (501, True)


def test_patch_changes_domain_group_and_cadence(admin: Admin) -> None:
    environment_id = admin.created()
    group = "7f0e0000-0000-0000-0000-000000000001"
    linked = {"domainName": "hl-new", "securityGroupId": group}
    admin.patch(environment_id, linkedEnvironmentMetadata=linked, updateCadence={"id": "Moderate"})
    admin.wait(10)
    properties = admin.properties(environment_id)
    assert properties["linkedEnvironmentMetadata"]["instanceUrl"] == "https://hl-new.crm4.dynamics.com/"
    assert properties["linkedEnvironmentMetadata"]["securityGroupId"] == group
    assert properties["updateCadence"] == {"id": "Moderate"}
    assert admin.create().status == 202, "the old domain is free again"


def test_patch_refuses_a_taken_domain(admin: Admin) -> None:
    environment_id = admin.created()
    admin.created(admin.body(domainName="other"))
    reply = admin.patch(environment_id, linkedEnvironmentMetadata={"domainName": "other"})
    assert (reply.status, code(reply)) == (400, "InvalidDomainName")


def test_domain_is_fixed_once_finops_is_there(admin: Admin) -> None:
    reply = admin.patch(admin.unified(), linkedEnvironmentMetadata={"domainName": "other"})
    assert reply.status == 400
    assert "does not support domain name changes" in reply.json["error"]["message"]


def test_admin_mode_is_a_runtime_state(admin: Admin) -> None:
    environment_id = admin.created()
    background = {"backgroundOperationsState": "Disabled"}
    assert admin.patch(environment_id, linkedEnvironmentMetadata=background).status == 400
    mode = {"runtime": {"id": "AdminMode"}}
    assert admin.patch(environment_id, states=mode, linkedEnvironmentMetadata=background).status == 202
    admin.wait(10)
    properties = admin.properties(environment_id)
    assert properties["states"]["runtime"]["id"] == "AdminMode"
    assert properties["linkedEnvironmentMetadata"]["backgroundOperationsState"] == "Disabled"


def test_ai_settings_alone_change_at_once(admin: Admin) -> None:
    environment_id = admin.created()
    assert admin.patch(environment_id, bingChatEnabled=True).status == 204
    assert admin.properties(environment_id)["bingChatEnabled"] is True


@pytest.mark.parametrize(("version", "level"), [("2021-04-01", "Basic"), ("2022-05-01", "Standard")])
def test_newer_patch_of_a_description_makes_it_managed(admin: Admin, version: str, level: str) -> None:
    environment_id = admin.created()
    body = {"properties": {"description": "x"}}
    admin.call("PATCH", f"{ADMIN}/{environment_id}", params={"api-version": version}, json=body)
    admin.wait(10)
    assert admin.properties(environment_id)["governanceConfiguration"]["protectionLevel"] == level


def test_sku_change_names_operation_location(admin: Admin) -> None:
    environment_id = admin.created()
    url = f"{ADMIN}/{environment_id}/modifySku"
    reply = admin.call("POST", url, params=OLD, json={"environmentSku": "Production"})
    assert reply.status == 202
    admin.wait(10)
    assert admin.operation(reply.headers["Operation-Location"]).json["state"]["id"] == "Succeeded"
    assert admin.properties(environment_id)["environmentSku"] == "Production"
    assert admin.call("POST", url, params=OLD, json={"environmentSku": "Production"}).status == 200
    assert admin.call("POST", url, params=OLD, json={"environmentSku": "Developer"}).status == 501


@pytest.mark.parametrize("request_", ["patch", "sku", "delete"])
def test_one_operation_at_a_time(admin: Admin, request_: str) -> None:
    environment_id = admin.operation(admin.create().headers["Location"]).json["links"]["environment"]["path"][-36:]
    admin.tenant.switches.set("delete_conflict_answer", "coded")
    calls = {
        "patch": lambda: admin.patch(environment_id, description="x"),
        "sku": lambda: admin.call(
            "POST", f"{ADMIN}/{environment_id}/modifySku", params=OLD, json={"environmentSku": "Production"}
        ),
        "delete": lambda: admin.delete(environment_id),
    }
    reply = calls[request_]()
    assert (reply.status, code(reply)) == (409, "OperationNotStartable")
    assert reply.json["error"]["message"].startswith("This operation cannot be performed because there is an active")


def test_delete_conflict_has_an_empty_body(admin: Admin) -> None:
    environment_id = admin.created()
    admin.patch(environment_id, description="x")
    reply = admin.delete(environment_id)
    assert (reply.status, reply.content()) == (409, b"")


def test_deleted_environment_and_its_operation_are_gone(admin: Admin, planes: DataPlanes) -> None:
    environment_id = admin.created()
    reply = admin.delete(environment_id)
    assert reply.status == 202
    assert admin.operation(reply.headers["Location"]).json["state"]["id"] == "Running"
    assert admin.get(environment_id).status == 200
    admin.wait(120)
    assert admin.operation(reply.headers["Location"]).status == 404
    assert code(admin.get(environment_id)) == "EnvironmentNotFound"
    assert code(admin.delete(environment_id)) == "EnvironmentNotFound"
    assert planes.made[-1] == ("-dataverse", "hl-uat-01.crm4.dynamics.com")
    deleted = planes.published[-1]
    assert isinstance(deleted, EnvironmentDeleted)
    assert (deleted.environment.id, deleted.environment.finops) == (environment_id, None)
    assert deleted.environment.database is not None
    assert deleted.environment.database.host == "hl-uat-01.crm4.dynamics.com"


def test_operation_of_a_deletion_can_stay_readable(admin: Admin) -> None:
    admin.tenant.switches.set("delete_operation_afterwards", "kept")
    location = admin.delete(admin.created()).headers["Location"]
    admin.wait(120)
    operation = admin.operation(location).json
    assert (operation["state"]["id"], operation["links"]["environment"]["path"]) == ("Succeeded", "")


def test_deletion_can_fail_and_be_repeated(admin: Admin) -> None:
    admin.tenant.switches.set("environment_delete_failures", 1)
    environment_id = admin.created()
    location = admin.delete(environment_id).headers["Location"]
    admin.wait(120)
    assert admin.operation(location).json["state"]["id"] == "Failed"
    assert admin.properties(environment_id)["states"]["management"]["id"] == "Ready"
    admin.delete(environment_id)
    admin.wait(120)
    assert admin.get(environment_id).status == 404


def test_delete_body_is_optional_but_strict(admin: Admin) -> None:
    environment_id = admin.created()
    assert admin.call("DELETE", f"{ADMIN}/{environment_id}", params=V, json={"reason": "x"}).status == 400
    assert admin.call("DELETE", f"{ADMIN}/{environment_id}", params=V).status == 202


def test_validate_delete_names_what_goes(admin: Admin) -> None:
    def answer(environment_id: str) -> dict[str, Any]:
        return dict(admin.call("POST", f"{ADMIN}/{environment_id}/validateDelete", params=OLD).json)

    plain = admin.created(admin.body(domainName="plain"))
    assert answer(plain)["canInitiateDelete"] is True
    assert len(answer(plain)["resourcesToBeDeleted"]) == 2
    admin.delete(plain)
    assert answer(plain)["canInitiateDelete"] is False
    admin.wait(120)
    assert len(answer(admin.unified())["resourcesToBeDeleted"]) == 3


def test_domain_stays_reserved_for_a_day(admin: Admin) -> None:
    environment_id = admin.created()
    admin.delete(environment_id)
    admin.wait(120)
    assert code(admin.create()) == "DomainNameAlreadyInUse"
    admin.wait(86_400)
    assert admin.create().status == 202


def test_domain_with_finops_stays_reserved_for_a_week(admin: Admin, planes: DataPlanes) -> None:
    environment_id = admin.unified()
    admin.delete(environment_id)
    admin.wait(120)
    assert planes.made[-2:] == [
        ("-finops", "hl-uat-01.operations.eu.dynamics.com"),
        ("-dataverse", "hl-uat-01.crm4.dynamics.com"),
    ]
    admin.wait(6 * 86_400)
    assert code(admin.create()) == "DomainNameAlreadyInUse"
    admin.wait(86_400)
    assert admin.create().status == 202


DELETED = f"{BAP}/scopes/admin/deletedEnvironments"


def test_plain_environment_is_recovered(admin: Admin) -> None:
    environment_id = admin.created()
    admin.delete(environment_id)
    admin.wait(120)
    assert [row["name"] for row in admin.call("GET", DELETED, params=V).json["value"]] == [environment_id]
    reply = admin.call("POST", f"{DELETED}/{environment_id}/recover", params=V)
    assert reply.status == 202
    assert admin.call("POST", f"{DELETED}/{environment_id}/recover", params=V).status == 409
    admin.wait(120)
    assert admin.operation(reply.headers["Location"]).json["state"]["id"] == "Succeeded"
    assert "linkedEnvironmentMetadata" in admin.properties(environment_id)
    assert admin.properties(environment_id)["states"]["management"]["id"] == "Ready"
    assert admin.call("GET", DELETED, params=V).json["value"] == []


def test_environment_with_finops_is_not_recovered(admin: Admin) -> None:
    environment_id = admin.unified()
    admin.delete(environment_id)
    admin.wait(120)
    reply = admin.call("POST", f"{DELETED}/{environment_id}/recover", params=V)
    assert reply.status == 400
    assert "isn't yet implemented" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"domainName": "free", "environmentLocation": "europe"}, 200),
        ({"domainName": "hl-uat-01", "environmentLocation": "europe"}, 400),
        ({"domainName": "not valid", "environmentLocation": "europe"}, 400),
        ({"domainName": "free"}, 501),
        ({"domainName": "free", "environmentLocation": "europe", "foo": 1}, 400),
    ],
)
def test_domain_check_has_one_code_for_taken_and_malformed(admin: Admin, body: dict[str, Any], status: int) -> None:
    admin.created()
    reply = admin.call("POST", f"{BAP}/validateEnvironmentDetails", params=OLD, json=body)
    assert reply.status == status
    if status == 200:
        assert reply.content() == b""
    elif set(body) == {"domainName", "environmentLocation"}:
        assert code(reply) == "InvalidDomainName"
        assert f"with a value of '{body['domainName']}' is invalid." in reply.json["error"]["message"]


def test_domain_check_of_an_environment_accepts_its_own(admin: Admin) -> None:
    body = {"domainName": "hl-uat-01", "environmentName": admin.created()}
    assert admin.call("POST", f"{BAP}/validateEnvironmentDetails", params=OLD, json=body).status == 200


def test_person_renames_an_environment(admin: Admin) -> None:
    environment_id = admin.created()
    host = "hl-uat-01.crm4.dynamics.com"
    admin.tenant.person.act({"action": "rename-environment", "environment": host, "name": "other"})
    properties = admin.properties(environment_id)
    assert (properties["displayName"], properties["description"]) == ("other", "dual-write demo/new-new")


def test_person_deletes_an_environment(admin: Admin, planes: DataPlanes) -> None:
    environment_id = admin.created()
    admin.tenant.person.act({"action": "delete-environment", "environment": environment_id})
    assert admin.get(environment_id).status == 404
    assert isinstance(planes.published[-1], EnvironmentDeleted)


def test_person_takes_a_domain(admin: Admin) -> None:
    admin.tenant.person.act({"action": "reserve-domain", "domain": "hl-uat-01"})
    admin.wait(10 * 86_400)
    assert code(admin.create()) == "DomainNameAlreadyInUse"
    with pytest.raises(PersonError, match="taken already"):
        admin.tenant.person.act({"action": "reserve-domain", "domain": "hl-uat-01"})


@pytest.mark.parametrize("request_", [{"environment": "nowhere"}, {"environment": ""}, {}])
def test_person_needs_an_existing_environment(admin: Admin, request_: dict[str, str]) -> None:
    with pytest.raises(PersonError):
        admin.tenant.person.act({"action": "delete-environment", **request_})


def test_default_seed_holds_somebody_elses_contoso(admin: Admin, tenant: Tenant) -> None:
    default = {"environments": first_day()["environments"]}
    tenant.seeds.play(default)
    tenant.seeds.play(default)
    listed = admin.call("GET", ADMIN, params=V).json["value"]
    domains = [row["properties"]["linkedEnvironmentMetadata"]["domainName"] for row in listed]
    assert sorted(domains) == sorted({*domains})
    row = listed[domains.index("contoso")]
    assert row["properties"]["createdBy"]["displayName"] == "Olga Owner"
    assert code(admin.create(admin.body(domainName="contoso"))) == "DomainNameAlreadyInUse"


def test_seed_makes_unified_and_linked_environments(admin: Admin, tenant: Tenant, planes: DataPlanes) -> None:
    rows = [
        {"name": "a", "domain": "a", "finops": {"demo_data": True}, "packages": ["DualWriteCoreAnchor"]},
        {"name": "b", "domain": "b", "finops": {"host": "b.sandbox.operations.dynamics.com", "linked": True}},
    ]
    tenant.seeds.play({"environments": rows})
    listed = {row["properties"]["displayName"]: row for row in admin.call("GET", ADMIN, params=V).json["value"]}
    links = {name: row["properties"]["linkedAppMetadata"] for name, row in listed.items()}
    assert (links["a"]["type"], links["a"]["url"]) == ("Internal", "https://a.operations.eu.dynamics.com/")
    assert (links["b"]["type"], links["b"]["url"]) == ("Linked", "https://b.sandbox.operations.dynamics.com/")
    installed = {one.unique_name for one in planes.published if isinstance(one, PackageInstalled)}
    assert installed == {TOOLS, APP, "DualWriteCoreAnchor"}
    url = f"{PPAPI}/dynamics/environments/{listed['b']['name']}/finopsproperties"
    assert admin.call("GET", url, params={"api-version": "2024-10-01"}).json["deploymentType"] == "LCSSandbox"


def test_seed_with_an_unknown_member_is_refused(tenant: Tenant) -> None:
    with pytest.raises(SeedError, match=r"environments: 0\.colour"):
        tenant.seeds.play({"environments": [{"name": "a", "domain": "a", "colour": "red"}]})
