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
                shutil.copytree(ROOT / part, folder / part)
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


@pytest.fixture(scope="module")
def first_up(clone: Clone) -> str:
    """What the first `make up` prints."""
    done = clone.run("up", "new-new")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_first_up_ends_ready_and_proved(first_up: str) -> None:
    assert "ready" in first_up
    assert "proved" in first_up.casefold()


@pytest.mark.usefixtures("first_up")
def test_up_without_a_change_proves_nothing_and_leaves_every_tracked_file(clone: Clone) -> None:
    second = clone.run("up", "new-new")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "proved" not in second.stdout.casefold()
    assert clone.contents() == clone.files


@pytest.mark.usefixtures("first_up")
def test_up_of_another_stack_counts_stamped_rows_and_proves_them_on_both_sides(clone: Clone) -> None:
    done = clone.run("up", "new-existing")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["stamped", "USMF:"] in [words[:2] for words in lines]
    accounts = next(
        line for line in done.stdout.splitlines() if line.startswith("Proved  accounts - Customers V3, USMF: ")
    )
    assert "on both sides, none twice" in accounts
    assert "more in Dataverse alone (outside the map's filter)" in accounts


@pytest.mark.usefixtures("first_up")
def test_env_makes_plain_pulumi_work(clone: Clone) -> None:
    exports = clone.run("env", "new-new").stdout
    script = f'{exports}\ncd "{clone.folder}" && pulumi stack output ready'
    shell = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, timeout=60, check=False)
    assert shell.stdout.strip() == "true", shell.stderr
    assert "HTTPS_PROXY" not in exports.upper().replace("DUALWRITE", "")


@pytest.mark.usefixtures("first_up")
def test_destroy_without_consent_names_the_lines_before_the_engine_starts(clone: Clone) -> None:
    refused = clone.run("destroy", "new-new")
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "Add to stacks/Pulumi.new-new.yaml, then `make up`, then `make destroy`:" in refused.stderr
    assert "- {action: delete-environment, target: contoso-uat, until: " in refused.stderr


def test_stop_ends_the_emulator_and_env_says_how_to_start_it(clone: Clone) -> None:
    assert "Stopped the emulator" in clone.run("stop").stdout
    assert "not running" in clone.run("stop").stdout
    assert "make emulator" in clone.run("env", "new-new").stderr


def test_unknown_stack_is_one_line_with_known_names(clone: Clone) -> None:
    refused = clone.run("up", "new-nwe")
    assert refused.returncode == 1
    assert "no stack 'new-nwe'" in refused.stderr
    assert "new-new" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


@pytest.mark.usefixtures("first_up")
@pytest.mark.parametrize("command", [("preview",), ("up",)])
def test_second_stack_on_the_same_pair_is_refused_before_anything_runs(clone: Clone, command: tuple[str, ...]) -> None:
    first, second = (clone.folder / "stacks" / f"Pulumi.{name}.yaml" for name in ("existing-existing", "second"))
    text = first.read_text().splitlines(keepends=True)
    urls = iter(("contoso-uat.crm4.dynamics.com", "contoso-uat.operations.eu.dynamics.com"))
    second.write_text("".join(f"    url: https://{next(urls)}\n" if "url:" in line else line for line in text))
    try:
        done = clone.run(*command, "second")
    finally:
        second.unlink()
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Stack 'new-new' manages the maps of contoso-uat.crm4.dynamics.com, and stack 'second' names it" in (
        done.stderr
    )
