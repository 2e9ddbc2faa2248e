"""Keys of the stack file that no code serves yet: refused by name, never ignored. Pure."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from components._findings import Finding, key
from components._raw import Raw, entries, section

NOT_YET = "is not served yet"
_ABSENT = (("connection", "solutions"), ("maps", "custom"))
_CATCH_UPS = ("keep-as-errors", "discard")
_MEMBERS = ("version", "author", "catchUp")


def not_served(raw: Raw, today: date) -> Iterator[Finding]:
    """Every key whose value asks for something that does not exist yet."""
    for name, unused in _ABSENT:
        if section(raw, name).get(unused):
            yield Finding(key(name, unused), f"{NOT_YET}; leave it out")
    maps = section(raw, "maps")
    catch_up = maps.get("catchUp")
    if isinstance(catch_up, str) and catch_up in _CATCH_UPS:
        yield Finding(key("maps", "catchUp"), f"`{catch_up}` {NOT_YET}; use replay or leave it out")
    for name in section(maps, "overrides"):
        values = section(section(maps, "overrides"), name)
        for member in _MEMBERS:
            if values.get(member) is not None:
                yield Finding(key("maps", "overrides", name, member), f"{NOT_YET}; leave it out")
    for place, entry in entries(raw, "confirm").items():
        if entry.get("action") == "discard-queue" and not ended(entry.get("until"), today):
            yield Finding(key("confirm", place, "action"), f"`discard-queue` {NOT_YET}; leave the entry out")


def ended(until: Any, today: date) -> bool:
    """Whether a consent counts as absent."""
    try:
        return isinstance(until, str) and date.fromisoformat(until[:10]) < today
    except ValueError:
        return False
