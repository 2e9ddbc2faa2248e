"""The comparison of what a service holds with what the program wants. Pure: no clock, no network, no pulumi.

Both sides are property bags in the canonical form that `check` makes. The result is data,
a `Difference` of `Change` items; the provider base only translates it for the engine.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from providers.protocol.marks import CaseBlind, Minimum, NotCompared, Replaces, Unordered, mark

Bag = Mapping[str, Any]
Same = Callable[[str, Any, Any], bool | None]


@dataclass(frozen=True)
class Change:
    """One managed field that differs. `replaces`: the object cannot follow in place."""

    field: str
    held: Any
    wanted: Any
    replaces: bool


@dataclass(frozen=True)
class Difference:
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

    def __bool__(self) -> bool:
        return bool(self.changes)


def difference(
    model: type[BaseModel],
    held: Bag,
    wanted: Bag,
    *,
    unknown: Collection[str] = (),
    same: Same | None = None,
) -> Difference:
    """Compare the managed fields of `model` in two bags.

    `unknown` names fields whose wanted value is not known yet: reported as changed, never as
    a replacement. `same(field, held, wanted)` may decide a field by its meaning (a minimum
    version, say); None leaves it to the canonical comparison. A field that old state does not
    have yet counts as holding its default.
    """
    changes: list[Change] = []
    for name, field in model.model_fields.items():
        if mark(field, NotCompared):
            continue
        replaces = mark(field, Replaces) is not None
        if name in unknown:
            changes.append(Change(name, held.get(name), None, replaces=False))
            continue
        old, new = held.get(name, _default(field)), wanted.get(name, _default(field))
        verdict = same(name, old, new) if same else None
        if verdict is None:
            verdict = same_value(field, old, new)
        if not verdict:
            changes.append(Change(name, old, new, replaces))
    return Difference(tuple(changes))


def same_value(field: FieldInfo, held: Any, wanted: Any) -> bool:
    """True when the marks of a field say that two values are the same to the service."""
    if mark(field, Minimum) and isinstance(held, str) and isinstance(wanted, str):
        return version_parts(held) >= version_parts(wanted)
    if mark(field, Minimum) and wanted is None:
        return True
    return bool(canonical(field, held) == canonical(field, wanted))


def version_parts(text: str) -> tuple[int, ...]:
    """A dotted version as numbers: `10.0.9` is older than `10.0.45`. Parts that are no number count as 0."""
    return tuple(int(part) if part.isdecimal() else 0 for part in text.split("."))


def canonical(field: FieldInfo, value: Any) -> Any:
    """The form of a value in which `==` means "the same to the service"."""
    if mark(field, CaseBlind):
        value = _folded(value)
    if mark(field, Unordered) and isinstance(value, list | tuple):
        return sorted(set(value), key=repr)
    return list(value) if isinstance(value, tuple) else value


def _folded(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, list | tuple):
        return [_folded(item) for item in value]
    return value


def _default(field: FieldInfo) -> Any:
    if field.is_required():
        return None
    default = field.get_default(call_default_factory=True, validated_data={})
    return default.model_dump() if isinstance(default, BaseModel) else default
