"""The dual-write management service: links, table maps, their life cycle, live sync and initial sync.

Everything here follows dual-write-management-api.md and dual-write-semantics.md; what no source decides is a switch
(`settings`).
"""

from emulator.core.routing import Service
from emulator.dual_write import links, person, person_faults, requests, seed, settings, solutions, sync
from emulator.dual_write.routes import service
from emulator.tenant import Tenant

__all__ = ["install"]


def install(tenant: Tenant) -> tuple[Service, ...]:
    """Return the service; switches, events, signals, person actions and the seed section are registered."""
    settings.register_switches(tenant.switches)
    requests.register(tenant)
    solutions.register(tenant)
    sync.register(tenant)
    links.register(tenant)
    person.register(tenant)
    person_faults.register(tenant)
    seed.register(tenant)
    return (service(tenant),)
