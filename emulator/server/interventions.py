"""What tests, tools and people do to the tenant from outside its services, each as one operation."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from emulator.core.faults import Fault
from emulator.core.person import PersonError
from emulator.core.seeds import SeedError
from emulator.tenant import Tenant


class RefusedError(Exception):
    """The request does not fit; the text says why."""


REFUSALS = (RefusedError, SeedError, PersonError, ValidationError, ValueError)
"""What an operation raises for a request that it does not take."""


class Interventions:
    """The operations; `members` is the JSON object of the request."""

    def __init__(self, tenant: Tenant, start_anew: Callable[[], None]) -> None:
        """`start_anew` puts the tenant back to its first day."""
        self._tenant = tenant
        self._start_anew = start_anew

    def reset(self) -> dict[str, Any]:
        """Forget everything but the clock and the keys, then play the seed of the first day."""
        self._start_anew()
        return {}

    def seed(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Add a seed document to what is there."""
        self._tenant.seeds.play(members)
        return {}

    def time(self, played: int = 0) -> dict[str, Any]:
        """Return the time, and how many events were `played`."""
        clock, due = self._tenant.clock, self._tenant.events.next_due()
        return {
            "now": clock.now().isoformat(),
            "mode": clock.mode,
            "scale": clock.scale,
            "next_due": due.isoformat() if due else None,
            "events": played,
        }

    def advance(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Put the clock forward by `advance` seconds and play what becomes due."""
        seconds = members.get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise RefusedError('say {"advance": <virtual seconds, 0 or more>}')
        return self.time(self._tenant.events.advance(seconds))

    def arm(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Arm a fault (`core.faults.Fault`)."""
        return {"id": self._tenant.faults.add(Fault.model_validate(members))}

    def disarm(self, number: int | None) -> list[dict[str, Any]]:
        """Forget one fault, or all; return those that are left."""
        self._tenant.faults.clear(number)
        return self._tenant.faults.items()

    def act(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Let a person do something behind the program's back."""
        self._tenant.events.run_due()
        return self._tenant.person.act(members)


def reason_of(error: Exception) -> str:
    """Return in one line why a request was refused."""
    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        return f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
    return str(error)
