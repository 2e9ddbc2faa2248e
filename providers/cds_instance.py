"""`CdsInstance`: one Power Platform environment with Dataverse and Dynamics 365 apps enabled.

API: BAP environments and lifecycle operations, Dataverse for what BAP does not echo
(power-platform-api.md 5 to 12). Natural key: the domain. Ownership: the mark
`dual-write <project>/<stack>` in the description; a found environment without it is never
touched. Replaces: the domain, with consent. Refused: location, currency, language. In place:
name (PATCH, read back) and type (modifySku). Not read back: the macro region of a tenant that
creates in macro regions. Takes some minutes; deletion too, and an environment with F&O cannot be recovered.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

import pulumi
from pydantic import Field

from providers import _preflight as preflight
from providers._base import Call, Inputs, ManagedResource, Outputs, Problem, Provider, ResourceError
from providers._consent import Consent, missing_consent
from providers._duration import Duration, seconds
from providers._environments import own_environment
from providers._marks import CaseBlind, NotCompared, Refused, Replaces
from providers._waiting import Waiting
from providers.api.correlation import heard, last_correlation_id
from providers.api.dataverse_models import Organization, Solution
from providers.api.errors import Conflict, NotFound, PermissionDenied
from providers.api.power_platform import PowerPlatform
from providers.api.power_platform_models import Environment, EnvironmentRequest
from providers.api.session import Session
from providers.environment_lifecycle import EnvironmentLifecycle, change_type, remove, rename, wait_for_access

# The seed's undefined "CRM prime" solution: one named marker stands for it (assumed).
PRIME_SOLUTION = "CRMPrime"
_PERMANENT = "it is fixed when the environment is created; a new `domain` makes another environment"


class CdsInputs(Inputs):
    """A new CDS instance in the words of the admin center."""

    cloud: Annotated[str, Refused("another cloud is another tenant: use a stack of its own")]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    domain: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$", min_length=2, max_length=32),
        Replaces(),
        CaseBlind(),
    ]
    type: Literal["sandbox", "production"] = "sandbox"
    location: Annotated[str, Refused(_PERMANENT)]
    currency: Annotated[str, Field(pattern=r"^[A-Za-z]{3}$"), CaseBlind(), Refused(_PERMANENT)]
    language: Annotated[int, Refused(_PERMANENT)]
    confirm: tuple[Consent, ...] = ()
    timeout: Annotated[Duration, NotCompared()] = "2h"


class CdsOutputs(Outputs):
    """What the service holds; `geography` is where it is by the service, `prime_solution` the marker's version."""

    cloud: str
    name: str
    domain: str
    type: str
    location: str
    currency: str
    language: int
    confirm: tuple[Consent, ...] = ()
    timeout: str = "2h"
    environment_id: str
    url: str
    api_url: str
    organization_id: str
    geography: str
    azure_region: str
    version: str
    prime_solution: str
    created_by_us: bool


def to_request(inputs: CdsInputs, mark: str, *, macro_region: bool) -> EnvironmentRequest:
    """The create call of these inputs; `location` goes where this tenant wants it (7.5)."""
    return EnvironmentRequest(
        display_name=inputs.name,
        domain=inputs.domain,
        sku=preflight.SKUS[inputs.type],
        location=None if macro_region else inputs.location,
        macro_region=inputs.location if macro_region else None,
        description=mark,
        currency=inputs.currency,
        language=inputs.language,
        templates=(preflight.DYNAMICS_APPS_TEMPLATE,),
    )


def from_api(
    held: Environment, organization: Organization, prime: Solution | None, *, known: CdsInputs | CdsOutputs
) -> CdsOutputs:
    """What the service holds. The location keeps the stack's word for as long as the geography stays the same."""
    moved = isinstance(known, CdsOutputs) and known.geography != held.location
    return CdsOutputs(
        cloud=known.cloud,
        name=held.display_name,
        domain=(held.domain or "").lower(),
        type=held.sku.lower(),
        location=held.location if moved else known.location,
        currency=organization.currency or known.currency,
        language=held.language or organization.language or known.language,
        confirm=known.confirm,
        timeout=known.timeout,
        environment_id=held.id,
        url=held.url or "",
        api_url=held.api_url or "",
        organization_id=held.organization_id or organization.id,
        geography=held.location,
        azure_region=held.azure_region or "",
        version=held.version or "",
        prime_solution=prime.version if prime else "not present",
        created_by_us=True,
    )


class CdsInstanceProvider(Provider[CdsInputs, CdsOutputs]):
    """Find or create by domain, rename, change the type, delete what this stack created."""

    resource = "CdsInstance"
    inputs = CdsInputs
    outputs = CdsOutputs

    def name_of(self, values: CdsInputs | CdsOutputs) -> str:
        """The domain, which is what people call the environment."""
        return values.domain

    def normalise(self, inputs: CdsInputs) -> CdsInputs:
        """Domain in lower case, currency in upper case, as the service reports them."""
        return inputs.model_copy(update={"domain": inputs.domain.lower(), "currency": inputs.currency.upper()})

    def problems(self, inputs: CdsInputs, old: CdsInputs | None) -> Iterable[Problem]:
        """Another domain means another environment: it needs consent."""
        if old is None or old.domain.casefold() == inputs.domain.casefold():
            return
        missing = missing_consent(inputs.confirm, "replace-environment", old.domain, datetime.now(UTC).date())
        if missing:
            text = (
                f"changing it from '{old.domain}' to '{inputs.domain}' deletes the environment with its data; {missing}"
            )
            yield Problem("domain", text)
        if old.name == inputs.name:
            text = "display names are unique where F&O is installed: give the new environment a new name as well"
            yield Problem("name", text)

    def live_problems(self, inputs: CdsInputs, call: Call) -> Iterator[Problem]:
        """Ask the tenant whether this environment can be created; nothing to ask when it is there already."""
        service = call.session(inputs.cloud).power_platform
        heard(None)
        try:
            held = own_environment(
                service.environments(), domain=inputs.domain, display_name=inputs.name, mark=call.mark
            )
        except Conflict as error:
            yield Problem("domain", str(error))
            return
        if held is None:
            yield from _tenant_problems(inputs, service, call)

    def on_create(self, inputs: CdsInputs, call: Call) -> tuple[str, CdsOutputs]:
        """Find or create by domain, wait until the creator may use Dataverse."""
        session, waiting = call.session(inputs.cloud), Waiting(call, seconds(inputs.timeout))
        service, polls = session.power_platform, session.profile.polls
        macro_region = preflight.wants_macro_region(service.locations())
        request = to_request(inputs, call.mark, macro_region=macro_region)
        held = EnvironmentLifecycle(
            service, request, mark=call.mark, interval=polls.environment, waiting=waiting
        ).ensure()
        wait_for_access(session.dataverse(held.url or "").who_am_i, waiting, polls.dataverse)
        held = _adjusted(held, inputs, session, waiting)
        outputs = _observed(held, session, inputs)
        _verify_permanent(outputs, inputs)
        if not macro_region and held.location != inputs.location:
            call.warn(f"the service placed the environment in {held.location}, not in {inputs.location}")
        return held.id, outputs

    def on_read(self, identifier: str, stored: CdsOutputs, call: Call) -> CdsOutputs | None:
        """The environment by id; gone only when the service says that it does not know the id."""
        session = call.session(stored.cloud)
        try:
            held = session.power_platform.environment(identifier)
        except NotFound:
            return None
        return _observed(held, session, stored)

    def on_update(self, identifier: str, stored: CdsOutputs, inputs: CdsInputs, call: Call) -> CdsOutputs:
        """Name and type in place."""
        session, waiting = call.session(inputs.cloud), Waiting(call, seconds(inputs.timeout))
        held = _adjusted(session.power_platform.environment(identifier), inputs, session, waiting)
        return _observed(
            held, session, stored.model_copy(update={"timeout": inputs.timeout, "confirm": inputs.confirm})
        )

    def on_delete(self, identifier: str, stored: CdsOutputs, call: Call) -> None:
        """Delete the environment that this stack created, once domain and mark are verified."""
        if not stored.created_by_us:
            call.announce("not created by this stack; left as it is")
            return
        _refuse_expired_consent(stored)
        session = call.session(stored.cloud)
        remove(
            session.power_platform,
            identifier,
            domain=stored.domain,
            mark=call.mark,
            waiting=Waiting(call, seconds(stored.timeout)),
            interval=session.profile.polls.environment,
        )


def _refuse_expired_consent(stored: CdsOutputs) -> None:
    """The engine's protection was lifted by a consent that may have ended since; then it counts as absent."""
    if any(entry.action == "delete-environment" for entry in stored.confirm):
        missing = missing_consent(stored.confirm, "delete-environment", stored.domain, datetime.now(UTC).date())
        if missing:
            raise ResourceError(
                f"the environment is not deleted: {missing}", next_step="Then run `up` before `destroy`."
            )


def _tenant_problems(inputs: CdsInputs, service: PowerPlatform, call: Call) -> Iterator[Problem]:
    """What the tenant has against an environment that does not exist yet."""
    locations = service.locations()
    misplaced = preflight.location_problem(locations, inputs.location)
    if misplaced:
        yield Problem("location", misplaced)
    elif preflight.wants_macro_region(locations):
        call.announce("not checked: templates, currency, language and domain, which are listed by location")
    else:
        yield from _location_problems(inputs, service)
    try:
        short = preflight.capacity_problem(service.tenant_capacity(), "Database", last_correlation_id())
    except PermissionDenied as error:
        call.announce(f"not checked: free capacity ({error.reason})")
        return
    if short:
        yield Problem("domain", f"the environment cannot be created: {short}")


def _location_problems(inputs: CdsInputs, service: PowerPlatform) -> Iterator[Problem]:
    place = inputs.location
    templates, answer = service.templates(place), last_correlation_id()
    checks = {
        "type": preflight.template_problem(templates, preflight.DYNAMICS_APPS_TEMPLATE, inputs.type, place, answer),
        "currency": preflight.currency_problem(service.currencies(place), inputs.currency, place),
        "language": preflight.language_problem(service.languages(place), inputs.language, place),
        "domain": preflight.domain_problem(service.validate_domain(inputs.domain, place)),
    }
    yield from (Problem(path, text) for path, text in checks.items() if text)


def _adjusted(held: Environment, inputs: CdsInputs, session: Session, waiting: Waiting) -> Environment:
    """The environment with the name and type of the inputs; writes only what differs."""
    service, interval = session.power_platform, session.profile.polls.environment
    if held.display_name != inputs.name:
        held = rename(service, held.id, inputs.name, waiting, interval)
    if held.sku.lower() != inputs.type:
        held = change_type(service, held.id, preflight.SKUS[inputs.type], waiting, interval)
    return held


def _observed(held: Environment, session: Session, known: CdsInputs | CdsOutputs) -> CdsOutputs:
    dataverse = session.dataverse(held.url or "")
    prime = dataverse.solutions([PRIME_SOLUTION]).get(PRIME_SOLUTION)
    return from_api(held, dataverse.organization(), prime, known=known)


def _verify_permanent(outputs: CdsOutputs, inputs: CdsInputs) -> None:
    """An environment of an earlier run may have been made with other values that nobody can change."""
    for field in ("currency", "language"):
        found, asked = getattr(outputs, field), getattr(inputs, field)
        if found != asked:
            raise Conflict(
                f"the environment {outputs.environment_id} of this stack has the {field} {found}, not {asked}",
                next_step=f"Set the {field} of the stack to {found}, or choose another `domain`.",
            )


class CdsInstance(ManagedResource, module="dualwrite", name="CdsInstance"):
    """A CDS instance of the stack: created when it is missing, deleted only with consent."""

    cloud: pulumi.Output[str]
    name: pulumi.Output[str]
    domain: pulumi.Output[str]
    type: pulumi.Output[str]
    location: pulumi.Output[str]
    currency: pulumi.Output[str]
    language: pulumi.Output[int]
    environment_id: pulumi.Output[str]
    url: pulumi.Output[str]
    api_url: pulumi.Output[str]
    organization_id: pulumi.Output[str]
    geography: pulumi.Output[str]
    azure_region: pulumi.Output[str]
    version: pulumi.Output[str]
    prime_solution: pulumi.Output[str]
    created_by_us: pulumi.Output[bool]

    def __init__(
        self,
        resource_name: str,
        *,
        cloud: pulumi.Input[str],
        name: pulumi.Input[str],
        domain: pulumi.Input[str],
        location: pulumi.Input[str],
        currency: pulumi.Input[str],
        language: pulumi.Input[int],
        type: pulumi.Input[str] | None = None,  # noqa: A002 - the admin center's word
        confirm: pulumi.Input[list[dict[str, str]]] | None = None,
        timeout: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        arguments = {
            "cloud": cloud,
            "name": name,
            "domain": domain,
            "type": type,
            "location": location,
            "currency": currency,
            "language": language,
            "confirm": confirm,
            "timeout": timeout,
        }
        super().__init__(CdsInstanceProvider(), resource_name, arguments, opts)
