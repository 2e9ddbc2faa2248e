"""Rows that stand before anybody asks: the section `rows` of a seed document.

    {"rows": {"dataverse": {"<host>": {"accounts": [{...}]}}, "finops": {"<host>": {"CustomersV3": [{...}]}}}}

Values are those of stored rows (lookups as `_x_value`); sections are played in their order.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from emulator.core.seeds import SeedError
from emulator.data.schemas import Plane, UnknownTableError
from emulator.tables.keys import RowError
from emulator.tables.rows import Rows
from emulator.tables.values import ValueRefusedError

SECTION = "rows"


def play(rows: Rows, value: Any) -> None:
    """Insert the rows of a seed document; SeedError names plane, host and set of the first that does not fit."""
    for plane, host, entity_set, wanted in places(value, SECTION):
        _insert(rows, plane, host, entity_set, wanted)


def places(value: Any, section: str) -> Iterator[tuple[Plane, str, str, Any]]:
    """Yield plane, host, entity set and what the section says of it."""
    for plane, hosts in members(value, section, section).items():
        if plane not in {"dataverse", "finops"}:
            msg = f"seed section {section}: unknown plane '{plane}'"
            raise SeedError(msg)
        for host, sets in members(hosts, section, plane).items():
            for entity_set, content in members(sets, section, host).items():
                yield cast("Plane", plane), host, entity_set, content


def members(value: Any, section: str, where: str) -> Mapping[str, Any]:
    """Return a JSON object as it is; SeedError for anything else."""
    if not isinstance(value, Mapping):
        msg = f"seed section {section}: '{where}' is not an object"
        raise SeedError(msg)
    return value


def _insert(rows: Rows, plane: Plane, host: str, entity_set: str, wanted: Any) -> None:
    for number, row in enumerate(wanted):
        where = f"seed section {SECTION}: {plane} {host} {entity_set}[{number}]"
        try:
            rows.insert(plane, host, entity_set, members(row, SECTION, where), origin="seed")
        except (RowError, UnknownTableError, ValueRefusedError) as error:
            msg = f"{where}: {error}"
            raise SeedError(msg) from None
