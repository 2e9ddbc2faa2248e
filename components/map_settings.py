"""What the `maps` section means for each chosen map: version, run state, initial sync, keys of its table. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from components.rules.maps import initial_sync_of
from components.stack import Limits, Maps, State
from providers.catalogue.default_keys import default_keys
from providers.catalogue.selection import Selection, standard


class Pin(NamedTuple):
    """A declared version of a map: a number or `latest`, and its author (None: any)."""

    version: str
    author: str | None


def pins(maps: Maps, selection: Selection) -> dict[str, Pin]:
    """The chosen maps whose version is declared."""
    return {
        name: Pin(override.version, override.author)
        for name, override in sorted(maps.overrides.items())
        if override.version and name in selection.maps
    }


def catch_ups(maps: Maps, selection: Selection) -> dict[str, str]:
    """What becomes of the queue of a resumed map, for those that do not play it back."""
    own = {name: override.catch_up for name, override in maps.overrides.items()}
    options = {name: own.get(name) or maps.catch_up for name in selection.maps}
    return {name: option for name, option in options.items() if option != "replay"}


def run_states(maps: Maps, selection: Selection) -> dict[str, State]:
    """The run state of every chosen map: its own, else that of all."""
    own = {name: override.state for name, override in maps.overrides.items()}
    return {name: own.get(name) or maps.state for name in selection.maps}


def initial_syncs(maps: Maps, selection: Selection) -> dict[str, str]:
    """The side that wins a conflict, for the maps that have an initial sync."""
    sides = {name: initial_sync_of(maps, name) for name in selection.maps}
    return {name: side for name, side in sides.items() if side != "none"}


def sync_limits(sides: Mapping[str, str], limits: Limits) -> dict[str, int]:
    """The most rows of a company that the initial sync of each of these maps takes; the smaller one where in doubt."""
    small = min(limits.single_threaded_rows, limits.initial_sync_rows)
    return {name: small if _single_threaded(name) else limits.initial_sync_rows for name in sides}


def _single_threaded(name: str) -> bool:
    known = standard().maps.get(name)
    return known is not None and known.single_threaded


def resyncs(maps: Maps, synced: Mapping[str, str]) -> dict[str, str]:
    """The text that asks for another initial sync, for the maps of `synced` that have one."""
    texts = {name: _resync(maps, name) for name in synced}
    return {name: text for name, text in texts.items() if text}


def _resync(maps: Maps, name: str) -> str:
    own = maps.overrides.get(name)
    return maps.resync if own is None or own.resync is None else own.resync


def integration_keys(maps: Maps, selection: Selection) -> dict[str, list[str]]:
    """The key columns by table: the user's, and those that the chosen maps cannot do without."""
    return {
        **default_keys(selection.maps),
        **{table: list(columns) for table, columns in maps.integration_keys.items()},
    }
