"""What is wrong with the inputs of a resource: one problem a path, with the code of its kind, found offline or live."""

from collections.abc import Collection
from typing import Annotated, Any, NamedTuple, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from providers.protocol.bags import Bag
from providers.protocol.findings import AGAINST, FIXED, INVALID, NO_CONSENT, Finding
from providers.protocol.models import Inputs


class Problem(NamedTuple):
    """One thing wrong with the inputs: the path as the user wrote it, and what would be right."""

    path: str
    text: str

    @property
    def finding(self) -> Finding:
        """The code of its kind."""
        return INVALID

    def __str__(self) -> str:
        return f"{self.finding.code} {self.text}"


class NoConsent(Problem):
    """A step that cannot be undone, without its consent."""

    @property
    def finding(self) -> Finding:
        """The code of its kind."""
        return NO_CONSENT


class Fixed(Problem):
    """An input that cannot be changed any more."""

    @property
    def finding(self) -> Finding:
        """The code of its kind."""
        return FIXED


class Against(Problem):
    """What a live check has against the inputs."""

    @property
    def finding(self) -> Finding:
        """The code of its kind."""
        return AGAINST


def against(problem: Problem) -> Problem:
    """A problem of a live check under its own code, unless it has one already."""
    return Against(*problem) if problem.finding is INVALID else problem


def _found_by_model(name: str, error: ValidationError) -> list[Problem]:
    """What a model says against one field, `tags[1]` for the second item of a list."""
    return [
        Problem(
            name + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in item["loc"]),
            item["msg"].removeprefix("Value error, "),
        )
        for item in error.errors()
    ]


def validated(model: type[Inputs], resource: str, known: Bag, unknown: Collection[str]) -> tuple[Bag, list[Problem]]:
    """The known fields as the model takes them, and what it says against them.

    `unknown`: names of fields whose value is not known yet; an Unknown never reaches pydantic (R14).
    """
    if not unknown:
        try:
            return model.model_validate(known).model_dump(mode="json", exclude_none=True, exclude_unset=True), []
        except ValidationError:
            # Field by field, to name every problem by its path and to keep what is right.
            pass
    return _field_by_field(model, resource, known, unknown)


def _field_by_field(
    model: type[Inputs], resource: str, known: Bag, unknown: Collection[str]
) -> tuple[Bag, list[Problem]]:
    fields = model.model_fields
    problems = [Problem(name, f"is not an input of {resource}") for name in (*known, *unknown) if name not in fields]
    values: Bag = {}
    for name, info in fields.items():
        if name in known:
            try:
                values[name] = _taken(info, known[name])
            except ValidationError as error:
                problems += _found_by_model(name, error)
        elif info.is_required() and name not in unknown:
            problems.append(Problem(name, "is required"))
    return values, problems


def _taken(info: FieldInfo, value: Any) -> Any:
    """The value as the field takes it. Raises `ValidationError`."""
    adapter: TypeAdapter[Any] = TypeAdapter(cast(Any, Annotated[cast(Any, info.annotation), info]))
    return adapter.dump_python(adapter.validate_python(value), mode="json", exclude_none=True)
