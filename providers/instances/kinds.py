"""New and existing instances: which inputs belong to which, as the marks on the input fields say. Pure."""

from collections.abc import Iterator

from pydantic import BaseModel

from providers.protocol.marks import belonging_to
from providers.protocol.problems import Problem


def shape_problems(inputs: BaseModel, instance: str) -> Iterator[Problem]:
    """Inputs that an instance of this kind cannot be without, and those of the other kind."""
    model, other = type(inputs), "existing" if instance == "new" else "new"
    for name in belonging_to(model, instance, required=True):
        if getattr(inputs, name) is None:
            yield Problem(name, "is required")
    why = "leave it out" if instance == "new" else "an existing one keeps its own"
    for name in belonging_to(model, other):
        if getattr(inputs, name) is not None:
            yield Problem(name, f"is for {'an existing' if instance == 'new' else 'a new'} instance; {why}")
