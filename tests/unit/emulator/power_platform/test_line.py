"""From nothing to F&O on the real data planes: both sides agree at every step (power-platform-api.md 14.10, 22 k)."""

from collections.abc import Iterator

import pytest

from emulator import dataverse, finance_operations, power_platform
from emulator.app import first_day
from emulator.core.clock import Clock
from emulator.core.store import Store
from emulator.identity import directory
from emulator.identity.tokens import SigningKey
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant

from .conftest import APP, START, TOOLS, Admin

WEB_API = "https://hl-uat-01.crm4.dynamics.com/api/data/v9.2"
FINOPS = "https://hl-uat-01.operations.eu.dynamics.com/data"
REGISTRATION = {"AADClientId": directory.DEMO_CLIENT_ID, "UserId": "Admin", "Name": "Program"}


@pytest.fixture
def tenant(signing_key: SigningKey) -> Iterator[Tenant]:
    """The admin side with both data planes, without dual-write."""
    store = Store()
    made = Tenant(store, Clock(store, "stepped", start=START), signing_key)
    for package in (power_platform, dataverse, finance_operations):
        made.services = (*made.services, *package.install(made))
    yield made
    store.close()


@pytest.fixture
def admin(call: CallTenant, tenant: Tenant) -> Admin:
    """The admin APIs of that tenant, nothing replaced."""
    return Admin(call, tenant)


def is_host(tenant: Tenant, url: str) -> bool:
    return tenant.service_of(url.split("/")[2]) is not None


def test_dataverse_opens_after_its_creation(admin: Admin, tenant: Tenant) -> None:
    location = admin.create().headers["Location"]
    assert not is_host(tenant, WEB_API)
    admin.wait(300)
    assert admin.operation(location).json["state"]["id"] == "Succeeded"
    assert admin.call("GET", f"{WEB_API}/WhoAmI").status == 403
    admin.wait(600)
    assert admin.call("GET", f"{WEB_API}/WhoAmI").status == 200


def test_bap_and_dataverse_agree_on_the_organization(admin: Admin) -> None:
    linked = admin.properties(admin.created())["linkedEnvironmentMetadata"]
    admin.wait(600)
    assert admin.call("GET", f"{WEB_API}/WhoAmI").json["OrganizationId"] == linked["resourceId"]


def test_finops_is_found_from_both_sides(admin: Admin, tenant: Tenant) -> None:
    environment_id = admin.created()
    admin.wait(600)
    details = f"{WEB_API}/RetrieveFinanceAndOperationsIntegrationDetails"
    admin.installed(environment_id, TOOLS)
    admin.install(environment_id, APP, "DevToolsEnabled=false|DemoDataEnabled=false")
    admin.wait(3599)
    assert admin.call("GET", details).json["error"]["code"] == "0x80048d0b"
    admin.wait(1)
    assert admin.call("GET", f"{FINOPS}/").status == 401
    assert admin.call("POST", f"{FINOPS}/SysAADClients", json=REGISTRATION).status == 201
    assert admin.call("GET", f"{FINOPS}/").status == 200
    admin.wait(300)
    link = admin.properties(environment_id)["linkedAppMetadata"]
    other = admin.call("GET", details).json
    assert (link["id"], link["url"]) == (other["Id"], other["Url"])
    assert link["url"].startswith(FINOPS.removesuffix("data"))


def test_deletion_takes_both_hosts_along(admin: Admin, tenant: Tenant) -> None:
    environment_id = admin.unified()
    assert is_host(tenant, WEB_API)
    assert is_host(tenant, FINOPS)
    admin.delete(environment_id)
    admin.wait(120)
    assert not is_host(tenant, WEB_API)
    assert not is_host(tenant, FINOPS)


def test_changed_domain_moves_the_organization(admin: Admin, tenant: Tenant) -> None:
    environment_id = admin.created()
    admin.wait(600)
    admin.patch(environment_id, linkedEnvironmentMetadata={"domainName": "hl-new"})
    admin.wait(10)
    assert not is_host(tenant, WEB_API)
    assert admin.call("GET", f"{WEB_API.replace('hl-uat-01', 'hl-new')}/WhoAmI").status == 200


def test_default_seed_makes_a_living_organization(admin: Admin, tenant: Tenant) -> None:
    tenant.seeds.play({"environments": first_day()["environments"]})
    assert admin.call("GET", "https://contoso.crm4.dynamics.com/api/data/v9.2/WhoAmI").status == 200
