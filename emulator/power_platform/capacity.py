"""Storage capacity of the tenant: what is there, what environments use, what is left (power-platform-api.md 13)."""

from typing import Any

from emulator.core.wire import Call, Reply
from emulator.power_platform.answers import PLATFORM_API_VERSIONS, check_api_version, timestamp
from emulator.power_platform.documents import DATABASE_MB, FINOPS_DATABASE_MB
from emulator.power_platform.records import environments
from emulator.tenant import Tenant

NEEDED_MB = 1024.0  # an environment needs 1 GB of each kind (13, 14.4)


def database_left(tenant: Tenant) -> float:
    """Return the free Dataverse database capacity in MB."""
    return float(tenant.switches["capacity_database_mb"]) - _database_used(tenant)


def finops_left(tenant: Tenant) -> float:
    """Return the free F&O database capacity in MB."""
    return float(tenant.switches["capacity_finops_database_mb"]) - _finops_used(tenant)


def _database_used(tenant: Tenant) -> float:
    return DATABASE_MB * sum(1 for one in environments(tenant) if one.database is not None)


def _finops_used(tenant: Tenant) -> float:
    unified = [one for one in environments(tenant) if one.finops is not None and one.finops.type == "Internal"]
    return FINOPS_DATABASE_MB * len(unified)


def read_tenant_capacity(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET licensing/tenantCapacity`."""
    check_api_version(call, PLATFORM_API_VERSIONS)
    rows = [
        _row(tenant, "FinOpsDatabase", float(tenant.switches["capacity_finops_database_mb"]), _finops_used(tenant)),
        _row(tenant, "Database", float(tenant.switches["capacity_database_mb"]), _database_used(tenant)),
    ]
    status = "Available" if database_left(tenant) >= NEEDED_MB else "Overage"
    finops_status = "Available" if finops_left(tenant) >= NEEDED_MB else "Overage"
    summary = {
        "status": status,
        "statusMessage": "",
        "statusMessageCode": "AllCapacityAvailable" if status == "Available" else "",
        "finOpsStatus": finops_status,
        "finOpsStatusMessage": "",
        "finOpsStatusMessageCode": "",
    }
    return Reply(
        json={
            "tenantId": tenant.identity.tenant_id,
            "licenseModelType": "StorageDriven",
            "capacitySummary": summary,
            "tenantCapacities": rows,
        }
    )


def _row(tenant: Tenant, capacity_type: str, total: float, used: float) -> dict[str, Any]:
    now = timestamp(tenant.clock.now())
    return {
        "capacityType": capacity_type,
        "capacityUnits": "MB",
        "totalCapacity": total,
        "maxCapacity": total,
        "consumption": {"actual": used, "rated": used, "actualUpdatedOn": now, "ratedUpdatedOn": now},
        "status": "Available" if total - used >= NEEDED_MB else "Overage",
        "overflowCapacity": [],
        "capacityEntitlements": [
            {
                "capacityType": capacity_type,
                "capacitySubType": "CapacityPool",
                "totalCapacity": total,
                "licenses": [],
            }
        ],
    }
