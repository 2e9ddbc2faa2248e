"""An existing CDS instance: what can be read about it before it is used, all findings at once. Nothing is written.

Checks: dual-write-semantics.md 3.3 and 4 (version, one partner), power-platform-api.md 14.4 and 14.10. No pulumi.
"""

from collections.abc import Iterator
from typing import NamedTuple

from providers.api.dataverse.models import IntegrationDetails
from providers.api.power_platform.models import Environment
from providers.api.session import Session
from providers.api.transport.errors import ApiError, AuthenticationError, Conflict, NotFound, PermissionDenied
from providers.api.transport.operations import PASSING
from providers.instances import preflight
from providers.instances.finops_installation import PROVISIONING_APP
from providers.instances.finops_readiness import Observation, contradictions
from providers.instances.references import resolve, same_host
from providers.instances.supported_versions import OLDEST_DATAVERSE
from providers.protocol.versions import at_least


class CdsSurvey(NamedTuple):
    """What was found: the environment when there is one, and a sentence for everything that speaks against using it."""

    environment: Environment | None
    against: list[str]
    not_checked: list[str]


def survey(session: Session, reference: str, finops: str | None) -> CdsSurvey:
    """Look at the environment of a URL or id. `finops`: the address of its partner; None: F&O is installed on it."""
    try:
        held = resolve(session.power_platform.environments(fresh=True), reference)
    except (NotFound, Conflict) as error:
        return CdsSurvey(None, [str(error)], [])
    if not held.dataverse_ready:
        text = f"'{held.display_name}' has no Dataverse. Add one with Dynamics 365 apps, or choose another environment."
        return CdsSurvey(held, [text], [])
    against = list(_state_problems(held))
    not_checked = [] if held.version else ["the version of Dataverse, which the service does not tell"]
    integration = None
    try:
        integration = _integration(session, held)
    except (AuthenticationError, PermissionDenied) as error:
        if error.status not in (401, 403):
            raise
        against.append(_not_let_in(error, session.client_id))
        not_checked.append("the link as Dataverse sees it")
    except PASSING as error:
        against.append(f"Dataverse does not answer: {error}")
    against += _link_problems(session, held, integration, finops)
    return CdsSurvey(held, against, not_checked)


def _state_problems(held: Environment) -> Iterator[str]:
    if held.state != "Ready":
        yield (
            f"the environment '{held.display_name}' is not Ready but {held.state or 'in no known state'}. "
            "Wait for the operation on it, or see its history in the admin center."
        )
    if held.version and not at_least(held.version, OLDEST_DATAVERSE):
        yield f"Dataverse is at version {held.version}; dual-write needs {OLDEST_DATAVERSE} or later. Update it first."


def _integration(session: Session, held: Environment) -> IntegrationDetails | None:
    """The link as Dataverse sees it, after asking who we are: only an application user gets an answer."""
    dataverse = session.dataverse(held.url or "")
    dataverse.who_am_i()
    return dataverse.integration_details()


def _not_let_in(error: ApiError, client_id: str | None) -> str:
    application = f"the application {client_id}" if client_id else "the program's application"
    return (
        f"Dataverse does not let the program in ({error.reason.rstrip('.')}). Add {application} in the Power Platform "
        "admin center: the environment > Settings > Users + permissions > Application users, with the role System "
        "Administrator."
    )


def _link_problems(
    session: Session, held: Environment, integration: IntegrationDetails | None, finops: str | None
) -> list[str]:
    """One F&O to one Dataverse: any other partner than the stack's is named."""
    split = contradictions(Observation(linked=held.finops, integration=integration))
    if split:
        return [f"the two sides of its link disagree: {'; '.join(split)}. Ask support, with both ids."]
    partner = (integration.url if integration else "") or (held.finops.url if held.finops else "")
    if not partner:
        return [] if finops else preflight.installation_problems(held)
    if finops:
        if same_host(partner, finops):
            return []
        text = (
            f"'{held.display_name}' is linked with {partner}, not with {finops}, and has one partner only. "
            "Choose the other F&O, or another CDS instance."
        )
        return [text]
    if _installed_here(session, held):
        return []
    text = (
        f"'{held.display_name}' is linked with {partner}, which is not installed on it, so no other F&O can be. "
        "Use that one with `instance: existing`, or choose another CDS instance."
    )
    return [text]


def _installed_here(session: Session, held: Environment) -> bool:
    """An F&O of type `Internal` belongs to the environment whose Provisioning App made it (14.1, 14.7)."""
    if held.finops is not None and held.finops.type.casefold() == "linked":
        return False
    app = session.app_management.packages(held.id).get(PROVISIONING_APP)
    return app is not None and (app.installed or app.installing)
