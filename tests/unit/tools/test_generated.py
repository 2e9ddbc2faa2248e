"""Files that are made from code are current, and said to be stale when they are not."""

from pathlib import Path

import pytest

from tools.generated import FILES, main


def test_generated_files_are_current() -> None:
    assert main(["--check"]) == 0


def test_stale_and_missing_files_are_named_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "inputs.md").write_text("old")
    assert main(["--check"], root=tmp_path) == 1
    told = capsys.readouterr().err
    assert all(f"{place} is stale: run `python -m tools.generated`" in told for place in FILES)
    assert main([], root=tmp_path) == 0
    assert main(["--check"], root=tmp_path) == 0
