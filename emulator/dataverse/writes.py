"""POST, PATCH and DELETE of rows, and `$ref` of navigation properties (dual-write-semantics.md 12.2).

PATCH is an upsert unless `If-Match` or `If-None-Match` narrow it; key values of the URL give way to the body on create
and are ignored on update.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from emulator.core.routing import not_modelled
from emulator.core.wire import Call, Reply
from emulator.data.schemas import Table, table
from emulator.dataverse.addresses import Address, find_row, missing, parse_address
from emulator.dataverse.errors import (
    bad_payload,
    exists_already,
    of_row_error,
    of_sync_error,
    refuse,
    unknown_segment,
    version_mismatch,
)
from emulator.dataverse.organization import plain_host
from emulator.dataverse.payloads import body_of, relative, values_of
from emulator.dataverse.reads import ASSOCIATIONS, entity_id, representation, required_row
from emulator.tables import ETAG, RowError, SyncError
from emulator.tenant import Tenant

# Rows come and go here by `$ref`. What the tables do with rows that are written to them stands in no source.
_INTERSECTS = {"systemuserrolescollection", "teamrolescollection", "teammemberships"}


def create(tenant: Tenant, call: Call) -> Reply:
    """Answer a POST to a set, or to the `$ref` of a collection."""
    address = parse_address(call.parameters["resource"])
    if address.rest and address.rest[-1] == "$ref":
        return _associate(tenant, call, address)
    if address.rest:
        raise unknown_segment(address.rest[0], address.schema)
    if address.key is not None:
        # Source: dual-write-semantics.md 12.2
        raise refuse(405, "0x80060888", "The requested resource does not support http method 'POST'.")
    schema = address.schema
    values = values_of(tenant, call, schema, body_of(call, schema))
    return _created(tenant, call, address, values)


def _created(tenant: Tenant, call: Call, address: Address, values: dict[str, Any]) -> Reply:
    schema = address.schema
    _check_message(call, schema, "Create")
    with _refusals(schema):
        row = tenant.rows.insert("dataverse", plain_host(call.host), schema.set, values, caller=call.caller)
    return _written(tenant, call, address, row, 201)


def update(tenant: Tenant, call: Call) -> Reply:
    """Answer a PATCH of a row: update, or create it unless the headers forbid that."""
    address = parse_address(call.parameters["resource"])
    if address.rest:
        raise not_modelled("PATCH", call.path)
    if address.key is None:
        # Source: dual-write-semantics.md 12.2
        raise refuse(405, "0x80060888", "The requested resource does not support http method 'PATCH'.")
    values = values_of(tenant, call, address.schema, body_of(call, address.schema))
    row = find_row(tenant, plain_host(call.host), address)
    if row is not None:
        return _updated(tenant, call, address, row, values)
    if "if-match" in call.headers:
        raise missing(address)
    return _created(tenant, call, address, {**address.key, **values})


def _updated(tenant: Tenant, call: Call, address: Address, row: dict[str, Any], values: dict[str, Any]) -> Reply:
    schema = address.schema
    if call.headers.get("if-none-match") == "*":
        raise exists_already()
    _check_version(call, row)
    _check_message(call, schema, "Update")
    changes = {name: value for name, value in values.items() if name not in {*(address.key or ()), *schema.key}}
    with _refusals(schema):
        row = tenant.rows.update(
            "dataverse",
            plain_host(call.host),
            schema.set,
            row[schema.key[0]],
            changes,
            caller=call.caller,
            present=row,
        )
    return _written(tenant, call, address, row, 200)


def _written(tenant: Tenant, call: Call, address: Address, row: dict[str, Any], status: int) -> Reply:
    """Return the answer to a write: the row when the client prefers it (with `status`), else 204."""
    if _wants_representation(call):
        return representation(tenant, call, address.schema, row, status)
    return Reply(204, headers=_plain_headers(call, address, row))


@contextmanager
def _refusals(schema: Table) -> Iterator[None]:
    """Turn what the tables and the other side refuse into this service's answers."""
    try:
        yield
    except RowError as error:
        raise of_row_error(schema, error) from None
    except SyncError as error:
        raise of_sync_error(error) from None


def delete(tenant: Tenant, call: Call) -> Reply:
    """Answer a DELETE of a row, or of a `$ref`."""
    address = parse_address(call.parameters["resource"])
    if address.rest:
        return _disassociate(tenant, call, address)
    if address.key is None:
        # Source: dual-write-semantics.md 12.2
        raise refuse(405, "0x80060888", "The requested resource does not support http method 'DELETE'.")
    _check_message(call, address.schema, "Delete")
    row = required_row(tenant, call, address)
    _check_version(call, row)
    row_id = row[address.schema.key[0]]
    try:
        tenant.rows.delete("dataverse", plain_host(call.host), address.schema.set, row_id, caller=call.caller)
    except SyncError as error:
        raise of_sync_error(error) from None
    return Reply(204, headers={"OData-Version": "4.0"})


def refer(tenant: Tenant, call: Call) -> Reply:
    """Answer a PUT to the `$ref` of a lookup."""
    address = parse_address(call.parameters["resource"])
    if not address.rest or address.rest[-1] != "$ref":
        raise not_modelled("PUT", call.path)
    navigation = address.schema.navigation(address.rest[0])
    if navigation is None:
        raise unknown_segment(address.rest[0], address.schema)
    row = required_row(tenant, call, address)
    values = values_of(tenant, call, address.schema, {f"{address.rest[0]}@odata.bind": _reference(call, address)})
    row_id = row[address.schema.key[0]]
    tenant.rows.update("dataverse", plain_host(call.host), address.schema.set, row_id, values, caller=call.caller)
    return Reply(204)


def _reference(call: Call, address: Address) -> str:
    reference = body_of(call, address.schema).get("@odata.id")
    if not isinstance(reference, str):
        # Documented: OData JSON Format 4.0, Entity Reference
        raise bad_payload(address.schema, "The entity reference link lacks '@odata.id'.")
    return reference


def _associate(tenant: Tenant, call: Call, address: Address) -> Reply:
    name = address.rest[0]
    if (address.schema.set, name) not in ASSOCIATIONS:
        raise unknown_segment(name, address.schema)
    intersect, own, other, target = ASSOCIATIONS[address.schema.set, name]
    row = required_row(tenant, call, address)
    host = plain_host(call.host)
    referenced = parse_address(relative(_reference(call, address)))
    found = find_row(tenant, host, referenced)
    if referenced.schema.set != target or found is None:
        raise missing(referenced)
    values = {own: row[address.schema.key[0]], other: found[referenced.schema.key[0]]}
    _check_business_unit(row, found, target)
    if not tenant.rows.find("dataverse", host, intersect, values):
        tenant.rows.insert("dataverse", host, intersect, values, caller=call.caller)
    return Reply(204)


def _check_business_unit(row: dict[str, Any], role: dict[str, Any], target: str) -> None:
    """Refuse a role of another business unit than the user's or team's own (the classic model)."""
    principal = row.get("systemuserid", row.get("teamid"))
    own, other = row.get("_businessunitid_value"), role.get("_businessunitid_value")
    if target == "roles" and own != other:
        text = (
            "Cannot associate security role because the security role's Business Unit is not the same as the user's "
            f"Business Unit. Details: userid={principal}, userBU={own}, roleId={role['roleid']}, "
            f"roleBU={other}"
        )
        # Source: Microsoft Learn, Web service error codes: UserInWrongBusiness; clients report 400
        raise refuse(400, "0x80041409", text)


def _disassociate(tenant: Tenant, call: Call, address: Address) -> Reply:
    row = required_row(tenant, call, address)
    host, schema = plain_host(call.host), address.schema
    if address.rest[-1] != "$ref":
        raise not_modelled("DELETE", call.path)
    name, _, reference = address.rest[0].partition("(")
    navigation = schema.navigation(name)
    if navigation is not None:
        changes = {navigation[0].property: None}
        tenant.rows.update("dataverse", host, schema.set, row[schema.key[0]], changes, caller=call.caller)
        return Reply(204)
    if (schema.set, name) not in ASSOCIATIONS:
        raise unknown_segment(name, schema)
    intersect, own, other, _ = ASSOCIATIONS[schema.set, name]
    values = {own: row[schema.key[0]], other: reference.removesuffix(")").lower()}
    for link in tenant.rows.find("dataverse", host, intersect, values):
        tenant.rows.delete("dataverse", host, intersect, link[table("dataverse", intersect).key[0]], caller=call.caller)
    return Reply(204)


def _check_version(call: Call, row: dict[str, Any]) -> None:
    wanted = call.headers.get("if-match")
    if wanted is not None and wanted != "*" and wanted != row[ETAG]:
        raise version_mismatch()


def _wants_representation(call: Call) -> bool:
    return "return=representation" in call.headers.get("prefer", "").replace(" ", "")


def _plain_headers(call: Call, address: Address, row: dict[str, Any]) -> dict[str, str]:
    return {"OData-Version": "4.0", "OData-EntityId": entity_id(call, address.schema, row)}


def _check_message(call: Call, schema: Table, message: str) -> None:
    """Refuse what a table does not take: an organization is only read and updated."""
    if schema.set in _INTERSECTS or (schema.set, message) == ("organizations", "Update"):
        raise not_modelled(call.method, call.path)
    if schema.set == "organizations":
        text = f"The '{message}' method does not support entities of type '{schema.logical}'."
        # Documented: Microsoft Learn, Organization table reference, and error code SdkEntityDoesNotSupportMessage
        raise refuse(405, "0x80040800", text)
