"""Request bodies of BAP, strict: a member that is not listed in power-platform-api.md 7.1, 9, 10 is refused."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


# D365BAP sends "" for "the tenant's default language" (7.1).
OptionalLcid = Annotated[int | None, BeforeValidator(_empty_is_none)]


class StrictBody(BaseModel):
    """A JSON object without unknown members."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Reference(StrictBody):
    """`{"id": "..."}`; an empty id means none."""

    id: str


def without_read_only(body: Any, served: Mapping[str, Any], model: type[BaseModel]) -> Any:
    """Return the body without members that a PATCH does not know and that stand as the service shows them.

    Clients read a document, change one member and write the whole back; that the service takes it is assumed.
    """
    if not isinstance(body, Mapping):
        return body
    left = {}
    for name, value in body.items():
        known = model.model_fields.get(name)
        if known is not None:
            left[name] = _inside(value, served.get(name), known)
        elif name not in served or value != served[name]:
            left[name] = value
    return left


def _inside(value: Any, served: Any, field: FieldInfo) -> Any:
    """The same for the members of a member."""
    inner = _model_in(field.annotation)
    return without_read_only(value, served, inner) if inner and isinstance(served, Mapping) else value


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model of a member, which may be optional."""
    candidates = (annotation, *get_args(annotation))
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)), None)


def id_of(reference: Reference | None) -> str | None:
    """Return the id of a reference, None when there is none."""
    return reference.id if reference else None


class Currency(StrictBody):
    """A currency by its ISO code."""

    code: str


class Category(StrictBody):
    """Release ring."""

    category: Literal["Prod", "FirstRelease", "GovFR"]


class UsedBy(StrictBody):
    """Owner of a Developer environment."""

    id: str
    type: str
    tenantId: str  # noqa: N815 - wire name


class PostProvisioningPackage(StrictBody):
    """A package that is installed once the organization exists."""

    applicationUniqueName: str  # noqa: N815 - wire name
    parameters: str | None = None


class TemplateMetadata(StrictBody):
    """Note the capital P."""

    PostProvisioningPackages: list[PostProvisioningPackage] = Field(default_factory=list)


class LinkedEnvironment(StrictBody):
    """`linkedEnvironmentMetadata` of a create call, and the whole body of `provisionInstance`."""

    baseLanguage: OptionalLcid = None  # noqa: N815 - wire name
    currency: Currency | None = None
    domainName: str | None = None  # noqa: N815 - wire name
    securityGroupId: str | None = None  # noqa: N815 - wire name
    templates: list[str] | None = None
    templateMetadata: TemplateMetadata | None = None  # noqa: N815 - wire name


class Shared(StrictBody):
    """Members that create and PATCH have in common."""

    description: str | None = None
    billingPolicy: Reference | None = None  # noqa: N815 - wire name
    updateCadence: Reference | None = None  # noqa: N815 - wire name
    parentEnvironmentGroup: Reference | None = None  # noqa: N815 - wire name
    bingChatEnabled: bool | None = None  # noqa: N815 - wire name
    m365Enabled: bool | None = None  # noqa: N815 - wire name
    copilotPolicies: dict[str, Any] | None = None  # noqa: N815 - wire name

    def ai_settings(self) -> dict[str, object]:
        """Return the AI settings that the body holds."""
        names = ("bingChatEnabled", "m365Enabled", "copilotPolicies")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


class EnvironmentProperties(Shared):
    """`properties` of a create call."""

    displayName: str = Field(min_length=1)  # noqa: N815 - wire name
    environmentSku: str  # noqa: N815 - wire name
    azureRegion: str | None = None  # noqa: N815 - wire name
    databaseType: Literal["CommonDataService"] | None = None  # noqa: N815 - wire name
    cluster: Category | None = None
    usedBy: UsedBy | None = None  # noqa: N815 - wire name
    linkedEnvironmentMetadata: LinkedEnvironment | None = None  # noqa: N815 - wire name


class EnvironmentDefinition(StrictBody):
    """Body of a create call."""

    location: str | None = None
    macroRegion: str | None = None  # noqa: N815 - wire name
    properties: EnvironmentProperties


class LinkedEnvironmentChange(StrictBody):
    """What a PATCH may change of the Dataverse organization."""

    domainName: str | None = None  # noqa: N815 - wire name
    securityGroupId: str | None = None  # noqa: N815 - wire name
    backgroundOperationsState: Literal["Enabled", "Disabled"] | None = None  # noqa: N815 - wire name


class RuntimeState(StrictBody):
    """Admin mode."""

    id: Literal["Enabled", "AdminMode"]


class States(StrictBody):
    """`states` of a PATCH."""

    runtime: RuntimeState


class EnvironmentChanges(Shared):
    """`properties` of a PATCH (10.1)."""

    displayName: str | None = Field(default=None, min_length=1)  # noqa: N815 - wire name
    linkedEnvironmentMetadata: LinkedEnvironmentChange | None = None  # noqa: N815 - wire name
    states: States | None = None


class EnvironmentPatch(StrictBody):
    """Body of a PATCH."""

    properties: EnvironmentChanges


class SkuChange(StrictBody):
    """Body of `modifySku` (10.3)."""

    environmentSku: str  # noqa: N815 - wire name


class DeleteReason(StrictBody):
    """Body of a DELETE; it may be missing altogether (11.1)."""

    code: str | None = None
    message: str | None = None


class DomainCheck(StrictBody):
    """Body of `validateEnvironmentDetails` (12.6)."""

    domainName: str  # noqa: N815 - wire name
    environmentLocation: str | None = None  # noqa: N815 - wire name
    environmentName: str | None = None  # noqa: N815 - wire name


#: Names that the service's refusals use for the objects of a create call (7.1); others fall back to the member's name.
TYPE_NAMES: dict[tuple[str, ...], str] = {
    (): "EnvironmentDefinition",
    ("properties",): "EnvironmentProperties",
}
