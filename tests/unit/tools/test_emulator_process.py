import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import emulator_process


def test_living_process_is_alive() -> None:
    assert emulator_process.alive(os.getpid())


def test_ended_child_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not emulator_process.alive(child.pid)
    child.wait()


@pytest.mark.parametrize(
    "described",
    ["", "{}", "not json", '{"url": "http://127.0.0.1:9", "ca": "/ca.pem", "pid": 1}'],
    ids=["empty", "no members", "broken", "nobody answers"],
)
def test_stale_description_is_no_running_emulator(tmp_path: Path, described: str) -> None:
    (tmp_path / "emulator.json").write_text(described)
    assert emulator_process.running(tmp_path) is None
    assert emulator_process.stop(tmp_path) is None
