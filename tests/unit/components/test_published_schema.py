"""What editors and the CLI are told about stack files agrees with what the program takes."""

import yaml

from components.config import check
from components.schema import schema
from components.stack import Stack
from tests.unit.components.stack_files import TODAY
from tools.workspace import ROOT


def test_every_key_of_the_file_is_described() -> None:
    definitions = schema()["$defs"].values()
    assert not [
        name for model in definitions for name, info in model["properties"].items() if not info.get("description")
    ]


def test_project_declares_every_key_without_type() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    assert set(declared) == {info.alias or name for name, info in Stack.model_fields.items()}
    assert all(set(entry) == {"description", "default"} for entry in declared.values())


def test_shipped_stack_files_are_right() -> None:
    for file in sorted((ROOT / "stacks").glob("Pulumi.*.yaml")):
        config = yaml.safe_load(file.read_text())["config"]
        assert check({key.removeprefix("dualwrite:"): value for key, value in config.items()}, TODAY)[1] == []
