"""The make targets' commands in a clone of their own: set-up, proof after a change only, clean tree, stop."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.workspace import ROOT

PARTS = ("components", "emulator", "providers", "stacks", "tools", "__main__.py", "Pulumi.yaml")


class Clone:
    """A copy of the product in which `python -m tools` is run as the Makefile does."""

    def __init__(self, folder: Path, engine: Path) -> None:
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(ROOT / part, folder / part)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        self.folder = folder
        self.files = self.contents()
        given = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "DUALWRITE_"))}
        self._environment = given | {"PATH": f"{engine}:{os.environ['PATH']}"}

    def contents(self) -> dict[str, bytes]:
        """Every file that git would know, with its bytes."""
        files = (file for part in PARTS for file in [self.folder / part, *(self.folder / part).rglob("*")])
        return {
            str(file.relative_to(self.folder)): file.read_bytes()
            for file in files
            if file.is_file() and "__pycache__" not in file.parts
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        python = str(self.folder / ".venv" / "bin" / "python")
        return subprocess.run(
            [python, "-m", "tools", *command],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )


@pytest.fixture(scope="module")
def clone(engine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A copy whose emulator is stopped at the end."""
    clone = Clone(tmp_path_factory.mktemp("clone"), engine)
    yield clone
    clone.run("stop")


def test_up_proves_after_a_change_and_only_then(clone: Clone) -> None:
    first = clone.run("up", "new-new")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "ready" in first.stdout
    assert "proved" in first.stdout.casefold()
    second = clone.run("up", "new-new")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "proved" not in second.stdout.casefold()


def test_up_leaves_every_tracked_file_as_it_was(clone: Clone) -> None:
    assert clone.run("up", "new-new").returncode == 0
    assert clone.contents() == clone.files


def test_env_makes_plain_pulumi_work(clone: Clone) -> None:
    clone.run("up", "new-new")
    exports = clone.run("env", "new-new").stdout
    script = f'{exports}\ncd "{clone.folder}" && pulumi stack output ready'
    shell = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, timeout=60, check=False)
    assert shell.stdout.strip() == "true", shell.stderr
    assert "HTTPS_PROXY" not in exports.upper().replace("DUALWRITE", "")


def test_stop_ends_the_emulator_and_env_says_how_to_start_it(clone: Clone) -> None:
    clone.run("preview", "new-new")
    assert "Stopped the emulator" in clone.run("stop").stdout
    assert "not running" in clone.run("stop").stdout
    assert "make emulator" in clone.run("env", "new-new").stderr


def test_unknown_stack_is_one_line_with_known_names(clone: Clone) -> None:
    refused = clone.run("up", "new-nwe")
    assert refused.returncode == 1
    assert "no stack 'new-nwe'" in refused.stderr
    assert "new-new" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
