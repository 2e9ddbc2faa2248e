"""Addresses of entities: `CustomersV3(dataAreaId='usmf',CustomerAccount='US-001')`; every key field is required."""

import re
from dataclasses import dataclass
from typing import Any

from emulator.core.wire import Call
from emulator.data.schemas import Table, UnknownTableError, table
from emulator.finance_operations.errors import bad_request, unknown_set
from emulator.tables.addresses import SYNTAX_ERROR, closing, split_set, unquoted
from emulator.tables.values import ValueRefusedError, coerce

_PART = re.compile(r"(\w+)\s*=\s*((?:Microsoft\.Dynamics\.DataEntities\.\w+)?'(?:[^']|'')*'|[^,']+)\s*(?:,|$)")


@dataclass(frozen=True)
class Address:
    """One resource path: a set, or one entity of it."""

    schema: Table
    key: dict[str, Any] | None
    rest: str


def parse_address(call: Call) -> Address:
    """Return the parts of a path below `/data/`; ServiceError when the set is unknown or the key incomplete."""
    set_name, rest = split_set(call.parameters["resource"])
    try:
        schema = table("finops", set_name)
    except UnknownTableError:
        raise unknown_set(call.url, set_name) from None
    if not rest.startswith("("):
        return Address(schema, None, rest.strip("/"))
    end = closing(rest)
    if end is None:
        raise bad_request(SYNTAX_ERROR)
    return Address(schema, _key(schema, rest[1:end]), rest[end + 1 :].strip("/"))


def _key(schema: Table, text: str) -> dict[str, Any]:
    parts = dict(_PART.findall(text))
    if not parts and len(schema.key) == 1:
        parts = {schema.key[0]: text}
    if set(parts) != set(schema.key):
        names = ", ".join(schema.key)
        msg = f"The number of keys specified in the URI does not match number of key properties ({names})."
        raise bad_request(msg)
    return {name: _key_value(schema, name, literal) for name, literal in parts.items()}


def _key_value(schema: Table, name: str, literal: str) -> Any:
    column = schema.property(name)
    if column is None:
        raise bad_request(f"'{name}' is no key property.")
    try:
        return coerce(column, _literal(literal))
    except ValueRefusedError as error:
        raise bad_request(str(error)) from None


def _literal(text: str) -> str:
    """Return the text of a literal; an enum's carries its type."""
    return unquoted(re.sub(r"^Microsoft\.Dynamics\.DataEntities\.\w+(?=')", "", text.strip()))
