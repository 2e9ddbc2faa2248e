"""docs/machines.md says what the code does."""

import re

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
