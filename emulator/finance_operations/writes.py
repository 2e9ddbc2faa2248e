"""POST, PATCH, PUT and DELETE of entities (dual-write-semantics.md 12.1).

POST writes into the company of `dataAreaId`, else into the caller's own. ETags are honoured (inferred there).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from emulator.core.routing import not_modelled
from emulator.core.wire import Call, Reply
from emulator.data.schemas import Table, tables
from emulator.finance_operations.addresses import parse_address
from emulator.finance_operations.errors import (
    bad_request,
    of_row_error,
    of_sync_error,
    refuse,
    unknown_property,
)
from emulator.finance_operations.reads import entity_reply, own_company, required_row
from emulator.tables import ETAG, Condition, RowError, SyncError
from emulator.tables.keys import row_id_of
from emulator.tables.values import ValueRefusedError, check, same_text
from emulator.tenant import Tenant


@contextmanager
def _refused_as_odata(schema: Table, call: Call) -> Iterator[None]:
    """What the rows refuse inside becomes the answer of the service."""
    try:
        yield
    except RowError as error:
        raise of_row_error(schema, error, call) from None
    except SyncError as error:
        raise of_sync_error(schema, error) from None


def create(tenant: Tenant, call: Call) -> Reply:
    """Answer a POST to an entity set."""
    address = parse_address(call)
    if address.key is not None or address.rest:
        raise not_modelled("POST", call.path)
    schema = address.schema
    values = _values(schema, call)
    if schema.company is not None and not values.get(schema.company):
        values[schema.company] = own_company(tenant, call)
    with _refused_as_odata(schema, call):
        row = tenant.rows.insert("finops", call.host, schema.set, values, caller=call.caller)
    return entity_reply(call, schema, row, 201)


def update(tenant: Tenant, call: Call) -> Reply:
    """Answer a PATCH or PUT of an entity."""
    address = parse_address(call)
    schema = address.schema
    if address.key is None or address.rest:
        raise not_modelled(call.method, call.path)
    row = required_row(tenant, call, address)
    _check_version(call, row)
    values = _values(schema, call)
    _check_key(call, schema, row, values)
    changes = {name: value for name, value in values.items() if name not in schema.key}
    with _refused_as_odata(schema, call):
        tenant.rows.update("finops", call.host, schema.set, row_id_of(schema, row), changes, caller=call.caller)
    return Reply(204, headers={"OData-Version": "4.0"})


def _check_key(call: Call, schema: Table, row: dict[str, Any], values: dict[str, Any]) -> None:
    """What F&O does with another value for a part of the key stands in no source."""
    for name in schema.key:
        if name in values and not same_text(values[name], row[name]):
            raise not_modelled(call.method, call.path, f"a change of the key property '{name}'")


def delete(tenant: Tenant, call: Call) -> Reply:
    """Answer a DELETE of an entity; what F&O does with the data of a company that is deleted stands in no source."""
    address = parse_address(call)
    schema = address.schema
    if address.key is None or address.rest:
        raise not_modelled("DELETE", call.path)
    row = required_row(tenant, call, address)
    _check_version(call, row)
    if schema.set == "LegalEntities" and _has_data(tenant, call, str(row["LegalEntityId"])):
        raise not_modelled("DELETE", call.path, "a company that contains data")
    try:
        tenant.rows.delete("finops", call.host, schema.set, row_id_of(schema, row), caller=call.caller)
    except SyncError as error:
        raise of_sync_error(schema, error) from None
    return Reply(204, headers={"OData-Version": "4.0"})


def _has_data(tenant: Tenant, call: Call, company: str) -> bool:
    in_company = Condition("r.company = ?", (company.lower(),))
    sets = (name for name, schema in tables("finops").items() if schema.company is not None)
    return any(tenant.rows.count("finops", call.host, name, in_company, limit=1) for name in sets)


def _check_version(call: Call, row: dict[str, Any]) -> None:
    wanted = call.headers.get("if-match")
    if wanted not in {None, "*", row[ETAG]}:
        text = "The record has been changed by another user."
        # Documented: OData 4.0 Part 1, Use of ETags for Avoiding Update Conflicts
        raise refuse(412, text)


def _values(schema: Table, call: Call) -> dict[str, Any]:
    document = call.json_object()
    if document is None:
        msg = "The payload is not a JSON object."
        # Documented: OData JSON Format 4.0, Entity
        raise bad_request(msg)
    values = {}
    for name, value in document.items():
        if "@" not in name:
            values[name] = _checked(schema, name, value)
    return values


def _checked(schema: Table, name: str, value: Any) -> Any:
    column = schema.property(name)
    if column is None:
        raise unknown_property(schema, name)
    try:
        return check(column, value)
    except ValueRefusedError as error:
        # Documented: dual-write-semantics.md 11.5 (the text, as an initial sync gave it)
        raise bad_request(str(error)) from None
