"""The real Pulumi CLI and a private emulator, for tests that need both."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import indent
from typing import Any, NamedTuple

import httpx

from tools import emulator_process, workspace
from tools.emulator_process import Emulator
from tools.workspace import DEMO_PASSPHRASE, ROOT

PROGRAM = ("__main__.py", "components", "providers", "Pulumi.yaml", ".venv")
CLOCK = "scaled:7200"
# An encryption salt of the demo passphrase: with it, `stack init` leaves the stack file as it is.
SALT = "v1:/Qts3fwI71w=:v1:6LcSK9ZtakrqZ+zt:ofEMeiwR5YrGQy8hDAhbPgV7VsbgmA=="
READS = {"GET", "HEAD", "OPTIONS"}
# These POSTs only ask: whether a domain is free (BAP), and in which order maps start (E5).
ASKING = {"validateEnvironmentDetails", "GetTemplatePrerequisiteSequences"}


class Result(NamedTuple):
    """What one command of the CLI did."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Everything the user saw."""
        return self.stdout + self.stderr


class Project:
    """A program with stack files, home and backend of its own, driven through the CLI."""

    def __init__(
        self,
        folder: Path,
        engine: Path,
        files: Iterable[Path],
        variables: Mapping[str, str],
        interpreter: Path | None = None,
    ) -> None:
        """Link the program's files into an empty folder, so that no test writes into the repository.

        `interpreter`: what runs program and providers instead of the Python that runs the tests.
        """
        self.folder = folder / "program"
        self.stack = ""
        (self.folder / "stacks").mkdir(parents=True)
        for file in files:
            (self.folder / file.name).symlink_to(file)
        self.state = folder / "state"
        self.state.mkdir()
        self._engine = engine
        self._private = {
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": self.state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": DEMO_PASSPHRASE,
        }
        if interpreter:
            self._private["PULUMI_PYTHON_CMD"] = str(interpreter)
        self.variables = dict(variables)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command."""
        return workspace.child_environment(self._engine, self.variables) | self._private

    @property
    def stack_file(self) -> Path:
        """The file that holds the stack's config."""
        return self.folder / "stacks" / f"Pulumi.{self.stack}.yaml"

    def use(self, stack: str) -> None:
        """Take the product's stack file of that name."""
        self._write(stack, (workspace.STACKS / f"Pulumi.{stack}.yaml").read_text())

    def take(self, stack: str) -> None:
        """Take the product's stack file of that name for a stack that the backend has already."""
        self.stack = stack
        self.stack_file.write_text((workspace.STACKS / f"Pulumi.{stack}.yaml").read_text())
        self.run("stack", "select", stack)

    def configure(self, config: str, stack: str = "test") -> None:
        """Write a stack file with this text under `config:`."""
        self._write(stack, f"encryptionsalt: {SALT}\nconfig:\n{indent(config.strip(), '  ')}\n")

    def add(self, config: str) -> None:
        """Append keys to the config of the stack file."""
        self.stack_file.write_text(f"{self.stack_file.read_text().rstrip()}\n{indent(config.strip(), '  ')}\n")

    def _write(self, stack: str, text: str) -> None:
        self.stack = stack
        new = not self.stack_file.exists()
        self.stack_file.write_text(text)
        if new:
            self.run("stack", "init", stack)

    def run(self, *arguments: str, expect: int | None = 0) -> Result:
        """Run a command of the CLI; its exit code must be the expected one, unless that is None."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        result = Result(done.returncode, done.stdout, done.stderr)
        assert expect is None or result.code == expect, f"pulumi {' '.join(arguments)}: {result.code}\n{result.text}"
        return result

    def preview(self, *arguments: str, expect: int | None = 0) -> Result:
        """`pulumi preview`, without the progress lines that depend on timing."""
        return self.run("preview", "--suppress-progress", *arguments, expect=expect)

    def up(self, *arguments: str, expect: int | None = 0) -> Result:
        """`pulumi up` without questions and without its preview, which takes as long again."""
        return self.run("up", "--yes", "--skip-preview", "--suppress-progress", *arguments, expect=expect)

    def refresh(self, *arguments: str, expect: int | None = 0) -> Result:
        """`pulumi refresh` without questions and preview."""
        return self.run("refresh", "--yes", "--skip-preview", "--suppress-progress", *arguments, expect=expect)

    def destroy(self, *arguments: str, expect: int | None = 0) -> Result:
        """`pulumi destroy` without questions and preview."""
        return self.run("destroy", "--yes", "--skip-preview", "--suppress-progress", *arguments, expect=expect)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        return dict(json.loads(self.run("stack", "output", "--json").stdout))

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the stack's state, without the stack and the providers."""
        deployment = json.loads(self.run("stack", "export").stdout)["deployment"]
        built_in = ("pulumi:pulumi:", "pulumi:providers:")
        return [row for row in deployment.get("resources", []) if not row["type"].startswith(built_in)]


class Tenant:
    """A private emulator process."""

    def __init__(self, folder: Path, clock: str = CLOCK) -> None:
        """Start it on an empty tenant."""
        self._state = folder / "emulator"
        self._clock = clock
        self.emulator: Emulator = emulator_process.start(state=self._state, clock=clock)

    def stop(self) -> None:
        """End the process; the tenant stays on disk."""
        emulator_process.stop(self._state)

    def restart(self) -> None:
        """End it and start it again, on whatever port is free then."""
        self.stop()
        self.emulator = emulator_process.start(state=self._state, clock=self._clock)

    def variables(self) -> dict[str, str]:
        """What a program needs to reach it."""
        return emulator_process.variables(self._state)

    def control(self, path: str, body: Any = None) -> Any:
        """One call of the control plane: POST with a body, GET without."""
        url = f"{self.emulator.url}/_emulator/{path}"
        with httpx.Client(trust_env=False, timeout=30) as client:
            answer = client.get(url) if body is None else client.post(url, json=body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def shown(self) -> str:
        """The pairs and the other environments on the emulator's page, without its requests and buttons."""
        page = httpx.get(self.emulator.url, trust_env=False).raise_for_status().text
        begin, end = page.index('<section id="welcome"'), page.index('<section id="requests"')
        return re.sub(r'<form class="offer".*?</form>', "", page[begin:end], flags=re.DOTALL)

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """The journal's rows after that sequence number."""
        return list(self.control(f"requests?since={since}"))

    def now(self) -> int:
        """The sequence number of the journal's last row."""
        return max((row["seq"] for row in self.control("requests?last=1")), default=0)

    def writes(self, since: int = 0) -> list[str]:
        """`METHOD host path` of every request after that row that was no read and no sign-in."""
        return [
            f"{row['method']} {row['host']}{row['path']}"
            for row in self.requests(since)
            if row["method"] not in READS and row["service"] != "login" and not ASKING & set(row["path"].split("/"))
        ]


def program_files(root: Path = ROOT) -> list[Path]:
    """The files that make up the product's program."""
    return [root / name for name in PROGRAM]


def find_engine() -> Path | None:
    """The folder of the CLI that the test command put on PATH."""
    command = shutil.which("pulumi")
    return Path(command).parent if command else None


def update_wanted() -> bool:
    """Whether golden files are to be written instead of compared."""
    return os.environ.get("UPDATE_GOLDEN", "") not in ("", "0")
