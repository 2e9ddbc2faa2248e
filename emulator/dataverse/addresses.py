"""Addresses of rows: `accounts(<guid>)`, `accounts(accountnumber='A',_msdyn_company_value=<guid>)/...`."""

import re
from dataclasses import dataclass
from typing import Any

from emulator.core.wire import ServiceError
from emulator.data.schemas import Table, UnknownTableError, table
from emulator.dataverse.errors import bad_key, bad_query, no_row, no_row_by_key, unknown_segment
from emulator.tables.addresses import SYNTAX_ERROR, closing, split_set, unquoted
from emulator.tables.values import ValueRefusedError, coerce, is_guid
from emulator.tenant import Tenant

_PART = re.compile(r"(\w+)\s*=\s*('(?:[^']|'')*'|[^,']+)\s*(?:,|$)")


@dataclass(frozen=True)
class Address:
    """One resource path. `key`: {primary id: guid}, the values of an alternate key, or None for the whole set."""

    schema: Table
    key: dict[str, Any] | None
    rest: tuple[str, ...]

    @property
    def by_id(self) -> bool:
        """Return whether the key is the primary one."""
        return self.key is not None and set(self.key) == set(self.schema.key)


def parse_address(path: str) -> Address:
    """Return the parts of a path below the service root; ServiceError when a part is unknown or malformed."""
    set_name, rest = split_set(path)
    try:
        schema = table("dataverse", set_name)
    except UnknownTableError:
        raise unknown_segment(set_name or path) from None
    key = None
    if rest.startswith("("):
        end = closing(rest)
        if end is None:
            # Documented: OData 4.0 Part 2, Addressing Entities; the text is that of OData WebApi
            raise bad_query(SYNTAX_ERROR)
        key = _key(schema, rest[1:end])
        rest = rest[end + 1 :]
    return Address(schema, key, tuple(part for part in rest.split("/") if part))


def _key(schema: Table, text: str) -> dict[str, Any]:
    text = text.strip()
    if is_guid(text):
        return {schema.key[0]: text.lower()}
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text).strip():
        raise bad_key(schema)
    values = {name: _key_value(schema, name, literal) for name, literal in parts}
    alternate = [set(columns) for label, columns in schema.keys.items() if not label.startswith("unique ")]
    if set(values) not in [set(schema.key), *alternate]:
        raise bad_key(schema)
    return values


def _key_value(schema: Table, name: str, literal: str) -> Any:
    column = schema.property(name)
    if column is None:
        raise bad_key(schema)
    try:
        return coerce(column, unquoted(literal))
    except ValueRefusedError as error:
        # Documented: OData 4.0 Part 2, Canonical URL: key values are literals of the key's types
        raise bad_query(str(error)) from None


def find_row(tenant: Tenant, host: str, address: Address) -> dict[str, Any] | None:
    """Return the row that an address with a key names, or None."""
    if address.key is not None and address.by_id:
        return tenant.rows.get("dataverse", host, address.schema.set, address.key[address.schema.key[0]])
    rows = tenant.rows.find("dataverse", host, address.schema.set, address.key or {})
    return rows[0] if rows else None


def missing(address: Address) -> ServiceError:
    """Return the 404 for an address with a key behind which no row is."""
    if address.by_id:
        return no_row(address.schema, str((address.key or {})[address.schema.key[0]]))
    return no_row_by_key(address.schema)
