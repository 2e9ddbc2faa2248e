"""What the sections about companies mean together: the list of the link, and the legal entities to create.

Sources: dual-write-semantics.md 1 (scenarios), 5 (companies), 10 (limits). Pure.
"""

from collections.abc import Iterator, Mapping

from components._findings import Finding, key, repeated
from components._raw import Raw, entries, section, text, texts, whole
from providers.catalogue.companies import AS_LINKED, BUILT_IN_COMPANY
from providers.catalogue.limits import COMPANIES_LIMIT, LIVE_COMPANIES_LIMIT


def company_rules(raw: Raw, *, initial_sync: bool) -> Iterator[Finding]:
    """Every rule about companies that these values break. `initial_sync`: whether any chosen map has one."""
    yield from _link(raw, initial_sync=initial_sync)
    yield from _legal_entities(raw)
    if section(raw, "finops").get("data") == "empty":
        yield from _only_those_created(raw)


def linked(raw: Raw) -> dict[int, str] | None:
    """The codes of the declared list by place; None when the list is not told, or not all of it is text."""
    connection = section(raw, "connection")
    declared = connection.get("companies")
    if declared is None:
        return {0: BUILT_IN_COMPANY} if section(raw, "finops").get("instance") == "new" else None
    codes = texts(connection, "companies")
    if not isinstance(declared, list) or len(codes) != len(declared):
        return None
    return {place: code.upper() for place, code in codes.items()}


def _link(raw: Raw, *, initial_sync: bool) -> Iterator[Finding]:
    connection, existing = section(raw, "connection"), section(raw, "finops").get("instance") == "existing"
    path = key("connection", "companies")
    if existing and connection.get("companies") is None and isinstance(raw.get("connection", {}), Mapping):
        yield Finding(path, f"is required with an existing F&O: the legal entities of the link, or {AS_LINKED}")
    if connection.get("companies") == []:
        alternative = f", or say {AS_LINKED}" if existing else ", or leave it out for [DAT]"
        yield Finding(path, f"is empty: name the legal entities of the link{alternative}")
    yield from repeated(texts(connection, "companies"), "connection", "companies")
    limits, count = section(raw, "limits"), len(set((linked(raw) or {}).values()))
    live = whole(limits, "liveCompanies", LIVE_COMPANIES_LIMIT)
    if count > live:
        yield Finding(path, f"has {count} companies, and live sync takes {live} at most (`limits.liveCompanies`)")
    first = whole(limits, "initialSyncCompanies", COMPANIES_LIMIT)
    if initial_sync and count > first:
        text = f"has {count} companies, and an initial sync takes {first} at most (`limits.initialSyncCompanies`)"
        yield Finding(path, f"{text}; link fewer of them, or leave `initialSync` at none")


def _legal_entities(raw: Raw) -> Iterator[Finding]:
    declared = entries(raw, "companies")
    codes = {place: code for place, entry in declared.items() if (code := text(entry, "code"))}
    yield from repeated(codes, "companies", member="code")
    names: dict[str, str] = {}
    for place, entry in declared.items():
        name, code = text(entry, "name"), text(entry, "code") or "the other entry"
        if name is None:
            continue
        holder = names.setdefault(name.strip().casefold(), code)
        if holder.upper() != code.upper():
            # semantics 5.4: names become those of business units and teams in Dataverse.
            yield Finding(
                key("companies", place, "name"),
                f"{name!r} is the name of {holder!r} too; two companies of one name break linking",
            )


def _only_those_created(raw: Raw) -> Iterator[Finding]:
    """A new F&O without data has one company; every other one must be created, for which F&O wants three things."""
    declared = {place: text(entry, "code") for place, entry in entries(raw, "companies").items()}
    created = {code.upper() for code in declared.values() if code}
    if isinstance(raw.get("companies", []), list):
        for place, code in (linked(raw) or {}).items():
            if code not in created and code != BUILT_IN_COMPANY:
                text_ = f"{code!r} does not exist in a new F&O without data: give `dualwrite:companies` an entry for it"
                yield Finding(key("connection", "companies", place), f"{text_} with code, name and country")
    for place, entry in entries(raw, "companies").items():
        if (declared[place] or BUILT_IN_COMPANY).upper() == BUILT_IN_COMPANY:
            continue
        for wanted in ("name", "country"):
            if wanted not in entry:
                yield Finding(
                    key("companies", place, wanted),
                    "is required: a new F&O without data has no such company, and asks for it at creation",
                )
