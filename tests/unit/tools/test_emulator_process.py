import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import emulator_process
from tools.workspace import ROOT


def test_living_process_is_alive() -> None:
    assert emulator_process.alive(os.getpid())


def test_ended_child_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not emulator_process.alive(child.pid)
    child.wait()


def test_command_that_stopped_its_emulator_ends_without_a_warning(tmp_path: Path) -> None:
    program = """
import sys, pathlib
from tools import emulator_process
from tools.workspace import ROOT
state = pathlib.Path(sys.argv[1])
emulator_process.start(state=state)
emulator_process.stop(state)
"""
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path / "emulator")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "described",
    [
        "",
        "{}",
        "[]",
        "7",
        "not json",
        '{"url": "http://127.0.0.1:9", "ca": "/ca.pem", "pid": 7}',
        '{"url": 1, "ca": 2}',
    ],
    ids=["empty", "no members", "list", "number", "broken", "nobody answers", "cut"],
)
def test_stale_description_is_no_running_emulator(tmp_path: Path, described: str) -> None:
    (tmp_path / "emulator.json").write_text(described)
    assert emulator_process.running(tmp_path) is None
    assert emulator_process.stop(tmp_path) is None


@pytest.mark.parametrize(("folder", "pid"), [("other", 7), ("own", -1), ("own", 0), ("own", 1)])
def test_description_from_elsewhere_ends_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, pid: int
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    described = {"url": "http://127.0.0.1:9", "ca": str(tmp_path / folder / "ca.pem"), "pid": pid}
    (own / "emulator.json").write_text(json.dumps(described))
    monkeypatch.setattr(emulator_process, "answers", lambda _url: True)
    assert emulator_process.running(own) is None
    assert emulator_process.stop(own) is None
