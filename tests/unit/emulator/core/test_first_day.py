"""The first day of a tenant: the same everywhere, and all of it still there after a restart."""

from pathlib import Path
from typing import Any

from emulator.app import assemble
from emulator.core.clock import Clock
from emulator.core.store import Store
from emulator.dual_write import connections
from emulator.identity.tokens import SigningKey
from emulator.power_platform import packages
from emulator.power_platform.records import environment_with_host
from emulator.server.process import seed
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import START

TAILSPIN, LAMNA = "tailspin-sales.crm4.dynamics.com", "lamna-sales.crm4.dynamics.com"
GENERATED = {"accounts": {"count": 50, "template": {"name": "Account {n}"}}}


def opened(key: SigningKey, path: Path | None = None) -> Tenant:
    """A tenant on a file, or in memory."""
    store = Store(path)
    return assemble(store, Clock(store, "stepped", start=START), key)


def held(tenant: Tenant) -> dict[str, list[Any]]:
    """Everything that the store holds, table by table."""
    return {name: tenant.store.execute(f'SELECT * FROM "{name}"').fetchall() for name in tenant.store.tables()}  # noqa: S608


def test_rows_and_ids_are_the_same_everywhere(signing_key: SigningKey) -> None:
    first, second = opened(signing_key), opened(signing_key)
    seed(first)
    seed(second)
    assert held(first) == held(second)


def test_ids_of_later_rows_are_their_own(signing_key: SigningKey) -> None:
    made = set()
    tenant = opened(signing_key)
    for _ in range(2):
        tenant.reset()
        seed(tenant)
        made.add(tenant.rows.insert("dataverse", TAILSPIN, "accounts", {"name": "Later"})["accountid"])
    assert len(made) == 2


def test_restart_keeps_everything(tmp_path: Path, signing_key: SigningKey) -> None:
    tenant = opened(signing_key, tmp_path / "tenant")
    seed(tenant)
    tenant.seeds.play({"generated_rows": {"dataverse": {LAMNA: GENERATED}}})
    tenant.rows.insert("dataverse", TAILSPIN, "accounts", {"name": "By a client"})
    environment = environment_with_host(tenant, TAILSPIN)
    assert environment is not None
    packages.place(tenant, environment, "DualWriteCoreAnchor")
    tenant.clock.save()
    before = held(tenant)
    assert all(before[name] for name in ("documents", "events", "rows", "row_keys", "row_writes"))
    tenant.store.close()
    restarted = opened(signing_key, tmp_path / "tenant")
    assert seed(restarted) is False
    assert held(restarted) == before
    restarted.events.advance(120)
    linked = {link.dataverse_host: link.company_codes() for link in connections.connections(restarted)}
    assert linked == {LAMNA: ["DAT", "LAMN"], TAILSPIN: ["DAT", "TSEU", "TSUS"]}
    restarted.store.close()


def test_section_that_is_played_again_adds_nothing(signing_key: SigningKey) -> None:
    """An environment is known by its address, a seed need not name its id."""
    tenant = opened(signing_key)
    document = {
        "environments": [{"name": "A", "domain": "some-sales", "packages": ["DualWriteCoreAnchor"]}],
        "lifecycle_finops": [{"name": "a", "host": "a.sandbox.operations.eu.dynamics.com"}],
        "links": [
            {
                "environment": "some-sales.crm4.dynamics.com",
                "finops": "a.sandbox.operations.eu.dynamics.com",
                "companies": ["DAT"],
            }
        ],
    }
    tenant.seeds.play(document)
    before = held(tenant)
    tenant.seeds.play(document)
    assert held(tenant) == before
