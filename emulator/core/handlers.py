"""Handlers under names: what the packages of the emulator register for events, person actions and seed sections."""

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from emulator.core.store import Store

H = TypeVar("H", bound=Callable[..., Any])


class NamedHandlers(Generic[H]):
    """One handler a name; what they do runs in transactions of one store."""

    handled: ClassVar[str]

    def __init__(self, store: Store) -> None:
        """Start without handlers."""
        self._store = store
        self._handlers: dict[str, H] = {}

    def on(self, name: str, handler: H) -> None:
        """Register the handler of a name; ValueError when it has one already."""
        if name in self._handlers:
            msg = f"{self.handled} '{name}' has a handler already"
            raise ValueError(msg)
        self._handlers[name] = handler
