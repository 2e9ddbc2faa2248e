"""Models are built when they are first used, so that a mistake in one would first show in somebody's run."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest
from pydantic import BaseModel

import components
import providers


def modules() -> Iterator[ModuleType]:
    for package in (components, providers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def models(kind: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith(("components.", "providers.")):
            yield each
        yield from models(each)


MODULES = list(modules())
MODELS = sorted(set(models()), key=lambda each: (each.__module__, each.__qualname__))


@pytest.mark.parametrize("model", MODELS, ids=lambda each: f"{each.__module__}.{each.__qualname__}")
def test_model_can_be_built(model: type[BaseModel]) -> None:
    model.model_rebuild()
    assert model.__pydantic_complete__


def test_models_of_the_program_wait_for_their_first_use() -> None:
    assert [each.__name__ for each in MODELS if not each.model_config.get("defer_build")] == []
