"""Building OData text safely: literals, conditions and key segments; nothing else may be put together by hand."""

from collections.abc import Iterable, Mapping
from urllib.parse import quote
from uuid import UUID

# Such characters in an alternate key break GET and PATCH by key (dual-write-semantics.md 12.2).
FORBIDDEN_IN_KEYS = frozenset("/<>*%&:\\?+")


def literal(value: str | int | bool | UUID | None) -> str:
    """An OData literal: text quoted with doubled apostrophes, GUIDs (as `UUID`) bare."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)


def equal(column: str, value: str | int | bool | UUID | None) -> str:
    """The condition `column eq value`."""
    return f"{column} eq {literal(value)}"


def any_of(conditions: Iterable[str]) -> str:
    """The conditions joined with `or`, in brackets where there are several."""
    found = list(conditions)
    return found[0] if len(found) == 1 else "(" + " or ".join(found) + ")"


def all_of(conditions: Iterable[str]) -> str:
    """The conditions joined with `and`."""
    return " and ".join(conditions)


def is_guid(text: str) -> bool:
    """Whether `text` is a GUID with dashes."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def key_segment(key: str | Mapping[str, str | int | bool]) -> str:
    """The URL part behind a set: `(guid)`, or `(a='x',b=1)` for named key columns, percent-encoded."""
    if isinstance(key, str):
        return f"({key})" if is_guid(key) else f"({quote(literal(key), safe='')})"
    return "(" + ",".join(f"{name}={_key_value(name, value)}" for name, value in key.items()) + ")"


def usable_in_key(key: str | Mapping[str, str | int | bool]) -> bool:
    """Whether Dataverse takes this key in a URL."""
    values = key.values() if isinstance(key, Mapping) else ()
    return not any(isinstance(value, str) and FORBIDDEN_IN_KEYS & set(value) for value in values)


def _key_value(column: str, value: str | int | bool) -> str:
    is_lookup = column.startswith("_") and column.endswith("_value")
    return str(value) if is_lookup else quote(literal(value), safe="'")
