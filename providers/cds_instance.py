"""`CdsInstance`: one Power Platform environment with Dataverse: made for the stack, or an existing one.

API: BAP environments and lifecycle operations, Dataverse for what BAP does not echo
(power-platform-api.md 5 to 12). Natural key: the domain, or the URL or id of an existing one.
New: owned by the mark `dual-write <project>/<stack>` in the description; a found environment
without it is never touched. Replaces: the domain, with consent. Refused: location, currency,
language. In place: name (PATCH, read back) and type (modifySku). Not read back: the macro region
of a tenant that creates in macro regions. Takes some minutes; deletion too, and an environment
with F&O cannot be recovered.
Existing: verified before it is adopted, then only read: nothing is written, renamed or deleted, and
what people change in it is no drift. Another URL or id replaces the resource, which deletes nothing.
From new to existing keeps the environment that the stack made and gives it up. From existing to new
takes one back that carries the stack's mark, and makes another under another domain; no other environment
becomes the stack's.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pulumi

from providers.api.power_platform.models import Environment
from providers.api.session import Session
from providers.api.transport.errors import Conflict, NotFound
from providers.catalogue.durations import seconds
from providers.instances import preflight
from providers.instances.cds_model import OF_EXISTING, OF_NEW, CdsInputs, CdsOutputs, from_api, shape_problems
from providers.instances.existing_cds import survey
from providers.instances.lifecycle import EnvironmentLifecycle, remove, wait_for_access
from providers.instances.new_cds import NewCds, adjusted, tenant_problems, to_request, verify_permanent
from providers.instances.references import bare_address, own_environment, resolve, same_domain, same_host, short_name
from providers.protocol.base import Call, ManagedResource, Problem, Provider, ResourceError
from providers.protocol.consent import missing_consent
from providers.protocol.findings import CDS_NOT_CHECKED
from providers.protocol.problems import NoConsent
from providers.protocol.waiting import Waiting

# The seed's undefined "CRM prime" solution: one named marker stands for it (assumed).
PRIME_SOLUTION = "CRMPrime"


class CdsInstanceProvider(Provider[CdsInputs, CdsOutputs]):
    """New: find or create by domain, rename, change the type, delete. Existing: find, verify, read."""

    resource = "CdsInstance"
    inputs = CdsInputs
    outputs = CdsOutputs

    def name_of(self, values: CdsInputs | CdsOutputs) -> str:
        """The domain, which is what people call the environment."""
        return values.domain or short_name(values.reference or "")

    def normalise(self, inputs: CdsInputs) -> CdsInputs:
        """Domain and addresses in lower case, currency in upper case, as the service reports them."""
        changes = {
            "domain": inputs.domain and inputs.domain.lower(),
            "currency": inputs.currency and inputs.currency.upper(),
            "type": inputs.type or ("sandbox" if inputs.instance == "new" else None),
            "url": inputs.url and bare_address(inputs.url),
            "finops": inputs.finops and bare_address(inputs.finops),
        }
        return inputs.model_copy(update=changes)

    def same(self, name: str, held: Any, wanted: Any) -> bool | None:
        """What a stack does not declare of an instance is only reported; an address is its host."""
        if wanted is None and name in (*OF_NEW, *OF_EXISTING):
            return True
        return same_host(held, wanted) if name == "url" else None

    def managed(self, held: CdsOutputs) -> Collection[str]:
        """Of an existing one only the word by which it was found, of a new one everything but that."""
        if held.instance == "new":
            return CdsInputs.model_fields.keys() - set(OF_EXISTING)
        word = "url" if "://" in (held.reference or "") else "environment_id"
        return CdsInputs.model_fields.keys() - {*OF_NEW, *OF_EXISTING} | {word}

    def problems(self, inputs: CdsInputs, old: CdsInputs | None) -> Iterable[Problem]:
        """Inputs of the other kind of instance; and another domain means another environment: it needs consent."""
        yield from shape_problems(inputs)
        if old is None or not (old.domain and inputs.domain) or old.domain.casefold() == inputs.domain.casefold():
            return
        missing = missing_consent(inputs.confirm, "replace-environment", old.domain, datetime.now(UTC).date())
        if missing:
            text = (
                f"changing it from '{old.domain}' to '{inputs.domain}' deletes the environment with its data; {missing}"
            )
            yield NoConsent("domain", text)
        if old.name == inputs.name:
            text = "display names are unique where F&O is installed: give the new environment a new name as well"
            yield Problem("name", text)

    def live_problems(self, inputs: CdsInputs, call: Call) -> Iterator[Problem]:
        """Ask the tenant whether the environment can be created, or used; nothing to ask when it is made already."""
        if inputs.instance == "existing":
            yield from _existing_problems(inputs, call)
            return
        service = call.session(inputs.cloud).power_platform
        wanted = _new(inputs)
        try:
            held = own_environment(
                service.environments(), domain=wanted.domain, display_name=wanted.name, mark=call.mark
            )
        except Conflict as error:
            yield Problem("domain", str(error))
            return
        if held is None:
            yield from (Problem(path, text) for path, text in tenant_problems(wanted, service, call.announce))

    def live_change_problems(self, inputs: CdsInputs, old: CdsInputs, call: Call) -> Iterator[Problem]:
        """Whether the environment may change hands between the stack and its people, or be called by its address."""
        if inputs.instance == old.instance and not (old.environment_id and inputs.url):
            return
        environments = call.session(inputs.cloud).power_platform.environments()
        if inputs.instance == old.instance:
            yield from _readdressed(environments, inputs, old)
            return
        if inputs.instance == "new":
            try:
                own_environment(environments, domain=inputs.domain or "", display_name="", mark=call.mark)
            except Conflict as error:
                yield Problem("domain", str(error))
            return
        try:
            held = resolve(environments, inputs.reference)
        except (NotFound, Conflict) as error:
            yield Problem(_word(inputs), str(error))
            return
        if not same_domain(held, old.domain or ""):
            yield Problem(_word(inputs), _another(held, old))

    def on_create(self, inputs: CdsInputs, call: Call) -> tuple[str, CdsOutputs]:
        """New: find or create by domain, wait until the creator may use Dataverse. Existing: verify and read."""
        if inputs.instance == "existing":
            return _adopted(inputs, call)
        session, waiting = call.session(inputs.cloud), Waiting(call, seconds(inputs.timeout))
        service, polls = session.power_platform, session.profile.polls
        wanted = _new(inputs)
        macro_region = preflight.wants_macro_region(service.locations())
        request = to_request(wanted, call.mark, macro_region=macro_region)
        held = EnvironmentLifecycle(
            service, request, mark=call.mark, interval=polls.environment, waiting=waiting
        ).ensure()
        wait_for_access(session.dataverse(held.url or "").who_am_i, waiting, polls.dataverse)
        outputs = _observed(adjusted(held, wanted, session, waiting), session, inputs)
        verify_permanent(held.id, (outputs.currency, outputs.language), wanted)
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
        """New: name and type in place. Existing: nothing but reading; one that the stack made is given up."""
        session, waiting = call.session(inputs.cloud), Waiting(call, seconds(inputs.timeout))
        held = session.power_platform.environment(identifier)
        if inputs.instance == "existing":
            if stored.created_by_us:
                call.announce("from now on an existing instance: this stack neither changes nor deletes it any more")
            return _observed(held, session, inputs)
        wanted = _new(inputs)
        if not stored.created_by_us:
            own_environment([held], domain=wanted.domain, display_name=wanted.name, mark=call.mark)
        held = adjusted(held, wanted, session, waiting)
        kept = {"instance": "new", "timeout": inputs.timeout, "confirm": inputs.confirm, "finops": inputs.finops}
        outputs = _observed(held, session, stored.model_copy(update=kept))
        verify_permanent(held.id, (outputs.currency, outputs.language), wanted)
        return outputs

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


def _existing_problems(inputs: CdsInputs, call: Call) -> Iterator[Problem]:
    seen = survey(call.session(inputs.cloud), inputs.reference, inputs.finops)
    for what in seen.not_checked:
        call.announce(f"not checked: {what}", CDS_NOT_CHECKED)
    yield from (Problem(_word(inputs), text) for text in seen.against)


def _adopted(inputs: CdsInputs, call: Call) -> tuple[str, CdsOutputs]:
    session = call.session(inputs.cloud)
    seen = survey(session, inputs.reference, inputs.finops)
    if seen.environment is None or seen.against:
        first, *more = seen.against
        raise ResourceError(first, next_step=" ".join(f"Also: {text}" for text in more))
    return seen.environment.id, _observed(seen.environment, session, inputs)


def _word(inputs: CdsInputs) -> str:
    return "url" if inputs.url else "environment_id"


def _readdressed(environments: Iterable[Environment], inputs: CdsInputs, old: CdsInputs) -> Iterator[Problem]:
    """Nothing offline tells the address of an id, so every resource would be made anew, and every map be stopped."""
    try:
        held = resolve(environments, inputs.reference)
    except (NotFound, Conflict):
        return
    if held.id.casefold() == (old.environment_id or "").casefold():
        text = "is the environment that this stack knows by its id, and would make everything on it anew: keep the id"
        yield Problem("url", text)


def _another(held: Environment, old: CdsInputs) -> str:
    return (
        f"'{held.domain}' is another environment than '{old.domain}', which this stack made and would delete. "
        f"Name '{old.domain}' itself, or use a stack of its own for the other one."
    )


def _new(inputs: CdsInputs) -> NewCds:
    return NewCds.model_validate(inputs.model_dump(exclude_none=True))


def _refuse_expired_consent(stored: CdsOutputs) -> None:
    """The engine's protection was lifted by a consent that may have ended since; then it counts as absent."""
    if any(entry.action == "delete-environment" for entry in stored.confirm):
        missing = missing_consent(stored.confirm, "delete-environment", stored.domain, datetime.now(UTC).date())
        if missing:
            raise ResourceError(
                f"the environment is not deleted: {missing}", next_step="Then run `up` before `destroy`."
            )


def _observed(held: Environment, session: Session, known: CdsInputs | CdsOutputs) -> CdsOutputs:
    dataverse = session.dataverse(held.url or "")
    prime = dataverse.solutions([PRIME_SOLUTION]).get(PRIME_SOLUTION)
    return from_api(held, dataverse.organization(), prime, known=known)


class CdsInstance(ManagedResource, module="dualwrite", name="CdsInstance"):
    """A CDS instance: created when it is missing and deleted only with consent; an existing one is only read."""

    cloud: pulumi.Output[str]
    instance: pulumi.Output[str]
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
        instance: pulumi.Input[str] | None = None,
        name: pulumi.Input[str] | None = None,
        domain: pulumi.Input[str] | None = None,
        type: pulumi.Input[str] | None = None,  # noqa: A002 - the admin center's word
        location: pulumi.Input[str] | None = None,
        currency: pulumi.Input[str] | None = None,
        language: pulumi.Input[int] | None = None,
        url: pulumi.Input[str] | None = None,
        environment_id: pulumi.Input[str] | None = None,
        finops: pulumi.Input[str] | None = None,
        confirm: pulumi.Input[list[dict[str, str]]] | None = None,
        timeout: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        arguments = {
            "cloud": cloud,
            "instance": instance,
            "name": name,
            "domain": domain,
            "type": type,
            "location": location,
            "currency": currency,
            "language": language,
            "url": url,
            "environment_id": environment_id,
            "finops": finops,
            "confirm": confirm,
            "timeout": timeout,
        }
        super().__init__(CdsInstanceProvider(), resource_name, arguments, opts)
