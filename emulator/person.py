"""What people do behind our back: `POST /_emulator/person` finds the package that plays the action."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator.tenant import Tenant

PersonHandler = Callable[["Tenant", Mapping[str, Any]], Mapping[str, Any] | None]


class PersonError(Exception):
    """The action cannot be played; the text says why (unknown map, no such environment)."""


class Person:
    """Actions by name. A handler gets the whole request: `environment`, `map`, `company` and so on."""

    def __init__(self, tenant: "Tenant") -> None:
        """Start without actions."""
        self._tenant = tenant
        self._handlers: dict[str, PersonHandler] = {}

    def on(self, action: str, handler: PersonHandler) -> None:
        """Register `handler(tenant, request) -> answer | None` for an action; it raises PersonError to refuse."""
        if action in self._handlers:
            msg = f"person action '{action}' has a handler already"
            raise ValueError(msg)
        self._handlers[action] = handler

    def actions(self) -> list[str]:
        """Return the known actions in alphabetical order."""
        return sorted(self._handlers)

    def act(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Play `request["action"]` in a transaction; PersonError when it is unknown or impossible."""
        handler = self._handlers.get(str(request.get("action")))
        if handler is None:
            msg = f"unknown action '{request.get('action')}'; known: {', '.join(self.actions())}"
            raise PersonError(msg)
        with self._tenant.store.transaction():
            return dict(handler(self._tenant, request) or {})
