"""Environments that people made: the demo program is known on both sides from the start."""

import pytest

from emulator import power_platform
from emulator.finance_operations.instance import delete_instance
from emulator.power_platform import Environment
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant

ENVIRONMENT = "1a2b3c4d-0000-4000-8000-000000000007"
CDS = "contoso-live.crm4.dynamics.com"


def _record(tenant: Tenant) -> Environment:
    record = power_platform.environment(tenant, ENVIRONMENT)
    assert record is not None
    return record


@pytest.fixture
def pair(tenant: Tenant) -> str:
    """A seeded environment with F&O; returns the F&O host."""
    row = {"id": ENVIRONMENT, "name": "Contoso live", "domain": "contoso-live", "finops": {"demo_data": True}}
    tenant.seeds.play({"environments": [row]})
    finops = _record(tenant).finops
    assert finops is not None
    return finops.host


def test_demo_program_is_known_on_both_sides(call: CallTenant, pair: str) -> None:
    assert call("GET", f"https://{CDS}/api/data/v9.2/WhoAmI").status == 200
    companies = call("GET", f"https://{pair}/data/LegalEntities").json["value"]
    assert [row["LegalEntityId"] for row in companies] == ["DAT", "USMF", "DEMF", "GBSI"]


def test_organization_has_the_id_that_bap_shows(tenant: Tenant, call: CallTenant, pair: str) -> None:
    answer = call("GET", f"https://{CDS}/api/data/v9.2/WhoAmI").json
    database = _record(tenant).database
    assert database is not None
    assert answer["OrganizationId"] == database.resource_id


def test_linked_organization_names_its_finops(call: CallTenant, pair: str) -> None:
    details = call("GET", f"https://{CDS}/api/data/v9.2/RetrieveFinanceAndOperationsIntegrationDetails").json
    assert details["Url"] == f"https://{pair}/"
    application = call("GET", f"https://{CDS}/api/data/v9.2/msprov_getfinopsapplicationdetails").json
    assert application["finopsenvironmentid"] == details["Id"]


def test_finops_that_is_not_up_yet_is_404(tenant: Tenant, call: CallTenant, pair: str) -> None:
    delete_instance(tenant, pair)
    assert call("GET", f"https://{pair}/data/").status == 404
