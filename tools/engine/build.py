"""Finds the Pulumi engine for this clone, or builds it once for this machine. Standard library only.

Owns the folder `${XDG_CACHE_HOME:-~/.cache}/dualwrite/engine`: one engine per set of pins, `<hash>`, with the CLI, the
Python language host and the scripts of `bin/`; and under `programs/` each Go program as it was compiled, once per
`go.mod` and `go.sum`, so that a changed script costs no build.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tools import bootstrap

HERE = Path(__file__).resolve().parent
OLDEST, TOO_NEW = (3, 259, 0), (4, 0, 0)
INSTALL_PULUMI = "curl -fsSL https://get.pulumi.com | sh"
PIN = re.compile(r"^\s*github\.com/pulumi/pulumi/(?:pkg|sdk)/v3 (v\S+)", re.MULTILINE)
GO_DIRECTIVE = re.compile(r"^go (\S+)", re.MULTILINE)

Report = Callable[[str], None]


class EngineUnavailable(Exception):
    """There is no engine and none can be built; the text says what to do."""


class GoProgram(NamedTuple):
    """One Go command that is built from a module of its own, and how long that takes on 2 cores."""

    module: str
    package: str
    name: str
    flags: tuple[str, ...]
    cost: str

    def text(self) -> str:
        """The module's `go.mod`."""
        return (HERE / self.module / "go.mod").read_text()

    def version(self) -> str:
        """The pinned version, such as `v3.274.1`."""
        found = PIN.findall(self.text())
        if not found:
            raise EngineUnavailable(f"tools/engine/{self.module}/go.mod pins no Pulumi module")
        return str(max(found, key=numbers))

    def pins(self) -> str:
        """A short hash of all that decides what a build yields."""
        files = (HERE / self.module / name for name in ("go.mod", "go.sum"))
        return _digest(" ".join((platform.system(), platform.machine(), self.package, *self.flags)), files)

    def compiled(self) -> Path:
        """The program in the cache, which need not be there yet."""
        return cache() / "programs" / self.pins() / self.name


VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
CLI_PACKAGE, CLI_FLAGS = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", ("-tags", "osusergo,grpcnotrace")
CLI = GoProgram("cli", CLI_PACKAGE, "pulumi", CLI_FLAGS, "about 6 minutes")
OLDEST_CLI = GoProgram("oldest", CLI_PACKAGE, "pulumi", CLI_FLAGS, "about 6 minutes")
# `bin/pulumi-language-python` starts it.
LANGUAGE_HOST = GoProgram(
    "python",
    "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
    "pulumi-language-python-host",
    (),
    "20 seconds",
)


def numbers(version: str) -> tuple[int, ...]:
    """`v3.259.0-alpha.1` as `(3, 259, 0)`."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0]))


def engine_folder(report: Report) -> Path:
    """The folder to put first on PATH: that of a fitting `pulumi` on PATH, else of our own build."""
    return on_path(report) or built(report)


def tested_engine(report: Report) -> Path:
    """The folder of the pinned engine; where it cannot be built, that of a fitting `pulumi` on PATH, which is said."""
    try:
        return built(report)
    except EngineUnavailable:
        other = on_path(report)
        if other is None:
            raise
        report(f"The tests run the Pulumi of {other} instead of the pinned {CLI.version()}.")
        return other


def oldest_engine(report: Report) -> Path:
    """The folder of the oldest supported engine, which one test runs."""
    return built(report, OLDEST_CLI)


def on_path(report: Report) -> Path | None:
    """The folder of a `pulumi` on PATH within the supported versions that has its language host with it."""
    command = shutil.which("pulumi")
    if command is None or Path(command).is_relative_to(cache()):
        return None
    folder = Path(command).resolve().parent
    if not (folder / "pulumi-language-python").exists():
        return None
    version = reported_version(folder)
    if not OLDEST <= version < TOO_NEW:
        return None
    if version > numbers(CLI.version()):
        report(f"Pulumi {'.'.join(map(str, version))} on PATH is untested here; the tests run {CLI.version()}.")
    return folder


def reported_version(folder: Path) -> tuple[int, ...]:
    """What the CLI in that folder says of itself; `()` when it does not run."""
    try:
        answer = subprocess.run(
            [folder / CLI.name, "version"],
            env=os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return numbers(answer.stdout.strip()) if answer.returncode == 0 else ()


def cache() -> Path:
    """The folder that holds one engine per set of pins."""
    return bootstrap.cache() / "engine"


def folder_of(cli: GoProgram) -> Path:
    """The folder of the engine with that CLI, which need not be there yet."""
    return cache() / _digest(f"{cli.pins()} {LANGUAGE_HOST.pins()}", sorted((HERE / "bin").iterdir()))


def built(report: Report, cli: GoProgram = CLI) -> Path:
    """Our own build for these pins, made now if this machine has none. Safe to call from several processes."""
    folder = folder_of(cli)
    if folder.is_dir():
        return folder
    programs = [LANGUAGE_HOST, cli]
    go = usable_go(not_compiled(programs))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.parent / "build.lock", report):
        for left_by_a_killed_build in folder.parent.glob("building-*"):
            shutil.rmtree(left_by_a_killed_build)
        for program in not_compiled(programs):
            build(go, program, report)
        if not folder.is_dir():
            assemble(programs, folder)
    return folder


def not_compiled(programs: list[GoProgram]) -> list[GoProgram]:
    """Those that this machine has not compiled yet."""
    return [program for program in programs if not program.compiled().exists()]


def usable_go(programs: list[GoProgram]) -> str:
    """The `go` command; refused when it is missing or too old for one of these, of which there may be none."""
    if not programs:
        return ""
    needed = max((GO_DIRECTIVE.findall(program.text())[0] for program in programs), key=numbers)
    advice = f"Install Pulumi instead: {INSTALL_PULUMI}"
    command = shutil.which("go")
    if command is None:
        raise EngineUnavailable(f"No Pulumi {range_text()} on PATH, and no Go to build one with. {advice}")
    answer = subprocess.run([command, "env", "GOVERSION"], capture_output=True, text=True, check=False)
    found = answer.stdout.strip().removeprefix("go")
    if numbers(found) < numbers(needed):
        raise EngineUnavailable(f"Go {found} is too old to build Pulumi, which needs Go {needed}. {advice}")
    return command


def range_text() -> str:
    """The supported versions as `Pulumi.yaml` writes them."""
    return f">={'.'.join(map(str, OLDEST))} <{'.'.join(map(str, TOO_NEW))}"


@contextmanager
def locked(path: Path, report: Report) -> Iterator[None]:
    """Hold the lock file; says so when another process has it."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Another process is building the Pulumi engine; waiting for it.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(go: str, program: GoProgram, report: Report) -> None:
    """Compile one program into a temporary neighbour, try it, and rename it into place."""
    target = program.compiled().parent
    report(
        f"Building {program.name} {program.version()} of the Pulumi engine from its pinned Go modules. Once for this"
        f" machine; {program.cost} on 2 cores. It goes to {target}"
    )
    with _neighbour() as temporary:
        compile_program(go, program, temporary)
        if program.name == CLI.name and reported_version(temporary) != numbers(program.version()):
            raise EngineUnavailable(f"The Pulumi engine was built but does not report {program.version()}.")
        target.parent.mkdir(exist_ok=True)
        temporary.rename(target)


def compile_program(go: str, program: GoProgram, folder: Path) -> None:
    """`go build` of one program into the folder, with nothing but what its `go.sum` names."""
    link = f"-s -w -X {VERSION_VARIABLE}={program.version()}"
    target = str(folder / program.name)
    command = [go, "build", "-mod=readonly", "-trimpath", *program.flags, "-ldflags", link, "-o", target]
    environment = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    done = subprocess.run([*command, program.package], cwd=HERE / program.module, env=environment, check=False)
    if done.returncode:
        raise EngineUnavailable(f"Building {program.name} failed; Go's own message stands above.")


def assemble(programs: list[GoProgram], folder: Path) -> None:
    """Lay the compiled programs and the scripts side by side, where each looks for the others."""
    with _neighbour() as temporary:
        for program in programs:
            os.link(program.compiled(), temporary / program.name)
        for script in (HERE / "bin").iterdir():
            shutil.copy2(script, temporary)
        temporary.rename(folder)


@contextmanager
def _neighbour() -> Iterator[Path]:
    """An empty folder in the cache, which is gone afterwards unless it was renamed."""
    temporary = Path(tempfile.mkdtemp(prefix="building-", dir=cache()))
    try:
        temporary.chmod(0o755)
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _digest(text: str, files: "Iterator[Path] | list[Path]") -> str:
    digest = hashlib.sha256(text.encode())
    for path in files:
        digest.update(f"\n{path.relative_to(HERE)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def main() -> int:
    """Print the engine's folder."""
    try:
        folder = engine_folder(lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201
    except EngineUnavailable as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        return 1
    print(folder)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
