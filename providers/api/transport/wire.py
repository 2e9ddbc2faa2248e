"""Bases of the models that are read from services: unknown members are ignored, null counts as absent."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from providers.api.transport.answers import Response, unexpected_answer
from providers.api.transport.errors import UnexpectedAnswer

M = TypeVar("M", bound=BaseModel)


class Thing(BaseModel):
    """A thing of a service. `known_by`: the member by which it is found in a list; empty where it is not.

    An answer without that member is none: the thing that it is about would be believed gone.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    known_by: ClassVar[str] = ""


class Wire(Thing):
    """A model whose members carry aliases; they can also be given by their Python name."""

    model_config = ConfigDict(populate_by_name=True)

    @field_validator("*", mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.field_name is not None:
            return cls.model_fields[info.field_name].get_default(call_default_factory=True)
        return value


class Answered(Wire):
    """A model that findings rest on, although its answer is no error: a template that is listed as disabled, say.

    `correlation_id` is that of the answer it came with, so that the line of the finding names it; None outside of one.
    """

    correlation_id: str | None = Field(None, repr=False)


class CaseBlind(Thing):
    """A model whose JSON names are the Python names without underscores, in any case."""

    @model_validator(mode="before")
    @classmethod
    def _members(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {
            name: value
            for key, value in data.items()
            if value is not None and (name := _field_named(cls, key)) is not None
        }


# A list of 213 maps repeats some forty member names ten thousand times.
@lru_cache(maxsize=4096)
def _field_named(model: type[BaseModel], name: str) -> str | None:
    """The field that a member of this name, in any case, belongs to."""
    return _fields(model).get(_plain(name))


@cache
def _fields(model: type[BaseModel]) -> Mapping[str, str]:
    """The fields of a model by their plain names."""
    return {_plain(name): name for name in model.model_fields}


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def read(model: type[M], data: object, response: Response, service: str) -> M:
    """`data` as a model. Raises `UnexpectedAnswer` that names the first member with another shape than known.

    So it does for a thing without the member by which it is known.
    """
    try:
        value = model.model_validate(data)
    except (ValidationError, RecursionError, OverflowError, TypeError, AttributeError) as error:
        raise unexpected(_mismatch(error), response, service) from error
    if isinstance(value, Thing) and value.known_by and not getattr(value, value.known_by):
        raise unexpected(f"{value.known_by}: missing", response, service)
    return (
        value.model_copy(update={"correlation_id": response.correlation_id}) if isinstance(value, Answered) else value
    )


def read_list(model: type[M], data: object, response: Response, service: str) -> list[M]:
    """`data` as a list of models. Raises `UnexpectedAnswer`."""
    if not isinstance(data, list):
        raise unexpected("no list", response, service)
    return [read(model, each, response, service) for each in data]


V = TypeVar("V")


def member(response: Response, name: str, kind: type[V], service: str) -> V:
    """One member of the answer's object. Raises `UnexpectedAnswer` when it is missing or of another type."""
    value = response.object().get(name)
    if not isinstance(value, kind):
        raise unexpected(f"{name}: {'missing' if value is None else 'another type'}", response, service)
    return value


def next_link(response: Response, service: str) -> str | None:
    """Where the next page of a list is; None behind the last one."""
    body = response.object()
    link = body.get("@odata.nextLink") or body.get("nextLink")
    if link is not None and not isinstance(link, str):
        raise unexpected("nextLink: another type", response, service)
    return link or None


def unexpected(what: str, response: Response, service: str) -> UnexpectedAnswer:
    """The error for an answer that is not in the known shape: one line with service, path and member."""
    reason = f"{service} answered in an unknown shape at {response.path}: {what}"
    return unexpected_answer(reason, response, service)


_OTHERWISE: dict[type[Exception], str] = {
    RecursionError: "the answer is nested too deeply",
    OverflowError: "a number out of range",
}


def mapping(response: Response, service: str) -> dict[str, Any]:
    """The answer's object. Raises `UnexpectedAnswer` when it is anything else."""
    body = response.json()
    if not isinstance(body, dict):
        raise unexpected("no object", response, service)
    return body


def _mismatch(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return _OTHERWISE.get(type(error), "a member of another type")
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the answer"
    return f"{where}: {first['msg']}"
