"""Rows move as the management service says: only OData and E3 are used here."""

from typing import Any

import pytest

from emulator.identity.directory import PROVE_CLIENT_ID
from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.dual_write.administrator import DATAVERSE_HOST, FINANCE_HOST, Administrator
from tests.unit.emulator.dual_write.linked_pair import CUSTOMER_GROUPS, PAYMENT_TERMS

FINANCE_MAPS = "msdyn_Dynamics365FinanceExtendedMaps"
START, STOP, PAUSE, RESUME, INIT = "1", "4", "5", "6", "8"


class Planes:
    """Customer groups of DAT over OData, as the prove identity."""

    def __init__(self, call: CallTenant) -> None:
        self._call = call

    def add(self, group_id: str, **values: Any) -> int:
        """POST a customer group to F&O and return the status."""
        body = {"dataAreaId": "dat", "CustomerGroupId": group_id, **values}
        url = f"https://{FINANCE_HOST}/data/CustomerGroups"
        return self._call("POST", url, json=body, app=PROVE_CLIENT_ID).status

    def seen(self) -> set[str]:
        """Return the ids of the customer groups in Dataverse."""
        url = f"https://{DATAVERSE_HOST}/api/data/v9.2/msdyn_customergroups?$select=msdyn_groupid"
        return {row["msdyn_groupid"] for row in self._call("GET", url, app=PROVE_CLIENT_ID).json["value"]}


@pytest.fixture
def planes(call: CallTenant) -> Planes:
    """Both data planes of the pair."""
    return Planes(call)


@pytest.fixture
def maps(pair: Administrator) -> Administrator:
    """The pair with two finance maps running."""
    pair.apply(FINANCE_MAPS)
    pair.running(PAYMENT_TERMS, CUSTOMER_GROUPS)
    return pair


def test_started_map_moves_rows(maps: Administrator, planes: Planes) -> None:
    assert planes.add("10") == 201
    assert planes.seen() == {"10"}


def test_stopped_map_leaves_rows(maps: Administrator, planes: Planes) -> None:
    maps.do(STOP, CUSTOMER_GROUPS)
    planes.add("10")
    maps.do(START, CUSTOMER_GROUPS, skipInitialSync=True)
    assert planes.seen() == set()


@pytest.mark.parametrize(
    ("parameters", "seen"),
    [
        ({}, {"10"}),
        ({"dualWriteSkipCatchUpSyncParameters": {"skipCatchUpSyncPreserveData": True}}, set()),
        ({"dualWriteSkipCatchUpSyncParameters": {"skipCatchUpSyncPreserveData": False}}, set()),
    ],
    ids=["play back", "keep as errors", "drop"],
)
def test_resume_treats_the_queue_as_asked(
    maps: Administrator, planes: Planes, parameters: dict[str, Any], seen: set[str]
) -> None:
    maps.do(PAUSE, CUSTOMER_GROUPS)
    planes.add("10")
    assert planes.seen() == set()
    maps.do(RESUME, CUSTOMER_GROUPS, **parameters)
    assert planes.seen() == seen


def test_initial_sync_brings_older_rows(maps: Administrator, planes: Planes) -> None:
    maps.do(STOP, CUSTOMER_GROUPS)
    planes.add("10")
    conflicts = {"option": "1", "master": "AX"}
    request = maps.do(START, CUSTOMER_GROUPS, skipInitialSync=False, conflictResolution=conflicts)
    planes.add("20")
    maps.wait(300)
    assert maps.outcome(request) == [("2", None)]
    assert planes.seen() == {"10", "20"}


def test_failed_initial_sync_leaves_map_stopped(maps: Administrator, planes: Planes) -> None:
    maps.do(STOP, PAYMENT_TERMS, CUSTOMER_GROUPS)
    maps.tenant.rows.insert(
        "finops", FINANCE_HOST, "PaymentTerms", {"dataAreaId": "dat", "Name": "N", "Description": "N"}
    )
    planes.add("10", PaymentTermId="N")
    request = maps.do(START, CUSTOMER_GROUPS, skipInitialSync=False)
    maps.wait(300)
    ((state, text),) = maps.outcome(request)
    assert state == "3"
    assert "The lookup value was not found: N" in str(text)
    assert maps.maps()[CUSTOMER_GROUPS]["state"] == "1"
