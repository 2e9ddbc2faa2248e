"""Asks the real Pulumi CLI about a stack: selection, runs, what they changed, what killed ones left in the state."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tools.bags import entries, mapping
from tools.exit_codes import NotRead
from tools.workspace import ROOT, make

UNCHANGED = ("same", "read")
NEWEST_RUNS = 20
STACK_TYPE = "pulumi:pulumi:Stack"


class Deployment(NamedTuple):
    """What a stack is: its outputs, its resources as the state holds them, and creations that a killed run began."""

    outputs: dict[str, Any]
    resources: list[dict[str, Any]]
    pending_creates: int = 0

    def require_resources(self, stack: str) -> None:
        """Raise NotRead where a `destroy`, or an `up` that made nothing, left none."""
        if not self.resources:
            raise NotRead(f"Stack '{stack}' has no resources, so there is nothing to prove: {make('up', stack)} first.")

    def of_type(self, name: str) -> list[dict[str, Any]]:
        """The outputs of every resource of ours of that type, such as `LiveSync`."""
        suffix = f"dynamic/dualwrite:{name}"
        rows = [row for row in self.resources if str(row["type"]).endswith(suffix) and not row.get("delete")]
        return [mapping(row, "outputs") for row in rows]


def ask(arguments: Sequence[str], environment: Mapping[str, str], folder: Path = ROOT) -> str:
    """Run a short command of the CLI in the project in `folder`; what it printed."""
    answer = subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise NotRead(answer.stderr.strip() or f"pulumi {' '.join(arguments)} failed")
    return answer.stdout


def select(stack: str, environment: Mapping[str, str]) -> None:
    """Make the stack the current one, created in the backend if it is new there."""
    try:
        ask(("stack", "select", stack, "--create"), environment)
    except NotRead as problem:
        # Another command may have created it since this one looked.
        try:
            ask(("stack", "select", stack), environment)
        except NotRead:
            raise problem from None


def history(stack: str, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """The newest runs of the stack, the last one first."""
    size = str(NEWEST_RUNS)
    text = ask(("stack", "history", "--stack", stack, "--json", "--page-size", size), environment)
    return [dict(entry) for entry in json.loads(text or "[]")]


def read_services(run: Mapping[str, Any]) -> bool:
    """Whether a run read every resource anew before it did anything."""
    return run.get("kind") == "refresh" or mapping(run, "environment").get("pulumi.flag.refresh") == "true"


def changed(update: Mapping[str, Any]) -> bool:
    """Whether an update did more than find everything as it should be."""
    return any(count for kind, count in mapping(update, "resourceChanges").items() if kind not in UNCHANGED)


def deployment(stack: str, environment: Mapping[str, str], folder: Path = ROOT) -> Deployment:
    """The stack as its last operation left it."""
    exported = json.loads(ask(("stack", "export", "--stack", stack), environment, folder))
    stored = mapping(exported, "deployment")
    resources = entries(stored, "resources")
    own = next((row for row in resources if row["type"] == STACK_TYPE), None)
    creating = sum(each["type"] == "creating" for each in entries(stored, "pending_operations"))
    return Deployment(mapping(own, "outputs"), resources, creating)


def forget_pending_operations(stack: str, environment: Mapping[str, str], folder: Path = ROOT) -> None:
    """Forget what a killed run began, after an `up` that has made, found or changed its objects.

    The engine keeps pending creations, and warns of each, until someone answers for them; ours are find-or-create. An
    import drops all pending operations.
    """
    with TemporaryDirectory(prefix="dualwrite-") as private:
        file = Path(private, "state.json")
        file.write_text(ask(("stack", "export", "--stack", stack), environment, folder), encoding="utf-8")
        ask(("stack", "import", "--stack", stack, "--file", str(file)), environment, folder)
