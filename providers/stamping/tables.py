"""What a bootstrap may touch: the company, the business units, and per table the rows in scope and the column. Pure.

Sources: dual-write-semantics.md 5.1 (the lookup of a company-specific table), 5.2, 5.4, 6.2, 12.2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from providers.api.transport import odata
from providers.protocol.problems import Problem
from providers.protocol.words import CHOICES, first_names

if TYPE_CHECKING:
    from providers.api.dataverse.models import BusinessUnit, Company, EntityDefinition, ManyToOne

COMPANY_TABLE = "cdm_company"
OWNING_UNIT = "owningbusinessunit"
# A table may refer to companies in other roles too; these columns are the company of the row itself (5.1).
_COMPANY_COLUMNS = ("msdyn_company", "msdyn_companyid", "cdm_companyid")


@dataclass(frozen=True)
class StampedTable:
    """One table of a bootstrap. `lookup`: logical name of the company column; `navigation`: its name in a write.

    `units`: ids of the business units whose rows are in scope; empty for all rows. `versioned`: ETags guard updates.
    """

    set_name: str
    primary_id: str
    lookup: str
    navigation: str
    company_id: str
    units: tuple[str, ...] = ()
    overwrite: bool = False
    versioned: bool = True

    @property
    def lacking(self) -> str:
        """The condition of the rows in scope that still have to be stamped."""
        company, column = UUID(self.company_id), f"_{self.lookup}_value"
        without = odata.equal(column, None)
        if self.overwrite:
            # Whether `ne` alone finds rows without a company is not documented.
            without = odata.any_of([without, f"{column} ne {odata.literal(company)}"])
        return self._in_scope(without)

    @property
    def carrying(self) -> str:
        """The condition of the rows in scope that carry the company."""
        return self._in_scope(odata.equal(f"_{self.lookup}_value", UUID(self.company_id)))

    @property
    def ids(self) -> tuple[str, ...]:
        """The columns that a reading needs; the version of a row comes with them."""
        return (self.primary_id,)

    @property
    def stamp(self) -> Mapping[str, Any]:
        """The only column that is written."""
        return {f"{self.navigation}@odata.bind": f"/cdm_companies({self.company_id})"}

    def among(self, row_ids: Iterable[str]) -> str:
        """The condition of those rows that still have to be stamped."""
        return odata.all_of([odata.any_of(odata.equal(self.primary_id, UUID(each)) for each in row_ids), self.lacking])

    def _in_scope(self, condition: str) -> str:
        if not self.units:
            return condition
        units = odata.any_of(odata.equal(f"_{OWNING_UNIT}_value", UUID(unit)) for unit in self.units)
        return odata.all_of([condition, units])


class Scope(NamedTuple):
    """The tables of a bootstrap in declared order, or what is wrong with the declaration."""

    tables: list[StampedTable]
    problems: list[Problem]


def find_scope(
    *,
    company: str,
    business_units: Sequence[str],
    tables: Sequence[str],
    overwrite: bool,
    companies: Sequence[Company],
    units: Sequence[BusinessUnit],
    definitions: Mapping[str, EntityDefinition],
    meant: Mapping[str, str] | None = None,
    sets: Sequence[str] = (),
) -> Scope:
    """Find what is declared in what the organization holds; all problems at once, by the input they are about.

    `meant`: the entity set of a table that is declared by another name; `sets`: all that there are, for advice.
    """
    company_id, unlinked = linked_company(company, companies)
    unit_ids, missing = known_units(business_units, units)
    usable, unusable = _tables(tables, definitions, meant or {}, sets)
    problems = [*([unlinked] if unlinked else []), *missing, *unusable]
    if problems:
        return Scope([], problems)
    stamped = [_stamped(table, lookup, company_id, unit_ids, overwrite=overwrite) for table, lookup in usable]
    return Scope(stamped, [])


def _stamped(
    table: EntityDefinition, lookup: ManyToOne, company_id: str, units: Iterable[str], *, overwrite: bool
) -> StampedTable:
    return StampedTable(
        set_name=table.set_name,
        primary_id=table.primary_id,
        lookup=lookup.column,
        navigation=lookup.navigation,
        company_id=company_id,
        units=tuple(units) if has_business_unit(table) else (),
        overwrite=overwrite,
        versioned=table.versioned,
    )


def linked_company(code: str, companies: Sequence[Company]) -> tuple[str, Problem | None]:
    """The id of the company's row; or why no row may be stamped with it."""
    rows = [each for each in companies if each.code.casefold() == code.casefold()]
    if len(rows) > 1:
        return "", Problem("company", f"{len(rows)} companies of the link have the code {code}; delete the wrong one")
    if rows and rows[0].enabled:
        return rows[0].id, None
    reason = "is not enabled for dual-write" if rows else "is not part of the link"
    return "", _unlinked(code, reason, companies)


def _unlinked(code: str, reason: str, companies: Sequence[Company]) -> Problem:
    linked = first_names(sorted({each.code.upper() for each in companies if each.enabled}), CHOICES)
    return Problem("company", f"bootstrap of an unlinked company: {code} {reason}; linked are {linked}")


def known_units(
    names: Sequence[str], units: Sequence[BusinessUnit], *, coming: str = ""
) -> tuple[list[str], list[Problem]]:
    """The ids of the business units with these names, case-blind; and a problem for each name that nothing has.

    `coming`: a name that may be missing yet.
    """
    ids, problems = [], []
    for name in names:
        called_so = [unit.id for unit in units if unit.name.casefold() == name.casefold()]
        ids += called_so
        if not called_so and name.casefold() != coming.casefold():
            problems.append(_unknown_unit(name, units))
    return ids, problems


def _unknown_unit(name: str, units: Sequence[BusinessUnit]) -> Problem:
    known = first_names(sorted(unit.name for unit in units), CHOICES)
    return Problem("business_units", f"no business unit is called '{name}'; known are {known}")


def company_lookup(table: EntityDefinition) -> ManyToOne | None:
    """The lookup that makes a table company-specific: a documented one, else the only one.

    None for a table that has no company, or several without a word on which of them is the row's own.
    """
    lookups = {each.column: each for each in table.lookups if each.refers_to == COMPANY_TABLE}
    for column in _COMPANY_COLUMNS:
        if column in lookups:
            return lookups[column]
    return next(iter(lookups.values())) if len(lookups) == 1 else None


def has_business_unit(table: EntityDefinition) -> bool:
    """Whether the rows of a table are owned within a business unit."""
    return any(attribute.logical_name == OWNING_UNIT for attribute in table.attributes)


def _tables(
    names: Sequence[str], definitions: Mapping[str, EntityDefinition], meant: Mapping[str, str], sets: Sequence[str]
) -> tuple[list[tuple[EntityDefinition, ManyToOne]], list[Problem]]:
    found: list[tuple[EntityDefinition, ManyToOne]] = []
    problems: list[Problem] = []
    for place, name in enumerate(names):
        table = definitions.get(name)
        lookup = company_lookup(table) if table else None
        if table and lookup:
            found.append((table, lookup))
        elif table:
            problems.append(Problem(f"tables[{place}]", f"'{name}' {_why_not(table)}"))
        else:
            problems.append(unknown_table(place, name, meant.get(name), sets))
    return found, problems


def unknown_table(place: int, name: str, meant: str | None, sets: Sequence[str] = ()) -> Problem:
    """Against a name that no entity set has; `meant` is the one of the table that is called so otherwise."""
    close = difflib.get_close_matches(name.lower(), sets, n=1)
    advice = f"; did you mean `{close[0]}`?" if close else ""
    if meant:
        advice = f": a table is named by its entity set, here `{meant}`"
    return Problem(f"tables[{place}]", f"'{name}' is no entity set of this environment{advice}")


def _why_not(table: EntityDefinition) -> str:
    columns = [each.column for each in table.lookups if each.refers_to == COMPANY_TABLE]
    if not columns:
        return "has no lookup to a company"
    return (
        f"has several lookups to a company, and nothing says which is that of its rows: {first_names(columns, CHOICES)}"
    )
