"""A run that is interrupted ends in order; one that is killed leaves a lock, and the advice how to release it."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.harness import Project, Tenant, program_files
from tools import locks as left_locks
from tools import pulumi_cli
from tools.workspace import ROOT

COUNT = 100
# The watcher of the language host looks every second, as the provider process does; a busy machine takes longer.
PATIENCE = 30.0
RUN = """
import os, sys
from tools import interruption
interruption.ROOT = os.getcwd()
sys.exit(interruption.run(sys.argv[1:], os.environ))
"""


@pytest.fixture
def bulk(program: Callable[[str], Project]) -> Project:
    """A stack that takes long enough to be interrupted."""
    project = program("bulk")
    project.configure(f"bulk:count: {COUNT}")
    return project


def started(project: Project, first: str = "Thing") -> subprocess.Popen[str]:
    """`pulumi up` as `make up` runs it, in a process group of its own, with the first resource being created."""
    command = [sys.executable, "-c", RUN, "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never"]
    environment = project.environment | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, cwd=project.folder, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    next(line for line in process.stdout if first in line)
    return process


def processes_of(project: Project) -> dict[int, str]:
    """Every process that was started with the project's state in its environment: a handle of it, and its program."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(project.state).encode() in (folder / "environ").read_bytes():
                found[os.pidfd_open(int(folder.name))] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


def those_that_stay(processes: dict[int, str]) -> list[str]:
    """The programs among them that have not ended after a while."""
    end, left = time.monotonic() + PATIENCE, []
    for handle, program in processes.items():
        ended, _, _ = select.select([handle], [], [], max(0.0, end - time.monotonic()))
        left += [] if ended else [program]
        os.close(handle)
    return left


def locks(project: Project) -> list[Path]:
    return list((project.state / ".pulumi" / "locks").rglob("*.json"))


@pytest.mark.parametrize("to_group", [True, False], ids=["Ctrl-C", "SIGTERM"])
def test_interrupted_run_ends_in_order_and_unlocks(bulk: Project, to_group: bool) -> None:
    process = started(bulk)
    if to_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "update canceled" in output
    assert locks(bulk) == []
    bulk.up()
    assert len(bulk.resources()) == COUNT


def test_interrupted_wait_for_a_service_ends_and_says_how_to_continue(
    engine: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # In this tenant an environment takes minutes, as it does at Microsoft's.
    tenant = Tenant(tmp_path_factory.mktemp("tenant"), clock="scaled:1")
    project = Project(tmp_path, engine, program_files(), tenant.variables())
    project.use("new-new")
    process = started(project, "CdsInstance")
    try:
        while not any("scopes/admin" in write or "/environments" in write for write in tenant.writes()):
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        assert "create failed: interrupted; run `up` again to continue" in output
        assert "Traceback" not in output
        assert locks(project) == []
    finally:
        process.kill()
        tenant.stop()


def test_lock_of_a_killed_run_is_released_by_the_next_one(bulk: Project) -> None:
    process = started(bulk)
    (lock,) = locks(bulk)
    processes = processes_of(bulk)
    assert any("pulumi-language-python" in program for program in processes.values())
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=120)
    assert lock.exists()
    assert those_that_stay(processes) == []
    # As a run leaves it that is killed the moment it keeps its state.
    (attributes,) = (bulk.state / ".pulumi/stacks").rglob("test.json.attrs")
    attributes.write_text("")
    assert "failed to load checkpoint: EOF" in bulk.up(expect=None).text
    (line,) = left_locks.release("test", bulk.environment)
    assert line.startswith("Stack 'test' was locked by a run that was killed (process ")
    assert locks(bulk) == []
    bulk.up()


def test_creations_that_a_killed_run_began_are_forgotten_once_an_up_has_ended(bulk: Project) -> None:
    bulk.configure("bulk:count: 2")
    bulk.up()
    (file,) = (bulk.state / ".pulumi/stacks").rglob("test.json")
    state = json.loads(file.read_text())
    latest = state["checkpoint"]["latest"]
    (thing,) = [row for row in latest["resources"] if row["urn"].endswith("::thing-1")]
    latest["pending_operations"] = [{"resource": thing, "type": "creating"}]
    file.write_text(json.dumps(state))
    assert "thing-1, interrupted while creating" in bulk.up("--expect-no-changes").text
    assert pulumi_cli.deployment("test", bulk.environment, bulk.folder).pending_creates == 1
    pulumi_cli.forget_pending_operations("test", bulk.environment, bulk.folder)
    assert "interrupted" not in bulk.up("--expect-no-changes").text
    assert pulumi_cli.deployment("test", bulk.environment, bulk.folder).pending_creates == 0
