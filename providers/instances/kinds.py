"""New and existing instances: which inputs belong to which, as the marks on the input fields say. Pure."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from providers.protocol.base import Problem, ResourceError
from providers.protocol.marks import belonging_to

# For each kind, the other one, and what is said of an input that belongs to that.
_FOREIGN = {
    "new": ("existing", "is for an existing instance; leave it out"),
    "existing": ("new", "is for a new instance; an existing one keeps its own"),
}


def shape_problems(inputs: BaseModel, instance: str) -> Iterator[Problem]:
    """Inputs that an instance of this kind cannot be without, and those of the other kind."""
    given = {name for name, value in inputs if value is not None}
    other, text = _FOREIGN[instance]
    needed = belonging_to(type(inputs), instance, required=True)
    yield from (Problem(name, "is required") for name in needed if name not in given)
    yield from (Problem(name, text) for name in belonging_to(type(inputs), other) if name in given)


def unusable(against: Sequence[str]) -> ResourceError:
    """All findings against an existing instance as one error."""
    first, *more = against
    return ResourceError(first, next_step=" ".join(f"Also: {text}" for text in more))
