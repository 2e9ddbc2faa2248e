"""What the sections about companies mean together: the list of the link, and the legal entities to create.

Sources: dual-write-semantics.md 1 (scenarios), 5 (companies), 10 (limits). Pure.
"""

from collections.abc import Iterator, Sequence

from components.draft import Draft
from components.findings import Broken, repeated
from components.rules.maps import has_initial_sync
from components.stack import DraftLegalEntity
from providers.catalogue.companies import AS_LINKED, BUILT_IN_COMPANY

_LIST = ("connection", "companies")


def company_rules(draft: Draft) -> Iterator[Broken]:
    """Every rule about companies that the draft breaks."""
    yield from _link(draft)
    yield from _legal_entities(draft)
    if draft.stack.finops.data == "empty":
        yield from _only_those_created(draft)


def linked(draft: Draft) -> list[str] | None:
    """The codes of the declared list; None when the list is not told, or not all of it is right."""
    declared = draft.stack.connection.companies
    if declared is None and draft.stack.finops.instance == "new":
        declared = [BUILT_IN_COMPANY]
    return declared if isinstance(declared, list) and not draft.is_broken(*_LIST) else None


def _link(draft: Draft) -> Iterator[Broken]:
    yield from _no_list(draft)
    declared = draft.stack.connection.companies
    if isinstance(declared, list):
        yield from repeated(draft, declared, *_LIST)
    yield from _limits(draft, len(set(linked(draft) or [])))


def _no_list(draft: Draft) -> Iterator[Broken]:
    """A list that is left out though nothing else tells the companies, or that is empty."""
    declared, existing = draft.stack.connection.companies, draft.stack.finops.instance == "existing"
    if existing and declared is None and not draft.is_broken("connection"):
        yield Broken(_LIST, f"is required with an existing F&O: the legal entities of the link, or {AS_LINKED}")
    if declared == []:
        alternative = f", or say {AS_LINKED}" if existing else ", or leave it out for [DAT]"
        yield Broken(_LIST, f"is empty: name the legal entities of the link{alternative}")


def _limits(draft: Draft, count: int) -> Iterator[Broken]:
    """More companies than live sync takes, or an initial sync."""
    limits = draft.stack.limits
    if count > limits.live_companies:
        text = f"has {count} companies, and live sync takes {limits.live_companies} at most (`limits.liveCompanies`)"
        yield Broken(_LIST, text)
    first = limits.initial_sync_companies
    if count > first and has_initial_sync(draft.stack.maps):
        text = f"has {count} companies, and an initial sync takes {first} at most (`limits.initialSyncCompanies`)"
        yield Broken(_LIST, f"{text}; link fewer of them, or leave `initialSync` at none")


def _legal_entities(draft: Draft) -> Iterator[Broken]:
    declared = draft.stack.companies
    yield from repeated(draft, (entry.code for entry in declared), "companies", member="code")
    for place, first in _names_twice(declared):
        if declared[first].code != declared[place].code:
            # semantics 5.4: names become those of business units and teams in Dataverse.
            other = draft.spelt("companies", first, "code") if declared[first].code else "the other entry"
            text = f"{declared[place].name!r} is the name of {other!r} too; two companies of one name break linking"
            yield Broken(("companies", place, "name"), text)


def _names_twice(declared: Sequence[DraftLegalEntity]) -> Iterator[tuple[int, int]]:
    """Each entry whose name stands before it already, and the first one of that name."""
    places: dict[str, int] = {}
    for place, entry in enumerate(declared):
        if entry.name is not None:
            first = places.setdefault(entry.name.strip().casefold(), place)
            if first != place:
                yield place, first


def _only_those_created(draft: Draft) -> Iterator[Broken]:
    """A new F&O without data has one company; every other one must be created, for which F&O wants three things."""
    if not draft.is_broken("companies"):
        yield from _not_created(draft)
    for place, entry in enumerate(draft.stack.companies):
        if entry.code not in (None, BUILT_IN_COMPANY):
            yield from _incomplete(place, entry)


def _not_created(draft: Draft) -> Iterator[Broken]:
    created = {entry.code for entry in draft.stack.companies} | {BUILT_IN_COMPANY}
    for place, code in enumerate(linked(draft) or []):
        if code not in created:
            text = f"{code!r} does not exist in a new F&O without data: give `dualwrite:companies` an entry for it"
            yield Broken((*_LIST, place), f"{text} with code, name and country")


def _incomplete(place: int, entry: DraftLegalEntity) -> Iterator[Broken]:
    for wanted, value in (("name", entry.name), ("country", entry.country)):
        if value is None:
            text = "is required: a new F&O without data has no such company, and asks for it at creation"
            yield Broken(("companies", place, wanted), text)
