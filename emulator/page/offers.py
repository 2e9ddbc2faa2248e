"""What a person can do from the page: the request of the control plane behind each button, and how it is undone.

An offer is data: its button sends exactly the request that its `curl` line sends.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PERSON, FAULTS, CLOCK, RESET = "person", "faults", "clock", "reset"


@dataclass(frozen=True)
class Field:
    """A member of the request that the person fills in. `choices` (value, title) make it a list; `number`: no text."""

    name: str
    title: str
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    number: bool = False


@dataclass(frozen=True)
class Offer:
    """One button. `path`: below `/_emulator/`; `members`: the JSON that it sends; `undo`: how it is undone, or not."""

    title: str
    path: str
    members: Mapping[str, Any]
    undo: str
    fields: tuple[Field, ...] = ()
    method: str = "POST"
    grave: bool = False
    query: str = ""

    @property
    def document(self) -> str:
        """Return the body as JSON with the values that the fields have now."""
        return json.dumps({**self.members, **{each.name: value_of(each, each.value) for each in self.fields}})

    @property
    def fixed(self) -> str:
        """Return the body as JSON without the fields."""
        return json.dumps(dict(self.members))

    def curl(self, base: str) -> str:
        """Return the command that does the same. `base`: the address of the emulator."""
        url = shlex.quote(f"{base}/_emulator/{self.path}{self.query}")
        if self.method == "DELETE":
            return f"curl -X DELETE {url}"
        return f"curl {url} -d {shlex.quote(self.document)}"


@dataclass(frozen=True)
class Group:
    """Buttons that belong together."""

    title: str
    offers: tuple[Offer, ...] = field(default_factory=tuple)


def value_of(asked: Field, text: str) -> Any:
    """Return what a field's text means in JSON; ValueError for a number that is none."""
    if not asked.number:
        return text
    number = float(text)
    return int(number) if number.is_integer() else number


def act(title: str, action: str, undo: str, members: Mapping[str, Any], *fields: Field, grave: bool = False) -> Offer:
    """Return the offer of a person's action."""
    return Offer(title, PERSON, {"action": action, **members}, undo, fields, grave=grave)
