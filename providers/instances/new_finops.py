"""A new F&O: what speaks against it, installing it, raising its version. The long work is in `finops_installation`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from providers.catalogue.durations import seconds
from providers.catalogue.limits import FINOPS_DOMAIN_LIMIT, FINOPS_NAME_LIMIT
from providers.instances import preflight
from providers.instances.capacity import lacking_capacity
from providers.instances.existing_finops import environment_of
from providers.instances.finops_installation import FinOpsInstallation
from providers.instances.finops_model import FinOpsInputs, FinOpsOutputs, Place, from_api
from providers.instances.kinds import shape_problems
from providers.instances.offered_versions import version_problems
from providers.instances.presence import environment_or_gone
from providers.instances.references import carries_mark, is_existing, resolve
from providers.protocol.addresses import same_host
from providers.protocol.base import Call, Problem
from providers.protocol.findings import LOCATION_NOT_CHECKED
from providers.protocol.problems import Fixed
from providers.protocol.versions import at_least
from providers.protocol.waiting import Waiting

if TYPE_CHECKING:
    from providers.api.power_platform.interface import PowerPlatform
    from providers.api.power_platform.models import Environment

_FIXED = "is fixed when F&O is installed and F&O cannot be removed alone: "
_NEW_CDS = "give the CDS instance a new `domain` as well, with the consent replace-environment"
_EXISTING_CDS = "an existing CDS instance is never replaced, so put the old value back or choose another CDS instance"


class NewFinOps:
    """F&O that the stack installs on its CDS instance; it ends with that instance."""

    def problems(self, inputs: FinOpsInputs, old: FinOpsInputs | None) -> Iterator[Problem]:
        """Inputs that do not fit, limits of an environment with F&O, and choices that cannot change."""
        yield from shape_problems(inputs, "new")
        yield from name_problems(inputs)
        if old and old.instance == "new" and old.cds.casefold() == inputs.cds.casefold():
            yield from _fixed_choices(inputs, old)

    def live_problems(self, inputs: FinOpsInputs, call: Call) -> Iterator[Problem]:
        """Ask whether F&O can be installed; not when it is installed already."""
        session = call.session(inputs.cloud)
        environments = session.power_platform.environments()
        environment = environment_of(environments, inputs.cds)
        if environment is not None and _is_installed(environment):
            return
        if environment is not None:
            against = preflight.installation_problems(environment, environments)
            yield from (Problem("cds", text) for text in against)
        elif inputs.environment_name is not None:
            yield from _taken_name(inputs.environment_name, environments, call.mark)
        yield from _tenant_problems(inputs, environment, session.power_platform, call)
        yield from version_problems(inputs, environment, environments, session, call)

    def change_problems(self, inputs: FinOpsInputs, old: FinOpsInputs, call: Call) -> Iterator[Problem]:
        """Whether an F&O that was only used may be counted as installed here: only if it is. And a raised version."""
        if old.instance == "new":
            yield from self._changed(inputs, old, call)
            return
        service = call.session(inputs.cloud).power_platform
        environment = environment_of(service.environments(), inputs.cds)
        if environment is None or environment.finops is None or not _is_installed(environment):
            yield from self.live_problems(inputs, call)
        elif not same_host(environment.finops.url, old.url):
            text = f"'{environment.display_name}' has {environment.finops.url}, not {old.url}: put the old value back"
            yield Problem("instance", text)

    def _changed(self, inputs: FinOpsInputs, old: FinOpsInputs, call: Call) -> Iterator[Problem]:
        """Another CDS instance gets an F&O of its own; on the same one only the version may rise."""
        if old.cds.casefold() != inputs.cds.casefold():
            yield from self.live_problems(inputs, call)
        elif not at_least(old.version, inputs.version):
            session = call.session(inputs.cloud)
            environments = session.power_platform.environments()
            own = environment_of(environments, inputs.cds)
            yield from version_problems(inputs, own, environments, session, call)

    def create(self, inputs: FinOpsInputs, call: Call) -> tuple[str, FinOpsOutputs]:
        """Install F&O, or go on with what is on its way, until both sides agree."""
        service = call.session(inputs.cloud).power_platform
        environment = resolve(service.environments(fresh=True), inputs.cds)
        seen = _installation(environment, inputs, call).install(
            demo_data=inputs.data == "demo",
            developer_tools=inputs.developer_tools or False,
            minimum=inputs.version,
        )
        return from_api(seen, Place.of(environment), known=inputs)

    def read(self, stored: FinOpsOutputs, call: Call) -> FinOpsOutputs | None:
        """Both sides as they are; gone with its environment, or when both sides say that there is none."""
        environment = environment_or_gone(call.session(stored.cloud).power_platform, stored.cds_environment_id)
        if environment is None:
            return None
        seen = _installation(environment, stored, call).observe()
        return None if seen.nothing_there else from_api(seen, Place.of(environment), known=stored)[1]

    def update(self, stored: FinOpsOutputs, inputs: FinOpsInputs, call: Call) -> FinOpsOutputs:
        """Raise the version in place."""
        environment = call.session(inputs.cloud).power_platform.environment(stored.cds_environment_id)
        installation = _installation(environment, inputs, call)
        seen = installation.update(inputs.version) if inputs.version else installation.observe()
        return from_api(seen, Place.of(environment), known=inputs)[1]

    def delete(self, stored: FinOpsOutputs, call: Call) -> None:
        """Say what becomes of it: there is no way to remove F&O alone."""
        if is_existing(stored.cds):
            call.announce("left in place: F&O cannot be removed alone, and its CDS instance is not this stack's")
        else:
            call.announce("F&O cannot be removed alone; it is deleted together with its CDS instance")


def _taken_name(name: str, environments: list[Environment], mark: str) -> Iterator[Problem]:
    """The name that the environment of this stack shall have; a killed run may have made it, without a domain yet."""
    young = next((each.id for each in environments if not each.domain and carries_mark(each.description, mark)), "")
    taken = preflight.name_problem(name, environments, young)
    if taken:
        yield Problem("environment_name", f"{taken}: choose another `name` for the CDS instance")


def name_problems(inputs: FinOpsInputs) -> Iterator[Problem]:
    """Names of a CDS instance that is not there yet and F&O does not take."""
    if inputs.environment_name is None:
        return
    long_name = preflight.too_long(inputs.environment_name, FINOPS_NAME_LIMIT)
    long_domain = preflight.too_long(inputs.cds, FINOPS_DOMAIN_LIMIT)
    names = {"environment_name": long_name, "cds": long_domain}
    yield from (Problem(path, text) for path, text in names.items() if text)


def _fixed_choices(inputs: FinOpsInputs, old: FinOpsInputs) -> Iterator[Problem]:
    """Choices of the installation that another `up` asks for; nothing changes them."""
    way_out = _FIXED + (_EXISTING_CDS if is_existing(inputs.cds) else _NEW_CDS)
    for field in ("data", "developer_tools"):
        was, wanted = getattr(old, field), getattr(inputs, field)
        if was != wanted:
            yield Fixed(field, f"cannot change from {was!r} to {wanted!r}: it {way_out}")


def _is_installed(environment: Environment) -> bool:
    """Whether the Power Platform installed an F&O there; one of Lifecycle Services is another matter."""
    return environment.finops is not None and not environment.linked_with_lcs


def _tenant_problems(
    inputs: FinOpsInputs, environment: Environment | None, service: PowerPlatform, call: Call
) -> Iterator[Problem]:
    """Licence, region and capacity for one more F&O."""
    kind = environment.sku.lower() if environment else inputs.environment_type or "sandbox"
    location = environment.location if environment else inputs.location
    if location:
        yield from _template_problems(kind, location, service, call)
    short = lacking_capacity(service, "FinOpsDatabase", "free F&O capacity", call.announce)
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


def _installation(environment: Environment, known: FinOpsInputs | FinOpsOutputs, call: Call) -> FinOpsInstallation:
    session = call.session(known.cloud)
    timeout = known.timeout if isinstance(known, FinOpsInputs) else "1h"
    return FinOpsInstallation(
        environment,
        power_platform=session.power_platform,
        packages=session.app_management,
        dataverse=session.dataverse(environment.url),
        finops_at=session.finance_operations,
        client_id=session.client_id,
        # Nothing is ever written to an existing environment, whatever stands in its description.
        mark=None if is_existing(known.cds) else call.mark,
        waiting=Waiting(call, seconds(timeout)),
        package_interval=session.profile.polls.package,
        finops_interval=session.profile.polls.finops,
    )
