"""`docs/changes.md`, what a change of every input means.

Made from the marks on the models of the resources; tests/contract/test_change_table.py proves each row.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from pydantic.fields import FieldInfo

from providers.protocol.marks import (
    AsksOnce,
    AtCreation,
    CaseBlind,
    FixedWith,
    Minimum,
    NeedsConsent,
    NotCompared,
    Recorded,
    Refused,
    RefusedOnce,
    Replaces,
    Unordered,
    mark,
)
from tools import resource_inputs
from tools.resource_inputs import inputs


class Kind(StrEnum):
    """What a change of one input leads to."""

    IN_PLACE = "update in place"
    REPLACES = "replace"
    REFUSED = "refused"
    CONSENT = "needs consent"
    AT_CREATION = "used at creation only"
    NO_CHANGE = "no change of its own"
    RECORDED = "recorded"


class Row(NamedTuple):
    """One input of one resource."""

    resource: str
    field: str
    kind: Kind
    remark: str


def rows() -> Iterator[Row]:
    """Every input of every resource, in the order of the models."""
    for each in inputs():
        yield Row(each.resource, each.name, kind(each.field), remark(each.field))


def kind(field: FieldInfo) -> Kind:
    """What the marks of a field say."""
    kinds = (
        (mark(field, NeedsConsent), Kind.CONSENT),
        (mark(field, FixedWith) or mark(field, Refused) or mark(field, RefusedOnce), Kind.REFUSED),
        (mark(field, Replaces), Kind.REPLACES),
        (mark(field, AtCreation), Kind.AT_CREATION),
        (mark(field, NotCompared), Kind.NO_CHANGE),
        (mark(field, Recorded), Kind.RECORDED),
    )
    return next((found for marked, found in kinds if marked), Kind.IN_PLACE)


def _consent(consent: NeedsConsent, *, replaces: bool) -> str:
    what = "replaces the object" if replaces else "update in place"
    return f"{what}; consent `{consent.action}`" + (f", where {consent.when}" if consent.when else "")


def remark(field: FieldInfo) -> str:
    """The rest of what the marks say."""
    consent, fixed, refused = mark(field, NeedsConsent), mark(field, FixedWith), mark(field, Refused)
    parts = []
    if consent:
        parts.append(_consent(consent, replaces=mark(field, Replaces) is not None))
    if fixed:
        parts.append(f"part of the replacement when `{fixed.field}` changes as well")
    if refused:
        parts.append(refused.reason)
    if once := mark(field, RefusedOnce):
        parts.append(f"once {once.when}; before that it is taken")
    notes = (
        (mark(field, CaseBlind), "case means nothing"),
        (mark(field, Unordered), "a set"),
        (mark(field, Minimum), "a minimum: a newer one is no change"),
        (mark(field, AsksOnce), "none asks for nothing and is recorded"),
    )
    return "; ".join([*parts, *(note for marked, note in notes if marked)])


_HEAD = """# What a change means

For every input of every resource: what `make preview` shows when its value changes.

- **update in place**: the object stays and follows.
- **replace**: another object takes its place. What the old one held goes with it where this stack made it.
- **refused**: the preview ends with the reason, and nothing is written.
- **needs consent**: refused (`DW-C02`) until `dualwrite:confirm` has the entry that the message spells out.
- **used at creation only**: it serves the creation or the checks before it; a change later is no difference.
- **no change of its own**: how to work, not what to make. It counts from the next operation on.
- **recorded**: an update that stores the value for the resource's deletion and calls no service.
"""


def page() -> str:
    """The whole page."""
    cells = ((row.resource, (f"`{row.field}`", row.kind, row.remark)) for row in rows())
    return resource_inputs.page(_HEAD, ("input", "a change is", "remark"), cells)
