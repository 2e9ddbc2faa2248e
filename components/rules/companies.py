"""What the sections about companies mean together: the list of the link, and the legal entities to create.

Sources: dual-write-semantics.md 1 (scenarios), 5 (companies), 10 (limits). Pure.
"""

from collections.abc import Iterator

from components.draft import Draft
from components.findings import Broken, repeated
from components.rules.maps import has_initial_sync
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
    declared, existing = draft.stack.connection.companies, draft.stack.finops.instance == "existing"
    if existing and declared is None and not draft.is_broken("connection"):
        yield Broken(_LIST, f"is required with an existing F&O: the legal entities of the link, or {AS_LINKED}")
    if declared == []:
        alternative = f", or say {AS_LINKED}" if existing else ", or leave it out for [DAT]"
        yield Broken(_LIST, f"is empty: name the legal entities of the link{alternative}")
    if isinstance(declared, list):
        yield from repeated(draft, declared, *_LIST)
    yield from _limits(draft, len(set(linked(draft) or [])))


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
    yield from repeated(draft, [entry.code for entry in declared], "companies", member="code")
    places: dict[str, int] = {}
    for place, entry in enumerate(declared):
        if entry.name is None:
            continue
        first = places.setdefault(entry.name.strip().casefold(), place)
        if declared[first].code != entry.code:
            # semantics 5.4: names become those of business units and teams in Dataverse.
            holder = draft.spelt("companies", first, "code") if declared[first].code else "the other entry"
            text = f"{entry.name!r} is the name of {holder!r} too; two companies of one name break linking"
            yield Broken(("companies", place, "name"), text)


def _only_those_created(draft: Draft) -> Iterator[Broken]:
    """A new F&O without data has one company; every other one must be created, for which F&O wants three things."""
    created = {entry.code for entry in draft.stack.companies} | {BUILT_IN_COMPANY}
    if not draft.is_broken("companies"):
        for place, code in enumerate(linked(draft) or []):
            if code not in created:
                text = f"{code!r} does not exist in a new F&O without data: give `dualwrite:companies` an entry for it"
                yield Broken((*_LIST, place), f"{text} with code, name and country")
    for place, entry in enumerate(draft.stack.companies):
        if entry.code in (None, BUILT_IN_COMPANY):
            continue
        for wanted, value in (("name", entry.name), ("country", entry.country)):
            if value is None:
                yield Broken(
                    ("companies", place, wanted),
                    "is required: a new F&O without data has no such company, and asks for it at creation",
                )
