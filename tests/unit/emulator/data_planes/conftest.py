"""Organizations and instances that stand without the admin plane."""

import pytest

from emulator.dataverse.organization import create_organization
from emulator.finance_operations.instance import create_instance
from emulator.tenant import Tenant

CDS = "contoso-uat.crm4.dynamics.com"
FINOPS = "contoso-uat.operations.eu.dynamics.com"
API = f"https://{CDS}/api/data/v9.2"
DATA = f"https://{FINOPS}/data"


@pytest.fixture
def organization(tenant: Tenant) -> str:
    """A new organization whose creator, the demo program, is a user already."""
    create_organization(
        tenant,
        environment_id="9d8c7b6a-0000-4000-8000-000000000001",
        host=CDS,
        name="contoso-uat",
        base_language=1033,
        currency="EUR",
        d365_apps=True,
    )
    tenant.events.advance(120)
    return CDS


@pytest.fixture
def instance(tenant: Tenant, organization: str) -> str:
    """A new F&O without demo data, on the organization, in which the demo program is registered."""
    create_instance(
        tenant,
        environment_id="9d8c7b6a-0000-4000-8000-000000000001",
        host=FINOPS,
        cds_host=organization,
        version="10.0.45.5",
        demo_data=False,
        developer_tools=False,
    )
    return FINOPS
