"""Work that becomes due: order, time, transactions, restarts."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.core.clock import Clock
from emulator.core.store import Store
from emulator.identity.tokens import SigningKey
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import START

KEY = SigningKey.generate()


class Diary:
    """What ran, and when by the tenant's clock."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.entries: list[tuple[str, float]] = []

    def write(self, text: str) -> None:
        self.entries.append((text, (self.tenant.clock.now() - START).total_seconds()))

    def chain(self, left: int) -> None:
        self.write(f"{left} left")
        if left:
            self.tenant.events.schedule(10, "chain", left=left - 1)


def core(store: Store, start: datetime = START) -> tuple[Tenant, Diary]:
    """A tenant of the core parts only, with a diary."""
    tenant = Tenant(store, Clock(store, "stepped", start=start), KEY)
    diary = Diary(tenant)
    tenant.events.on("write", diary.write)
    tenant.events.on("chain", diary.chain)
    return tenant, diary


def test_nothing_runs_before_it_is_due() -> None:
    tenant, diary = core(Store())
    tenant.events.schedule(10, "write", text="late")
    assert tenant.events.advance(9.999) == 0
    assert diary.entries == []
    assert tenant.events.advance(0.001) == 1
    assert diary.entries == [("late", 10)]


def test_long_advance_plays_a_chain_at_its_own_times() -> None:
    tenant, diary = core(Store())
    tenant.events.schedule(5, "chain", left=2)
    tenant.events.schedule(12, "write", text="between")
    assert tenant.events.advance(3 * 3600) == 4
    assert diary.entries == [("2 left", 5), ("between", 12), ("1 left", 15), ("0 left", 25)]
    assert tenant.clock.now() == START + timedelta(hours=3)


@given(st.lists(st.integers(0, 50), max_size=12), st.lists(st.integers(0, 20), min_size=1, max_size=6))
def test_due_order_whatever_the_steps(delays: list[int], steps: list[int]) -> None:
    tenant, diary = core(Store())
    for number, delay in enumerate(delays):
        tenant.events.schedule(delay, "write", text=str(number))
    for step in steps:
        tenant.events.advance(step)
    due = sorted((delay, number) for number, delay in enumerate(delays) if delay <= sum(steps))
    assert diary.entries == [(str(number), delay) for delay, number in due]
    tenant.store.close()


def test_negative_delay_is_due_at_once() -> None:
    tenant, diary = core(Store())
    tenant.events.schedule(-5, "write", text="now")
    assert tenant.events.run_due() == 1
    assert diary.entries == [("now", 0)]


def test_pending_work_survives_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "tenant.db")
    tenant, _ = core(store)
    tenant.events.schedule(60, "write", text="kept")
    tenant.events.advance(30)
    store.close()
    store = Store(tmp_path / "tenant.db")
    tenant, diary = core(store, START + timedelta(days=9))
    assert tenant.events.next_due() == START + timedelta(seconds=60)
    tenant.events.advance(30)
    assert diary.entries == [("kept", 60)]
    store.close()


def test_work_of_a_refused_request_is_forgotten() -> None:
    tenant, diary = core(Store())

    def refused() -> None:
        with tenant.store.transaction():
            tenant.events.schedule(1, "write", text="never")
            raise LookupError

    with pytest.raises(LookupError):
        refused()
    assert tenant.events.advance(10) == 0
    assert diary.entries == []


def test_failing_event_changes_nothing_and_runs_once() -> None:
    tenant, diary = core(Store())

    def fail() -> None:
        tenant.store.put("thing", "half", {})
        raise LookupError

    tenant.events.on("fail", fail)
    tenant.events.schedule(1, "fail")
    tenant.events.schedule(2, "write", text="after")
    with pytest.raises(LookupError):
        tenant.events.advance(10)
    assert tenant.store.get("thing", "half") is None
    assert tenant.events.advance(10) == 1
    assert [text for text, _ in diary.entries] == ["after"]


def test_pending_lists_arguments_in_due_order() -> None:
    tenant, _ = core(Store())
    tenant.events.schedule(20, "write", text="second")
    tenant.events.schedule(10, "write", text="first")
    tenant.events.schedule(5, "chain", left=0)
    assert [each.arguments for each in tenant.events.queued() if each.name == "write"] == [
        {"text": "first"},
        {"text": "second"},
    ]


def test_second_handler_of_a_name_is_refused() -> None:
    tenant, diary = core(Store())
    with pytest.raises(ValueError, match="'write' has a handler already"):
        tenant.events.on("write", diary.write)


def test_empty_queue_has_no_next_time() -> None:
    assert core(Store())[0].events.next_due() is None
