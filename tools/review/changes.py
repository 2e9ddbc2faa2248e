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
    "reset": "reset of the link",
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
    return _from_to(word, old, new)


def _from_to(word: str, old: Any, new: Any) -> str:
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
    parts = (("adds", _without(new, old)), ("removes", _without(old, new)))
    return "; ".join(f"{verb} {some(items)}" for verb, items in parts if items) or "another order"


def _without(items: Sequence[str], others: Sequence[str]) -> list[str]:
    return [item for item in items if item not in others]


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
    added = [f"{key} = {_text(new[key])}" for key in sorted(new.keys() - old.keys())]
    both = sorted(new.keys() & old.keys())
    changed = [_from_to(key, old[key], new[key]) for key in both if old[key] != new[key]]
    gone = [f"{key} no more" for key in sorted(old.keys() - new.keys())]
    return some([*added, *changed, *gone])


def _text(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return " ".join(_texts(list(value.values())))
        case list():
            return " + ".join(_texts(value)) or "none"
        case float():
            return f"{value:.0f}" if value.is_integer() else str(value)
        case _:
            return str(value)
