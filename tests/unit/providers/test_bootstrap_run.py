"""A bootstrap on rows that fail, batches that get lost and processes that die: stamped once, reported, in scope."""

from concurrent.futures import Executor, ThreadPoolExecutor
from random import Random
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.api.dataverse.batch import Fate, UpdateAnswer
from providers.api.dataverse.client import Dataverse
from providers.api.transport.errors import ApiError, InvalidRequest, OperationTimedOut, PermissionDenied
from providers.api.transport.service_limits import ServiceLimits
from providers.stamping.run import Counts, RunSettings, simulate, stamp_tables
from providers.stamping.tables import StampedTable, find_scope
from tests.unit.providers.fake_rows import (
    ONLINE,
    OTHER,
    RETAIL,
    USMF,
    FakeRow,
    FakeRows,
    Fault,
    Inline,
    Killed,
    Lost,
    Throttle,
    Truncated,
)
from tests.unit.providers.fake_services import FakeTalk


def an_id(number: int) -> str:
    return str(UUID(int=number))


def accounts(count: int, **more: Any) -> FakeRows:
    return FakeRows({"accounts": {an_id(number): FakeRow() for number in range(count)}}, **more)


def a_scope(rows: FakeRows, *units: str, overwrite: bool = False) -> list[StampedTable]:
    scope = find_scope(
        company="USMF",
        business_units=units,
        tables=list(rows.tables),
        overwrite=overwrite,
        companies=rows.companies(),
        units=rows.business_units(),
        definitions=rows.table_definitions(list(rows.tables)),
    )
    assert scope.problems == []
    return scope.tables


def settings(**changes: Any) -> RunSettings:
    values = {"seconds": 3600.0, "max_failures": 100, "settle": 30.0, "workers": 2, "random": Random(1)}  # noqa: S311 - no secret
    return RunSettings(**{**values, **changes})


def stamp(
    rows: FakeRows,
    talk: FakeTalk | None = None,
    *,
    tables: list[StampedTable] | None = None,
    executor: Executor | None = None,
    **changes: Any,
) -> Counts:
    talk = talk or FakeTalk()
    rows.limits = ServiceLimits(talk.clock)
    scope = a_scope(rows) if tables is None else tables
    return stamp_tables(cast(Dataverse, rows), scope, settings(**changes), talk, executor or Inline())


def written(rows: FakeRows) -> list[int]:
    return [row.writes for table in rows.tables.values() for row in table.values()]


@pytest.mark.parametrize("keyset", [True, False])
def test_all_rows_are_stamped_once_and_counted(keyset: bool) -> None:
    rows, talk = accounts(1203, page=500, keyset=keyset), FakeTalk()
    counts = stamp(rows, talk)
    assert counts == Counts({"accounts": 1203}, {"accounts": 0})
    assert set(written(rows)) == {1}
    assert max(rows.batches) == 100
    assert talk.lines[-1] == "accounts: 1,203 rows stamped"


def test_what_carries_the_company_costs_two_reads_and_no_write() -> None:
    rows = FakeRows({"accounts": {an_id(number): FakeRow(company=USMF) for number in range(30)}}, page=5000)
    assert stamp(rows).rows == {"accounts": 30}
    assert (rows.batches, rows.reads, rows.counted) == ([], 1, 1)


def test_threads_share_the_work() -> None:
    rows = accounts(900, page=300)
    with ThreadPoolExecutor(8) as executor:
        assert stamp(rows, executor=executor, workers=8).rows == {"accounts": 900}
    assert set(written(rows)) == {1}


def test_only_named_business_units_are_touched_where_a_table_has_them() -> None:
    both = {an_id(number): FakeRow(unit=RETAIL if number % 2 else ONLINE) for number in range(10)}
    rows = FakeRows({"accounts": both, "products": {an_id(99): FakeRow(unit="")}})
    counts = stamp(rows, tables=a_scope(rows, "fabrikam retail"))
    assert counts.rows == {"accounts": 5, "products": 1}
    assert [row.writes for row in both.values()] == [number % 2 for number in range(10)]


@pytest.mark.parametrize("overwrite", [True, False])
def test_other_companies_are_replaced_only_on_demand(overwrite: bool) -> None:
    rows = FakeRows({"accounts": {an_id(1): FakeRow(company=OTHER), an_id(2): FakeRow()}})
    stamp(rows, tables=a_scope(rows, overwrite=overwrite))
    assert rows.tables["accounts"][an_id(1)].company == (USMF if overwrite else OTHER)


def test_simulation_counts_and_writes_nothing() -> None:
    rows = accounts(12)
    counts = simulate(cast(Dataverse, rows), a_scope(rows), FakeTalk())
    assert counts == Counts({"accounts": 12}, {"accounts": 12})
    assert rows.batches == []


def test_failed_rows_are_told_by_reason_and_tried_again_by_the_next_run() -> None:
    rows, talk = accounts(250), FakeTalk()
    rows.failing = {an_id(7), an_id(8)}
    with pytest.raises(ApiError) as caught:
        stamp(rows, talk)
    assert str(caught.value) == (
        f"2 of 250 rows did not take the company: row {an_id(7)} has no group (0x80040265). "
        "Remove the cause, then run `up` again: it stamps only what is left."
    )
    assert talk.announced == [
        f"accounts: 2 rows failed, for example {an_id(7)}: row {an_id(7)} has no group (0x80040265)"
    ]
    assert sum(written(rows)) == 248
    rows.failing = set()
    assert stamp(rows).rows == {"accounts": 250}
    assert set(written(rows)) == {1}


def test_documented_reason_comes_with_its_cure() -> None:
    class Stale(Fault):
        def happen(self, rows: Any, set_name: Any, updates: Any, execute: Any) -> Any:
            reason = InvalidRequest("Unable to write data to entity CustCustomerV3Entity.", code="0x80040265")
            return [UpdateAnswer(Fate.FAILED, reason), *execute()[1:]]

    with pytest.raises(ApiError) as caught:
        stamp(accounts(2, faults=[Stale()]))
    assert "1 of 2 rows did not take the company: Unable to write data to entity" in str(caught.value)
    assert "Remove the cause" not in str(caught.value)
    assert str(caught.value).endswith(", then run `up` again: it stamps only what is left.")


def test_other_tables_are_done_although_rows_of_one_fail() -> None:
    rows = accounts(3)
    rows.tables["contacts"] = {an_id(50): FakeRow()}
    rows.failing = {an_id(1)}
    with pytest.raises(ApiError, match="1 of 4 rows"):
        stamp(rows)
    assert rows.tables["contacts"][an_id(50)].writes == 1


def test_too_many_failures_stop_the_run_and_say_so() -> None:
    rows, talk = accounts(1000, page=1000), FakeTalk()
    rows.failing = {an_id(number) for number in range(150)}
    with pytest.raises(ApiError, match="stopped after 150 failed rows, 100 may fail") as caught:
        stamp(rows, talk)
    assert "raise `maxFailures`" in str(caught.value)
    assert 0 < len(rows.batches) < 10


def test_rows_that_lose_the_company_again_are_failures_and_no_endless_loop() -> None:
    rows = accounts(20)
    rows.reverting = {an_id(3)}
    with pytest.raises(ApiError, match="took the company and lacks it again"):
        stamp(rows)
    assert max(written(rows)) == 1


def test_refused_updates_wait_and_are_no_failures() -> None:
    rows, talk = accounts(40, faults=[Throttle(), Throttle(each=3, wait=12.0), Throttle(each=2, wait=None)]), FakeTalk()
    assert stamp(rows, talk).rows == {"accounts": 40}
    assert talk.time.now >= 42.0
    assert set(written(rows)) == {1}
    assert talk.announced == []


def test_lost_answers_are_looked_up_and_only_the_rest_is_sent() -> None:
    rows = accounts(60, page=60, faults=[Lost(done=45), Truncated(told=5)])
    assert stamp(rows).rows == {"accounts": 60}
    assert rows.batches == [60, 15]
    assert set(written(rows)) == {1}


def test_rows_whose_answers_stay_lost_are_failures() -> None:
    rows = accounts(5, faults=[Lost()] * 3)
    with pytest.raises(ApiError, match="5 of 5 rows did not take the company: the answer was lost"):
        stamp(rows)


def test_row_that_changed_since_it_was_read_is_read_again() -> None:
    class Changed(Fault):
        def happen(self, rows: Any, set_name: Any, updates: Any, execute: Any) -> Any:
            rows.tables["accounts"][an_id(0)].version += 1
            del rows.tables["accounts"][an_id(1)]
            return execute()

    rows = accounts(4, faults=[Changed()])
    assert stamp(rows).rows == {"accounts": 3}
    assert rows.batches == [4, 1]


def test_lost_batches_are_made_smaller() -> None:
    rows = accounts(500, page=500, faults=[Lost(done=100)])
    stamp(rows)
    assert rows.batches == [100, *[50] * 8]


def test_table_without_versions_waits_until_what_runs_has_ended() -> None:
    rows, talk = accounts(30, page=30, faults=[Lost(done=10, runs_on=True)]), FakeTalk()
    passed = talk.time.sleep

    def sleep(seconds: float) -> None:
        passed(seconds)
        if talk.time.now >= 45:
            rows.finish_what_runs()

    talk.time.sleep = sleep  # type: ignore[method-assign]
    (table,) = a_scope(rows)
    unversioned = StampedTable(**{**vars(table), "versioned": False})
    assert stamp(rows, talk, tables=[unversioned]).rows == {"accounts": 30}
    assert set(written(rows)) == {1}


def test_deadline_ends_the_run_with_what_was_reached() -> None:
    rows, talk = accounts(400, page=400, faults=[Fault(), Throttle(wait=7200.0)]), FakeTalk()
    rows.tables["contacts"] = {an_id(999): FakeRow()}
    with pytest.raises(OperationTimedOut) as caught:
        stamp(rows, talk)
    assert str(caught.value) == (
        "the bootstrap did not finish within 1h: accounts 100 of 400 rows; not begun: contacts. "
        "Run `up` again: it stamps only what is left."
    )
    assert sum(written(rows)) == 100


def test_what_ends_every_batch_ends_the_run() -> None:
    class Forbidden(Fault):
        def happen(self, *_: Any) -> Any:
            raise PermissionDenied("no privilege", code="0x80040220", status=403)

    rows = accounts(500, page=500, faults=[Fault(), Forbidden()])
    with pytest.raises(PermissionDenied):
        stamp(rows)
    assert len(rows.batches) <= 4


def test_progress_names_rows_failures_and_the_time_left() -> None:
    class Slow(Fault):
        def happen(self, rows: Any, set_name: Any, updates: Any, execute: Any) -> Any:
            talk.time.now += 10.0
            return execute()

    rows, talk = accounts(1000, page=1000, faults=[Slow()] * 10), FakeTalk()
    rows.failing = {an_id(0)}
    with pytest.raises(ApiError):
        stamp(rows, talk, workers=1)
    assert "accounts: 299 of 1,000 rows, 1 failed, about 1 min left" in talk.lines
    assert len(talk.lines) <= 12


FAULTS = st.one_of(
    st.just(Fault()),
    st.builds(Lost, done=st.integers(0, 8), runs_on=st.booleans(), kills=st.booleans()),
    st.builds(Throttle, each=st.integers(1, 4), wait=st.one_of(st.none(), st.floats(0.1, 60))),
    st.builds(Truncated, told=st.integers(0, 8)),
)
ROWS = st.lists(
    st.tuples(st.sampled_from([RETAIL, ONLINE]), st.sampled_from([None, None, None, OTHER]), st.booleans()),
    max_size=40,
)


@given(
    held=ROWS,
    faults=st.lists(FAULTS, max_size=12),
    keyset=st.booleans(),
    page=st.integers(1, 20),
    overwrite=st.booleans(),
    data=st.data(),
)
def test_whatever_happens_no_row_is_written_twice_and_none_outside(
    held: list[tuple[str, str | None, bool]],
    faults: list[Fault],
    keyset: bool,
    page: int,
    overwrite: bool,
    data: st.DataObject,
) -> None:
    table = {an_id(number): FakeRow(unit, company) for number, (unit, company, _) in enumerate(held)}
    failing = {an_id(number) for number, (_, _, fails) in enumerate(held) if fails and number % 7 == 0}
    rows = FakeRows({"accounts": table}, page=page, keyset=keyset, failing=failing, faults=list(faults))
    wanted = {
        each
        for each, row in table.items()
        if row.unit == RETAIL and row.company != USMF and (overwrite or row.company is None)
    }
    reported = False
    for _ in range(len(faults) + 2):
        if data.draw(st.booleans(), label="what was left behind ends now"):
            rows.finish_what_runs()
        try:
            stamp(rows, tables=a_scope(rows, "Fabrikam Retail", overwrite=overwrite))
        except Killed:
            continue
        except ApiError:
            reported = True
    rows.finish_what_runs()
    lacking = {each for each in wanted if table[each].company != USMF}
    assert lacking <= failing
    assert reported or not lacking
    assert all(row.writes <= 1 for row in table.values())
    assert all(row.writes == 0 for each, row in table.items() if each not in wanted)
