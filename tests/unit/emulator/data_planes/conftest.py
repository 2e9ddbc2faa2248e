"""Organizations and instances that stand without the admin plane."""

import pytest

from emulator.tenant import Tenant
from tests.unit.emulator.new_sides import new_instance, new_organization

ENVIRONMENT_ID = "9d8c7b6a-0000-4000-8000-000000000001"
CDS = "contoso-uat.crm4.dynamics.com"
FINOPS = "contoso-uat.operations.eu.dynamics.com"
API = f"https://{CDS}/api/data/v9.2"
DATA = f"https://{FINOPS}/data"


@pytest.fixture
def organization(tenant: Tenant) -> str:
    """A new organization whose creator, the demo program, is a user already."""
    new_organization(tenant, ENVIRONMENT_ID, CDS)
    tenant.events.advance(120)
    return CDS


@pytest.fixture
def instance(tenant: Tenant, organization: str) -> str:
    """A new F&O without demo data, on the organization, in which the demo program is registered."""
    new_instance(tenant, ENVIRONMENT_ID, FINOPS, organization)
    return FINOPS
