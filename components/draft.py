"""A stack file as far as it is right: what is broken is taken out, so that rules can say what else is wrong.

Rules read the typed draft and name places in it. What they cannot see there they ask for by place: how a value was
written, which keys a section has, and which places are broken. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    broken: frozenset[Place] = frozenset()
    kept: Mapping[Place, tuple[int, ...]] = field(default_factory=dict)

    def as_written(self, place: Place) -> Place:
        """A place of the draft as a place of the file."""
        return _as_written(place, self.kept)

    def is_broken(self, *place: str | int) -> bool:
        """Whether the value at a place of the draft was taken out, or an entry of the list there."""
        written = self.as_written(place)
        return any(each == written or _is_entry(each, written) for each in self.broken)

    def written(self, *place: str | int) -> Mapping[str, Any]:
        """The keys of a section as they stand in the file, broken ones included; empty when it is no section."""
        section = self._at(place)
        return section if isinstance(section, Mapping) else {}

    def filled(self, *place: str | int) -> list[str]:
        """The keys of a section that have a value."""
        return [name for name, value in self.written(*place).items() if value is not None]

    def spelt(self, *place: str | int) -> str:
        """A text in the user's own spelling."""
        return str(self._at(place))

    def _at(self, place: Place) -> Any:
        value: Any = self.raw
        for part in self.as_written(place):
            value = _inside(value, part)
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
            broken |= _broken_places(error, values, kept)


def _broken_places(error: ValidationError, values: Any, kept: Mapping[Place, tuple[int, ...]]) -> set[Place]:
    """Where the values are wrong, as places of the file."""
    return {_as_written(_followed(item["loc"], values), kept) for item in error.errors(include_url=False)}


def _followed(location: Place, values: Any) -> Place:
    """The place that a location of the validation stands for.

    Names of choices are no part of it, which nobody wrote; an entry that lacks a key is broken itself.
    """
    place: Place = ()
    for part in location:
        if _has(values, part):
            values, place = values[part], (*place, part)
    return place


def _has(values: Any, part: str | int) -> bool:
    """Whether the values are a section with that key, or a list with such a place."""
    if isinstance(values, Mapping):
        return part in values
    return isinstance(values, list) and isinstance(part, int)


def _inside(values: Any, part: str | int) -> Any:
    """What a section has under a key, or a list at a place; None when there is nothing."""
    if isinstance(values, Mapping):
        return values.get(str(part))
    return values[part] if isinstance(values, list) and isinstance(part, int) else None


def _is_entry(place: Place, of_list: Place) -> bool:
    """Whether a place is that of an entry of this list."""
    return place[:-1] == of_list and isinstance(place[-1], int)


def _as_written(place: Place, kept: Mapping[Place, tuple[int, ...]]) -> Place:
    written: Place = ()
    for part in place:
        entries = kept.get(written)
        written = (*written, entries[part] if entries and isinstance(part, int) else part)
    return written


def _mapping_without(
    value: Mapping[str, Any], place: Place, broken: frozenset[Place], kept: dict[Place, tuple[int, ...]]
) -> dict[str, Any]:
    whole = [name for name in value if (*place, name) not in broken]
    left = {name: _without(value[name], (*place, name), broken, kept) for name in whole}
    return {name: item for name, item in left.items() if item != [] or value[name] == []}


def _list_without(
    value: list[Any], place: Place, broken: frozenset[Place], kept: dict[Place, tuple[int, ...]]
) -> list[Any]:
    kept[place] = tuple(number for number in range(len(value)) if (*place, number) not in broken)
    return [_without(value[number], (*place, number), broken, kept) for number in kept[place]]


def _without(value: Any, place: Place, broken: frozenset[Place], kept: dict[Place, tuple[int, ...]]) -> Any:
    """The value without the broken places below it; a list that loses all its entries goes as well."""
    if isinstance(value, Mapping):
        return _mapping_without(value, place, broken, kept)
    if isinstance(value, list):
        return _list_without(value, place, broken, kept)
    return value
