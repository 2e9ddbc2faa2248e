"""Values of columns: what a column takes, strictly for clients, leniently for the emulator's own writers."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from emulator.data.schemas import Column, Table

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0"}
# The types of both planes' `$metadata`; all others are text.
_EDM = {
    "integer": "Edm.Int32",
    "option": "Edm.Int32",
    "decimal": "Edm.Decimal",
    "boolean": "Edm.Boolean",
    "datetime": "Edm.DateTimeOffset",
    "guid": "Edm.Guid",
    "lookup": "Edm.Guid",
}
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "memo": (str,),
    "enum": (str,),
    "guid": (str,),
    "lookup": (str,),
    "datetime": (str,),
    "integer": (int,),
    "option": (int,),
    "decimal": (int, float),
    "boolean": (bool,),
}


def edm_type(column: Column) -> str:
    """Return the type that a column has in OData (simplified: enumerations of F&O are text)."""
    return _EDM.get(column.type, "Edm.String")


class ValueRefusedError(Exception):
    """A value does not fit its column; the text says which and why."""

    def __init__(self, column: Column, value: Any) -> None:
        super().__init__(f"Cannot convert the literal '{value}' to the expected type '{edm_type(column)}'.")
        self.column = column
        self.value = value


def is_guid(text: str) -> bool:
    """Return whether the text is a GUID as OData writes it."""
    return _GUID.fullmatch(text) is not None


def check(column: Column, value: Any) -> Any:
    """Return the value of a client as it is stored; ValueRefusedError when its JSON type is wrong."""
    if value is None:
        return None
    kinds = _KINDS[column.type]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ValueRefusedError(column, value)
    return _stored(column, value)


def _boolean(column: Column, value: Any) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueRefusedError(column, value)
    return text in _TRUE


def coerce(column: Column, value: Any) -> Any:
    """Return the value as it is stored, reading text as the column's type ("True", "3", "1.5")."""
    if value is None or (value == "" and column.type not in {"string", "memo", "enum"}):
        return None
    if column.type == "boolean":
        return _boolean(column, value)
    try:
        if column.type in {"integer", "option"}:
            return int(value)
        if column.type == "decimal":
            return _number(value)
    except (ValueError, ArithmeticError):
        raise ValueRefusedError(column, value) from None
    return _stored(column, str(value))


def coerce_all(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Coerce every value; KeyError for a property that the table does not have."""
    result = {}
    for name, value in values.items():
        if name.startswith("@"):
            continue
        column = table.property(name)
        if column is None:
            raise KeyError(name)
        result[name] = coerce(column, value)
    return result


def _stored(column: Column, value: Any) -> Any:
    if column.type in {"guid", "lookup"}:
        if not is_guid(value):
            raise ValueRefusedError(column, value)
        return value.lower()
    if column.type == "datetime":
        return _moment(column, value)
    if column.type == "enum":
        return _member(column, value)
    if column.type == "decimal":
        return _number(value)
    return value


def _number(value: Any) -> int | float:
    number = Decimal(str(value))
    return int(number) if number == number.to_integral_value() else float(number)


def _moment(column: Column, value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueRefusedError(column, value) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _member(column: Column, value: str) -> str:
    wanted = value.casefold()
    for member in column.members:
        if member.casefold() == wanted:
            return member
    raise ValueRefusedError(column, value)


def same_text(left: Any, right: Any) -> bool:
    """Compare as both databases do: text without regard to case."""
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    return bool(left == right)


def new_guid(seed: str) -> str:
    """Return the GUID that stands for `seed`, always the same one."""
    digest = hashlib.sha256(seed.encode()).digest()[:16]
    return str(UUID(bytes=digest, version=4))
