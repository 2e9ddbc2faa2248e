"""docs/scenarios.md shows the stack files as they are, and previews as the engine prints them."""

import re
from pathlib import Path

import pytest

from tools.workspace import ROOT

PAGE = (ROOT / "docs/scenarios.md").read_text(encoding="utf-8")
STACKS = sorted(path.suffixes[0].removeprefix(".") for path in Path(ROOT / "stacks").glob("Pulumi.*.yaml"))
# The engine shows messages of resources between its lines; the golden files hold the lines alone.
MESSAGE = re.compile(r"^(DW-[A-Z][0-9]{2} )?\w+ '.*': ")


def shown(stack: str, beginning: str) -> str:
    """The block of a stack's section that begins so."""
    (section,) = re.findall(rf"^## {stack}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    blocks: list[str] = re.findall(r"```\w*\n(.*?)```", section, re.DOTALL)
    return next(block for block in blocks if block.startswith(beginning))


@pytest.mark.parametrize("stack", STACKS)
def test_stack_file_is_shown_as_it_is(stack: str) -> None:
    text = (ROOT / f"stacks/Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    assert shown(stack, "config:") == text[text.index("config:") :]


@pytest.mark.parametrize("stack", STACKS)
def test_preview_is_shown_as_the_engine_prints_it(stack: str) -> None:
    printed = iter((ROOT / f"tests/engine/golden/preview-{stack}.txt").read_text(encoding="utf-8").splitlines())
    wanted = [
        line for line in shown(stack, "+ pulumi").splitlines() if line.strip() != "..." and not MESSAGE.match(line)
    ]
    missing = [line for line in wanted if not any(each.rstrip() == line for each in printed)]
    assert missing == []
