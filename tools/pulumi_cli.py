"""Runs the real Pulumi CLI for a stack: signals, stack selection, what a run changed, and locks left behind."""

import json
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from tools.emulator_process import alive
from tools.exit_codes import NotRead
from tools.workspace import ROOT

UNCHANGED = ("same", "read")
NEWEST_RUNS = 20
STACK_TYPE = "pulumi:pulumi:Stack"


class Deployment(NamedTuple):
    """What a stack is: its outputs, and its resources as the state holds them."""

    outputs: dict[str, Any]
    resources: list[dict[str, Any]]

    def of_type(self, name: str) -> list[dict[str, Any]]:
        """The outputs of every resource of ours of that type, such as `LiveSync`."""
        suffix = f"dynamic/dualwrite:{name}"
        found = [row for row in self.resources if str(row["type"]).endswith(suffix) and not row.get("delete")]
        return [row.get("outputs") or {} for row in found]


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the CLI on the user's terminal; its exit code.

    Ctrl-C reaches the CLI by itself (one process group). It then ends its running operations and releases its lock,
    so this process waits for it however often the key is pressed, and passes SIGTERM on as an interrupt.
    """
    with subprocess.Popen(["pulumi", *arguments], cwd=ROOT, env=dict(environment)) as process:

        def pass_on(_number: int, _frame: FrameType | None) -> None:
            process.send_signal(signal.SIGINT)

        interrupt = signal.signal(signal.SIGINT, lambda _number, _frame: None)
        terminate = signal.signal(signal.SIGTERM, pass_on)
        try:
            return process.wait()
        finally:
            signal.signal(signal.SIGINT, interrupt)
            signal.signal(signal.SIGTERM, terminate)


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
    flags = run.get("environment") or {}
    return run.get("kind") == "refresh" or flags.get("pulumi.flag.refresh") == "true"


def changed(update: Mapping[str, Any]) -> bool:
    """Whether an update did more than find everything as it should be."""
    return any(count for kind, count in (update.get("resourceChanges") or {}).items() if kind not in UNCHANGED)


def deployment(stack: str, environment: Mapping[str, str]) -> Deployment:
    """The stack as its last operation left it."""
    exported = json.loads(ask(("stack", "export", "--stack", stack), environment))
    resources = exported.get("deployment", {}).get("resources") or []
    own: dict[str, Any] = next((row for row in resources if row["type"] == STACK_TYPE), {})
    return Deployment(dict(own.get("outputs") or {}), list(resources))


def lock_advice(stack: str, environment: Mapping[str, str]) -> str | None:
    """What to do about a lock that a killed run left in a file backend; None when the stack is not locked."""
    backend = urlsplit(environment.get("PULUMI_BACKEND_URL", ""))
    if backend.scheme != "file":
        return None
    for path in Path(unquote(backend.path), ".pulumi", "locks").glob(f"organization/*/{stack}/*.json"):
        pid = json.loads(path.read_text()).get("pid")
        if pid and not alive(pid):
            return (
                f"Stack '{stack}' is locked by a run that was killed (process {pid})."
                f' Release it: eval "$(make -s env STACK={stack})"; pulumi cancel --yes --stack {stack}'
            )
    return None
