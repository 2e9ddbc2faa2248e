"""`pulumi install` sets up the environment that Pulumi.yaml names, and puts nothing beside the program."""

import os
import shutil
import subprocess
from pathlib import Path

from tools.workspace import ROOT


def test_install_fills_the_named_environment_and_not_the_project(engine: Path, tmp_path: Path) -> None:
    for name in ("Pulumi.yaml", "requirements.txt", "__main__.py"):
        shutil.copy2(ROOT / name, tmp_path)
    variables = {
        "PATH": f"{engine}:{os.environ['PATH']}",
        "PULUMI_HOME": str(tmp_path.parent / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_BACKEND_URL": tmp_path.parent.as_uri(),
        "PIP_NO_INDEX": "1",  # so it ends where packages would be fetched
    }
    command = ["pulumi", "install", "--non-interactive"]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | variables, capture_output=True, text=True, timeout=120, check=False
    )
    assert (tmp_path / ".venv" / "pyvenv.cfg").exists(), done.stdout + done.stderr
    assert {file.name for file in tmp_path.iterdir()} == {"Pulumi.yaml", "requirements.txt", "__main__.py", ".venv"}
