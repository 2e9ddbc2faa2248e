"""Dataverse: the Web API v9.2 of every organization of the tenant (dual-write-semantics.md 5, 12.2)."""

from functools import partial

from emulator.core.routing import Service
from emulator.dataverse import organization as organizations
from emulator.dataverse import plugins
from emulator.dataverse.organization import Organization, create_organization, organization, plain_host
from emulator.dataverse.service import register_switches, service
from emulator.tables import generated, seed
from emulator.tenant import Tenant

__all__ = ["Organization", "create_organization", "install", "organization", "plain_host"]


def install(tenant: Tenant) -> tuple[Service, ...]:
    """Return the service; switches, events and the platform's own plug-ins are registered with the tenant."""
    register_switches(tenant.switches)
    organizations.register(tenant)
    # The sections of rows are about both planes; they are played when the instances stand.
    tenant.seeds.on(seed.SECTION, partial(seed.play, tenant.rows))
    tenant.seeds.on(generated.SECTION, partial(generated.play, tenant.rows))
    tenant.rows.before_write("dataverse", partial(plugins.complete, tenant))
    tenant.rows.on_write(partial(plugins.after_write, tenant))
    return (service(tenant),)
