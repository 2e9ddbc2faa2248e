"""Queues of paused maps: whose is skipped, and how old one is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.api.dual_write.models import EntityMapStatus
from providers.maps.catch_up import old_queues, paused_since
from providers.maps.declaration import skipped_queues
from providers.maps.model import LiveSyncInputs

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)


def paused(age: timedelta, **entry: Any) -> EntityMapStatus:
    request = {"requestId": "r", "action": "5", "state": "2", "modifiedOn": (NOW - age).isoformat(), **entry}
    detail = {"tid": "t", "tName": "a", "pid": "p", "state": "5", "lastRequests": [request]}
    return EntityMapStatus.model_validate({"detail": detail})


def inputs(option: str, state: str = "running") -> LiveSyncInputs:
    values = {"cloud": "public", "cds": "x", "maps": {"a": state}, "catch_up": {"a": option}}
    return LiveSyncInputs.model_validate(values)


@pytest.mark.parametrize(
    ("option", "before", "skipped"),
    [
        ("discard", "paused", {"a": False}),
        ("discard", "running", {}),
        ("discard", None, {}),
        ("keep-as-errors", "paused", {"a": True}),
        ("keep-as-errors", "running", {"a": True}),
        ("replay", "paused", {}),
    ],
)
def test_queue_is_discarded_only_for_a_change_of_the_file(
    option: str, before: str | None, skipped: dict[str, bool]
) -> None:
    assert skipped_queues(inputs(option), {"a": before} if before else {}) == skipped


def test_map_that_stays_paused_keeps_its_queue() -> None:
    assert skipped_queues(inputs("discard", "paused"), {"a": "paused"}) == {}


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(hours=23), ""),
        (timedelta(hours=30), "names one day, and seven"),
        (timedelta(days=6, hours=12), "is paused for 6 days 12 h"),
        (timedelta(days=6, hours=14), "in 10 h 00 min further changes will be blocked or lost"),
        (timedelta(days=8), "after 7 days further changes are blocked or lost: resume it"),
    ],
)
def test_old_queue_is_named_before_it_is_too_late(age: timedelta, text: str) -> None:
    sentences = list(old_queues([paused(age)], NOW))
    assert len(sentences) == bool(text)
    assert all(text in each and "not readable" in each for each in sentences)


def test_pause_that_nothing_shows_has_no_age() -> None:
    assert paused_since(paused(timedelta(days=9), action="1")) is None
    assert paused_since(paused(timedelta(days=9), modifiedOn="soon")) is None
