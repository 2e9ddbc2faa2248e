"""Pipelines name the stacks there are, ask for no more than they need, and keep to the same commands."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.azure_templates import expanded
from tools.workspace import ROOT, STACKS

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
AZURE = sorted((ROOT / "azure-pipelines").glob("*.yml"))


def document(file: Path) -> dict[str, Any]:
    # YAML reads the bare key `on` as a truth value.
    return {str(key): value for key, value in yaml.safe_load(file.read_text()).items()}


@pytest.mark.parametrize("file", AZURE, ids=lambda file: file.stem)
def test_azure_pipelines_name_every_stack_and_leave_no_template_behind(file: Path) -> None:
    names = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in STACKS.glob("Pulumi.*.yaml"))
    (parameter,) = document(file)["parameters"]
    assert parameter["default"] == names
    text = str({key: value for key, value in expanded(document(file)).items() if key != "parameters"})
    assert "${{" not in text
    assert all(f"'STACK': '{name}'" in text for name in names)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_workflows_have_no_right_that_a_job_did_not_ask_for(file: Path) -> None:
    workflow = document(file)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        rights = job["permissions"]
        assert rights["contents"] == "read", name
        logs_in = any("azure/login" in str(step.get("uses")) for step in job["steps"])
        assert ("id-token" in rights) == logs_in, name
        assert all("${{" not in step.get("run", "") for step in job["steps"]), "an expression inside a script"


def test_fork_meets_no_secret_and_no_credential() -> None:
    job = document(ROOT / ".github/workflows/pull-request.yml")["jobs"]["offline"]
    assert "secrets." not in str(job)
    assert "vars." not in str(job)


def test_one_run_a_stack_at_a_time_that_nobody_cancels() -> None:
    up = document(ROOT / ".github/workflows/up.yml")["jobs"]["up"]
    assert up["concurrency"] == {"group": "up-${{ matrix.stack }}", "cancel-in-progress": False}
    assert up["environment"] == "${{ matrix.stack }}"
    assert document(ROOT / "azure-pipelines/up.yml")["lockBehavior"] == "sequential"
