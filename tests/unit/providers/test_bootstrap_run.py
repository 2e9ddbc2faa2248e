"""A bootstrap on rows that fail, batches that get lost and processes that die: stamped once, reported, in scope."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.core.faults import Fault
from providers.api.dataverse.client import Dataverse
from providers.api.transport.errors import ApiError, OperationTimedOut, PermissionDenied
from providers.protocol.base import Call
from providers.stamping.run import Counts, RunSettings, simulate, stamp_tables
from providers.stamping.tables import StampedTable, find_scope
from tests.support.batches_on_the_way import Lost, Meanwhile, Mishap, Network, Throttled, Truncated
from tests.support.in_process import Killed, World
from tests.support.prepared_tenants import PreparedTenants
from tests.support.unstamped_rows import HOST, ONLINE, RETAIL, UnstampedRows, without_rows

ACCOUNTS = f"{HOST}/api/data/v9.2/accounts"
BATCHES: dict[str, Any] = {"service": "dataverse", "method": "POST", "path": "*/$batch"}
MANY = 253


class Inline(Executor):
    """Runs what is submitted at once: the same order in every run."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Killed:
            raise
        except BaseException as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future


def filled(tenants: PreparedTenants) -> World:
    world = tenants.copy(without_rows)
    UnstampedRows(world).add(MANY)
    return world


@pytest.fixture
def many(tenants: PreparedTenants) -> UnstampedRows:
    """Accounts for several batches."""
    return UnstampedRows(tenants.copy(filled))


def a_call(rows: UnstampedRows, progress: list[str]) -> Call:
    """A new provider process; its progress, which the next line replaces, is collected too."""
    call = rows.world.call()

    def write(row: Any, text: str, *, ephemeral: bool, warning: bool = False) -> None:
        if ephemeral:
            progress.append(text)
        call.write(row, text, ephemeral=ephemeral, warning=warning)

    return replace(call, write=write)


def dataverse(call: Call) -> Dataverse:
    return call.session("public").dataverse(HOST)


def a_scope(
    rows: UnstampedRows, *units: str, tables: Sequence[str] = ("accounts",), overwrite: bool = False
) -> list[StampedTable]:
    cds = dataverse(rows.world.call())
    scope = find_scope(
        company="USMF",
        business_units=units,
        tables=tables,
        overwrite=overwrite,
        companies=cds.companies(),
        units=cds.business_units(),
        definitions=cds.table_definitions(tables),
    )
    assert scope.problems == []
    return scope.tables


def stamp(
    rows: UnstampedRows,
    call: Call | None = None,
    *,
    tables: list[StampedTable] | None = None,
    executor: Executor | None = None,
    **changes: Any,
) -> Counts:
    call = call or rows.world.call()
    values = {"seconds": 3600.0, "max_failures": 100, "settle": 30.0, "workers": 2, "random": Random(1)}  # noqa: S311 - no secret
    wanted = RunSettings(**{**values, **changes})
    return stamp_tables(dataverse(call), tables or a_scope(rows), wanted, call, executor or Inline())


def written(rows: UnstampedRows) -> list[int]:
    """How often each account was written."""
    writes = rows.writes()
    return [writes.get(each, 0) for each in rows.companies()]


@pytest.mark.parametrize("counted", [False, True])
def test_all_rows_are_stamped_once_and_counted(many: UnstampedRows, counted: bool) -> None:
    network, progress = Network(many.world, page=120, counted=counted), list[str]()
    assert stamp(many, a_call(many, progress)) == Counts({"accounts": MANY}, {"accounts": 0})
    assert written(many) == [1] * MANY
    assert max(network.batches) == 100
    assert progress[-1] == "accounts: 253 rows stamped"


def test_what_carries_the_company_costs_two_reads_and_no_write(rows: UnstampedRows) -> None:
    rows.add(30, company="USMF")
    tables = a_scope(rows)
    rows.world.requests.clear()
    assert stamp(rows, tables=tables).rows == {"accounts": 30}
    assert rows.world.requests == [f"GET {ACCOUNTS}"] * 2


def test_threads_share_the_work(many: UnstampedRows) -> None:
    Network(many.world, page=120)
    with ThreadPoolExecutor(8) as executor:
        assert stamp(many, executor=executor, workers=8).rows == {"accounts": MANY}
    assert written(many) == [1] * MANY


def test_only_named_business_units_are_touched_where_a_table_has_them(rows: UnstampedRows) -> None:
    retail, online = rows.add(5, unit=RETAIL), rows.add(5, unit=ONLINE)
    rows.add(1, "products")
    counts = stamp(rows, tables=a_scope(rows, "fabrikam retail", tables=["accounts", "products"]))
    assert counts.rows == {"accounts": 5, "products": 1}
    assert rows.writes() == dict.fromkeys(retail, 1)
    assert {rows.companies()[each] for each in online} == {None}


@pytest.mark.parametrize("overwrite", [True, False])
def test_other_companies_are_replaced_only_on_demand(rows: UnstampedRows, overwrite: bool) -> None:
    (other,) = rows.add(1, company="TSUS")
    rows.add(1)
    stamp(rows, tables=a_scope(rows, overwrite=overwrite))
    assert rows.companies()[other] == ("USMF" if overwrite else "TSUS")


def test_simulation_counts_and_writes_nothing(rows: UnstampedRows) -> None:
    rows.add(12)
    call = rows.world.call()
    assert simulate(dataverse(call), a_scope(rows), call) == Counts({"accounts": 12}, {"accounts": 12})
    assert rows.world.writes() == []


def test_failed_rows_are_told_by_reason_and_tried_again_by_the_next_run(rows: UnstampedRows) -> None:
    ids = rows.add(120)
    rows.refused = {each: f"row {each} has no group" for each in ids[7:9]}
    with pytest.raises(ApiError) as caught:
        stamp(rows)
    reason = f"row {ids[7]} has no group (0x80040265, correlation {caught.value.correlation_id})"
    assert str(caught.value) == (
        f"2 of 120 rows did not take the company: {reason}. "
        "Remove the cause, then run `up` again: it stamps only what is left."
    )
    assert rows.world.said == [f"accounts: 2 rows failed, for example {ids[7]}: {reason}"]
    assert sum(written(rows)) == 118
    rows.refused = {}
    assert stamp(rows).rows == {"accounts": 120}
    assert written(rows) == [1] * 120


def test_documented_reason_comes_with_its_cure(rows: UnstampedRows) -> None:
    (first, _) = rows.add(2)
    rows.refused = {first: "Unable to write data to entity CustCustomerV3Entity."}
    with pytest.raises(ApiError) as caught:
        stamp(rows)
    assert "1 of 2 rows did not take the company: Unable to write data to entity" in str(caught.value)
    assert "Remove the cause" not in str(caught.value)
    assert str(caught.value).endswith(", then run `up` again: it stamps only what is left.")


def test_other_tables_are_done_although_rows_of_one_fail(rows: UnstampedRows) -> None:
    ids, contacts = rows.add(3), rows.add(1, "contacts")
    rows.refused = {ids[1]: "no group"}
    with pytest.raises(ApiError, match="1 of 4 rows"):
        stamp(rows, tables=a_scope(rows, tables=["accounts", "contacts"]))
    assert rows.writes("contacts") == dict.fromkeys(contacts, 1)


def test_too_many_failures_stop_the_run_and_say_so(many: UnstampedRows) -> None:
    network = Network(many.world)
    many.refused = dict.fromkeys(list(many.companies())[:150], "no group")
    with pytest.raises(ApiError, match="stopped after 150 failed rows, 100 may fail") as caught:
        stamp(many)
    assert "raise `maxFailures`" in str(caught.value)
    assert 0 < len(network.batches) < MANY / 100


def test_rows_that_lose_the_company_again_are_failures_and_no_endless_loop(rows: UnstampedRows) -> None:
    rows.reverted = {rows.add(20)[3]}
    with pytest.raises(ApiError, match="took the company and lacks it again"):
        stamp(rows)
    assert max(written(rows)) == 1


def test_refused_updates_wait_and_are_no_failures(rows: UnstampedRows) -> None:
    rows.add(40)
    Network(rows.world, mishaps=[Throttled(), Throttled(each=3, wait=12), Throttled(each=2, wait=None)])
    assert stamp(rows).rows == {"accounts": 40}
    assert rows.world.elapsed >= 42.0
    assert written(rows) == [1] * 40
    assert rows.world.said == []


def test_lost_answers_are_looked_up_and_only_the_rest_is_sent(rows: UnstampedRows) -> None:
    rows.add(60)
    network = Network(rows.world, page=60, mishaps=[Lost(done=45), Truncated(told=5)])
    assert stamp(rows).rows == {"accounts": 60}
    assert network.batches == [60, 15]
    assert written(rows) == [1] * 60


def test_rows_whose_answers_stay_lost_are_failures(rows: UnstampedRows) -> None:
    rows.add(5)
    rows.world.tenant.faults.add(Fault(**BATCHES, drop="before", count=3))
    with pytest.raises(ApiError, match="5 of 5 rows did not take the company: the answer was lost"):
        stamp(rows)


def test_row_that_changed_since_it_was_read_is_read_again(rows: UnstampedRows) -> None:
    ids = rows.add(4)

    def change() -> None:
        rows.change(ids[0])
        rows.delete(ids[1])

    network = Network(rows.world, mishaps=[Meanwhile(change)])
    assert stamp(rows).rows == {"accounts": 3}
    assert network.batches == [4, 1]


def test_lost_batches_are_made_smaller(many: UnstampedRows) -> None:
    network = Network(many.world, mishaps=[Lost(done=100)])
    stamp(many)
    assert network.batches == [100, 50, 50, 50, 3]


def test_table_without_versions_waits_until_what_runs_has_ended(rows: UnstampedRows) -> None:
    rows.add(30)
    network = Network(rows.world, page=30, mishaps=[Lost(done=10, runs_on=True)])
    call = rows.world.call()

    def sleep(seconds: float) -> None:
        rows.world.sleep(seconds)
        if rows.world.elapsed >= 45:
            network.finish_what_runs()

    unversioned = [replace(table, versioned=False) for table in a_scope(rows)]
    assert stamp(rows, replace(call, sleep=sleep), tables=unversioned).rows == {"accounts": 30}
    network.finish_what_runs()
    assert written(rows) == [1] * 30


def test_what_a_killed_run_left_behind_writes_nothing_twice(rows: UnstampedRows) -> None:
    rows.add(30)
    network = Network(rows.world, mishaps=[Lost(done=10, runs_on=True, kills=True)])
    with pytest.raises(Killed):
        stamp(rows)
    assert stamp(rows).rows == {"accounts": 30}
    network.finish_what_runs()
    assert written(rows) == [1] * 30


def test_deadline_ends_the_run_with_what_was_reached(many: UnstampedRows) -> None:
    many.add(1, "contacts")
    Network(many.world, mishaps=[Mishap(), Throttled(wait=7200)])
    with pytest.raises(OperationTimedOut) as caught:
        stamp(many, tables=a_scope(many, tables=["accounts", "contacts"]))
    assert str(caught.value) == (
        "the bootstrap did not finish within 1h: accounts 100 of 253 rows; not begun: contacts. "
        "Run `up` again: it stamps only what is left."
    )
    assert sum(written(many)) == 100


def test_what_ends_every_batch_ends_the_run(many: UnstampedRows) -> None:
    network = Network(many.world)
    refusal = {"error": {"code": "0x80040220", "message": "no privilege"}}
    many.world.tenant.faults.add(Fault(**BATCHES, nth=2, count=0, status=403, body=refusal))
    with pytest.raises(PermissionDenied):
        stamp(many)
    assert len(network.batches) == 2


def test_progress_names_rows_failures_and_the_time_left(many: UnstampedRows) -> None:
    progress = list[str]()
    Network(many.world, mishaps=[Meanwhile(lambda: many.world.sleep(10))] * 10)
    many.refused = {next(iter(many.companies())): "no group"}
    with pytest.raises(ApiError):
        stamp(many, a_call(many, progress), workers=1)
    assert "accounts: 199 of 253 rows, 1 failed, about 5 s left" in progress
    assert len(progress) <= 12


MISHAPS = st.one_of(
    st.builds(Lost, done=st.integers(0, 4), runs_on=st.just(True), kills=st.booleans()),
    st.builds(Lost, done=st.integers(0, 4), kills=st.booleans()),
    st.builds(Throttled, each=st.integers(1, 4), wait=st.one_of(st.none(), st.integers(1, 60))),
    st.builds(Truncated, told=st.integers(0, 4)),
    st.just(Mishap()),
)
KINDS = st.lists(
    st.tuples(st.sampled_from([RETAIL, RETAIL, ONLINE]), st.sampled_from(["", "", "", "TSUS"]), st.booleans()),
    min_size=6,
    max_size=16,
)


@dataclass
class Tenant:
    """One for all examples, which bring their own rows; the metadata is read once."""

    rows: UnstampedRows
    tables: dict[bool, list[StampedTable]]


@pytest.fixture(scope="module")
def tenant(tenants: PreparedTenants) -> Tenant:
    rows = UnstampedRows(tenants.copy(without_rows))
    return Tenant(rows, {overwrite: a_scope(rows, RETAIL, overwrite=overwrite) for overwrite in (True, False)})


@settings(max_examples=40)
@given(
    kinds=KINDS,
    mishaps=st.lists(MISHAPS, min_size=1, max_size=5),
    counted=st.booleans(),
    page=st.integers(4, 20),
    overwrite=st.booleans(),
    data=st.data(),
)
def test_whatever_happens_no_row_is_written_twice_and_none_outside(
    tenant: Tenant,
    kinds: list[tuple[str, str, bool]],
    mishaps: list[Mishap],
    counted: bool,
    page: int,
    overwrite: bool,
    data: st.DataObject,
) -> None:
    rows = tenant.rows
    rows.clear()
    ids = [rows.add(1, unit=unit, company=company)[0] for unit, company, _ in kinds]
    rows.refused = {ids[number]: "no group" for number in range(0, len(ids), 7) if kinds[number][2]}
    wanted = {
        row_id
        for row_id, (unit, company, _) in zip(ids, kinds, strict=True)
        if unit == RETAIL and (overwrite or not company)
    }
    network = Network(rows.world, page=page, counted=counted, mishaps=list(mishaps))
    reported = False
    for _ in range(len(mishaps) + 2):
        sent = len(network.batches)
        if data.draw(st.booleans(), label="what was left behind ends now"):
            network.finish_what_runs()
        try:
            stamp(rows, tables=tenant.tables[overwrite])
        except Killed:
            continue
        except ApiError:
            reported = True
        if len(network.batches) == sent:
            break
    network.finish_what_runs()
    lacking = {each for each in wanted if rows.companies()[each] != "USMF"}
    assert lacking <= set(rows.refused)
    assert reported or not lacking
    assert all(number == 1 for number in rows.writes().values())
    assert rows.writes().keys() <= wanted
