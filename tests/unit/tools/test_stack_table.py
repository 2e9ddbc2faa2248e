"""The page about the stack files is made from them and says so when it is stale."""

from pathlib import Path

import pytest

from tools import stack_table
from tools.workspace import UserError


def test_page_has_a_row_for_each_stack_in_order_of_scenarios() -> None:
    rows = [line.split("`")[1] for line in stack_table.page().splitlines() if line.startswith("| `")]
    assert rows == [
        "new-new",
        "new-existing",
        "new-demo-new",
        "new-demo-existing",
        "existing-new",
        "existing-existing",
    ]


def test_wrong_stack_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.mine.yaml").write_text("config: {dualwrite:finops: {instance: old}}")
    monkeypatch.setattr(stack_table, "STACKS", tmp_path)
    with pytest.raises(UserError, match=r"stacks/Pulumi\.mine\.yaml: dualwrite:cds: is required"):
        stack_table.page()
