"""The script that the CLI starts as its Python language host."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from tools.workspace import ROOT

SCRIPT = ROOT / "tools/engine/bin/pulumi-language-python"


def executable(path: Path, text: str) -> None:
    """A shell script of this text."""
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def test_cli_reads_the_hosts_output_to_its_end_without_waiting_for_the_watcher(tmp_path: Path) -> None:
    shutil.copy2(SCRIPT, tmp_path)
    executable(tmp_path / "pulumi-language-python-host", 'echo "$1"')
    (tmp_path / "bin").mkdir()
    # The watcher's next look never comes.
    executable(tmp_path / "bin/sleep", "exec tail -f /dev/null")
    host = subprocess.Popen(
        [tmp_path / SCRIPT.name, "127.0.0.1:4711"],
        env={**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert host.communicate(timeout=30) == ("127.0.0.1:4711\n", "")
    finally:
        os.killpg(host.pid, signal.SIGKILL)
