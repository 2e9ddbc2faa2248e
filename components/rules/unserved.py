"""Keys of the stack file that no code serves yet: refused by name, never ignored. Pure."""

from collections.abc import Iterator

from components.draft import Draft
from components.findings import Broken

NOT_YET = "is not served yet"


def not_served(draft: Draft) -> Iterator[Broken]:
    """Every key whose value asks for something that does not exist yet."""
    stack, maps = draft.stack, draft.stack.maps
    if stack.connection.solutions:
        yield Broken(("connection", "solutions"), f"{NOT_YET}; leave it out")
    if maps.custom:
        yield Broken(("maps", "custom"), f"{NOT_YET}; leave it out")
