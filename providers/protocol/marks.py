"""Marks on input fields: what a change of the field means, said once, on the field.

Used as `Annotated[str, Replaces()]` on the fields of an `Inputs` model. The base of all
providers, the diff and the reference generator read them; nothing else decides these things. A mark equals only one of
its own kind: `Annotated` hands out one and the same type for equal marks.
"""

from dataclasses import dataclass
from typing import Literal, TypeVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo


class Replaces:
    """A change means another object: the engine plans a replacement."""


@dataclass(frozen=True)
class Refused:
    """A change cannot be made and is not worth a replacement; `check` refuses it with `reason`."""

    reason: str


@dataclass(frozen=True)
class RefusedOnce:
    """A change is refused from a moment on, that `when` names. Read by the change table, like `NeedsConsent`."""

    when: str


class Unordered:
    """A list (or each list of a mapping) that is a set: order and repetition mean nothing, and previews tell items."""


class CaseBlind:
    """Text (or a list of texts) that differs only in case is the same."""


class NotCompared:
    """How to work, not what to make (a timeout, say): a change alone is no difference and writes nothing."""


class AtCreation(NotCompared):
    """Serves the creation, or the checks before it; what becomes of it afterwards is no difference."""


@dataclass(frozen=True)
class NeedsConsent:
    """A change may destroy something: it takes the consent `action` of `dualwrite:confirm`. `when`: only then.

    Read by the change table (docs/changes.md); the resource's checks decide, and the table's test holds them to it.
    """

    action: str
    when: str = ""


@dataclass(frozen=True)
class FixedWith:
    """A change of this field alone is refused; together with one of `field` it is part of that replacement.

    Read by the change table (docs/changes.md), like `NeedsConsent`.
    """

    field: str


class Recorded:
    """Kept with the resource for its deletion: a change is stored and calls no service."""


class AsksOnce:
    """A text that asks for something once, and again when it is another one; none asks for nothing and is recorded."""


@dataclass(frozen=True)
class Checked:
    """When a value of the right form is known to be wrong: by the stack file alone, in a preview, only by doing.

    A few words each on what is told then, empty for nothing. Read by the table of inputs (docs/inputs.md), for which
    every input has this mark.
    """

    file: str = ""
    preview: str = ""
    doing: str = ""


class Minimum:
    """A dotted version that is the least wanted: a newer one is no difference."""


class Address:
    """A URL of an instance: its host alone decides whether two are the same."""


@dataclass(frozen=True)
class BelongsTo:
    """An input of one kind of instance alone; `required`: such an instance cannot be declared without it.

    What a stack does not declare of an instance is only reported: its absence is no difference.
    """

    instance: Literal["new", "existing"]
    required: bool = False


_M = TypeVar(
    "_M",
    Replaces,
    Refused,
    RefusedOnce,
    Unordered,
    CaseBlind,
    NotCompared,
    Recorded,
    AsksOnce,
    Minimum,
    Address,
    BelongsTo,
    NeedsConsent,
    FixedWith,
    Checked,
)


def mark(field: FieldInfo, kind: type[_M]) -> _M | None:
    """The mark of one kind on a model field, or None."""
    return next((entry for entry in field.metadata if isinstance(entry, kind)), None)


def belonging_to(model: type[BaseModel], instance: str, *, required: bool = False) -> list[str]:
    """Names of the inputs that only this kind of instance has, in the model's order; or only those it needs."""
    marks = {name: mark(field, BelongsTo) for name, field in model.model_fields.items()}
    return [name for name, own in marks.items() if own and own.instance == instance and (own.required or not required)]
