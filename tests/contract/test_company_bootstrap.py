"""CompanyBootstrap in the real provider process: an existing CDS instance, throttling, lost answers, SIGKILL.

The tests share one tenant, because making it anew takes longer than most of them. Each brings the rows it needs.
"""

import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from providers.company_bootstrap import CompanyBootstrapProvider
from tests.contract.provider_process import Bag, ProviderError, ProviderProcess, agreed, declared
from tests.engine.harness import Tenant

HOST = "fabrikam-sales.crm4.dynamics.com"
RETAIL, ONLINE = "Fabrikam Retail", "Fabrikam Online"
FEW, MANY = 30, 20_000
BATCHES = {"service": "dataverse", "method": "POST", "path": "*/$batch"}
THROTTLED = {"error": {"code": "0x80072322", "message": "Number of requests exceeded the limit of 6000"}}


def bootstrap(**changes: Any) -> Bag:
    """A declared CompanyBootstrap of USMF for one business unit."""
    inputs = {"cloud": "emulator", "cds": f"https://{HOST}", "company": "USMF", "business_units": [RETAIL]}
    return declared(CompanyBootstrapProvider(), "bootstrap", {**inputs, "tables": ["accounts"], **changes})


def generate(tenant: Tenant, entity_set: str, count: int, template: Bag) -> None:
    """Insert rows of one kind into the organization."""
    sets = {entity_set: {"count": count, "template": template}}
    tenant.control("seed", {"generated_rows": {"dataverse": {HOST: sets}}})


def link(tenant: Tenant, code: str, *, enabled: bool = True) -> None:
    """What the link brings: the company's row."""
    values = {"cdm_companycode": code, "cdm_name": f"Company {code}", "cdm_isenabledfordualwrite": enabled}
    generate(tenant, "cdm_companies", 1, values)


def some_accounts(tenant: Tenant, count: int, unit: str) -> int:
    """Accounts without a company; returns where the log of writes stands before they are touched."""
    generate(tenant, "accounts", count, {"name": "Account {n}", "_ownerid_value": {"teams": {"name": unit}}})
    return int(written(tenant)["last"])


def written(tenant: Tenant, since: int = 0) -> Bag:
    """How often each account was written by a client since then."""
    return dict(tenant.control(f"writes?host={HOST}&set=accounts&origin=client&since={since}"))


@pytest.fixture(scope="module")
def linked(tenant: Tenant) -> Tenant:
    """The tenant with USMF linked to its Dataverse, TSUS not enabled."""
    link(tenant, "USMF")
    link(tenant, "TSUS", enabled=False)
    return tenant


@pytest.fixture
def process(linked: Tenant, start_process: Callable[[], ProviderProcess]) -> ProviderProcess:
    """A provider process on that tenant."""
    return start_process()


def test_rows_of_the_named_unit_are_stamped_once_and_differ_in_nothing(
    linked: Tenant, process: ProviderProcess
) -> None:
    declaration = bootstrap(tables=["accounts", "contacts", "products"])
    inputs = process.check(declaration).inputs
    identifier, outputs = process.create(inputs)
    assert set(outputs["unstamped"].values()) == {0}
    assert all(outputs["rows"][table] > 0 for table in ("accounts", "contacts", "products"))
    assert outputs["complete"] is True
    assert set(written(linked)["rows"].values()) == {1}
    assert len(written(linked)["rows"]) == outputs["rows"]["accounts"]
    before = linked.now()
    assert process.diff(identifier, outputs, process.check(declaration, inputs).inputs).changes == "none"
    assert process.read(identifier, outputs) == (identifier, outputs, inputs)
    assert process.create(inputs) == (identifier, outputs)
    process.delete(identifier, agreed(outputs))
    assert linked.writes(before) == []
    # Rows of other business units lack the company still.
    everything = process.create(bootstrap(business_units=[], simulate=True))[1]
    assert everything["unstamped"]["accounts"] > 0


def test_more_is_an_update_and_another_company_a_replacement(linked: Tenant, process: ProviderProcess) -> None:
    since = some_accounts(linked, FEW, RETAIL)
    simulated = process.check(bootstrap(simulate=True)).inputs
    identifier, outputs = process.create(simulated)
    assert outputs["rows"] == outputs["unstamped"] == {"accounts": FEW}
    assert written(linked, since)["rows"] == {}
    for changes in ({}, {"tables": ["accounts", "products"]}, {"business_units": [RETAIL, ONLINE]}):
        news = process.check(bootstrap(**changes), simulated).inputs
        assert process.diff(identifier, outputs, news) == ("unknown", [])
        outputs = process.update(identifier, outputs, news)
        assert set(outputs["unstamped"].values()) == {0}
    assert set(written(linked, since)["rows"].values()) == {1}
    other = process.check(bootstrap(company="dat"), simulated).inputs
    assert process.diff(identifier, outputs, other).replaces == ["company"]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "1"}, "body": THROTTLED},
        {"drop": "after"},
        {"drop": "before"},
        {"status": 502, "effect": True},
        {"effect": True, "html": True},
    ],
)
def test_refused_and_lost_batches_cost_nothing_but_time(linked: Tenant, process: ProviderProcess, fault: Bag) -> None:
    since = some_accounts(linked, FEW, RETAIL)
    linked.control("faults", {**BATCHES, **fault})
    before = linked.now()
    _, outputs = process.create(bootstrap())
    assert outputs["unstamped"] == {"accounts": 0}
    assert sorted(written(linked, since)["rows"].values()) == [1] * FEW
    assert len(linked.writes(before)) == (1 if fault.get("effect") or fault.get("drop") == "after" else 2)
    (line,) = process.engine.lines(ephemeral=False)
    assert line.startswith("CompanyBootstrap 'USMF on fabrikam-sales': rows that carry USMF: ")


@pytest.mark.parametrize(
    ("code", "reason"), [("ABCD", "is not part of the link"), ("tsus", "is not enabled for dual-write")]
)
def test_unlinked_company_is_one_line(process: ProviderProcess, code: str, reason: str) -> None:
    text = f"bootstrap of an unlinked company: {code.upper()} {reason}; linked are USMF"
    with pytest.raises(ProviderError) as caught:
        process.create(bootstrap(company=code))
    assert str(caught.value) == (
        f"DualWriteError: CompanyBootstrap '{code.upper()} on fabrikam-sales': create failed: {text}. "
        "Add the company to the link first, and check company, business units and tables in the stack file."
    )
    known = {**bootstrap(company=code), "__linked_companies": ["USMF"]}
    assert process.check(known).failures == [("company", f"DW-C04 {text}")]


def test_unknown_business_unit_is_refused_in_the_preview(process: ProviderProcess) -> None:
    ((path, text),) = process.check(bootstrap(business_units=[RETAIL, "Nowhere"])).failures
    assert path == ""
    assert text.startswith("DW-C04 business_units: no business unit is called 'Nowhere'; known are ")
    assert RETAIL in text


def test_killed_halfway_the_next_run_finishes_and_no_row_is_written_twice(
    linked: Tenant, start_process: Callable[[], ProviderProcess], process: ProviderProcess
) -> None:
    since = some_accounts(linked, MANY, RETAIL)
    begun = process.begin_create(bootstrap())
    while written(linked, since)["writes"] < MANY / 2:
        assert not begun.done()
        time.sleep(0.5)
    process.kill()
    with pytest.raises(grpc.RpcError):
        begun.result()
    assert written(linked, since)["writes"] < MANY
    _, outputs = start_process().create(bootstrap())
    assert outputs["unstamped"] == {"accounts": 0}
    counted = written(linked, since)["rows"]
    assert len(counted) == MANY
    assert set(counted.values()) == {1}
