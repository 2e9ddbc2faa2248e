"""Fixtures of the engine tests, which are skipped visibly where no Pulumi CLI is on PATH (`make test` has one)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.harness import Project, Tenant, find_engine, program_files, update_wanted
from tests.support.warm import Interpreter
from tools.workspace import ROOT

GOLDEN = Path(__file__).parent / "golden"
# Files of more than a minute and a half, the longest first: each stays with one worker.
LONGEST = (
    "test_scenarios.py",
    "test_pipelines.py",
    "test_protection.py",
    "test_state_of_older_code.py",
    "test_handover.py",
    "test_line.py",
)
PROGRAMS = Path(__file__).parent / "programs"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything under this folder needs the real engine; what takes longest begins first."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.engine)
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def engine() -> Path:
    """The folder of the Pulumi CLI."""
    folder = find_engine()
    if folder is None:
        pytest.skip("no pulumi on PATH; `make test` sets one up")
    return folder


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """An emulator of the test module's own."""
    tenant = Tenant(tmp_path_factory.mktemp("tenant"))
    yield tenant
    tenant.stop()


@pytest.fixture(scope="session")
def warm_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A `python` that has imported already what programs and providers import: half of what a run of the CLI takes.

    `test_engine.py`, the oldest CLI's test and whatever starts commands of `tools` run the real one.
    """
    interpreter = Interpreter(tmp_path_factory.mktemp("warm"))
    yield interpreter.path
    interpreter.close()


@pytest.fixture(scope="module")
def new_project(
    engine: Path, tenant: Tenant, warm_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Project]:
    """Makes a copy of the product's program with an empty backend, on the module's emulator."""
    return lambda: Project(tmp_path_factory.mktemp("project"), engine, program_files(), tenant.variables(), warm_python)


@pytest.fixture
def program(engine: Path, tmp_path: Path) -> Callable[[str], Project]:
    """Makes a project of one of the test programs; it reaches no emulator."""

    def make(name: str) -> Project:
        files = [*sorted((PROGRAMS / name).glob("*.*")), ROOT / "providers", ROOT / ".venv"]
        # The base refuses to write without a dual-write token; these programs never show it to a service.
        return Project(tmp_path, engine, files, {"DUALWRITE_TOKEN": "unused"})

    return make


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares a text with `golden/<name>`; UPDATE_GOLDEN=1 writes it instead."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if update_wanted():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        assert path.read_text() == text, f"{path.name} differs; UPDATE_GOLDEN=1 writes it anew"

    return compare
