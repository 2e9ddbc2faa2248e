"""Bodies of writes: columns by name, lookups by `<navigation property>@odata.bind` in its exact case.

Unknown members, wrong JSON types and lookups written as `_x_value` are refused; system columns are ignored, as the
Web API does with columns that are not valid for the operation.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from emulator.core.routing import NotModelledError
from emulator.core.wire import Call
from emulator.data.schemas import Table
from emulator.dataverse.addresses import find_row, missing, parse_address
from emulator.dataverse.errors import bad_payload, refuse, unknown_member, unknown_reference
from emulator.dataverse.organization import plain_host
from emulator.tables.values import ValueRefusedError, check
from emulator.tenant import Tenant

_BIND = "@odata.bind"


def body_of(call: Call, schema: Table) -> dict[str, Any]:
    """Return the JSON object of a request; ServiceError 400."""
    document = call.json_object()
    if document is None:
        # Documented: Microsoft Learn, Web service error codes: ODataClientPayloadError; OData JSON Format 4.0, Entity
        raise bad_payload(schema, "The payload is not a JSON object.")
    return document


def values_of(tenant: Tenant, call: Call, schema: Table, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row values that a body stands for."""
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name.endswith(_BIND):
            values |= _bound(tenant, call, schema, name.removesuffix(_BIND), value)
        elif "@" in name:
            continue
        else:
            values |= _plain(schema, name, value)
    return values


def _plain(schema: Table, name: str, value: Any) -> dict[str, Any]:
    navigation = schema.navigation(name)
    if navigation is not None:
        if value is None:
            return {navigation[0].property: None}
        msg = f"a deep insert of '{name}'"
        raise NotModelledError(msg)
    column = schema.property(name)
    if column is None:
        raise unknown_member(schema, name)
    if column.type == "lookup":
        text = "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."
        # Source: public reports of clients, such as "Import Error 0x80060888" of this text.
        raise refuse(400, "0x80060888", text)
    if column.system:
        return {}
    try:
        return {name: check(column, value)}
    except ValueRefusedError as error:
        # Source: mautic/mautic#4467 (the text); Microsoft Learn, Web service error codes: ODataClientPayloadError
        raise bad_payload(schema, str(error)) from None


def _bound(tenant: Tenant, call: Call, schema: Table, name: str, value: Any) -> dict[str, Any]:
    navigation = schema.navigation(name)
    if navigation is None:
        raise unknown_reference(schema, name)
    column, target = navigation
    if value is None:
        return {column.property: None}
    if not isinstance(value, str):
        # Documented: OData JSON Format 4.0, Bind Operation: the value is the id of an entity
        raise bad_payload(schema, f"The value of '{name}{_BIND}' is not an address.")
    address = parse_address(relative(value))
    fitting = (target, "teams") if name == "ownerid" else (target,)
    if address.schema.set not in fitting:
        text = f"A node of type '{address.schema.logical}' was found where one of '{target}' was expected."
        # Documented: OData JSON Format 4.0, Bind Operation: the entity is one of the property's type
        raise bad_payload(schema, text)
    row = find_row(tenant, plain_host(call.host), address)
    if row is None:
        raise missing(address)
    return {column.property: row[address.schema.key[0]]}


def relative(address: str) -> str:
    """Return an address below the service root, given as a whole URL, an absolute path or a relative one."""
    path = re.sub(r"^https?://[^/]+", "", address)
    return unquote(re.sub(r"^/?(api/data/v[\d.]+/)?", "", path))
