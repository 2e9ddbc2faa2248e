"""An existing F&O: what can be read about it before it is linked, all findings at once. Nothing is written.

Checks: dual-write-semantics.md 2.3, 3.3 and 4 (tenant, geography, version, one partner). Its version and tenant can be
read only through the CDS instance that it is linked with; before that the connection's health check has to do it. No
pulumi.
"""

from typing import NamedTuple

from providers.api.power_platform.interface import PowerPlatform
from providers.api.power_platform.models import Environment
from providers.api.session import Session
from providers.api.transport.errors import AuthenticationError, NotFound, PermissionDenied
from providers.catalogue.geography import dataverse_geography, finops_geography, geography_problem
from providers.instances.finops_installation import registration_steps
from providers.instances.finops_readiness import Observation
from providers.instances.references import host_of, resolve, same_host
from providers.instances.supported_versions import OLDEST_FINOPS
from providers.protocol.versions import at_least

_LATER = "the health check does it once the two are linked"


class FinOpsSurvey(NamedTuple):
    """A sentence for everything that speaks against using an F&O, and what could not be told."""

    against: list[str]
    not_checked: list[str]


def survey(session: Session, url: str, cds: str, location: str | None) -> FinOpsSurvey:
    """Look at the F&O of an address for a CDS instance; `location` is where a new one will be that is not there yet."""
    environments = session.power_platform.environments(fresh=True)
    held = found(environments, cds)
    against, not_checked = _geography(url, held, cds, location)
    against += _reachability(session, url)
    against += _other_partner(environments, url, held)
    seen = observe(session, url, held)
    if seen.integration is None:
        not_checked.append(f"tenant and version of F&O; {_LATER}")
        return FinOpsSurvey(against, not_checked)
    tenant, ours = seen.integration.tenant_id, session.tenant_id
    if tenant and ours and tenant.casefold() != ours.casefold():
        against.append(
            f"F&O is in the tenant {tenant}, this program in {ours}; dual-write links only within one tenant"
        )
    if seen.version is None:
        not_checked.append("the version of F&O, which Dataverse does not tell")
    elif not at_least(seen.version, OLDEST_FINOPS):
        against.append(f"F&O is at version {seen.version}; dual-write needs {OLDEST_FINOPS} or later. Update it first.")
    return FinOpsSurvey(against, not_checked)


def found(environments: list[Environment], reference: str) -> Environment | None:
    """The CDS environment that the stack names, or None while it is not there."""
    try:
        return resolve(environments, reference)
    except NotFound:
        return None


def environment_by_id(service: PowerPlatform, identifier: str) -> Environment | None:
    """One environment, or None when the service says that it is gone."""
    try:
        return service.environment(identifier) if identifier else None
    except NotFound:
        return None


def observe(session: Session, url: str, held: Environment | None) -> Observation:
    """What the CDS instance tells about this F&O; nothing while it is not linked with it, or does not let us in."""
    if held is None or not held.url:
        return Observation()
    dataverse = session.dataverse(held.url)
    try:
        integration = dataverse.integration_details()
        if integration is None or not same_host(integration.url, url):
            return Observation()
        application = dataverse.finops_application_details()
    except PermissionDenied:
        return Observation()
    return Observation(
        linked=held.finops,
        integration=integration,
        application=application,
        properties=session.power_platform.finops_properties(held.id),
    )


def _geography(url: str, held: Environment | None, cds: str, location: str | None) -> tuple[list[str], list[str]]:
    address = held.url if held else cds
    place = held.location if held else location
    problem = geography_problem(url, cds_url=address, location=place)
    if problem:
        return [problem], []
    if finops_geography(url) is None or (dataverse_geography(address) is None and not place):
        return [], ["whether both are in one geography, which their addresses do not tell"]
    return [], []


def _reachability(session: Session, url: str) -> list[str]:
    try:
        if session.finance_operations(url).reachable():
            return []
    except (PermissionDenied, AuthenticationError) as error:
        if error.status not in (401, 403):
            raise
        return [f"F&O does not let the program in ({error.status}). {registration_steps(url, session.client_id)}"]
    return [f"F&O does not answer at {url}/data/. Check the address, and that the environment is running."]


def _other_partner(environments: list[Environment], url: str, held: Environment | None) -> list[str]:
    """One F&O to one Dataverse. An environment without Dataverse is the placeholder of an LCS environment (2.3)."""
    others = [
        each
        for each in environments
        if each.finops and each.url and same_host(each.finops.url, url) and (held is None or each.id != held.id)
    ]
    wanted = f", not with '{held.display_name}'" if held else ""
    return [
        f"F&O is linked with the CDS instance '{each.display_name}' ({host_of(each.url)}){wanted}; it has one partner"
        for each in others
    ]
