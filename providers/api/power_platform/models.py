"""What the Power Platform services send and take: environments, operations, catalogues, capacity.

Answers carry unknown members and miss known ones (power-platform-api.md rule 21.12), so every member has a default.
"""

from pydantic import AliasPath, BaseModel, ConfigDict, Field

from providers.api.transport.wire import Answered, Wire


def _in_properties(*path: str) -> AliasPath:
    return AliasPath("properties", *path)


class Principal(Wire):
    """Who created or asked for something. `type` is `User` or `ServicePrincipal`."""

    id: str = ""
    display_name: str = Field("", validation_alias="displayName")
    type: str = ""
    user_principal_name: str = Field("", validation_alias="userPrincipalName")


class LinkedFinOps(Wire):
    """`linkedAppMetadata`: the F&O side as BAP sees it. `type` is `Internal` (unified) or `Linked` (LCS)."""

    id: str = ""
    type: str = ""
    url: str = ""


class Environment(Answered):
    """One environment (power-platform-api.md section 5). `domain`, `url` and the rest of Dataverse may come late."""

    known_by = "id"
    id: str = Field("", validation_alias="name")
    location: str = ""
    display_name: str = Field("", validation_alias=_in_properties("displayName"))
    description: str = Field("", validation_alias=_in_properties("description"))
    azure_region: str = Field("", validation_alias=_in_properties("azureRegion"))
    sku: str = Field("", validation_alias=_in_properties("environmentSku"))
    provisioning_state: str = Field("", validation_alias=_in_properties("provisioningState"))
    created_time: str = Field("", validation_alias=_in_properties("createdTime"))
    created_by: Principal | None = Field(None, validation_alias=_in_properties("createdBy"))
    tenant_id: str = Field("", validation_alias=_in_properties("tenantId"))
    organization_id: str = Field("", validation_alias=_in_properties("linkedEnvironmentMetadata", "resourceId"))
    domain: str = Field("", validation_alias=_in_properties("linkedEnvironmentMetadata", "domainName"))
    url: str = Field("", validation_alias=_in_properties("linkedEnvironmentMetadata", "instanceUrl"))
    language: int | None = Field(None, validation_alias=_in_properties("linkedEnvironmentMetadata", "baseLanguage"))
    api_url: str = Field("", validation_alias=_in_properties("linkedEnvironmentMetadata", "instanceApiUrl"))
    instance_state: str = Field("", validation_alias=_in_properties("linkedEnvironmentMetadata", "instanceState"))
    schema_type: str = Field("", validation_alias=_in_properties("linkedEnvironmentMetadata", "schemaType"))
    version: str = Field("", validation_alias=_in_properties("linkedEnvironmentMetadata", "version"))
    finops: LinkedFinOps | None = Field(None, validation_alias=_in_properties("linkedAppMetadata"))
    management_state: str = Field("", validation_alias=_in_properties("states", "management", "id"))
    runtime_state: str = Field("", validation_alias=_in_properties("states", "runtime", "id"))

    @property
    def state(self) -> str:
        """`Ready` when usable: the management state, or the instance state where that is `NotSpecified` (5.1)."""
        return self.instance_state if self.management_state in ("", "NotSpecified") else self.management_state

    @property
    def linked_with_lcs(self) -> bool:
        """Whether its F&O is an environment of Lifecycle Services, hence not installed on it."""
        return self.finops is not None and self.finops.type.casefold() == "linked"

    @property
    def dataverse_ready(self) -> bool:
        """Whether the Dataverse metadata has arrived; it may lag the create operation (8.4)."""
        return bool(self.url and self.domain)


class Stage(Wire):
    """One stage of a lifecycle operation: Validate, Prepare, Run, Finalize."""

    id: str = ""
    state: str = Field("", validation_alias=AliasPath("state", "id"))


class LifecycleOperation(Wire):
    """A lifecycle operation (section 8). Only `Succeeded` and `Failed` are terminal."""

    id: str = ""
    type: str = Field("", validation_alias=AliasPath("type", "id"))
    state: str = Field("Running", validation_alias=AliasPath("state", "id"))
    environment_path: str = Field("", validation_alias=AliasPath("links", "environment", "path"))
    stages: list[Stage] = Field([])
    created: str = Field("", validation_alias="createdDateTime")
    requested_by: Principal | None = Field(None, validation_alias="requestedBy")
    retry_after: float | None = None

    @property
    def environment_id(self) -> str | None:
        """Last segment of `links.environment.path`; None when no environment was made."""
        return self.environment_path.rstrip("/").rsplit("/", 1)[-1] or None

    @property
    def finished(self) -> bool:
        """Whether the operation is over."""
        return self.state in ("Succeeded", "Failed")

    @property
    def succeeded(self) -> bool:
        """Whether the operation is over and went well."""
        return self.state == "Succeeded"

    @property
    def stage(self) -> str:
        """The stage that runs or failed, for progress lines."""
        current = [stage for stage in self.stages if stage.state not in ("Succeeded", "NotStarted")]
        return current[-1].id if current else ""


class CreateStarted(BaseModel):
    """The answer to a create: the operation to poll (202), or the environment at once (200, 201); seconds to wait."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    operation_url: str | None = None
    environment_id: str | None = None
    retry_after: float | None = None


class OperationStarted(BaseModel):
    """The answer to an update or a delete: the operation to poll, or None when it was done at once (204)."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    operation_url: str | None = None
    retry_after: float | None = None


class Location(Wire):
    """A geography of the tenant (12.1)."""

    known_by = "name"
    name: str = ""
    display_name: str = Field("", validation_alias=_in_properties("displayName"))
    disabled: bool = Field(False, validation_alias=_in_properties("isDisabled"))
    database: bool = Field(True, validation_alias=_in_properties("canProvisionDatabase"))
    dynamics_apps: bool = Field(True, validation_alias=_in_properties("canProvisionCustomerEngagementDatabase"))
    azure_regions: list[str] = Field(default_factory=list, validation_alias=_in_properties("azureRegions"))


class MacroRegion(Wire):
    """A macro region; tenants in mode `macroRegion` create with these instead of locations (7.5)."""

    known_by = "id"
    id: str = Field("", validation_alias="macroRegionId")
    display_name: str = Field("", validation_alias="displayName")


class Locations(Wire):
    """All geographies, and whether this tenant wants a location or a macro region when creating."""

    locations: list[Location] = Field(validation_alias="value")
    provisioning_mode: str = Field("location", validation_alias="tenantProvisioningMode")
    macro_regions: list[MacroRegion] = Field(default_factory=list, validation_alias="macroRegions")


class Template(Answered):
    """An environment template for one SKU; `disabled_reason` is a code such as `DynamicsEntitlementMissing` (12.4)."""

    known_by = "name"
    name: str = ""
    sku: str = ""
    display_name: str = Field("", validation_alias=_in_properties("displayName"))
    disabled: bool = Field(False, validation_alias=_in_properties("isDisabled"))
    disabled_code: str | None = Field(None, validation_alias=_in_properties("disabledReason", "code"))
    disabled_message: str = Field("", validation_alias=_in_properties("disabledReason", "message"))


class Currency(Wire):
    """A currency that environments of a location can have."""

    known_by = "code"
    code: str = Field("", validation_alias=_in_properties("code"))
    symbol: str = Field("", validation_alias=_in_properties("symbol"))
    tenant_default: bool = Field(False, validation_alias=_in_properties("isTenantDefault"))


class Language(Wire):
    """A base language (LCID) that environments of a location can have."""

    known_by = "lcid"
    lcid: int = Field(0, validation_alias=_in_properties("localeId"))
    name: str = Field("", validation_alias=_in_properties("localizedName"))


class Capacity(Wire):
    """One kind of tenant capacity, in MB (section 13)."""

    type: str = Field("", validation_alias="capacityType")
    total: float = Field(0.0, validation_alias="totalCapacity")
    actual: float = Field(0.0, validation_alias=AliasPath("consumption", "actual"))
    rated: float = Field(0.0, validation_alias=AliasPath("consumption", "rated"))

    @property
    def free(self) -> float:
        """What is left, in MB. By which of its two counts the service refuses is not known: the larger one."""
        return self.total - max(self.actual, self.rated)


class TenantCapacity(Answered):
    """The capacities of the tenant by type: `Database`, `FinOpsDatabase`, `File`, ..."""

    capacities: list[Capacity] = Field(validation_alias="tenantCapacities")

    def of(self, capacity_type: str) -> Capacity | None:
        """The capacity of one type; None when the tenant reports none of it."""
        return next((each for each in self.capacities if each.type == capacity_type), None)


class FinOpsProperties(Wire):
    """PPAPI `finopsproperties` (15.4). `deployment_type` such as `UnifiedDeveloper`, `UnifiedSandbox`."""

    app_id: str = Field("", validation_alias="appId")
    demo_dataset: str = Field("", validation_alias="demoDataset")
    deployment_type: str = Field("", validation_alias="deploymentType")


class OperationError(Wire):
    """Why an F&O operation failed: PPAPI `operationerrors` (15.4)."""

    correlation_id: str | None = Field(None, validation_alias="correlationId")
    code: str | None = Field(None, validation_alias="errorCode")
    message: str = Field("", validation_alias="errorMessage")
    action: str = Field("", validation_alias="failedActionName")
    failed_at: str = Field("", validation_alias="failedAt")
    operation_type: str = Field("", validation_alias="operationType")
