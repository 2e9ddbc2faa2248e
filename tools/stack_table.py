"""`stacks/README.md`, a table of the stack files."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from components.config import check
from components.stack import NAMESPACE, Bootstrap, Cds, FinOps, Stack
from tools.workspace import STACKS, UserError, config_of

_PREFIX = f"{NAMESPACE}:"
_BEFORE, _AFTER = "Pulumi.", ".yaml"
_NONE = "-"
_HEAD = """# Stacks

One file is one pair: `make preview STACK=<name>` shows what it takes, `make up STACK=<name>` brings it to live sync.
`stack-file.schema.json` describes every key.

"""
_FOOT = "\nThis page is made from the stack files by `python -m tools.generated`; `make check` compares it.\n"


class Column(NamedTuple):
    """A heading, and the cell of one stack."""

    heading: str
    cell: Callable[[Stack], str]


def companies(stack: Stack) -> str:
    """The companies of the link, with those that the stack creates marked."""
    declared = stack.connection.companies or ["DAT"]
    if isinstance(declared, str):
        return declared
    created = {entry.code for entry in stack.companies}
    return ", ".join(f"{code} (created)" if code in created else code for code in declared)


def bootstrap(stack: Stack) -> str:
    """Each company with its business units, tables and order."""
    return "<br>".join(_stamped(entry) for entry in stack.bootstrap) or _NONE


def initial_sync(stack: Stack) -> str:
    """The side that wins."""
    return {"finops": "F&O wins", "cds": "CDS wins", "none": _NONE}[stack.maps.initial_sync]


def by_hand(stack: Stack) -> str:
    """What the program waits for while a person does it: only a person can link an F&O instance that exists."""
    return "presses *Link* in Lifecycle Services" if stack.finops.instance == "existing" else "nothing"


COLUMNS = (
    Column("F&O", lambda stack: _instance(stack.finops)),
    Column("CDS", lambda stack: _instance(stack.cds)),
    Column("data in F&O", lambda stack: stack.finops.data or "as it is"),
    Column("companies", companies),
    Column("maps", lambda stack: ", ".join(stack.maps.include)),
    Column("bootstrap", bootstrap),
    Column("initial sync", initial_sync),
    Column("a person", by_hand),
)
# The order of the scenarios: what is new comes first.
_ORDER = ("new-new", "new-existing", "new-demo-new", "new-demo-existing", "existing-new", "existing-existing")


def _place(name: str) -> tuple[int, str]:
    """The known stacks in their order, then the others by name."""
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)


def page() -> str:
    """The whole page."""
    names = [path.name.removeprefix(_BEFORE).removesuffix(_AFTER) for path in STACKS.glob(f"{_BEFORE}*{_AFTER}")]
    names.sort(key=_place)
    rows = [["stack", *(column.heading for column in COLUMNS)], ["---"] * (len(COLUMNS) + 1)]
    for name in names:
        stack = _stack(name)
        rows.append([f"`{name}`", *(column.cell(stack) for column in COLUMNS)])
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows) + _FOOT


def _stack(name: str) -> Stack:
    file = STACKS / f"{_BEFORE}{name}{_AFTER}"
    config = {key.removeprefix(_PREFIX): value for key, value in config_of(file).items()}
    stack, problems = check(config, datetime.now(UTC).date())
    if stack is None:
        raise UserError(f"stacks/{file.name}: {problems[0]}")
    return stack


def _instance(instance: Cds | FinOps) -> str:
    if instance.instance == "new":
        return f"new `{instance.domain}`" if isinstance(instance, Cds) else "new"
    address = instance.url or (instance.environment_id if isinstance(instance, Cds) else None) or ""
    return f"existing `{address.removeprefix('https://')}`"


def _stamped(entry: Bootstrap) -> str:
    units = " and ".join(entry.business_units or ["all business units"])
    return f"{entry.company} on {units} ({', '.join(entry.tables)}), {entry.order}"
