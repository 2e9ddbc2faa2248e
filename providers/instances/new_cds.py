"""A new CDS instance: its create call, what the tenant says against it, and bringing it to the declared name and type.

The long work of creating and removing is in `environment_lifecycle`. No pulumi.
"""

from collections.abc import Callable, Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

from providers.api.power_platform.interface import PowerPlatform
from providers.api.power_platform.models import Environment, EnvironmentRequest
from providers.api.session import Session
from providers.api.transport.errors import Conflict, PermissionDenied
from providers.instances import preflight
from providers.instances.lifecycle import change_type, rename
from providers.protocol.findings import CAPACITY_NOT_CHECKED, LOCATION_NOT_CHECKED, Finding
from providers.protocol.waiting import Waiting


class NewCds(BaseModel):
    """What a new CDS instance is made from: display name, domain, kind, location, ISO currency code, LCID."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    domain: str
    type: Literal["sandbox", "production"] = "sandbox"
    location: str
    currency: str
    language: int


def to_request(wanted: NewCds, mark: str, *, macro_region: bool) -> EnvironmentRequest:
    """The create call; `location` goes where this tenant wants it (power-platform-api.md 7.5)."""
    return EnvironmentRequest(
        display_name=wanted.name,
        domain=wanted.domain,
        sku=preflight.SKUS[wanted.type],
        location=None if macro_region else wanted.location,
        macro_region=wanted.location if macro_region else None,
        description=mark,
        currency=wanted.currency,
        language=wanted.language,
        templates=(preflight.DYNAMICS_APPS_TEMPLATE,),
    )


def tenant_problems(
    wanted: NewCds, service: PowerPlatform, announce: Callable[[str, Finding], None]
) -> Iterator[tuple[str, str]]:
    """What the tenant has against an environment that does not exist yet: input and sentence."""
    locations = service.locations()
    misplaced = preflight.location_problem(locations, wanted.location)
    if misplaced:
        yield "location", misplaced
    elif preflight.wants_macro_region(locations):
        announce(
            "not checked: templates, currency, language and domain, which are listed by location", LOCATION_NOT_CHECKED
        )
    else:
        yield from _location_problems(wanted, service)
    try:
        short = preflight.capacity_problem(service.tenant_capacity(), "Database")
    except PermissionDenied as error:
        announce(f"not checked: free capacity ({error.reason})", CAPACITY_NOT_CHECKED)
        return
    if short:
        yield "domain", f"the environment cannot be created: {short}"


def _location_problems(wanted: NewCds, service: PowerPlatform) -> Iterator[tuple[str, str]]:
    place = wanted.location
    templates = service.templates(place)
    checks = {
        "type": preflight.template_problem(templates, preflight.DYNAMICS_APPS_TEMPLATE, wanted.type, place),
        "currency": preflight.currency_problem(service.currencies(place), wanted.currency, place),
        "language": preflight.language_problem(service.languages(place), wanted.language, place),
        "domain": preflight.domain_problem(service.validate_domain(wanted.domain, place)),
    }
    yield from ((path, text) for path, text in checks.items() if text)


def adjusted(held: Environment, wanted: NewCds, session: Session, waiting: Waiting) -> Environment:
    """The environment with the declared name and type; writes only what differs."""
    service, interval = session.power_platform, session.profile.polls.environment
    if held.display_name != wanted.name:
        held = rename(service, held.id, wanted.name, waiting, interval)
    if held.sku.lower() != wanted.type:
        held = change_type(service, held.id, preflight.SKUS[wanted.type], waiting, interval)
    return held


def verify_permanent(environment_id: str, held: tuple[str, int], wanted: NewCds) -> None:
    """An environment of an earlier run may have another currency or language, which nobody can change: `Conflict`."""
    asked = {"currency": wanted.currency, "language": wanted.language}
    for (field, value), found in zip(asked.items(), held, strict=True):
        if found != value:
            raise Conflict(
                f"the environment {environment_id} of this stack has the {field} {found}, not {value}",
                next_step=f"Set the {field} of the stack to {found}, or choose another `domain`.",
            )
