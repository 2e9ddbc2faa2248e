"""What a create of an environment takes (power-platform-api.md 7)."""

from pydantic import BaseModel, ConfigDict


class EnvironmentRequest(BaseModel):
    """A new environment with Dataverse (section 7). Exactly one of `location` and `macro_region`.

    `sku` is `Sandbox` or `Production`; `templates` such as `D365_DeveloperEdition` (Dynamics 365 apps enabled).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    display_name: str
    domain: str
    sku: str = "Sandbox"
    location: str | None = None
    macro_region: str | None = None
    azure_region: str | None = None
    description: str = ""
    currency: str
    language: int
    templates: tuple[str, ...] = ()
    security_group_id: str | None = None
