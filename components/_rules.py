"""What keys of a stack file mean together, and keys that no code serves yet.

The rules read the raw values, not the typed model: a key with a wrong type must hide nothing that is wrong elsewhere.
Each rule passes over values of a wrong type, which the model reports. Pure; today's date is handed in.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from components._findings import Finding, key
from components._unserved import not_served
from providers.catalogue import Prerequisites, Selection, choose_maps, standard

# power-platform-api.md: what the installation of F&O accepts.
NAME_LIMIT, DOMAIN_LIMIT = 20, 19
_INDEXED = re.compile(r"(include|exclude)\[(\d+)\]")


class _Choice(NamedTuple):
    """A section that is new or existing, and which keys belong to which."""

    section: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    existing: tuple[str, ...]


_CHOICES = (
    _Choice("cds", ("name", "domain", "location", "currency", "language"), ("type",), ("url", "environmentId")),
    _Choice("finops", ("data",), ("developerTools", "version"), ("url",)),
)


def broken_rules(raw: Mapping[str, Any], today: date) -> list[Finding]:
    """Every rule that these values break, keys that are not served yet included."""
    return [
        *(finding for choice in _CHOICES for finding in _new_or_existing(raw, choice)),
        *_limits(raw),
        *_gateway(raw),
        *_packages(section(raw, "connection")),
        *_maps(section(raw, "maps")),
        *not_served(raw, today),
    ]


def section(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A section's values; empty when it is absent or no map."""
    value = raw.get(name)
    return value if isinstance(value, Mapping) else {}


def _new_or_existing(raw: Mapping[str, Any], choice: _Choice) -> Iterator[Finding]:
    values, name = section(raw, choice.section), choice.section
    if values.get("instance") == "new":
        yield from _new(values, choice)
    elif values.get("instance") == "existing":
        yield from _existing(values, choice)
    elif "url" in values and "name" in values:
        yield Finding(key(name, "url"), "says existing and `name` says new; keep one of the two")


def _new(values: Mapping[str, Any], choice: _Choice) -> Iterator[Finding]:
    for wanted in choice.required:
        if values.get(wanted) is None:
            yield Finding(key(choice.section, wanted), "is required with `instance: new`")
    new = " and ".join(f"`{word}`" for word in choice.required[:2])
    for other in choice.existing:
        if other in values:
            text = f"belongs to `instance: existing`; a new one has {new}, so leave it out"
            yield Finding(key(choice.section, other), text)


def _existing(values: Mapping[str, Any], choice: _Choice) -> Iterator[Finding]:
    for other in (*choice.required, *choice.optional):
        if other in values:
            text = "belongs to `instance: new`; an existing one keeps what it has"
            yield Finding(key(choice.section, other), text)
    if len([other for other in choice.existing if values.get(other) is not None]) != 1:
        wanted = " or ".join(f"`{word}`" for word in choice.existing)
        yield Finding(key(choice.section), f"an existing one is named by {wanted}, by exactly one of them")


def _limits(raw: Mapping[str, Any]) -> Iterator[Finding]:
    if section(raw, "finops").get("instance") == "existing":
        return
    for name, limit in (("name", NAME_LIMIT), ("domain", DOMAIN_LIMIT)):
        value = section(raw, "cds").get(name)
        if isinstance(value, str) and len(value) > limit:
            text = f"has {len(value)} characters; F&O is installed on it, so {limit} at most: `{value[:limit]}`"
            yield Finding(key("cds", name), text)


def _gateway(raw: Mapping[str, Any]) -> Iterator[Finding]:
    cloud = raw.get("cloud", "emulator")
    if cloud in ("public", "gcc", "gcchigh", "dod", "china") and section(raw, "connection").get("gateway") is None:
        text = f"is required with `cloud: {cloud}`: the https address of the dual-write gateway of your geography"
        yield Finding(key("connection", "gateway"), text)


def _packages(connection: Mapping[str, Any]) -> Iterator[Finding]:
    seen: set[str] = set()
    for place, name in _texts(connection, "packages").items():
        # As the program names its resources: two that differ in case alone are one package.
        resource = name.lower().replace("_", "-")
        if resource in seen:
            yield Finding(key("connection", "packages", place), f"{name!r} stands in the list already; keep one")
        seen.add(resource)


def _maps(maps: Mapping[str, Any]) -> Iterator[Finding]:
    include, exclude = _texts(maps, "include"), _texts(maps, "exclude")
    if not include:
        return
    way: Prerequisites = "strict" if maps.get("prerequisites") == "strict" else "add"
    chosen = choose_maps(list(include.values()), list(exclude.values()), way)
    for finding in chosen.problems:
        yield Finding(
            f"dualwrite:maps.{_as_written(finding.path, {'include': include, 'exclude': exclude})}", finding.text
        )
    yield from _overrides(maps, chosen)


def _overrides(maps: Mapping[str, Any], chosen: Selection) -> Iterator[Finding]:
    known = standard()
    for name in section(maps, "overrides"):
        path = key("maps", "overrides", name)
        if name not in known.maps:
            yield Finding(path, f"there is no standard map {name!r}; {known.advice(name)}")
        elif name not in chosen.maps and not chosen.problems:
            yield Finding(path, "is not among the chosen maps; add it to `include` or leave the override out")


def _texts(maps: Mapping[str, Any], name: str) -> dict[int, str]:
    """The texts of a list by their place in it."""
    values = maps.get(name)
    return {n: value for n, value in enumerate(values) if isinstance(value, str)} if isinstance(values, list) else {}


def _as_written(path: str, lists: Mapping[str, Mapping[int, str]]) -> str:
    """The path with the user's own place instead of the place among the texts."""
    match = _INDEXED.fullmatch(path)
    return f"{match.group(1)}[{list(lists[match.group(1)])[int(match.group(2))]}]" if match else path
