"""Many rows of one kind: the section `generated_rows` of a seed document, played after `rows`.

    {"generated_rows": {"dataverse": {"<host>": {"accounts": {"count": 20000, "template": {
        "name": "Account {n}", "accountnumber": "A{n:6}", "_ownerid_value": {"teams": {"name": "Tailspin Europe"}}}}}}}}

In texts `{n}` is the row's number from 1 on, `{n:6}` the same in six digits; an object with one entity set stands for
the id of the only row of that set with these values.
"""

import re
from collections.abc import Mapping
from typing import Any

from emulator.core.seeds import SeedError
from emulator.data.schemas import Plane, UnknownTableError, table
from emulator.tables.keys import RowError
from emulator.tables.rows import Rows
from emulator.tables.seed import members, places
from emulator.tables.values import ValueRefusedError

SECTION = "generated_rows"
_NUMBER = re.compile(r"\{n(?::(\d+))?\}")


def play(rows: Rows, value: Any) -> None:
    """Insert the rows of a seed document; SeedError names plane, host and set of what does not fit."""
    for plane, host, entity_set, order in places(value, SECTION):
        where = f"{plane} {host} {entity_set}"
        template = members(members(order, SECTION, where).get("template"), SECTION, f"{where}.template")
        try:
            _insert(rows, plane, host, entity_set, order.get("count"), template)
        except (SeedError, RowError, UnknownTableError, ValueRefusedError) as error:
            msg = f"seed section {SECTION}: {where}: {error}"
            raise SeedError(msg) from None


def _insert(rows: Rows, plane: Plane, host: str, entity_set: str, count: Any, template: Mapping[str, Any]) -> None:
    if not isinstance(count, int):
        msg = "'count' is no number"
        raise SeedError(msg)
    whole = {name: _resolved(rows, plane, host, value) for name, value in template.items()}
    for number in range(1, count + 1):
        rows.insert(plane, host, entity_set, _numbered(whole, number), origin="seed")


def _resolved(rows: Rows, plane: Plane, host: str, value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if len(value) != 1 or not all(isinstance(equals, Mapping) for equals in value.values()):
        msg = f"{dict(value)} does not name one entity set and values of its columns"
        raise SeedError(msg)
    ((target, equals),) = value.items()
    found = rows.find(plane, host, target, equals)
    if len(found) != 1:
        msg = f"{len(found)} rows of {target} are {dict(equals)}"
        raise SeedError(msg)
    return found[0][table(plane, target).key[-1]]


def _numbered(template: Mapping[str, Any], number: int) -> dict[str, Any]:
    def replaced(found: re.Match[str]) -> str:
        return str(number).zfill(int(found[1] or 0))

    return {name: _NUMBER.sub(replaced, value) if isinstance(value, str) else value for name, value in template.items()}
