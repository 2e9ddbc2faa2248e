"""What a stack does about its link: ask, wait for it, let in, check, bring companies, apply solutions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from providers.api.identity.dual_write_sources import HOW_TO_GET_ONE, dual_write_token_configured
from providers.api.transport.errors import ApiError, AuthenticationError, EmulatorNotRunning, NotFound
from providers.catalogue.durations import seconds
from providers.instances.presence import environment_or_gone
from providers.link.access_rights import AccessRights
from providers.link.applied import applied_of, read_applied
from providers.link.companies import Gap, LinkCompanies, Wish, owning_teams
from providers.link.health_check import (
    Check,
    Sides,
    after_linking,
    before_linking,
    failed,
    finding,
    lasting,
)
from providers.link.live_checks import company_problems, solution_problems, unknown_companies, wish_of
from providers.link.model import (
    ConnectionInputs,
    ConnectionOutputs,
    ConnectionPrivate,
    from_link,
    too_many,
)
from providers.link.pair import (
    Link,
    Pair,
    declared_link,
    find_pair,
    linked_already,
    remembered,
    require_partner,
    stored_link,
    wait_for_link,
)
from providers.link.solutions import OwnSolutions, apply_solutions
from providers.protocol.addresses import host_of
from providers.protocol.base import Call, NotRead, Problem, ResourceError
from providers.protocol.findings import COMPANIES, LINK_NOT_CHECKED
from providers.protocol.waiting import Waiting

if TYPE_CHECKING:
    from providers.api.session import Session

# Gives maps of a link (its id) their projects: session, link, maps, call, seconds that are left.
Initialise = Callable[["Session", str, Collection[str], Call, float], None]


class Linking:
    """The operations of a connection. `initialise` serves maps whose version is declared: a switch needs a project."""

    def __init__(self, initialise: Initialise) -> None:
        self._initialise = initialise

    def live_problems(self, inputs: ConnectionInputs, call: Call) -> Iterator[Problem]:
        """What is known of a pair that exists: partner, companies, health; silent while there is none, or no link."""
        session = call.session(inputs.cloud, gateway=inputs.gateway)
        place = "finops" if inputs.finops else "cds"
        try:
            pair = find_pair(session, inputs.cds, inputs.finops, fresh=False)
        except NotFound:
            yield from self._problems_of_finops(session, inputs, call)
            return
        try:
            link = declared_link(session, pair)
        except (AuthenticationError, EmulatorNotRunning):
            raise
        except ApiError as error:
            yield Problem(place, str(error))
            return
        if link is None:
            yield from unknown_companies(inputs, pair.finops_host, (), call)
            return
        yield from company_problems(inputs, pair, link, call, _today())
        yield from solution_problems(inputs, pair, link, call)
        sides = _sides(session, pair, inputs)
        checks = [*lasting(sides), *after_linking(sides, link.companies, link.projects)]
        yield from (Problem(place, str(finding([check]))) for check in failed(checks))

    def _problems_of_finops(self, session: Session, inputs: ConnectionInputs, call: Call) -> Iterator[Problem]:
        """What is known of an existing F&O whose CDS does not exist yet."""
        host = host_of(inputs.finops)
        if not inputs.finops or not host:
            return
        text = linked_already(session, inputs.finops)
        if text:
            yield Problem("finops", text)
        yield from unknown_companies(inputs, host, (), call)

    def change_problems(self, inputs: ConnectionInputs, old: ConnectionInputs, call: Call) -> Iterator[Problem]:
        """A reset that needs consent is refused without it; every other way to other companies is announced."""
        if not dual_write_token_configured():
            call.announce(f"not checked: whether the link has these companies. {HOW_TO_GET_ONE}", LINK_NOT_CHECKED)
            return
        session = call.session(inputs.cloud, gateway=inputs.gateway)
        try:
            pair = find_pair(session, inputs.cds, inputs.finops, fresh=False)
            link = declared_link(session, pair)
        except NotFound:
            return
        if link is not None:
            yield from company_problems(inputs, pair, link, call, _today(), reset=_asks_for_reset(inputs, old))
            yield from solution_problems(inputs, pair, link, call)

    def create(self, inputs: ConnectionInputs, call: Call) -> tuple[str, ConnectionOutputs]:
        """Bring an existing or arriving link to what is declared; safe to repeat."""
        session = call.session(inputs.cloud, gateway=inputs.gateway)
        pair = find_pair(session, inputs.cds, inputs.finops)
        return pair.identifier, self._completed(session, pair, inputs, call, None)

    def read(self, stored: ConnectionOutputs, call: Call) -> ConnectionOutputs | None:
        """The link and its companies; gone with its CDS environment, an error when the service no longer lists it."""
        if not dual_write_token_configured():
            raise NotRead(HOW_TO_GET_ONE)
        session = call.session(stored.cloud, gateway=stored.gateway)
        if environment_or_gone(session.power_platform, stored.environment_id) is None:
            return None
        pair = _stored_pair(stored)
        known = remembered(stored.connection_id, stored.connection_name)
        link, details = stored_link(session, pair.finops_host, known)
        require_partner(pair, link, details)
        now = from_link(stored, pair, link, details)
        seen = {
            "drifted_companies": _drifted_companies(stored, now, call),
            **read_applied(session, pair.cds_host, link.cid, stored, call),
        }
        return now.model_copy(update=seen)

    def update(self, stored: ConnectionOutputs, inputs: ConnectionInputs, call: Call) -> ConnectionOutputs:
        """The same steps as on creation; what is there already is not done again."""
        session = call.session(inputs.cloud, gateway=inputs.gateway)
        return self._completed(session, _stored_pair(stored), inputs, call, stored)

    def _completed(
        self, session: Session, pair: Pair, inputs: ConnectionInputs, call: Call, stored: ConnectionOutputs | None
    ) -> ConnectionOutputs:
        waiting = Waiting(call, seconds(inputs.timeout))
        polls = session.profile.polls
        # Nothing is written before the partner is known to be the declared one.
        link = declared_link(session, pair)
        sides = _sides(session, pair, inputs)
        rights = AccessRights(sides.cds, sides.finops, call, waiting, interval=polls.dataverse)
        rights.applications(sides.clients)
        checks = before_linking(sides)
        _raise_findings(checks, call)
        found = link or wait_for_link(session, pair, waiting, by_person=inputs.finops is not None)
        running = stored.running_before if stored else found.running
        wish = wish_of(inputs, found, reset=_asks_for_reset(inputs, stored))
        old, link = link, self._with_companies(LinkCompanies(session, pair, call, waiting), found, inputs, wish)
        teams = owning_teams(sides.cds, link.companies, waiting, interval=polls.link, new=link is not old)
        rights.team_roles(teams)
        checks += after_linking(sides, link.companies, link.projects)
        _raise_findings(checks, call)
        known = stored.applied_maps if stored else ()
        apply_solutions(session.dual_write, link, inputs.solutions, waiting, interval=polls.solution, known=known)
        own = OwnSolutions(session.dual_write, sides.cds, inputs.own_solutions)
        applied = own.apply(link, stored.applied_versions if stored else {}, waiting, interval=polls.solution)
        private = ConnectionPrivate.of(call.private)
        if private.initialise:
            # All at once: a switch of versions needs a project, and is of one map alone.
            self._initialise(session, link.environment.cid, private.initialise, call, waiting.remaining)
        outputs = from_link(inputs, pair, link.environment, link.details)
        seen = {
            "applied_versions": applied,
            **applied_of(session, pair.cds_host, link.environment.cid, inputs, private),
            "health": _lines(checks, "passed"),
            "not_checked": _lines(checks),
            "running_before": running,
        }
        return outputs.model_copy(update=seen)

    def _with_companies(self, companies: LinkCompanies, link: Link, inputs: ConnectionInputs, wish: Wish) -> Link:
        text = too_many(len(wish.companies), inputs.live_companies_limit)
        if text and isinstance(inputs.companies, str):
            raise ResourceError(f"the link has {text}")
        return companies.bring(link, wish, _today())


def _asks_for_reset(inputs: ConnectionInputs, before: ConnectionInputs | ConnectionOutputs | None) -> bool:
    """Whether the text of `reset` is another one than before; a new resource asks for nothing."""
    return before is not None and bool(inputs.reset) and inputs.reset != before.reset


def _stored_pair(stored: ConnectionOutputs) -> Pair:
    return Pair(stored.environment_id, host_of(stored.cds_url) or "", host_of(stored.finops_url) or "")


def _sides(session: Session, pair: Pair, inputs: ConnectionInputs) -> Sides:
    return Sides(
        cds=session.dataverse(pair.cds_host),
        finops=session.finance_operations(pair.finops_host),
        cds_host=pair.cds_host,
        packages=session.app_management.packages(pair.environment_id, fresh=True),
        cds_version=session.power_platform.environment(pair.environment_id).version,
        solutions=inputs.solutions,
    )


def _drifted_companies(stored: ConnectionOutputs, now: ConnectionOutputs, call: Call) -> list[str]:
    """The declared companies where the link has others, named in words; as-linked records whatever is linked."""
    if isinstance(stored.companies, str):
        return []
    wanted = stored.drifted_companies or stored.companies
    gap = Gap.between(wanted, now.linked_companies)
    if not gap:
        return []
    call.warn(f"the link has other companies than declared ({gap})", COMPANIES)
    return wanted


def _today() -> date:
    return datetime.now(UTC).date()


def _raise_findings(checks: Iterable[Check], call: Call) -> None:
    found = failed(checks)
    for check in found:
        call.warn(str(finding([check])))
    error = finding(found)
    if error is not None:
        raise error


def _lines(checks: Iterable[Check], verdict: str = "not checked") -> list[str]:
    chosen = [check for check in checks if check.verdict == verdict]
    return [f"{check.name}: {check.detail}" if check.detail else check.name for check in chosen]
