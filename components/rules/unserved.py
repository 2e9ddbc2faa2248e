"""Keys of the stack file that no code serves yet: refused by name, never ignored. Pure."""

from collections.abc import Iterator
from datetime import date

from components.draft import Draft
from components.findings import Broken
from components.rules.confirm import ended

NOT_YET = "is not served yet"


def not_served(draft: Draft, today: date) -> Iterator[Broken]:
    """Every key whose value asks for something that does not exist yet."""
    stack, maps = draft.stack, draft.stack.maps
    if stack.connection.solutions:
        yield Broken(("connection", "solutions"), f"{NOT_YET}; leave it out")
    if maps.custom:
        yield Broken(("maps", "custom"), f"{NOT_YET}; leave it out")
    if maps.catch_up != "replay":
        yield Broken(("maps", "catchUp"), f"`{maps.catch_up}` {NOT_YET}; use replay or leave it out")
    for name, override in maps.overrides.items():
        members = {"version": override.version, "author": override.author, "catchUp": override.catch_up}
        for member, value in members.items():
            if value is not None:
                yield Broken(("maps", "overrides", name, member), f"{NOT_YET}; leave it out")
    for place, entry in enumerate(stack.confirm):
        if entry.action == "discard-queue" and not ended(entry, today):
            yield Broken(("confirm", place, "action"), f"`discard-queue` {NOT_YET}; leave the entry out")
