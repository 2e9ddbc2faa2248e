"""The oldest supported Pulumi CLI does the main job as well."""

from pathlib import Path

import pytest

from tests.engine.harness import Project, Tenant, program_files
from tools.engine.build import OLDEST_CLI, folder_of


@pytest.fixture
def oldest() -> Path:
    """The folder of the oldest supported engine."""
    folder = folder_of(OLDEST_CLI)
    if not folder.is_dir():
        pytest.skip(f"Pulumi {OLDEST_CLI.version()} is not built on this machine; a run of all tests builds it")
    return folder


def test_oldest_supported_cli_brings_a_pair_up_and_finds_nothing_to_do_afterwards(
    oldest: Path, tenant: Tenant, tmp_path: Path
) -> None:
    project = Project(tmp_path, oldest, program_files(), tenant.variables())
    project.use("new-new")
    assert project.run("version").stdout.strip() == OLDEST_CLI.version()
    project.up()
    assert project.outputs()["ready"] is True
    before = tenant.now()
    project.preview("--expect-no-changes")
    project.refresh("--expect-no-changes")
    assert not tenant.writes(before)
