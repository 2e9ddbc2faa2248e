"""Initial sync: both directions a company, the master settles conflicts, errors stop the start."""

from typing import Any

import pytest

from emulator.dual_write import connections, executions, initial_sync
from emulator.dual_write.connections import Company
from emulator.dual_write.maps import TableMap
from emulator.dual_write.states import MapState
from tests.unit.emulator.dual_write.linked_pair import COMPANIES, CUSTOMER_GROUPS, LinkedPair, refuse_group, sync


def documents(link: LinkedPair, table_map: TableMap) -> list[dict[str, Any]]:
    """Return the executions of a map as E15 shows them."""
    found: list[dict[str, Any]] = executions.answer(link.tenant, table_map)["projectExecutionResponses"]
    return found


def both_sides(link: LinkedPair) -> None:
    """Insert customer group 10 on both sides with different texts, 20 in F&O only, 30 in Dataverse only."""
    company = link.company["cdm_companyid"]
    for group_id, text in (("10", "finops"), ("20", "finops")):
        link.finops("CustomerGroups", dataAreaId="dat", CustomerGroupId=group_id, Description=text)
    for group_id, text in (("10", "dataverse"), ("30", "dataverse")):
        values = {"msdyn_groupid": group_id, "msdyn_description": text, "_msdyn_company_value": company}
        link.dataverse("msdyn_customergroups", **values)


@pytest.mark.parametrize(("master", "winner"), [("CRM", "dataverse"), ("AX", "finops")])
def test_master_settles_rows_with_equal_keys(link: LinkedPair, master: str, winner: str) -> None:
    both_sides(link)
    error, _ = sync(link, CUSTOMER_GROUPS, master)
    expected = {"10": winner, "20": "finops", "30": "dataverse"}
    assert error is None
    assert {row["CustomerGroupId"]: row["Description"] for row in link.all("finops", "CustomerGroups")} == expected
    dataverse = link.all("dataverse", "msdyn_customergroups")
    assert {row["msdyn_groupid"]: row["msdyn_description"] for row in dataverse} == expected


def test_second_run_changes_nothing(link: LinkedPair) -> None:
    both_sides(link)
    sync(link, CUSTOMER_GROUPS)
    error, _ = sync(link, CUSTOMER_GROUPS, "AX")
    assert error is None
    assert len(link.all("finops", "CustomerGroups")) == len(link.all("dataverse", "msdyn_customergroups")) == 3
    assert link.one("finops", "CustomerGroups", CustomerGroupId="10")["Description"] == "dataverse"


def test_rows_without_company_stay(link: LinkedPair) -> None:
    link.dataverse("msdyn_customergroups", msdyn_groupid="10", msdyn_description="nobody's")
    sync(link, CUSTOMER_GROUPS)
    assert link.all("finops", "CustomerGroups") == []


def test_each_company_has_an_execution(link: LinkedPair) -> None:
    values = {"LegalEntityId": "USMF", "Name": "Contoso USA", "AddressCountryRegionId": "USA", "LanguageId": "en-US"}
    link.finops("LegalEntities", **values)
    usmf = link.dataverse("cdm_companies", cdm_companycode="USMF", cdm_isenabledfordualwrite=True)
    link.connection.companies.append(Company("USMF", usmf["cdm_companyid"]))
    connections.save(link.tenant, link.connection)
    link.finops("CustomerGroups", dataAreaId="dat", CustomerGroupId="10")
    link.finops("CustomerGroups", dataAreaId="usmf", CustomerGroupId="10")
    error, table_map = sync(link, CUSTOMER_GROUPS, "AX")
    assert error is None
    shown = documents(link, table_map)
    assert [(one["legalEntityName"], one["errorCount"], one["executionStatus"]) for one in shown] == [
        ("DAT", 0, "COMPLETED"),
        ("USMF", 0, "COMPLETED"),
    ]
    rows = link.all("dataverse", "msdyn_customergroups")
    assert {row["_msdyn_company_value"] for row in rows} == {link.company["cdm_companyid"], usmf["cdm_companyid"]}


def test_newest_run_stands_first(link: LinkedPair) -> None:
    sync(link, CUSTOMER_GROUPS, request_id="older")
    _, table_map = sync(link, CUSTOMER_GROUPS, request_id="newer")
    assert [one["initialSyncRequestId"] for one in documents(link, table_map)] == ["newer", "older"]


def test_running_sync_is_shown_and_takes_its_time(link: LinkedPair) -> None:
    for number in range(50):
        link.finops("CustomerGroups", dataAreaId="dat", CustomerGroupId=str(number))
    table_map = link.run(CUSTOMER_GROUPS, MapState.INITIAL_SYNC)
    seconds = initial_sync.begin(link.tenant, link.connection, table_map, request_id="r1", master="CRM")
    assert seconds == 60 + 30
    (execution,) = documents(link, table_map)
    assert execution["executionStatus"] == "RUNNING"
    assert execution["taskExecutionStatuses"][0]["isRunning"] is True


def test_refused_rows_are_counted_and_five_shown(link: LinkedPair) -> None:
    link.finops("PaymentTerms", dataAreaId="dat", Name="Net30", Description="30 days")
    for number in range(7):
        values = {"CustomerGroupId": str(number), "PaymentTermId": "Net30"}
        link.finops("CustomerGroups", dataAreaId="dat", **values)
    link.finops("CustomerGroups", dataAreaId="dat", CustomerGroupId="good")
    error, table_map = sync(link, CUSTOMER_GROUPS)
    assert error is not None
    assert "The lookup value was not found: Net30" in error
    (execution,) = documents(link, table_map)
    assert (execution["executionStatus"], execution["errorCount"], execution["upsertCount"]) == ("ERROR", 7, 2)
    leg = next(leg for leg in execution["taskExecutionStatuses"][0]["legs"] if leg["importErrors"])
    assert (leg["status"], leg["importRecordsErrorCount"], len(leg["importErrors"])) == ("WARNING", 7, 5)
    first = leg["importErrors"][0]
    assert (first["recordId"], first["sourceField"]) == ("dat|0", "msdyn_paymenttermid.msdyn_name")
    assert link.one("dataverse", "msdyn_customergroups")["msdyn_groupid"] == "good"


def test_refused_row_leaves_no_half_row(link: LinkedPair) -> None:
    for group_id in ("10", "20"):
        link.finops("CustomerGroups", dataAreaId="dat", CustomerGroupId=group_id)
    refuse_group(link, "10")
    error, _ = sync(link, CUSTOMER_GROUPS)
    assert error == (
        "Dual write Initial Sync completed with status: Error. Following are the details: Executed leg: From AX "
        "Customer groups to CRM msdyn_customergroups with exported records count: 2, ImportRecordsErrorCount: 1, "
        "ImportRecordsInsertedCount: 1 and ImportRecordsUpdatedCount: 0 ErrorsDetails: Dual write Initial sync failed "
        "Message: refused by a plug-in"
    )
    assert link.one("dataverse", "msdyn_customergroups")["msdyn_groupid"] == "20"


def test_rows_stay_when_the_company_row_is_gone(link: LinkedPair) -> None:
    link.finops("CustomerGroups", dataAreaId="dat", CustomerGroupId="10")
    link.delete("dataverse", "cdm_companies", link.company["cdm_companyid"])
    sync(link, CUSTOMER_GROUPS, "AX")
    assert link.all("dataverse", "msdyn_customergroups") == []


def test_global_map_runs_once(link: LinkedPair) -> None:
    error, table_map = sync(link, COMPANIES, "AX")
    assert error is None
    (execution,) = documents(link, table_map)
    (leg,) = execution["taskExecutionStatuses"][0]["legs"]
    assert (leg["exportRecordCount"], leg["importRecordsUpdatedCount"]) == (1, 1)


def test_history_goes_with_the_link(link: LinkedPair) -> None:
    _, table_map = sync(link, CUSTOMER_GROUPS)
    executions.remove_all(link.tenant, link.connection.cid)
    assert documents(link, table_map) == []
