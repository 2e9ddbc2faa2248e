"""What tests share stands in modules of its own: no test module is imported by another."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]


def imported(text: str) -> Iterator[str]:
    """Every module, and every name of a module, that a file imports at any place."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def of_a_test_module(name: str) -> bool:
    return any(part.startswith("test_") for part in name.split("."))


def test_no_test_module_is_imported() -> None:
    files = [file for file in TESTS.rglob("*.py") if "fixtures" not in file.parts]
    found = [(str(file.relative_to(TESTS)), name) for file in files for name in imported(file.read_text())]
    assert len(found) > 1000
    assert [each for each in found if each[1].startswith(("tests.", ".")) and of_a_test_module(each[1])] == []


def test_imports_are_seen_in_every_form() -> None:
    text = "import tests.unit.test_a\ndef f():\n    from tests.unit import test_b\n    from .test_c import d\n"
    assert [of_a_test_module(name) for name in imported(text)] == [True, True, True]
