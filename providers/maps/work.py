"""One map on its way to its declared run state: what is declared, what the service shows, how it went so far. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from providers.api.dual_write.actions import MapAction, MapState
from providers.maps.plan import MapFailure, Settled, next_step

if TYPE_CHECKING:
    from providers.api.dual_write.models import EntityMapStatus

# Tries of one map before its failure is final.
_TRIES = 2


@dataclass
class MapWork:
    """`status` is None as long as the service does not list the map. `failure` is final: the map is left as it is."""

    name: str
    wanted: str
    status: EntityMapStatus | None = None
    tries: int = 0
    failure: MapFailure | None = None

    @property
    def step(self) -> MapAction | Settled | None:
        """What the map needs next; None for a map that is not listed."""
        return next_step(self.status, self.wanted) if self.status else None

    @property
    def as_declared(self) -> bool:
        """Whether nothing is left to do."""
        return self.step == Settled.AS_DECLARED

    @property
    def under_way(self) -> bool:
        """Whether the service is at work on it, so that it takes no action now."""
        return self.step == Settled.UNDER_WAY

    @property
    def runs(self) -> bool:
        """Whether it runs, as its dependents need it: a map that shall be paused is paused after them."""
        return self.step in (Settled.AS_DECLARED, MapAction.PAUSE)

    @property
    def is_running(self) -> bool:
        """Whether the service shows it as running."""
        return self.status is not None and self.status.state == MapState.RUNNING

    def failed(self, failure: MapFailure) -> bool:
        """Count a try that failed; whether the map is worth another one."""
        self.tries += 1
        if self.tries >= _TRIES:
            self.failure = failure
        return self.failure is None
