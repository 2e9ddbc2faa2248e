"""Rows of the two sides of the linked pair, read and written past the services."""

from typing import Any

from emulator.data.schemas import Plane, table
from emulator.dataverse.plugins import SUPPORT
from emulator.tables.keys import row_id_of
from tests.support.in_process import World
from tests.support.linked_world import CDS_HOST, FINOPS_HOST

_HOSTS: dict[Plane, str] = {"dataverse": CDS_HOST, "finops": FINOPS_HOST}


class SideRows:
    """Tables are named by their sets; `equal`: columns and their values."""

    def __init__(self, world: World) -> None:
        """`world`: a tenant with the pair."""
        self._rows = world.tenant.rows

    def find(self, side: Plane, entity_set: str, **equal: Any) -> list[dict[str, Any]]:
        """The rows with these values."""
        return self._rows.find(side, _HOSTS[side], entity_set, equal)

    def add(self, side: Plane, entity_set: str, *rows: dict[str, Any]) -> None:
        """More rows; where F&O has them by company they are of USMF."""
        common = {"dataAreaId": "usmf"} if "dataAreaId" in table(side, entity_set).columns else {}
        for row in rows:
            self._rows.insert(side, _HOSTS[side], entity_set, {**common, **row}, origin="seed")

    def change(self, side: Plane, entity_set: str, changes: dict[str, Any], **equal: Any) -> None:
        """Other values in these rows; past the rules of the platform."""
        for row in self.find(side, entity_set, **equal):
            row_id = row_id_of(table(side, entity_set), row)
            self._rows.update(side, _HOSTS[side], entity_set, row_id, changes, origin=SUPPORT)

    def remove(self, side: Plane, entity_set: str, **equal: Any) -> None:
        """These rows are gone."""
        for row in self.find(side, entity_set, **equal):
            row_id = row_id_of(table(side, entity_set), row)
            self._rows.delete(side, _HOSTS[side], entity_set, row_id, origin="system")

    def add_legal_entity(self, code: str) -> None:
        """One more company that F&O has."""
        values = {"LegalEntityId": code, "Name": f"{code} Ltd", "AddressCountryRegionId": "USA", "LanguageId": "en-US"}
        self.add("finops", "LegalEntities", values)

    def add_vendors(self, *accounts: tuple[str, str | None]) -> None:
        """Vendors of USMF, each with the vendor that pays its invoices; their group is on both sides."""
        group = {"msdyn_vendorgroup": "10", "_msdyn_company_value": self.company_id("USMF")}
        self.add("dataverse", "msdyn_vendorgroups", group)
        self.add("finops", "VendorGroups", {"VendorGroupId": "10", "Description": "Vendors"})
        common = {"VendorGroupId": "10", "VendorPartyType": "Organization", "CurrencyCode": "EUR"}
        rows = ({"VendorAccountNumber": one, "InvoiceVendorAccountNumber": payer} for one, payer in accounts)
        self.add("finops", "VendorsV2", *({**common, **row} for row in rows))

    def company_id(self, code: str) -> str:
        """The id of a company's row in CDS."""
        (company,) = self.find("dataverse", "cdm_companies", cdm_companycode=code)
        return str(company["cdm_companyid"])
