"""What stands against a bootstrap before the link and the company's row are there: the company, and too many rows.

dual-write-semantics.md 1.8 and 6: rows that are stamped before the maps start take part in their initial sync, and one
takes 500,000 rows a company. Reads only; what cannot be read now is asked again when the bootstrap runs. No pulumi.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING
from uuid import UUID

from providers.api.identity.dual_write_sources import dual_write_token_configured
from providers.api.transport import odata
from providers.api.transport.errors import ApiError, NotFound
from providers.catalogue.companies import AS_LINKED
from providers.link.pair import Pair, find_pair, look_up
from providers.protocol.problems import Problem
from providers.protocol.words import CHOICES, first_names
from providers.stamping.tables import OWNING_UNIT, company_lookup, has_business_unit, unknown_table

if TYPE_CHECKING:
    from providers.api.dataverse.client import Dataverse
    from providers.api.dataverse.models import Company, EntityDefinition
    from providers.api.dual_write.models import LinkedEnvironment
    from providers.api.session import Session


@dataclass(frozen=True)
class Pending:
    """What the rest of the stack says about a bootstrap that is only planned.

    `finops`: the address of an existing F&O; `companies`: those that the link shall have, or `as-linked`;
    `initial_syncs`: the most rows that the initial sync of each map takes, for a bootstrap that comes before them.
    """

    finops: str | None = None
    companies: Sequence[str] | str = ()
    initial_syncs: Mapping[str, int] = field(default_factory=dict)


def entity_sets(dataverse: Dataverse, names: Sequence[str], known: Mapping[str, EntityDefinition]) -> dict[str, str]:
    """The entity set of each table that is called by its logical name, or in another case. Known names are left."""
    unknown = {name: name.lower() for name in names if name not in known}
    if not unknown:
        return {}
    by_set = dataverse.table_definitions(list(unknown.values()))
    tables = {name: by_set.get(lower) or dataverse.entity_definition(lower) for name, lower in unknown.items()}
    return {name: table.set_name for name, table in tables.items() if table and table.set_name}


def overwritten(dataverse: Dataverse, company: str, tables: Sequence[str], units: Sequence[str]) -> list[str]:
    """`10 accounts of USMF` for each table and other company that has rows in scope. `units`: ids, empty for all."""
    definitions = dataverse.table_definitions(tables)
    stamped = [(table, lookup) for table in definitions.values() if (lookup := company_lookup(table))]
    counted = []
    for (table, lookup), other in product(stamped, _others(dataverse, company) if stamped else ()):
        carrying = odata.equal(f"_{lookup.column}_value", UUID(other.id))
        scope = odata.all_of([carrying, *_within(table, units)])
        count = dataverse.count(table.set_name, scope, select=[table.primary_id])
        if count:
            counted.append(f"{count:,} {table.set_name} of {other.code.upper()}")
    return counted


def _others(dataverse: Dataverse, company: str) -> list[Company]:
    others = [each for each in dataverse.companies() if each.code.casefold() != company.casefold()]
    return sorted(others, key=lambda each: each.code)


def _within(table: EntityDefinition, units: Sequence[str]) -> list[str]:
    """The condition of the rows of these business units; none for a table without, and for all units."""
    if not units or not has_business_unit(table):
        return []
    return [odata.any_of(odata.equal(f"_{OWNING_UNIT}_value", UUID(unit)) for unit in units)]


class PlannedBootstrap:
    """One bootstrap as a preview sees it. `units`: ids of the business units in scope, empty for all rows."""

    def __init__(self, session: Session, cds: str, company: str, pending: Pending) -> None:
        self._session = session
        self._company = company
        self._pending = pending
        try:
            self._pair: Pair | None = find_pair(session, cds, pending.finops, fresh=False)
        except NotFound:
            self._pair = None
        self._link = self._found_link()

    def company_problems(self) -> Iterator[Problem]:
        """With companies as linked: one that is not part of the link, or that F&O does not have while there is none."""
        if self._pending.companies != AS_LINKED or self._pair is None:
            return
        codes, where = self._known_companies(self._pair)
        known = sorted({code.upper() for code in codes})
        if self._company.upper() not in known:
            text = f"bootstrap of an unlinked company: {self._company} {where} {first_names(known, CHOICES)}"
            yield Problem("company", text)

    def _known_companies(self, pair: Pair) -> tuple[list[str], str]:
        """The companies of the link, or of F&O while there is none; and what to say of another one."""
        if self._link:
            codes = self._session.dual_write.connection_set(self._link.cname).companies
            return list(codes), "is not part of the link; linked are"
        entities = self._session.finance_operations(pair.finops_host).legal_entities()
        return [entity.id for entity in entities], "is no legal entity of F&O; it has"

    def table_problems(self, dataverse: Dataverse, tables: Sequence[str]) -> Iterator[Problem]:
        """Tables by another name than that of their entity set; one that is not there may come with a package."""
        meant = entity_sets(dataverse, tables, dataverse.table_definitions(tables))
        for place, name in enumerate(tables):
            if name in meant:
                yield unknown_table(place, name, meant[name])

    def row_problems(
        self, dataverse: Dataverse, tables: Sequence[str], units: Sequence[str], *, overwrite: bool
    ) -> Iterator[Problem]:
        """One for each table that would have more rows of the company than the initial sync of its map takes."""
        limits = self._limits()
        limited = [name for name in tables if name in limits]
        definitions = dataverse.table_definitions(limited) if limits else {}
        for name in (name for name in limited if name in definitions):
            table, limit = definitions[name], limits[name]
            scope = self._scope(dataverse, table, units, overwrite=overwrite)
            if dataverse.count(name, scope, select=[table.primary_id], at_most=limit + 1) > limit:
                yield self._too_many_rows(name, limit)

    def _too_many_rows(self, table: str, limit: int) -> Problem:
        text = (
            f"more than {limit:,} rows of {table} would carry {self._company} and take part in an initial sync, "
            f"which takes {limit:,} a company at most: load both sides separately, then start the map without "
            "initial sync (`initialSync: none`)"
        )
        return Problem("tables", text)

    def _limits(self) -> dict[str, int]:
        """Table to the most rows of its maps that are still to be synced; one that has a project was synced before."""
        limits: dict[str, int] = {}
        begun = self._begun() if self._pending.initial_syncs else frozenset()
        for name, limit in self._pending.initial_syncs.items():
            table = name.partition(" - ")[0]
            if name not in begun:
                limits[table] = min(limit, limits.get(table, limit))
        return limits

    def _begun(self) -> frozenset[str]:
        """Maps that have a project."""
        if self._link is None:
            return frozenset()
        return frozenset(each.name for each in self._session.dual_write.maps(self._link.cid) if each.initialised)

    def _scope(
        self, dataverse: Dataverse, table: EntityDefinition, units: Sequence[str], *, overwrite: bool
    ) -> str | None:
        """The rows that would carry the company; a table whose company column is still to be installed has none yet."""
        conditions = _within(table, units)
        lookup = company_lookup(table)
        if lookup and not overwrite:
            conditions.insert(0, self._empty_or_own(dataverse, f"_{lookup.column}_value"))
        return odata.all_of(conditions) if conditions else None

    def _empty_or_own(self, dataverse: Dataverse, column: str) -> str:
        own = [UUID(each.id) for each in dataverse.companies() if each.code.casefold() == self._company.casefold()]
        return odata.any_of(odata.equal(column, value) for value in (None, *own))

    def _found_link(self) -> LinkedEnvironment | None:
        if self._pair is None or not dual_write_token_configured():
            return None
        try:
            return look_up(self._session.dual_write, self._pair.finops_host)
        except ApiError:
            return None
