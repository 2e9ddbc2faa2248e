"""The BAP environment object, with the members that recordings show (power-platform-api.md 5)."""

from typing import Any

from emulator.power_platform import locations
from emulator.power_platform.answers import short_timestamp, timestamp
from emulator.power_platform.operations import PROVIDER
from emulator.power_platform.records import Database, Environment, FinOps
from emulator.tenant import Tenant

# Consumption of one environment in MB: Dataverse 1024 rated (recorded), F&O 5120 (an example, 5).
DATABASE_MB = 1024.0
FINOPS_DATABASE_MB = 5120.0

_ALWAYS_ALLOWED = ("Backup", "Copy", "Delete", "Edit")


def admin_document(tenant: Tenant, environment: Environment, expand: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the environment as list and get show it; `capacity` only when it is expanded."""
    return {
        "id": f"{PROVIDER}/scopes/admin/environments/{environment.id}",
        "type": "Microsoft.BusinessAppPlatform/scopes/environments",
        "location": environment.location,
        "name": environment.id,
        "properties": _properties(tenant, environment, expand),
    }


def service_document(tenant: Tenant, environment: Environment) -> dict[str, Any]:
    """Return the environment as the poll of `provisionInstance` shows it (9)."""
    document = admin_document(tenant, environment)
    document["id"] = f"{PROVIDER}/scopes/service/environments/{environment.id}"
    document["properties"] |= {
        "apiManagementAccountResourceId": f"{PROVIDER}/apiManagementAccounts/{environment.location}",
        "apiManagementEndpoint": f"https://management.{environment.location.upper()}.azure-apihub.net",
    }
    document["properties"]["states"]["management"] = {"id": "NotSpecified"}
    return document


def _properties(tenant: Tenant, environment: Environment, expand: frozenset[str]) -> dict[str, Any]:
    creator = environment.created_by
    properties: dict[str, Any] = {
        "tenantId": creator.tenant_id,
        "azureRegion": environment.azure_region,
        "displayName": environment.display_name,
        "createdTime": timestamp(environment.created),
        "createdBy": _creator(environment),
        "lastModifiedTime": timestamp(environment.modified),
        "provisioningState": environment.provisioning_state,
        "creationType": "User",
        "environmentSku": environment.sku,
        "isDefault": False,
        "addons": [],
        "clientUris": {
            "admin": f"https://admin.powerplatform.microsoft.com/environments/environment/{environment.id}/hub",
            "maker": f"https://make.powerapps.com/environments/{environment.id}/home",
        },
        "runtimeEndpoints": _runtime_endpoints(environment),
        "trialScenarioType": "None",
        "notificationMetadata": {"state": "NotSpecified", "branding": "NotSpecific"},
        "retentionPeriod": "P7D",
        "lifecycleAuthority": "Environment",
        "states": {
            "management": {"id": environment.management_state},
            "runtime": {
                "id": environment.runtime_state,
                "runtimeReasonCode": "NotSpecified",
                "requestedBy": {"displayName": "SYSTEM", "type": "NotSpecified"},
            },
        },
        "updateCadence": {"id": environment.update_cadence},
        "retentionDetails": {
            "retentionPeriod": "P7D",
            "backupsAvailableFromDateTime": timestamp(environment.created),
        },
        "protectionStatus": {"keyManagedBy": "Microsoft"},
        "cluster": {"category": environment.cluster_category, "environment": "Prod"},
        "connectedGroups": [],
        "lifecycleOperationsEnforcement": _allowed_operations(environment),
        "governanceConfiguration": {"protectionLevel": environment.protection_level},
        **environment.settings,
    }
    properties |= _optional(environment)
    if expand & {"properties.capacity", "properties/capacity"}:
        properties["capacity"] = _capacity(tenant, environment)
    if expand & {"properties.billingpolicy", "properties/billingpolicy"}:
        properties["billingPolicy"] = {"id": environment.billing_policy} if environment.billing_policy else None
    return properties | _linked(tenant, environment)


def _creator(environment: Environment) -> dict[str, Any]:
    creator = environment.created_by
    document = {
        "id": creator.id,
        "displayName": creator.display_name,
        "type": creator.type,
        "tenantId": creator.tenant_id,
    }
    if creator.user_principal_name:
        document |= {"email": creator.user_principal_name, "userPrincipalName": creator.user_principal_name}
    return document


def _optional(environment: Environment) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if environment.description is not None:
        members["description"] = environment.description
    if environment.environment_group:
        members["parentEnvironmentGroup"] = {"id": environment.environment_group}
    if environment.used_by:
        members["usedBy"] = {**environment.used_by, "type": "User"}
    return members


def _runtime_endpoints(environment: Environment) -> dict[str, str]:
    location = environment.location
    return {
        "microsoft.BusinessAppPlatform": f"https://{locations.regional_host(location)}",
        "microsoft.CommonDataModel": f"https://{location}.api.cds.microsoft.com",
        "microsoft.PowerApps": f"https://{location}.api.powerapps.com",
        "microsoft.PowerAppsAdvisor": f"https://{location}.api.advisor.powerapps.com",
        "microsoft.ApiManagement": f"https://management.{location.upper()}.azure-apihub.net",
    }


def _allowed_operations(environment: Environment) -> dict[str, Any]:
    enforcement: dict[str, Any] = {"allowedOperations": [{"type": {"id": name}} for name in _ALWAYS_ALLOWED]}
    if environment.database is not None:
        reason = {"message": "Provision cannot be performed because there is a linked CDS instance.", "type": "CdsLink"}
        enforcement["disallowedOperations"] = [{"type": {"id": "Provision"}, "reason": reason}]
    return enforcement


def _capacity(tenant: Tenant, environment: Environment) -> list[dict[str, Any]]:
    """Return consumption rows; the figures are fixed (assumed), only their presence follows the environment."""
    used = {"Database": DATABASE_MB if environment.database else 0.0, "File": 640.0, "Log": 0.0}
    if environment.finops is not None:
        used |= {"FinOpsDatabase": FINOPS_DATABASE_MB, "FinOpsFile": 12.0}
    return [
        {
            "capacityType": name,
            "actualConsumption": amount,
            "ratedConsumption": amount,
            "capacityUnit": "MB",
            "updatedOn": short_timestamp(tenant.clock.now()),
        }
        for name, amount in used.items()
    ]


def _linked(tenant: Tenant, environment: Environment) -> dict[str, Any]:
    members: dict[str, Any] = {}
    database = environment.database
    if database is not None and metadata_visible(tenant, database):
        members["databaseType"] = "CommonDataService"
        members["linkedEnvironmentMetadata"] = _database(environment, database)
    finops = environment.finops
    if finops is not None and link_visible(tenant, finops):
        slash = "/" if tenant.switches["finops_url_slash"] else ""
        members["linkedAppMetadata"] = {"id": finops.id, "type": finops.type, "url": f"https://{finops.host}{slash}"}
    elif tenant.switches["finops_member_before_link"] == "null":
        members["linkedAppMetadata"] = None
    return members


def metadata_visible(tenant: Tenant, database: Database) -> bool:
    """Return whether `linkedEnvironmentMetadata` is shown by now (8.4)."""
    if not database.ready or database.hidden_reads > 0:
        return False
    return database.visible_from is None or database.visible_from <= tenant.clock.now()


def link_visible(tenant: Tenant, finops: FinOps) -> bool:
    """Return whether `linkedAppMetadata` is shown by now (5.2, 10.1)."""
    return finops.linked_from is not None and finops.linked_from <= tenant.clock.now()


def _database(environment: Environment, database: Database) -> dict[str, Any]:
    api_host = locations.dataverse_api_host(environment.location, database.domain)
    document: dict[str, Any] = {
        "resourceId": database.resource_id,
        "friendlyName": environment.display_name,
        "uniqueName": database.unique_name,
        "domainName": database.domain,
        "version": "9.2.26081.00142",
        "instanceUrl": f"https://{database.host}/",
        "instanceApiUrl": f"https://{api_host}",
        "baseLanguage": database.base_language,
        "instanceState": "Ready",
        "createdTime": timestamp(database.created),
        "backgroundOperationsState": database.background_operations,
        "scaleGroup": "EURCRMLIVESG812",
        "platformSku": "Standard",
        "schemaType": database.schema_type,
    }
    if database.security_group_id:
        document["securityGroupId"] = database.security_group_id
    return document
