"""How complex the source is, tests apart: `python -m tools.complexity` measures it against the project's bounds.

Cyclomatic complexity by radon, over functions and methods; C is its grade for 11 and more. Lengths are lines of the
file, from `def` to the last line of the body.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from radon.complexity import cc_visit
from radon.visitors import Function

from tools.workspace import ROOT

SOURCE = ("components", "providers", "emulator", "tools", "benchmarks", "__main__.py")
LOWEST_C = 11
SHOWN = 12


class Bounds(NamedTuple):
    """What the source may have at most."""

    mean: float = 3.0
    grade_c: int = 12
    file_lines: int = 350
    function_lines: int = 50


class Block(NamedTuple):
    """A function or method: where it is, its complexity and its length."""

    place: str
    complexity: int
    lines: int


class Measured(NamedTuple):
    """All functions and methods, and the length of every file."""

    blocks: list[Block]
    files: dict[str, int]

    @property
    def mean(self) -> float:
        """The mean complexity."""
        return sum(block.complexity for block in self.blocks) / max(1, len(self.blocks))


def measure(paths: Sequence[Path], root: Path = ROOT) -> Measured:
    """Read these files and all modules of these folders."""
    blocks: list[Block] = []
    files: dict[str, int] = {}
    for path in sorted(file for each in paths for file in _modules(each)):
        name, text = str(path.relative_to(root)), path.read_text(encoding="utf-8")
        files[name] = len(text.splitlines())
        blocks += _functions(name, text)
    return Measured(blocks, files)


def _modules(path: Path) -> Iterable[Path]:
    return path.rglob("*.py") if path.is_dir() else [path]


def _functions(name: str, text: str) -> list[Block]:
    # Radon names a method beside its class as well as inside it.
    functions = [block for block in cc_visit(text) if isinstance(block, Function)]
    return [
        Block(f"{name}:{each.lineno} {each.fullname}", each.complexity, each.endline - each.lineno + 1)
        for each in functions
    ]


def problems(measured: Measured, bounds: Bounds) -> list[str]:
    """What is over a bound, a line each; the longest or most complex first."""
    graded_c = sorted(of_grade_c(measured), key=lambda block: -block.complexity)
    found = []
    if measured.mean > bounds.mean:
        found.append(f"mean complexity {measured.mean:.3f}, at most {bounds.mean}")
    if len(graded_c) > bounds.grade_c:
        found.append(f"{len(graded_c)} functions of complexity {LOWEST_C} or more, at most {bounds.grade_c}:")
        found += [f"  {block.place}: {block.complexity}" for block in graded_c[:SHOWN]]
    functions = {block.place: block.lines for block in measured.blocks}
    return [*found, *too_long(measured.files, bounds.file_lines), *too_long(functions, bounds.function_lines)]


def of_grade_c(measured: Measured) -> list[Block]:
    """The functions of grade C or worse."""
    return [block for block in measured.blocks if block.complexity >= LOWEST_C]


def too_long(lengths: Mapping[str, int], at_most: int) -> list[str]:
    """Those with more lines than that, the longest first."""
    longest = sorted(lengths.items(), key=lambda item: -item[1])
    return [f"{place}: {lines} lines, at most {at_most}" for place, lines in longest if lines > at_most]


def figures(measured: Measured) -> str:
    """The measured values in one line."""
    longest_function = max(block.lines for block in measured.blocks)
    return (
        f"{len(measured.blocks):,} functions, mean complexity {measured.mean:.3f},"
        f" {len(of_grade_c(measured))} of {LOWEST_C} or more;"
        f" longest file {max(measured.files.values())} lines, longest function {longest_function}"
    )


def main() -> int:
    """Print the figures and what is over a bound; the exit code."""
    measured = measure([ROOT / name for name in SOURCE])
    found = problems(measured, Bounds())
    sys.stdout.write("\n".join([figures(measured), *found]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
