"""The emulator's modules import each other one way only, and at the top of the file."""

import ast
from pathlib import Path

import grimp
import pytest

import emulator

FOLDER = Path(emulator.__file__).parent
MODULES = sorted(FOLDER.rglob("*.py"))
# `env` and `token` run at every start of a program and must not pay for the tenant's modules, nor the emulator's start
# for the page's template engine.
LAZY = {"__main__.py", "page.py"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import: at the top of a module, inside a function, and for type checkers only."""
    return grimp.build_graph("emulator", exclude_type_checking_imports=False, cache_dir=None)


def test_no_module_reaches_itself_by_any_import(graph: grimp.ImportGraph) -> None:
    circles = [
        f"{module} -> {imported}"
        for module in sorted(graph.modules)
        for imported in sorted(graph.find_modules_directly_imported_by(module))
        if graph.chain_exists(importer=imported, imported=module)
    ]
    assert circles == []


def test_every_module_is_seen(graph: grimp.ImportGraph) -> None:
    assert len(graph.modules) == len(MODULES)
    assert graph.chain_exists(importer="emulator.app", imported="emulator.core.store")


def test_core_knows_neither_tenant_nor_services(graph: grimp.ImportGraph) -> None:
    parts = sorted(graph.find_descendants("emulator.core"))
    reached = {other for part in parts for other in graph.find_upstream_modules(part)}
    assert parts
    assert sorted(other for other in reached if not other.startswith("emulator.core")) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_imports_stand_at_the_top_of_the_module(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    at_the_top = {id(node) for node in tree.body}
    elsewhere = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in at_the_top
    ]
    by_name = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
        and (node.id if isinstance(node, ast.Name) else node.attr) in {"__import__", "import_module", "TYPE_CHECKING"}
    ]
    if path.name in LAZY:
        elsewhere = []
    assert (elsewhere, by_name) == ([], [])
