"""What the keys of `maps` mean together: the choice of maps, overrides, initial sync, integration keys. Pure."""

from collections.abc import Iterator

from components.draft import Draft, Place
from components.findings import Broken, repeated, suggestion
from components.stack import DraftMaps, InitialSync, Override
from providers.catalogue.selection import Selection, choose_maps, standard

_WITH_ONE = "set `initialSync` to finops or cds, or leave this out"


def chosen_maps(maps: DraftMaps) -> Selection | None:
    """The maps that are chosen; None as long as no list is told."""
    if maps.include is None:
        return None
    return choose_maps(maps.include, maps.exclude, maps.prerequisites).with_custom(maps.custom)


def initial_sync_of(maps: DraftMaps, name: str) -> InitialSync:
    """The side that wins a conflict in a map's initial sync: its own, else that of all maps."""
    override = maps.overrides.get(name)
    return (override.initial_sync if override else None) or maps.initial_sync


def has_initial_sync(maps: DraftMaps) -> bool:
    """Whether any chosen map has one."""
    chosen = chosen_maps(maps)
    return any(initial_sync_of(maps, name) != "none" for name in (chosen.maps if chosen else ()))


def map_rules(draft: Draft) -> Iterator[Broken]:
    """Every rule about maps that the draft breaks."""
    chosen = chosen_maps(draft.stack.maps)
    if chosen is None:
        return
    yield from _choice(chosen)
    yield from _custom(draft)
    yield from _overrides(draft, chosen)
    yield from _pins(draft.stack.maps)
    yield from _resyncs(draft.stack.maps)
    yield from _key_tables(draft, chosen)
    yield from _key_columns(draft)


def _choice(chosen: Selection) -> Iterator[Broken]:
    for finding in chosen.problems:
        place = () if finding.place is None else (finding.place,)
        yield Broken(("maps", finding.key, *place), finding.text)


def _custom(draft: Draft) -> Iterator[Broken]:
    known, names = standard().maps, draft.stack.maps.custom
    for place, name in enumerate(names):
        if name in known:
            yield Broken(("maps", "custom", place), f"{name!r} is a standard map: it belongs to `include`")
        elif not all(name.partition(" - ")):
            text = f"{name!r} is no name of a map: `<Dataverse table> - <F&O entity>`, as the dual-write page shows it"
            yield Broken(("maps", "custom", place), text)
    yield from repeated(draft, names, "maps", "custom")


def _overrides(draft: Draft, chosen: Selection) -> Iterator[Broken]:
    known, custom = standard(), draft.stack.maps.custom
    for name in draft.written("maps", "overrides"):
        place = ("maps", "overrides", name)
        if name not in {*known.maps, *custom}:
            yield Broken(place, f"there is no standard map {name!r}; {known.advice(name)}")
        elif name not in chosen.maps and not chosen.problems:
            yield Broken(place, "is not among the chosen maps; add it to `include` or leave the override out")


def _resyncs(maps: DraftMaps) -> Iterator[Broken]:
    """Another initial sync that is asked for where there is none."""
    if maps.resync.strip() and not has_initial_sync(maps):
        yield Broken(("maps", "resync"), f"asks for another initial sync, and no map has one; {_WITH_ONE}")
    again = [name for name, override in maps.overrides.items() if _asks_again(override)]
    for name in again:
        if initial_sync_of(maps, name) == "none":
            text = f"asks for another initial sync, and this map has none; {_WITH_ONE}"
            yield Broken(("maps", "overrides", name, "resync"), text)


def _asks_again(override: Override) -> bool:
    return bool(override.resync and override.resync.strip())


def _pins(maps: DraftMaps) -> Iterator[Broken]:
    for name, override in maps.overrides.items():
        yield from _pin(("maps", "overrides", name), override)


def _pin(place: Place, override: Override) -> Iterator[Broken]:
    if override.version == "latest" and not override.author:
        text = "needs the `author` whose newest version is meant: the highest number need not be the wanted one"
        yield Broken((*place, "version"), text)
    if override.author and not override.version:
        yield Broken((*place, "author"), "says whose `version` is meant: give one, such as latest")


def _key_tables(draft: Draft, chosen: Selection) -> Iterator[Broken]:
    """Keys of tables that no chosen map has."""
    if chosen.problems:
        return
    tables = sorted({_table_of(name) for name in chosen.maps})
    for table in draft.written("maps", "integrationKeys"):
        if table not in tables:
            close = suggestion(table, tables, otherwise="its name is the part before ` - ` in the name of a map")
            yield Broken(("maps", "integrationKeys", table), f"no chosen map has this table; {close}")


def _table_of(name: str) -> str:
    known = standard().maps
    return known[name].table if name in known else name.partition(" - ")[0]


def _key_columns(draft: Draft) -> Iterator[Broken]:
    for table, columns in draft.stack.maps.integration_keys.items():
        place = ("maps", "integrationKeys", table)
        if not columns:
            yield Broken(place, "is empty: name the columns of the key, or leave the table out")
        yield from repeated(draft, columns, *place)
