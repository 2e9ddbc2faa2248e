"""docs/machines.md says what the code does."""

import re

import pytest
from typer.main import get_command

from tools.__main__ import app
from tools.exit_codes import MEANINGS
from tools.json_output import VERSION
from tools.workspace import ROOT

PAGE = (ROOT / "docs/machines.md").read_text(encoding="utf-8")


def test_exit_codes_stand_in_the_page_with_their_meaning() -> None:
    listed = dict(re.findall(r"^\| (\d) \| ([^|]+) \|", PAGE, re.MULTILINE))
    assert list(listed) == [str(int(code)) for code in sorted(MEANINGS)]
    for code, meaning in MEANINGS.items():
        assert listed[str(int(code))].startswith(meaning)


def test_version_of_the_shape_stands_in_the_page() -> None:
    assert f"`page --json`, version {VERSION}:" in PAGE


@pytest.mark.parametrize("command", ["preview", "page", "refresh", "check-file", "changed", "env"])
def test_every_command_that_reads_talks_to_machines_and_stands_in_the_page(command: str) -> None:
    (parameters,) = [each.params for name, each in get_command(app).commands.items() if name == command]  # type: ignore[attr-defined]
    assert "--json" in [option for parameter in parameters for option in parameter.opts]
    assert f"`{command} --json`" in PAGE
