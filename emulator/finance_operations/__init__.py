"""F&O: the OData service of every finance and operations instance of the tenant (dual-write-semantics.md 12.1)."""

from typing import TYPE_CHECKING

from emulator.finance_operations import validation
from emulator.finance_operations.instance import create_instance, delete_instance, instance, on_organization_renamed
from emulator.finance_operations.service import register_by_person, register_switches, service

if TYPE_CHECKING:
    from emulator.tenant import Tenant

__all__ = ["create_instance", "delete_instance", "instance", "register", "service"]


def register(tenant: "Tenant") -> None:
    """Hang switches, the person action and validation into the tenant."""
    register_switches(tenant)
    tenant.signals.subscribe("organization-renamed", on_organization_renamed)
    tenant.rows.before_write("finops", validation.complete)
    tenant.person.on("register-application", register_by_person)
