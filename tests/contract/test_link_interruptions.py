"""The provider process is killed at every single request of the connection's creation; running again converges.

The pair is linked with one company of two, and nothing of what dual-write needs to be let in is there.
"""

import pytest

from emulator.identity.tokens import SigningKey
from providers.dual_write_connection import ConnectionInputs, ConnectionOutputs, DualWriteConnectionProvider
from providers.protocol.base import Call
from tests.support.in_process import a_world, killed_everywhere

CDS, FINOPS = "lamna-sales.crm4.dynamics.com", "lamna-erp.sandbox.operations.eu.dynamics.com"
PAIR = {
    "environments": [
        {
            "name": "Lamna Sales",
            "domain": "lamna-sales",
            "sku": "Sandbox",
            "packages": ["DualWriteCoreAnchor", "msdyn_DualWriteAppCoreAnchor"],
            "dual_write_users": False,
        }
    ],
    "lifecycle_finops": [{"name": "lamna-erp", "host": FINOPS, "dataset": "lamna-erp", "dual_write_clients": False}],
    "links": [{"environment": CDS, "finops": FINOPS, "companies": ["DAT"]}],
}
WANTED = ConnectionInputs(
    cloud="public",
    cds=f"https://{CDS}",
    finops=f"https://{FINOPS}",
    companies=["DAT", "LAMN"],
    solutions=["msdyn_DualWriteAppCoreMaps"],
    timeout="2h",
)
WRITTEN_ONCE = ("/Reset", "/RestoreTemplates")
WRITTEN_TWICE = ("/systemusers", "/SysAADClients")


def create(call: Call) -> tuple[str, ConnectionOutputs]:
    return DualWriteConnectionProvider().on_create(WANTED, call)


def test_link_is_reset_once_and_nothing_is_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", "the session has a source of its own")
    key = SigningKey.generate()
    pair = a_world(key)
    pair.tenant.seeds.play(PAIR)
    worlds = killed_everywhere(pair, lambda call: create(call)[0], key)
    assert len(worlds) > 50
    for world in worlds:
        counted = {end: len([each for each in world.writes() if each.endswith(end)]) for end in WRITTEN_ONCE}
        assert counted == dict.fromkeys(WRITTEN_ONCE, 1)
        counted = {end: len([each for each in world.writes() if each.endswith(end)]) for end in WRITTEN_TWICE}
        assert counted == dict.fromkeys(WRITTEN_TWICE, 2)
    for world in worlds[::20]:
        before = len(world.writes())
        assert create(world.call())[1].linked_companies == ["DAT", "LAMN"]
        assert len(world.writes()) == before
