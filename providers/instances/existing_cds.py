"""An existing CDS instance: what can be read about it before it is used, all findings at once. Nothing is written.

Checks: dual-write-semantics.md 3.3 and 4 (version, one partner), power-platform-api.md 14.4 and 14.10.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from providers.api.transport.errors import ApiError, AuthenticationError, Conflict, NotFound, PermissionDenied
from providers.api.transport.operations import PASSING
from providers.instances import preflight
from providers.instances.cds_model import CdsInputs, CdsOutputs, observed
from providers.instances.finops_installation import PROVISIONING_APP
from providers.instances.finops_readiness import Observation, contradictions
from providers.instances.hosts import dataverse_problem
from providers.instances.kinds import shape_problems, unusable
from providers.instances.references import carries_mark, marked_by, resolve, same_domain
from providers.instances.supported_versions import OLDEST_DATAVERSE
from providers.protocol.addresses import same_host
from providers.protocol.base import Call, Problem
from providers.protocol.findings import CDS_NOT_CHECKED
from providers.protocol.marks import belonging_to
from providers.protocol.versions import at_least

if TYPE_CHECKING:
    from providers.api.dataverse.models import IntegrationDetails
    from providers.api.power_platform.models import Environment
    from providers.api.session import Session


class ExistingCds:
    """A CDS instance of somebody else's: verified before it is used, then only read."""

    def problems(self, inputs: CdsInputs, old: CdsInputs | None) -> Iterator[Problem]:
        """Inputs that do not fit."""
        yield from shape_problems(inputs, "existing")
        names = [getattr(inputs, name) for name in belonging_to(CdsInputs, "existing")]
        if names.count(None) != len(names) - 1:
            yield Problem("url", "an existing instance is found by either `url` or `environment_id`: give one of them")
        foreign = dataverse_problem(inputs.cloud, inputs.url)
        if foreign:
            yield Problem("url", foreign)

    def live_problems(self, inputs: CdsInputs, call: Call) -> Iterator[Problem]:
        """Whether it can be used."""
        seen = survey(call.session(inputs.cloud), inputs.reference, inputs.finops)
        for what in seen.not_checked:
            call.announce(f"not checked: {what}", CDS_NOT_CHECKED)
        against = [*seen.against, *_managed_elsewhere(seen.environment, call)]
        yield from (Problem(_word(inputs), text) for text in against)

    def change_problems(self, inputs: CdsInputs, old: CdsInputs, call: Call) -> Iterator[Problem]:
        """Whether it is the one that the stack made, which another would make the stack delete."""
        if old.instance == "existing":
            return
        environments = call.session(inputs.cloud).power_platform.environments()
        try:
            environment = resolve(environments, inputs.reference)
        except (NotFound, Conflict) as error:
            yield Problem(_word(inputs), str(error))
            return
        if not same_domain(environment, old.domain or ""):
            yield Problem(_word(inputs), _another(environment, old))

    def create(self, inputs: CdsInputs, call: Call) -> tuple[str, CdsOutputs]:
        """Verify and read."""
        session = call.session(inputs.cloud)
        seen = survey(session, inputs.reference, inputs.finops)
        if seen.environment is None or seen.against:
            raise unusable(seen.against)
        return seen.environment.id, observed(seen.environment, session, inputs)

    def update(self, identifier: str, stored: CdsOutputs, inputs: CdsInputs, call: Call) -> CdsOutputs:
        """Nothing but reading; one that the stack made is given up."""
        session = call.session(inputs.cloud)
        environment = session.power_platform.environment(identifier)
        if stored.created_by_us:
            call.announce("from now on an existing instance: this stack neither changes nor deletes it any more")
        return observed(environment, session, inputs)

    def delete(self, identifier: str, stored: CdsOutputs, call: Call) -> None:
        """Nothing; it is not this stack's."""
        call.announce("not created by this stack; left as it is")


class CdsSurvey(NamedTuple):
    """What was found: the environment when there is one, and a sentence for everything that speaks against using it."""

    environment: Environment | None
    against: list[str]
    not_checked: list[str]


def _managed_elsewhere(environment: Environment | None, call: Call) -> Iterator[str]:
    """Against a second stack on an environment that another one made: two on one pair undo each other's map states."""
    if environment is None:
        return
    maker = marked_by(environment.description)
    if maker and not carries_mark(environment.description, call.mark):
        yield (
            f"'{environment.display_name}' was made by the stack '{maker}', which manages the maps of its pair; two "
            "stacks on one pair undo each other's map states. If that stack has given it up, remove "
            f"'dual-write {maker}' from the environment's description in the admin center."
        )


def _word(inputs: CdsInputs) -> str:
    return "url" if inputs.url else "environment_id"


def _another(environment: Environment, old: CdsInputs) -> str:
    return (
        f"'{environment.domain}' is another environment than '{old.domain}', which this stack made and would delete. "
        f"Name '{old.domain}' itself, or use a stack of its own for the other one."
    )


def survey(session: Session, reference: str, finops: str | None) -> CdsSurvey:
    """Look at the environment of a URL or id. `finops`: the address of its partner; None: F&O is installed on it."""
    try:
        environment = resolve(session.power_platform.environments(fresh=True), reference)
    except (NotFound, Conflict) as error:
        return CdsSurvey(None, [str(error)], [])
    if not environment.dataverse_ready:
        text = (
            f"'{environment.display_name}' has no Dataverse. Add one with Dynamics 365 apps, or choose another "
            "environment."
        )
        return CdsSurvey(environment, [text], [])
    view = _seen_by_dataverse(session, environment)
    not_checked = [] if environment.version else ["the version of Dataverse, which the service does not tell"]
    against = [
        *_state_problems(environment),
        *view.against,
        *_link_problems(session, environment, view.integration, finops),
    ]
    return CdsSurvey(environment, against, [*not_checked, *view.not_checked])


class _View(NamedTuple):
    """The link as Dataverse sees it, or why it does not tell."""

    integration: IntegrationDetails | None = None
    against: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()


def _seen_by_dataverse(session: Session, environment: Environment) -> _View:
    try:
        return _View(_integration(session, environment))
    except (AuthenticationError, PermissionDenied) as error:
        if error.status not in (401, 403):
            raise
        return _View(None, (_not_let_in(error, session.client_id),), ("the link as Dataverse sees it",))
    except PASSING as error:
        return _View(None, (f"Dataverse does not answer: {error}",))


def _state_problems(environment: Environment) -> Iterator[str]:
    if environment.state != "Ready":
        yield (
            f"the environment '{environment.display_name}' is not Ready but {environment.state or 'in no known state'}"
            ". Wait for the operation on it, or see its history in the admin center."
        )
    if environment.version and not at_least(environment.version, OLDEST_DATAVERSE):
        yield (
            f"Dataverse is at version {environment.version}; dual-write needs {OLDEST_DATAVERSE} or later. "
            "Update it first."
        )


def _integration(session: Session, environment: Environment) -> IntegrationDetails | None:
    """The link as Dataverse sees it, after asking who we are: only an application user gets an answer."""
    dataverse = session.dataverse(environment.url)
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
    session: Session, environment: Environment, integration: IntegrationDetails | None, finops: str | None
) -> list[str]:
    """One F&O to one Dataverse: any other partner than the stack's is named."""
    seen = Observation(linked=environment.finops, integration=integration)
    split = contradictions(seen)
    if split:
        return [f"the two sides of its link disagree: {'; '.join(split)}. Ask support, with both ids."]
    if seen.url:
        return _against_partner(session, environment, seen.url, finops)
    if finops:
        return []
    return preflight.installation_problems(environment, session.power_platform.environments())


def _against_partner(session: Session, environment: Environment, partner: str, finops: str | None) -> list[str]:
    """Against a link with another F&O than the stack's, or with any that stands elsewhere where one is to come."""
    if finops and not same_host(partner, finops):
        text = f"not with {finops}, and has one partner only. Choose the other F&O, or another CDS instance."
    elif not finops and not _installed_here(session, environment):
        text = (
            "which is not installed on it, so no other F&O can be. "
            "Use that one with `instance: existing`, or choose another CDS instance."
        )
    else:
        return []
    return [f"'{environment.display_name}' is linked with {partner}, {text}"]


def _installed_here(session: Session, environment: Environment) -> bool:
    """An F&O of type `Internal` belongs to the environment whose Provisioning App made it (14.1, 14.7)."""
    if environment.linked_with_lcs:
        return False
    app = session.app_management.packages(environment.id).get(PROVISIONING_APP)
    return app is not None and (app.installed or app.installing)
