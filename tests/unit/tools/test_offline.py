"""What a pipeline does with the files of a pull request, before any credential is there."""

from pathlib import Path

import pytest
from rich.console import Console

from tools import __main__ as commands
from tools import offline
from tools.exit_codes import Refused, UserError

FILES = ["Pulumi.a.yaml", "Pulumi.b.prod.yaml"]


@pytest.mark.parametrize(
    ("changed", "stacks"),
    [
        ([], []),
        (["README.md", "tests/x.py", "stacks/README.md"], []),
        (["stacks/Pulumi.b.prod.yaml"], ["b.prod"]),
        (["stacks/Pulumi.gone.yaml"], []),
        (["other/Pulumi.a.yaml"], []),
        (["providers/live_sync.py"], ["a", "b.prod"]),
        (["stacks/profiles/emea.yaml"], ["a", "b.prod"]),
    ],
)
def test_stacks_that_a_change_touches(changed: list[str], stacks: list[str]) -> None:
    assert offline.touched(changed, FILES) == stacks


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config: [", "is not YAML"),
        ("- a", "a list at the top"),
        ("config:\n  dualwrite:mapps: {}\n", "mapps"),
    ],
)
def test_broken_file_is_refused_with_every_problem(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "STACKS", tmp_path)
    (tmp_path / "Pulumi.uat.yaml").write_text(text)
    with pytest.raises(Refused, match=r"^DW-C05") as caught:
        offline.check_file("uat")
    assert said in str(caught.value)


def test_file_in_order_says_that_nothing_was_planned() -> None:
    assert "Nothing was planned" in offline.check_file("new-new")


def test_missing_file_and_unknown_commit_are_one_line() -> None:
    with pytest.raises(UserError, match="no stack file"):
        offline.check_file("nowhere")
    with pytest.raises(UserError, match="knows no commit"):
        offline.changed_stacks("nowhere")


@pytest.mark.parametrize("printed", [commands.console, commands.messages], ids=["output", "messages"])
def test_keys_of_the_stack_file_are_printed_as_they_stand_there(printed: Console) -> None:
    with printed.capture() as captured:
        printed.print("dualwrite:cloud: is empty")
    assert "dualwrite:cloud: is empty" in captured.get()
