"""The changes of `python -m benchmarks.mutations` can still be made, and there are enough of them."""

import pytest

from benchmarks.emulator_mutations import MUTATIONS, Mutation
from tools.workspace import ROOT


def test_sample_is_large_and_its_names_differ() -> None:
    assert len({each.name for each in MUTATIONS}) == len(MUTATIONS) >= 40


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_change_can_be_made_once_and_is_a_program(mutation: Mutation) -> None:
    text = (ROOT / "emulator" / mutation.file).read_text()
    compile(mutation.made_in(text), mutation.file, "exec")
