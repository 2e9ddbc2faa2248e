"""LiveSync in the real provider process: a demo F&O whose rows reach CDS, keys, resync, failures, existing pairs.

The tests share one linked pair with all maps of the finance area, because building it is most of the work. Each leaves
every map running.
"""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers.application_package import ApplicationPackageProvider
from providers.catalogue.default_keys import default_keys
from providers.catalogue.selection import choose_maps
from providers.cds_instance import CdsInstanceProvider
from providers.dual_write_connection import DualWriteConnectionProvider
from providers.live_sync import LiveSyncProvider
from tests.contract.new_instances import CDS, finops
from tests.contract.provider_process import Bag, ProviderError, ProviderProcess, agreed, declared
from tests.engine.harness import Tenant

CDS_HOST, FINOPS_HOST = "contoso-uat.crm4.dynamics.com", "contoso-uat.operations.eu.dynamics.com"
GROUPS, VENDOR_GROUPS = "msdyn_customergroups - Customer groups", "msdyn_vendorgroups - Vendor groups"
VENDORS = "msdyn_vendors - Vendors V2"
SELECTION = choose_maps(["finance"])
PAIR: Bag = {"cloud": "emulator", "cds": "contoso-uat", "timeout": "3m"}
KEYS = default_keys(SELECTION.maps)
STORED_KEYS = {table: dict.fromkeys(columns, True) for table, columns in KEYS.items()}
START, ENTITIES, REPORTS, KEYS_CALL = "/Start", "/Entities", "/ProjectExecutionWithCompanies/", "/IntegrationKeys"
Stored = tuple[str, Bag, Bag]


def live_sync(*maps: str, before: list[str] | None = None, **values: Any) -> Bag:
    """These maps, running, each with an initial sync from F&O."""
    inputs = {
        **PAIR,
        "companies": ["DAT", "USMF"],
        "maps": dict.fromkeys(maps, "running"),
        "initial_sync": dict.fromkeys(maps, "finops"),
        **values,
    }
    hidden = {} if before is None else {"__running_before": before}
    return declared(LiveSyncProvider(), "live-sync", {**inputs, **hidden})


def connection(**values: Any) -> Bag:
    inputs = {**PAIR, "companies": ["DAT", "USMF"], "solutions": list(SELECTION.solutions), **values}
    return declared(DualWriteConnectionProvider(), "connection", inputs)


@pytest.fixture(scope="module")
def linked(tenant: Tenant) -> Iterator[Tenant]:
    """A new pair with demo data, linked for DAT and USMF, with all maps of the finance area and its needs."""
    tenant.control("switches", {"party_keys": "unset"})
    process = ProviderProcess(tenant.variables())
    process.create(declared(CdsInstanceProvider(), "cds", CDS))
    process.create(finops(data="demo"))
    for package in SELECTION.packages:
        process.create(declared(ApplicationPackageProvider(), package, {**PAIR, "package": package}))
    process.create(process.check(connection()).inputs)
    yield tenant
    process.close()


class Pair:
    """The shared pair, and a provider process that works on it."""

    def __init__(self, tenant: Tenant, process: ProviderProcess) -> None:
        self.tenant = tenant
        self.process = process
        self.since = tenant.now()

    def create(self, inputs: Bag) -> Stored:
        checked = self.process.check(inputs)
        assert checked.failures == []
        return (*self.process.create(checked.inputs), checked.inputs)

    def update(self, stored: Stored, inputs: Bag) -> Bag:
        identifier, outputs, old = stored
        checked = self.process.check(inputs, old)
        assert checked.failures == []
        updated = self.process.update(identifier, outputs, checked.inputs)
        # The stack remembers which initial syncs it knows, also of an update whose other outputs a test throws away.
        outputs["sync_runs"] = updated["sync_runs"]
        return updated

    def calls(self, part: str) -> int:
        """Requests of this test whose path has this part."""
        return len([row for row in self.tenant.requests(self.since) if part in row["path"]])

    def person(self, action: str, name: str, **values: str) -> None:
        self.tenant.control("person", {"action": action, "environment": CDS_HOST, "map": name, **values})

    @property
    def said(self) -> list[str]:
        """The lines that stay, without the resource's name."""
        return [line.replace("LiveSync 'contoso-uat': ", "", 1) for line in self.process.engine.lines(ephemeral=False)]


@pytest.fixture(scope="module")
def killed_and_synced(linked: Tenant) -> tuple[Stored, list[str], dict[str, int]]:
    """All maps, after a process that was killed in the middle of their initial syncs; what was said, and the calls."""
    before = linked.now()
    first = ProviderProcess(linked.variables())
    begun = first.begin_create(first.check(live_sync(*SELECTION.maps, integration_keys=KEYS)).inputs)
    while not any("initial sync)" in line for line in first.engine.lines(ephemeral=True)):
        assert not begun.done(), begun.details()
        time.sleep(0.05)
    first.close()
    second = Pair(linked, ProviderProcess(linked.variables()))
    second.since = before
    stored = second.create(live_sync(*SELECTION.maps, integration_keys=KEYS))
    calls = {part: second.calls(part) for part in (START, ENTITIES, REPORTS, KEYS_CALL)}
    second.process.close()
    return stored, second.said, calls


@pytest.fixture
def stored(killed_and_synced: tuple[Stored, list[str], dict[str, int]]) -> Stored:
    """All maps, synced and running."""
    return killed_and_synced[0]


@pytest.fixture
def pair(linked: Tenant, stored: Stored, start_process: Callable[[], ProviderProcess]) -> Pair:
    """The pair in a provider process of its own."""
    return Pair(linked, start_process())


def test_demo_rows_are_synced_once_although_the_first_run_was_killed(
    killed_and_synced: tuple[Stored, list[str], dict[str, int]],
) -> None:
    (_, outputs, _), said, calls = killed_and_synced
    assert set(outputs["maps"].values()) == {"running"}
    assert outputs["synced"].keys() == set(SELECTION.maps) == outputs["initial_syncs"].keys()
    assert outputs["initial_syncs"][GROUPS]["USMF"]["upserts"] > 0
    assert outputs["initial_syncs"][GROUPS]["DAT"] == {"upserts": 0, "errors": 0}
    assert [line for line in said if re.match(r"initial sync of \d+ maps: DAT \d+ rows, USMF \d+ rows", line)]
    assert calls[START] < 10
    assert calls[REPORTS] <= 2 * len(SELECTION.maps)


def test_keys_of_the_party_maps_are_set_once(killed_and_synced: tuple[Stored, list[str], dict[str, int]]) -> None:
    (_, outputs, _), _, calls = killed_and_synced
    assert (outputs["integration_keys"], calls[KEYS_CALL]) == (STORED_KEYS, 1)


def test_second_creation_and_refresh_write_nothing(
    pair: Pair, stored: Stored, start_process: Callable[[], ProviderProcess]
) -> None:
    identifier, outputs, inputs = stored
    again = pair.create(live_sync(*SELECTION.maps, integration_keys=KEYS))[1]
    assert again["initial_syncs"] == outputs["initial_syncs"]
    assert pair.process.diff(identifier, outputs, inputs).changes == "none"
    since = pair.tenant.now()
    assert start_process().read(identifier, outputs) == (identifier, outputs, inputs)
    calls = [row["path"] for row in pair.tenant.requests(since) if row["service"] == "dualwrite"]
    assert len(calls) == 2
    assert pair.tenant.writes(pair.since) == []


def test_new_text_syncs_one_map_again(pair: Pair, stored: Stored) -> None:
    inputs = live_sync(*SELECTION.maps, integration_keys=KEYS, resync={GROUPS: "2026-03"})
    outputs = pair.update(stored, inputs)
    assert outputs["synced"][GROUPS] == "2026-03"
    assert pair.calls(START) == 2
    stops, line = pair.said
    assert stops.startswith("DW-I03 for another initial sync each of these maps is stopped meanwhile")
    assert re.fullmatch(rf"initial sync of '{GROUPS}': USMF \d+ rows", line)


def test_failed_initial_sync_names_reason_and_cure_and_the_next_run_continues(pair: Pair, stored: Stored) -> None:
    inputs = live_sync(*SELECTION.maps, integration_keys=KEYS, resync={GROUPS: "broken"})
    pair.person("break-map", GROUPS, text="Party number couldn't be found in Dataverse")
    with pytest.raises(ProviderError) as caught:
        pair.update(stored, inputs)
    text = str(caught.value)
    assert f"maps is not as declared: '{GROUPS}': initial sync failed" in text
    assert "Party number couldn't be found in Dataverse" in text
    assert "which is a known issue. Sync the rows of persons and organisations" in text
    pair.person("mend-map", GROUPS)
    assert pair.update(stored, inputs)["maps"][GROUPS] == "running"


def test_rows_that_refer_to_later_rows_of_their_table_are_synced_in_further_runs(pair: Pair, stored: Stored) -> None:
    vendor = {"dataAreaId": "usmf", "VendorGroupId": "10", "VendorPartyType": "Organization", "CurrencyCode": "USD"}
    vendors = [
        {**vendor, "VendorAccountNumber": "ZZ-1", "InvoiceVendorAccountNumber": "ZZ-2"},
        {**vendor, "VendorAccountNumber": "ZZ-2", "InvoiceVendorAccountNumber": "ZZ-3"},
        {**vendor, "VendorAccountNumber": "ZZ-3"},
    ]
    pair.person("stop-map", VENDORS)
    pair.tenant.control("seed", {"rows": {"finops": {FINOPS_HOST: {"VendorsV2": vendors}}}})
    inputs = live_sync(*SELECTION.maps, integration_keys=KEYS, resync={VENDORS: "more vendors"})
    outputs = pair.update(stored, inputs)
    assert outputs["initial_syncs"][VENDORS]["USMF"]["errors"] == 0
    runs = [line for line in pair.said if line.endswith("rows refer to each other, so it runs again")]
    assert len(runs) == 2


def test_stopped_import_service_is_explained(pair: Pair, stored: Stored) -> None:
    inputs = live_sync(*SELECTION.maps, integration_keys=KEYS, resync={GROUPS: "stopped service"})
    person = {"environment": FINOPS_HOST}
    pair.tenant.control("person", {"action": "stop-data-management", **person})
    with pytest.raises(ProviderError, match=r"\(400\) Bad Request.*The data import/export service of F&O is stopped\."):
        pair.update(stored, inputs)
    pair.tenant.control("person", {"action": "start-data-management", **person})
    assert pair.update(stored, inputs)["maps"][GROUPS] == "running"


def test_key_that_a_person_changed_is_named_and_mended(pair: Pair, stored: Stored) -> None:
    identifier, outputs, inputs = stored
    columns = ["msdyn_company.cdm_companycode", "msdyn_vendoraccountnumber", "msdyn_vendorgroupid"]
    other = {**KEYS, "msdyn_vendors": columns}
    pair.update(stored, live_sync(*SELECTION.maps, integration_keys=other))
    _, held, held_inputs = pair.process.read(identifier, outputs)
    assert held_inputs["integration_keys"]["msdyn_vendors"] == dict.fromkeys(columns, True)
    assert pair.said[-1].startswith(f"DW-W03 integration key of 'msdyn_vendors' is [{', '.join(columns)}], not [")
    assert pair.process.diff(identifier, held, inputs).changes == "unknown"
    assert pair.update((identifier, held, inputs), inputs)["integration_keys"] == STORED_KEYS
    assert pair.process.read(identifier, outputs)[1] == outputs


def test_existing_pair_keeps_what_ran_before(
    pair: Pair, stored: Stored, start_process: Callable[[], ProviderProcess]
) -> None:
    before = [name for name in SELECTION.maps if name != VENDOR_GROUPS]
    identifier, outputs, inputs = pair.create(live_sync(GROUPS, VENDOR_GROUPS, before=before))
    assert outputs["started"] == [VENDOR_GROUPS]
    assert pair.process.diff(identifier, outputs, inputs).changes == "none"
    # A destroy has a process of its own, which checked nothing.
    start_process().delete(identifier, agreed(outputs))
    held = start_process().read(stored[0], stored[1])[1]["maps"]
    assert {name for name, state in held.items() if state != "running"} == {VENDOR_GROUPS}
    pair.update(stored, stored[2])


def test_too_many_rows_are_refused_before_anything_is_written(pair: Pair) -> None:
    pair.person("stop-map", GROUPS)
    declaration = live_sync(GROUPS, initial_sync_rows_limit=1)
    assert pair.process.check(declaration).failures == []
    failures = pair.process.check({**declaration, "resync": {GROUPS: "x"}}, live_sync(GROUPS)).failures
    assert all(text.startswith(f"DW-C04 initial_sync['{GROUPS}']: ") for _, text in failures)
    assert re.search(r"has \d+ rows of USMF in F&O\. An initial sync takes 1 a company at most", failures[0][1])
    pair.person("start-map", GROUPS)
    assert pair.tenant.writes(pair.since) == []


def test_companies_changed_by_reset_are_restored_with_everything(pair: Pair, stored: Stored) -> None:
    confirm = [{"action": "reset-link", "target": "contoso-uat", "until": "2099-01-31"}]
    changed = connection(companies=["USMF"], company_change="reset", confirm=confirm)
    link = pair.process.create(pair.process.check(connection()).inputs)
    pair.process.update(*link, pair.process.check(changed, connection()).inputs)
    outputs = pair.update(stored, live_sync(*SELECTION.maps, integration_keys=KEYS, companies=["USMF"]))
    assert set(outputs["maps"].values()) == {"running"}
    assert outputs["integration_keys"] == STORED_KEYS
    assert list(outputs["initial_syncs"][GROUPS]) == ["USMF"]
    assert re.search(r"restored after reset: \d+ maps started, \d+ initial syncs, 4 integration keys", pair.said[-1])
