"""Dataverse: the Web API v9.2 of every organization of the tenant (dual-write-semantics.md 5, 12.2)."""

from typing import TYPE_CHECKING

from emulator.dataverse import access, plugins
from emulator.dataverse.organization import (
    add_solution,
    create_organization,
    delete_organization,
    on_application_user_due,
    organization,
    rename_organization,
)
from emulator.dataverse.service import register_switches, service
from emulator.tables import generated, seed, write_log

if TYPE_CHECKING:
    from emulator.tenant import Tenant

__all__ = ["add_solution", "create_organization", "delete_organization", "organization", "register", "service"]


def register(tenant: "Tenant") -> None:
    """Hang switches, events and the platform's own plug-ins into the tenant."""
    register_switches(tenant)
    tenant.events.on("dataverse-application-user", on_application_user_due)
    tenant.signals.subscribe("organization-renamed", rename_organization)
    tenant.signals.subscribe("reset", access.forget)
    tenant.seeds.on(seed.SECTION, seed.play)
    tenant.seeds.on(generated.SECTION, generated.play)
    tenant.rows.before_write("dataverse", plugins.complete)
    write_log.register(tenant)
    tenant.rows.on_write(plugins.after_write)
