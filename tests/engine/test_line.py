"""The whole line on the emulator: refused, from nothing to live, again, drift, a map that fails, back to nothing."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.engine.harness import Project, Tenant

MAP = "Customer groups"


CORRELATION = r"correlation [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def stack(new_project: Callable[[], Project]) -> Project:
    """The stack `new-new`, of which nothing exists yet."""
    project = new_project()
    project.use("new-new")
    return project


@pytest.fixture(scope="module")
def first_failure(stack: Project, tenant: Tenant) -> str:
    """What the first `up` says, in which the installation of F&O fails."""
    tenant.control("switches", {"finops_install_failures": 1})
    return stack.up(expect=1).text


@pytest.fixture(scope="module")
def live(stack: Project, first_failure: str) -> Project:
    """The same stack after an `up` that continued. Each test leaves it up and in order."""
    stack.up()
    return stack


@pytest.fixture(scope="module")
def running_map(live: Project) -> str:
    """The name of one map of the stack that runs."""
    maps = live.outputs()["maps"]
    return str(next(name for name in sorted(maps) if MAP.casefold() in name.casefold()))


def cds_host(project: Project) -> str:
    return str(project.outputs()["cds_url"]).removeprefix("https://").rstrip("/")


def error_line(text: str, resource: str) -> str:
    """The one error line of a resource in the diagnostics."""
    lines = {line.strip() for line in text.partition("Diagnostics:")[2].splitlines() if "error:" in line}
    (found,) = [line for line in lines if resource in line]
    assert "Traceback" not in text
    return found


@pytest.fixture
def restored(stack: Project, tenant: Tenant) -> Iterator[None]:
    """Stack file and tenant as they were, after the test."""
    text = stack.stack_file.read_text()
    yield
    stack.stack_file.write_text(text)
    tenant.control("reset", {})


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize(
    ("domain", "switches", "said"),
    [
        (
            "contoso",
            {},
            rf"'Contoso production'.* \(DomainNameAlreadyInUse, {CORRELATION}\)\. Choose another domain",
        ),
        (
            "contoso-uat",
            {"capacity_database_mb": 500.0},
            rf"0 MB of Database capacity left.* \(InsufficientCapacity_StorageDriven, {CORRELATION}\)\. Free some",
        ),
        (
            "contoso-uat",
            {"disabled_templates": "D365_DeveloperEdition"},
            rf"D365_DeveloperEdition is disabled .* \(DynamicsEntitlementMissing, {CORRELATION}\)\. Assign",
        ),
    ],
    ids=["domain taken", "no capacity", "template disabled"],
)
def test_tenants_refusal_is_one_line_before_any_write(
    stack: Project, tenant: Tenant, domain: str, switches: dict[str, Any], said: str
) -> None:
    tenant.control("switches", switches)
    stack.stack_file.write_text(stack.stack_file.read_text().replace("domain: contoso-uat", f"domain: {domain}"))
    before = tenant.now()
    assert re.search(said, error_line(stack.up(expect=1).text, "pair-cds"))
    assert not tenant.writes(before)


def test_failed_installation_ends_in_one_line(first_failure: str) -> None:
    line = error_line(first_failure, "FinOpsInstance 'contoso-uat'")
    assert re.search(rf"create failed: .* \(ProvisioningFailed, {CORRELATION}\)\. .*the next run", line)


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


def test_map_that_fails_to_start_is_one_line_and_next_up_continues(
    live: Project, tenant: Tenant, running_map: str
) -> None:
    person = {"environment": cds_host(live), "map": running_map}
    tenant.control("person", {"action": "stop-map", **person})
    tenant.control("person", {"action": "break-map", **person})
    live.refresh()
    line = error_line(live.up(expect=1).text, "LiveSync 'contoso-uat'")
    assert re.search(rf"'{running_map}': start failed: .* \(DIPV1014, {CORRELATION}\)\. A key field, ", line)
    tenant.control("person", {"action": "mend-map", **person})
    live.up()
    assert live.outputs()["maps"][running_map] == "running"
    live.preview("--expect-no-changes")


def test_link_that_a_person_reset_is_restored_by_one_up(live: Project, tenant: Tenant) -> None:
    tenant.control("person", {"action": "reset-link", "environment": cds_host(live)})
    assert "DW-W12" in live.refresh().text
    live.up()
    assert set(live.outputs()["maps"].values()) == {"running"}


def test_state_holds_no_secret_and_no_port(live: Project, tenant: Tenant) -> None:
    state = live.run("stack", "export").stdout
    assert live.variables["AZURE_CLIENT_SECRET"] not in state
    assert tenant.emulator.url not in state
    assert "eyJ" not in state


def test_destroy_without_consent_is_refused_in_preview(live: Project, tenant: Tenant) -> None:
    before = tenant.now()
    refusal = live.run("destroy", "--preview-only", expect=1).text
    assert "protect" in refusal
    assert not tenant.writes(before)


def test_destroy_with_consent_leaves_nothing(live: Project, tenant: Tenant) -> None:
    domain = cds_host(live).partition(".")[0]
    live.add(f'dualwrite:confirm: [{{action: delete-environment, target: {domain}, until: "2999-12-31"}}]')
    live.up()
    assert domain in tenant.shown()
    live.destroy()
    assert not live.resources()
    deleted = [row for row in tenant.requests() if row["method"] == "DELETE" and row["service"] == "bap"]
    assert len(deleted) == 1
    assert "contoso-uat" not in tenant.shown()
