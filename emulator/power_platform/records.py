"""What the tenant remembers about environments, lifecycle operations and package installations.

Documents in the store: `power_platform.environment` (live), `.deleted_environment` (soft-deleted), `.operation`
(lifecycle), `.package_operation`, `.reserved_domain`, `.finops_error`, `.finops_history`, `.lifecycle_finops` (F&O of
Lifecycle Services, by host). Times are virtual.
"""

from datetime import datetime
from typing import Literal, TypeVar

from pydantic import BaseModel, Field

from emulator.identity.directory import Directory
from emulator.tenant import Tenant

ENVIRONMENT = "power_platform.environment"
DELETED = "power_platform.deleted_environment"
OPERATION = "power_platform.operation"
PACKAGE_OPERATION = "power_platform.package_operation"
RESERVED_DOMAIN = "power_platform.reserved_domain"
FINOPS_ERROR = "power_platform.finops_error"
FINOPS_HISTORY = "power_platform.finops_history"
LIFECYCLE_FINOPS = "power_platform.lifecycle_finops"

FinOpsState = Literal["InstallRequested", "Installing", "Installed", "InstallFailed", "Updating"]


class Principal(BaseModel):
    """Who asked for something: a person or an application."""

    id: str
    display_name: str
    type: Literal["User", "ServicePrincipal"]
    tenant_id: str
    user_principal_name: str | None = None

    def app_id(self, directory: Directory) -> str | None:
        """Return the application id, None for a person; an application that is not in the directory goes by its id."""
        if self.type == "User":
            return None
        wanted = self.id.lower()
        known = (one.app_id for one in directory.applications() if wanted in {one.app_id, one.object_id})
        return next(known, wanted)


class Database(BaseModel):
    """The Dataverse organization of an environment; `ready` once its operation has succeeded."""

    resource_id: str
    unique_name: str
    domain: str
    host: str
    base_language: int
    currency: str
    schema_type: str
    dynamics_365_apps: bool
    created: datetime
    templates: list[str] = Field(default_factory=list)
    security_group_id: str | None = None
    background_operations: str = "Enabled"
    ready: bool = False
    visible_from: datetime | None = None
    hidden_reads: int = 0


class FinOps(BaseModel):
    """The F&O side. `host` answers once `reachable`; BAP shows the link from `linked_from` on."""

    id: str
    state: FinOpsState
    host: str
    version: str
    developer_tools: bool
    demo_data: bool
    type: Literal["Internal", "Linked"] = "Internal"
    requested_by: Principal | None = None
    reachable: bool = False
    linked_from: datetime | None = None


class LifecycleFinOps(BaseModel):
    """An F&O that was made in Lifecycle Services; it stands by itself until a person integrates it.

    `link_with`: domain of the Dataverse environment that the attendant links it with. `environment_id`: the environment
    that it is integrated with.
    """

    id: str
    name: str
    host: str
    version: str
    location: str
    link_with: str | None = None
    environment_id: str | None = None


class InstalledPackage(BaseModel):
    """State of one application package in one environment (InstancePackageState, 14.7)."""

    state: str
    version: str
    instance_package_id: str
    operation_id: str | None = None
    error: str | None = None


class Environment(BaseModel):
    """One environment of the tenant; what BAP shows of it is made in `documents`."""

    id: str
    display_name: str
    location: str
    azure_region: str
    sku: str
    created: datetime
    modified: datetime
    created_by: Principal
    description: str | None = None
    provisioning_state: str = "Succeeded"
    management_state: str = "Ready"
    runtime_state: str = "Enabled"
    update_cadence: str = "Frequent"
    protection_level: str = "Basic"
    billing_policy: str | None = None
    environment_group: str | None = None
    cluster_category: str = "Prod"
    used_by: dict[str, str] | None = None
    settings: dict[str, object] = Field(default_factory=dict)
    visible_from: datetime | None = None
    usable_from: datetime | None = None
    database: Database | None = None
    finops: FinOps | None = None
    finops_parameters: str | None = None
    packages: dict[str, InstalledPackage] = Field(default_factory=dict)
    deleted: datetime | None = None


class Operation(BaseModel):
    """A lifecycle operation (8.1). `duration` in virtual seconds; `changes` is what it will have done."""

    id: str
    type: str
    environment_id: str
    location: str
    created: datetime
    duration: float
    requested_by: Principal
    state: Literal["Running", "Succeeded", "Failed"] = "Running"
    ended: datetime | None = None
    environment_gone: bool = False
    provisions_instance: bool = False
    changes: dict[str, object] = Field(default_factory=dict)


class PackageOperation(BaseModel):
    """An installation of an application package (14.7)."""

    id: str
    environment_id: str
    unique_name: str
    created: datetime
    modified: datetime
    requested_by: Principal
    payload: str | None = None
    status: Literal["NotStarted", "Running", "Succeeded", "Failed", "Canceled"] = "Running"
    error_code: str = ""
    error_message: str = ""


class FinOpsHistory(BaseModel):
    """One thing that was asked of F&O (14.8)."""

    id: str
    correlation_id: str
    started_on: str
    user_id: str
    payload: str


Record = TypeVar("Record", bound=BaseModel)


def load(tenant: Tenant, kind: str, key: str, model: type[Record]) -> Record | None:
    """Return the record under `key`, or None."""
    document = tenant.store.get(kind, key)
    return None if document is None else model.model_validate(document)


def save(tenant: Tenant, kind: str, key: str, record: BaseModel) -> None:
    """Write the record under `key`."""
    tenant.store.put(kind, key, record.model_dump(mode="json"))


def environments(tenant: Tenant) -> list[Environment]:
    """Return all live environments, oldest first."""
    found = [Environment.model_validate(document) for _, document in tenant.store.items(ENVIRONMENT)]
    return sorted(found, key=lambda one: (one.created, one.id))


def deleted_environments(tenant: Tenant) -> list[Environment]:
    """Return the soft-deleted environments, oldest first."""
    found = [Environment.model_validate(document) for _, document in tenant.store.items(DELETED)]
    return sorted(found, key=lambda one: (one.created, one.id))


def find_environment(tenant: Tenant, environment_id: str) -> Environment | None:
    """Return the live environment with this id, whatever its case."""
    return load(tenant, ENVIRONMENT, environment_id.lower(), Environment)


def put_environment(tenant: Tenant, environment: Environment) -> None:
    """Write a live environment."""
    save(tenant, ENVIRONMENT, environment.id, environment)


def environment_with_host(tenant: Tenant, host: str) -> Environment | None:
    """Return the live environment whose Dataverse or F&O host this is."""
    row = tenant.store.execute(
        "SELECT key FROM documents WHERE kind = ?1"
        " AND ?2 IN (json_extract(value, '$.database.host'), json_extract(value, '$.finops.host'))",
        (ENVIRONMENT, host.lower()),
    ).fetchone()
    return find_environment(tenant, row[0]) if row else None
