"""Problems of a stack file in the user's words: the key as written, what is wrong, what to write instead. Pure."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from components.draft import Draft, Place

_PLAIN_KEY = re.compile(r"[\w.-]+")
# What pydantic calls a value of another type, and what is to stand there.
_TYPES = {
    "string_type": "must be text",
    "int_type": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false, without quotes",
    "list_type": "must be a list, such as [one, two]",
    "dict_type": "must be a map of keys and values",
    "model_type": "must be a map of keys and values",
    "model_attributes_type": "must be a map of keys and values",
    "string_too_long": "is too long",
}


class Finding(NamedTuple):
    """One problem: the key as the user wrote it, with its section, and the text."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


class Broken(NamedTuple):
    """A rule that a draft breaks: the place in the draft, and the text."""

    place: Place
    text: str


def key(*parts: str | int) -> str:
    """The path of a key: `dualwrite:maps.overrides["accounts - Customers V3"].state`."""
    section = f"dualwrite:{parts[0]}" if parts else "dualwrite"
    return section + "".join(_step(part) for part in parts[1:])


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _PLAIN_KEY.fullmatch(part) else f'["{part}"]'


def suggestion(word: str, known: Sequence[str], otherwise: str = "") -> str:
    """`did you mean ...?`, or the words there are, or something else."""
    folded = {entry.casefold(): entry for entry in known}
    close = difflib.get_close_matches(word.casefold(), folded, n=1)
    return f"did you mean `{folded[close[0]]}`?" if close else otherwise or f"it can be {', '.join(known)}"


def repeated(
    draft: Draft, values: Iterable[str | None] | None, *parts: str | int, member: str = "", advice: str = "keep one"
) -> Iterator[Broken]:
    """Each value that stands in a list already, whatever its case; `parts` name the list, `member` a key of entries."""
    for number in _standing_before(values or ()):
        place = (*parts, number, member) if member else (*parts, number)
        yield Broken(place, f"{draft.spelt(*place)!r} stands in the list already; {advice}")


def _standing_before(values: Iterable[str | None]) -> Iterator[int]:
    seen: set[str] = set()
    for number, value in enumerate(values):
        name = (value or "").strip().casefold()
        if value is not None and name in seen:
            yield number
        seen.add(name)


def listed(findings: Iterable[Finding]) -> list[Finding]:
    """Each problem once, by key."""
    return sorted(set(findings))


def report(error: ValidationError, model: type[BaseModel]) -> list[Finding]:
    """Every problem that the model found."""
    return [_finding(item, model) for item in error.errors(include_url=False)]


def _finding(item: ErrorDetails, model: type[BaseModel]) -> Finding:
    # Parts that begin with "~" are the branches of a choice, which the user never wrote.
    location = [part for part in item["loc"] if not str(part).startswith("~")]
    return Finding(key(*location), _text(item, location, model))


def _text(item: ErrorDetails, location: list[int | str], model: type[BaseModel]) -> str:
    kind, value = item["type"], item["input"]
    if kind == "extra_forbidden":
        known = _keys(model, location[:-1])
        return f"is not a key of `{key(*location[:-1])}`; {suggestion(str(location[-1]), known)}"
    if kind == "missing":
        return "is required"
    if value is None:
        return "is empty; give it a value or leave the key out"
    return _wrong_value(item) or _wrong_type(kind, value) or item["msg"]


def _wrong_value(item: ErrorDetails) -> str | None:
    if item["type"] == "value_error":
        return item["msg"].removeprefix("Value error, ")
    if item["type"] == "literal_error":
        allowed = re.findall(r"'([^']*)'", str(item["ctx"]["expected"]))
        value = str(item["input"])
        # Where a list may stand too, it is what most words were meant for.
        otherwise = f"write a list: [{value}], or {', '.join(allowed)}" if "~word" in item["loc"] else ""
        return f"is {item['input']!r}; {suggestion(value, allowed, otherwise)}"
    return None


def _wrong_type(kind: str, value: Any) -> str | None:
    if kind == "string_type" and isinstance(value, bool):
        return f"must be text, and YAML made {str(value).lower()} of it: put it in quotes"
    if kind == "string_type" and isinstance(value, int | float):
        return f"must be text, and YAML made the number {value:.15g} of it: put it in quotes"
    if kind == "list_type" and isinstance(value, str):
        return f"must be a list, such as [{value}]"
    return _TYPES.get(kind)


def _keys(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The keys of the section at that place."""
    for part in location:
        model = _below(model, part) or model
    return [info.alias or name for name, info in model.model_fields.items()]


def _below(model: type[BaseModel], part: int | str) -> type[BaseModel] | None:
    """The model of a section of the section; None for what has none, such as a place in a list."""
    annotations = (info.annotation for name, info in model.model_fields.items() if part in (name, info.alias))
    return _section(next(annotations, None))


def _section(annotation: Any) -> type[BaseModel] | None:
    """The model inside `Model`, `list[Model]` or `dict[str, Model]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inside = map(_section, get_args(annotation))
    return next(filter(None, inside), None)
