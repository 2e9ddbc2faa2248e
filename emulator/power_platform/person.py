"""What people do in the admin centre behind our back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from emulator.person import PersonError
from emulator.power_platform import deletion, domains, environments
from emulator.power_platform.records import Environment, environment_with_host, find_environment

if TYPE_CHECKING:
    from emulator.tenant import Tenant


def register(tenant: "Tenant") -> None:
    """Register the actions on environments and domains."""
    tenant.person.on("rename-environment", _rename)
    tenant.person.on("delete-environment", _delete)
    tenant.person.on("reserve-domain", _reserve_domain)


def _rename(tenant: "Tenant", request: Mapping[str, Any]) -> dict[str, Any]:
    environment = _environment(tenant, request)
    name = _text(request, "name")
    environments.rename(tenant, environment, name)
    return {"environment": environment.id, "name": name}


def _delete(tenant: "Tenant", request: Mapping[str, Any]) -> dict[str, Any]:
    environment = _environment(tenant, request)
    deletion.remove(tenant, environment)
    return {"environment": environment.id}


def _reserve_domain(tenant: "Tenant", request: Mapping[str, Any]) -> dict[str, Any]:
    domain = _text(request, "domain")
    if domains.taken(tenant, domain):
        msg = f"the domain '{domain}' is taken already"
        raise PersonError(msg)
    domains.reserve(tenant, domain)
    return {"domain": domain}


def _environment(tenant: "Tenant", request: Mapping[str, Any]) -> Environment:
    reference = _text(request, "environment")
    found = find_environment(tenant, reference) or environment_with_host(tenant, reference)
    if found is None:
        msg = f"there is no environment '{reference}'; give its Dataverse host or its id"
        raise PersonError(msg)
    return found


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value:
        msg = f"the action needs '{name}'"
        raise PersonError(msg)
    return value
