"""The service `login`: discovery and tokens under the hosts of Entra (login.microsoftonline.com)."""

from functools import partial

from emulator.core.routing import Service
from emulator.login.service import register_switches, seed, service
from emulator.tenant import Tenant

__all__ = ["install"]


def install(tenant: Tenant) -> tuple[Service, ...]:
    """Return the service; its switches and its seed section are registered with the tenant."""
    register_switches(tenant.switches)
    tenant.seeds.on("identity", partial(seed, tenant.identity.directory))
    return (service(tenant),)
