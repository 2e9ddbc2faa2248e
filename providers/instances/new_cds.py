"""A new CDS instance: what speaks against it, making it, bringing it to the declared name and type, deleting it.

The long work of creating and removing is in `lifecycle`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from providers.api.power_platform.request import EnvironmentRequest
from providers.api.transport.errors import Conflict
from providers.catalogue.durations import seconds
from providers.instances import preflight
from providers.instances.capacity import lacking_capacity
from providers.instances.cds_model import CdsInputs, CdsOutputs, observed
from providers.instances.kinds import shape_problems
from providers.instances.lifecycle import EnvironmentLifecycle, change_type, rename, wait_for_access
from providers.instances.references import own_environment, same_domain
from providers.instances.removal import remove
from providers.protocol.base import Call, Problem
from providers.protocol.consent import missing_consent
from providers.protocol.findings import LOCATION_NOT_CHECKED, Finding
from providers.protocol.problems import NoConsent
from providers.protocol.waiting import Waiting

if TYPE_CHECKING:
    from providers.api.power_platform.interface import PowerPlatform
    from providers.api.power_platform.models import Environment
    from providers.api.session import Session


class Wanted(BaseModel):
    """What a new CDS instance is made from: display name, domain, kind, location, ISO currency code, LCID."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    name: str
    domain: str
    type: Literal["sandbox", "production"] = "sandbox"
    location: str
    currency: str
    language: int

    @classmethod
    def of(cls, inputs: CdsInputs) -> Wanted:
        """What checked inputs of a new instance say."""
        return cls.model_validate(inputs.model_dump(exclude_none=True))


class NewCds:
    """A CDS instance that the stack makes, and deletes with consent."""

    def problems(self, inputs: CdsInputs, old: CdsInputs | None) -> Iterator[Problem]:
        """Inputs that do not fit; and another domain means another environment: it needs consent."""
        yield from shape_problems(inputs, "new")
        if old and old.domain and inputs.domain and old.domain.casefold() != inputs.domain.casefold():
            yield from _domain_change(inputs, old.domain)
            if old.name == inputs.name:
                text = "display names are unique where F&O is installed: give the new environment a new name as well"
                yield Problem("name", text)

    def live_problems(self, inputs: CdsInputs, call: Call) -> Iterator[Problem]:
        """Ask the tenant whether the environment can be created; nothing to ask when it is made already."""
        service, wanted = call.session(inputs.cloud).power_platform, Wanted.of(inputs)
        try:
            own = own_environment(
                service.environments(), domain=wanted.domain, display_name=wanted.name, mark=call.mark
            )
        except Conflict as error:
            yield Problem("domain", str(error))
            return
        if own is None:
            yield from (Problem(path, text) for path, text in tenant_problems(wanted, service, call.announce))

    def change_problems(self, inputs: CdsInputs, old: CdsInputs, call: Call) -> Iterator[Problem]:
        """Whether an existing instance may become the stack's own: only one that it made. And a new domain or name."""
        if old.instance == "new":
            yield from self._changed(inputs, old, call)
            return
        environments = call.session(inputs.cloud).power_platform.environments()
        try:
            own_environment(environments, domain=inputs.domain or "", display_name="", mark=call.mark)
        except Conflict as error:
            yield Problem("domain", str(error))

    def _changed(self, inputs: CdsInputs, old: CdsInputs, call: Call) -> Iterator[Problem]:
        """A new domain or name of the stack's own instance."""
        if (old.domain or "").casefold() != (inputs.domain or "").casefold():
            # Another domain is another environment, which has to be created.
            yield from self.live_problems(inputs, call)
        elif old.name != inputs.name:
            yield from _renamed(inputs, old, call.session(inputs.cloud).power_platform.environments())

    def create(self, inputs: CdsInputs, call: Call) -> tuple[str, CdsOutputs]:
        """Find or create by domain, wait until the creator may use Dataverse."""
        session, waiting = call.session(inputs.cloud), Waiting(call, seconds(inputs.timeout))
        service, polls, wanted = session.power_platform, session.profile.polls, Wanted.of(inputs)
        macro_region = preflight.wants_macro_region(service.locations())
        request = to_request(wanted, call.mark, macro_region=macro_region)
        environment = EnvironmentLifecycle(
            service, request, mark=call.mark, interval=polls.environment, waiting=waiting
        ).ensure()
        wait_for_access(session.dataverse(environment.url).who_am_i, waiting, polls.dataverse)
        outputs = observed(adjusted(environment, wanted, session, waiting), session, inputs)
        verify_permanent(environment.id, (outputs.currency, outputs.language), wanted)
        if not macro_region and environment.location != inputs.location:
            call.warn(f"the service placed the environment in {environment.location}, not in {inputs.location}")
        return environment.id, outputs

    def update(self, identifier: str, stored: CdsOutputs, inputs: CdsInputs, call: Call) -> CdsOutputs:
        """Name and type in place; one that was only used before has to carry the stack's mark."""
        session, waiting = call.session(inputs.cloud), Waiting(call, seconds(inputs.timeout))
        environment, wanted = session.power_platform.environment(identifier), Wanted.of(inputs)
        if not stored.created_by_us:
            own_environment([environment], domain=wanted.domain, display_name=wanted.name, mark=call.mark)
        environment = adjusted(environment, wanted, session, waiting)
        kept = {"instance": "new", "timeout": inputs.timeout, "confirm": inputs.confirm, "finops": inputs.finops}
        outputs = observed(environment, session, stored.model_copy(update=kept))
        verify_permanent(environment.id, (outputs.currency, outputs.language), wanted)
        return outputs

    def delete(self, identifier: str, stored: CdsOutputs, call: Call) -> None:
        """Delete the environment that this stack created, once domain and mark are verified."""
        session = call.session(stored.cloud)
        remove(
            session.power_platform,
            identifier,
            domain=stored.domain,
            mark=call.mark,
            waiting=Waiting(call, seconds(stored.timeout)),
            interval=session.profile.polls.environment,
        )


def _renamed(inputs: CdsInputs, old: CdsInputs, environments: list[Environment]) -> Iterator[Problem]:
    """Another name for an environment that has F&O, where another environment has that name."""
    own = next((each for each in environments if same_domain(each, old.domain or "")), None)
    if own is None or own.finops is None:
        return
    taken = preflight.name_problem(inputs.name or "", environments, own.id)
    if taken:
        yield Problem("name", taken)


def _domain_change(inputs: CdsInputs, old: str) -> Iterator[Problem]:
    """Another environment in the place of the old one, whose end needs consent."""
    missing = missing_consent(inputs.confirm, "replace-environment", old, datetime.now(UTC).date())
    if missing:
        text = f"changing it from '{old}' to '{inputs.domain}' deletes the environment with its data; {missing}"
        yield NoConsent("domain", text)


def to_request(wanted: Wanted, mark: str, *, macro_region: bool) -> EnvironmentRequest:
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
    wanted: Wanted, service: PowerPlatform, announce: Callable[[str, Finding], None]
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
    short = lacking_capacity(service, "Database", "free capacity", announce)
    if short:
        yield "domain", f"the environment cannot be created: {short}"


def _location_problems(wanted: Wanted, service: PowerPlatform) -> Iterator[tuple[str, str]]:
    place = wanted.location
    templates = service.templates(place)
    checks = {
        "type": preflight.template_problem(templates, preflight.DYNAMICS_APPS_TEMPLATE, wanted.type, place),
        "currency": preflight.currency_problem(service.currencies(place), wanted.currency, place),
        "language": preflight.language_problem(service.languages(place), wanted.language, place),
        "domain": preflight.domain_problem(service.validate_domain(wanted.domain, place)),
    }
    yield from ((path, text) for path, text in checks.items() if text)


def adjusted(environment: Environment, wanted: Wanted, session: Session, waiting: Waiting) -> Environment:
    """The environment with the declared name and type; writes only what differs."""
    service, interval = session.power_platform, session.profile.polls.environment
    if environment.display_name != wanted.name:
        environment = rename(service, environment.id, wanted.name, waiting, interval)
    if environment.sku.lower() != wanted.type:
        environment = change_type(service, environment.id, preflight.SKUS[wanted.type], waiting, interval)
    return environment


def verify_permanent(environment_id: str, live: tuple[str, int], wanted: Wanted) -> None:
    """An environment of an earlier run may have another currency or language, which nobody can change: `Conflict`."""
    asked = {"currency": wanted.currency, "language": wanted.language}
    for (field, value), has in zip(asked.items(), live, strict=True):
        if has != value:
            raise Conflict(
                f"the environment {environment_id} of this stack has the {field} {has}, not {value}",
                next_step=f"Set the {field} of the stack to {has}, or choose another `domain`.",
            )
