"""An existing F&O: what can be read about it before it is linked, all findings at once. Nothing is written.

Checks: dual-write-semantics.md 2.3, 3.3 and 4 (tenant, geography, version, one partner). Its version and tenant can be
read only through the CDS instance that it is linked with; before that the connection's health check has to do it. No
pulumi.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from providers.api.transport.errors import AuthenticationError, NotFound, PermissionDenied
from providers.catalogue.geography import dataverse_geography, finops_geography, geography_problem
from providers.instances.finops_installation import registration_steps
from providers.instances.finops_model import FinOpsInputs, FinOpsOutputs, Place, outputs_of
from providers.instances.finops_readiness import Observation
from providers.instances.hosts import finops_problem
from providers.instances.kinds import shape_problems, unusable
from providers.instances.presence import environment_or_gone
from providers.instances.references import resolve
from providers.instances.supported_versions import OLDEST_FINOPS
from providers.protocol.addresses import host_of, same_host
from providers.protocol.base import Call, NotRead, Problem
from providers.protocol.findings import FINOPS_NOT_CHECKED
from providers.protocol.versions import at_least

if TYPE_CHECKING:
    from providers.api.power_platform.interface import PowerPlatform
    from providers.api.power_platform.models import Environment
    from providers.api.session import Session

_LATER = "the health check does it once the two are linked"


class FinOpsSurvey(NamedTuple):
    """A sentence for everything that speaks against using an F&O, and what could not be told."""

    against: list[str]
    not_checked: list[str]


class ExistingFinOps:
    """F&O of somebody else's: verified before it is used, then only read."""

    def problems(self, inputs: FinOpsInputs, old: FinOpsInputs | None) -> Iterator[Problem]:
        """Inputs that do not fit, and an address outside the cloud."""
        yield from shape_problems(inputs, "existing")
        foreign = finops_problem(inputs.cloud, inputs.url)
        if foreign:
            yield Problem("url", foreign)

    def live_problems(self, inputs: FinOpsInputs, call: Call) -> Iterator[Problem]:
        """Whether it can be linked."""
        seen = survey(call.session(inputs.cloud), inputs.url or "", inputs.cds, inputs.location)
        for what in seen.not_checked:
            call.announce(f"not checked: {what}", FINOPS_NOT_CHECKED)
        yield from (Problem("url", text) for text in seen.against)

    def change_problems(self, inputs: FinOpsInputs, old: FinOpsInputs, call: Call) -> Iterator[Problem]:
        """Nothing: it is only called in another way."""
        yield from ()

    def create(self, inputs: FinOpsInputs, call: Call) -> tuple[str, FinOpsOutputs]:
        """Verify and read."""
        session, url = call.session(inputs.cloud), inputs.url or ""
        seen = survey(session, url, inputs.cds, inputs.location)
        if seen.against:
            raise unusable(seen.against)
        environment = environment_of(session.power_platform.environments(), inputs.cds)
        outputs = outputs_of(observe(session, url, environment), Place.of(environment), url, inputs)
        return host_of(url) or url, outputs

    def read(self, stored: FinOpsOutputs, call: Call) -> FinOpsOutputs | None:
        """As F&O and the CDS instance tell; never gone, for no admin API lists it."""
        session = call.session(stored.cloud)
        environment = _place(session.power_platform, stored)
        try:
            answers = session.finance_operations(stored.url).reachable()
        except (PermissionDenied, AuthenticationError) as error:
            raise NotRead(str(error)) from error
        if not answers:
            raise NotRead(f"F&O does not answer at {stored.url}/data/")
        return outputs_of(observe(session, stored.url, environment), Place.of(environment, stored), stored.url, stored)

    def update(self, stored: FinOpsOutputs, inputs: FinOpsInputs, call: Call) -> FinOpsOutputs:
        """Nothing but reading, also of one that the stack installed before."""
        session = call.session(inputs.cloud)
        environment = _place(session.power_platform, stored)
        seen = observe(session, stored.url, environment)
        return outputs_of(seen, Place.of(environment, stored), inputs.url or "", inputs)

    def delete(self, stored: FinOpsOutputs, call: Call) -> None:
        """Nothing; it is not this stack's."""
        call.announce("not installed by this stack; left as it is")


def survey(session: Session, url: str, cds: str, location: str | None) -> FinOpsSurvey:
    """Look at the F&O of an address for a CDS instance; `location` is where a new one will be that is not there yet."""
    environments = session.power_platform.environments(fresh=True)
    environment = environment_of(environments, cds)
    surveys = [
        _geography(url, environment, cds, location),
        FinOpsSurvey([*_reachability(session, url), *_other_partner(environments, url, environment)], []),
        _told_by_dataverse(observe(session, url, environment), session.tenant_id),
    ]
    return FinOpsSurvey(
        [text for each in surveys for text in each.against], [text for each in surveys for text in each.not_checked]
    )


def _told_by_dataverse(seen: Observation, ours: str | None) -> FinOpsSurvey:
    """Tenant and version of F&O, which only the CDS instance tells that is linked with it. `ours`: our tenant."""
    if seen.integration is None:
        return FinOpsSurvey([], [f"tenant and version of F&O; {_LATER}"])
    against = _foreign_tenant(seen.integration.tenant_id, ours)
    if seen.version is None:
        return FinOpsSurvey(against, ["the version of F&O, which Dataverse does not tell"])
    if not at_least(seen.version, OLDEST_FINOPS):
        against.append(f"F&O is at version {seen.version}; dual-write needs {OLDEST_FINOPS} or later. Update it first.")
    return FinOpsSurvey(against, [])


def _foreign_tenant(tenant: str, ours: str | None) -> list[str]:
    if not tenant or not ours or tenant.casefold() == ours.casefold():
        return []
    return [f"F&O is in the tenant {tenant}, this program in {ours}; dual-write links only within one tenant"]


def environment_of(environments: list[Environment], reference: str) -> Environment | None:
    """The CDS environment that the stack names, or None while it is not there."""
    try:
        return resolve(environments, reference)
    except NotFound:
        return None


def _place(service: PowerPlatform, stored: FinOpsOutputs) -> Environment | None:
    """The CDS environment by id, or by its name where it was not there when F&O was read first."""
    if stored.cds_environment_id:
        return environment_or_gone(service, stored.cds_environment_id)
    return environment_of(service.environments(), stored.cds)


def observe(session: Session, url: str, environment: Environment | None) -> Observation:
    """What the CDS instance tells about this F&O; nothing while it is not linked with it, or does not let us in."""
    if environment is None or not environment.url:
        return Observation()
    dataverse = session.dataverse(environment.url)
    try:
        integration = dataverse.integration_details()
        if integration is None or not same_host(integration.url, url):
            return Observation()
        application = dataverse.finops_application_details()
    except PermissionDenied:
        return Observation()
    return Observation(
        linked=environment.finops,
        integration=integration,
        application=application,
        properties=session.power_platform.finops_properties(environment.id),
    )


def _geography(url: str, environment: Environment | None, cds: str, location: str | None) -> FinOpsSurvey:
    address, place = (environment.url, environment.location) if environment else (cds, location)
    problem = geography_problem(url, cds_url=address, location=place)
    if problem:
        return FinOpsSurvey([problem], [])
    if finops_geography(url) and (dataverse_geography(address) or place):
        return FinOpsSurvey([], [])
    return FinOpsSurvey([], ["whether both are in one geography, which their addresses do not tell"])


def _reachability(session: Session, url: str) -> list[str]:
    try:
        if session.finance_operations(url).reachable():
            return []
    except (PermissionDenied, AuthenticationError) as error:
        if error.status not in (401, 403):
            raise
        return [f"F&O does not let the program in ({error.status}). {registration_steps(url, session.client_id)}"]
    return [f"F&O does not answer at {url}/data/. Check the address, and that the environment is running."]


def _other_partner(environments: list[Environment], url: str, environment: Environment | None) -> list[str]:
    """One F&O to one Dataverse. An environment without Dataverse is the placeholder of an LCS environment (2.3)."""
    wanted = f", not with '{environment.display_name}'" if environment else ""
    return [
        f"F&O is linked with the CDS instance '{each.display_name}' ({host_of(each.url)}){wanted}; it has one partner"
        for each in environments
        if each != environment and each.url and _is_linked(each, url)
    ]


def _is_linked(environment: Environment, url: str) -> bool:
    return environment.finops is not None and same_host(environment.finops.url, url)
