"""What the Dataverse Web API sends about the organization, its F&O side, solutions, users and teams."""

from pydantic import Field

from providers.api.transport.wire import Wire


class WhoAmI(Wire):
    """The caller as Dataverse knows it."""

    user_id: str = Field("", validation_alias="UserId")
    organization_id: str = Field("", validation_alias="OrganizationId")
    business_unit_id: str = Field("", validation_alias="BusinessUnitId")


class IntegrationDetails(Wire):
    """`RetrieveFinanceAndOperationsIntegrationDetails`: the F&O environment that Dataverse is linked to (14.8)."""

    known_by = "id"
    id: str = Field("", validation_alias="Id")
    url: str = Field("", validation_alias="Url")
    tenant_id: str = Field("", validation_alias="TenantId")
    unified: bool = Field(False, validation_alias="IsUnifiedDatabase")


class FinOpsApplication(Wire):
    """`msprov_getfinopsapplicationdetails`: version, state, `OnlineDev` (developer) or `Sandbox` (14.8)."""

    application_version: str | None = Field(None, validation_alias="applicationversion")
    platform_version: str = Field("", validation_alias="platformversion")
    state: str = Field("", validation_alias="finopsenvironmentstate")
    deployment_type: str = Field("", validation_alias="applicationdeploymenttype")
    environment_id: str = Field("", validation_alias="finopsenvironmentid")


class OperationHistory(Wire):
    """A row of `msprov_operationhistories`: what the Provisioning App did (14.8)."""

    id: str = Field("", validation_alias="msprov_operationhistoryid")
    name: str = Field("", validation_alias="msprov_name")
    description: str = Field("", validation_alias="msprov_description")
    correlation_id: str | None = Field(None, validation_alias="msprov_correlationid")
    started_on: str = Field("", validation_alias="msprov_startedon")


class Solution(Wire):
    """An installed Dataverse solution."""

    known_by = "unique_name"
    id: str = Field("", validation_alias="solutionid")
    unique_name: str = Field("", validation_alias="uniquename")
    friendly_name: str = Field("", validation_alias="friendlyname")
    version: str = ""
    managed: bool = Field(False, validation_alias="ismanaged")


class Organization(Wire):
    """The organization row: name, base language (LCID), base currency (ISO code)."""

    id: str = Field("", validation_alias="organizationid")
    name: str = ""
    language: int | None = Field(None, validation_alias="languagecode")
    currency_id: str = Field("", validation_alias="_basecurrencyid_value")
    currency: str = ""


class BusinessUnit(Wire):
    """A business unit; the root one has no parent."""

    known_by = "id"
    id: str = Field("", validation_alias="businessunitid")
    name: str = ""
    parent_id: str = Field("", validation_alias="_parentbusinessunitid_value")


class ApplicationUser(Wire):
    """A systemuser that stands for an Entra application."""

    known_by = "id"
    id: str = Field("", validation_alias="systemuserid")
    application_id: str = Field("", validation_alias="applicationid")
    name: str = Field("", validation_alias="fullname")
    disabled: bool = Field(False, validation_alias="isdisabled")
    business_unit_id: str = Field("", validation_alias="_businessunitid_value")


class Role(Wire):
    """A security role."""

    known_by = "id"
    id: str = Field("", validation_alias="roleid")
    name: str = ""
    business_unit_id: str = Field("", validation_alias="_businessunitid_value")


class Team(Wire):
    """A team; `default` marks the owner team of a business unit."""

    known_by = "id"
    id: str = Field("", validation_alias="teamid")
    name: str = ""
    default: bool = Field(False, validation_alias="isdefault")
    business_unit_id: str = Field("", validation_alias="_businessunitid_value")


class Attribute(Wire):
    """A column of a table."""

    logical_name: str = Field("", validation_alias="LogicalName")
    type: str = Field("", validation_alias="AttributeType")


class AlternateKey(Wire):
    """An alternate key of a table; usable when `status` is `Active`."""

    logical_name: str = Field("", validation_alias="LogicalName")
    columns: list[str] = Field(default_factory=list, validation_alias="KeyAttributes")
    status: str | None = Field(None, validation_alias="EntityKeyIndexStatus")


class ManyToOne(Wire):
    """A lookup of a table: its column, the table it refers to, and the name under which it is written."""

    column: str = Field("", validation_alias="ReferencingAttribute")
    refers_to: str = Field("", validation_alias="ReferencedEntity")
    navigation: str = Field("", validation_alias="ReferencingEntityNavigationPropertyName")


class EntityDefinition(Wire):
    """A table: set name for URLs, key column, columns, alternate keys, lookups, and whether ETags guard its updates."""

    known_by = "logical_name"
    logical_name: str = Field("", validation_alias="LogicalName")
    set_name: str = Field("", validation_alias="EntitySetName")
    primary_id: str = Field("", validation_alias="PrimaryIdAttribute")
    primary_name: str = Field("", validation_alias="PrimaryNameAttribute")
    attributes: list[Attribute] = Field(default_factory=list, validation_alias="Attributes")
    keys: list[AlternateKey] = Field(default_factory=list, validation_alias="Keys")
    lookups: list[ManyToOne] = Field(default_factory=list, validation_alias="ManyToOneRelationships")
    versioned: bool = Field(True, validation_alias="IsOptimisticConcurrencyEnabled")


class Company(Wire):
    """A row of `cdm_company`: an F&O company that the link has brought (dual-write-semantics.md 5.2).

    `team` is the id of its default owning team, which a plug-in makes (5.1); None while there is none.
    """

    known_by = "code"
    id: str = Field("", validation_alias="cdm_companyid")
    code: str = Field("", validation_alias="cdm_companycode")
    enabled: bool = Field(False, validation_alias="cdm_isenabledfordualwrite")
    name: str = Field("", validation_alias="cdm_name")
    team: str | None = Field(None, validation_alias="_cdm_defaultowningteam_value")
