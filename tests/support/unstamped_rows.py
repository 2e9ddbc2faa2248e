"""Fabrikam's CDS, whose rows a bootstrap of companies stamps: its own rows, plug-ins of its own, counted writes."""

from dataclasses import dataclass, field
from typing import Any

from emulator.tables import SyncError, Write
from emulator.tables.write_log import Counts
from tests.support.in_process import World
from tests.support.prepared_tenants import PreparedTenants, as_seeded

HOST = "fabrikam-sales.crm4.dynamics.com"
RETAIL, ONLINE = "Fabrikam Retail", "Fabrikam Online"
COMPANY = {
    "accounts": "_msdyn_company_value",
    "contacts": "_msdyn_company_value",
    "products": "_msdyn_companyid_value",
}
_BY_PLUG_IN = "system"


def without_rows(tenants: PreparedTenants) -> World:
    """The tenant of the first day; Fabrikam has the company USMF, and TSUS, which is not enabled, but no rows."""
    world = tenants.copy(as_seeded)
    world.tenant.rows.drop("dataverse", HOST, ["accounts", "contacts", "products"])
    for code in ("USMF", "TSUS"):
        values = {"cdm_companycode": code, "cdm_name": code, "cdm_isenabledfordualwrite": code == "USMF"}
        world.tenant.rows.insert("dataverse", HOST, "cdm_companies", values, origin="seed")
    return world


@dataclass
class UnstampedRows:
    """The rows of that CDS, as a person sees them.

    `refused`: what a plug-in says against any write of a row, by its id; `reverted`: ids of rows from which a plug-in
    takes a company away again.
    """

    world: World
    refused: dict[str, str] = field(default_factory=dict)
    reverted: set[str] = field(default_factory=set)
    _since: int = 0

    def __post_init__(self) -> None:
        self.world.tenant.rows.on_write(self._run_plug_ins)
        self._rows = self.world.tenant.rows
        self._teams = {unit: self._id("teams", name=unit) for unit in (RETAIL, ONLINE)}
        self.company_ids = {code: self._id("cdm_companies", cdm_companycode=code) for code in ("USMF", "TSUS")}
        self.unit_ids = {unit: self._id("businessunits", name=unit) for unit in (RETAIL, ONLINE)}

    def add(self, count: int, table: str = "accounts", *, unit: str = RETAIL, company: str = "") -> list[str]:
        """New rows that carry a company, or none; returns their ids."""
        values: dict[str, Any] = {"lastname" if table == "contacts" else "name": "Proseware"}
        if table != "products":
            values["_ownerid_value"] = self._teams[unit]
        if company:
            values[COMPANY[table]] = self.company_ids[company]
        key = f"{table.removesuffix('s')}id"
        return [str(self._rows.insert("dataverse", HOST, table, values, origin="seed")[key]) for _ in range(count)]

    def change(self, row_id: str) -> None:
        """Somebody writes another column of an account."""
        self._rows.update("dataverse", HOST, "accounts", row_id, {"description": "changed"}, origin="system")

    def delete(self, row_id: str) -> None:
        """Somebody deletes an account."""
        self._rows.delete("dataverse", HOST, "accounts", row_id, origin="system")

    def clear(self) -> None:
        """All accounts go, and the writes so far are forgotten."""
        self._rows.drop("dataverse", HOST, ["accounts"])
        self._since = self._counted("accounts")["last"]

    def companies(self, table: str = "accounts") -> dict[str, str | None]:
        """Row id to the code of its company."""
        codes = {row_id: code for code, row_id in self.company_ids.items()}
        rows = self._rows.scan("dataverse", HOST, table)
        return {str(row[f"{table.removesuffix('s')}id"]): codes.get(str(row.get(COMPANY[table]))) for row in rows}

    def writes(self, table: str = "accounts") -> dict[str, int]:
        """Row id to the number of times a client has written the row; rows that it never wrote are left out."""
        return self._counted(table)["rows"]

    def _counted(self, table: str) -> Counts:
        log = self.world.tenant.write_log
        return log.counted(host=HOST, entity_set=table, origin="client", since=self._since)

    def _id(self, table: str, **values: str) -> str:
        (row,) = self._rows.find("dataverse", HOST, table, values)
        return str(row[{"cdm_companies": "cdm_companyid"}.get(table, f"{table.removesuffix('s')}id")])

    def _run_plug_ins(self, write: Write) -> None:
        if write.row_id in self.refused:
            raise SyncError(self.refused[write.row_id])
        if write.row_id in self.reverted and write.origin != _BY_PLUG_IN:
            lost = {COMPANY[write.table]: None}
            self._rows.update("dataverse", write.host, write.table, write.row_id, lost, origin=_BY_PLUG_IN)
