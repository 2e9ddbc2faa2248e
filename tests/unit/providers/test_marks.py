"""Marks on the fields of inputs: each stands for itself, whatever other marks say with the same words."""

from itertools import combinations
from typing import Annotated

import pytest
from pydantic import BaseModel

from providers.protocol.marks import BelongsTo, Checked, FixedWith, NeedsConsent, Refused, RefusedOnce, mark

OF_ONE_TEXT = (Refused("new"), RefusedOnce("new"), NeedsConsent("new"), FixedWith("new"), Checked("new"))


@pytest.mark.parametrize(
    ("one", "other"), [*combinations(OF_ONE_TEXT, 2), (BelongsTo("new", required=False), NeedsConsent("new", ""))]
)
def test_marks_of_two_kinds_are_two_marks(one: object, other: object) -> None:
    assert one != other
    assert Annotated[str, one] != Annotated[str, other]


def test_a_field_has_the_marks_that_it_is_given_beside_one_with_the_same_words() -> None:
    class Things(BaseModel):
        first: Annotated[str, Refused("new")]
        second: Annotated[str, FixedWith("new")]

    assert mark(Things.model_fields["first"], Refused) == Refused("new")
    assert mark(Things.model_fields["second"], Refused) is None
    assert mark(Things.model_fields["second"], FixedWith) == FixedWith("new")
