"""The maps of one link as a list: area, dependency wave, condition, progress, queue and last error of each."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from emulator.core.events import Queued
from emulator.data.maps import MAPS
from emulator.dual_write import maps, queue, requests
from emulator.dual_write.maps import TableMap
from emulator.page.conditions import Condition, Count, Problem, condition_of, last_problem, tally, words_of
from emulator.tenant import Tenant

NO_AREA = "other"
_AREAS = tuple(dict.fromkeys(one.areas[0] if one.areas else NO_AREA for one in MAPS))
_ENDINGS = frozenset({requests.ENDS, requests.SYNC_ENDS, requests.FOLLOWS})


@dataclass(frozen=True)
class Span:
    """Work under way, in tenant time (ISO 8601): when it began and when it is due."""

    begun: str
    due: str


@dataclass(frozen=True)
class MapView:
    """One map. `wave`: 1 + the longest chain of prerequisites below it in this link; `needs`: ids of prerequisites.

    `waiting` and `unwritten`: changes that are queued, and queued ones that the other side refused.
    """

    id: str
    label: str
    area: str
    wave: int
    condition: Condition
    words: str
    version: str
    needs: tuple[str, ...]
    waiting: int
    unwritten: int
    paused_on: str | None
    problem: Problem | None
    span: Span | None

    @property
    def needs_attention(self) -> bool:
        """Return whether a person would want to look at it first."""
        return self.condition in {Condition.FAILED, Condition.PAUSED} or self.unwritten > 0


@dataclass(frozen=True)
class Choice:
    """What a person asked to see: part of a name, and conditions; empty: all."""

    text: str = ""
    conditions: frozenset[Condition] = frozenset()

    def takes(self, view: MapView) -> bool:
        """Return whether a map is among those."""
        text = self.text.casefold()
        named = text in view.id.casefold() or text in view.area.casefold()
        return named and (not self.conditions or view.condition in self.conditions)

    @property
    def narrows(self) -> bool:
        """Return whether anything is left out."""
        return bool(self.text or self.conditions)


def map_views(tenant: Tenant, cid: str, queued: Iterable[Queued]) -> tuple[MapView, ...]:
    """Return all maps of a link by name. `queued`: the tenant's events."""
    found = maps.maps_of(tenant, cid)
    dues = {each.arguments["map_id"]: each for each in queued if each.name in _ENDINGS and each.arguments["cid"] == cid}
    waves, ids = waves_of(found), {one.name: one.id for one in reversed(found)}
    lengths, entities = queue.lengths(tenant, cid), Counter(one.definition.finops_entity for one in found)
    return tuple(
        MapView(
            id=one.id,
            label=_label(one, entities),
            area=one.definition.areas[0] if one.definition.areas else NO_AREA,
            wave=waves[one.name],
            condition=condition_of(one),
            words=words_of(one),
            version=one.version if one.templates else "",
            needs=tuple(ids[name] for name in one.definition.depends_on if name in ids),
            waiting=lengths.get(one.id, (0, 0))[0],
            unwritten=lengths.get(one.id, (0, 0))[1],
            paused_on=one.paused_on,
            problem=last_problem(one),
            span=_span(one, dues.get(one.id)),
        )
        for one in found
    )


def waves_of(table_maps: Sequence[TableMap]) -> Mapping[str, int]:
    """Return the wave of every map name: 1 for a map that needs no other map of the link."""
    needs = {one.name: one.definition.depends_on for one in table_maps}
    waves: dict[str, int] = {}

    def wave(name: str) -> int:
        if name not in waves:
            waves[name] = 1 + max((wave(each) for each in needs[name] if each in needs), default=0)
        return waves[name]

    for name in needs:
        wave(name)
    return waves


def tally_of(tenant: Tenant, cid: str) -> tuple[Count, ...]:
    """Count the conditions of a link's maps."""
    return tally(condition_of(one) for one in maps.maps_of(tenant, cid))


def areas_of(views: Iterable[MapView]) -> dict[str, list[MapView]]:
    """Return the maps by area, in the order of the public list of maps."""
    areas: dict[str, list[MapView]] = {}
    for view in views:
        areas.setdefault(view.area, []).append(view)
    return {area: areas[area] for area in _AREAS if area in areas}


def _label(table_map: TableMap, entities: Counter[str]) -> str:
    """Return the F&O entity of a map, with the Dataverse table where another map of the link has the same."""
    entity, table = table_map.definition.finops_entity, table_map.definition.dataverse_set
    return entity if entities[entity] == 1 else f"{entity} ({table})"


def _span(table_map: TableMap, due: Queued | None) -> Span | None:
    if due is None or not table_map.requests:
        return None
    return Span(str(table_map.requests[0]["createdOn"]), due.due.isoformat())
