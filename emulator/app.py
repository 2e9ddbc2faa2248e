"""Puts the tenant together: the core, then the packages, each with its tables, routes and behaviour."""

from importlib import import_module

from emulator.clock import Clock
from emulator.identity.tokens import SigningKey
from emulator.store import Store
from emulator.tenant import Tenant

SERVICES = (
    "emulator.identity.service",
    "emulator.power_platform",
    "emulator.dataverse",
    "emulator.finance_operations",
    "emulator.dual_write",
)


def assemble(store: Store, clock: Clock, key: SigningKey) -> Tenant:
    """Return the whole tenant, ready for calls."""
    tenant = Tenant(store, clock, key)
    try:
        from emulator.tables import Rows

        tenant.rows = Rows(tenant)
    except ImportError:
        pass
    for name in SERVICES:
        try:
            module = import_module(name)
        except ModuleNotFoundError:
            continue
        services = module.services() if hasattr(module, "services") else (module.service(),)
        tenant.services = (*tenant.services, *services)
        module.register(tenant)
    return tenant
