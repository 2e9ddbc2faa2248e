"""A linked pair for tests: company DAT on both sides, maps put into states without the service."""

from dataclasses import dataclass
from typing import Any

from emulator.dual_write import connections, initial_sync, live_index, maps
from emulator.dual_write.connections import Company, Connection
from emulator.dual_write.maps import TableMap
from emulator.dual_write.states import MapState
from emulator.tables import SyncError, Write
from emulator.tenant import Tenant
from tests.unit.emulator.new_sides import new_instance, new_organization

CDS = "contoso-movement.crm4.dynamics.com"
FINOPS = "contoso-movement.operations.eu.dynamics.com"
ENVIRONMENT_ID = "9d8c7b6a-0000-4000-8000-000000000007"
CUSTOMER_GROUPS = "msdyn_customergroups - Customer groups"
VENDOR_GROUPS = "msdyn_vendorgroups - Vendor groups"
CUSTOMERS = "accounts - Customers V3"
COMPANIES = "cdm_companies - Legal entities"
PAYMENT_TERMS = "msdyn_paymentterms - Terms of payment"
CURRENCIES = "transactioncurrencies - Currencies"


@dataclass
class LinkedPair:
    """One link. Row helpers write as a client of one side, in a transaction of their own."""

    tenant: Tenant
    connection: Connection
    company: dict[str, Any]

    def run(self, name: str, state: MapState = MapState.RUNNING) -> TableMap:
        """Put a map into a state."""
        cid = self.connection.cid
        table_map = maps.find(self.tenant, cid, name) or TableMap(cid, name, name, templates=[], active="")
        table_map.state = state
        table_map.paused_on = self.tenant.clock.now().isoformat() if state is MapState.PAUSED else None
        maps.save(self.tenant, table_map)
        live_index.update(self.tenant, self.connection, name, table_map.definition, state)
        return table_map

    def host(self, plane: Any) -> str:
        """Return the host of a side."""
        return self.connection.finance_host if plane == "finops" else self.connection.dataverse_host

    def finops(self, entity_set: str, /, **values: Any) -> dict[str, Any]:
        """Insert an F&O row."""
        with self.tenant.store.transaction():
            return self.tenant.rows.insert("finops", self.host("finops"), entity_set, values)

    def dataverse(self, entity_set: str, /, **values: Any) -> dict[str, Any]:
        """Insert a Dataverse row."""
        with self.tenant.store.transaction():
            return self.tenant.rows.insert("dataverse", self.host("dataverse"), entity_set, values)

    def update(self, plane: Any, entity_set: str, row_id: str, /, **changes: Any) -> dict[str, Any]:
        """Change a row."""
        with self.tenant.store.transaction():
            return self.tenant.rows.update(plane, self.host(plane), entity_set, row_id, changes)

    def delete(self, plane: Any, entity_set: str, row_id: str) -> None:
        """Delete a row."""
        with self.tenant.store.transaction():
            self.tenant.rows.delete(plane, self.host(plane), entity_set, row_id)

    def all(self, plane: Any, entity_set: str, /, **equals: Any) -> list[dict[str, Any]]:
        """Return the rows that equal these values."""
        return self.tenant.rows.find(plane, self.host(plane), entity_set, equals)

    def one(self, plane: Any, entity_set: str, /, **equals: Any) -> dict[str, Any]:
        """Return the only such row."""
        found = self.all(plane, entity_set, **equals)
        assert len(found) == 1, found
        return found[0]


def new_pair(tenant: Tenant) -> LinkedPair:
    """Make a new organization and an empty F&O, linked with DAT, whose `cdm_companies` row dual-write makes."""
    new_organization(tenant, ENVIRONMENT_ID, CDS)
    new_instance(tenant, ENVIRONMENT_ID, FINOPS, CDS)
    connection = connections.new_connection(tenant, ENVIRONMENT_ID, CDS, FINOPS, "owner")
    values = {"cdm_companycode": "DAT", "cdm_name": "Company accounts data"}
    company = tenant.rows.insert("dataverse", CDS, "cdm_companies", values, origin="dual-write")
    connection.companies = [Company("DAT", company["cdm_companyid"])]
    connections.save(tenant, connection)
    return LinkedPair(tenant, connection, company)


def refuse_group(link: LinkedPair, group_id: str) -> None:
    """Let Dataverse refuse a customer group after it was stored, as a plug-in would."""

    def plug_in(write: Write) -> None:
        if write.table == "msdyn_customergroups" and write.new and write.new["msdyn_groupid"] == group_id:
            raise SyncError("refused by a plug-in")

    link.tenant.rows.on_write(plug_in)


def sync(link: LinkedPair, name: str, master: str = "CRM", request_id: str = "r1") -> tuple[str | None, TableMap]:
    """Begin and finish an initial sync; return its error text."""
    table_map = link.run(name, MapState.INITIAL_SYNC)
    initial_sync.begin(link.tenant, link.connection, table_map, request_id=request_id, master=master)
    return initial_sync.finish(link.tenant, link.connection, table_map, request_id=request_id), table_map
