"""`dynamics` of the Power Platform API: F&O versions, properties and errors (power-platform-api.md 15.4)."""

from typing import Any

from emulator.core.routing import NotModelledError
from emulator.core.wire import Call, Reply
from emulator.power_platform import catalogue, finops, operations, packages
from emulator.power_platform.answers import (
    PLATFORM_API_VERSIONS,
    check_api_version,
    environment_not_found,
    operation_not_startable,
    refusal,
    retry_after,
)
from emulator.power_platform.locations import PLATFORM_HOST
from emulator.power_platform.records import Environment, FinOps, find_environment
from emulator.tenant import Tenant

_MOST_ERRORS = 1000


def list_versions(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET .../finopsversions` (the release stage is assumed)."""
    check_api_version(call, PLATFORM_API_VERSIONS)
    _environment(tenant, call)
    rows = [{"version": version, "releaseStage": "GeneralAvailability"} for version in catalogue.FINOPS_VERSIONS]
    return Reply(json={"availableVersions": rows})


def apply_version(tenant: Tenant, call: Call) -> Reply:
    """Answer `POST .../finopsversions/{version}/apply`: 204 when F&O is as new (form of `Location` assumed)."""
    check_api_version(call, PLATFORM_API_VERSIONS)
    environment, state = _linked(tenant, call)
    wanted = call.parameters["version"]
    if wanted not in catalogue.FINOPS_VERSIONS:
        raise NotModelledError(f"the application version '{wanted}'")
    if catalogue.version_key(wanted) <= catalogue.version_key(state.version):
        return Reply(204)
    if state.type == "Linked":
        raise NotModelledError("another version of an environment of Lifecycle Services")
    if environment.packages[catalogue.PROVISIONING_APP].state in packages.BUSY:
        raise operation_not_startable(environment.id)
    app = catalogue.PACKAGES[catalogue.PROVISIONING_APP]
    requested_by = operations.principal(tenant, call)
    operation = packages.install(tenant, environment, app, f"ApplicationVersion={wanted}", requested_by)
    path = f"/appmanagement/environments/{environment.id}/operations/{operation.id}"
    headers = {"Location": f"https://{PLATFORM_HOST}{path}?api-version=1", **retry_after(tenant, 60)}
    return Reply(202, json={"operationId": operation.id, "resourceId": environment.id}, headers=headers)


def read_properties(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET .../finopsproperties`; 404 without F&O."""
    check_api_version(call, PLATFORM_API_VERSIONS)
    environment, state = _linked(tenant, call)
    servers = 1 if state.developer_tools else 2
    body: dict[str, Any] = {
        "appId": state.id,
        "demoDataset": "Contoso" if state.demo_data else None,
        "deploymentType": _deployment_type(environment, state),
        "lastObservedAOSCount": servers,
        "lastObservedBatchAOSCount": 1,
        "maxAOSCount": servers,
        "maxBatchAOSCount": 1,
    }
    return Reply(json=body)


def list_errors(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET .../operationerrors?maxResults=20`: why an F&O provisioning failed, newest first."""
    check_api_version(call, PLATFORM_API_VERSIONS)
    environment = _environment(tenant, call)
    text = call.query.get("maxResults", "20")
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_ERRORS:
        raise NotModelledError(f"maxResults other than a number between 1 and {_MOST_ERRORS}")
    rows = finops.errors(tenant, environment.id, int(text))
    return Reply(json={"environmentId": environment.id, "errors": rows})


def _deployment_type(environment: Environment, state: FinOps) -> str:
    if state.type == "Linked":
        return "LCSSandbox" if ".sandbox." in state.host else "LCSProduction"
    if environment.sku == "Production":
        return "UnifiedProduction"
    if environment.sku == "SubscriptionBasedTrial":
        return "Trial"
    return "UnifiedDeveloper" if state.developer_tools else "UnifiedSandbox"


def _environment(tenant: Tenant, call: Call) -> Environment:
    environment = find_environment(tenant, call.parameters["environment_id"])
    if environment is None:
        raise environment_not_found(call.parameters["environment_id"])
    return environment


def _linked(tenant: Tenant, call: Call) -> tuple[Environment, FinOps]:
    environment = _environment(tenant, call)
    if environment.finops is None or not environment.finops.reachable:
        text = f"The environment '{environment.id}' has no finance and operations application."
        # Documented: RFC 9110, 15.5.5
        raise refusal(404, "FinOpsEnvironmentNotFound", text)
    return environment, environment.finops
