"""Changes of a paused map wait and are played back, kept as errors or dropped."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from emulator.dual_write import queue
from emulator.dual_write.states import MapState
from emulator.tables import SyncError
from tests.unit.emulator.dual_write.customer_groups import WRITES, Writes, clear, play, shown
from tests.unit.emulator.dual_write.linked_pair import CUSTOMER_GROUPS, PAYMENT_TERMS, LinkedPair, refuse_group


def resume(link: LinkedPair, *names: str) -> int:
    """Let maps run and play back what waits for them."""
    return queue.play_back(link.tenant, link.connection, [link.run(name) for name in names])


def group(link: LinkedPair, group_id: str, **values: Any) -> None:
    """Insert a customer group of DAT in F&O."""
    link.finops("CustomerGroups", dataAreaId="dat", CustomerGroupId=group_id, **values)


@pytest.mark.parametrize("state", [MapState.PAUSED, MapState.CATCH_UP, MapState.INITIAL_SYNC])
def test_changes_wait_until_map_runs(link: LinkedPair, state: MapState) -> None:
    link.run(CUSTOMER_GROUPS, state)
    group(link, "10", Description="first")
    assert link.all("dataverse", "msdyn_customergroups") == []
    assert resume(link, CUSTOMER_GROUPS) == 0
    assert link.one("dataverse", "msdyn_customergroups")["msdyn_description"] == "first"


def test_changes_play_back_in_order(link: LinkedPair) -> None:
    table_map = link.run(CUSTOMER_GROUPS, MapState.PAUSED)
    group(link, "10", Description="one")
    group(link, "20")
    link.update("finops", "CustomerGroups", "dat|10", Description="two")
    link.delete("finops", "CustomerGroups", "dat|20")
    assert [change.row_id for change in queue.queued(link.tenant, table_map)] == [
        "dat|10",
        "dat|20",
        "dat|10",
        "dat|20",
    ]
    assert resume(link, CUSTOMER_GROUPS) == 0
    assert link.one("dataverse", "msdyn_customergroups")["msdyn_description"] == "two"
    assert queue.queued(link.tenant, table_map) == []


def test_maps_resumed_together_keep_full_order(link: LinkedPair) -> None:
    for name in (PAYMENT_TERMS, CUSTOMER_GROUPS):
        link.run(name, MapState.PAUSED)
    link.finops("PaymentTerms", dataAreaId="dat", Name="Net30", Description="30 days")
    group(link, "10", PaymentTermId="Net30")
    assert resume(link, CUSTOMER_GROUPS, PAYMENT_TERMS) == 0
    assert link.one("dataverse", "msdyn_customergroups")["_msdyn_paymenttermid_value"] is not None


def test_failed_playback_stays_as_catch_up_error(link: LinkedPair) -> None:
    link.finops("PaymentTerms", dataAreaId="dat", Name="Net30", Description="30 days")
    table_map = link.run(CUSTOMER_GROUPS, MapState.PAUSED)
    group(link, "10", PaymentTermId="Net30")
    group(link, "20")
    assert resume(link, CUSTOMER_GROUPS) == 1
    (error,) = queue.catch_up_errors(link.tenant, table_map)
    assert "The lookup value was not found: Net30" in error.text
    assert link.one("dataverse", "msdyn_customergroups")["msdyn_groupid"] == "20"


def test_refused_playback_leaves_no_half_row(link: LinkedPair) -> None:
    link.run(CUSTOMER_GROUPS, MapState.PAUSED)
    group(link, "10")
    group(link, "20")
    refuse_group(link, "10")
    assert resume(link, CUSTOMER_GROUPS) == 1
    assert link.one("dataverse", "msdyn_customergroups")["msdyn_groupid"] == "20"


def test_catch_up_errors_are_purged_after_a_day(link: LinkedPair) -> None:
    table_map = link.run(CUSTOMER_GROUPS, MapState.PAUSED)
    group(link, "10")
    assert queue.keep_as_errors(link.tenant, table_map) == 1
    link.tenant.events.advance(86_000)
    assert len(queue.catch_up_errors(link.tenant, table_map)) == 1
    link.tenant.events.advance(800)
    assert queue.catch_up_errors(link.tenant, table_map) == []


def test_skipped_catch_up_keeps_rows_apart(link: LinkedPair) -> None:
    table_map = link.run(CUSTOMER_GROUPS, MapState.PAUSED)
    group(link, "10")
    queue.keep_as_errors(link.tenant, table_map)
    assert resume(link, CUSTOMER_GROUPS) == 0
    assert link.all("dataverse", "msdyn_customergroups") == []


def test_dropped_queue_leaves_nothing(link: LinkedPair) -> None:
    table_map = link.run(CUSTOMER_GROUPS, MapState.PAUSED)
    group(link, "10")
    queue.discard(link.tenant, table_map)
    assert resume(link, CUSTOMER_GROUPS) == 0
    assert queue.catch_up_errors(link.tenant, table_map) == []
    assert link.all("dataverse", "msdyn_customergroups") == []


@pytest.mark.parametrize("limit", ["dual_write_queue_bytes", "dual_write_queue_days"])
def test_full_queue_refuses_further_writes(link: LinkedPair, limit: str) -> None:
    link.run(CUSTOMER_GROUPS, MapState.PAUSED)
    group(link, "10")
    if limit == "dual_write_queue_bytes":
        link.tenant.switches.set(limit, 100)
    else:
        link.tenant.events.advance(7 * 86_400 + 1)
    with pytest.raises(SyncError, match="Resume the table map"):
        group(link, "20")
    assert link.all("finops", "CustomerGroups", CustomerGroupId="20") == []


def test_row_changed_on_both_sides_takes_the_later_change(link: LinkedPair) -> None:
    link.run(CUSTOMER_GROUPS)
    group(link, "10", Description="old")
    mirrored = link.one("dataverse", "msdyn_customergroups")
    link.run(CUSTOMER_GROUPS, MapState.PAUSED)
    link.update("finops", "CustomerGroups", "dat|10", Description="earlier")
    link.update("dataverse", "msdyn_customergroups", mirrored["msdyn_customergroupid"], msdyn_description="later")
    assert resume(link, CUSTOMER_GROUPS) == 0
    assert link.one("finops", "CustomerGroups")["Description"] == "later"
    assert link.one("dataverse", "msdyn_customergroups")["msdyn_description"] == "later"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(before=WRITES, during=WRITES)
def test_pause_and_resume_end_with_equal_sides(link: LinkedPair, before: Writes, during: Writes) -> None:
    clear(link)
    link.run(CUSTOMER_GROUPS)
    play(link, before)
    link.run(CUSTOMER_GROUPS, MapState.PAUSED)
    play(link, during)
    assert resume(link, CUSTOMER_GROUPS) == 0
    finops, dataverse = shown(link)
    assert finops == dataverse
