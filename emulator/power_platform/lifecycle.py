"""F&O that were made in Lifecycle Services, and their integration with an environment.

Lifecycle Services has no API for it: a person presses a button (power-platform-api.md 16, dual-write-semantics.md 2.3).
Each of these F&O is a record of its own here. The placeholder environment without Dataverse that Lifecycle Services
keeps beside it is left out, as no source shows what BAP lists of it. Assumed: the integration is done at once, and a
deleted Dataverse environment frees the F&O that was integrated with it.
"""

from emulator.power_platform.published import FinOpsIntegrated
from emulator.power_platform.records import (
    LIFECYCLE_FINOPS,
    Environment,
    FinOps,
    LifecycleFinOps,
    find_environment,
    load,
    put_environment,
    save,
)
from emulator.tenant import Tenant


class IntegrationError(Exception):
    """The two cannot be integrated; the text says why."""


def lifecycle_finops(tenant: Tenant) -> list[LifecycleFinOps]:
    """Return all F&O of Lifecycle Services, ordered by host."""
    return [LifecycleFinOps.model_validate(document) for _, document in tenant.store.items(LIFECYCLE_FINOPS)]


def find(tenant: Tenant, host: str) -> LifecycleFinOps | None:
    """Return the F&O of Lifecycle Services on this host, or None."""
    return load(tenant, LIFECYCLE_FINOPS, host.lower(), LifecycleFinOps)


def put(tenant: Tenant, finops: LifecycleFinOps) -> None:
    """Write an F&O of Lifecycle Services."""
    save(tenant, LIFECYCLE_FINOPS, finops.host, finops)


def ordered(tenant: Tenant, domain: str) -> LifecycleFinOps | None:
    """Return the F&O that the attendant is to link with a domain, None when it is integrated already."""
    wanted = domain.lower()
    return next((one for one in lifecycle_finops(tenant) if one.link_with == wanted and not one.environment_id), None)


def _is_done(finops: FinOps, host: str) -> bool:
    return finops.host == host.lower() and finops.reachable


def integrate(tenant: Tenant, environment_id: str, host: str) -> None:
    """Do what the set-up of the Power Platform Integration does; nothing when it is done already.

    Raises:
        IntegrationError: no such side, or a rule of dual-write-semantics.md 2.3 forbids it.
    """
    environment, finops = find_environment(tenant, environment_id), find(tenant, host)
    if environment is None:
        raise IntegrationError(f"there is no environment '{environment_id}'")
    if environment.finops is not None and _is_done(environment.finops, host):
        return
    if finops is None:
        raise IntegrationError(f"Lifecycle Services has no finance and operations app '{host}'")
    _check(environment, finops)
    _attach(tenant, environment, finops)
    tenant.signals.publish(FinOpsIntegrated(environment, finops.host))


def _attach(tenant: Tenant, environment: Environment, finops: LifecycleFinOps) -> None:
    """Let BAP and Dataverse show the F&O as that of the environment, with the type Linked."""
    now = tenant.clock.now()
    environment.finops = FinOps(
        id=finops.id,
        state="Installed",
        host=finops.host,
        version=finops.version,
        developer_tools=False,
        demo_data=False,
        type="Linked",
        reachable=True,
        linked_from=now,
    )
    environment.modified = now
    put_environment(tenant, environment)
    finops.environment_id = environment.id
    put(tenant, finops)


def release(tenant: Tenant, environment: Environment) -> None:
    """Free the F&O of an environment that is gone; it may be integrated with another one."""
    finops = find(tenant, environment.finops.host) if environment.finops else None
    if finops is not None and finops.environment_id == environment.id:
        finops.environment_id = None
        put(tenant, finops)


def _check(environment: Environment, finops: LifecycleFinOps) -> None:
    name, database = environment.display_name, environment.database
    if environment.finops is not None:
        raise IntegrationError(
            f"the environment '{name}' is integrated with {environment.finops.host}; that cannot be changed"
        )
    if finops.environment_id is not None:
        raise IntegrationError(f"{finops.host} is integrated with another environment; that cannot be changed")
    if database is None or not database.ready:
        raise IntegrationError(f"the environment '{name}' has no Dataverse")
    if not database.dynamics_365_apps:
        raise IntegrationError(f"the environment '{name}' was created without 'Enable Dynamics 365 apps'")
    if environment.location != finops.location:
        raise IntegrationError(
            f"{finops.host} lies in '{finops.location}', the environment '{name}' in '{environment.location}'"
        )
