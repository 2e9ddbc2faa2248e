"""What people do behind our back: `POST /_emulator/person` finds the package that plays the action."""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.core.handlers import NamedHandlers


class PersonError(Exception):
    """The action cannot be played; the text says why (unknown map, no such environment)."""


class PersonRequest:
    """What a person is asked to do: the action's name and its members."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        """Take the members of the request's JSON object."""
        self._members = members

    def get(self, name: str) -> Any:
        """Return a member, None when it is missing."""
        return self._members.get(name)

    def text(self, name: str) -> str:
        """Return a member that must be a text with something in it; PersonError when it is not."""
        value = self.get(name)
        if not isinstance(value, str) or not value:
            msg = f"the action needs '{name}'"
            raise PersonError(msg)
        return value


PersonHandler = Callable[[PersonRequest], Mapping[str, Any] | None]


class Person(NamedHandlers[PersonHandler]):
    """Actions by name. `handler(request) -> answer | None` raises PersonError to refuse.

    It gets the whole request: `environment`, `map`, `company` and so on.
    """

    handled = "person action"

    def actions(self) -> list[str]:
        """Return the known actions in alphabetical order."""
        return sorted(self._handlers)

    def act(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Play `members["action"]` in a transaction; PersonError when it is unknown or impossible."""
        request = PersonRequest(members)
        handler = self._handlers.get(str(request.get("action")))
        if handler is None:
            msg = f"unknown action '{request.get('action')}'; known: {', '.join(self.actions())}"
            raise PersonError(msg)
        with self._store.transaction():
            return dict(handler(request) or {})
