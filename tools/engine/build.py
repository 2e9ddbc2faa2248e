"""Finds the Pulumi engine for this clone, or builds it once for this machine. Standard library only.

Owns the folder `${XDG_CACHE_HOME:-~/.cache}/dualwrite/engine/<hash of the pins>`: the CLI, the Python language host and
the two companion scripts of `bin/`. The pins are the `go.mod` and `go.sum` files beside this module.
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
    """One Go command that is built from a module of its own."""

    module: str
    package: str
    name: str
    flags: tuple[str, ...]

    def text(self) -> str:
        """The module's `go.mod`."""
        return (HERE / self.module / "go.mod").read_text()

    def version(self) -> str:
        """The pinned version, such as `v3.259.0`."""
        found = PIN.findall(self.text())
        if not found:
            raise EngineUnavailable(f"tools/engine/{self.module}/go.mod pins no Pulumi module")
        return str(max(found, key=numbers))


VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
CLI = GoProgram("cli", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", "pulumi", ("-tags", "osusergo,grpcnotrace"))
LANGUAGE_HOST = GoProgram(
    "python", "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python", "pulumi-language-python", ()
)
PROGRAMS = (LANGUAGE_HOST, CLI)


def numbers(version: str) -> tuple[int, ...]:
    """`v3.259.0-alpha.1` as `(3, 259, 0)`."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0]))


def engine_folder(report: Report) -> Path:
    """The folder to put first on PATH: that of a fitting `pulumi` on PATH, else of our own build."""
    return on_path() or built(report)


def on_path() -> Path | None:
    """The folder of a `pulumi` on PATH within the supported versions that has its language host with it."""
    command = shutil.which("pulumi")
    if command is None or Path(command).is_relative_to(cache()):
        return None
    folder = Path(command).resolve().parent
    if not (folder / LANGUAGE_HOST.name).exists():
        return None
    return folder if OLDEST <= reported_version(folder) < TOO_NEW else None


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


def pins() -> str:
    """A short hash of all that decides what a build yields."""
    digest = hashlib.sha256(f"{platform.system()} {platform.machine()}".encode())
    modules = [HERE / program.module / name for program in PROGRAMS for name in ("go.mod", "go.sum")]
    for path in [*modules, *sorted((HERE / "bin").iterdir())]:
        digest.update(f"\n{path.relative_to(HERE)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def built(report: Report) -> Path:
    """Our own build for these pins, made now if this machine has none. Safe to call from several processes."""
    folder = cache() / pins()
    if folder.is_dir():
        return folder
    go = usable_go()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.parent / "build.lock", report):
        if not folder.is_dir():
            build(go, folder, report)
    return folder


def usable_go() -> str:
    """The `go` command; refused when it is missing or too old for the pinned modules."""
    needed = max((GO_DIRECTIVE.findall(program.text())[0] for program in PROGRAMS), key=numbers)
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


def build(go: str, folder: Path, report: Report) -> None:
    """Build into a temporary neighbour, try it, and rename it into place."""
    report(
        f"Building the Pulumi engine {CLI.version()} from its pinned Go modules. Once for this machine;"
        f" about 6 minutes on 2 cores. It goes to {folder}"
    )
    for left_by_a_killed_build in folder.parent.glob("building-*"):
        shutil.rmtree(left_by_a_killed_build)
    temporary = Path(tempfile.mkdtemp(prefix="building-", dir=folder.parent))
    try:
        for step, program in enumerate(PROGRAMS, 1):
            report(f"  {step} of {len(PROGRAMS)}: {program.name} {program.version()}")
            compile_program(go, program, temporary)
        for script in (HERE / "bin").iterdir():
            shutil.copy2(script, temporary)
        if reported_version(temporary) != numbers(CLI.version()):
            raise EngineUnavailable(f"The Pulumi engine was built but does not report {CLI.version()}.")
        temporary.chmod(0o755)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def compile_program(go: str, program: GoProgram, folder: Path) -> None:
    """`go build` of one program into the folder, with nothing but what its `go.sum` names."""
    link = f"-s -w -X {VERSION_VARIABLE}={program.version()}"
    command = [go, "build", "-mod=readonly", "-trimpath", *program.flags, "-ldflags", link, "-o", str(folder)]
    environment = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    done = subprocess.run([*command, program.package], cwd=HERE / program.module, env=environment, check=False)
    if done.returncode:
        raise EngineUnavailable(f"Building {program.name} failed; Go's own message stands above.")


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
