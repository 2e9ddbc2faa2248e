"""State that code before the six scenarios wrote: what a stack of then declares is no change now, and costs no call."""

from typing import Any, NamedTuple

import pytest

from providers.api.session import Session
from providers.cds_instance import CdsInstanceProvider
from providers.dual_write_connection import DualWriteConnectionProvider
from providers.finops_instance import FinOpsInstanceProvider
from providers.live_sync import LiveSyncProvider
from providers.protocol.base import Call, Provider

CDS_URL, FINOPS_URL = "https://contoso-uat.crm4.dynamics.com", "https://contoso-uat.operations.eu.dynamics.com"
MAPS = {"accounts - Customers V3": "running", "uoms - Units": "stopped"}


class Stored(NamedTuple):
    """One resource: the inputs and computed outputs that were stored, and the inputs that only today's code passes."""

    provider: Provider[Any, Any]
    inputs: dict[str, Any]
    computed: dict[str, Any]
    new: dict[str, Any]


STORED = [
    Stored(
        CdsInstanceProvider(),
        {
            "cloud": "emulator",
            "name": "contoso-uat",
            "domain": "contoso-uat",
            "type": "sandbox",
            "location": "europe",
            "currency": "EUR",
            "language": 1033,
            "confirm": [],
            "timeout": "2h",
        },
        {
            "environment_id": "3f0f6c55-3d6d-4b55-8d6a-6f2f1f0a7b21",
            "url": f"{CDS_URL}/",
            "api_url": "https://contoso-uat.api.crm4.dynamics.com",
            "organization_id": "7f0f6c55-3d6d-4b55-8d6a-6f2f1f0a7b21",
            "geography": "europe",
            "azure_region": "westeurope",
            "version": "9.2.24031.00134",
            "prime_solution": "1.0.0.0",
            "created_by_us": True,
        },
        {},
    ),
    Stored(
        FinOpsInstanceProvider(),
        {
            "cloud": "emulator",
            "cds": "contoso-uat",
            "data": "empty",
            "developer_tools": False,
            "environment_name": "contoso-uat",
            "environment_type": "sandbox",
            "location": "europe",
            "timeout": "4h",
        },
        {
            "environment_id": "5f0f6c55-3d6d-4b55-8d6a-6f2f1f0a7b21",
            "cds_environment_id": "3f0f6c55-3d6d-4b55-8d6a-6f2f1f0a7b21",
            "url": f"{FINOPS_URL}/",
            "application_version": "10.0.45.3",
            "platform_version": "7.0.7690.5",
            "deployment_type": "UnifiedSandbox",
            "demo_dataset": "",
        },
        {},
    ),
    Stored(
        DualWriteConnectionProvider(),
        {
            "cloud": "emulator",
            "cds": "contoso-uat",
            "companies": ["DAT"],
            "solutions": ["msdyn_DualWriteAppCoreMaps"],
            "timeout": "30m",
        },
        {
            "environment_id": "3f0f6c55-3d6d-4b55-8d6a-6f2f1f0a7b21",
            "connection_id": "cid",
            "connection_name": "cname",
            "finops_url": FINOPS_URL,
            "cds_url": CDS_URL,
            "linked_companies": ["DAT"],
            "health": ["App version"],
            "not_checked": [],
        },
        {"company_change": "manual", "live_companies_limit": 250},
    ),
    Stored(
        LiveSyncProvider(),
        {
            "cloud": "emulator",
            "cds": "contoso-uat",
            "companies": ["DAT"],
            "maps": MAPS,
            "prerequisites_added": ["uoms - Units"],
            "timeout": "2h",
        },
        {
            "connection_id": "cid",
            "finops_host": "contoso-uat.operations.eu.dynamics.com",
            "started": ["accounts - Customers V3"],
            "started_for_service": [],
            "not_installed": [],
            "drifted": {},
            "ready": True,
        },
        {
            "dropped": [],
            "integration_keys": {},
            "initial_sync": {},
            "resync": {},
            "initial_sync_companies_limit": 40,
            "initial_sync_rows_limit": 500_000,
            "single_threaded_rows_limit": 70_000,
            "timeout": "6h",
        },
    ),
]
IDS = [each.provider.resource for each in STORED]


@pytest.fixture(autouse=True)
def no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> Session:
        raise AssertionError("a service was about to be asked")

    monkeypatch.setattr(Call, "session", refuse)


def as_on_the_wire(bag: dict[str, Any]) -> dict[str, Any]:
    """Every whole number arrives as a float."""
    return {name: float(value) if type(value) is int else value for name, value in bag.items()}


@pytest.mark.parametrize("stored", STORED, ids=IDS)
def test_stack_of_then_is_no_change_now(stored: Stored) -> None:
    old = as_on_the_wire(stored.inputs)
    checked = stored.provider.check(old, as_on_the_wire({**stored.inputs, **stored.new}))
    assert checked.failures == []
    found = stored.provider.diff("id", {**old, **as_on_the_wire(stored.computed)}, checked.inputs)
    assert (found.changes, found.replaces) == (False, None)


@pytest.mark.parametrize("stored", STORED, ids=IDS)
def test_outputs_of_then_are_read_by_refresh_and_destroy(stored: Stored) -> None:
    held = stored.provider.outputs.model_validate({**stored.inputs, **stored.computed})
    assert stored.provider.unfinished(held) is False
    assert stored.provider.name_of(held) == "contoso-uat"
