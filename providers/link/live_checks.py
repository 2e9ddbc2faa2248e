"""What the services say against a declared link while it is only planned: companies, and versions of map solutions."""

from collections.abc import Iterator, Sequence
from datetime import date

from providers.api.transport.errors import ApiError
from providers.link.companies import Gap, Wish, planned
from providers.link.model import ConnectionInputs, ConnectionPrivate, too_many
from providers.link.pair import Link, Pair
from providers.link.solutions import OwnSolutions
from providers.protocol.base import Call, Problem
from providers.protocol.findings import NOT_QUEUED
from providers.protocol.problems import NoConsent
from providers.protocol.words import amount_is


def company_problems(
    inputs: ConnectionInputs, pair: Pair, link: Link, call: Call, today: date, *, reset: bool = False
) -> Iterator[Problem]:
    """What stands against bringing the companies, or against a reset; ways that need no more consent are announced."""
    if isinstance(inputs.companies, str):
        yield from _too_many_linked(inputs, link)
    else:
        yield from unknown_companies(inputs, pair.finops_host, link.companies, call)
    plan = planned(link, wish_of(inputs, link, reset=reset), pair.label, today)
    if plan.way == "consent missing":
        yield NoConsent("reset" if reset else "companies", plan.text)
    elif plan.text:
        call.announce(plan.text, plan.finding)
    if plan.way == "reset" and link.running:
        stopped = f"{amount_is(len(link.running), 'running map')} stopped until restored"
        call.announce(f"for the reset {stopped}, and changes made in that time are not queued", NOT_QUEUED)


def wish_of(inputs: ConnectionInputs, link: Link, *, reset: bool) -> Wish:
    """What the inputs want of the companies of a link; as linked they are what they are."""
    companies = link.companies if isinstance(inputs.companies, str) else inputs.companies
    return Wish(companies, inputs.company_change, inputs.confirm, reset)


def _too_many_linked(inputs: ConnectionInputs, link: Link) -> Iterator[Problem]:
    text = too_many(len(link.companies), inputs.live_companies_limit)
    if text:
        yield Problem("companies", f"the link has {text}")


def unknown_companies(inputs: ConnectionInputs, host: str, linked: Sequence[str], call: Call) -> Iterator[Problem]:
    """Companies that F&O lacks; those that the stack itself creates come later. `linked`: those of the link, if any."""
    if isinstance(inputs.companies, str):
        return
    missing = Gap.between(inputs.companies, linked).missing
    created = {code.upper() for code in ConnectionPrivate.of(call.private).created_companies}
    if not set(missing) - created:
        return
    session = call.session(inputs.cloud, gateway=inputs.gateway)
    try:
        entities = session.finance_operations(host).legal_entities()
    except ApiError:
        return
    known = {entity.id.upper() for entity in entities}
    unknown = [code for code in missing if code not in known | created]
    if unknown:
        text = (
            f"F&O has no legal entity {', '.join(unknown)}, so the link cannot have it: declare it under "
            "`dualwrite:companies`, which creates it, or take it off the list"
        )
        yield Problem("companies", text)


def solution_problems(inputs: ConnectionInputs, pair: Pair, link: Link, call: Call) -> Iterator[Problem]:
    """Map solutions of the user's own that are older than their minimum."""
    session = call.session(inputs.cloud, gateway=inputs.gateway)
    own = OwnSolutions(session.dual_write, session.dataverse(pair.cds_host), inputs.own_solutions)
    for text in own.below_minimum(link.environment.cid):
        yield Problem("own_solutions", text)
