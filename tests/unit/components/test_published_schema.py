"""What editors and the CLI are told about stack files agrees with what the program takes."""

from pathlib import Path

import pytest
import yaml

from components.config import check
from components.schema import FILE, main, schema
from components.stack import Stack
from tests.unit.components.stack_files import TODAY
from tools.workspace import ROOT


def test_published_schema_is_current() -> None:
    assert main(["--check"]) == 0


def test_stale_schema_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / FILE.name
    stale.write_text("{}")
    monkeypatch.setattr("components.schema.FILE", stale)
    assert main(["--check"]) == 1
    assert "python -m components.schema" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0


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
