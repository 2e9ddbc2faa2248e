"""What F&O does with a row before it is stored: defaults, mandatory fields, references, companies.

Defaults are those of X++ tables: empty text, zero, first enum member. Which fields are mandatory and which references
are checked is assumed (the standard maps' lookups to reference data); `finops_checks_references` turns the latter off.
"""

import re
from functools import cache
from typing import Any, NamedTuple

from emulator.data.maps import MAPS, Field
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


def complete(tenant: Tenant, draft: Draft) -> None:
    """Fill in defaults and refuse what validation refuses: RowError invalid."""
    schema, new = draft.schema, draft.new
    _fill_in(schema, new)
    if schema.set == "LegalEntities":
        _legal_entity(tenant, draft)
    _check_mandatory(draft)
    if schema.company is not None and draft.old is None:
        _check_company(tenant, draft.host, new[schema.company])
    if tenant.switches["finops_checks_references"]:
        _check_references(tenant, draft)
    if schema.set == "SysAADClients":
        _check_user(tenant, draft.host, new["UserId"])


def _check_user(tenant: Tenant, host: str, user: str) -> None:
    if not tenant.rows.get("finops", host, "SystemUsers", user):
        text = f"The value '{user}' in field 'User ID' is not found in the related table 'User information'."
        # Documented: dual-write-semantics.md 12.1; Microsoft Learn, Integration with Finance FAQ (other fields)
        raise RowError("invalid", text)


def _fill_in(schema: Table, new: dict[str, Any]) -> None:
    if schema.company is not None:
        new[schema.company] = str(new.get(schema.company) or "").lower()
    for column in schema.columns.values():
        if new.get(column.name) is None:
            new[column.name] = default_of(column)


def default_of(column: Column) -> Any:
    """Return what an unset property reads."""
    if column.type == "enum":
        return column.members[0]
    return {"string": "", "integer": 0, "decimal": 0, "option": 0, "boolean": False}.get(column.type)


def _check_mandatory(draft: Draft) -> None:
    old, new = draft.old, draft.new
    empty = [name for name in draft.schema.mandatory if new.get(name) in {None, ""} and (old is None or old.get(name))]
    if empty:
        raise RowError("incomplete", "fields must be filled in", empty)


def _check_company(tenant: Tenant, host: str, company: str) -> None:
    if not tenant.rows.get("finops", host, "LegalEntities", company):
        text = f"a row of the company '{company}', which does not exist"
        raise RowError("not-modelled", text)


def _legal_entity(tenant: Tenant, draft: Draft) -> None:
    new = draft.new
    if draft.old is None and new.get("LegalEntityId") and not _COMPANY.fullmatch(new["LegalEntityId"]):
        text = f"The company ID '{new['LegalEntityId']}' must be one to four alphanumeric characters."
        # Documented: dual-write-semantics.md 5.4
        raise RowError("invalid", text)
    if not new.get("PartyNumber"):
        new["PartyNumber"] = _next_party_number(tenant, draft.host)


def _next_party_number(tenant: Tenant, host: str) -> str:
    document = tenant.store.get(PARTY_COUNTER, host) or {"last": 0}
    document["last"] += 1
    tenant.store.put(PARTY_COUNTER, host, document)
    return f"{document['last']:09d}"


class Reference(NamedTuple):
    """Reference data that a property points to. `has_company`: each company has rows of its own."""

    entity_set: str
    key: str
    has_company: bool


@cache
def references(entity_set: str) -> dict[str, Reference]:
    """Return the reference data that a row of an entity set points to, by property."""
    mapped = (one for entry in MAPS if entry.finops_set == entity_set for one in entry.fields)
    pairs = ((one.finops, _reference(one)) for one in mapped)
    return {name: reference for name, reference in pairs if name and reference}


def _reference(mapped: Field) -> Reference | None:
    _, _, key = (mapped.dataverse or "").partition(".")
    # A longer path goes through a second table, whose rows are no reference data of this one.
    if mapped.lookup is None or "." in key:
        return None
    return _reference_keys().get((mapped.lookup, key))


@cache
def _reference_keys() -> dict[tuple[str, str], Reference]:
    """Return the reference data with a key of one column, by entity set and column of Dataverse."""
    return {
        (entry.dataverse_set, pair.dataverse): Reference(entry.finops_set, pair.finops, entry.company_specific == "yes")
        for entry in MAPS
        for pair in entry.integration_key
        if len(entry.integration_key) == 1 and entry.finops_set in _REFERENCE_DATA
    }


def _is_new(old: dict[str, Any] | None, name: str, value: Any) -> bool:
    return old is None or old.get(name) != value


def _check_references(tenant: Tenant, draft: Draft) -> None:
    old, new = draft.old, draft.new
    for name, (target, key, has_company) in references(draft.schema.set).items():
        value = new.get(name)
        if not value or not _is_new(old, name, value):
            continue
        company = {"dataAreaId": new.get("dataAreaId", "")} if has_company else {}
        if not tenant.rows.find("finops", draft.host, target, {key: value, **company}):
            text = f"The value '{value}' in field '{name}' is not found in the related table '{target}'."
            # Source: Microsoft Learn, Integration with Finance FAQ (Human Resources); dual-write-semantics.md 12.1
            raise RowError("invalid", text)
