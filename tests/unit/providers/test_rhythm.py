"""When the maps are looked at: close to an end, wide while nothing can have ended."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.maps.order import StartOrder, chains
from providers.maps.rhythm import Rhythm, Waited


def test_without_a_request_of_its_own_a_run_looks_at_the_usual_times() -> None:
    assert Rhythm(5, 15).wait([]) == 5


def test_young_requests_are_looked_at_often_and_old_ones_at_the_usual_times() -> None:
    rhythm = Rhythm(5, 15)
    assert [rhythm.wait([Waited("start", age)]) for age in (0, 5, 20, 40, 500)] == [1, 1, 2, 4, 5]


def test_nothing_is_expected_before_the_fastest_request_so_far() -> None:
    rhythm = Rhythm(5, 15)
    rhythm.ended("start", 30)
    rhythm.ended("start", 20)
    assert rhythm.wait([Waited("start", 4)]) == pytest.approx(14)
    assert rhythm.wait([Waited("start", 19)]) == pytest.approx(1.9)
    assert rhythm.wait([Waited("start", 4), Waited("stop", 4)]) == 1


def test_initial_syncs_alone_may_wait_longer() -> None:
    assert Rhythm(5, 15).wait([Waited("sync", 900)], only_syncs=True) == 15


@given(st.floats(1, 600), st.booleans())
def test_an_end_is_seen_soon_and_the_service_is_not_asked_all_the_time(takes: float, known: bool) -> None:
    rhythm = Rhythm(5, 15)
    if known:
        rhythm.ended("start", takes)
    looks = [0.0]
    while looks[-1] < takes:
        looks.append(looks[-1] + rhythm.wait([Waited("start", looks[-1])]))
    assert looks[-1] - takes <= max(1.0, takes / 10) + 1e-6
    assert all(later - earlier >= 1 - 1e-6 for earlier, later in pairwise(looks))


def test_chain_of_a_map_counts_those_that_wait_for_it_one_after_the_other() -> None:
    needs = {"a": frozenset[str](), "b": frozenset("a"), "c": frozenset("ab"), "d": frozenset("a")}
    assert chains(needs) == {"a": 2, "b": 1}


def test_maps_that_need_each_other_have_chains_too() -> None:
    assert chains({"a": frozenset("b"), "b": frozenset("a")}).keys() == {"a", "b"}


def test_longest_chain_is_started_first() -> None:
    order = StartOrder()
    assert order.ready(["x", "y"], [], busy=False) == ["x", "y"]
    order._needs, order._chains = {"z": frozenset("y")}, {"y": 1}
    assert order.ready(["x", "y"], [], busy=False) == ["y", "x"]
