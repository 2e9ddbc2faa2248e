"""`FinOpsInstance`: Finance & Operations installed on the stack's CDS environment (a unified environment).

API: application packages, the `msprov_*` calls of Dataverse, F&O's own OData and both admin
APIs for reading back (power-platform-api.md 14). Natural key: the environment. Adopted when it
is there or on its way with the same choices. Refused: data and developer tools, which are
fixed when F&O is installed. Replaces: the environment. In place: a raised version; a newer one
than asked for is no drift. Takes 1 to 3 hours. F&O cannot be removed alone, nor recovered.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import pulumi
from pydantic import Field

from providers import _preflight as preflight
from providers._base import Call, Inputs, ManagedResource, Outputs, Problem, Provider
from providers._duration import Duration, seconds
from providers._environments import resolve
from providers._marks import CaseBlind, Minimum, NotCompared, Refused, Replaces
from providers._versions import at_least
from providers._waiting import Waiting
from providers.api.correlation import last_correlation_id
from providers.api.errors import NotFound, PermissionDenied, UnexpectedAnswer
from providers.api.power_platform import PowerPlatform
from providers.api.power_platform_models import Environment
from providers.finops_installation import FinOpsInstallation
from providers.finops_readiness import Observation

_FIXED = (
    "is fixed when F&O is installed and F&O cannot be removed alone: "
    "give the CDS instance a new `domain` as well, with the consent replace-environment"
)


class FinOpsInputs(Inputs):
    """F&O to be installed on `cds`. The three `environment_*` and `location` serve the checks before a creation."""

    cloud: Annotated[str, Refused("another cloud is another tenant: use a stack of its own")]
    cds: Annotated[str, Field(min_length=1), Replaces(), CaseBlind()]
    data: Annotated[Literal["empty", "demo"], Replaces()]
    developer_tools: Annotated[bool, Replaces()] = False
    version: Annotated[str | None, Field(pattern=r"^\d+(\.\d+){1,3}$"), Minimum()] = None
    environment_name: Annotated[str | None, NotCompared()] = None
    environment_type: Annotated[Literal["sandbox", "production"] | None, NotCompared()] = None
    location: Annotated[str | None, NotCompared()] = None
    timeout: Annotated[Duration, NotCompared()] = "4h"


class FinOpsOutputs(Outputs):
    """What the two sides hold. `version` is the minimum while it is met, else the older one that is installed."""

    cloud: str
    cds: str
    data: str
    developer_tools: bool
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
    demo, tools = seen.demo_data, seen.developer_tools
    application, properties = seen.application, seen.properties
    return identifier, FinOpsOutputs(
        cloud=known.cloud,
        cds=known.cds,
        data=known.data if demo is None else "demo" if demo else "empty",
        developer_tools=known.developer_tools if tools is None else tools,
        version=known.version if at_least(seen.version, known.version) else seen.version,
        environment_id=identifier,
        cds_environment_id=cds_environment_id,
        url=url,
        application_version=seen.version or "",
        platform_version=(application.platform_version if application else None) or "",
        deployment_type=(properties.deployment_type if properties else None) or "",
        demo_dataset=(properties.demo_dataset if properties else None) or "",
    )


class FinOpsInstanceProvider(Provider[FinOpsInputs, FinOpsOutputs]):
    """Install, follow from both sides, raise the version."""

    resource = "FinOpsInstance"
    inputs = FinOpsInputs
    outputs = FinOpsOutputs

    def name_of(self, values: FinOpsInputs | FinOpsOutputs) -> str:
        """The name of the environment it is installed on."""
        return values.cds

    def problems(self, inputs: FinOpsInputs, old: FinOpsInputs | None) -> Iterable[Problem]:
        """Limits of an environment with F&O, and choices that cannot change any more."""
        if inputs.environment_name is not None:
            long_name = preflight.too_long(inputs.environment_name, preflight.FINOPS_NAME_LIMIT)
            long_domain = preflight.too_long(inputs.cds, preflight.FINOPS_DOMAIN_LIMIT)
            found = {"environment_name": long_name, "cds": long_domain}
            yield from (Problem(path, text) for path, text in found.items() if text)
        if old is None or old.cds.casefold() != inputs.cds.casefold():
            return
        for field in ("data", "developer_tools"):
            was, wanted = getattr(old, field), getattr(inputs, field)
            if was != wanted:
                yield Problem(field, f"cannot change from {was!r} to {wanted!r}: it {_FIXED}")

    def live_problems(self, inputs: FinOpsInputs, call: Call) -> Iterator[Problem]:
        """Ask the tenant whether F&O can be installed: licence, region and capacity; not when it is there."""
        service = call.session(inputs.cloud).power_platform
        held = _environment(service, inputs.cds)
        if held is not None and held.finops is not None:
            return
        location = held.location if held else inputs.location
        if location:
            yield from _template_problems(inputs, location, service, call)
        try:
            short = preflight.capacity_problem(service.tenant_capacity(), "FinOpsDatabase", last_correlation_id())
        except PermissionDenied as error:
            call.announce(f"not checked: free F&O capacity ({error.reason})")
            return
        if short:
            yield Problem("cds", f"F&O cannot be installed: {short}")

    def on_create(self, inputs: FinOpsInputs, call: Call) -> tuple[str, FinOpsOutputs]:
        """Install F&O, or go on with what is on its way, until both sides agree."""
        service = call.session(inputs.cloud).power_platform
        held = resolve(service.environments(fresh=True), inputs.cds)
        seen = _installation(held, inputs, call).install(
            demo_data=inputs.data == "demo", developer_tools=inputs.developer_tools, minimum=inputs.version
        )
        return from_api(seen, held.id, known=inputs)

    def on_read(self, identifier: str, stored: FinOpsOutputs, call: Call) -> FinOpsOutputs | None:
        """Both sides as they are; gone with its environment, or when both sides say that there is none."""
        try:
            held = call.session(stored.cloud).power_platform.environment(stored.cds_environment_id)
        except NotFound:
            return None
        seen = _installation(held, stored, call).observe()
        # Both views of the link are known to lag; only with the application absent as well is it gone (R35).
        if seen.linked is None and seen.integration is None and seen.package_state in ("None", "Uninstalled"):
            return None
        return from_api(seen, held.id, known=stored)[1]

    def on_update(self, identifier: str, stored: FinOpsOutputs, inputs: FinOpsInputs, call: Call) -> FinOpsOutputs:
        """Raise the version in place; nothing else can change."""
        held = call.session(inputs.cloud).power_platform.environment(stored.cds_environment_id)
        installation = _installation(held, inputs, call)
        seen = installation.update(inputs.version) if inputs.version else installation.observe()
        return from_api(seen, held.id, known=inputs)[1]

    def on_delete(self, identifier: str, stored: FinOpsOutputs, call: Call) -> None:
        """Say that it goes with its environment: there is no way to remove F&O alone."""
        call.announce("F&O cannot be removed alone; it is deleted together with its CDS instance")


def _environment(service: PowerPlatform, reference: str) -> Environment | None:
    try:
        return resolve(service.environments(), reference)
    except NotFound:
        return None


def _template_problems(inputs: FinOpsInputs, location: str, service: PowerPlatform, call: Call) -> Iterator[Problem]:
    """The Finance template stands for licence and region: it is disabled or absent where F&O cannot be had."""
    if preflight.wants_macro_region(service.locations()):
        call.announce("not checked: the licence for F&O, which is listed by location")
        return
    environment_type = inputs.environment_type or "sandbox"
    templates = service.templates(location)
    text = preflight.template_problem(
        templates, preflight.FINOPS_TEMPLATE, environment_type, location, last_correlation_id()
    )
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
        mark=call.mark,
        waiting=Waiting(call, seconds(timeout)),
        package_interval=session.profile.polls.package,
        finops_interval=session.profile.polls.finops,
    )


class FinOpsInstance(ManagedResource, module="dualwrite", name="FinOpsInstance"):
    """F&O of the stack, installed on its CDS instance."""

    cloud: pulumi.Output[str]
    cds: pulumi.Output[str]
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
        data: pulumi.Input[str],
        developer_tools: pulumi.Input[bool] | None = None,
        version: pulumi.Input[str] | None = None,
        environment_name: pulumi.Input[str] | None = None,
        environment_type: pulumi.Input[str] | None = None,
        location: pulumi.Input[str] | None = None,
        timeout: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        arguments = {
            "cloud": cloud,
            "cds": cds,
            "data": data,
            "developer_tools": developer_tools,
            "version": version,
            "environment_name": environment_name,
            "environment_type": environment_type,
            "location": location,
            "timeout": timeout,
        }
        super().__init__(FinOpsInstanceProvider(), resource_name, arguments, opts)
