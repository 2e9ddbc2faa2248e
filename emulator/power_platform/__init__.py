"""The admin side of the tenant: BAP, the Power Platform API, environments and the provisioning of F&O.

Everything here follows power-platform-api.md; what no source decides is a switch (`settings`).
"""

from typing import TYPE_CHECKING

from emulator.power_platform import create, deletion, environments, operations, packages, person, seed, settings
from emulator.power_platform.interface import (
    environment,
    environment_of_cds_host,
    environment_of_finops_host,
    finops_application_details,
    finops_operation_histories,
    finops_versions,
    installed_packages,
    integrate_finops,
    integration_details,
    ordered_finops_host,
    queue_finops_install_or_update,
)
from emulator.power_platform.lifecycle import IntegrationError
from emulator.power_platform.routes import services

if TYPE_CHECKING:
    from emulator.tenant import Tenant

__all__ = [
    "IntegrationError",
    "environment",
    "environment_of_cds_host",
    "environment_of_finops_host",
    "finops_application_details",
    "finops_operation_histories",
    "finops_versions",
    "installed_packages",
    "integrate_finops",
    "integration_details",
    "ordered_finops_host",
    "queue_finops_install_or_update",
    "register",
    "services",
]


def register(tenant: "Tenant") -> None:
    """Hang switches, events, person actions and the seed sections into the tenant."""
    settings.register(tenant)
    operations.register(tenant)
    packages.register(tenant)
    create.register(tenant)
    environments.register(tenant)
    deletion.register(tenant)
    person.register(tenant)
    seed.register(tenant)
