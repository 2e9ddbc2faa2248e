"""Which companies a link has and how it gets the declared ones: a reset, a person, or a refusal (design 5).

No route adds a company (dual-write-management-api.md 11): E11 with the whole list rebuilds the link, and with it go
maps, integration keys, alerts and history. Harmless only where no map has a project (E2 shows none with a `pid`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Literal, NamedTuple

from providers.api.transport.errors import OperationTimedOut, TransportError
from providers.api.transport.operations import Outcome
from providers.catalogue.companies import AsLinked
from providers.documented_errors.recognition import READING, with_documented_cure
from providers.link.health_check import company_rows
from providers.link.model import CompanyChange
from providers.link.pair import Link, Pair, look_up, read_link
from providers.protocol.base import Call, ResourceError
from providers.protocol.consent import Consent, missing_consent
from providers.protocol.findings import COMPANIES_BY_HAND, HARMLESS_RESET, RESET_WITH_LOSS, Finding
from providers.protocol.waiting import Waiting
from providers.protocol.words import amount

if TYPE_CHECKING:
    from providers.api.dataverse.client import Dataverse
    from providers.api.session import Session

# Polls until a reset has to show: the service itself takes up to 300 s (E11).
_RESET_POLLS = 10
# Polls until linked companies have their rows and teams in CDS, on a link of this run and on one that was there
# (assumed: 10 minutes and 90 seconds).
_NEW_POLLS, _OLD_POLLS = 20, 3
Way = Literal["nothing", "harmless reset", "by hand", "reset", "consent missing"]


class Gap(NamedTuple):
    """Companies that are declared but not linked, and the other way round; upper case, in order."""

    missing: list[str]
    extra: list[str]

    @classmethod
    def between(cls, declared: Iterable[str], linked: Iterable[str]) -> Gap:
        """Compare two lists of codes without regard to case."""
        wanted, present = {code.upper() for code in declared}, {code.upper() for code in linked}
        return cls(sorted(wanted - present), sorted(present - wanted))

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra)

    def __str__(self) -> str:
        parts = {"not linked": self.missing, "linked but not declared": self.extra}
        return "; ".join(f"{word}: {', '.join(codes)}" for word, codes in parts.items() if codes)

    @property
    def steps(self) -> str:
        """What a person does about it on the dual-write page (dual-write-semantics.md 5.5); no full stop."""
        changes = [f"add {', '.join(self.missing)}"] if self.missing else []
        changes += [f"remove {', '.join(self.extra)}"] if self.extra else []
        return (
            "a person has to change the companies. On the dual-write page open Environment details > Legal entities, "
            f"{' and '.join(changes)}, Save, and leave the maps alone until the success banner appears"
        )


def as_read(declared: list[str] | AsLinked, linked: Iterable[str]) -> list[str] | AsLinked:
    """The companies of a link as an output holds them: as declared where that is what is linked, or none are."""
    present = sorted({code.upper() for code in linked})
    open_to_any = isinstance(declared, str) or not declared
    return declared if open_to_any or not Gap.between(declared, present) else present


class Plan(NamedTuple):
    """How the link gets its companies; `text` is for the preview and for the row."""

    way: Way
    text: str = ""

    @property
    def finding(self) -> Finding | None:
        """The code under which a preview names it; None where nothing changes, or what is missing is a problem."""
        ways = {"harmless reset": HARMLESS_RESET, "by hand": COMPANIES_BY_HAND, "reset": RESET_WITH_LOSS}
        return ways.get(self.way)


class Wish(NamedTuple):
    """What the stack wants of a link's companies, and may do for it; `reset`: the link is reset in any case."""

    companies: Sequence[str]
    change: CompanyChange = "manual"
    consents: Iterable[Consent] = ()
    reset: bool = False


def planned(link: Link, wish: Wish, label: str, today: date) -> Plan:
    """Decide from what the service shows. Pure; `label` is the target that a consent names."""
    gap = Gap.between(wish.companies, link.companies)
    if not (gap or wish.reset):
        return Plan("nothing")
    whole = ", ".join(sorted(code.upper() for code in wish.companies))
    if not link.initialised:
        return Plan(
            "harmless reset",
            f"the link will be reset with the companies {whole}; no map ever ran on it, nothing is lost",
        )
    if wish.change == "manual" and not wish.reset:
        return Plan("by hand", f"the link has other companies than declared ({gap}); {gap.steps}")
    loss = (
        f"the link will be reset with the companies {whole}: {amount(len(link.initialised), 'map')} of it, "
        "integration keys, alerts and history will be lost; solutions, keys and run states come back from the stack"
    )
    missing = missing_consent(wish.consents, "reset-link", label, today)
    return Plan("consent missing", f"{loss}; {missing}") if missing else Plan("reset", loss)


def owning_teams(
    cds: Dataverse, companies: Sequence[str], waiting: Waiting, *, interval: float, new: bool
) -> list[str]:
    """Ids of the companies' default owning teams; every linked company gets a row, whose plug-in makes it (5.1).

    `new`: link or companies are of this run, so patience is longer. What is still missing then is left to the health
    check, which knows its code and cure.
    """
    teams: dict[str, str | None] = {}

    def poll() -> Outcome[bool]:
        teams.update((row.code, row.team) for row in company_rows(cds))
        missing = [company for company in companies if not teams.get(company)]
        return Outcome.pending(f"waiting for {', '.join(missing)}") if missing else Outcome.done(True)

    with suppress(OperationTimedOut):
        patience = interval * (_NEW_POLLS if new else _OLD_POLLS)
        waiting.until(poll, what="companies in CDS", interval=interval, at_most=patience)
    return [team for company in companies if (team := teams.get(company))]


def _without_consent(plan: Plan, wish: Wish) -> ResourceError:
    by_hand = "change the companies by hand: `companyChange: manual`"
    other_way = "take the new text of `reset` back" if wish.reset else by_hand
    return ResourceError(plan.text, next_step=f"Or {other_way}.")


class LinkCompanies:
    """Brings one link to the declared companies, and reads back that it has them."""

    def __init__(self, session: Session, pair: Pair, call: Call, waiting: Waiting) -> None:
        self._session = session
        self._service = session.dual_write
        self._pair = pair
        self._call = call
        self._waiting = waiting
        self._interval = session.profile.polls.link

    def bring(self, link: Link, wish: Wish, today: date) -> Link:
        """The link with the companies wished for. Raises `OperationTimedOut` with the steps when a person is needed."""
        if wish.reset or Gap.between(wish.companies, link.companies):
            # Minutes may lie behind that reading, and maps that were started since are what a reset would lose.
            link = read_link(self._service, link.environment)
        plan = planned(link, wish, self._pair.label, today)
        if plan.way == "nothing":
            return link
        missing = Gap.between(wish.companies, link.companies).missing
        if missing:
            self._require_in_finops(missing)
        if plan.way == "consent missing":
            raise _without_consent(plan, wish)
        if plan.way == "by hand":
            return self._by_hand(link, wish.companies)
        self._call.progress(plan.text)
        reset = self._reset(link, wish.companies, force=plan.way == "reset")
        self._call.announce(f"the link was reset with the companies {', '.join(reset.companies)}")
        return reset

    def _require_in_finops(self, codes: Sequence[str]) -> None:
        known = {
            entity.id.upper() for entity in self._session.finance_operations(self._pair.finops_host).legal_entities()
        }
        unknown = [code for code in codes if code not in known]
        if unknown:
            raise ResourceError(
                f"F&O has no legal entity {', '.join(unknown)}, so the link cannot have it",
                next_step="Declare it under `dualwrite:companies`, which creates it, or take it off the link's list.",
            )

    def _by_hand(self, link: Link, declared: Sequence[str]) -> Link:
        gap = Gap.between(declared, link.companies)

        def poll() -> Outcome[bool]:
            nonlocal gap
            with with_documented_cure(READING):
                companies = self._service.connection_set(link.environment.cname).companies
            gap = Gap.between(declared, companies)
            if not gap:
                return Outcome.done(True)
            self._waiting.announce(gap.steps, COMPANIES_BY_HAND)
            return Outcome.pending(f"waiting for the person on the dual-write page ({gap})")

        def not_by_hand(error: OperationTimedOut) -> OperationTimedOut:
            return OperationTimedOut(
                f"the link has other companies than declared ({gap})",
                last_status=error.last_status,
                next_step=f"Nothing was changed; {gap.steps}. Then run `up` or `refresh` again, it records them.",
            )

        self._waiting.until(poll, what="companies of the link", interval=self._interval, late=not_by_hand)
        return read_link(self._service, link.environment)

    def _reset(self, link: Link, declared: Sequence[str], *, force: bool) -> Link:
        """E11, sent once. It blocks up to 300 s; when its answer is lost, the link itself tells (12.2 rule 5)."""
        lost: TransportError | None = None
        try:
            with with_documented_cure(READING):
                self._service.reset(link.environment.cid, link.details, sorted(declared), force=force)
        except TransportError as error:
            if not error.may_have_happened:
                raise
            lost = error
        seen: list[Link] = [link]

        def poll() -> Outcome[Link]:
            # The connection set may have another id now, so it is looked up anew (7.9).
            environment = look_up(self._service, self._pair.finops_host)
            if environment is None:
                return Outcome.pending("the link is being rebuilt")
            seen[0] = read_link(self._service, environment)
            gap = Gap.between(declared, seen[0].companies)
            if gap:
                return Outcome.pending(f"the link is not rebuilt yet ({gap})")
            return Outcome.pending("its maps are still there") if seen[0].initialised else Outcome.done(seen[0])

        try:
            return self._waiting.until(
                poll,
                what="reset of the link",
                interval=self._interval,
                usually="under 5 min",
                at_most=self._interval * _RESET_POLLS,
            )
        except OperationTimedOut as error:
            fate = f"its answer was lost ({lost.reason})" if lost else "the service accepted it"
            raise OperationTimedOut(
                f"the link was reset, {fate}, and still shows: {error.last_status}",
                last_status=error.last_status,
                next_step="Run `up` again: it looks at the link before it resets anything.",
            ) from error
