"""The tables of both planes: the columns and keys of base_tables.json and of the standard maps together.

Assumed, as no public source lists them: the generic tables, the alternate keys (one per map, from its integration
key), the case of navigation properties beyond the few that public code shows, and types where a map gives no hint.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from emulator.data.maps import MAPS, Field, Map

Plane = Literal["dataverse", "finops"]


@dataclass(frozen=True)
class Column:
    """One column. `type`: string, memo, integer, decimal, boolean, datetime, option, guid, lookup or enum.

    `targets`: entity sets a lookup may point to. `navigation`: the lookup's navigation property in its exact case.
    `members`: values of an F&O enum. `system`: clients cannot write it. `longest`: characters of a text; `choices`:
    values of a choice, none where no source lists them. `default`: what a new row has.
    """

    name: str
    type: str
    targets: tuple[str, ...] = ()
    navigation: str = ""
    members: tuple[str, ...] = ()
    system: bool = False
    longest: int | None = None
    choices: tuple[int, ...] = ()
    default: int | bool | None = None

    @property
    def property(self) -> str:
        """Return the name under which rows hold the value: `_x_value` for a lookup."""
        return f"_{self.name}_value" if self.type == "lookup" else self.name


@dataclass
class Table:
    """One table: entity set, entity type and logical name, key and columns.

    `company`: property that holds the company (`_msdyn_company_value`, `dataAreaId`) or None for a global table.
    `keys`: properties of each alternate key, those called "unique ..." enforced but not published. `key`: properties
    of the primary key.
    """

    plane: Plane
    set: str
    logical: str
    key: tuple[str, ...]
    name: str
    company: str | None = None
    owned: bool = True
    mandatory: tuple[str, ...] = ()
    columns: dict[str, Column] = field(default_factory=dict)
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    evidence: str = "assumed"

    def __post_init__(self) -> None:
        self._properties = {column.property: column for column in self.columns.values()}
        self._navigations: dict[str, tuple[Column, str]] = {}
        for column in self.columns.values():
            self.index(column)

    def index(self, column: Column) -> None:
        """Add a column to the table."""
        self.columns[column.name] = column
        self._properties[column.property] = column
        if len(column.targets) == 1 or column.name == "ownerid":
            self._navigations[column.navigation] = (column, column.targets[0])
        else:
            for target in column.targets:
                self._navigations[f"{column.navigation}_{logical_name(target)}"] = (column, target)

    @property
    def listed_as(self) -> str:
        """Return the name under which lists of Microsoft's names have the table."""
        return self.logical if self.plane == "dataverse" else self.set

    def property(self, name: str) -> Column | None:
        """Return the column whose value rows hold under `name`."""
        return self._properties.get(name)

    def properties(self) -> list[str]:
        """Return the names under which rows hold values."""
        return list(self._properties)

    def navigation(self, name: str) -> tuple[Column, str] | None:
        """Return lookup column and target set of a navigation property in its exact case."""
        return self._navigations.get(name)

    def navigations(self) -> dict[str, tuple[Column, str]]:
        """Return all single-valued navigation properties."""
        return dict(self._navigations)


class UnknownTableError(Exception):
    """There is no such entity set."""


@cache
def _base() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files("emulator.data").joinpath("base_tables.json").read_text("utf-8"))
    return document


@cache
def _standard() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files("emulator.data").joinpath("standard_columns.json").read_text("utf-8"))
    return document


def logical_name(entity_set: str) -> str:
    """Return the logical name of a Dataverse entity set: listed exceptions, else the English singular."""
    base = _base()["dataverse"]
    listed = base["tables"].get(entity_set, {}).get("logical") or base["logical_names"].get(entity_set)
    if listed:
        return str(listed)
    if entity_set.endswith("ies"):
        return entity_set[:-3] + "y"
    return re.sub(r"(?<=ss|.x)es$|s$", "", entity_set)


_SYSTEM_COLUMNS = {
    "createdon": "datetime",
    "modifiedon": "datetime",
    "createdby": "lookup:systemusers",
    "modifiedby": "lookup:systemusers",
    "statecode": "option",
    "statuscode": "option",
    "versionnumber": "integer",
    "createdonbehalfby": "lookup:systemusers",
    "modifiedonbehalfby": "lookup:systemusers",
    "importsequencenumber": "integer",
    "overriddencreatedon": "datetime",
    "timezoneruleversionnumber": "integer",
    "utcconversiontimezonecode": "integer",
}
_OWNER_COLUMNS = {
    "ownerid": "lookup:systemusers|teams",
    "owningbusinessunit": "lookup:businessunits",
    "owningteam": "lookup:teams",
    "owninguser": "lookup:systemusers",
}
_CLIENTS_MAY_WRITE = {
    *("ownerid", "statecode", "statuscode"),
    *("importsequencenumber", "overriddencreatedon", "timezoneruleversionnumber", "utcconversiontimezonecode"),
}
# The most that any column of the kind takes; columns without a length of their own have this one (Microsoft Learn,
# "Types of columns").
_LONGEST = {"string": 4_000, "memo": 1_048_576}
_STANDARD_SPEC = re.compile(r"(\w+)(!?)(?:=(.+))?")


def _column(entity_set: str, name: str, spec: str, *, system: bool = False) -> Column:
    kind, _, rest = spec.partition(":")
    listed = tuple(rest.split("|")) if rest else ()
    if kind == "lookup":
        navigation = _base()["dataverse"]["navigation_names"].get(entity_set, {}).get(name, name)
        return Column(name, kind, targets=listed, navigation=navigation, system=system)
    return Column(name, kind, members=listed, system=system)


def _standard_column(name: str, spec: str) -> Column:
    """Return a column that every organization has; spec: see standard_columns.json."""
    kind, system, default = _STANDARD_SPEC.fullmatch(spec).groups()  # type: ignore[union-attr]
    value = None if default is None else default == "true" if kind == "boolean" else int(default)
    return Column(name, kind, system=bool(system), default=value)


def _bounded(logical: str, column: Column) -> Column:
    """Return the column with the bounds of its values."""
    longest = _standard()["lengths"].get(logical, {}).get(column.name) or _LONGEST.get(column.type)
    choices = _standard()["choices"].get(logical, {}).get(column.name, ()) if column.type == "option" else ()
    return replace(column, longest=longest, choices=tuple(choices))


def _dataverse_table(entity_set: str, maps: list[Map]) -> Table:
    base = _base()["dataverse"]["tables"].get(entity_set, {})
    logical = logical_name(entity_set)
    owned = base.get("owned", True)
    identifier = f"{logical}id"
    table = Table("dataverse", entity_set, logical, (identifier,), base.get("name", ""), owned=owned)
    table.index(Column(identifier, "guid"))
    for name, spec in base.get("columns", {}).items():
        table.index(_column(entity_set, name, spec))
    for mapped in (mapped for entry in maps for mapped in entry.fields):
        _add_dataverse_column(table, mapped)
    _add_company(table, maps)
    _add_system_columns(table)
    for column in list(table.columns.values()):
        table.index(_bounded(logical, column))
    _add_keys(table, base.get("keys", ()), maps)
    table.name = table.name or _primary_name(table)
    table.evidence = _evidence(maps)
    return table


def _add_system_columns(table: Table) -> None:
    columns = {**_SYSTEM_COLUMNS, **_OWNER_COLUMNS} if table.owned else _SYSTEM_COLUMNS
    for name, spec in columns.items():
        table.index(_column(table.set, name, spec, system=name not in _CLIENTS_MAY_WRITE))
    for name, spec in _standard()["columns"].get(table.set, {}).items():
        if name not in table.columns:
            table.index(_standard_column(name, spec))


def _add_company(table: Table, maps: list[Map]) -> None:
    company = next((entry.company_column for entry in maps if entry.company_column), None)
    if company:
        table.index(_column(table.set, company, "lookup:cdm_companies"))
        table.company = f"_{company}_value"


def _add_keys(table: Table, unique: Iterable[list[str]], maps: list[Map]) -> None:
    """Add the keys that are enforced only, then one alternate key for each map."""
    for columns in unique:
        table.keys[f"unique {' '.join(columns)}"] = tuple(_as_property(table, name) for name in columns)
    for entry in maps:
        names = tuple(dict.fromkeys(path.split(".")[0] for path in entry.key_paths))
        table.keys.setdefault(f"{'_'.join(names)}_key", tuple(_as_property(table, name) for name in names))


def _evidence(maps: list[Map]) -> str:
    return "Dual-write mapping reference" if any(entry.modelled == "fields" for entry in maps) else "assumed"


def _primary_name(table: Table) -> str:
    texts = [column.name for column in table.columns.values() if column.type == "string"]
    first_text = next(iter(texts), table.key[0])
    return next((name for name in texts if name.endswith("_name")), first_text)


def _as_property(table: Table, name: str) -> str:
    return table.columns[name].property


def _add_dataverse_column(table: Table, mapped: Field) -> None:
    if mapped.dataverse is None:
        return
    name = mapped.dataverse.split(".")[0]
    if name in table.columns or name in _SYSTEM_COLUMNS:
        return
    spec = f"lookup:{mapped.lookup}" if mapped.lookup else {"enum": "string"}.get(mapped.type, mapped.type)
    table.index(_column(table.set, name, spec))


def _finops_table(entity_set: str, maps: list[Map]) -> Table:
    base = _base()["finops"].get(entity_set, {})
    key = tuple(base.get("key") or maps[0].finops_key)
    company = "dataAreaId" if any(entry.company_specific == "yes" for entry in maps) else None
    type_name = base.get("type") or _type_name(entity_set)
    whole_key = (company, *key) if company else key
    table = Table("finops", entity_set, type_name, whole_key, key[0], company, owned=False)
    if company:
        table.index(Column(company, "string"))
    _add_finops_columns(table, base.get("columns", {}), maps)
    table.mandatory = _mandatory([*key, *base.get("mandatory", ())], maps)
    table.evidence = _evidence(maps)
    return table


def _add_finops_columns(table: Table, base: Mapping[str, str], maps: list[Map]) -> None:
    """Add the mapped columns, then those of base_tables.json that no map has."""
    for mapped in (mapped for entry in maps for mapped in entry.fields):
        _add_finops_column(table, mapped)
    for name, spec in base.items():
        if name not in table.columns:
            table.index(_column(table.set, name, spec))


def _mandatory(base: list[str], maps: list[Map]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*base, *(name for entry in maps for name in entry.finops_mandatory)]))


def _add_finops_column(table: Table, mapped: Field) -> None:
    if mapped.finops is None or mapped.finops in table.columns:
        return
    members = mapped.members or tuple(_member(value) for value in mapped.value_map or ())
    if members:
        table.index(Column(mapped.finops, "enum", members=members))
        return
    table.index(Column(mapped.finops, "string" if mapped.type == "lookup" else mapped.type))


def _member(value: str) -> str:
    """Return an enum member in the case of OData; the maps spell the first letter small."""
    return value[:1].upper() + value[1:]


def _type_name(entity_set: str) -> str:
    if entity_set.endswith("ies"):
        return entity_set[:-3] + "y"
    return re.sub(r"s(V\d+)?$", r"\1", entity_set)


@cache
def tables(plane: Plane) -> dict[str, Table]:
    """Return all tables of a plane by entity set."""
    is_dataverse = plane == "dataverse"
    sets: dict[str, list[Map]] = {name: [] for name in _base_sets(plane)}
    for entry in MAPS:
        sets.setdefault(entry.dataverse_set if is_dataverse else entry.finops_set, []).append(entry)
    build = _dataverse_table if is_dataverse else _finops_table
    return {name: build(name, maps) for name, maps in sets.items()}


def _base_sets(plane: Plane) -> list[str]:
    return list(_base()["dataverse"]["tables"] if plane == "dataverse" else _base()["finops"])


def table(plane: Plane, entity_set: str) -> Table:
    """Return the table of an entity set in its exact case; UnknownTableError when there is none."""
    found = tables(plane).get(entity_set)
    if found is None:
        msg = f"no entity set '{entity_set}'"
        raise UnknownTableError(msg)
    return found


@cache
def _by_logical() -> dict[str, Table]:
    return {entry.logical: entry for entry in tables("dataverse").values()}


def table_by_logical_name(logical: str) -> Table | None:
    """Return the Dataverse table of a logical name, or None."""
    return _by_logical().get(logical)
