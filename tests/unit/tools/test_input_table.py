"""The table of inputs: each input of each resource, its form in words, and when a wrong value is told."""

import re
from typing import Any

import pytest

from providers.protocol.marks import Checked
from providers.protocol.models import Inputs
from tools import input_table, resource_inputs
from tools.input_table import checked, form
from tools.resource_inputs import PROVIDERS, inputs


def test_every_input_of_every_resource_has_its_row() -> None:
    told = re.findall(r"^(?:## |\| `)(\w+)", input_table.page(), re.MULTILINE)
    assert told == [word for each in PROVIDERS for word in (each.resource, *each.inputs.model_fields)]


def test_input_without_the_mark_ends_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unmarked(Inputs):
        tag: str

    class UnmarkedProvider:
        resource, inputs = "Thing", Unmarked

    monkeypatch.setattr(resource_inputs, "PROVIDERS", (UnmarkedProvider,))
    with pytest.raises(ValueError, match=r"Thing\.tag has no mark `Checked`"):
        input_table.page()


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "minLength": 1}, "text that is not empty"),
        ({"type": "string", "minLength": 2, "maxLength": 32, "pattern": "^a"}, "text of 2 to 32 characters"),
        ({"anyOf": [{"type": "string", "pattern": "^a"}, {"type": "null"}]}, "text of a fixed form"),
        ({"type": "integer", "minimum": 0}, "a whole number from 0 on"),
        ({"anyOf": [{"const": "as-linked"}, {"type": "array", "minItems": 1}]}, "`as-linked` or a list with an entry"),
        ({"anyOf": [{"enum": ["a", "b"]}, {"type": "object"}]}, "`a`, `b` or a map"),
        ({"$ref": "#/$defs/Thing"}, "a map"),
    ],
)
def test_form_is_told_in_words(schema: dict[str, Any], words: str) -> None:
    assert form(schema) == words


def test_page_has_the_words_of_the_marks() -> None:
    page = input_table.page()
    told = checked(next(each for each in inputs() if each.name == "overwrite"))
    assert told == Checked(preview="the rows that lose their company, counted by company")
    assert f"| `overwrite` | yes or no |  | {told.preview} |  |\n" in page
