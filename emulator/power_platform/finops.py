"""F&O of a unified environment: what it needs, how it comes to be, what it shows (power-platform-api.md 14, 22 k).

none -> InstallRequested -> Installing -> Installed (-> Updating -> Installed)
                                       -> InstallFailed (a row of operationerrors), from where one may try again
"""

from datetime import timedelta
from typing import Any, TypedDict
from uuid import uuid4

from emulator.power_platform import capacity, locations
from emulator.power_platform.answers import timestamp
from emulator.power_platform.catalogue import (
    FINOPS_SKUS,
    PLATFORM_TOOLS,
    newest_version,
    version_key,
)
from emulator.power_platform.payload import FinOpsChoice, PayloadError, parse
from emulator.power_platform.published import FinOpsReady
from emulator.power_platform.records import (
    FINOPS_ERROR,
    FINOPS_HISTORY,
    Database,
    Environment,
    FinOps,
    FinOpsHistory,
    PackageOperation,
    Principal,
    environments,
    put_environment,
    save,
)
from emulator.power_platform.settings import use_up
from emulator.tenant import Tenant

Refusal = tuple[str, str]

LONGEST_DISPLAY_NAME = 20
LONGEST_DOMAIN = 19
_NOTHING_TO_DO = 10.0


def refused(tenant: Tenant, environment: Environment, payload: str | None, *, platform_tools: bool) -> Refusal | None:
    """Return why the Provisioning App cannot be installed (code, text), or None (14.4, 14.7; codes assumed)."""
    database = environment.database
    if not platform_tools:
        return "MissingPlatformTools", (
            "Please install the Dynamics 365 Finance and Operations Platform Tools application before installing the "
            "Dynamics 365 Finance and Operations Provisioning App."
        )
    if database is None or not database.dynamics_365_apps:
        return "UnsupportedSchemaType", (
            "The Dynamics 365 Finance and Operations Provisioning App isn't supported on SchemaType: Standard"
        )
    try:
        choice = parse(payload)
    except PayloadError as error:
        return "InvalidParameters", str(error)
    if environment.finops is not None and environment.finops.reachable:
        return _update_refusal(environment.finops, choice)
    return _limits(tenant, environment, database)


def _update_refusal(finops: FinOps, choice: FinOpsChoice) -> Refusal | None:
    if finops.type == "Linked":
        return "LinkedToLifecycleServices", "The organization is linked to a Lifecycle Services environment."
    if choice.version and version_key(choice.version) < version_key(finops.version):
        return "DowngradeNotSupported", f"Version {choice.version} is lower than the installed {finops.version}."
    return None


def _limits(tenant: Tenant, environment: Environment, database: Database) -> Refusal | None:
    name = environment.display_name
    location = locations.LOCATIONS[environment.location]
    if environment.sku not in FINOPS_SKUS:
        return "UnsupportedEnvironmentSku", f"Finance and operations apps are not supported on {environment.sku}."
    if not location.finops_regions:
        return "UnsupportedLocation", f"Finance and operations apps are not available in {location.display_name}."
    if len(name) > LONGEST_DISPLAY_NAME:
        return "DisplayNameTooLong", f"The environment name '{name}' has more than {LONGEST_DISPLAY_NAME} characters."
    if any(one.display_name.lower() == name.lower() and one.id != environment.id for one in environments(tenant)):
        return "DisplayNameNotUnique", f"The environment name '{name}' is not unique in the tenant."
    if len(database.domain) > LONGEST_DOMAIN:
        return "DomainNameTooLong", f"The host name '{database.domain}' has more than {LONGEST_DOMAIN} characters."
    if capacity.finops_left(tenant) < capacity.NEEDED_MB:
        return "InsufficientCapacity", "The tenant needs at least 1 GB of finance and operations database capacity."
    return None


def begin(tenant: Tenant, environment: Environment, payload: str | None, requested_by: Principal) -> float:
    """Start an installation or an update on the given record and return its virtual duration."""
    choice = parse(payload)
    finops = environment.finops
    _remember(tenant, environment, payload, requested_by)
    if finops is not None and finops.reachable:
        if choice.version in (None, finops.version):
            return _NOTHING_TO_DO
        finops.state = "Updating"
        return float(tenant.switches["finops_update_duration"])
    environment.finops = FinOps(
        id=str(uuid4()),
        state="InstallRequested",
        host=locations.finops_host(environment.location, environment.database.domain if environment.database else ""),
        version=choice.version or newest_version(),
        developer_tools=_chosen(choice.developer_tools, tenant.switches["finops_default_developer_tools"]),
        demo_data=_chosen(choice.demo_data, tenant.switches["finops_default_demo_data"]),
        requested_by=requested_by,
    )
    return float(tenant.switches["finops_install_duration"])


def _chosen(value: bool | None, default: bool) -> bool:
    return default if value is None else value


def installing(finops: FinOps) -> None:
    """Move a requested installation on; an update keeps its state."""
    if finops.state == "InstallRequested":
        finops.state = "Installing"


def failure(tenant: Tenant, environment: Environment) -> Refusal | None:
    """Return why an installation that ran its time failed after all, or None."""
    finops = environment.finops
    if finops is None or finops.state == "Installed" or not use_up(tenant.switches, "finops_install_failures"):
        return None
    return "ProvisioningFailed", "The deployment of the finance and operations application failed."


def end(tenant: Tenant, environment: Environment, operation: PackageOperation) -> None:
    """Finish what `begin` started, or keep the reason why it failed."""
    if operation.error_code:
        _keep_error(tenant, operation)
    if environment.finops is not None:
        _end(tenant, environment, environment.finops, operation)
    put_environment(tenant, environment)


def _end(tenant: Tenant, environment: Environment, finops: FinOps, operation: PackageOperation) -> None:
    if operation.error_code:
        _end_failed(finops)
    elif finops.state == "Updating":
        finops.version = parse(operation.payload).version or finops.version
        finops.state = "Installed"
    elif not finops.reachable:
        _end_installed(tenant, environment, finops)


def _end_failed(finops: FinOps) -> None:
    if finops.state != "Installed":
        finops.state = "Installed" if finops.reachable else "InstallFailed"


def _end_installed(tenant: Tenant, environment: Environment, finops: FinOps) -> None:
    finops.state = "Installed"
    finops.reachable = True
    if tenant.switches["finops_link_visible"] == "delay":
        finops.linked_from = tenant.clock.now() + timedelta(seconds=tenant.switches["finops_link_delay"])
    put_environment(tenant, environment)
    tenant.signals.publish(FinOpsReady(environment, finops))


def refresh_link(tenant: Tenant, environment: Environment) -> None:
    """Show `linkedAppMetadata` at once, which is what an edit of the environment does (10.1)."""
    finops = environment.finops
    if finops is None or not finops.reachable:
        return
    if finops.linked_from is None or finops.linked_from > tenant.clock.now():
        finops.linked_from = tenant.clock.now()


def _keep_error(tenant: Tenant, operation: PackageOperation) -> None:
    now = tenant.clock.now()
    row = {
        "correlationId": operation.id,
        "errorCode": operation.error_code,
        "errorMessage": operation.error_message,
        "failedActionName": "DeployFinanceAndOperations",
        "failedAt": timestamp(now),
        "operationType": "Install",
    }
    tenant.store.put(FINOPS_ERROR, f"{operation.environment_id}/{now.isoformat()}/{operation.id}", row)


def errors(tenant: Tenant, environment_id: str, limit: int) -> list[dict[str, Any]]:
    """Return the rows of `operationerrors`, newest first."""
    rows = [row for _, row in tenant.store.items(FINOPS_ERROR, f"{environment_id}/")]
    return rows[::-1][:limit]


def _remember(tenant: Tenant, environment: Environment, payload: str | None, requested_by: Principal) -> None:
    now = tenant.clock.now()
    history = FinOpsHistory(
        id=str(uuid4()),
        correlation_id=str(uuid4()),
        started_on=now.isoformat(),
        user_id=requested_by.id,
        payload=payload or "",
    )
    save(tenant, FINOPS_HISTORY, f"{environment.id}/{now.isoformat()}/{history.id}", history)


def histories(tenant: Tenant, environment_id: str) -> list[FinOpsHistory]:
    """Return what was asked of F&O, oldest first."""
    rows = tenant.store.items(FINOPS_HISTORY, f"{environment_id}/")
    return [FinOpsHistory.model_validate(row) for _, row in rows]


class ApplicationDetails(TypedDict):
    """Members of the answer to `msprov_getfinopsapplicationdetails`."""

    applicationversion: str
    platformversion: str
    finopsenvironmentstate: str
    applicationdeploymenttype: str
    finopsenvironmentid: str


def application_details(finops: FinOps) -> ApplicationDetails:
    """Return what `msprov_getfinopsapplicationdetails` shows (14.8; the state values are assumed)."""
    return {
        "applicationversion": finops.version,
        "platformversion": "7.0." + ".".join(finops.version.split(".")[2:]),
        "finopsenvironmentstate": finops.state,
        "applicationdeploymenttype": "OnlineDev" if finops.developer_tools else "Sandbox",
        "finopsenvironmentid": finops.id,
    }


class IntegrationDetails(TypedDict):
    """Members of the answer to `RetrieveFinanceAndOperationsIntegrationDetails`."""

    Url: str
    TenantId: str
    Id: str
    IsUnifiedDatabase: bool


def integration_details(tenant: Tenant, finops: FinOps) -> IntegrationDetails:
    """Return what `RetrieveFinanceAndOperationsIntegrationDetails` shows of a linked F&O (14.8)."""
    return {
        "Url": f"https://{finops.host}/",
        "TenantId": tenant.identity.tenant_id,
        "Id": finops.id,
        "IsUnifiedDatabase": finops.type == "Internal",
    }


def has_platform_tools(environment: Environment) -> bool:
    """Return whether the Platform Tools are installed."""
    package = environment.packages.get(PLATFORM_TOOLS)
    return package is not None and package.state == "Installed"
