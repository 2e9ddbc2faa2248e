from pathlib import Path

import pytest

from tools.complexity import Bounds, measure, problems

PLAIN = "def one():\n    return 1\n"
BRANCHES = "".join(f"        if n == {n}:\n            n += 1\n" for n in range(12))
BRANCHING = f"class Case:\n    def many(self, n):\n{BRANCHES}"
LOOSE = Bounds(mean=100, grade_c=100, file_lines=1000, function_lines=1000)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with one plain and one branching module."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "plain.py").write_text(PLAIN)
    (tmp_path / "inner" / "branching.py").write_text(BRANCHING)
    return tmp_path


def test_every_function_and_method_counts_once(source: Path) -> None:
    measured = measure([source], source)
    assert [block.complexity for block in measured.blocks] == [13, 1]
    assert measured.mean == 7
    assert measured.files == {"plain.py": 2, "inner/branching.py": 26}


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (LOOSE._replace(mean=6.9), "mean complexity 7.000, at most 6.9"),
        (LOOSE._replace(grade_c=0), "1 functions of complexity 11 or more, at most 0"),
        (LOOSE._replace(file_lines=25), "inner/branching.py: 26 lines, at most 25"),
        (LOOSE._replace(function_lines=24), "inner/branching.py:2 Case.many: 25 lines, at most 24"),
    ],
    ids=["mean", "grade C", "file", "function"],
)
def test_what_is_over_a_bound_is_named(source: Path, bounds: Bounds, said: str) -> None:
    measured = measure([source / "plain.py", source / "inner"], source)
    assert problems(measured, LOOSE) == []
    assert said in "\n".join(problems(measured, bounds))
