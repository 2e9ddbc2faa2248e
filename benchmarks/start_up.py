"""What a preview without changes and a refresh take, against a bare program of as many trivial dynamic resources.

Both go through the same engine, language host and kind of provider process; what is more is this program's own. A
refresh calls services, so that its floor is the bare program whose provider imports the HTTP client and azure-identity.
Runs alternate, and the median of each counts.
"""

import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures import Figure
from tools import emulator_process, workspace
from tools.engine.build import engine_folder
from tools.workspace import ROOT

STACK = "new-new"
# The dynamic resources of new-new, not counting the component and the stack.
RESOURCES = 12
ROUNDS = 11
PREVIEW_BAR, REFRESH_BAR = 1.3, 1.6
PROGRAM = ("__main__.py", "components", "providers", "Pulumi.yaml", ".venv")
SETTINGS = """
name: bare
runtime:
  name: python
  options: {toolchain: pip, virtualenv: .venv}
stackConfigDir: stacks
"""
BARE = f"""
from things import Thing

for number in range({RESOURCES}):
    Thing(f"thing-{{number}}", {{"size": number}})
"""
THINGS = """
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider


class ThingProvider(ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        return CreateResult(str(props["size"]), dict(props))

    def diff(self, id_, olds, news):
        return DiffResult(changes=False)

    def read(self, id_, props):
        IMPORTS
        return ReadResult(id_, dict(props))


class Thing(Resource):
    def __init__(self, name, props):
        super().__init__(ThingProvider(), name, props)
"""
CLIENTS = "import httpx, azure.identity"


class Program(NamedTuple):
    """A program that is up, in a folder and backend of its own."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> float:
        """Seconds that a command of the CLI takes."""
        begun = time.perf_counter()
        subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            check=True,
        )
        return time.perf_counter() - begun


def start_up(folder: Path) -> list[Figure]:
    """A preview and a refresh of `new-new` that find nothing to do, each beside the bare program."""
    state = folder / "emulator"
    emulator_process.start(state=state)
    try:
        engine = engine_folder(print)
        environment = workspace.child_environment(engine, emulator_process.variables(state))
        own = _brought_up(folder / "product", environment, _product)
        bare = _brought_up(folder / "bare", environment, lambda place: _bare(place, "pass"))
        clients = _brought_up(folder / "clients", environment, lambda place: _bare(place, CLIENTS))
        previews = _medians([own, bare], "preview")
        refreshes = _medians([own, bare, clients], "refresh", "--yes", "--skip-preview")
    finally:
        emulator_process.stop(state)
    return [
        _figure(f"preview of {STACK} without changes", previews, PREVIEW_BAR),
        _figure(f"refresh of {STACK}", refreshes[:2], REFRESH_BAR),
        _figure(f"refresh of {STACK}, bare program with the clients imported", refreshes[::2], REFRESH_BAR),
    ]


def _figure(what: str, seconds: list[float], bar: float) -> Figure:
    own, bare = seconds
    return Figure(what, f"{own:.2f} s", f"{bare:.2f} s of {RESOURCES} trivial; {own / bare:.2f} times, bar {bar}")


def _medians(programs: list[Program], *command: str) -> list[float]:
    rounds = [[program.run(*command) for program in programs] for _ in range(ROUNDS)]
    return [statistics.median(taken) for taken in zip(*rounds, strict=True)]


def product(place: Path, environment: dict[str, str]) -> Program:
    """This program with the stack `new-new`, which is not up."""
    return _made(place, environment, _product)


def _brought_up(place: Path, environment: dict[str, str], write: Callable[[Path], None]) -> Program:
    program = _made(place, environment, write)
    program.run("up", "--yes", "--skip-preview")
    return program


def _made(place: Path, environment: dict[str, str], write: Callable[[Path], None]) -> Program:
    folder = place / "program"
    (folder / "stacks").mkdir(parents=True)
    (place / "state").mkdir()
    write(folder)
    own = {
        "PULUMI_HOME": str(place / "home"),
        "PULUMI_BACKEND_URL": (place / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": workspace.DEMO_PASSPHRASE,
    }
    program = Program(folder, {**environment, **own})
    program.run("stack", "init", STACK)
    return program


def _product(folder: Path) -> None:
    for name in PROGRAM:
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(workspace.STACKS / f"Pulumi.{STACK}.yaml", folder / "stacks")


def _bare(folder: Path, imports: str) -> None:
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / "Pulumi.yaml").write_text(SETTINGS)
    (folder / "__main__.py").write_text(BARE)
    (folder / "things.py").write_text(THINGS.replace("IMPORTS", imports))
