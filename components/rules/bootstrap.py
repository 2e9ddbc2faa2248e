"""What the entries of `bootstrap` mean together with each other and with the rest of the stack file.

Sources: dual-write-semantics.md 1 (a new CDS has nothing to stamp), 5.1 and 6. Which tables have a business unit is in
the metadata of Dataverse, and the provider asks it; here only what the sample program shows is known. Pure.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from components.draft import Draft
from components.findings import Broken, repeated
from components.rules.companies import linked
from components.stack import DraftBootstrap
from providers.catalogue.bootstrap_tables import WITHOUT_BUSINESS_UNIT

_ONE_ENTRY = "one entry a company: put its business units and tables together"


class _Claim(NamedTuple):
    """An entry, for the rows that it claims, and its place."""

    place: int
    entry: DraftBootstrap

    @property
    def tables(self) -> set[str]:
        """The names of its tables."""
        return {name.casefold() for name in self.entry.tables}


def bootstrap_rules(draft: Draft) -> Iterator[Broken]:
    """Every rule about bootstrap that the draft breaks."""
    entries = draft.stack.bootstrap
    if entries and draft.stack.cds.instance == "new":
        yield Broken(("bootstrap",), "a new CDS instance has no rows that lack a company; leave it out")
    yield from repeated(draft, (entry.company for entry in entries), "bootstrap", member="company", advice=_ONE_ENTRY)
    yield from _entries(draft)
    yield from _overlaps(draft)


def _entries(draft: Draft) -> Iterator[Broken]:
    """What is wrong with one entry alone."""
    for place, entry in enumerate(draft.stack.bootstrap):
        yield from _not_linked(draft, place, entry.company)
        yield from _lists(draft, place, entry)


def _not_linked(draft: Draft, place: int, company: str | None) -> Iterator[Broken]:
    codes = linked(draft)
    if company and codes is not None and company not in codes:
        spelt = draft.spelt("bootstrap", place, "company")
        reason = "is not linked, and only rows of linked companies take part in dual-write"
        yield Broken(("bootstrap", place, "company"), f"{spelt!r} {reason}: add it to `connection.companies`")


def _lists(draft: Draft, place: int, entry: DraftBootstrap) -> Iterator[Broken]:
    units, tables = ("bootstrap", place, "businessUnits"), ("bootstrap", place, "tables")
    if entry.business_units == []:
        yield Broken(units, "is empty: name at least one business unit, or leave it out for all")
    if not entry.tables:
        yield Broken(tables, "is empty: name at least one table")
    yield from repeated(draft, entry.business_units, *units)
    yield from repeated(draft, entry.tables, *tables)


def _claims(draft: Draft) -> Iterator[_Claim]:
    """What each entry claims; of one with broken lists nothing is certain."""
    for place, entry in enumerate(draft.stack.bootstrap):
        if entry.company and not _has_broken_lists(draft, place):
            yield _Claim(place, entry)


def _has_broken_lists(draft: Draft, place: int) -> bool:
    return any(draft.is_broken("bootstrap", place, name) for name in ("businessUnits", "tables"))


def _overlaps(draft: Draft) -> Iterator[Broken]:
    """Rows that two companies would claim; entries of one company are reported as such."""
    for first, second in combinations(_claims(draft), 2):
        if first.entry.company != second.entry.company:
            yield from _units_twice(first, second)
            yield from _tables_twice(first, second)


def _units_twice(first: _Claim, second: _Claim) -> Iterator[Broken]:
    """Rows of tables that have business units: each unit belongs to one company."""
    taken, units = first.entry.business_units, second.entry.business_units
    if taken is None or units is None:
        yield from _all_units(first, second)
        return
    for number in _standing_in(taken, units):
        text = f"{units[number]!r} stands under {first.entry.company!r} already: its rows get one company"
        yield Broken(("bootstrap", second.place, "businessUnits", number), text)


def _standing_in(taken: list[str], units: list[str]) -> list[int]:
    """The places of the units that are taken, whatever their case."""
    names = {unit.strip().casefold() for unit in taken}
    return [number for number, unit in enumerate(units) if unit.strip().casefold() in names]


def _all_units(first: _Claim, second: _Claim) -> Iterator[Broken]:
    """Two claims, at least one of which is for all business units, on the same tables."""
    shared = sorted((first.tables & second.tables) - WITHOUT_BUSINESS_UNIT)
    if shared:
        without, other = (second, first) if second.entry.business_units is None else (first, second)
        yield Broken(
            ("bootstrap", without.place, "businessUnits"),
            f"left out means all, and {other.entry.company!r} has rows of {', '.join(shared)} as well: "
            "say which business units belong to which company",
        )


def _tables_twice(first: _Claim, second: _Claim) -> Iterator[Broken]:
    """Tables without business unit: one company gets all their rows."""
    for table in sorted(first.tables & second.tables & WITHOUT_BUSINESS_UNIT):
        reason = f"`{table}` has no business unit, so one company gets all its rows, and "
        yield from _table_of_another(second, table, f"{reason}{first.entry.company!r} does already")


def _table_of_another(claim: _Claim, table: str, text: str) -> Iterator[Broken]:
    if "tables" not in claim.entry.model_fields_set:
        yield Broken(("bootstrap", claim.place, "tables"), f"has `{table}` by default: {text}")
        return
    for number, name in enumerate(claim.entry.tables):
        if name.casefold() == table:
            yield Broken(("bootstrap", claim.place, "tables", number), text)
