"""`appmanagement` of the Power Platform API: packages, installations, their poll (power-platform-api.md 14.7)."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from emulator.core.microsoft_names import Name
from emulator.core.routing import NotModelledError
from emulator.core.wire import Call, Reply, UnknownNameError
from emulator.power_platform import operations, packages
from emulator.power_platform.answers import (
    PLATFORM_API_VERSIONS,
    check_api_version,
    environment_not_found,
    operation_not_startable,
    parse_body,
    refusal,
    retry_after,
    timestamp,
)
from emulator.power_platform.catalogue import PACKAGES, Package
from emulator.power_platform.locations import PLATFORM_HOST
from emulator.power_platform.records import PACKAGE_OPERATION, Environment, PackageOperation, find_environment, load
from emulator.tenant import Tenant

_PUBLISHER = {"publisherName": "Microsoft Dynamics 365", "publisherId": "7ea093b9-252b-4557-a8ae-ad4c1932a412"}
_ABSENT = ("applicationDescription", "singlePageApplicationUrl", "learnMoreUrl", "crmMaxVersion")
_POLL_AFTER = 30.0


class InstallRequest(BaseModel):
    """Body of an installation: nothing, `{}`, a `payloadValue`, or (old documentation) the whole package entry."""

    model_config = ConfigDict(extra="allow", strict=True)
    payloadValue: str | None = None  # noqa: N815 - wire name


def list_packages(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET .../environments/{id}/applicationPackages`."""
    check_api_version(call, PLATFORM_API_VERSIONS)
    environment = _environment(tenant, call)
    wanted = call.query.get("appInstallState", "All").lower()
    if wanted not in {"all", "installed", "notinstalled"}:
        raise NotModelledError(f"the appInstallState '{wanted}'")
    rows = [_row(environment, package) for package in PACKAGES.values()]
    if wanted != "all":
        rows = [row for row in rows if (row["state"] == "Installed") == (wanted == "installed")]
    return Reply(json={"value": rows})


def list_tenant_packages(_tenant: Tenant, call: Call) -> Reply:
    """Answer `GET /appmanagement/applicationPackages`."""
    check_api_version(call, PLATFORM_API_VERSIONS)
    return Reply(json={"value": [_description(package) for package in PACKAGES.values()]})


def install_package(tenant: Tenant, call: Call) -> Reply:
    """Answer `POST .../applicationPackages/{uniqueName}/install`; two forms of answer, by a switch."""
    check_api_version(call, PLATFORM_API_VERSIONS)
    environment = _environment(tenant, call)
    package = packages.find(call.parameters["unique_name"])
    if package is None:
        text = f"The application package '{call.parameters['unique_name']}' could not be found."
        # Documented: RFC 9110, 15.5.5
        unknown = refusal(404, "ApplicationPackageNotFound", text)
        raise UnknownNameError(Name("application package", call.parameters["unique_name"]), unknown)
    request = parse_body(call, InstallRequest, {}) if call.body.strip() else InstallRequest()
    known = environment.packages.get(package.unique_name)
    if known is not None and known.state in packages.BUSY:
        raise operation_not_startable(environment.id)
    requested_by = operations.principal(tenant, call)
    operation = packages.install(tenant, environment, package, request.payloadValue, requested_by)
    if tenant.switches["appmanagement_install_answer"] == "body":
        return Reply(200, json=_instance(environment, package, operation))
    path = f"/appmanagement/environments/{environment.id}/operations/{operation.id}"
    location = f"https://{PLATFORM_HOST}{path}?api-version=1"
    return Reply(202, headers={"Operation-Location": location, **retry_after(tenant, _POLL_AFTER)})


def get_operation(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET .../environments/{id}/operations/{operationId}`."""
    check_api_version(call, PLATFORM_API_VERSIONS)
    environment = _environment(tenant, call)
    operation = load(tenant, PACKAGE_OPERATION, call.parameters["operation_id"].lower(), PackageOperation)
    if operation is None or operation.environment_id != environment.id:
        text = f"The operation '{call.parameters['operation_id']}' could not be found."
        # Documented: RFC 9110, 15.5.5
        raise refusal(404, "OperationNotFound", text)
    body: dict[str, Any] = {
        "operationId": operation.id,
        "createdDateTime": timestamp(operation.created),
        "lastActionDateTime": timestamp(operation.modified),
        "status": operation.status,
        "statusMessage": "",
    }
    if operation.status == "Failed":
        body["error"] = {
            "errorName": operation.error_code,
            "errorCode": -2147467259,  # an int32 as documented; the value is assumed
            "message": operation.error_message,
            "type": "InstallFailure",
            "statusCode": 400,
            "source": "appmanagement",
        }
    headers = retry_after(tenant, _POLL_AFTER) if operation.status == "Running" else {}
    return Reply(json=body, headers=headers)


def _environment(tenant: Tenant, call: Call) -> Environment:
    environment = find_environment(tenant, call.parameters["environment_id"])
    if environment is None or environment.database is None or not environment.database.ready:
        # Which answer an environment without Dataverse gets was not seen; this one is assumed.
        raise environment_not_found(call.parameters["environment_id"])
    return environment


def _description(package: Package) -> dict[str, Any]:
    return {
        "uniqueName": package.unique_name,
        "localizedName": package.title,
        "localizedDescription": package.title,
        "applicationId": package.application_id,
        "applicationName": package.title,
        **_PUBLISHER,
        **dict.fromkeys(_ABSENT),
        "catalogVisibility": "None",
        "applicationVisibility": "All",
        "errorDetails": None,
    }


def _row(environment: Environment, package: Package) -> dict[str, Any]:
    """Return one ApplicationPackage; its `version` is the available one, not the installed one."""
    installed = environment.packages.get(package.unique_name)
    return {
        **_description(package),
        "id": package.application_id,
        "version": package.version,
        "crmMinversion": "9.1",
        "customHandleUpgrade": False,
        "instancePackageId": installed.instance_package_id if installed else None,
        "state": installed.state if installed else "None",
        "errorDetails": _error_details(installed.error) if installed and installed.error else None,
        "startDateUtc": "2018-07-23T00:00:00Z",
        "endDateUtc": "2050-01-01T00:00:00Z",
        "supportedCountries": ["DE", "US"],
    }


def _error_details(message: str) -> dict[str, Any]:
    return {"errorName": "InstallFailed", "message": message}


def _instance(environment: Environment, package: Package, operation: PackageOperation) -> dict[str, Any]:
    installed = environment.packages[package.unique_name]
    return {
        "id": installed.instance_package_id,
        "packageId": package.application_id,
        "packageUniqueName": package.unique_name,
        "packageVersion": package.version,
        "applicationId": package.application_id,
        "applicationName": package.title,
        "lastOperation": {
            "state": installed.state,
            "createdOn": timestamp(operation.created),
            "modifiedOn": timestamp(operation.modified),
            "errorDetails": None,
            "statusMessage": None,
            "instancePackageId": installed.instance_package_id,
            "operationId": operation.id,
        },
    }
