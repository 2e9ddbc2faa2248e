"""Many rows of one kind: the section `generated_rows` of a seed document, played after `rows`.

    {"generated_rows": {"dataverse": {"<host>": {"accounts": {"count": 20000, "template": {
        "name": "Account {n}", "accountnumber": "A{n:6}", "_ownerid_value": {"teams": {"name": "Tailspin Europe"}}}}}}}}

In texts `{n}` is the row's number from 1 on, `{n:6}` the same in six digits; an object with one entity set stands for
the id of the only row of that set with these values.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from emulator.data.schemas import Plane, UnknownTableError, table
from emulator.seed import SeedError
from emulator.tables.keys import RowError
from emulator.tables.values import ValueRefusedError

if TYPE_CHECKING:
    from emulator.tenant import Tenant

SECTION = "generated_rows"
_NUMBER = re.compile(r"\{n(?::(\d+))?\}")


def play(tenant: "Tenant", value: Any) -> None:
    """Insert the rows of a seed document; SeedError names plane, host and set of what does not fit."""
    for plane, hosts in _members(value, SECTION).items():
        if plane not in {"dataverse", "finops"}:
            msg = f"seed section {SECTION}: unknown plane '{plane}'"
            raise SeedError(msg)
        for host, sets in _members(hosts, plane).items():
            for entity_set, order in _members(sets, host).items():
                _insert(tenant, cast("Plane", plane), host, entity_set, _members(order, entity_set))


def _insert(tenant: "Tenant", plane: Plane, host: str, entity_set: str, order: Mapping[str, Any]) -> None:
    where = f"seed section {SECTION}: {plane} {host} {entity_set}"
    count, template = order.get("count"), _members(order.get("template"), f"{entity_set}.template")
    if not isinstance(count, int):
        msg = f"{where}: 'count' is no number"
        raise SeedError(msg)
    try:
        whole = {name: _resolved(tenant, plane, host, value, where) for name, value in template.items()}
        for number in range(1, count + 1):
            tenant.rows.insert(plane, host, entity_set, _numbered(whole, number), origin="seed")
    except (RowError, UnknownTableError, ValueRefusedError) as error:
        msg = f"{where}: {error}"
        raise SeedError(msg) from None


def _resolved(tenant: "Tenant", plane: Plane, host: str, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    ((target, equals),) = value.items()
    found = tenant.rows.find(plane, host, target, equals)
    if len(found) != 1:
        msg = f"{where}: {len(found)} rows of {target} are {dict(equals)}"
        raise SeedError(msg)
    return found[0][table(plane, target).key[-1]]


def _numbered(template: Mapping[str, Any], number: int) -> dict[str, Any]:
    def replaced(found: re.Match[str]) -> str:
        return str(number).zfill(int(found[1] or 0))

    return {name: _NUMBER.sub(replaced, value) if isinstance(value, str) else value for name, value in template.items()}


def _members(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        msg = f"seed section {SECTION}: '{where}' is not an object"
        raise SeedError(msg)
    return value
