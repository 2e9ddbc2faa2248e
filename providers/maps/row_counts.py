"""Row counts before an initial sync: what the documented volume matrix forbids is refused while it is still a plan.

dual-write-semantics.md 1.8 and 8: an initial sync takes 500,000 rows a company and run, and 70,000 from Dataverse into
a table that is imported in one thread. One count for each table and side; only beyond the limit company by company.
No pulumi.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from providers.api.transport.errors import ApiError, InvalidRequest, NotFound
from providers.catalogue.selection import StandardMap, standard
from providers.maps.model import Limits
from providers.stamping.tables import company_lookup

if TYPE_CHECKING:
    from providers.api.dataverse.client import Dataverse
    from providers.api.dataverse.models import EntityDefinition
    from providers.api.finance_operations.client import FinanceOperations

FEWER_COMPANIES = "Link fewer companies, or start the maps without initial sync (`initialSync: none`)."
_AT_ONCE = 8
# Table sets named in one query of definitions, whose URL would grow too long with all.
_DEFINITIONS = 20
_REMARK = re.compile(r"\s*\([^)]*\)$")
_PLURAL = re.compile(r"(?<![isu])s$")
_VERSION = re.compile(r"(.*?)(V\d+|)")


class Excess(NamedTuple):
    """A map with too many rows for an initial sync."""

    map: str
    text: str


class Volumes(NamedTuple):
    """What was counted: the maps that are too large, and those whose rows could not be counted on both sides."""

    excesses: tuple[Excess, ...] = ()
    not_checked: tuple[str, ...] = ()


class _Side(NamedTuple):
    """One count to make, for one map: of a set of one side, which may be spelt in several ways."""

    map: StandardMap
    spellings: Sequence[str]
    limit: int
    excess: Callable[[_Side, str], str | None]


def too_many_companies(count: int, limit: int) -> str:
    """The refusal of an initial sync of more companies than one takes (semantics 10)."""
    return f"{count} companies are linked, and an initial sync takes {limit} at most"


def finops_sets(entity: str) -> list[str]:
    """Names that the OData set of an F&O entity may have, likelier first: the label in one word, in plural (assumed).

    `Customer groups` is `CustomerGroups`, `Main account` is `MainAccounts` or else `MainAccount`.
    """
    words = re.split(r"[\s-]+", _REMARK.sub("", entity))
    label = "".join(word[:1].upper() + word[1:] for word in words)
    noun, version = _VERSION.fullmatch(label).groups()  # type: ignore[union-attr]  # matches every text
    return [label] if _PLURAL.search(noun) else [f"{_plural(noun)}{version}", label]


def _plural(noun: str) -> str:
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(s|x|ch|sh)$", noun) else f"{noun}s"


class RowCounts:
    """Counts for the maps of one pair. `companies`: the linked ones, by code; none known = all that there are.

    A side that is None is not there yet and has no rows.
    """

    def __init__(
        self, cds: Dataverse | None, finops: FinanceOperations | None, companies: Sequence[str], limits: Limits
    ) -> None:
        self._cds = cds
        self._finops = finops
        self._companies = [company.upper() for company in companies]
        self._limits = limits
        self._tables: dict[str, EntityDefinition] = {}

    def volumes(self, maps: Iterable[str]) -> Volumes:
        """Count both sides of these maps, several sets at a time."""
        entries = [_entry(name) for name in maps]
        unread = set(self._read_tables({entry.table for entry in entries}))
        not_checked = {entry.name for entry in entries if entry.table in unread}
        sides = [side for entry in entries for side in self._sides(entry)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            answers = list(zip(sides, pool.map(_checked, sides), strict=True))
        not_checked |= {side.map.name for side, answer in answers if isinstance(answer, ApiError)}
        excesses = [
            Excess(side.map.name, f"{answer}. {_plan(side.limit)}")
            for side, answer in answers
            if answer and not isinstance(answer, ApiError)
        ]
        return Volumes(tuple(excesses), tuple(sorted(not_checked)))

    def _sides(self, entry: StandardMap) -> Iterable[_Side]:
        if self._finops:
            excess = partial(self._finops_excess, self._finops)
            yield _Side(entry, finops_sets(entry.entity), self._limits.rows, excess)
        if self._cds and entry.table in self._tables:
            limit = min(self._limits) if entry.single_threaded else self._limits.rows
            yield _Side(entry, [entry.table], limit, partial(self._cds_excess, self._cds))

    def _read_tables(self, sets: Iterable[str]) -> list[str]:
        """Read the definitions of these table sets; those that cannot be read. An absent table has no rows."""
        if self._cds is None:
            return []
        names = sorted(sets)
        unread = []
        for start in range(0, len(names), _DEFINITIONS):
            part = names[start : start + _DEFINITIONS]
            try:
                self._tables |= self._cds.table_definitions(part)
            except ApiError:
                unread += part
        return unread

    def _finops_excess(self, finops: FinanceOperations, side: _Side, entity_set: str) -> str | None:
        total = finops.count(entity_set)
        if total <= side.limit:
            return None
        if side.map.company_specific is not False:
            try:
                return self._finops_company(finops, side, entity_set)
            except InvalidRequest:
                # No `dataAreaId`: the entity is shared by all companies.
                pass
        return f"has {total:,} rows in F&O"

    def _finops_company(self, finops: FinanceOperations, side: _Side, entity_set: str) -> str | None:
        for company in self._companies or [each.id.upper() for each in finops.legal_entities()]:
            count = finops.count(entity_set, f"dataAreaId eq '{company.lower()}'")
            if count > side.limit:
                return f"has {count:,} rows of {company} in F&O"
        return None

    def _cds_excess(self, cds: Dataverse, side: _Side, entity_set: str) -> str | None:
        table = self._tables[entity_set]
        enough = side.limit + 1
        if cds.count(entity_set, select=[table.primary_id], at_most=enough) < enough:
            return None
        lookup = company_lookup(table)
        company = self._cds_company(cds, side, table.primary_id, f"_{lookup.column}_value") if lookup else ""
        if company is None:
            return None
        single = " and is imported in one thread" if side.map.single_threaded else ""
        return f"has more than {side.limit:,} rows{f' of {company}' if company else ''} in CDS{single}"

    def _cds_company(self, cds: Dataverse, side: _Side, key: str, column: str) -> str | None:
        """The first linked company with too many rows. Rows without a company take no part (semantics 5.1)."""
        codes = {each.id.casefold(): each.code.upper() for each in cds.companies()}
        wanted = set(self._companies) or set(codes.values())
        counted: Counter[str] = Counter()
        for page in cds.pages(side.map.table, select=[key, column]):
            counted.update(codes.get(str(row.get(column)).casefold(), "") for row in page.rows)
            for company in sorted(wanted):
                if counted[company] > side.limit:
                    return company
        return None


def _checked(side: _Side) -> str | ApiError | None:
    failure: ApiError | None = None
    for entity_set in side.spellings:
        try:
            return side.excess(side, entity_set)
        except NotFound as error:
            failure = error
        except ApiError as error:
            # Not readable yet, or too busy: what cannot be counted is not refused.
            return error
    return failure


def _entry(name: str) -> StandardMap:
    """The catalogue's map, or what the name of another one says: `<Dataverse table> - <F&O entity>`."""
    known: Mapping[str, StandardMap] = standard().maps
    table, _, entity = name.partition(" - ")
    return known.get(name) or StandardMap(table, entity, ())


def _plan(limit: int) -> str:
    """The plan that the documents give instead (semantics 1.8)."""
    return (
        f"An initial sync takes {limit:,} a company at most: load both sides separately, "
        "then start the map without initial sync (`initialSync: none`)"
    )
