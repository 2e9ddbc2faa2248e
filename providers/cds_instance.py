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
from typing import Unpack

import pulumi

from providers.instances import deletion
from providers.instances.cds_model import CdsArguments, CdsInputs, CdsOutputs, observed
from providers.instances.existing_cds import ExistingCds
from providers.instances.new_cds import NewCds
from providers.instances.presence import environment_or_gone
from providers.instances.references import KnownNames
from providers.protocol.addresses import bare_address, short_name
from providers.protocol.base import Call, ManagedResource, Problem, Provider
from providers.protocol.findings import CONSENT_IDLE, DOWNGRADE

# Microsoft Learn, "Change the environment type" of finance and operations apps: not recommended for linked ones.
_TO_SANDBOX = (
    "becomes a sandbox: backups are kept for a shorter time, and it can be reset and overwritten by a copy. F&O does "
    "not follow, and Microsoft does not recommend the step for a pair"
)


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

    def managed(self, live: CdsOutputs) -> Collection[str]:
        """Of an existing one only the word by which it was found, of a new one everything but that."""
        of_new, of_existing = (set(self.inputs_for(kind)) for kind in ("new", "existing"))
        if live.instance == "new":
            return CdsInputs.model_fields.keys() - of_existing
        word = "url" if "://" in (live.reference or "") else "environment_id"
        return CdsInputs.model_fields.keys() - of_new - of_existing | {word}

    def problems(self, inputs: CdsInputs, old: CdsInputs | None) -> Iterable[Problem]:
        """Inputs that do not fit the kind of instance, and changes that need consent."""
        return _instance(inputs.instance).problems(inputs, old)

    def live_problems(self, inputs: CdsInputs, call: Call) -> Iterator[Problem]:
        """Ask the tenant whether the environment can be created, or used."""
        return _instance(inputs.instance).live_problems(inputs, call)

    def live_change_problems(self, inputs: CdsInputs, old: CdsInputs, call: Call) -> Iterator[Problem]:
        """Whether the environment may change hands between the stack and its people, or be called by its address."""
        return _instance(inputs.instance).change_problems(inputs, old, call)

    def noted(self, inputs: CdsInputs, old: CdsInputs | None, call: Call) -> None:
        """What this run declares, for its deletions; and consents that serve nothing."""
        deletion.declared.put(call.row.urn, inputs)
        for text in deletion.idle_consents(inputs, old):
            call.announce(text, CONSENT_IDLE)
        if old and (old.type, inputs.type) == ("production", "sandbox"):
            call.warn(_TO_SANDBOX, DOWNGRADE)

    def require_deletable(self, identifier: str, stored: CdsOutputs, call: Call) -> None:
        """An environment of the stack needs consent, whatever the engine's protection says."""
        if stored.created_by_us and not _declared_anew(stored):
            deletion.require_consent(stored.domain, stored.confirm)

    def on_create(self, inputs: CdsInputs, call: Call) -> tuple[str, CdsOutputs]:
        """New: find or create by domain, wait until the creator may use Dataverse. Existing: verify and read."""
        return _instance(inputs.instance).create(inputs, call)

    def on_read(self, identifier: str, stored: CdsOutputs, call: Call) -> CdsOutputs | None:
        """The environment by id; gone only when the service says so twice."""
        session = call.session(stored.cloud)
        environment = environment_or_gone(session.power_platform, identifier)
        return observed(environment, session, stored) if environment else None

    def on_update(self, identifier: str, stored: CdsOutputs, inputs: CdsInputs, call: Call) -> CdsOutputs:
        """New: name and type in place. Existing: nothing but reading; one that the stack made is given up."""
        return _instance(inputs.instance).update(identifier, stored, inputs, call)

    def on_delete(self, identifier: str, stored: CdsOutputs, call: Call) -> None:
        """Delete the environment that this stack created, once domain and mark are verified."""
        if stored.created_by_us and _declared_anew(stored):
            call.announce("declared anew in this run under another name; left as it is")
            return
        _instance("new" if stored.created_by_us else "existing").delete(identifier, stored, call)


def _declared_anew(stored: CdsOutputs) -> bool:
    return deletion.stays(stored.domain, KnownNames(stored.environment_id, stored.url))


def _instance(kind: str) -> NewCds | ExistingCds:
    return NewCds() if kind == "new" else ExistingCds()


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
        self, resource_name: str, *, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[CdsArguments]
    ) -> None:
        super().__init__(CdsInstanceProvider(), resource_name, inputs, opts)
