"""Inputs and outputs as the engine stores them, where a null is as good as nothing."""

from collections.abc import Mapping
from typing import Any

Bag = dict[str, Any]


def mapping(bag: Mapping[str, Any] | None, name: str) -> Bag:
    """The mapping of that name; empty where it is absent or null."""
    return dict(_member(bag, name) or {})


def entries(bag: Mapping[str, Any] | None, name: str) -> list[Any]:
    """The list of that name; empty where it is absent or null."""
    return list(_member(bag, name) or ())


def _member(bag: Mapping[str, Any] | None, name: str) -> Any:
    return None if bag is None else bag.get(name)
