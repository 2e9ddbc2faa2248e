"""Pairs that the code of 2026-11-24 brought up: today's code finds nothing to do on them, and can still end them.

The fixture holds the tenant and the backend of all six stacks, without journal, keys, locks and history.
"""

import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.harness import Project, Tenant, program_files

FIXTURE = Path(__file__).parent / "fixtures" / "six-pairs-of-2026-11-24.tar.xz"
# Stack to the domain of the CDS instance that it made; None: the CDS instance is somebody else's.
STACKS = {
    "new-new": "contoso-uat",
    "new-existing": None,
    "new-demo-new": "contoso-demo",
    "new-demo-existing": None,
    "existing-new": "northwind-ce",
    "existing-existing": None,
}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders `emulator` and `state` as they were."""
    folder = tmp_path_factory.mktemp("older")
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def older_tenant(unpacked: Path) -> Iterator[Tenant]:
    """The tenant in which the six pairs run."""
    tenant = Tenant(unpacked)
    yield tenant
    tenant.stop()


@pytest.fixture
def older(
    engine: Path, unpacked: Path, older_tenant: Tenant, warm_python: Path, tmp_path: Path
) -> Callable[[str], Project]:
    """Makes today's program with the backend of then."""

    def make(name: str) -> Project:
        project = Project(tmp_path, engine, program_files(), older_tenant.variables(), warm_python)
        shutil.copytree(unpacked / "state", project.state, dirs_exist_ok=True)
        project.take(name)
        return project

    return make


@pytest.mark.parametrize("name", list(STACKS))
def test_pair_of_older_code_is_no_change_and_can_be_ended(
    name: str, older: Callable[[str], Project], older_tenant: Tenant
) -> None:
    project, domain = older(name), STACKS[name]
    before = older_tenant.now()
    project.preview("--expect-no-changes")
    project.run("refresh", "--preview-only", "--expect-no-changes")
    project.up("--expect-no-changes")
    assert not older_tenant.writes(before)
    if domain:
        project.add(f'dualwrite:confirm: [{{action: delete-environment, target: {domain}, until: "2999-12-31"}}]')
        project.up()
    project.destroy()
    assert not project.resources()
