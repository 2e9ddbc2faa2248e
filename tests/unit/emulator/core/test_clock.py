"""The tenant's time: its modes, its waits, what is kept between two starts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emulator.core.clock import Clock
from emulator.core.store import Store

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Seconds:
    """A monotonic clock, moved by hand."""

    def __init__(self) -> None:
        self.value = 100.0

    def __call__(self) -> float:
        return self.value


@pytest.mark.parametrize(
    ("mode", "expected"), [("real", 10), ("scaled:1800", 18000), ("scaled:0.5", 5), ("stepped", 0)]
)
def test_ten_seconds_pass_at_the_clocks_scale(mode: str, expected: int) -> None:
    seconds = Seconds()
    clock = Clock(Store(), mode, start=START, monotonic=seconds)
    seconds.value += 10
    assert clock.now() - START == timedelta(seconds=expected)


@pytest.mark.parametrize("mode", ["", "fast", "scaled", "scaled:", "scaled:0", "scaled:-2", "scaled:nan", "scaled:inf"])
def test_unknown_mode_is_refused_with_its_name(mode: str) -> None:
    with pytest.raises(ValueError, match=f"unknown clock '{mode}'"):
        Clock(Store(), mode)


@pytest.mark.parametrize(
    ("mode", "outruns"),
    [("real", False), ("stepped", False), ("scaled:1", False), ("scaled:20", False), ("scaled:1800", True)],
)
def test_fast_clock_outruns_a_header_in_whole_seconds(mode: str, outruns: bool) -> None:
    assert Clock(Store(), mode).outruns(15) is outruns


@pytest.mark.parametrize(
    ("mode", "virtual", "header"),
    [
        ("real", 0, 1),
        ("real", 14.2, 15),
        ("scaled:60", 600, 10),
        ("scaled:60", 601, 11),
        ("scaled:60", 30, 1),
        ("scaled:60", 29, 1),
        ("scaled:1800", 15, 1),
        ("stepped", 3600, 1),
    ],
)
def test_retry_after_is_the_scaled_wait_and_never_nothing(mode: str, virtual: float, header: int) -> None:
    assert Clock(Store(), mode).retry_after(virtual) == header


def test_clock_stands_still_between_two_starts(tmp_path: Path) -> None:
    seconds = Seconds()
    store = Store(tmp_path / "tenant.db")
    clock = Clock(store, "scaled:60", start=START, monotonic=seconds)
    seconds.value += 60
    clock.save()
    store.close()
    seconds.value += 5000
    store = Store(tmp_path / "tenant.db")
    again = Clock(store, "scaled:60", start=START + timedelta(days=300), monotonic=seconds)
    assert again.now() == START + timedelta(hours=1)
    store.close()


def test_clock_cannot_go_back() -> None:
    clock = Clock(Store(), "stepped", start=START)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.move(-1)
    assert clock.now() == START


def test_time_is_constant_while_it_is_held() -> None:
    seconds = Seconds()
    clock = Clock(Store(), "real", start=START, monotonic=seconds)
    with clock.at(START):
        seconds.value += 10
        assert clock.now() == START
        with clock.at(START + timedelta(days=1)):
            assert clock.now() == START + timedelta(days=1)
        assert clock.now() == START
    assert clock.now() == START + timedelta(seconds=10)


def test_tokens_follow_the_real_time() -> None:
    real = datetime(2030, 1, 1, tzinfo=UTC)
    clock = Clock(Store(), "stepped", start=START, real_now=lambda: real)
    clock.move(3600)
    assert clock.real_now() == real
