"""Property bags: what the engine's wire does to values, undone in one place.

Numbers arrive as floats, None vanishes, keys that begin with `__` belong to the SDK or to
`_row`, and in previews any value, at any depth, can be an Unknown. The engine compares lists place by
place, so a set travels as a mapping of its items to true: one item gone is one line of a preview.
"""

from collections.abc import Mapping
from typing import Any

from pulumi.output import Unknown

Bag = dict[str, Any]


def is_unknown(value: Any) -> bool:
    """True when the value is an Unknown or holds one at any depth."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Mapping):
        return any(is_unknown(item) for item in value.values())
    return isinstance(value, list | tuple) and any(is_unknown(item) for item in value)


def unknown_fields(bag: Mapping[str, Any]) -> frozenset[str]:
    """Names of the top-level fields that are not wholly known yet."""
    return frozenset(name for name, value in bag.items() if is_unknown(value))


def visible(bag: Mapping[str, Any]) -> Bag:
    """The bag without hidden keys, with whole floats as integers and sets as lists; a new dict at every level."""
    return {name: whole(value) for name, value in bag.items() if not name.startswith("__")}


def hidden(bag: Mapping[str, Any], name: str) -> Bag:
    """A hidden sub-bag (`__row`), empty when old state has none."""
    value = bag.get(name)
    return {key: whole(item) for key, item in value.items()} if isinstance(value, Mapping) else {}


def private_key(name: str) -> str:
    """The hidden key of a private input."""
    return f"__{name}"


def private(bag: Mapping[str, Any]) -> Bag:
    """The known private inputs, by name without the underscores of their keys."""
    own = ("__provider", "__row")
    return {
        name.removeprefix("__"): whole(value)
        for name, value in bag.items()
        if name.startswith("__") and name not in own and not is_unknown(value)
    }


def as_set(value: Any) -> Any:
    """A list, or each list of a mapping, as a set travels; an empty one has nothing to show and stays."""
    if isinstance(value, Mapping):
        return {key: as_set(item) for key, item in value.items()}
    return dict.fromkeys(value, True) if isinstance(value, list) and value else value


def _is_set(value: Mapping[str, Any]) -> bool:
    return bool(value) and all(item is True for item in value.values())


def whole(value: Any) -> Any:
    """Whole floats as integers and sets as sorted lists, at any depth: the wire knows only floats."""
    match value:
        case float():
            return int(value) if value.is_integer() else value
        case Mapping():
            return sorted(value) if _is_set(value) else {key: whole(item) for key, item in value.items()}
        case list() | tuple():
            return [whole(item) for item in value]
        case _:
            return value
