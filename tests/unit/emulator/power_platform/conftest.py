"""The admin APIs with recorded stand-ins for the data planes: these tests are about environments, not rows."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest

from emulator import power_platform
from emulator.core.clock import Clock
from emulator.core.store import Store
from emulator.core.wire import Reply
from emulator.identity.tokens import SigningKey
from emulator.power_platform import EnvironmentDeleted, FinOpsReady, OrganizationReady, PackageInstalled
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant

BAP = "https://api.bap.microsoft.com/providers/Microsoft.BusinessAppPlatform"
ADMIN = f"{BAP}/scopes/admin/environments"
PPAPI = "https://api.powerplatform.com"
V = {"api-version": "2023-06-01"}
PV = {"api-version": "2022-03-01-preview"}

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TOOLS = "msprov_fnouploadersolution"
APP = "msdyn_FinanceAndOperationsProvisioningAppAnchor"


@dataclass
class DataPlanes:
    """What the admin side asked of Dataverse and F&O, in order."""

    made: list[tuple[str, str]] = field(default_factory=list)
    published: list[object] = field(default_factory=list)


@pytest.fixture
def tenant(signing_key: SigningKey) -> Iterator[Tenant]:
    """A tenant that has the admin side only, so that nothing else answers its signals."""
    store = Store()
    made = Tenant(store, Clock(store, "stepped", start=START), signing_key)
    made.services = power_platform.install(made)
    yield made
    store.close()


@pytest.fixture
def planes(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> DataPlanes:
    """Replace the instances of the data planes by a record of what would be made."""
    seen = DataPlanes()
    for kind in (OrganizationReady, FinOpsReady, PackageInstalled, EnvironmentDeleted):
        tenant.signals.subscribe(kind, seen.published.append)
    made = seen.made
    # By name: the packages export functions that hide these modules as attributes.
    dataverse = import_module("emulator.dataverse.organization")
    finops = import_module("emulator.finance_operations.instance")
    finops.register(tenant)
    dataverse.register(tenant)
    monkeypatch.setattr(dataverse, "create_organization", lambda _t, **given: made.append(("dataverse", given["host"])))
    monkeypatch.setattr(dataverse, "delete_organization", lambda _t, host: made.append(("-dataverse", host)))
    monkeypatch.setattr(finops, "create_instance", lambda _t, **given: made.append(("finops", given["host"])))
    monkeypatch.setattr(finops, "delete_instance", lambda _t, host: made.append(("-finops", host)))
    return seen


BODY: dict[str, Any] = {
    "location": "europe",
    "properties": {
        "displayName": "hl-uat-01",
        "environmentSku": "Sandbox",
        "description": "dual-write demo/new-new",
        "databaseType": "CommonDataService",
        "linkedEnvironmentMetadata": {
            "baseLanguage": 1033,
            "currency": {"code": "EUR"},
            "domainName": "hl-uat-01",
            "templates": ["D365_DeveloperEdition"],
        },
    },
}


class Admin:
    """The calls that most tests make, and the clock."""

    def __init__(self, call: CallTenant, tenant: Tenant) -> None:
        self.call = call
        self.tenant = tenant

    def body(self, **linked: Any) -> dict[str, Any]:
        """Return a create body, with members of linkedEnvironmentMetadata replaced."""
        body = copy.deepcopy(BODY)
        body["properties"]["linkedEnvironmentMetadata"] |= linked
        return body

    def create(self, body: dict[str, Any] | None = None) -> Reply:
        """Send a create call."""
        return self.call("POST", f"{BAP}/environments", params=V, json=body or self.body())

    def operation(self, location: str) -> Reply:
        """Poll what a `Location` header names."""
        return self.call("GET", location)

    def created(self, body: dict[str, Any] | None = None) -> str:
        """Create an environment, wait for it and return its id."""
        reply = self.create(body)
        assert reply.status == 202, reply.json
        self.wait(300)
        path = self.operation(reply.headers["Location"]).json["links"]["environment"]["path"]
        self.wait(15)
        self.get(path.rpartition("/")[2])
        return str(path.rpartition("/")[2])

    def get(self, environment_id: str, expand: str = "") -> Reply:
        """Read one environment."""
        return self.call("GET", f"{ADMIN}/{environment_id}", params={**V, "$expand": expand})

    def properties(self, environment_id: str) -> dict[str, Any]:
        """Return `properties` of one environment."""
        return dict(self.get(environment_id).json["properties"])

    def patch(self, environment_id: str, **properties: Any) -> Reply:
        """Change one environment."""
        version = {"api-version": "2021-04-01"}
        return self.call("PATCH", f"{ADMIN}/{environment_id}", params=version, json={"properties": properties})

    def delete(self, environment_id: str) -> Reply:
        """Delete one environment."""
        return self.call("DELETE", f"{ADMIN}/{environment_id}", params=V, json={"code": "7", "message": "test"})

    def install(self, environment_id: str, package: str, payload: str | None = None) -> Reply:
        """Install an application package."""
        url = f"{PPAPI}/appmanagement/environments/{environment_id}/applicationPackages/{package}/install"
        return self.call("POST", url, params=PV, json={} if payload is None else {"payloadValue": payload})

    def installed(self, environment_id: str, package: str, payload: str | None = None, seconds: float = 600) -> Reply:
        """Install a package, wait, and return the last poll."""
        reply = self.install(environment_id, package, payload)
        assert reply.status == 202, reply.json
        self.wait(seconds)
        return self.call("GET", reply.headers["Operation-Location"])

    def package(self, environment_id: str, package: str) -> dict[str, Any]:
        """Return the list entry of a package."""
        url = f"{PPAPI}/appmanagement/environments/{environment_id}/applicationPackages"
        rows = self.call("GET", url, params=PV).json["value"]
        return next(dict(row) for row in rows if row["uniqueName"] == package)

    def unified(self, payload: str = "DevToolsEnabled=false|DemoDataEnabled=true") -> str:
        """Return the id of an environment with F&O, its link visible."""
        environment_id = self.created()
        assert self.installed(environment_id, TOOLS).json["status"] == "Succeeded"
        assert self.installed(environment_id, APP, payload, 3600).json["status"] == "Succeeded"
        self.wait(300)
        return environment_id

    def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.tenant.events.advance(seconds)


@pytest.fixture
def admin(call: CallTenant, tenant: Tenant, planes: DataPlanes) -> Admin:
    """The admin APIs in a fresh tenant."""
    return Admin(call, tenant)


def code(reply: Reply) -> str:
    """Return the error code of an answer."""
    return str(reply.json["error"]["code"])
