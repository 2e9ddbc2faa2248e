"""A run that is interrupted ends in order; one that is killed leaves a lock, and the advice how to release it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.harness import Project
from tools.pulumi_cli import lock_advice
from tools.workspace import ROOT

COUNT = 40
RUN = """
import os, sys
from tools import pulumi_cli
pulumi_cli.ROOT = os.getcwd()
sys.exit(pulumi_cli.run(sys.argv[1:], os.environ))
"""


@pytest.fixture
def bulk(program: Callable[[str], Project]) -> Project:
    """A stack that takes long enough to be interrupted."""
    project = program("bulk")
    project.configure(f"bulk:count: {COUNT}")
    return project


def started(project: Project) -> subprocess.Popen[str]:
    """`pulumi up` as `make up` runs it, in a process group of its own, with the first resource being created."""
    command = [sys.executable, "-c", RUN, "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never"]
    environment = project.environment | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, cwd=project.folder, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    next(line for line in process.stdout if "Thing" in line)
    return process


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


def test_lock_of_killed_run_is_explained_and_released(bulk: Project) -> None:
    process = started(bulk)
    (lock,) = locks(bulk)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=120)
    assert lock.exists()
    assert "pulumi cancel --yes --stack test" in str(lock_advice("test", bulk.environment))
    bulk.run("cancel", "--yes")
    assert locks(bulk) == []
