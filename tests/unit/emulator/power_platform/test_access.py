"""Tokens, registration, versions and catalogues: power-platform-api.md 2, 3, 12, 13 and 22 (n), (r)."""

import pytest

from emulator.core.clock import Clock
from emulator.identity import directory
from emulator.identity.tokens import SigningKey
from emulator.power_platform import install
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant

from .conftest import ADMIN, BAP, PPAPI, PV, Admin, V, code

APPLICATIONS = f"{BAP}/adminApplications"
OLD = {"api-version": "2020-10-01"}
STRANGER = directory.UNREGISTERED_CLIENT_ID


@pytest.mark.parametrize("url", [ADMIN, f"{PPAPI}/licensing/tenantCapacity"])
def test_call_without_token_is_unauthorized(call: CallTenant, url: str) -> None:
    reply = call("GET", url, params={"api-version": "2024-10-01"}, app=None)
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_token_of_one_api_does_not_open_the_other(call: CallTenant, tenant: Tenant) -> None:
    application = tenant.identity.directory.applications()[0]
    token = tenant.identity.application_token(application, "https://api.powerplatform.com")
    assert call("GET", ADMIN, params=V, token=token).status == 401
    token = tenant.identity.application_token(application, "https://service.powerapps.com")
    assert call("GET", f"{PPAPI}/licensing/tenantCapacity", params=PV, token=token).status == 401


@pytest.mark.parametrize("audience", ["https://service.powerapps.com/", "https://api.bap.microsoft.com"])
def test_both_audiences_of_the_admin_api_work(call: CallTenant, tenant: Tenant, audience: str) -> None:
    application = tenant.identity.directory.applications()[0]
    token = tenant.identity.application_token(application, audience)
    assert call("GET", ADMIN, params=V, token=token).status == 200


@pytest.mark.parametrize(("url", "params"), [(ADMIN, V), (f"{PPAPI}/licensing/tenantCapacity", PV)])
def test_unregistered_application_is_forbidden(call: CallTenant, url: str, params: dict[str, str]) -> None:
    reply = call("GET", url, params=params, app=STRANGER)
    assert reply.status == 403
    assert "does not have permission to access the path" in reply.json["error"]["message"]


def test_person_registers_and_removes_an_application(call: CallTenant) -> None:
    person = directory.ADMINISTRATOR_UPN
    url = f"{APPLICATIONS}/{STRANGER}"
    assert call("PUT", url, params=OLD).status == 403, "an application cannot register another"
    assert call("GET", url, params=OLD, user=person).status == 404
    assert call("PUT", url, params=OLD, user=person).json == {"applicationId": STRANGER}
    assert call("GET", ADMIN, params=V, app=STRANGER).status == 200
    listed = call("GET", APPLICATIONS, params=OLD, user=person).json["value"]
    assert {"applicationId": STRANGER} in listed
    assert {"applicationId": directory.DEMO_CLIENT_ID} in listed
    assert call("DELETE", url, params=OLD, user=person).status == 204
    assert call("GET", ADMIN, params=V, app=STRANGER).status == 403


def test_registration_with_a_body_is_not_modelled(call: CallTenant) -> None:
    reply = call("PUT", f"{APPLICATIONS}/{STRANGER}", params=OLD, user=directory.ADMINISTRATOR_UPN, json={"a": 1})
    assert reply.status == 501


@pytest.mark.parametrize("url", [ADMIN, f"{BAP}/locations", f"{PPAPI}/licensing/tenantCapacity", APPLICATIONS])
@pytest.mark.parametrize(("version", "status"), [(None, 400), ("", 400), ("1999-01-01", 501)])
def test_api_version_is_required_and_modelled(call: CallTenant, url: str, version: str | None, status: int) -> None:
    reply = call("GET", url, params={} if version is None else {"api-version": version})
    assert reply.status == status
    assert status != 400 or code(reply) == "MissingApiVersionParameter"


def test_unknown_operation_is_not_modelled(call: CallTenant) -> None:
    reply = call("POST", f"{ADMIN}/x/copyTo", params=V)
    assert reply.status == 501
    assert "POST" in reply.json["error"]["message"]


def test_locations_carry_regions_and_macro_regions(call: CallTenant) -> None:
    answer = call("GET", f"{BAP}/locations", params=V).json
    europe = next(row for row in answer["value"] if row["name"] == "europe")
    assert europe["properties"]["azureRegions"] == ["westeurope", "northeurope"]
    assert europe["properties"]["canProvisionCustomerEngagementDatabase"] is True
    assert answer["tenantProvisioningMode"] == "location"
    assert {row["macroRegionId"] for row in answer["macroRegions"]} == {"the-americas", "eu-efta"}


def test_templates_stand_under_their_sku(call: CallTenant) -> None:
    answer = call("GET", f"{BAP}/locations/europe/templates", params=V).json
    sandbox = {row["name"]: row["properties"] for row in answer["sandbox"]}
    assert not sandbox["D365_FinOps_Finance"]["isDisabled"]
    assert sandbox["D365_FinOps_Finance"]["isCustomerEngagement"]
    assert "D365_DeveloperEdition" in sandbox
    assert "D365_FinOps_Commerce" not in sandbox
    assert answer["teams"] == []


def test_templates_say_why_they_are_disabled(admin: Admin) -> None:
    admin.tenant.switches.set("finops_entitlement", False)
    answer = admin.call("GET", f"{BAP}/locations/europe/templates", params=V).json
    rows = {row["name"]: row["properties"] for row in answer["sandbox"]}
    assert rows["D365_FinOps_Finance"]["isDisabled"]
    assert rows["D365_FinOps_Finance"]["disabledReason"]["code"] == "DynamicsEntitlementMissing"
    assert not rows["D365_DeveloperEdition"]["isDisabled"]


def test_location_without_finops_lists_no_finops_template(call: CallTenant) -> None:
    answer = call("GET", f"{BAP}/locations/germany/templates", params=V).json
    assert not [row for row in answer["sandbox"] if row["name"].startswith("D365_FinOps")]


@pytest.mark.parametrize("what", ["templates", "environmentCurrencies", "environmentLanguages"])
def test_unknown_location_is_not_found(call: CallTenant, what: str) -> None:
    reply = call("GET", f"{BAP}/locations/atlantis/{what}", params=V)
    assert (reply.status, code(reply)) == (404, "LocationNotFound")


def test_currencies_and_languages_name_the_default(call: CallTenant) -> None:
    currencies = call("GET", f"{BAP}/locations/europe/environmentCurrencies", params=V).json["value"]
    languages = call("GET", f"{BAP}/locations/europe/environmentLanguages", params=V).json["value"]
    assert [row["name"] for row in currencies if row["properties"]["isTenantDefault"]] == ["EUR"]
    assert [row["name"] for row in languages if row["properties"]["isTenantDefault"]] == ["1033"]
    assert languages[0]["properties"]["localeId"] == int(languages[0]["name"])


def test_tenant_describes_itself(call: CallTenant) -> None:
    answer = call("GET", f"{BAP}/tenant", params=V).json
    assert (answer["tenantId"], answer["state"]) == (directory.TENANT_ID, "Enabled")


def test_capacity_counts_what_is_created(admin: Admin) -> None:
    def used() -> dict[str, float]:
        answer = admin.call("GET", f"{PPAPI}/licensing/tenantCapacity", params=PV).json
        return {row["capacityType"]: row["consumption"]["rated"] for row in answer["tenantCapacities"]}

    assert used() == {"FinOpsDatabase": 0.0, "Database": 0.0}
    environment_id = admin.unified()
    assert used() == {"FinOpsDatabase": 5120.0, "Database": 1024.0}
    admin.delete(environment_id)
    admin.wait(120)
    assert used() == {"FinOpsDatabase": 0.0, "Database": 0.0}


def test_exhausted_capacity_reads_overage(admin: Admin) -> None:
    admin.tenant.switches.set("capacity_database_mb", 512.0)
    answer = admin.call("GET", f"{PPAPI}/licensing/tenantCapacity", params=PV).json
    rows = {row["capacityType"]: row["status"] for row in answer["tenantCapacities"]}
    assert rows == {"FinOpsDatabase": "Available", "Database": "Overage"}
    assert answer["capacitySummary"]["status"] == "Overage"


def test_running_operation_survives_a_restart(admin: Admin, tenant: Tenant, signing_key: SigningKey) -> None:
    location = admin.create().headers["Location"]
    again = Tenant(tenant.store, Clock(tenant.store, "stepped"), signing_key)
    again.services = install(again)
    again.events.advance(300)
    assert admin.operation(location).json["state"]["id"] == "Succeeded"


def test_every_route_and_switch_names_its_evidence(tenant: Tenant) -> None:
    for service in tenant.services:
        for route in service.routes:
            assert route.evidence.startswith(("power-platform-api.md ", "assumed")), route
    for switch in tenant.switches.describe():
        assert switch.evidence == "assumed" or switch.evidence.startswith("inferred: "), switch
