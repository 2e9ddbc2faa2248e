"""What identifies rows: where they are kept, their ids and keys, and conditions on their values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from emulator.data.schemas import Plane, Table


@dataclass(frozen=True)
class Condition:
    """A WHERE clause over the alias `r` of `rows`, with its parameters."""

    sql: str = "1"
    parameters: tuple[Any, ...] = ()


class RowError(Exception):
    """A write or look-up that the tables refuse.

    `kind` is missing, duplicate, unknown-column, incomplete, too-long, outside-choice, invalid where a plane refuses
    for a reason of its own, or not-modelled where no source tells whether it refuses.
    """

    def __init__(self, kind: str, text: str, columns: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.kind = kind
        self.columns = tuple(columns)


@lru_cache(maxsize=4096)
def space_of(plane: Plane, host: str, table_name: str) -> int:
    """Return the number under which the rows of one table of one instance are kept."""
    digest = blake2b(f"{plane}/{host}/{table_name}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big")


def row_id_of(schema: Table, values: Mapping[str, Any]) -> str:
    """Return a row's id: the GUID in Dataverse, the key values joined by `|` in F&O; RowError incomplete."""
    missing = [name for name in schema.key if values.get(name) in {None, ""}]
    if missing:
        raise RowError("incomplete", f"'{schema.set}' needs a value for {', '.join(missing)}.", missing)
    return "|".join(str(values[name]) for name in schema.key).casefold()


def key_value(columns: Sequence[str], values: Mapping[str, Any]) -> str | None:
    """Return the text under which an alternate key is unique; None when a part is empty, as that is not enforced."""
    parts = [values.get(name) for name in columns]
    if any(part is None or part == "" for part in parts):
        return None
    return "\x1f".join(str(part).casefold() for part in parts)


def equality(schema: Table, equals: Mapping[str, Any]) -> Condition:
    """Return the condition that the properties equal these values."""
    parts, parameters = [], []
    for name, value in equals.items():
        if name == schema.company:
            parts.append("r.company IS ?")
            parameters.append(value.casefold() if isinstance(value, str) else value)
        else:
            parts.append("json_extract(r.data, ?) IS ? COLLATE NOCASE")
            parameters += [json_path(name), value]
    return Condition(" AND ".join(parts) or "1", tuple(parameters))


def json_path(name: str) -> str:
    """Return the SQLite JSON path of a property."""
    return f'$."{name}"'
