"""An organization and an F&O that stand without the admin plane."""

from typing import Any

from emulator.dataverse.organization import create_organization
from emulator.finance_operations.instance import create_instance
from emulator.tenant import Tenant


def new_organization(tenant: Tenant, environment_id: str, host: str, **changes: Any) -> None:
    """A new organization with Dynamics 365 apps; arguments change what it is made of."""
    what = {"name": "contoso-uat", "base_language": 1033, "currency": "EUR", "d365_apps": True, **changes}
    create_organization(tenant, environment_id=environment_id, host=host, **what)


def new_instance(tenant: Tenant, environment_id: str, host: str, cds_host: str, *, demo_data: bool = False) -> None:
    """A new F&O on an organization, without developer tools."""
    create_instance(
        tenant,
        environment_id=environment_id,
        host=host,
        cds_host=cds_host,
        version="10.0.45.5",
        demo_data=demo_data,
        developer_tools=False,
    )
