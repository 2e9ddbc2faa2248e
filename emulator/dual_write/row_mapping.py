"""One row of one side as the values of the other side: pure, what it must look up it asks a `Directory`.

Directions, value maps, defaults and dotted lookup paths are those of dual-write-semantics.md 7.4. Assumed: empty text
of F&O is "no value" in Dataverse, and an F&O value that a value map does not list is passed on as it stands.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from emulator.data.maps import Field, Map
from emulator.data.schemas import Plane, table

TO_DATAVERSE = frozenset({1, 3})
TO_FINOPS = frozenset({2, 3})


class LookupMissingError(Exception):
    """A lookup's row is not there; the text is the one that dual-write shows (dual-write-semantics.md 11.5)."""

    def __init__(self, path: str, value: str, target: str, url: str) -> None:
        """`path`: the field; `target`: the entity set in which `value` is missing; `url`: where it was looked for."""
        super().__init__(
            f"Couldn't resolve the guid for the field: {path}. The lookup value was not found: {value}. "
            f"Try this URL(s) to check if the reference data exists: {url}"
        )
        self.target = target


class Directory(Protocol):
    """Dataverse rows by key and by id."""

    def find(self, entity_set: str, equals: Mapping[str, Any]) -> str | None:
        """Return the id of the row whose properties equal these, for a company table in the company at hand."""

    def row(self, entity_set: str, row_id: str) -> Mapping[str, Any] | None:
        """Return a row by its id."""

    def url(self, entity_set: str) -> str:
        """Return the address of a set, for messages."""


def flows(mapped: Map, source: Plane) -> bool:
    """Return whether rows of this side reach the other one: some column goes that way."""
    return any(_source_property(mapped, field, source) for field in _fields(mapped, source))


def source_properties(mapped: Map, source: Plane) -> frozenset[str]:
    """Return the properties of the source row that are mapped towards the other side, the company left out."""
    names = (_source_property(mapped, field, source) for field in _fields(mapped, source))
    return frozenset(name for name in names if name)


def lookups(mapped: Map, source: Plane) -> list[str]:
    """Return the Dataverse lookups that a map needs when rows of this side are sent, the company left out.

    A lookup that several fields resolve together counts once, a polymorphic one too (it is one column).
    """
    fields = (field for field in _fields(mapped, source) if field.lookup and field.dataverse)
    return list(dict.fromkeys((field.dataverse or "").partition(".")[0] for field in fields))


def is_company_specific(mapped: Map) -> bool:
    """Return whether only rows of a linked company flow (dual-write-semantics.md 5.1)."""
    return mapped.company_column is not None


def to_dataverse(
    mapped: Map, row: Mapping[str, Any], directory: Directory, changes: Collection[str] | None = None
) -> dict[str, Any]:
    """Return the Dataverse values of an F&O row, the company left out.

    `changes`: the F&O properties to send; None sends all, defaults included.

    Raises:
        LookupMissingError: a referenced row is not in Dataverse.
    """
    values: dict[str, Any] = {}
    for column, group in _by_column(_fields(mapped, "finops")).items():
        if changes is not None and not any(field.finops in changes for field in group):
            continue
        values[_property(mapped.dataverse_set, column)] = _dataverse_value(
            mapped.dataverse_set, column, group, row, directory
        )
    return values


def to_finops(
    mapped: Map, row: Mapping[str, Any], directory: Directory, changes: Collection[str] | None = None
) -> dict[str, Any]:
    """Return the F&O values of a Dataverse row, the company left out; `changes` as for `to_dataverse`."""
    values: dict[str, Any] = {}
    for field in _fields(mapped, "dataverse"):
        if field.finops is None:
            continue
        if changes is None or _source_property(mapped, field, "dataverse") in changes:
            values[field.finops] = _backward(mapped, field, row, directory)
    return values


def _backward(mapped: Map, field: Field, row: Mapping[str, Any], directory: Directory) -> Any:
    value = None if field.dataverse is None else follow(mapped.dataverse_set, field.dataverse, row, directory)
    value = _mapped_back(field, value)
    return field.default if value is None else value


def dataverse_key(mapped: Map, row: Mapping[str, Any], directory: Directory) -> dict[str, Any]:
    """Return the integration key of an F&O row as Dataverse properties, the company left out.

    Raises:
        LookupMissingError: a referenced row of the key is not in Dataverse.
    """
    fields = [_key_field(mapped, pair.finops, pair.dataverse) for pair in mapped.integration_key]
    return {
        _property(mapped.dataverse_set, column): _dataverse_value(mapped.dataverse_set, column, group, row, directory)
        for column, group in _by_column(fields).items()
    }


def finops_key(mapped: Map, row: Mapping[str, Any], directory: Directory) -> dict[str, Any]:
    """Return the integration key of a Dataverse row as F&O properties, the company left out."""
    return {
        pair.finops: _mapped_back(
            _key_field(mapped, pair.finops, pair.dataverse),
            follow(mapped.dataverse_set, pair.dataverse, row, directory),
        )
        for pair in mapped.integration_key
    }


def follow(entity_set: str, path: str, row: Mapping[str, Any], directory: Directory) -> Any:
    """Return the value at the end of a dotted path, None when a lookup on the way is empty."""
    column, _, rest = path.partition(".")
    value = row.get(_property(entity_set, column))
    if not rest or value is None:
        return value
    target = _target(entity_set, column)
    found = directory.row(target, str(value))
    return None if found is None else follow(target, rest, found, directory)


def _fields(mapped: Map, source: Plane) -> list[Field]:
    directions = TO_DATAVERSE if source == "finops" else TO_FINOPS
    return [field for field in mapped.fields if field.direction in directions]


def _source_property(mapped: Map, field: Field, source: Plane) -> str | None:
    if source == "finops":
        return field.finops
    return _property(mapped.dataverse_set, field.dataverse.split(".")[0]) if field.dataverse else None


def _key_field(mapped: Map, finops: str, dataverse: str) -> Field:
    found = (field for field in mapped.fields if (field.finops, field.dataverse) == (finops, dataverse))
    return next(found, Field(finops, dataverse, 3))


def _by_column(fields: Iterable[Field]) -> dict[str, list[Field]]:
    """Group fields by their Dataverse column: a lookup may be resolved by several of them together."""
    groups: dict[str, list[Field]] = {}
    for field in fields:
        if field.dataverse is not None:
            groups.setdefault(field.dataverse.split(".")[0], []).append(field)
    return groups


def _dataverse_value(
    entity_set: str, column: str, group: list[Field], row: Mapping[str, Any], directory: Directory
) -> Any:
    wanted = {(field.dataverse or "").partition(".")[2]: _forward(field, row) for field in group}
    if "" in wanted:
        return wanted[""]
    if all(value is None for value in wanted.values()):
        return None
    return _resolve(_target(entity_set, column), wanted, column, directory)


def _resolve(entity_set: str, wanted: Mapping[str, Any], shown: str, directory: Directory) -> str:
    """Return the id of the row at whose paths these values stand."""
    nested: dict[str, dict[str, Any]] = {}
    for path, value in wanted.items():
        column, _, rest = path.partition(".")
        nested.setdefault(column, {})[rest] = value
    equals = {}
    for column, inner in nested.items():
        plain = "" in inner
        value = inner[""] if plain else _resolve(_target(entity_set, column), inner, f"{shown}.{column}", directory)
        equals[_property(entity_set, column)] = value
    row_id = directory.find(entity_set, equals)
    if row_id is None:
        raise _missing(entity_set, wanted, shown, directory)
    return row_id


def _missing(entity_set: str, wanted: Mapping[str, Any], shown: str, directory: Directory) -> LookupMissingError:
    value = ", ".join(str(value) for value in wanted.values())
    query = " and ".join(f"{path} eq '{value}'" for path, value in wanted.items())
    url = f"{directory.url(entity_set)}?$select={','.join(wanted)}&$filter={query}"
    return LookupMissingError(f"{shown}.{next(iter(wanted))}", value, entity_set, url)


def _forward(field: Field, row: Mapping[str, Any]) -> Any:
    value = row.get(field.finops) if field.finops else None
    if value is None or value == "":
        return field.default
    if field.value_map is None:
        return value
    listed = {finops.casefold(): dataverse for finops, dataverse in field.value_map.items()}
    value = listed.get(str(value).casefold(), value)
    return field.default if value is None else value


def _mapped_back(field: Field, value: Any) -> Any:
    if value is None or field.value_map is None:
        return value
    listed = {dataverse.casefold(): finops for finops, dataverse in field.value_map.items()}
    return listed.get(str(value).casefold(), value)


def _target(entity_set: str, column: str) -> str:
    return table("dataverse", entity_set).columns[column].targets[0]


def _property(entity_set: str, column: str) -> str:
    return table("dataverse", entity_set).columns[column].property
