"""What the data planes and the dual-write service may ask this package, and the one thing they may start."""

from emulator.core.routing import NotModelledError
from emulator.core.wire import Call, ServiceError
from emulator.power_platform import catalogue, finops, lifecycle, operations, packages
from emulator.power_platform.finops import ApplicationDetails, IntegrationDetails
from emulator.power_platform.records import Environment, FinOpsHistory, environment_with_host, find_environment
from emulator.tenant import Tenant


def environment(tenant: Tenant, environment_id: str) -> Environment | None:
    """Return a live environment, or None."""
    return find_environment(tenant, environment_id)


def environment_of_cds_host(tenant: Tenant, host: str) -> Environment | None:
    """Return the environment whose Dataverse organization answers on `host`, or None."""
    environment = environment_with_host(tenant, host)
    is_this = environment is not None and environment.database is not None and environment.database.host == host.lower()
    return environment if is_this else None


def environment_of_finops_host(tenant: Tenant, host: str) -> Environment | None:
    """Return the environment whose F&O answers on `host`, or None."""
    environment = environment_with_host(tenant, host)
    is_this = environment is not None and environment.finops is not None and environment.finops.host == host.lower()
    return environment if is_this else None


def installed_packages(tenant: Tenant, environment_id: str) -> dict[str, str]:
    """Return unique name to state of every package of the catalogue; empty when the environment is gone."""
    environment = find_environment(tenant, environment_id)
    return packages.states(environment) if environment else {}


def finops_versions(_tenant: Tenant) -> list[str]:
    """Return the F&O versions on offer in the service's own order (14.8: not sorted)."""
    return list(catalogue.FINOPS_VERSIONS)


def finops_application_details(tenant: Tenant, environment_id: str) -> ApplicationDetails | None:
    """Return the answer of `msprov_getfinopsapplicationdetails` without its context; None while there is no F&O."""
    environment = find_environment(tenant, environment_id)
    return finops.application_details(environment.finops) if environment and environment.finops else None


def integration_details(tenant: Tenant, cds_host: str) -> IntegrationDetails | None:
    """Return Url, TenantId, Id and IsUnifiedDatabase of the linked F&O; None means 400 `0x80048d0b`."""
    environment = environment_with_host(tenant, cds_host)
    if environment is None or environment.finops is None or not environment.finops.reachable:
        return None
    return finops.integration_details(tenant, environment.finops)


def ordered_finops_host(tenant: Tenant, environment_id: str) -> str | None:
    """Return the host of the F&O that the attendant is to link with an environment, None when there is no order."""
    environment = find_environment(tenant, environment_id)
    ordered = lifecycle.ordered(tenant, environment.database.domain) if environment and environment.database else None
    return ordered.host if ordered else None


def integrate_finops(tenant: Tenant, environment_id: str, host: str) -> None:
    """Integrate an F&O of Lifecycle Services with an environment, as a person does; IntegrationError says why not."""
    lifecycle.integrate(tenant, environment_id, host)


def finops_operation_histories(tenant: Tenant, environment_id: str) -> list[FinOpsHistory]:
    """Return what was asked of F&O, oldest first."""
    return finops.histories(tenant, environment_id)


def queue_finops_install_or_update(tenant: Tenant, environment_id: str, payload: str, call: Call | None = None) -> str:
    """Do what `msprov_queuefnoinstallorupdate` does: install the Provisioning App, and return the operation's id.

    The action comes with the Platform Tools: ServiceError 404 without them. What else is wrong shows later, in the
    package's state (14.8). What is answered while an installation runs is not known: NotModelledError.
    """
    found = _with_action(tenant, environment_id)
    app = catalogue.PACKAGES[catalogue.PROVISIONING_APP]
    installed = found.packages.get(app.unique_name)
    if installed is not None and installed.state in packages.BUSY:
        raise NotModelledError("the action while an installation or update is in progress")
    requested_by = operations.principal(tenant, call) if call else found.created_by
    return packages.install(tenant, found, app, payload, requested_by).id


def _with_action(tenant: Tenant, environment_id: str) -> Environment:
    environment = find_environment(tenant, environment_id)
    if environment is None or not finops.has_platform_tools(environment):
        text = "Resource not found for the segment 'msprov_queuefnoinstallorupdate'."
        # Source: Microsoft Learn, Troubleshoot Dataverse Web API client errors: GET Account
        raise ServiceError(404, {"error": {"code": "0x8006088a", "message": text}})
    return environment
