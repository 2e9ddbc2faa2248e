"""What the keys of `maps` mean together: the choice of maps, overrides, initial sync, integration keys. Pure."""

import re
from collections.abc import Iterator, Mapping

from components._findings import Finding, key, repeated, suggestion
from components._raw import Raw, section, text, texts
from providers.catalogue.selection import Prerequisites, Selection, choose_maps, standard

_INDEXED = re.compile(r"(include|exclude)\[(\d+)\]")
_SIDES = ("finops", "cds")
_WITH_ONE = "set `initialSync` to finops or cds, or leave this out"


def chosen_maps(maps: Raw) -> Selection | None:
    """The maps that these values choose; None as long as there is no list of text."""
    include, exclude = texts(maps, "include"), texts(maps, "exclude")
    if not include:
        return None
    way: Prerequisites = "strict" if maps.get("prerequisites") == "strict" else "add"
    return choose_maps(list(include.values()), list(exclude.values()), way)


def has_initial_sync(maps: Raw, chosen: Selection | None) -> bool:
    """Whether any chosen map has one."""
    return any(_side(maps, name) in _SIDES for name in (chosen.maps if chosen else ()))


def map_rules(maps: Raw, chosen: Selection | None) -> Iterator[Finding]:
    """Every rule about maps that these values break."""
    if chosen is None:
        return
    lists = {name: texts(maps, name) for name in ("include", "exclude")}
    for finding in chosen.problems:
        yield Finding(f"dualwrite:maps.{_as_written(finding.path, lists)}", finding.text)
    yield from _overrides(maps, chosen)
    if text(maps, "resync") and not has_initial_sync(maps, chosen):
        yield Finding(key("maps", "resync"), f"asks for another initial sync, and no map has one; {_WITH_ONE}")
    yield from _integration_keys(maps, chosen)


def _overrides(maps: Raw, chosen: Selection) -> Iterator[Finding]:
    known = standard()
    for name in section(maps, "overrides"):
        path = key("maps", "overrides", name)
        if name not in known.maps:
            yield Finding(path, f"there is no standard map {name!r}; {known.advice(name)}")
        elif name not in chosen.maps and not chosen.problems:
            yield Finding(path, "is not among the chosen maps; add it to `include` or leave the override out")
        if text(section(section(maps, "overrides"), name), "resync") and _side(maps, name) not in _SIDES:
            text_ = f"asks for another initial sync, and this map has none; {_WITH_ONE}"
            yield Finding(key("maps", "overrides", name, "resync"), text_)


def _integration_keys(maps: Raw, chosen: Selection) -> Iterator[Finding]:
    known = standard().maps
    tables = sorted({known[name].table for name in chosen.maps})
    for table, columns in section(maps, "integrationKeys").items():
        path = key("maps", "integrationKeys", table)
        if table not in tables and not chosen.problems:
            close = suggestion(table, tables, otherwise="its name is the part before ` - ` in the name of a map")
            yield Finding(path, f"no chosen map has this table; {close}")
        if columns == []:
            yield Finding(path, "is empty: name the columns of the key, or leave the table out")
        yield from repeated(texts(section(maps, "integrationKeys"), table), "maps", "integrationKeys", table)


def _side(maps: Raw, name: str) -> object:
    """The master of a map's initial sync as written: its own, else that of all maps."""
    own = section(section(maps, "overrides"), name).get("initialSync")
    return maps.get("initialSync", "none") if own is None else own


def _as_written(path: str, lists: Mapping[str, Mapping[int, str]]) -> str:
    """The path with the user's own place instead of the place among the texts."""
    match = _INDEXED.fullmatch(path)
    return f"{match.group(1)}[{list(lists[match.group(1)])[int(match.group(2))]}]" if match else path
