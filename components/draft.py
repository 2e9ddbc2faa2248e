"""A stack file as far as it is right: what is broken is taken out, so that rules can say what else is wrong.

Rules read the typed draft and name places in it. What they cannot see there they ask for by place: how a value was
written, which keys a section has, and which places are broken. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from components.stack import DraftStack

# A place in a stack file: keys, and places in lists.
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Draft:
    """The typed part of a file, and what else is known of the file as it was written.

    `broken`: the places that were taken out. `kept`: for each list, where the entries that are left stood in it.
    """

    stack: DraftStack
    raw: Mapping[str, Any]
    broken: frozenset[Place]
    kept: Mapping[Place, tuple[int, ...]]

    def as_written(self, place: Place) -> Place:
        """A place of the draft as a place of the file."""
        return _as_written(place, self.kept)

    def is_broken(self, *place: str | int) -> bool:
        """Whether the value at a place of the draft was taken out, or an entry of the list there."""
        written = self.as_written(place)
        depth = len(written)
        return any(
            each[:depth] == written and (len(each) == depth or (len(each) == depth + 1 and isinstance(each[-1], int)))
            for each in self.broken
        )

    def written(self, *place: str | int) -> Mapping[str, Any]:
        """The keys of a section as they stand in the file, broken ones included; empty when it is no section."""
        section = self._at(place)
        return section if isinstance(section, Mapping) else {}

    def spelt(self, *place: str | int) -> str:
        """A text in the user's own spelling."""
        return str(self._at(place))

    def _at(self, place: Place) -> Any:
        value: Any = self.raw
        for part in self.as_written(place):
            if isinstance(value, Mapping):
                value = value.get(str(part))
            else:
                value = value[part] if isinstance(value, list) and isinstance(part, int) else None
        return value


def draft_of(raw: Mapping[str, Any]) -> Draft:
    """The draft of these values (keys without namespace)."""
    broken: frozenset[Place] = frozenset()
    while True:
        kept: dict[Place, tuple[int, ...]] = {}
        values = _without(raw, (), broken, kept)
        try:
            return Draft(DraftStack.model_validate(values, by_alias=True, by_name=False), raw, broken, kept)
        except ValidationError as error:
            places = [_followed(item["loc"], values) for item in error.errors(include_url=False)]
            broken |= {_as_written(place, kept) for place in places}


def _followed(location: Place, values: Any) -> Place:
    """The place that a location of the validation stands for.

    Names of choices are no part of it, which nobody wrote; an entry that lacks a key is broken itself.
    """
    place: Place = ()
    for part in location:
        is_key = isinstance(values, Mapping) and part in values
        if is_key or (isinstance(values, list) and isinstance(part, int)):
            values, place = values[part], (*place, part)
    return place


def _as_written(place: Place, kept: Mapping[Place, tuple[int, ...]]) -> Place:
    written: Place = ()
    for part in place:
        stood = kept.get(written) if isinstance(part, int) else None
        written = (*written, stood[part] if stood and isinstance(part, int) else part)
    return written


def _mapping_without(
    value: Mapping[str, Any], place: Place, broken: frozenset[Place], kept: dict[Place, tuple[int, ...]]
) -> dict[str, Any]:
    whole = {name: item for name, item in value.items() if (*place, name) not in broken}
    left = {name: _without(item, (*place, name), broken, kept) for name, item in whole.items()}
    return {name: item for name, item in left.items() if item != [] or value[name] == []}


def _without(value: Any, place: Place, broken: frozenset[Place], kept: dict[Place, tuple[int, ...]]) -> Any:
    """The value without the broken places below it; a list that loses all its entries goes as well."""
    if isinstance(value, Mapping):
        return _mapping_without(value, place, broken, kept)
    if isinstance(value, list):
        kept[place] = tuple(number for number in range(len(value)) if (*place, number) not in broken)
        return [_without(value[number], (*place, number), broken, kept) for number in kept[place]]
    return value
