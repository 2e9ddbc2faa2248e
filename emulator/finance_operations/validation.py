"""What F&O does with a row before it is stored: defaults, mandatory fields, references, companies.

Defaults are those of X++ tables: empty text, zero, first enum member. Which fields are mandatory and which references
are checked is assumed (the standard maps' lookups to reference data); `finops_checks_references` turns the latter off.
"""

import re
from functools import cache
from typing import Any

from emulator.data.maps import MAPS
from emulator.data.schemas import Column, Table
from emulator.tables import Draft, RowError
from emulator.tenant import Tenant

_REFERENCE_DATA = {
    "CustomerGroups", "VendorGroups", "PaymentTerms", "Currencies", "PaymentSchedules", "PaymentDaysCDS", "TaxGroups",
    "CustomerPaymentMethods", "VendorPaymentMethods", "OperationalSitesV2", "ChartOfAccounts", "ExchangeRateTypes",
    "UnitsOfMeasure",
}  # fmt: skip
_COMPANY = re.compile(r"[a-z0-9]{1,4}", re.IGNORECASE)
PARTY_COUNTER = "finops.party"


def complete(
    tenant: Tenant,
    draft: Draft,
) -> None:
    """Fill in defaults and refuse what validation refuses: RowError invalid."""
    host, schema, old, new = draft.host, draft.schema, draft.old, draft.new
    if schema.company is not None:
        new[schema.company] = str(new.get(schema.company) or "").lower()
    for column in schema.columns.values():
        if new.get(column.name) is None:
            new[column.name] = default_of(column)
    if schema.set == "LegalEntities":
        _legal_entity(tenant, host, old, new)
    _check_mandatory(schema, old, new)
    if schema.company is not None and old is None:
        _check_company(tenant, host, new[schema.company])
    if tenant.switches["finops_checks_references"]:
        _check_references(tenant, host, schema, old, new)
    if schema.set == "SysAADClients" and not tenant.rows.get("finops", host, "SystemUsers", new["UserId"]):
        text = f"The value '{new['UserId']}' in field 'User ID' is not found in the related table 'User information'."
        raise RowError("invalid", text)


def default_of(column: Column) -> Any:
    """Return what an unset property reads."""
    if column.type == "enum":
        return column.members[0]
    return {"string": "", "integer": 0, "decimal": 0, "option": 0, "boolean": False}.get(column.type)


def _check_mandatory(schema: Table, old: dict[str, Any] | None, new: dict[str, Any]) -> None:
    empty = [name for name in schema.mandatory if new.get(name) in {None, ""} and (old is None or old.get(name))]
    if empty:
        raise RowError("incomplete", "fields must be filled in", empty)


def _check_company(tenant: Tenant, host: str, company: str) -> None:
    if not tenant.rows.get("finops", host, "LegalEntities", company):
        text = f"The company '{company}' does not exist."
        raise RowError("invalid", text)


def _legal_entity(tenant: Tenant, host: str, old: dict[str, Any] | None, new: dict[str, Any]) -> None:
    if old is None and new.get("LegalEntityId") and not _COMPANY.fullmatch(new["LegalEntityId"]):
        text = f"The company ID '{new['LegalEntityId']}' must be one to four alphanumeric characters."
        raise RowError("invalid", text)
    if not new.get("PartyNumber"):
        document = tenant.store.get(PARTY_COUNTER, host) or {"last": 0}
        document["last"] += 1
        tenant.store.put(PARTY_COUNTER, host, document)
        new["PartyNumber"] = f"{document['last']:09d}"


@cache
def references(entity_set: str) -> dict[str, tuple[str, str, bool]]:
    """Return property to (entity set, its key property, company-specific) of the reference data a row points to."""
    keys = {
        (entry.dataverse_set, pair.dataverse): (entry.finops_set, pair.finops, entry.company_specific == "yes")
        for entry in MAPS
        for pair in entry.integration_key
        if len(entry.integration_key) == 1 and entry.finops_set in _REFERENCE_DATA
    }
    found: dict[str, tuple[str, str, bool]] = {}
    for entry in MAPS:
        if entry.finops_set != entity_set:
            continue
        for mapped in entry.fields:
            parts = (mapped.dataverse or "").split(".")
            if mapped.finops and mapped.lookup and len(parts) == 2 and (mapped.lookup, parts[1]) in keys:
                found[mapped.finops] = keys[mapped.lookup, parts[1]]
    return found


def _check_references(
    tenant: Tenant, host: str, schema: Table, old: dict[str, Any] | None, new: dict[str, Any]
) -> None:
    for name, (target, key, has_company) in references(schema.set).items():
        value = new.get(name)
        if not value or (old is not None and old.get(name) == value):
            continue
        wanted = {key: value} | ({"dataAreaId": new.get("dataAreaId", "")} if has_company else {})
        if not tenant.rows.find("finops", host, target, wanted):
            text = f"The value '{value}' in field '{name}' is not found in the related table '{target}'."
            raise RowError("invalid", text)
