"""The 213 standard dual-write maps: typed view of maps.json.

Names, areas and dependencies are those of the public lists (dual-write-semantics.md, MAPREF and SEPSOL); 78 maps carry
their fields as the public mapping reference lists them (`complete` is False where only the usual fields were taken
over), the others a generic schema of key, name and description, marked so. Spelling of OData names is assumed.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

FieldType = Literal["string", "integer", "decimal", "boolean", "datetime", "option", "enum", "lookup"]


@dataclass(frozen=True)
class Field:
    """One column mapping.

    `finops`: property of the F&O OData entity, None when only a default is written to Dataverse.
    `dataverse`: column, or dotted path to the key of the looked-up table ("msdyn_paymenttermid.msdyn_name"), None when
    only a default is written to F&O. `direction`: 1 F&O to Dataverse, 2 the reverse, 3 both
    (dual-write-management-api.md 5.6). `lookup`: entity set the first part of a dotted path points to.
    `value_map`: F&O value to Dataverse value, both as text; F&O values are compared without regard to case.
    """

    finops: str | None
    dataverse: str | None
    direction: int
    type: FieldType = "string"
    lookup: str | None = None
    value_map: dict[str, str] | None = None
    default: str | None = None
    members: tuple[str, ...] = ()
    evidence: str = "Dual-write mapping reference"

    @property
    def source(self) -> str:
        """Return the F&O field as the maps spell it: upper case; `none` for a default."""
        return self.finops.upper() if self.finops else "none"


@dataclass(frozen=True)
class KeyPair:
    """One column of the integration key on both sides."""

    finops: str
    dataverse: str


@dataclass(frozen=True)
class Map:
    """One standard map.

    `name`: "<Dataverse table> - <F&O entity>". `company_column`: the Dataverse lookup that carries the company, None
    for a global map. `integration_key` leaves the company out; `key_paths` has it. `finops_key`: key of the OData set,
    without dataAreaId. `depends_on`: names of maps.
    """

    name: str
    areas: tuple[str, ...]
    modelled: Literal["fields", "generic"]
    finops_entity: str
    finops_set: str
    finops_key: tuple[str, ...]
    dataverse_set: str
    integration_key: tuple[KeyPair, ...]
    company_column: str | None
    company_specific: Literal["yes", "no", "unknown"]
    finops_mandatory: tuple[str, ...]
    finops_filter: str
    dataverse_filter: str
    complete: bool
    evidence: str
    depends_on: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def key_paths(self) -> tuple[str, ...]:
        """Return the integration key as Dataverse shows it, the company path last."""
        company = (f"{self.company_column}.cdm_companycode",) if self.company_column else ()
        return tuple(pair.dataverse for pair in self.integration_key) + company


def _field(document: dict[str, Any]) -> Field:
    return Field(**{**document, "members": tuple(document.get("members", ()))})


def _map(document: dict[str, Any]) -> Map:
    lists = {name: tuple(value) for name, value in document.items() if isinstance(value, list)}
    return Map(
        **{
            **document,
            **lists,
            "integration_key": tuple(KeyPair(**pair) for pair in document["integration_key"]),
            "fields": tuple(_field(field) for field in document["fields"]),
        }
    )


def _load() -> tuple[Map, ...]:
    text = files("emulator.data").joinpath("maps.json").read_text(encoding="utf-8")
    return tuple(_map(document) for document in json.loads(text))


MAPS = _load()


@cache
def _by_name() -> dict[str, Map]:
    return {entry.name: entry for entry in MAPS}


def map_by_name(name: str) -> Map | None:
    """Return the standard map of this name, or None."""
    return _by_name().get(name)
