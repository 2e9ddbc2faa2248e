"""Addresses of entities: `CustomersV3(dataAreaId='usmf',CustomerAccount='US-001')`; every key field is required."""

import re
from dataclasses import dataclass
from typing import Any

from emulator.core.wire import Call
from emulator.data.schemas import Table, UnknownTableError, table
from emulator.finance_operations.errors import no_route, unknown_set
from emulator.tables.addresses import closing, split_set, unquoted
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
        raise no_route(call.url)
    key = _key(schema, rest[1:end])
    if key is None:
        raise no_route(call.url)
    return Address(schema, key, rest[end + 1 :].strip("/"))


def _key(schema: Table, text: str) -> dict[str, Any] | None:
    """Return the values of the key properties, None unless each has one that fits it."""
    parts = dict(_PART.findall(text))
    if not parts and len(schema.key) == 1:
        parts = {schema.key[0]: text}
    if set(parts) != set(schema.key):
        return None
    try:
        return {name: coerce(schema.columns[name], _literal(literal)) for name, literal in parts.items()}
    except ValueRefusedError:
        return None


def _literal(text: str) -> str:
    """Return the text of a literal; an enum's carries its type."""
    return unquoted(re.sub(r"^Microsoft\.Dynamics\.DataEntities\.\w+(?=')", "", text.strip()))
