"""What people do in the admin centre behind our back."""

from functools import partial
from typing import Any

from emulator.core.person import PersonError, PersonRequest
from emulator.power_platform import deletion, domains, environments
from emulator.power_platform.records import Environment, environment_with_host, find_environment
from emulator.tenant import Tenant


def register(tenant: Tenant) -> None:
    """Register the actions on environments and domains."""
    tenant.person.on("rename-environment", partial(_rename, tenant))
    tenant.person.on("delete-environment", partial(_delete, tenant))
    tenant.person.on("reserve-domain", partial(_reserve_domain, tenant))


def _rename(tenant: Tenant, request: PersonRequest) -> dict[str, Any]:
    environment = _environment(tenant, request)
    name = request.text("name")
    environments.rename(tenant, environment, name)
    return {"environment": environment.id, "name": name}


def _delete(tenant: Tenant, request: PersonRequest) -> dict[str, Any]:
    environment = _environment(tenant, request)
    deletion.remove(tenant, environment)
    return {"environment": environment.id}


def _reserve_domain(tenant: Tenant, request: PersonRequest) -> dict[str, Any]:
    domain = request.text("domain")
    if domains.taken(tenant, domain):
        msg = f"the domain '{domain}' is taken already"
        raise PersonError(msg)
    domains.reserve(tenant, domain)
    return {"domain": domain}


def _environment(tenant: Tenant, request: PersonRequest) -> Environment:
    reference = request.text("environment")
    environment = find_environment(tenant, reference) or environment_with_host(tenant, reference)
    if environment is None:
        msg = f"there is no environment '{reference}'; give its Dataverse host or its id"
        raise PersonError(msg)
    return environment
