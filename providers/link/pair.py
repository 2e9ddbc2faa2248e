"""The link that a stack means: its two environments, what the service calls the pair, and who else it may be with.

E1, E2 and E10 of dual-write-management-api.md. No pulumi. Who can link: dual-write-semantics.md 2.3 (LCS) and 2.4.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from providers.api.dataverse.codes import NOT_INTEGRATED
from providers.api.dual_write.actions import MapState
from providers.api.identity.dual_write_sources import dual_write_token_configured
from providers.api.transport.errors import (
    ApiError,
    AuthenticationError,
    Conflict,
    EmulatorNotRunning,
    NotFound,
    OperationTimedOut,
)
from providers.api.transport.operations import Outcome
from providers.documented_errors.recognition import LOOKING_UP, READING, with_documented_cure
from providers.instances.identifiers import LinkId
from providers.instances.references import resolve
from providers.protocol.addresses import host_of
from providers.protocol.durations import spoken
from providers.protocol.findings import LINK_BY_HAND
from providers.protocol.waiting import Waiting

if TYPE_CHECKING:
    from providers.api.dataverse.models import IntegrationDetails
    from providers.api.dual_write.client import DualWriteManagement
    from providers.api.dual_write.models import ConnectionSet, EntityMapStatus, LinkedEnvironment, LinkSide
    from providers.api.session import Session

T = TypeVar("T")
LINK_NOT_FOUND = (
    "Either the pair is not linked yet, or `gateway` names another region's dual-write gateway, "
    "or the program's user may not see the link."
)


class Pair(NamedTuple):
    """An F&O environment and the CDS environment it is, or shall be, linked with. Hosts are bare names."""

    environment_id: str
    cds_host: str
    finops_host: str

    @property
    def identifier(self) -> str:
        """The natural key as one text: `<F&O host>/<CDS environment id>`."""
        return str(LinkId(self.finops_host, self.environment_id))

    @property
    def label(self) -> str:
        """The first label of the CDS host, which is what a consent names."""
        return self.cds_host.partition(".")[0]


class Link(NamedTuple):
    """What the service holds of a link, read once: E1, E10 and E2."""

    environment: LinkedEnvironment
    details: ConnectionSet
    maps: tuple[EntityMapStatus, ...] = ()

    @property
    def companies(self) -> list[str]:
        """Codes of the linked companies, in upper case, in one order."""
        return sorted({company.upper() for company in self.details.companies})

    @property
    def initialised(self) -> list[str]:
        """Maps that have a project here, or are getting one, which a reset would lose."""
        return sorted(status.name for status in self.maps if status.initialised or status.waiting_request)

    @property
    def running(self) -> list[str]:
        """Maps that run now."""
        return sorted(status.name for status in self.maps if status.state == MapState.RUNNING)

    @property
    def projects(self) -> frozenset[str]:
        """Ids of the maps' projects, in lower case."""
        return frozenset(status.detail.pid.lower() for status in self.maps if status.detail.pid)


def find_pair(session: Session, cds: str, finops: str | None, *, fresh: bool = True) -> Pair:
    """Resolve the stack's references; F&O is what is installed on the CDS when no URL names another.

    Raises `NotFound` when there is no such environment, or no F&O on it.
    """
    environment = resolve(session.power_platform.environments(fresh=fresh), cds)
    cds_host = host_of(environment.url)
    linked = environment.finops.url if environment.finops else None
    finops_host = host_of(finops or linked)
    if not cds_host:
        raise NotFound(f"the environment '{cds}' has no Dataverse", next_step="Only one with Dataverse can be linked.")
    if not finops_host:
        raise NotFound(
            f"the environment '{cds}' has no Finance and Operations",
            next_step="Install it first (FinOpsInstance), or give the URL of the F&O instance.",
        )
    return Pair(environment.id, cds_host, finops_host)


def look_up(service: DualWriteManagement, finops_host: str) -> LinkedEnvironment | None:
    """E1: the link of an F&O host, None when it is not linked; refusals come with their documented cure."""
    with with_documented_cure(LOOKING_UP):
        return service.environment(finops_host)


def find_link(session: Session, finops_host: str) -> LinkedEnvironment:
    """The link of an F&O host; `NotFound` names the causes of an empty answer, which look all alike (E1)."""
    link = look_up(session.dual_write, finops_host)
    if link is None:
        raise NotFound(f"the dual-write service knows no link of {finops_host}", next_step=LINK_NOT_FOUND)
    return link


def remembered(cid: str, cname: str) -> LinkedEnvironment:
    """A link as a stack stores it; nobody is asked."""
    from providers.api.dual_write.models import LinkedEnvironment

    return LinkedEnvironment(cid=cid, cname=cname)


def stored_link(
    session: Session, finops_host: str, known: LinkedEnvironment
) -> tuple[LinkedEnvironment, ConnectionSet]:
    """The link as the stack knows it, by E10 alone; by its host (E1 first) where that shows another one, or none.

    That the id of E10 is that of E1 is inferred; where it is not, a refresh costs a call more.
    """
    details = _known_link(session, known)
    if details and details.id.casefold() == known.cid.casefold() and _host(details.finance_operations) == finops_host:
        return known, details
    link = find_link(session, finops_host)
    with with_documented_cure(READING):
        return link, session.dual_write.connection_set(link.cname, fresh=False)


def _known_link(session: Session, known: LinkedEnvironment) -> ConnectionSet | None:
    """E10; None where there is none of that name."""
    if not known.cname:
        return None
    with with_documented_cure(READING), suppress(NotFound):
        return session.dual_write.connection_set(known.cname, fresh=False)
    return None


def read_link(service: DualWriteManagement, environment: LinkedEnvironment) -> Link:
    """The link with its companies and maps."""
    with with_documented_cure(READING):
        details = service.connection_set(environment.cname)
        return Link(environment, details, tuple(service.maps(environment.cid, fresh=True)))


def as_far_as_seen(read: Callable[[], T]) -> T | None:
    """What `read` gives; None where a service refuses or does not answer. A refused sign-in is raised all the same."""
    try:
        return read()
    except (AuthenticationError, EmulatorNotRunning):
        raise
    except ApiError:
        return None


def integration(session: Session, pair: Pair) -> IntegrationDetails | None:
    """The F&O that the CDS environment itself says it is integrated with; None also when it cannot be read."""
    return as_far_as_seen(session.dataverse(pair.cds_host).integration_details)


def require_integration(pair: Pair, details: IntegrationDetails | None) -> None:
    """Raises `Conflict` when the CDS environment is integrated with another F&O than declared."""
    host = host_of(details.url) if details else None
    if host and host != pair.finops_host:
        raise Conflict(
            f"{pair.cds_host} is integrated with the F&O {host}, not with {pair.finops_host}",
            next_step="Nothing was changed. An integration cannot be moved: name that F&O, or another CDS environment.",
        )


def require_partner(pair: Pair, link: LinkedEnvironment, details: ConnectionSet) -> None:
    """Raises `Conflict` when the F&O is linked with another CDS environment than declared (E10, else E1)."""
    host = _host(details.dataverse)
    named = (link.power_apps_environment or "").lower()
    other = host != pair.cds_host if host else bool(named) and named != pair.environment_id.lower()
    if other:
        raise Conflict(
            f"{pair.finops_host} is linked with {host or f'the environment {named}'}, not with {pair.cds_host}",
            next_step="Nothing was changed. Name that CDS environment in the stack file, or point the Power Platform "
            "Integration of F&O to the declared one and reset the link.",
        )


def declared_link(session: Session, pair: Pair) -> Link | None:
    """The link as it is now, None while there is none (or no token to see it with).

    Raises `Conflict` when either side is bound to another partner than declared.
    """
    require_integration(pair, integration(session, pair))
    if not dual_write_token_configured():
        return None
    return _shown(session, pair)


def linked_already(session: Session, finops: str) -> str | None:
    """Against linking an F&O with a CDS environment that does not exist yet: it is linked with another one."""
    host = host_of(finops)
    if not host or not dual_write_token_configured():
        return None
    link = look_up(session.dual_write, host)
    if link is None:
        return None
    other = _host(read_link(session.dual_write, link).details.dataverse) or link.power_apps_environment
    return f"{host} is linked with {other} already; an F&O has one CDS environment: name that one, or another F&O"


def wait_for_link(session: Session, pair: Pair, waiting: Waiting, *, by_person: bool) -> Link:
    """The link as soon as the service lists it; `by_person`: LCS makes it, so a line that stays says what to do there.

    At the deadline `OperationTimedOut` carries the same steps, with 0x80048d0b when the two are not even integrated.
    """
    seen: list[IntegrationDetails | None] = [None]
    allowed = spoken(waiting.remaining)

    def poll() -> Outcome[Link]:
        link = _shown(session, pair)
        if link is not None:
            return Outcome.done(link)
        seen[0] = integration(session, pair)
        require_integration(pair, seen[0])
        left = _open(pair, seen[0], by_person)
        if not _is_left_to_person(seen[0], by_person):
            return Outcome.pending(left)
        waiting.announce(_sentence(left), LINK_BY_HAND)
        return Outcome.pending("waiting for the person in LCS")

    def not_linked(error: OperationTimedOut) -> OperationTimedOut:
        late = OperationTimedOut(
            f"{pair.finops_host} and {pair.cds_host} are still not linked after {allowed}",
            last_status=error.last_status,
            next_step=f"{_sentence(_open(pair, seen[0], by_person))}. Then run `up` again, it continues.",
        )
        late.code = NOT_INTEGRATED if seen[0] is None else None
        return late

    # By the documents 60 to 90 minutes for the integration, 30 for the application, 5 for the link itself.
    usually = "1.5 to 2 h for all steps" if by_person else "under 5 min"
    return waiting.until(
        poll, what="dual-write link", interval=session.profile.polls.link, usually=usually, late=not_linked
    )


def _shown(session: Session, pair: Pair) -> Link | None:
    environment = look_up(session.dual_write, pair.finops_host)
    if environment is None:
        return None
    link = read_link(session.dual_write, environment)
    require_partner(pair, environment, link.details)
    return link


def _open(pair: Pair, details: IntegrationDetails | None, by_person: bool) -> str:
    """What is still to be done, as one sentence without its full stop."""
    if not _is_left_to_person(details, by_person):
        return f"not linked yet. {LINK_NOT_FOUND}".rstrip(".")
    steps = [
        f"Power Platform Integration > Setup > use a different Power Platform environment: {pair.cds_host}",
        "Dual-write application > Configure",
        "Link to Power Platform environment",
    ]
    left = steps if details is None else steps[1:]
    counted = "; ".join(f"({number}) {step}" for number, step in enumerate(left, 1))
    return f"a person has to link the two. In LCS open the environment details of {pair.finops_host}: {counted}"


def _is_left_to_person(details: IntegrationDetails | None, by_person: bool) -> bool:
    return by_person and not (details is not None and details.unified)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _host(side: LinkSide | None) -> str | None:
    """The host of one side of a connection set."""
    if side is None:
        return None
    return host_of(side.direct_url) or side.name.lower() or None
