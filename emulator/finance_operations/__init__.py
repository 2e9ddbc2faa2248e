"""F&O: the OData service of every finance and operations instance of the tenant (dual-write-semantics.md 12.1)."""

from functools import partial

from emulator.core.routing import Service
from emulator.finance_operations import instance as instances
from emulator.finance_operations import validation
from emulator.finance_operations.instance import Instance, create_instance, instance, instance_of_cds_host
from emulator.finance_operations.service import register_by_person, register_switches, service
from emulator.tenant import Tenant

__all__ = ["Instance", "create_instance", "install", "instance", "instance_of_cds_host"]


def install(tenant: Tenant) -> tuple[Service, ...]:
    """Return the service; switches, the person action and validation are registered with the tenant."""
    register_switches(tenant.switches)
    instances.register(tenant)
    tenant.rows.before_write("finops", partial(validation.complete, tenant))
    tenant.person.on("register-application", partial(register_by_person, tenant))
    return (service(tenant),)
