"""What stands against a bootstrap before the link and the company's row are there: the company, and too many rows.

dual-write-semantics.md 1.8 and 6: rows that are stamped before the maps start take part in their initial sync, and one
takes 500,000 rows a company. Reads only; what cannot be read now is asked again when the bootstrap runs. No pulumi.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from uuid import UUID

from providers.api.dataverse.client import Dataverse
from providers.api.dataverse.models import EntityDefinition
from providers.api.dual_write.models import LinkedEnvironment
from providers.api.identity.dual_write_tokens import dual_write_token_configured
from providers.api.session import Session
from providers.api.transport import odata
from providers.api.transport.errors import ApiError, NotFound
from providers.catalogue.companies import AS_LINKED
from providers.link.pair import Pair, find_pair, look_up
from providers.protocol.problems import Problem
from providers.protocol.words import CHOICES, first_names
from providers.stamping.tables import OWNING_UNIT, company_lookup, has_business_unit, unknown_table


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
    unknown = [name for name in names if name not in known]
    spelt = dataverse.table_definitions([name.lower() for name in unknown]) if unknown else {}
    tables = {name: spelt.get(name.lower()) or dataverse.entity_definition(name.lower()) for name in unknown}
    return {name: table.set_name for name, table in tables.items() if table and table.set_name}


def overwritten(dataverse: Dataverse, company: str, tables: Sequence[str], units: Sequence[str]) -> list[str]:
    """`10 accounts of USMF` for each table and other company that has rows in scope. `units`: ids, empty for all."""
    definitions = dataverse.table_definitions(tables)
    stamped = [(table, lookup) for table in definitions.values() if (lookup := company_lookup(table))]
    others = [each for each in dataverse.companies() if each.code.casefold() != company.casefold()] if stamped else []
    counted = []
    for (table, lookup), other in product(stamped, sorted(others, key=lambda each: each.code)):
        carrying = odata.equal(f"_{lookup.column}_value", UUID(other.id))
        scope = odata.all_of([carrying, *_within(table, units)])
        count = dataverse.count(table.set_name, scope, select=[table.primary_id])
        if count:
            counted.append(f"{count:,} {table.set_name} of {other.code.upper()}")
    return counted


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
        if self._link:
            linked = {code.upper() for code in self._session.dual_write.connection_set(self._link.cname).companies}
            where, known = "is not part of the link; linked are", linked
        else:
            finops = self._session.finance_operations(self._pair.finops_host)
            known = {entity.id.upper() for entity in finops.legal_entities()}
            where = "is no legal entity of F&O; it has"
        if self._company.upper() not in known:
            text = f"bootstrap of an unlinked company: {self._company} {where} {first_names(sorted(known), CHOICES)}"
            yield Problem("company", text)

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
        definitions = dataverse.table_definitions([name for name in tables if name in limits]) if limits else {}
        for name in tables:
            if name not in definitions:
                continue
            table, limit = definitions[name], limits[name]
            scope = self._scope(dataverse, table, units, overwrite=overwrite)
            if dataverse.count(name, scope, select=[table.primary_id], at_most=limit + 1) > limit:
                text = (
                    f"more than {limit:,} rows of {name} would carry {self._company} and take part in an initial sync, "
                    f"which takes {limit:,} a company at most: load both sides separately, then start the map without "
                    "initial sync (`initialSync: none`)"
                )
                yield Problem("tables", text)

    def _limits(self) -> dict[str, int]:
        """Table to the most rows of its maps that are still to be synced; one that has a project was synced before."""
        begun = set()
        if self._pending.initial_syncs and self._link:
            begun = {each.name for each in self._session.dual_write.maps(self._link.cid) if each.initialised}
        limits: dict[str, int] = {}
        for name, limit in self._pending.initial_syncs.items():
            table = name.partition(" - ")[0]
            if name not in begun:
                limits[table] = min(limit, limits.get(table, limit))
        return limits

    def _scope(
        self, dataverse: Dataverse, table: EntityDefinition, units: Sequence[str], *, overwrite: bool
    ) -> str | None:
        """The rows that would carry the company; a table whose company column is still to be installed has none yet."""
        conditions = []
        lookup = company_lookup(table)
        if lookup and not overwrite:
            column = f"_{lookup.column}_value"
            own = [UUID(each.id) for each in dataverse.companies() if each.code.casefold() == self._company.casefold()]
            conditions.append(odata.any_of(odata.equal(column, value) for value in (None, *own)))
        conditions += _within(table, units)
        return odata.all_of(conditions) if conditions else None

    def _found_link(self) -> LinkedEnvironment | None:
        if self._pair is None or not dual_write_token_configured():
            return None
        try:
            return look_up(self._session.dual_write, self._pair.finops_host)
        except ApiError:
            return None
