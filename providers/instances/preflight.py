"""What speaks against a new environment, or against F&O on one (power-platform-api.md 14.4 and 21, rule 1). Pure.

Each function takes an answer of the service and returns one sentence, or None when there is
nothing to object to. The provider puts the sentences on the properties they speak of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from providers.api.transport.errors import ApiError
from providers.catalogue.limits import FINOPS_DOMAIN_LIMIT, FINOPS_NAME_LIMIT
from providers.protocol.addresses import host_of
from providers.protocol.words import all_names

if TYPE_CHECKING:
    from providers.api.power_platform.models import (
        Currency,
        Environment,
        Language,
        Location,
        Locations,
        Template,
        TenantCapacity,
    )

# The documented rule of thumb: 1 GB free of each kind per environment (section 13).
NEEDED_MB = 1024.0
# Dynamics 365 apps can be enabled only when an environment is created; this template does it (14.3).
DYNAMICS_APPS_TEMPLATE = "D365_DeveloperEdition"
# Finance and Supply Chain Management install the same applications; the template stands for the licence (14.3).
FINOPS_TEMPLATE = "D365_FinOps_Finance"
SKUS = {"sandbox": "Sandbox", "production": "Production"}
# With this schema the installation of F&O fails: an environment with Dynamics 365 apps has another one (14.6, 14.7).
_SCHEMA_WITHOUT_APPS = "standard"


def wants_macro_region(locations: Locations) -> bool:
    """Whether the tenant creates environments in macro regions instead of locations (7.5)."""
    return locations.provisioning_mode.casefold() == "macroregion"


def location_problem(locations: Locations, wanted: str) -> str | None:
    """Against the place: unknown, disabled, or without Dynamics 365 apps."""
    if wants_macro_region(locations):
        offered = [region.id for region in locations.macro_regions]
        return None if wanted in offered else f"is no macro region of this tenant; it offers {all_names(offered)}"
    for location in locations.locations:
        if location.name == wanted:
            return _unusable(location)
    usable = [each.name for each in locations.locations if not each.disabled]
    return f"is no location of this tenant; it offers {all_names(usable)}"


def _unusable(location: Location) -> str | None:
    name = location.display_name or location.name
    if location.disabled:
        return f"{name} is disabled for this tenant"
    if not (location.database and location.dynamics_apps):
        return f"{name} offers no Dataverse with Dynamics 365 apps"
    return None


def template_problem(templates: Iterable[Template], name: str, environment_type: str, location: str) -> str | None:
    """Against a template for one type of environment: not offered there, or disabled, with the service's reason."""
    sku = SKUS[environment_type].casefold()
    template = next((each for each in templates if (each.name, each.sku.casefold()) == (name, sku)), None)
    if template is None:
        return f"the template {name} is not offered for a {environment_type} environment in {location}"
    return _disabled(template, location) if template.disabled else None


def _disabled(template: Template, location: str) -> str:
    reason = template.disabled_message or "the service gives no reason"
    finding = ApiError(
        f"the template {template.name} is disabled in {location}: {reason}",
        code=template.disabled_code or "no code",
        correlation_id=template.correlation_id,
        next_step="Assign the licence it needs, or choose another type or location.",
    )
    return str(finding)


def capacity_problem(capacity: TenantCapacity, kind: str) -> str | None:
    """Against the tenant's free capacity of one kind; `kind` is `Database` or `FinOpsDatabase`.

    The code is the one with which a create call is refused then (section 17).
    """
    entry = capacity.of(kind)
    free = entry.free if entry else 0.0
    if free >= NEEDED_MB:
        return None
    finding = ApiError(
        f"the tenant has {max(free, 0.0):.0f} MB of {kind} capacity left, an environment needs {NEEDED_MB:.0f} MB",
        code="InsufficientCapacity_StorageDriven",
        correlation_id=capacity.correlation_id,
        next_step="Free some, or buy some; Power Platform admin centre > Licensing > Capacity shows what uses it.",
    )
    return str(finding)


def domain_problem(objection: str | None) -> str | None:
    """Against a domain that the service refuses; it gives one code for all three causes (11.2, 12.6)."""
    if not objection:
        return None
    return (
        f"{objection.rstrip('.')}. It is taken, malformed, or still reserved: that of a deleted environment is for up "
        "to 7 days. Choose another domain, or wait."
    )


def currency_problem(currencies: Iterable[Currency], wanted: str, location: str) -> str | None:
    """Against a base currency that the location does not offer."""
    offered = {currency.code for currency in currencies}
    return None if wanted in offered else f"{wanted} is not offered in {location}"


def language_problem(languages: Iterable[Language], wanted: int, location: str) -> str | None:
    """Against a base language (LCID) that the location does not offer."""
    offered = {language.lcid for language in languages}
    return None if wanted in offered else f"{wanted} is no base language that {location} offers"


def too_long(text: str, limit: int) -> str | None:
    """Against a name that is too long for F&O to be installed."""
    if len(text) <= limit:
        return None
    return f"'{text}' has {len(text)} characters; at most {limit} where F&O is installed on it"


def name_problem(name: str, environments: Iterable[Environment], own: str) -> str | None:
    """Against a display name that another environment has, where F&O is installed (14.4). `own`: id of the stack's."""
    others = (each for each in environments if each.id != own)
    holder = next((each for each in others if each.display_name.casefold() == name.casefold()), None)
    if holder is None:
        return None
    where = host_of(holder.url) or holder.id
    return f"'{name}' is the name of another environment ({where}), and one with F&O needs a name of its own"


def installation_problems(environment: Environment, environments: Iterable[Environment]) -> list[str]:
    """Against installing F&O on an environment that is there: link, kind, Dynamics 365 apps, names (14.1, 14.4).

    `environments`: all of the tenant.
    """
    if environment.finops and environment.linked_with_lcs:
        reason = (
            f"'{environment.display_name}' is linked with {environment.finops.url}, an environment of "
            "Lifecycle Services. Use that F&O as an existing one, or choose another CDS instance."
        )
        reasons = [reason]
    else:
        taken = name_problem(environment.display_name, environments, environment.id)
        reasons = [*_unfit_kind(environment), *_long_names(environment), *([taken] if taken else [])]
    return [f"F&O cannot be installed: {reason}" for reason in reasons]


def _unfit_kind(environment: Environment) -> Iterator[str]:
    if environment.sku not in SKUS.values():
        yield f"{environment.sku} environments cannot have it, only Sandbox and Production"
    if environment.schema_type.casefold() == _SCHEMA_WITHOUT_APPS:
        yield (
            f"'{environment.display_name}' was created without Dynamics 365 apps (its schema "
            f"type is {environment.schema_type}), and they cannot be enabled later. Choose another CDS instance."
        )


def _long_names(environment: Environment) -> list[str]:
    limits = ((environment.display_name, FINOPS_NAME_LIMIT), (environment.domain, FINOPS_DOMAIN_LIMIT))
    return [text for text in (too_long(name, limit) for name, limit in limits) if text]
