"""Topics inside the process: one package tells the others what happened, within the same transaction."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator.tenant import Tenant


class Signals:
    """Synchronous publish and subscribe; subscribers run in the order in which they subscribed."""

    def __init__(self, tenant: "Tenant") -> None:
        """Start without subscribers."""
        self._tenant = tenant
        self._handlers: dict[str, list[Callable[..., None]]] = {}

    def subscribe(self, topic: str, handler: Callable[..., None]) -> None:
        """Call `handler(tenant, **arguments)` whenever `topic` is published."""
        self._handlers.setdefault(topic, []).append(handler)

    def publish(self, topic: str, **arguments: Any) -> None:
        """Call every subscriber of `topic`; what one raises reaches the publisher."""
        for handler in self._handlers.get(topic, ()):
            handler(self._tenant, **arguments)
