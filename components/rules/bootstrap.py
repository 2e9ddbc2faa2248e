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
    companies = [entry.company for entry in entries]
    yield from repeated(draft, companies, "bootstrap", member="company", advice=_ONE_ENTRY)
    yield from _not_linked(draft)
    for place, entry in enumerate(entries):
        yield from _lists(draft, place, entry)
    yield from _overlaps(list(_claims(draft)))


def _not_linked(draft: Draft) -> Iterator[Broken]:
    codes = linked(draft)
    for place, entry in enumerate(draft.stack.bootstrap):
        if codes is not None and entry.company and entry.company not in codes:
            company = draft.spelt("bootstrap", place, "company")
            reason = "is not linked, and only rows of linked companies take part in dual-write"
            yield Broken(("bootstrap", place, "company"), f"{company!r} {reason}: add it to `connection.companies`")


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
        lists = ("businessUnits", "tables")
        if entry.company and not any(draft.is_broken("bootstrap", place, name) for name in lists):
            yield _Claim(place, entry)


def _overlaps(claims: list[_Claim]) -> Iterator[Broken]:
    """Rows that two companies would claim; entries of one company are reported as such."""
    for first, second in combinations(claims, 2):
        if first.entry.company != second.entry.company:
            yield from _units_twice(first, second)
            yield from _tables_twice(first, second)


def _units_twice(first: _Claim, second: _Claim) -> Iterator[Broken]:
    if first.entry.business_units is not None and second.entry.business_units is not None:
        taken = {unit.strip().casefold() for unit in first.entry.business_units}
        for number, unit in enumerate(second.entry.business_units):
            if unit.strip().casefold() in taken:
                text = f"{unit!r} stands under {first.entry.company!r} already: its rows get one company"
                yield Broken(("bootstrap", second.place, "businessUnits", number), text)
        return
    shared = sorted((first.tables & second.tables) - WITHOUT_BUSINESS_UNIT)
    if shared:
        without, other = (second, first) if second.entry.business_units is None else (first, second)
        yield Broken(
            ("bootstrap", without.place, "businessUnits"),
            f"left out means all, and {other.entry.company!r} has rows of {', '.join(shared)} as well: "
            "say which business units belong to which company",
        )


def _tables_twice(first: _Claim, second: _Claim) -> Iterator[Broken]:
    for table in sorted(first.tables & second.tables & WITHOUT_BUSINESS_UNIT):
        reason = f"`{table}` has no business unit, so one company gets all its rows, and "
        text = f"{reason}{first.entry.company!r} does already"
        if "tables" not in second.entry.model_fields_set:
            yield Broken(("bootstrap", second.place, "tables"), f"has `{table}` by default: {text}")
            continue
        for number, name in enumerate(second.entry.tables):
            if name.casefold() == table:
                yield Broken(("bootstrap", second.place, "tables", number), text)
