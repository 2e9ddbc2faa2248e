"""The provider process is killed at every single request of a set-up; running again converges, nothing is doubled."""

from dataclasses import replace

import pytest

from emulator.dual_write import maps
from emulator.identity.tokens import SigningKey
from emulator.power_platform.records import environments
from providers.api.dual_write.actions import MapState
from providers.application_package import ApplicationPackageProvider, PackageInputs
from providers.catalogue.selection import choose_maps, standard
from providers.cds_instance import CdsInstanceProvider
from providers.company import CompanyInputs, CompanyProvider
from providers.dual_write_connection import ConnectionInputs, DualWriteConnectionProvider
from providers.finops_instance import FinOpsInstanceProvider
from providers.instances.cds_model import CdsInputs
from providers.instances.finops_model import FinOpsInputs
from providers.live_sync import LiveSyncInputs, LiveSyncProvider
from providers.protocol.base import Call
from tests.support.in_process import World, a_world, killed_everywhere

DOMAIN = "contoso-kill"
CDS = CdsInputs(cloud="public", name="contoso-kill", domain=DOMAIN, location="europe", currency="EUR", language=1033)
FINOPS = FinOpsInputs(cloud="public", cds=DOMAIN, data="empty", environment_name="contoso-kill", location="europe")
PACKAGE = PackageInputs(cloud="public", cds=DOMAIN, package="DualWriteCoreAnchor")
COMPANY = CompanyInputs(
    cloud="public",
    cds="https://tailspin-sales.crm4.dynamics.com",
    finops="https://tailspin-erp.sandbox.operations.eu.dynamics.com",
    code="USMF",
    name="Contoso",
    country="USA",
)
EXISTING = {
    "environments": [{"name": "Tailspin Sales", "domain": "tailspin-sales", "sku": "Sandbox"}],
    "lifecycle_finops": [{"name": "tailspin-erp", "host": "tailspin-erp.sandbox.operations.eu.dynamics.com"}],
}
FINANCE = choose_maps(["finance"])
GROUPS, TERMS = "msdyn_customergroups - Customer groups", "msdyn_paymentterms - Terms of payment"
ACCOUNTS = "accounts - Customers V3"
DROPPED = [need for need in standard().maps[ACCOUNTS].needs if need not in (GROUPS, TERMS)]
LIVE_SYNC = LiveSyncInputs(
    cloud="public",
    cds=DOMAIN,
    companies=["DAT"],
    maps=dict.fromkeys((ACCOUNTS, GROUPS, TERMS), "running"),
    dropped=[f"{name}: not part of this test" for name in DROPPED],
    initial_sync={GROUPS: "finops", TERMS: "finops"},
    integration_keys={"accounts": ["accountnumber", "msdyn_company.cdm_companycode"]},
)


def create_cds(call: Call) -> str:
    return CdsInstanceProvider().on_create(CDS, call)[0]


def create_finops(call: Call) -> str:
    return FinOpsInstanceProvider().on_create(FINOPS, call)[0]


def create_package(call: Call) -> str:
    return ApplicationPackageProvider().on_create(PACKAGE, call)[0]


def create_company(call: Call) -> str:
    return CompanyProvider().on_create(COMPANY, call)[0]


@pytest.fixture(scope="module")
def signing_key() -> SigningKey:
    """One RSA key for all worlds."""
    return SigningKey.generate()


@pytest.fixture
def empty(signing_key: SigningKey) -> World:
    """A tenant with nothing of this stack in it."""
    return a_world(signing_key)


@pytest.fixture
def with_cds(empty: World) -> World:
    """A tenant with the CDS instance of this stack."""
    create_cds(empty.call())
    return empty


def ours(world: World) -> list[str]:
    return [each.id for each in environments(world.tenant) if each.display_name == "contoso-kill"]


def test_environment_is_never_created_twice(empty: World, signing_key: SigningKey) -> None:
    worlds = killed_everywhere(empty, create_cds, signing_key)
    assert len(worlds) > 10
    for world in worlds:
        assert len(ours(world)) == 1
        assert len([each for each in world.writes() if each.endswith("/environments")]) == 1


def test_finops_is_never_installed_twice(with_cds: World, signing_key: SigningKey) -> None:
    worlds = killed_everywhere(with_cds, create_finops, signing_key)
    assert len(worlds) > 20
    for world in worlds:
        installs = [each for each in world.writes() if each.endswith("/install")]
        registrations = [each for each in world.writes() if each.endswith("/SysAADClients")]
        assert len(installs) == 2
        assert len(registrations) == 1


def test_package_is_never_requested_twice(with_cds: World, signing_key: SigningKey) -> None:
    worlds = killed_everywhere(with_cds, create_package, signing_key)
    assert len(worlds) > 3
    for world in worlds:
        assert len([each for each in world.writes() if each.endswith("/install")]) == 1


def test_company_is_never_created_twice(empty: World, signing_key: SigningKey) -> None:
    empty.tenant.seeds.play(EXISTING)
    worlds = killed_everywhere(empty, create_company, signing_key)
    assert len(worlds) > 3
    for world in worlds:
        assert len([each for each in world.writes() if each.endswith("/LegalEntities")]) == 1
        assert CompanyProvider().on_create(COMPANY, world.call())[1].created_by_us is False


def test_deletion_ends_whenever_it_was_interrupted(empty: World, signing_key: SigningKey) -> None:
    identifier, stored = CdsInstanceProvider().on_create(CDS, empty.call())

    def delete(call: Call) -> str:
        CdsInstanceProvider().on_delete(identifier, stored, call)
        return identifier

    assert len(ours(empty)) == 1
    worlds = killed_everywhere(empty, delete, signing_key)
    assert len(worlds) > 3
    for world in worlds:
        assert ours(world) == []


def create_live_sync(call: Call) -> str:
    return LiveSyncProvider().on_create(LIVE_SYNC, replace(call, private={"dropped_maps": DROPPED}))[0]


@pytest.fixture(scope="module")
def linked_pair(signing_key: SigningKey) -> World:
    """A tenant with a linked pair whose maps were never started, and whose party keys nobody has set."""
    world = a_world(signing_key)
    world.tenant.switches.set("party_keys", "unset")
    create_cds(world.call())
    create_finops(world.call())
    for package in FINANCE.packages:
        inputs = PackageInputs(cloud="public", cds=DOMAIN, package=package)
        ApplicationPackageProvider().on_create(inputs, world.call())
    connection = ConnectionInputs(cloud="public", cds=DOMAIN, companies=["DAT"], solutions=list(FINANCE.solutions))
    DualWriteConnectionProvider().on_create(connection, world.call())
    # Of the solution's many maps only those of this test stay: each of its requests is answered with the whole list.
    for key, document in world.tenant.store.items(maps.KIND):
        if document["name"] not in LIVE_SYNC.maps:
            world.tenant.store.delete(maps.KIND, key)
    world.said.clear()
    world.requests.clear()
    return world


def test_maps_are_synced_and_started_once(linked_pair: World, signing_key: SigningKey) -> None:
    worlds = killed_everywhere(linked_pair, create_live_sync, signing_key)
    assert len(worlds) > 20
    for world in worlds:
        service = world.call().session("public").dual_write
        held = {status.name: status for status in service.maps(linked_cid(world))}
        assert {held[name].state for name in LIVE_SYNC.maps} == {MapState.RUNNING}
        for name in LIVE_SYNC.initial_sync:
            runs = {each.initial_sync_request_id for each in service.executions(held[name].detail.pid or "")}
            assert len(runs) == 1
        assert len([each for each in world.writes() if each.endswith("/IntegrationKeys")]) == 1


def linked_cid(world: World) -> str:
    link = world.call().session("public").dual_write.environment(f"{DOMAIN}.operations.eu.dynamics.com")
    assert link is not None
    return link.cid
