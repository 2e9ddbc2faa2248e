"""Reading the running stack's config: keys, empty defaults, and the text that the user sees."""

import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime import set_all_config

from components.config import load
from components.stack import NAMESPACE
from tests.unit.components.stack_files import TODAY, stack_file


@pytest.fixture(autouse=True)
def running_stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pulumi, "get_stack", lambda: "uat")
    yield
    set_all_config({})


def load_these(values: dict[str, Any]) -> Any:
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    set_all_config(texts)
    return load(pulumi.Config(NAMESPACE), TODAY)


def of_file(raw: dict[str, Any]) -> dict[str, Any]:
    return {f"{NAMESPACE}:{key}": value for key, value in raw.items()}


def test_config_of_running_stack_is_typed() -> None:
    stack = load_these(of_file(stack_file()) | {"azure-native:location": "westeurope"})
    assert (stack.cloud, stack.cds.language) == ("emulator", 1033)


def test_empty_defaults_of_the_project_count_as_absent() -> None:
    empty: dict[str, Any] = {"connection": {}, "companies": [], "bootstrap": [], "confirm": []}
    stack = load_these(of_file(stack_file() | empty))
    assert (stack.connection.companies, stack.companies, stack.bootstrap) == (None, (), ())


def test_every_problem_is_a_line_of_the_error() -> None:
    wrong = {"dualwrite:colour": "", "dualwrite:maps": "all", "cloud": "public", "dualwrite:cds": {}}
    with pytest.raises(pulumi.RunError) as caught:
        load_these(of_file(stack_file()) | wrong)
    assert str(caught.value).splitlines() == [
        "DW-C05 stacks/Pulumi.uat.yaml has 4 problems:",
        "  cloud: is not a key of a stack file; keys begin with `dualwrite:`, did you mean `dualwrite:cloud`?",
        "  dualwrite:cds: is required",
        "  dualwrite:colour: is not a key of `dualwrite`; did you mean `cloud`?",
        "  dualwrite:maps: must be a map of keys and values",
    ]


@pytest.mark.parametrize("key", ["cloud", "cds", "connection", "companies", "maps", "confirm"])
def test_key_without_a_value_is_refused_once(key: str) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        load_these(of_file(stack_file()) | {f"dualwrite:{key}": ""})
    assert str(caught.value).splitlines() == [
        "DW-C05 stacks/Pulumi.uat.yaml has 1 problem:",
        f"  dualwrite:{key}: is empty; give it a value or leave the key out",
    ]


@pytest.mark.parametrize("cloud", [{}, {"dualwrite:cloud": "emulator"}])
def test_file_without_keys_is_told_in_one_line(cloud: dict[str, str]) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        load_these({"azure-native:location": "westeurope", "dualwrite:cds": {}, "dualwrite:maps": {}} | cloud)
    assert str(caught.value) == (
        "DW-C05 stacks/Pulumi.uat.yaml says nothing of a pair: it needs `dualwrite:cds`, `dualwrite:finops`, "
        "`dualwrite:maps` below `config:`"
    )


def test_one_problem_is_counted_as_one() -> None:
    with pytest.raises(pulumi.RunError, match="has 1 problem:\n"):
        load_these(of_file(stack_file()) | {"dualwrite:cloud": "azure"})
