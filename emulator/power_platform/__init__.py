"""The admin side of the tenant: BAP, the Power Platform API, environments and the provisioning of F&O.

Everything here follows power-platform-api.md; what no source decides is a switch (`settings`).
"""

from emulator.core.routing import Service
from emulator.power_platform import outcomes, packages, person, seed, settings
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
from emulator.power_platform.published import (
    EnvironmentDeleted,
    FinOpsIntegrated,
    FinOpsOrdered,
    FinOpsReady,
    LifecycleFinOpsMade,
    OrganizationReady,
    OrganizationRenamed,
    PackageInstalled,
)
from emulator.power_platform.records import Environment
from emulator.power_platform.routes import services
from emulator.tenant import Tenant

__all__ = [
    "Environment",
    "EnvironmentDeleted",
    "FinOpsIntegrated",
    "FinOpsOrdered",
    "FinOpsReady",
    "IntegrationError",
    "LifecycleFinOpsMade",
    "OrganizationReady",
    "OrganizationRenamed",
    "PackageInstalled",
    "environment",
    "environment_of_cds_host",
    "environment_of_finops_host",
    "finops_application_details",
    "finops_operation_histories",
    "finops_versions",
    "install",
    "installed_packages",
    "integrate_finops",
    "integration_details",
    "ordered_finops_host",
    "queue_finops_install_or_update",
]


def install(tenant: Tenant) -> tuple[Service, ...]:
    """Return both services; switches, events, person actions and seed sections are registered with the tenant."""
    settings.register(tenant.switches)
    outcomes.register(tenant)
    packages.register(tenant)
    person.register(tenant)
    seed.register(tenant)
    return services(tenant)
