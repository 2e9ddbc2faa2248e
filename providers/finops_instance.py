"""`FinOpsInstance`: Finance & Operations, installed on the stack's CDS environment, or an existing one.

API: application packages, the `msprov_*` calls of Dataverse, F&O's own OData and both admin
APIs for reading back (power-platform-api.md 14). New: natural key is the environment; adopted when
it is there or on its way with the same choices. Refused: data and developer tools, which are
fixed when F&O is installed. Replaces: the environment. In place: a raised version; a newer one
than asked for is no drift. Takes 1 to 3 hours. F&O cannot be removed alone, nor recovered.
Existing: natural key is its address. Verified before it is used, then only read; no admin API lists
it, so it is never reported gone. Not read back before it is linked: id, version, data. Another
address replaces the resource, which removes nothing. From new to existing keeps the F&O as it is;
from existing to new installs one, after the checks of a new one.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Annotated, Any, Literal

import pulumi
from pydantic import Field

from providers.api.power_platform.interface import PowerPlatform
from providers.api.power_platform.models import Environment
from providers.api.transport.errors import AuthenticationError, PermissionDenied, UnexpectedAnswer
from providers.catalogue.durations import Duration, seconds
from providers.catalogue.limits import FINOPS_DOMAIN_LIMIT, FINOPS_NAME_LIMIT
from providers.instances import preflight
from providers.instances.existing_finops import environment_by_id, found, observe, survey
from providers.instances.finops_installation import FinOpsInstallation
from providers.instances.finops_readiness import Observation
from providers.instances.on_cds import OnCds
from providers.instances.references import bare_address, host_of, is_existing, resolve, same_host, short_name
from providers.protocol.base import Call, Inputs, ManagedResource, NotRead, Outputs, Problem, ResourceError
from providers.protocol.findings import CAPACITY_NOT_CHECKED, FINOPS_NOT_CHECKED, LOCATION_NOT_CHECKED
from providers.protocol.marks import CaseBlind, Minimum, NotCompared, Refused, Replaces
from providers.protocol.problems import Fixed
from providers.protocol.versions import at_least
from providers.protocol.waiting import Waiting

_FIXED = "is fixed when F&O is installed and F&O cannot be removed alone: "
_NEW_CDS = "give the CDS instance a new `domain` as well, with the consent replace-environment"
_EXISTING_CDS = "an existing CDS instance is never replaced, so put the old value back or choose another CDS instance"
# Choices of the installation, and what serves the checks before it.
_OF_NEW = ("data", "developer_tools", "version", "environment_name", "environment_type")


class FinOpsInputs(Inputs):
    """F&O to be installed on `cds`, or the existing one at `url` to be linked with it.

    The two `environment_*` and `location` say what a new CDS will be, for the checks before it is there.
    """

    cloud: Annotated[str, Refused("another cloud is another tenant: use a stack of its own")]
    cds: Annotated[str, Field(min_length=1), Replaces(), CaseBlind()]
    instance: Literal["new", "existing"] = "new"
    data: Annotated[Literal["empty", "demo"] | None, Replaces()] = None
    developer_tools: Annotated[bool | None, Replaces()] = None
    version: Annotated[str | None, Field(pattern=r"^\d+(\.\d+){1,3}$"), Minimum()] = None
    environment_name: Annotated[str | None, NotCompared()] = None
    environment_type: Annotated[Literal["sandbox", "production"] | None, NotCompared()] = None
    location: Annotated[str | None, NotCompared()] = None
    url: Annotated[str | None, Field(pattern=r"^https://[^/\s]+/?$"), Replaces()] = None
    timeout: Annotated[Duration, NotCompared()] = "4h"


class FinOpsOutputs(Outputs):
    """What the two sides hold. `version` is the minimum while it is met, else the older one that is installed.

    Of an existing one that is not linked, texts are empty and developer tools absent: nothing tells them.
    """

    cloud: str
    cds: str
    instance: str = "new"
    data: str
    developer_tools: bool | None = None
    version: str | None = None
    environment_id: str
    cds_environment_id: str
    url: str
    application_version: str
    platform_version: str
    deployment_type: str
    demo_dataset: str


def from_api(
    seen: Observation, cds_environment_id: str, *, known: FinOpsInputs | FinOpsOutputs
) -> tuple[str, FinOpsOutputs]:
    """The F&O environment's id and what the sides hold; choices that the service does not tell keep the known value."""
    identifier, url = seen.identifier, seen.url
    if not identifier or not url:
        raise UnexpectedAnswer("neither side names the id and the address of F&O", next_step="Run again.")
    return identifier, _told(seen, cds_environment_id, url, known)


def _told(seen: Observation, cds_environment_id: str, url: str, known: FinOpsInputs | FinOpsOutputs) -> FinOpsOutputs:
    demo, tools = seen.demo_data, seen.developer_tools
    application, properties = seen.application, seen.properties
    return FinOpsOutputs(
        cloud=known.cloud,
        cds=known.cds,
        instance=known.instance,
        data=known.data or "" if demo is None else "demo" if demo else "empty",
        developer_tools=known.developer_tools if tools is None else tools,
        version=known.version if at_least(seen.version, known.version) else seen.version,
        environment_id=seen.identifier or "",
        cds_environment_id=cds_environment_id,
        url=url,
        application_version=seen.version or "",
        platform_version=(application.platform_version if application else None) or "",
        deployment_type=(properties.deployment_type if properties else None) or "",
        demo_dataset=(properties.demo_dataset if properties else None) or "",
    )


class FinOpsInstanceProvider(OnCds[FinOpsInputs, FinOpsOutputs]):
    """New: install, follow from both sides, raise the version. Existing: verify and read."""

    resource = "FinOpsInstance"
    inputs = FinOpsInputs
    outputs = FinOpsOutputs
    environment_output = "cds_environment_id"

    def name_of(self, values: FinOpsInputs | FinOpsOutputs) -> str:
        """The name of the environment it is installed on, or its own when it exists apart."""
        return short_name(values.url or values.cds if values.instance == "existing" else values.cds)

    def normalise(self, inputs: FinOpsInputs) -> FinOpsInputs:
        """The address without a slash at its end; a new one has no developer tools unless it is to have them."""
        tools = inputs.developer_tools or False if inputs.instance == "new" else inputs.developer_tools
        return inputs.model_copy(update={"url": inputs.url and bare_address(inputs.url), "developer_tools": tools})

    def same(self, name: str, held: Any, wanted: Any) -> bool | None:
        """What a stack does not declare of an instance is only reported; an address is its host."""
        if wanted is None and name in ("data", "developer_tools", "url"):
            return True
        return same_host(held, wanted) if name == "url" else None

    def managed(self, held: FinOpsOutputs) -> Collection[str]:
        """The address is an input of an existing one, the choices of the installation are those of a new one."""
        return FinOpsInputs.model_fields.keys() - ({"url"} if held.instance == "new" else set(_OF_NEW))

    def problems(self, inputs: FinOpsInputs, old: FinOpsInputs | None) -> Iterable[Problem]:
        """Inputs of the other kind of instance, limits of an environment with F&O, and choices that cannot change."""
        yield from _shape_problems(inputs)
        if inputs.environment_name is not None:
            long_name = preflight.too_long(inputs.environment_name, FINOPS_NAME_LIMIT)
            long_domain = preflight.too_long(inputs.cds, FINOPS_DOMAIN_LIMIT)
            names = {"environment_name": long_name, "cds": long_domain}
            yield from (Problem(path, text) for path, text in names.items() if text)
        if old is None or old.instance != inputs.instance or old.cds.casefold() != inputs.cds.casefold():
            return
        cure = _FIXED + (_EXISTING_CDS if is_existing(inputs.cds) else _NEW_CDS)
        choices = ((field, getattr(old, field), getattr(inputs, field)) for field in ("data", "developer_tools"))
        for field, was, wanted in choices:
            if was != wanted:
                yield Fixed(field, f"cannot change from {was!r} to {wanted!r}: it {cure}")

    def live_problems(self, inputs: FinOpsInputs, call: Call) -> Iterator[Problem]:
        """Ask whether F&O can be installed, or the existing one linked; not when it is installed already."""
        if inputs.instance == "existing":
            seen = survey(call.session(inputs.cloud), inputs.url or "", inputs.cds, inputs.location)
            for what in seen.not_checked:
                call.announce(f"not checked: {what}", FINOPS_NOT_CHECKED)
            yield from (Problem("url", text) for text in seen.against)
            return
        service = call.session(inputs.cloud).power_platform
        held = found(service.environments(), inputs.cds)
        if held is not None:
            if held.finops is not None and held.finops.type.casefold() != "linked":
                return
            yield from (Problem("cds", text) for text in preflight.installation_problems(held))
        yield from _tenant_problems(inputs, held, service, call)

    def on_create(self, inputs: FinOpsInputs, call: Call) -> tuple[str, FinOpsOutputs]:
        """New: install F&O, or go on with what is on its way, until both sides agree. Existing: verify and read."""
        if inputs.instance == "existing":
            return _adopted(inputs, call)
        service = call.session(inputs.cloud).power_platform
        held = resolve(service.environments(fresh=True), inputs.cds)
        seen = _installation(held, inputs, call).install(
            demo_data=inputs.data == "demo",
            developer_tools=inputs.developer_tools or False,
            minimum=inputs.version,
        )
        return from_api(seen, held.id, known=inputs)

    def on_read(self, identifier: str, stored: FinOpsOutputs, call: Call) -> FinOpsOutputs | None:
        """Both sides as they are; gone with its environment, or when both sides say that there is none."""
        service = call.session(stored.cloud).power_platform
        held = environment_by_id(service, stored.cds_environment_id)
        if stored.instance == "existing":
            return _read_existing(held, stored, call)
        if held is None:
            return None
        seen = _installation(held, stored, call).observe()
        # Both views of the link are known to lag; only with the application absent as well is it gone (R35).
        if seen.linked is None and seen.integration is None and seen.package_state in ("None", "Uninstalled"):
            return None
        return from_api(seen, held.id, known=stored)[1]

    def on_update(self, identifier: str, stored: FinOpsOutputs, inputs: FinOpsInputs, call: Call) -> FinOpsOutputs:
        """Raise the version in place; an existing one is only read, also one that the stack installed before."""
        session = call.session(inputs.cloud)
        if inputs.instance == "existing":
            held = environment_by_id(session.power_platform, stored.cds_environment_id)
            return _told(observe(session, stored.url, held), stored.cds_environment_id, inputs.url or "", inputs)
        held = session.power_platform.environment(stored.cds_environment_id)
        installation = _installation(held, inputs, call)
        seen = installation.update(inputs.version) if inputs.version else installation.observe()
        return from_api(seen, held.id, known=inputs)[1]

    def on_delete(self, identifier: str, stored: FinOpsOutputs, call: Call) -> None:
        """Say what becomes of it: there is no way to remove F&O alone."""
        if stored.instance == "existing":
            call.announce("not installed by this stack; left as it is")
        elif is_existing(stored.cds):
            call.announce("left in place: F&O cannot be removed alone, and its CDS instance is not this stack's")
        else:
            call.announce("F&O cannot be removed alone; it is deleted together with its CDS instance")


def _shape_problems(inputs: FinOpsInputs) -> Iterator[Problem]:
    """Inputs that are missing, or that belong to the other kind of instance."""
    if inputs.instance == "new":
        if inputs.data is None:
            yield Problem("data", "is required")
        if inputs.url is not None:
            yield Problem("url", "is for an existing instance; leave it out")
        return
    given = [name for name in _OF_NEW if getattr(inputs, name) is not None]
    yield from (Problem(name, "is for a new instance; an existing one keeps its own") for name in given)
    if inputs.url is None:
        yield Problem("url", "is required")


def _adopted(inputs: FinOpsInputs, call: Call) -> tuple[str, FinOpsOutputs]:
    session, url = call.session(inputs.cloud), inputs.url or ""
    seen = survey(session, url, inputs.cds, inputs.location)
    if seen.against:
        first, *more = seen.against
        raise ResourceError(first, next_step=" ".join(f"Also: {text}" for text in more))
    held = found(session.power_platform.environments(), inputs.cds)
    outputs = _told(observe(session, url, held), held.id if held else "", url, inputs)
    return host_of(url) or url, outputs


def _read_existing(held: Environment | None, stored: FinOpsOutputs, call: Call) -> FinOpsOutputs:
    session = call.session(stored.cloud)
    try:
        answers = session.finance_operations(stored.url).reachable()
    except (PermissionDenied, AuthenticationError) as error:
        raise NotRead(str(error)) from error
    if not answers:
        raise NotRead(f"F&O does not answer at {stored.url}/data/")
    return _told(observe(session, stored.url, held), stored.cds_environment_id, stored.url, stored)


def _tenant_problems(
    inputs: FinOpsInputs, held: Environment | None, service: PowerPlatform, call: Call
) -> Iterator[Problem]:
    """Licence, region and capacity for one more F&O."""
    location = held.location if held else inputs.location
    if location:
        kind = held.sku.lower() if held else inputs.environment_type or "sandbox"
        yield from _template_problems(kind, location, service, call)
    try:
        short = preflight.capacity_problem(service.tenant_capacity(), "FinOpsDatabase")
    except PermissionDenied as error:
        call.announce(f"not checked: free F&O capacity ({error.reason})", CAPACITY_NOT_CHECKED)
        return
    if short:
        yield Problem("cds", f"F&O cannot be installed: {short}")


def _template_problems(kind: str, location: str, service: PowerPlatform, call: Call) -> Iterator[Problem]:
    """The Finance template stands for licence and region: it is disabled or absent where F&O cannot be had."""
    if preflight.wants_macro_region(service.locations()):
        call.announce("not checked: the licence for F&O, which is listed by location", LOCATION_NOT_CHECKED)
        return
    if kind not in preflight.SKUS:
        return
    text = preflight.template_problem(service.templates(location), preflight.FINOPS_TEMPLATE, kind, location)
    if text:
        yield Problem("cds", f"F&O cannot be installed: {text}")


def _installation(held: Environment, known: FinOpsInputs | FinOpsOutputs, call: Call) -> FinOpsInstallation:
    session = call.session(known.cloud)
    timeout = known.timeout if isinstance(known, FinOpsInputs) else "1h"
    return FinOpsInstallation(
        held,
        power_platform=session.power_platform,
        packages=session.app_management,
        dataverse=session.dataverse(held.url or ""),
        finops_at=session.finance_operations,
        client_id=session.client_id,
        # Nothing is ever written to an existing environment, whatever stands in its description.
        mark=None if is_existing(known.cds) else call.mark,
        waiting=Waiting(call, seconds(timeout)),
        package_interval=session.profile.polls.package,
        finops_interval=session.profile.polls.finops,
    )


class FinOpsInstance(ManagedResource, module="dualwrite", name="FinOpsInstance"):
    """F&O of the stack, installed on its CDS instance, or an existing one that is only read."""

    cloud: pulumi.Output[str]
    cds: pulumi.Output[str]
    instance: pulumi.Output[str]
    data: pulumi.Output[str]
    developer_tools: pulumi.Output[bool]
    environment_id: pulumi.Output[str]
    cds_environment_id: pulumi.Output[str]
    url: pulumi.Output[str]
    application_version: pulumi.Output[str]
    platform_version: pulumi.Output[str]
    deployment_type: pulumi.Output[str]
    demo_dataset: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        cloud: pulumi.Input[str],
        cds: pulumi.Input[str],
        instance: pulumi.Input[str] | None = None,
        data: pulumi.Input[str] | None = None,
        developer_tools: pulumi.Input[bool] | None = None,
        version: pulumi.Input[str] | None = None,
        environment_name: pulumi.Input[str] | None = None,
        environment_type: pulumi.Input[str] | None = None,
        location: pulumi.Input[str] | None = None,
        url: pulumi.Input[str] | None = None,
        timeout: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        arguments = {
            "cloud": cloud,
            "cds": cds,
            "instance": instance,
            "data": data,
            "developer_tools": developer_tools,
            "version": version,
            "environment_name": environment_name,
            "environment_type": environment_type,
            "location": location,
            "url": url,
            "timeout": timeout,
        }
        super().__init__(FinOpsInstanceProvider(), resource_name, arguments, opts)
