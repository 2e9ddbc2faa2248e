"""E15's documents: what each initial sync of a map did, one execution per company, newest first.

Member names are those of dual-write-management-api.md E15. Assumed: the words of `executionStatus` and task status, and
that a leg with some refused rows is WARNING, one in which nothing went over ERROR.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any

from emulator.data.schemas import Plane
from emulator.dual_write.connections import Company, Connection, timestamp
from emulator.dual_write.maps import TableMap
from emulator.tenant import Tenant

KIND = "dualwrite.executions"
SHOWN_ERRORS = 5
_SIDES = {"finops": "Finance and Operations", "dataverse": "Dataverse"}


@dataclass
class LegResult:
    """One direction of one execution. `errors` holds the first five; `error_count` counts all of them."""

    source: Plane
    exported: int = 0
    inserted: int = 0
    updated: int = 0
    error_count: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)
    refusal: str | None = None

    @property
    def failed(self) -> bool:
        """Return whether a row or the whole leg was refused."""
        return self.error_count > 0 or self.refusal is not None

    def refuse_row(self, record_id: str, source_field: str, text: str) -> None:
        """Count a row that the other side refused."""
        self.error_count += 1
        if len(self.errors) < SHOWN_ERRORS:
            self.errors.append({"recordId": record_id, "sourceField": source_field, "errorMessage": text})


def started(
    tenant: Tenant, connection: Connection, table_map: TableMap, companies: list[Company], request_id: str
) -> None:
    """Put a running execution per company in front of the older ones."""
    now = timestamp(tenant)
    new = [
        {
            "id": str(uuid.uuid4()),
            "responseId": str(uuid.uuid4()),
            "displayName": table_map.name,
            "projectName": table_map.project,
            "legalEntityName": company.code,
            "legalEntityId": company.dataverse_id,
            "submittedOn": now,
            "createdDateTime": now,
            "lastExecutionStatusChangeOn": now,
            "executionStatus": "RUNNING",
            "initialSyncRequestId": request_id,
            "isDataManagementProject": True,
            "owner": connection.owner,
            "upsertCount": 0,
            "errorCount": 0,
            "tags": [],
            "taskExecutionStatuses": [{"name": table_map.name, "status": "RUNNING", "isRunning": True, "legs": []}],
        }
        for company in companies
    ]
    tenant.store.put(KIND, _key(table_map), {"executions": new + _executions(tenant, table_map)})


def ended(tenant: Tenant, table_map: TableMap, request_id: str, company: str, legs: list[LegResult]) -> None:
    """Write down what one company's execution did."""
    now = timestamp(tenant)
    executions = _executions(tenant, table_map)
    for execution in executions:
        if (execution["initialSyncRequestId"], execution["legalEntityName"]) == (request_id, company):
            execution |= _result(table_map.name, legs, execution["submittedOn"], now)
    tenant.store.put(KIND, _key(table_map), {"executions": executions})


def _result(name: str, legs: list[LegResult], began: str, ended: str) -> dict[str, Any]:
    """The members of an execution that its end sets."""
    status = "ERROR" if any(leg.failed for leg in legs) else "COMPLETED"
    shown = [_wire(leg, began, ended) for leg in legs]
    return {
        "executionStatus": status,
        "lastExecutionStatusChangeOn": ended,
        "upsertCount": sum(leg.inserted + leg.updated for leg in legs),
        "errorCount": sum(leg.error_count for leg in legs),
        "taskExecutionStatuses": [{"name": name, "status": status, "isRunning": False, "legs": shown}],
    }


def answer(tenant: Tenant, table_map: TableMap) -> dict[str, Any]:
    """Return E15's body."""
    return {"projectName": table_map.project, "projectExecutionResponses": _executions(tenant, table_map)}


def remove_all(tenant: Tenant, cid: str) -> None:
    """Forget the history of a link."""
    for key, _ in tenant.store.items(KIND, f"{cid}/"):
        tenant.store.delete(KIND, key)


def _executions(tenant: Tenant, table_map: TableMap) -> list[dict[str, Any]]:
    document = tenant.store.get(KIND, _key(table_map)) or {"executions": []}
    return list(document["executions"])


def _import_status(leg: LegResult) -> str:
    if not leg.failed:
        return "COMPLETED"
    return "WARNING" if leg.inserted + leg.updated else "ERROR"


def _wire(leg: LegResult, started_on: str, ended_on: str) -> dict[str, Any]:
    target: Plane = "dataverse" if leg.source == "finops" else "finops"
    status = _import_status(leg)
    refused = [{"recordId": "", "sourceField": "", "errorMessage": leg.refusal}] if leg.refusal else []
    return {
        "displayName": f"{_SIDES[leg.source]} to {_SIDES[target]}",
        "status": status,
        "details": leg.refusal or "",
        "exportStatus": "ERROR" if leg.refusal else "COMPLETED",
        "exportDetails": leg.refusal or "",
        "exportStarted": started_on,
        "exportFinished": ended_on,
        "exportRecordCount": leg.exported,
        "exportRecordErrorCount": 0,
        "importStatus": status,
        "importDetails": "",
        "importStarted": started_on,
        "importFinished": ended_on,
        "importRecordsInsertedCount": leg.inserted,
        "importRecordsUpdatedCount": leg.updated,
        "importRecordsErrorCount": leg.error_count,
        "exportErrors": refused,
        "importErrors": leg.errors,
    }


def _key(table_map: TableMap) -> str:
    return f"{table_map.cid}/{table_map.id}"
