"""What happened, told inside the process: one package publishes, the others follow within the same transaction."""

from collections.abc import Callable
from typing import Any, TypeVar

Happening = TypeVar("Happening")


class Signals:
    """Synchronous publish and subscribe by type; subscribers run in the order in which they subscribed."""

    def __init__(self) -> None:
        """Start without subscribers."""
        self._handlers: dict[type, list[Callable[[Any], None]]] = {}

    def subscribe(self, kind: type[Happening], handler: Callable[[Happening], None]) -> None:
        """Call `handler(happening)` whenever an object of exactly this type is published."""
        self._handlers.setdefault(kind, []).append(handler)

    def publish(self, happening: object) -> None:
        """Call every subscriber of the object's type; what one raises reaches the publisher."""
        for handler in self._handlers.get(type(happening), ()):
            handler(happening)
