"""What the entries of `bootstrap` mean together with each other and with the rest of the stack file.

Sources: dual-write-semantics.md 1 (a new CDS has nothing to stamp), 5.1 and 6. Which tables have a business unit is in
the metadata of Dataverse, and the provider asks it; here only what the sample program shows is known. Pure.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from components._company_rules import linked
from components._findings import Finding, key, repeated
from components._raw import Raw, entries, section, text, texts
from providers.catalogue.bootstrap_tables import DEFAULT_TABLES, WITHOUT_BUSINESS_UNIT

_ONE_ENTRY = "one entry a company: put its business units and tables together"


class _Entry(NamedTuple):
    """One entry. `units`: business units by place, None for all; `tables`: by place, None where the default counts."""

    place: int
    company: str
    units: dict[int, str] | None
    own_tables: dict[int, str] | None

    @property
    def tables(self) -> set[str]:
        """The names of its tables."""
        names = DEFAULT_TABLES if self.own_tables is None else self.own_tables.values()
        return {name.casefold() for name in names}


def bootstrap_rules(raw: Raw) -> Iterator[Finding]:
    """Every rule about bootstrap that these values break."""
    values = entries(raw, "bootstrap")
    if values and section(raw, "cds").get("instance") == "new":
        yield Finding(key("bootstrap"), "a new CDS instance has no rows that lack a company; leave it out")
    companies = {place: company for place, entry in values.items() if (company := text(entry, "company"))}
    yield from repeated(companies, "bootstrap", member="company", advice=_ONE_ENTRY)
    codes = linked(raw)
    for place, company in companies.items():
        if codes is not None and company.upper() not in codes.values():
            reason = "is not linked, and only rows of linked companies take part in dual-write"
            yield Finding(key("bootstrap", place, "company"), f"{company!r} {reason}: add it to `connection.companies`")
    for place, entry in values.items():
        for name, noun in (("businessUnits", "business unit, or leave it out for all"), ("tables", "table")):
            if entry.get(name) == []:
                yield Finding(key("bootstrap", place, name), f"is empty: name at least one {noun}")
            yield from repeated(texts(entry, name), "bootstrap", place, name)
    yield from _overlaps([_entry(place, company, values[place]) for place, company in companies.items()])


def _entry(place: int, company: str, values: Raw) -> _Entry:
    units = texts(values, "businessUnits") if "businessUnits" in values else None
    tables = texts(values, "tables") if "tables" in values else None
    return _Entry(place, company.upper(), units, tables)


def _overlaps(entries_: list[_Entry]) -> Iterator[Finding]:
    """Rows that two companies would claim; entries of one company are reported as such."""
    for first, second in combinations(entries_, 2):
        if first.company != second.company:
            yield from _units_twice(first, second)
            yield from _tables_twice(first, second)


def _units_twice(first: _Entry, second: _Entry) -> Iterator[Finding]:
    if first.units is not None and second.units is not None:
        taken = {unit.strip().casefold() for unit in first.units.values()}
        for place, unit in second.units.items():
            if unit.strip().casefold() in taken:
                text_ = f"{unit!r} stands under {first.company!r} already: its rows get one company"
                yield Finding(key("bootstrap", second.place, "businessUnits", place), text_)
        return
    shared = sorted((first.tables & second.tables) - WITHOUT_BUSINESS_UNIT)
    if shared:
        without, other = (second, first) if second.units is None else (first, second)
        yield Finding(
            key("bootstrap", without.place, "businessUnits"),
            f"left out means all, and {other.company!r} has rows of {', '.join(shared)} as well: "
            "say which business units belong to which company",
        )


def _tables_twice(first: _Entry, second: _Entry) -> Iterator[Finding]:
    for table in sorted(first.tables & second.tables & WITHOUT_BUSINESS_UNIT):
        text_ = f"`{table}` has no business unit, so one company gets all its rows, and {first.company!r} does already"
        if second.own_tables is None:
            yield Finding(key("bootstrap", second.place, "tables"), f"has `{table}` by default: {text_}")
        for place, name in (second.own_tables or {}).items():
            if name.casefold() == table:
                yield Finding(key("bootstrap", second.place, "tables", place), text_)
