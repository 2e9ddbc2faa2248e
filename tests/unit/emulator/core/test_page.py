"""The page for people."""

from emulator.dual_write.states import MapState
from emulator.server.page import render
from emulator.tenant import Tenant
from tests.unit.emulator.dual_write.linked_pair import CDS, CUSTOMER_GROUPS, VENDOR_GROUPS, new_pair


def test_page_of_an_empty_tenant_says_so(tenant: Tenant) -> None:
    assert render(tenant, []).count("None yet.") == 5


def test_page_shows_each_map_with_its_state(tenant: Tenant) -> None:
    pair = new_pair(tenant)
    pair.run(CUSTOMER_GROUPS)
    pair.run(VENDOR_GROUPS, MapState.PAUSED)
    page = render(tenant, [])
    for name, state in ((CUSTOMER_GROUPS, "Running"), (VENDOR_GROUPS, "Paused")):
        assert f"<td>{name}</td><td>{state}</td>" in page
    assert CDS in page


def test_page_shows_environment_and_its_packages(tenant: Tenant) -> None:
    environment = {"name": "Shown", "domain": "shown", "packages": ["DualWriteCoreAnchor"], "finops": {}}
    tenant.seeds.play({"environments": [environment]})
    page = render(tenant, [])
    assert "/_emulator/writes" in page
    assert "<td>Shown</td>" in page
    assert "shown.operations.eu.dynamics.com" in page
    assert "DualWriteCoreAnchor" in page
