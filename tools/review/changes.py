"""What differs between two values of an input, as a reader of a pull request says it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from tools.review.preview import Step

NAMED_AT_MOST = 5
# The words of the admin centres for inputs whose own name is not one.
WORDS = {
    "cds": "CDS instance",
    "finops": "F&O",
    "url": "address",
    "environment_id": "environment id",
    "developer_tools": "developer tools",
    "companies": "companies of the link",
    "company_change": "way of changing companies",
    "solutions": "map solutions",
    "maps": "maps",
    "prerequisites_added": "prerequisites",
    "dropped": "maps left out",
    "integration_keys": "integration keys",
    "initial_sync": "initial sync",
    "business_units": "business units",
    "max_failures": "most failures",
    "confirm": "consents",
    "live_companies_limit": "limit of live companies",
    "initial_sync_companies_limit": "limit of companies of an initial sync",
    "initial_sync_rows_limit": "limit of rows of an initial sync",
    "single_threaded_rows_limit": "limit of rows of single-threaded maps",
    "timeout": "longest wait",
}


def told(step: Step, *, without: Sequence[str] = ()) -> list[str]:
    """A phrase for every input that differs: `type from sandbox to production`."""
    return [
        phrase(WORDS.get(name, name.replace("_", " ")), step.old.get(name), step.new.get(name))
        for name in step.changed
        if name not in without
    ]


def phrase(word: str, old: Any, new: Any) -> str:
    """One change: what comes and goes of a set or mapping, from and to of anything else."""
    if _are(list, old, new):
        return f"{word}: {comes_and_goes(_texts(old), _texts(new))}"
    if _are(Mapping, old, new):
        return f"{word}: {_entries(old or {}, new or {})}"
    if old is None:
        return f"{word} {_text(new)}"
    return f"{word} {_text(old)} no more" if new is None else f"{word} from {_text(old)} to {_text(new)}"


def _texts(items: list[Any] | None) -> list[str]:
    return [_text(item) for item in items or []]


def _are(kind: type[Any], old: Any, new: Any) -> bool:
    """Whether both sides are of that kind, or one of them while the other is absent."""
    given = [side for side in (old, new) if side is not None]
    return bool(given) and all(isinstance(side, kind) for side in given)


def comes_and_goes(old: Sequence[str], new: Sequence[str]) -> str:
    """`adds USMF; removes DAT`."""
    added = [item for item in new if item not in old]
    gone = [item for item in old if item not in new]
    parts = [f"adds {some(added)}"] if added else []
    parts += [f"removes {some(gone)}"] if gone else []
    return "; ".join(parts) or "another order"


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    left = len(names) - NAMED_AT_MOST
    shown = names if left <= 1 else names[:NAMED_AT_MOST]
    return ", ".join(shown) + (f" and {left} more" if left > 1 else "")


def counted(count: int, noun: str) -> str:
    """`1 map`, `12 maps`; `companies` of `company`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("y") else f"{count:,} {noun}s"


def _entries(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    parts = [f"{key} = {_text(new[key])}" for key in sorted(new) if key not in old]
    parts += [
        f"{key} from {_text(old[key])} to {_text(new[key])}"
        for key in sorted(new)
        if old.get(key, new[key]) != new[key]
    ]
    parts += [f"{key} no more" for key in sorted(old) if key not in new]
    return some(parts)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return " ".join(_text(item) for item in value.values())
    if isinstance(value, list):
        return " + ".join(_text(item) for item in value) or "none"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
