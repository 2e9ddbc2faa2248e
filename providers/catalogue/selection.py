"""The catalogue of standard maps, and which of them a stack gets.

Read from the package's own `data/standard_maps.csv` (213 maps; its `source` column says where each row is from).
Everything is decided offline: areas, prerequisites, maps that exclude each other, and the packages and map
solutions that follow. Pure: nothing here contacts anything.
"""

import csv
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple

from providers.catalogue.areas import AREA_NAMES, listed_area, packages_for, solutions_for
from providers.protocol.words import quoted_names

ALL = "all"
Prerequisites = Literal["add", "strict"]

# dual-write-semantics.md 8: the tables that initial sync imports in one thread. The list names F&O entities
# ("Employment", "Position worker assignments"); that it means every map of those two tables is assumed.
_SINGLE_THREADED = frozenset(
    {
        "Customers V3",
        "Employment detail",
        "Employment per company",
        "Modes of delivery",
        "Position worker assignments",
        "Position worker assignments V2",
        "Product categories",
        "Sales tax codes",
        "Vendors V2",
        "Warehouse locations",
        "Warehouses",
    }
)
_COMPANY_SPECIFIC: Mapping[str, bool | None] = {"yes": True, "no": False, "unknown": None}
# The list gives only the display name of some human-resources tables and says so in brackets.
_REMARK = " (display name;"


class Finding(NamedTuple):
    """Something wrong with a choice of maps: the key below `maps`, what would be right, the place in the list."""

    key: Literal["include", "exclude"]
    text: str
    place: int | None = None

    @property
    def path(self) -> str:
        """The key as the user wrote it: `include[1]`."""
        return self.key if self.place is None else f"{self.key}[{self.place}]"


class StandardMap(NamedTuple):
    """One standard map. `areas` names every area that lists it; the first one's solution carries it."""

    table: str
    entity: str
    areas: tuple[str, ...]
    needs: tuple[str, ...] = ()
    company_specific: bool | None = None

    @property
    def name(self) -> str:
        """The map's name in the service: `<Dataverse table> - <F&O entity>` (dual-write-management-api.md, tName)."""
        return f"{self.table} - {self.entity}"

    @property
    def carried_by(self) -> str:
        """The area whose map solution brings the map."""
        return self.areas[0]

    @property
    def single_threaded(self) -> bool:
        """Whether initial sync imports the table in one thread (70,000 rows at most instead of 500,000)."""
        return self.entity in _SINGLE_THREADED


class Exclusion(NamedTuple):
    """Maps that cannot run together: one of `keeps` in the final set drops every one of `drops`."""

    keeps: frozenset[str]
    drops: frozenset[str]
    reason: str


class Dropped(NamedTuple):
    """A map that was asked for or needed and is left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Selection:
    """The maps of a stack, by name in alphabetical order, with what follows from them."""

    maps: tuple[str, ...] = ()
    prerequisites_added: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    packages: tuple[str, ...] = ()
    solutions: tuple[str, ...] = ()
    problems: tuple[Finding, ...] = field(default=())

    def with_custom(self, names: Iterable[str]) -> "Selection":
        """With maps outside the catalogue as well: nothing follows from them, the link tells whether it has them."""
        return replace(self, maps=tuple(sorted({*self.maps, *names})))


@dataclass(frozen=True)
class Catalogue:
    """A list of maps by name, and the table of those that exclude each other."""

    maps: Mapping[str, StandardMap]
    exclusions: tuple[Exclusion, ...] = ()

    def choose(
        self, include: Sequence[str], exclude: Sequence[str] = (), prerequisites: Prerequisites = "add"
    ) -> Selection:
        """The maps that areas, map names and `all` stand for, closed under prerequisites; see `Selection`."""
        problems = [*self._unknown("include", include), *self._unknown("exclude", exclude)]
        problems += self._named_against_each_other(include, exclude)
        unwanted = self._expand(exclude)
        asked = self._expand(include) - unwanted
        closed = self._closed(asked, unwanted)
        dropped = self._dropped(closed)
        final = closed - dropped.keys()
        problems += self._excluded_but_needed(final, unwanted)
        if prerequisites == "strict":
            problems += self._missing(final, asked)
        if not final and not problems:
            problems.append(Finding("include", "leaves no map; name an area, a map, or all"))
        carriers = {self.maps[name].carried_by for name in final}
        return Selection(
            maps=tuple(sorted(final)),
            prerequisites_added=tuple(sorted(final - asked)),
            dropped=tuple(Dropped(name, dropped[name]) for name in sorted(dropped)),
            packages=packages_for(carriers),
            solutions=solutions_for(carriers),
            problems=tuple(problems),
        )

    def advice(self, text: str) -> str:
        """What an unknown area or map name may have meant."""
        same_entity = [name for name, entry in self.maps.items() if entry.entity.casefold() == text.casefold()]
        close = same_entity or self._alike(text)
        if close:
            return "did you mean " + " or ".join(repr(name) for name in close) + "?"
        return f"areas are {', '.join(AREA_NAMES)}; a map is named '<Dataverse table> - <F&O entity>'"

    def _expand(self, chosen: Iterable[str]) -> frozenset[str]:
        names: set[str] = set()
        for item in chosen:
            if item in self.maps:
                names.add(item)
            else:
                names.update(name for name, entry in self.maps.items() if item == ALL or item in entry.areas)
        return frozenset(names)

    def _closed(self, asked: frozenset[str], unwanted: frozenset[str]) -> frozenset[str]:
        found: set[str] = set()
        waiting = list(asked)
        while waiting:
            name = waiting.pop()
            if name not in found and name not in unwanted:
                found.add(name)
                waiting += self.maps[name].needs
        return frozenset(found)

    def _dropped(self, names: frozenset[str]) -> dict[str, str]:
        return {
            name: exclusion.reason
            for exclusion in self.exclusions
            if exclusion.keeps & names
            for name in exclusion.drops & names
        }

    def _replaced(self, names: frozenset[str]) -> frozenset[str]:
        """Maps that an exclusion would drop from this set: nobody has to miss them."""
        return frozenset(name for exclusion in self.exclusions if exclusion.keeps & names for name in exclusion.drops)

    def _unknown(self, key: Literal["include", "exclude"], chosen: Sequence[str]) -> list[Finding]:
        return [
            Finding(key, f"there is no area and no standard map {item!r}; {self.advice(item)}", index)
            for index, item in enumerate(chosen)
            if item != ALL and item not in AREA_NAMES and item not in self.maps
        ]

    def _alike(self, text: str) -> list[str]:
        """Names of areas and maps that are spelt nearly so."""
        known = {name.casefold(): name for name in (*AREA_NAMES, ALL, *self.maps)}
        return [known[name] for name in difflib.get_close_matches(text.casefold(), known, n=2)]

    def _named_against_each_other(self, include: Sequence[str], exclude: Sequence[str]) -> list[Finding]:
        findings = [
            Finding("include", f"{item!r} is included and excluded; keep one of the two", index)
            for index, item in enumerate(include)
            if item in exclude
        ]
        for exclusion in self.exclusions:
            findings += _excluding_each_other(include, exclusion)
        return findings

    def _excluded_but_needed(self, final: frozenset[str], unwanted: frozenset[str]) -> list[Finding]:
        return [
            Finding("exclude", f"{need!r} is needed by {quoted_names(users)}; exclude those as well, or keep it")
            for need, users in self._open_needs(final).items()
            if need in unwanted
        ]

    def _missing(self, final: frozenset[str], asked: frozenset[str]) -> list[Finding]:
        """Every prerequisite that strict mode would have to add, of prerequisites as well: all at once."""
        users = {need: [name for name in sorted(final) if need in self.maps[name].needs] for need in final - asked}
        return [
            Finding(
                "include", f"{need!r} is needed by {quoted_names(users[need])} and is missing (prerequisites: strict)"
            )
            for need in sorted(users)
        ]

    def _open_needs(self, names: frozenset[str]) -> dict[str, list[str]]:
        """Prerequisites that stand outside a set, with the maps inside that need them."""
        covered = names | self._replaced(names)
        needs: dict[str, list[str]] = {}
        for name in sorted(names):
            for need in self.maps[name].needs:
                if need not in covered:
                    needs.setdefault(need, []).append(name)
        return dict(sorted(needs.items()))


@cache
def standard() -> Catalogue:
    """The catalogue of the package."""
    text = resources.files("providers.catalogue.data").joinpath("standard_maps.csv").read_text(encoding="utf-8")
    return Catalogue(*_read(csv.DictReader(text.splitlines())))


def carrying_solution(name: str) -> str | None:
    """The map solution that brings a standard map; None for a map that is not in the catalogue."""
    entry = standard().maps.get(name)
    return solutions_for([entry.carried_by])[0] if entry else None


def _excluding_each_other(include: Sequence[str], exclusion: Exclusion) -> list[Finding]:
    kept = next((item for item in include if item in exclusion.keeps), None)
    if kept is None:
        return []
    return [
        Finding("include", f"{item!r} and {kept!r} exclude each other: {exclusion.reason}", index)
        for index, item in enumerate(include)
        if item in exclusion.drops
    ]


def choose_maps(
    include: Sequence[str],
    exclude: Sequence[str] = (),
    prerequisites: Prerequisites = "add",
    catalogue: Catalogue | None = None,
) -> Selection:
    """The maps of a stack out of the standard catalogue, or of another one."""
    return (catalogue or standard()).choose(include, exclude, prerequisites)


def _read(rows: Iterable[Mapping[str, str]]) -> tuple[dict[str, StandardMap], tuple[Exclusion, ...]]:
    listed = [(row["dataverse_table"].partition(_REMARK)[0], row["fo_entity"], row) for row in rows]
    by_reference = {entity: f"{table} - {entity}" for table, entity, _ in listed}
    by_reference |= {f"{entity} ({table})": f"{table} - {entity}" for table, entity, _ in listed}
    entries = [_standard_map(table, entity, row, by_reference) for table, entity, row in listed]
    maps = {entry.name: entry for entry in entries}
    return maps, _exclusions(maps)


def _standard_map(table: str, entity: str, row: Mapping[str, str], by_reference: Mapping[str, str]) -> StandardMap:
    """One row of the catalogue; `by_reference`: how other rows call a map, to its name."""
    return StandardMap(
        table=table,
        entity=entity,
        areas=tuple(listed_area(part) for part in row["area"].split(";")),
        needs=tuple(by_reference[part.strip()] for part in row["depends_on"].split(";") if part),
        company_specific=_COMPANY_SPECIFIC[row["company_specific"]],
    )


def _exclusions(maps: Mapping[str, StandardMap]) -> tuple[Exclusion, ...]:
    """dual-write-semantics.md 7.10 (party model: Contacts V2 replaces two maps) and 7.9 (Project Operations)."""
    party = frozenset(name for name, entry in maps.items() if entry.carried_by == "party")
    project = frozenset(name for name, entry in maps.items() if entry.carried_by == "project-operations")
    contacts = "msdyn_contactforparties - Contacts V2"
    replaced = frozenset({"contacts - CDS Contacts V2 (Customer)", "contacts - CDS Contacts V2 (Vendor)"})
    return (
        Exclusion(frozenset({contacts}), replaced, f"replaced by {contacts}"),
        Exclusion(party, project, "Project Operations is not supported with the party maps"),
    )
