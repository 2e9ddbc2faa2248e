"""DualWriteConnection and LiveSync in the real provider process: one linked pair, all 213 standard maps.

The tests share the pair, because building it is most of the work. Each leaves all maps running.
"""

import re
from collections.abc import Callable, Iterator

import pytest

from providers.application_package import ApplicationPackageProvider
from providers.catalogue.selection import choose_maps, standard
from providers.cds_instance import CdsInstanceProvider
from providers.dual_write_connection import DualWriteConnectionProvider
from providers.live_sync import LiveSyncProvider
from tests.contract.new_instances import CDS, finops
from tests.contract.provider_process import Bag, Checked, ProviderError, ProviderProcess, agreed, declared
from tests.engine.harness import Tenant

HOST = "contoso-uat.crm4.dynamics.com"
# The catalogue as if no two maps excluded each other.
MAPS = tuple(standard().maps)
NEEDED = choose_maps(["all"], [], "add")
MAP = "msdyn_customergroups - Customer groups"
OTHER = "msdyn_vendorgroups - Vendor groups"
DECLARED: Bag = {"cloud": "emulator", "cds": "contoso-uat", "timeout": "2m"}
TOKEN = "DUALWRITE_TOKEN_COMMAND"


def connection(*companies: str) -> Bag:
    """A declared DualWriteConnection with every map solution."""
    inputs = {**DECLARED, "companies": list(companies or ("DAT",)), "solutions": list(NEEDED.solutions)}
    return declared(DualWriteConnectionProvider(), "connection", inputs)


def live_sync(**states: str) -> Bag:
    """A declared LiveSync of all maps, running."""
    inputs = {**DECLARED, "companies": ["DAT"], "maps": {**dict.fromkeys(MAPS, "running"), **states}}
    return declared(LiveSyncProvider(), "live-sync", inputs)


@pytest.fixture(scope="module")
def process(tenant: Tenant) -> Iterator[ProviderProcess]:
    """A provider process on a tenant with a new pair and all packages."""
    process = ProviderProcess(tenant.variables())
    process.create(declared(CdsInstanceProvider(), "cds", CDS))
    process.create(finops())
    for package in NEEDED.packages:
        inputs = {**DECLARED, "package": package}
        process.create(declared(ApplicationPackageProvider(), package, inputs))
    yield process
    process.close()


@pytest.fixture(scope="module")
def without_token(tenant: Tenant) -> Iterator[ProviderProcess]:
    """A provider process that cannot get a delegated token."""
    process = ProviderProcess({**tenant.variables(), TOKEN: ""})
    yield process
    process.close()


def created(process: ProviderProcess, inputs: Bag) -> tuple[str, Bag, Bag]:
    """Found or created: id, checked inputs, outputs."""
    checked: Checked = process.check(inputs)
    assert checked.failures == []
    identifier, outputs = process.create(checked.inputs)
    return identifier, checked.inputs, outputs


@pytest.fixture(scope="module")
def linked(process: ProviderProcess) -> tuple[str, Bag, Bag]:
    """The connection."""
    return created(process, connection())


@pytest.fixture(scope="module")
def list_calls(tenant: Tenant, process: ProviderProcess, linked: object) -> tuple[int, int]:
    """How often bringing 213 maps to life listed them, and how often it polled."""
    before, said = tenant.now(), len(process.engine.lines(ephemeral=True))
    created(process, live_sync())
    listed = [row for row in tenant.requests(before) if row["path"] == "/api/DualWriteManagement/1.0/Entities"]
    polls = [line for line in process.engine.lines(ephemeral=True)[said:] if "maps as declared" in line]
    return len(listed), len(polls)


@pytest.fixture
def live(process: ProviderProcess, list_calls: object) -> tuple[str, Bag, Bag]:
    """The maps, all running."""
    return created(process, live_sync())


def test_link_reads_back_and_differs_in_nothing(
    tenant: Tenant, process: ProviderProcess, linked: tuple[str, Bag, Bag]
) -> None:
    identifier, inputs, outputs = linked
    assert outputs["linked_companies"] == ["DAT"]
    assert outputs["health"]
    assert outputs["cds_url"].rstrip("/") == f"https://{HOST}"
    before = tenant.now()
    assert process.diff(identifier, outputs, process.check(connection(), inputs).inputs).changes == "none"
    assert process.read(identifier, outputs) == (identifier, outputs, inputs)
    assert process.create(inputs)[0] == identifier
    assert tenant.writes(before) == []


def test_what_the_health_check_cannot_read_is_named(linked: tuple[str, Bag, Bag]) -> None:
    _, _, outputs = linked
    assert outputs["not_checked"]
    assert not set(outputs["not_checked"]) & set(outputs["health"])


def test_other_companies_are_an_update_and_need_to_exist(
    process: ProviderProcess, linked: tuple[str, Bag, Bag]
) -> None:
    identifier, inputs, outputs = linked
    ((path, text),) = process.check(connection("DAT", "usmf"), inputs).failures
    assert (path, text.startswith("DW-C04 companies: F&O has no legal entity USMF")) == ("", True)
    created_too = {**connection("DAT", "usmf"), "__created_companies": ["USMF"]}
    more = process.check(created_too, inputs).inputs
    assert (process.diff(identifier, outputs, more).changes, more["companies"]) == (
        "unknown",
        {"DAT": True, "USMF": True},
    )
    with pytest.raises(ProviderError, match=r"F&O has no legal entity USMF.*`dualwrite:companies`"):
        process.update(identifier, outputs, more)


def test_another_environment_is_a_replacement(process: ProviderProcess, linked: tuple[str, Bag, Bag]) -> None:
    identifier, inputs, outputs = linked
    moved = process.check({**connection(), "cds": "contoso-new"}, inputs).inputs
    assert process.diff(identifier, outputs, moved).replaces == ["cds"]


def test_all_213_maps_run_with_one_list_call_a_poll(list_calls: tuple[int, int], live: tuple[str, Bag, Bag]) -> None:
    _, _, outputs = live
    assert len(outputs["maps"]) == 213
    assert set(outputs["maps"].values()) == {"running"}
    assert outputs["ready"] is True
    listed, polls = list_calls
    assert 0 < listed <= polls


def test_live_maps_read_back_and_differ_in_nothing(
    tenant: Tenant, process: ProviderProcess, live: tuple[str, Bag, Bag]
) -> None:
    identifier, inputs, outputs = live
    before = tenant.now()
    assert process.diff(identifier, outputs, process.check(live_sync(), inputs).inputs).changes == "none"
    assert process.read(identifier, outputs) == (identifier, outputs, inputs)
    assert tenant.writes(before) == []


def test_map_paused_by_a_person_is_named_and_resumed_alone(
    tenant: Tenant, start_process: Callable[[], ProviderProcess], live: tuple[str, Bag, Bag]
) -> None:
    identifier, inputs, outputs = live
    tenant.control("person", {"action": "pause-map", "environment": HOST, "map": MAP})
    process = start_process()
    _, held, held_inputs = process.read(identifier, outputs)
    assert process.engine.lines(ephemeral=False) == [
        f"DW-W01 LiveSync 'contoso-uat': map '{MAP}' is paused, not running"
    ]
    assert held_inputs["maps"] == {**inputs["maps"], MAP: "paused"}
    assert process.diff(identifier, held, inputs).changes == "unknown"
    before = tenant.now()
    assert process.update(identifier, held, inputs)["maps"] == inputs["maps"]
    (write,) = tenant.writes(before)
    assert re.search(r"/DualWriteManagement/1\.0/Start$", write, re.IGNORECASE)


def test_declared_states_change_without_touching_other_maps(
    process: ProviderProcess, live: tuple[str, Bag, Bag]
) -> None:
    identifier, inputs, outputs = live
    wanted = process.check(live_sync(**{MAP: "paused", OTHER: "stopped"}), inputs).inputs
    changed = process.update(identifier, outputs, wanted)
    assert changed["maps"] == wanted["maps"]
    assert process.diff(identifier, changed, wanted).changes == "none"
    assert process.update(identifier, changed, inputs)["maps"] == inputs["maps"]


def test_map_that_left_the_declaration_is_stopped_if_started_here(process: ProviderProcess, list_calls: object) -> None:
    """`created` after the first run finds all maps running: it started none, and so stops none."""
    identifier, inputs, outputs = created(process, live_sync())
    assert outputs["started"] == []
    fewer = {**inputs, "maps": {name: state for name, state in inputs["maps"].items() if name != MAP}}
    process.update(identifier, {**outputs, "started": [MAP]}, fewer)
    assert process.read(identifier, outputs)[1]["maps"][MAP] == "stopped"
    assert process.update(identifier, outputs, inputs)["started"] == [MAP]


@pytest.mark.parametrize("kind", ["linked", "live"])
def test_refresh_without_token_keeps_the_stored_values(
    without_token: ProviderProcess, kind: str, request: pytest.FixtureRequest
) -> None:
    identifier, inputs, outputs = request.getfixturevalue(kind)
    assert without_token.read(identifier, outputs) == (identifier, outputs, inputs)
    assert "'contoso-uat': not read: " in without_token.engine.lines(ephemeral=False)[-1]


def test_up_without_token_ends_before_its_first_write(tenant: Tenant, without_token: ProviderProcess) -> None:
    before = tenant.now()
    with pytest.raises(ProviderError, match=TOKEN):
        without_token.create(declared(CdsInstanceProvider(), "cds", {**CDS, "domain": "contoso-new"}))
    assert tenant.requests(before) == []


def test_map_that_cannot_start_is_one_line_and_the_next_run_continues(
    tenant: Tenant, process: ProviderProcess, live: tuple[str, Bag, Bag]
) -> None:
    identifier, inputs, outputs = live
    person = {"environment": HOST, "map": MAP}
    tenant.control("person", {"action": "stop-map", **person})
    tenant.control("person", {"action": "break-map", **person})
    with pytest.raises(ProviderError) as caught:
        process.update(identifier, outputs, inputs)
    text = str(caught.value)
    assert text.startswith("DualWriteError: LiveSync 'contoso-uat': update failed: 1 of 213 maps is not as declared: ")
    assert f"declared: '{MAP}': start failed: " in text
    assert re.search(
        r"\(DIPV1014, correlation [-0-9a-f]{36}\)\. A key field, or the key behind a lookup, is not mapped", text
    )
    tenant.control("person", {"action": "mend-map", **person})
    assert process.update(identifier, outputs, inputs)["maps"] == inputs["maps"]


def test_deletion_stops_what_was_started_and_nothing_else(
    tenant: Tenant,
    process: ProviderProcess,
    live: tuple[str, Bag, Bag],
    linked: tuple[str, Bag, Bag],
    start_process: Callable[[], ProviderProcess],
) -> None:
    identifier, inputs, outputs = live
    # A destroy has a process of its own, which checked nothing.
    start_process().delete(identifier, agreed({**outputs, "started": [MAP, OTHER]}))
    # Nor is what the old one read a moment ago of any use.
    held = start_process().read(identifier, outputs)[1]["maps"]
    assert {name for name, state in held.items() if state == "stopped"} == {MAP, OTHER}
    before = tenant.now()
    process.delete(linked[0], agreed(linked[2]))
    assert tenant.writes(before) == []
    assert "the link itself stays" in process.engine.lines(ephemeral=False)[-1]
    process.update(identifier, outputs, inputs)
