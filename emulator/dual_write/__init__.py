"""The dual-write management service: links, table maps, their life cycle, live sync and initial sync.

Everything here follows dual-write-management-api.md and dual-write-semantics.md; what no source decides is a switch
(`settings`).
"""

from typing import TYPE_CHECKING

from emulator.dual_write import links, person, person_faults, requests, seed, settings, solutions, sync
from emulator.dual_write.routes import service

if TYPE_CHECKING:
    from emulator.tenant import Tenant

__all__ = ["register", "service"]


def register(tenant: "Tenant") -> None:
    """Hang switches, events, signals, person actions and the seed section into the tenant."""
    settings.register_switches(tenant.switches)
    requests.register(tenant)
    solutions.register(tenant)
    sync.register(tenant)
    links.register(tenant)
    person.register(tenant)
    person_faults.register(tenant)
    seed.register(tenant)
