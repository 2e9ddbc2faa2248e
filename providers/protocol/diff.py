"""The comparison of what a service holds with what the program wants. Pure: no clock, no network, no pulumi.

Both sides are property bags in the canonical form that `check` makes. The result is data,
a `Difference` of `Change` items; the provider base only translates it for the engine.
"""

from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from providers.protocol.addresses import same_host
from providers.protocol.marks import (
    Address,
    AsksOnce,
    BelongsTo,
    CaseBlind,
    Minimum,
    NotCompared,
    Recorded,
    Replaces,
    Unordered,
    mark,
)
from providers.protocol.versions import at_least

Bag = Mapping[str, Any]


class Meaning(Enum):
    """What another value of an input means. `RENAMED`: the same object, called in another way that is worth storing."""

    SAME = "same"
    RENAMED = "renamed"
    OTHER = "other"
    UNTOLD = "untold"


Means = Callable[[str, Any, Any], Meaning]


class Change(NamedTuple):
    """One managed field that differs. `replaces`: the object cannot follow in place.

    `recorded`: no service learns of it, only the state. `untold`: the state does not tell whether it is another object.
    """

    field: str
    stored: Any
    wanted: Any
    replaces: bool
    recorded: bool = False
    untold: bool = False


class Difference(NamedTuple):
    """All managed fields that differ, in the order in which the model declares them."""

    changes: tuple[Change, ...]

    @property
    def replaces(self) -> list[str]:
        """Names of the changed fields that force a replacement."""
        return [change.field for change in self.changes if change.replaces]

    @property
    def fields(self) -> list[str]:
        """Names of all changed fields."""
        return [change.field for change in self.changes]

    @property
    def untold(self) -> list[Change]:
        """The changes of which the state does not tell whether they mean another object."""
        return [change for change in self.changes if change.untold]

    @property
    def only_recorded(self) -> bool:
        """Whether something differs and no service has to learn of it."""
        return bool(self.changes) and all(change.recorded for change in self.changes)

    def __bool__(self) -> bool:
        return bool(self.changes)


def difference(
    model: type[BaseModel],
    stored: Bag,
    wanted: Bag,
    *,
    unknown: Collection[str] = (),
    means: Means | None = None,
) -> Difference:
    """Compare the managed fields of `model` in two bags.

    `unknown` names fields whose wanted value is not known yet: reported as changed, never as
    a replacement. `means(field, stored, wanted)` decides each field; without it the marks do. A field
    that old state does not have yet counts as holding its default.
    """
    changes: list[Change] = []
    for name, field in model.model_fields.items():
        if mark(field, NotCompared):
            continue
        if name in unknown:
            changes.append(Change(name, stored.get(name), None, replaces=False))
            continue
        old, new = stored.get(name, _default(field)), wanted.get(name, _default(field))
        meaning = means(name, old, new) if means else meaning_of(field, old, new)
        if meaning is not Meaning.SAME:
            changes.append(_change(name, field, old, new, meaning))
    return Difference(tuple(changes))


def _change(name: str, field: FieldInfo, old: Any, new: Any, meaning: Meaning) -> Change:
    return Change(
        name,
        old,
        new,
        replaces=meaning is Meaning.OTHER and mark(field, Replaces) is not None,
        recorded=meaning is Meaning.RENAMED or mark(field, Recorded) is not None,
        untold=meaning is Meaning.UNTOLD,
    )


def meaning_of(field: FieldInfo, stored: Any, wanted: Any) -> Meaning:
    """What another value means by the marks of a field."""
    if same_value(field, stored, wanted):
        return Meaning.SAME
    return Meaning.RENAMED if mark(field, AsksOnce) and not wanted else Meaning.OTHER


def same_value(field: FieldInfo, stored: Any, wanted: Any) -> bool:
    """True when the marks of a field say that two values are the same to the service."""
    if canonical(field, stored) == canonical(field, wanted):
        return True
    if wanted is None:
        return mark(field, Minimum) is not None or mark(field, BelongsTo) is not None
    if mark(field, Minimum) and isinstance(stored, str) and isinstance(wanted, str):
        return at_least(stored, wanted)
    return mark(field, Address) is not None and same_host(stored, wanted)


def canonical(field: FieldInfo, value: Any) -> Any:
    """The form of a value in which `==` means "the same to the service"."""
    if mark(field, CaseBlind):
        value = _folded(value)
    if mark(field, Unordered):
        return _ordered(value)
    return list(value) if isinstance(value, tuple) else value


def _folded(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, list | tuple):
        return [_folded(item) for item in value]
    return value


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _ordered(item) for key, item in value.items()}
    return sorted(set(value), key=repr) if isinstance(value, list | tuple) else value


def _default(field: FieldInfo) -> Any:
    if field.is_required():
        return None
    default = field.get_default(call_default_factory=True, validated_data={})
    return default.model_dump() if isinstance(default, BaseModel) else default
