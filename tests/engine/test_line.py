"""The whole line on the emulator: from nothing to live, again, drift, and back to nothing."""

import re
from collections.abc import Callable

import pytest

from tests.engine.harness import Project, Tenant

MAP = "Customer groups"


@pytest.fixture(scope="module")
def live(new_project: Callable[[], Project]) -> Project:
    """The stack `new-new`, brought up once for this module. Each test leaves it up and in order."""
    project = new_project()
    project.use("new-new")
    project.up()
    return project


@pytest.fixture(scope="module")
def running_map(live: Project) -> str:
    """The name of one map of the stack that runs."""
    maps = live.outputs()["maps"]
    return str(next(name for name in sorted(maps) if MAP.casefold() in name.casefold()))


def cds_host(project: Project) -> str:
    return str(project.outputs()["cds_url"]).removeprefix("https://").rstrip("/")


def test_pair_is_ready_and_says_so(live: Project) -> None:
    outputs = live.outputs()
    assert outputs["ready"] is True
    assert outputs["linked_companies"] == ["DAT"]
    assert set(outputs["maps"].values()) == {"running"}


def test_second_up_changes_and_writes_nothing(live: Project, tenant: Tenant) -> None:
    before = tenant.now()
    live.up("--expect-no-changes")
    assert not tenant.writes(before)


def test_preview_of_live_stack_makes_no_call(live: Project, tenant: Tenant) -> None:
    before = tenant.now()
    live.preview("--expect-no-changes")
    assert not tenant.requests(before)


def test_refresh_finds_no_drift_after_restart_on_another_port(live: Project, tenant: Tenant) -> None:
    before = tenant.emulator.url
    tenant.restart()
    live.variables = tenant.variables()
    assert tenant.emulator.url != before
    live.refresh("--expect-no-changes")


def test_map_paused_by_a_person_is_named_and_resumed_alone(live: Project, tenant: Tenant, running_map: str) -> None:
    tenant.control("person", {"action": "pause-map", "environment": cds_host(live), "map": running_map})
    drift = live.refresh("--diff").text
    assert running_map in drift
    assert re.search(r"paused", drift, re.IGNORECASE)
    before = tenant.now()
    live.up()
    assert len(tenant.writes(before)) == 1
    assert live.outputs()["maps"][running_map] == "running"
    live.preview("--expect-no-changes")


def test_state_holds_no_secret_and_no_port(live: Project, tenant: Tenant) -> None:
    state = live.run("stack", "export").stdout
    assert live.variables["AZURE_CLIENT_SECRET"] not in state
    assert tenant.emulator.url not in state
    assert "eyJ" not in state


def test_destroy_without_consent_is_refused_in_preview(live: Project, tenant: Tenant) -> None:
    before = tenant.now()
    refusal = live.destroy(expect=1).text
    assert "protect" in refusal
    assert not tenant.writes(before)


def test_destroy_with_consent_leaves_nothing(live: Project, tenant: Tenant) -> None:
    domain = cds_host(live).partition(".")[0]
    live.add(f'dualwrite:confirm: [{{action: delete-environment, target: {domain}, until: "2999-12-31"}}]')
    live.up()
    live.destroy()
    assert not live.resources()
    deleted = [row for row in tenant.requests() if row["method"] == "DELETE" and row["service"] == "bap"]
    assert len(deleted) == 1
