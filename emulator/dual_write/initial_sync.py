"""Initial sync: all rows of both sides, company by company, full push; the master settles rows with equal keys.

Rules and limits: dual-write-semantics.md 8 and 10. Assumed: a global map runs once, under the first company of the
link; rows that agree already count as updated, as a full push knows no delta.
"""

from typing import TYPE_CHECKING

from emulator.data.schemas import Plane, table
from emulator.dual_write import executions, row_filters, row_mapping
from emulator.dual_write.connections import Company, Connection
from emulator.dual_write.executions import LegResult
from emulator.dual_write.maps import TableMap
from emulator.dual_write.transfer import Outcome, Transfer
from emulator.tables import Condition, SyncError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from emulator.tenant import Tenant

_MASTERS: dict[str, Plane] = {"CRM": "dataverse", "AX": "finops"}
_SINGLE_THREADED = {
    "Sales tax codes", "Customers V3", "Vendors V2", "Warehouses", "Product categories", "Employment detail",
    "Position worker assignments", "Warehouse locations", "Modes of delivery",
}  # fmt: skip
_MASTER_KIND = "dualwrite.initial_sync"


def begin(tenant: "Tenant", connection: Connection, table_map: TableMap, *, request_id: str, master: str) -> float:
    """Show a running initial sync and return how many virtual seconds it takes. `master`: CRM or AX."""
    companies = _companies(connection, table_map)
    executions.started(tenant, connection, table_map, companies, request_id)
    tenant.store.put(_MASTER_KIND, f"{table_map.cid}/{table_map.id}", {"master": master})
    transfer = Transfer(tenant, connection, table_map.definition)
    rows = sum(_count(tenant, transfer, plane, company) for plane in _sources(transfer) for company in companies)
    base = tenant.switches["dual_write_sync_base_duration"] * len(companies)
    return float(base + 60 * rows / tenant.switches["dual_write_rows_per_minute"])


def finish(tenant: "Tenant", connection: Connection, table_map: TableMap, *, request_id: str) -> str | None:
    """Move the rows and return the error text of the request, None when all of them went over."""
    key = f"{table_map.cid}/{table_map.id}"
    held = tenant.store.get(_MASTER_KIND, key) or {"master": "CRM"}
    tenant.store.delete(_MASTER_KIND, key)
    master = _MASTERS[held["master"]]
    transfer = Transfer(tenant, connection, table_map.definition)
    errors = 0
    texts: list[str] = []
    for company in _companies(connection, table_map):
        # The master goes last: first the other side adds what the master lacks, then the master's rows replace.
        order = sorted(_sources(transfer), key=lambda plane: plane == master)
        legs = [_leg(tenant, transfer, plane, company, replace=plane == master) for plane in order]
        executions.ended(tenant, table_map, request_id, company.code, legs)
        errors += sum(leg.error_count for leg in legs)
        texts += [leg.refusal or leg.errors[0]["errorMessage"] for leg in legs if leg.failed]
    if not texts:
        return None
    return f"Initial sync of {table_map.name} ended with {errors} record error(s). {texts[0]}"


def _leg(tenant: "Tenant", transfer: Transfer, source: Plane, company: Company, *, replace: bool) -> LegResult:
    leg = LegResult(source)
    leg.refusal = _refusal(tenant, transfer, source, company)
    if leg.refusal is not None:
        return leg
    schema = table(source, row_filters.set_of(transfer.mapped, source))
    # Rows of a self-reference are read before the first one is written.
    for row in list(_rows(tenant, transfer, source, company)):
        if not transfer.in_scope(source, row):
            continue
        leg.exported += 1
        try:
            with tenant.store.transaction():
                outcome = transfer.upsert(source, row, replace=replace)
        except SyncError as error:
            record = "|".join(str(row[name]) for name in schema.key)
            leg.refuse_row(record, _field_of(str(error)), str(error))
        else:
            leg.inserted += outcome is Outcome.INSERTED
            leg.updated += outcome is Outcome.UPDATED
    return leg


def _refusal(tenant: "Tenant", transfer: Transfer, source: Plane, company: Company) -> str | None:
    """Return why a whole leg fails, None when its size is within the limits."""
    count = _count(tenant, transfer, source, company)
    switches, mapped = tenant.switches, transfer.mapped
    if count > switches["dual_write_initial_sync_rows"]:
        return f"The export of {count} records exceeds the limit of {switches['dual_write_initial_sync_rows']}."
    if source == "finops" or count == 0:
        return None
    single = mapped.finops_entity in _SINGLE_THREADED
    if single and count > switches["dual_write_single_threaded_rows"]:
        return f"{mapped.finops_entity} is imported by one thread: {count} records exceed the limit."
    lookups = {field.dataverse.split(".")[0] for field in mapped.fields if field.lookup and field.dataverse}
    if len(lookups) > switches["dual_write_initial_sync_lookups"]:
        return f"5 Attempts to get data from {mapped.dataverse_set} failed. The map has {len(lookups)} lookups."
    return None


def _companies(connection: Connection, table_map: TableMap) -> list[Company]:
    if row_mapping.is_company_specific(table_map.definition):
        return connection.companies
    return connection.companies[:1]


def _sources(transfer: Transfer) -> list[Plane]:
    planes: tuple[Plane, ...] = ("finops", "dataverse")
    return [plane for plane in planes if row_mapping.flows(transfer.mapped, plane)]


def _rows(tenant: "Tenant", transfer: Transfer, plane: Plane, company: Company) -> "Iterator[dict[str, Any]]":
    where = _where(transfer, plane, company)
    return tenant.rows.scan(plane, transfer.host(plane), row_filters.set_of(transfer.mapped, plane), where=where)


def _count(tenant: "Tenant", transfer: Transfer, plane: Plane, company: Company) -> int:
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
