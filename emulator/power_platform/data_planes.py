"""The seam to Dataverse and F&O: makes and removes their instances, and tells the other packages.

The data planes ask this package for environments, so their modules are imported when they are needed, not before.
"""

from typing import TYPE_CHECKING

from emulator.power_platform.records import Database, Environment, FinOps, LifecycleFinOps

if TYPE_CHECKING:
    from emulator.tenant import Tenant


def organization_ready(
    tenant: "Tenant",
    environment: Environment,
    database: Database,
    *,
    dataset: str | None = None,
    dual_write_users: bool = True,
) -> None:
    """Create the Dataverse organization of an environment and publish `organization-ready`.

    `dataset` and `dual_write_users`: see `create_organization`.
    """
    from emulator.dataverse.organization import create_organization

    create_organization(
        tenant,
        environment_id=environment.id,
        host=database.host,
        name=environment.display_name,
        base_language=database.base_language,
        currency=database.currency,
        d365_apps=database.dynamics_365_apps,
        dataset=dataset,
        dual_write_users=dual_write_users,
    )
    tenant.signals.publish("organization-ready", environment_id=environment.id, host=database.host)


def finops_ready(tenant: "Tenant", environment: Environment, finops: FinOps) -> None:
    """Create the F&O instance of an environment and publish `finops-ready`."""
    from emulator.finance_operations.instance import create_instance

    cds_host = environment.database.host if environment.database else ""
    create_instance(
        tenant,
        environment_id=environment.id,
        host=finops.host,
        cds_host=cds_host,
        version=finops.version,
        demo_data=finops.demo_data,
        developer_tools=finops.developer_tools,
    )
    tenant.signals.publish("finops-ready", environment_id=environment.id, host=finops.host, cds_host=cds_host)


def lifecycle_finops_ready(
    tenant: "Tenant", finops: LifecycleFinOps, *, dataset: str | None, dual_write_clients: bool
) -> None:
    """Create the F&O instance that Lifecycle Services made; `dataset` and `dual_write_clients`: `create_instance`."""
    from emulator.finance_operations.instance import create_instance

    create_instance(
        tenant,
        environment_id="",
        host=finops.host,
        cds_host="",
        version=finops.version,
        demo_data=False,
        developer_tools=False,
        dataset=dataset,
        dual_write_clients=dual_write_clients,
        made_by_person=True,
    )


def finops_integrated(tenant: "Tenant", environment: Environment, host: str) -> None:
    """Tell an F&O of Lifecycle Services to which environment it belongs now."""
    from emulator.finance_operations.instance import belong_to

    belong_to(tenant, host, environment.id, environment.database.host if environment.database else "")


def package_installed(tenant: "Tenant", environment: Environment, unique_name: str) -> None:
    """Publish `package-installed`."""
    cds_host = environment.database.host if environment.database else ""
    tenant.signals.publish(
        "package-installed", environment_id=environment.id, cds_host=cds_host, unique_name=unique_name
    )


def environment_deleted(tenant: "Tenant", environment: Environment) -> None:
    """Remove the instances of an environment and publish `environment-deleted`.

    An F&O of Lifecycle Services stays: its instance belongs to no environment any more.
    """
    database, finops = environment.database, environment.finops
    if finops is not None and finops.reachable:
        from emulator.finance_operations.instance import belong_to, delete_instance

        if finops.type == "Linked":
            belong_to(tenant, finops.host, "", "")
        else:
            delete_instance(tenant, finops.host)
    if database is not None and database.ready:
        from emulator.dataverse.organization import delete_organization

        delete_organization(tenant, database.host)
    tenant.signals.publish(
        "environment-deleted",
        environment_id=environment.id,
        cds_host=database.host if database else None,
        finops_host=finops.host if finops else None,
    )


def organization_renamed(tenant: "Tenant", environment_id: str, old_host: str, new_host: str) -> None:
    """Publish `organization-renamed`: the organization answers under another host from now on."""
    tenant.signals.publish("organization-renamed", environment_id=environment_id, old_host=old_host, new_host=new_host)
