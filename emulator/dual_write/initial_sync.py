"""Initial sync: all rows of both sides, company by company, full push; the master settles rows with equal keys.

Rules, limits and texts: dual-write-semantics.md 8, 10 and 11.5, dual-write-management-api.md 9. Assumed: a global map
runs once, under the first company of the link; rows that agree already count as updated, as a full push knows no delta;
F&O's import/export service and the client row of Data Integration are needed in both directions; the request names the
first failed direction only; the master's direction goes last; the texts of the two limits on rows, which no source
quotes; the limit of lookups counts the look-ups of the rows' own columns, as the query of the export expands each once,
while the company stands in its filter.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from emulator.core.switches import Switches
from emulator.data.schemas import Plane, table
from emulator.dual_write import executions, row_filters, row_mapping
from emulator.dual_write.connections import Company, Connection
from emulator.dual_write.definitions import MapDefinition
from emulator.dual_write.executions import LegResult
from emulator.dual_write.maps import TableMap
from emulator.dual_write.transfer import Outcome, Transfer, other
from emulator.identity.directory import DATA_INTEGRATION_APP_ID
from emulator.tables import Condition, SyncError
from emulator.tenant import Tenant

_MASTERS: dict[str, Plane] = {"CRM": "dataverse", "AX": "finops"}
_SINGLE_THREADED = {
    "Sales tax codes", "Customers V3", "Vendors V2", "Warehouses", "Product categories", "Employment detail",
    "Position worker assignments", "Warehouse locations", "Modes of delivery",
}  # fmt: skip
_MASTER_KIND = "dualwrite.initial_sync"
_SERVICE_KIND = "dualwrite.data_management"
_RIGHT_LOCALE = "en-us"
# The data entity of parties has a range of its own: the two types that reach Dataverse (semantics 8).
_PARTIES = "CDS Parties"
_PARTY_TYPES = {"Person", "Organization"}
_STOPPED = "([Bad Request], The remote server returned an error: (400) Bad Request.), AX export encountered an error"
_FORBIDDEN = "([Forbidden], The remote server returned an error: (403) Forbidden.), AX export encountered an error"
_ZERO = (
    "An error occurred while validating input parameters: Microsoft.OData.ODataException: Can't convert the literal "
    "'000000' to the expected type 'Edm.Decimal'"
)


def change_service(tenant: Tenant, finance_host: str, **changes: Any) -> None:
    """Change F&O's import/export service: `stopped` (bool), `locale` of its source data formats (default en-us)."""
    tenant.store.put(_SERVICE_KIND, finance_host, _service(tenant, finance_host) | changes)


def begin(tenant: Tenant, connection: Connection, table_map: TableMap, *, request_id: str, master: str) -> float:
    """Show a running initial sync and return how many virtual seconds it takes. `master`: CRM or AX."""
    companies = _companies(connection, table_map)
    executions.started(tenant, connection, table_map, companies, request_id)
    tenant.store.put(_MASTER_KIND, f"{table_map.cid}/{table_map.id}", {"master": master})
    transfer = Transfer(tenant, connection, table_map.definition)
    rows = sum(_count(tenant, transfer, plane, company) for plane in _sources(transfer) for company in companies)
    base = tenant.switches["dual_write_sync_base_duration"] * len(companies)
    return float(base + 60 * rows / tenant.switches["dual_write_rows_per_minute"])


def finish(tenant: Tenant, connection: Connection, table_map: TableMap, *, request_id: str) -> str | None:
    """Move the rows and return the error text of the request, None when all of them went over."""
    key = f"{table_map.cid}/{table_map.id}"
    begun = tenant.store.get(_MASTER_KIND, key) or {"master": "CRM"}
    tenant.store.delete(_MASTER_KIND, key)
    master = _MASTERS[begun["master"]]
    text: str | None = None
    for company in _companies(connection, table_map):
        legs = _legs(tenant, connection, table_map, company, master)
        executions.ended(tenant, table_map, request_id, company.code, legs)
        failed = next((leg for leg in legs if leg.failed), None)
        if text is None and failed is not None:
            text = _request_text(table_map.definition, failed)
    return text


def _legs(
    tenant: Tenant, connection: Connection, table_map: TableMap, company: Company, master: Plane
) -> list[LegResult]:
    """Move the rows of one company.

    The master goes last: first the other side adds what the master lacks, then the master's rows replace.
    """
    legs = []
    sources = _sources(Transfer(tenant, connection, table_map.definition))
    for plane in sorted(sources, key=lambda plane: plane == master):
        transfer = Transfer(tenant, connection, table_map.definition, bulk=True)
        refusal = table_map.failure or _refusal(tenant, transfer, plane, company)
        legs.append(_leg(tenant, transfer, plane, company, replace=plane == master, refusal=refusal))
    return legs


def _request_text(mapped: MapDefinition, leg: LegResult) -> str:
    """Return what the request says of a failed direction, in the form of the documented example."""
    sides = {"finops": f"AX {mapped.finops_entity}", "dataverse": f"CRM {mapped.dataverse_set}"}
    reason = leg.refusal or leg.errors[0]["errorMessage"]
    return (
        "Dual write Initial Sync completed with status: Error. Following are the details: "
        f"Executed leg: From {sides[leg.source]} to {sides[other(leg.source)]} with exported records count: "
        f"{leg.exported}, ImportRecordsErrorCount: {leg.error_count}, ImportRecordsInsertedCount: {leg.inserted} and "
        f"ImportRecordsUpdatedCount: {leg.updated} ErrorsDetails: Dual write Initial sync failed Message: {reason}"
    )


def _leg(
    tenant: Tenant, transfer: Transfer, source: Plane, company: Company, *, replace: bool, refusal: str | None
) -> LegResult:
    leg = LegResult(source, refusal=refusal)
    if refusal is not None:
        return leg
    schema = table(source, row_filters.set_of(transfer.mapped, source))
    zeros = _unreadable_decimals(tenant, transfer, source)
    # Rows of a self-reference are read before the first one is written.
    for row in list(_rows(tenant, transfer, source, company)):
        if not transfer.in_scope(source, row) or _is_out_of_range(transfer, source, row):
            continue
        leg.exported += 1
        record = "|".join(str(row[name]) for name in schema.key)
        if any(row.get(name) == 0 for name in zeros):
            leg.refuse_row(record, "", _ZERO)
        else:
            _move_row(tenant, transfer, leg, record, row, replace=replace)
    return leg


def _move_row(
    tenant: Tenant, transfer: Transfer, leg: LegResult, record: str, row: dict[str, Any], *, replace: bool
) -> None:
    """Write one row on the other side and count it."""
    try:
        with tenant.store.transaction():
            outcome = transfer.upsert(leg.source, row, replace=replace)
    except SyncError as error:
        leg.refuse_row(record, _field_of(str(error)), str(error))
    else:
        leg.inserted += outcome is Outcome.INSERTED
        leg.updated += outcome is Outcome.UPDATED


def _refusal(tenant: Tenant, transfer: Transfer, source: Plane, company: Company) -> str | None:
    """Return why a whole leg fails, None when F&O can serve it and its size is within the limits."""
    if _service(tenant, transfer.host("finops"))["stopped"]:
        return _STOPPED
    if tenant.rows.get("finops", transfer.host("finops"), "SysAADClients", DATA_INTEGRATION_APP_ID) is None:
        return _FORBIDDEN
    return _over_limit(tenant.switches, transfer, source, _count(tenant, transfer, source, company))


def _over_limit(switches: Switches, transfer: Transfer, source: Plane, count: int) -> str | None:
    """Return which limit of the service so many rows of a side exceed."""
    mapped = transfer.mapped
    if count > switches["dual_write_initial_sync_rows"]:
        return f"The export of {count} records exceeds the limit of {switches['dual_write_initial_sync_rows']}."
    if source == "finops" or count == 0:
        return None
    if mapped.finops_entity in _SINGLE_THREADED and count > switches["dual_write_single_threaded_rows"]:
        limit = switches["dual_write_single_threaded_rows"]
        return f"{mapped.finops_entity} is imported by one thread: {count} records exceed the limit of {limit}."
    lookups = row_mapping.lookups(mapped, source)
    if len(lookups) > switches["dual_write_initial_sync_lookups"]:
        return _too_many_lookups(transfer.host("dataverse"), mapped.dataverse_set, lookups)
    return None


def _too_many_lookups(host: str, entity_set: str, lookups: Sequence[str]) -> str:
    address = f"https://europe-001.azure-apim.net/apim/commondataservice/datasets/{host}/tables/{entity_set}"
    return (
        "CRMExport: Package execution complete. Error Description 5 Attempts to get data from "
        f"{address}/items?$expand={','.join(lookups)} Failed"
    )


def _service(tenant: Tenant, finance_host: str) -> dict[str, Any]:
    return {"stopped": False, "locale": _RIGHT_LOCALE} | (tenant.store.get(_SERVICE_KIND, finance_host) or {})


def _unreadable_decimals(tenant: Tenant, transfer: Transfer, source: Plane) -> list[str]:
    """Return the F&O properties whose zero F&O exports in a form that Dataverse cannot read: none in en-us."""
    locale = str(_service(tenant, transfer.host("finops"))["locale"])
    if source == "dataverse" or locale.casefold() == _RIGHT_LOCALE:
        return []
    columns = table("finops", transfer.mapped.finops_set).columns
    return [name for name in row_mapping.source_properties(transfer.mapped, source) if columns[name].type == "decimal"]


def _is_out_of_range(transfer: Transfer, source: Plane, row: dict[str, Any]) -> bool:
    is_party = source == "finops" and transfer.mapped.finops_entity == _PARTIES
    return is_party and row.get("PartyType") not in _PARTY_TYPES


def _companies(connection: Connection, table_map: TableMap) -> list[Company]:
    if row_mapping.is_company_specific(table_map.definition):
        return connection.companies
    return connection.companies[:1]


def _sources(transfer: Transfer) -> list[Plane]:
    planes: tuple[Plane, ...] = ("finops", "dataverse")
    return [plane for plane in planes if row_mapping.flows(transfer.mapped, plane)]


def _rows(tenant: Tenant, transfer: Transfer, plane: Plane, company: Company) -> Iterator[dict[str, Any]]:
    where = _where(transfer, plane, company)
    return tenant.rows.scan(plane, transfer.host(plane), row_filters.set_of(transfer.mapped, plane), where=where)


def _count(tenant: Tenant, transfer: Transfer, plane: Plane, company: Company) -> int:
    where = _where(transfer, plane, company)
    return tenant.rows.count(plane, transfer.host(plane), row_filters.set_of(transfer.mapped, plane), where=where)


def _where(transfer: Transfer, plane: Plane, company: Company) -> Condition:
    wanted = row_filters.condition(transfer.mapped, plane, transfer.host(plane))
    if not row_mapping.is_company_specific(transfer.mapped):
        return wanted
    value = company.code if plane == "finops" else company.dataverse_id
    return Condition(f"r.company = ? AND ({wanted.sql})", (value.casefold(), *wanted.parameters))


def _field_of(text: str) -> str:
    """Return the field that a lookup error names, else an empty text."""
    before, found, after = text.partition("for the field: ")
    return after.partition(". ")[0] if found and before else ""
