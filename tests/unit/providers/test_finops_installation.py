"""Installing F&O: Platform Tools, the Provisioning App with its choices, registration, both sides."""

from typing import Any

import pytest

from emulator.core.faults import Fault
from emulator.identity.directory import DEMO_CLIENT_ID
from providers.api.transport.errors import Conflict, InvalidRequest, OperationFailed, OperationTimedOut
from providers.instances.finops_installation import FinOpsInstallation
from providers.instances.finops_readiness import Observation
from providers.protocol.waiting import Waiting
from tests.support.cds_and_finops import FINOPS_URL, PLATFORM_TOOLS, CdsAndFinOps
from tests.support.environments import PROVISIONING_APP
from tests.support.seen_instances import MARK


def installation(unified: CdsAndFinOps, seconds: float = 14400) -> FinOpsInstallation:
    environment, call = unified.shown(), unified.world.call()
    session = call.session("public")
    return FinOpsInstallation(
        environment,
        power_platform=session.power_platform,
        packages=session.app_management,
        dataverse=session.dataverse(environment.url),
        finops_at=session.finance_operations,
        client_id=session.client_id,
        mark=MARK,
        waiting=Waiting(call, seconds),
        package_interval=30,
        finops_interval=60,
    )


def install(
    unified: CdsAndFinOps,
    *,
    demo: bool = False,
    tools: bool = False,
    minimum: str | None = None,
    seconds: float = 14400,
) -> Observation:
    return installation(unified, seconds).install(demo_data=demo, developer_tools=tools, minimum=minimum)


def test_platform_tools_come_first_then_the_app_with_its_choices(unified: CdsAndFinOps) -> None:
    seen = install(unified, minimum="10.0.44")
    assert seen.url == FINOPS_URL
    assert unified.installations() == [
        (PLATFORM_TOOLS, None),
        (PROVISIONING_APP, "DevToolsEnabled=false|DemoDataEnabled=false|ApplicationVersion=10.0.44.9"),
    ]


def test_newest_version_is_installed_without_a_minimum(unified: CdsAndFinOps) -> None:
    install(unified)
    assert str(unified.installations()[1][1]).endswith("ApplicationVersion=10.0.45.10")


def test_version_nobody_offers_stops_before_the_installation(unified: CdsAndFinOps) -> None:
    with pytest.raises(InvalidRequest) as caught:
        install(unified, minimum="10.0.47")
    assert str(caught.value) == (
        "F&O 10.0.47 is not on offer for this environment; the newest is 10.0.45.10. "
        "Lower `version`, or leave it out to get the newest."
    )
    assert unified.installations() == [(PLATFORM_TOOLS, None)]


def test_installed_app_is_only_verified(installed: CdsAndFinOps) -> None:
    install(installed)
    assert installed.installations() == []


def test_failed_installation_shows_what_the_service_keeps(unified: CdsAndFinOps) -> None:
    unified.world.tenant.switches.set("finops_install_failures", 1)
    with pytest.raises(OperationFailed) as caught:
        install(unified)
    (kept,) = unified.world.call().session("public").power_platform.operation_errors(unified.record.id)
    assert kept.correlation_id
    assert str(caught.value) == (
        f"the installation of {PROVISIONING_APP} failed in DeployFinanceAndOperations: The deployment of the finance "
        f"and operations application failed (ProvisioningFailed, correlation {kept.correlation_id}). "
        "Remove the cause, or give support the correlation id; the next run requests it once more."
    )


def test_program_registers_itself_once_finops_answers(unified: CdsAndFinOps) -> None:
    unified.world.tenant.faults.add(Fault(service="finops", path="/data/", drop="before", count=2))
    install(unified)
    assert unified.registrations() == [f"{DEMO_CLIENT_ID} as Admin"]
    assert any("F&O does not answer yet" in line for line in unified.world.progress)


def test_registration_by_a_person_is_waited_for_with_steps(unified: CdsAndFinOps) -> None:
    unified.world.tenant.switches.set("finops_creator_is_administrator", False)
    steps = (
        f"Sign in to {FINOPS_URL} as administrator, open System administration > Setup > "
        f"Microsoft Entra ID applications, add the application {DEMO_CLIENT_ID} with the user Admin."
    )
    with pytest.raises(OperationTimedOut) as caught:
        install(unified, seconds=7200)
    assert caught.value.next_step == f"{steps} Then run again."
    assert unified.world.said == [f"DW-P03 {steps}"]
    assert any("waiting for the person who registers the application" in line for line in unified.world.progress)


def test_late_link_in_bap_is_refreshed_by_an_edit(unified: CdsAndFinOps) -> None:
    unified.world.tenant.switches.set("finops_link_visible", "after-patch")
    install(unified)
    assert unified.descriptions() == [f"{MARK} (with F&O)"]
    assert unified.world.said == ["editing the environment's description, which makes the platform show the link"]


def test_foreign_environment_is_not_edited_for_a_late_link(unified: CdsAndFinOps) -> None:
    unified.world.tenant.switches.set("finops_link_visible", "after-patch")
    unified.change(description="somebody's")
    with pytest.raises(OperationTimedOut, match="missing the link in the Power Platform"):
        install(unified)
    assert unified.descriptions() == []


def test_sides_that_disagree_are_an_error(installed: CdsAndFinOps) -> None:
    installed.links_elsewhere("https://other.operations.eu.dynamics.com/")
    with pytest.raises(
        Conflict, match="the two sides of the link disagree: the Power Platform links https://other"
    ) as caught:
        install(installed)
    assert caught.value.next_step == "Nothing was changed; open a support request with both ids."


@pytest.mark.parametrize(
    ("demo", "tools", "said"),
    [
        (True, False, "F&O is there already, with empty data"),
        (False, True, "F&O is there already, without developer tools"),
        (True, True, "F&O is there already, with empty data and without developer tools"),
    ],
)
def test_other_choices_than_asked_are_an_error(installed: CdsAndFinOps, demo: bool, tools: bool, said: str) -> None:
    with pytest.raises(Conflict) as caught:
        install(installed, demo=demo, tools=tools)
    assert str(caught.value) == (
        f"{said}, and both are fixed when it is installed. "
        "Set `data` and `developerTools` to what is there, or give the CDS instance a new `domain`."
    )


@pytest.mark.parametrize(
    ("held", "minimum", "queued"),
    [
        ("10.0.44.9", "10.0.45", ["ApplicationVersion=10.0.45.10"]),
        ("10.0.45.10", "10.0.45.9", []),
        ("10.0.46.1", "10.0.45", []),
    ],
)
def test_update_is_queued_only_when_too_old(
    installed: CdsAndFinOps, held: str, minimum: str, queued: list[str]
) -> None:
    installed.has_version(held)
    seen = installation(installed).update(minimum)
    assert installed.updates() == queued
    assert seen.reachable


def test_update_under_way_is_not_queued_again(installed: CdsAndFinOps) -> None:
    installed.has_version("10.0.44.9")
    dataverse = installed.world.call().session("public").dataverse(installed.shown().url)
    dataverse.queue_finops_install_or_update("ApplicationVersion=10.0.45.10")
    installed.wire.forget()
    assert installation(installed).update("10.0.45").version == "10.0.45.10"
    assert installed.updates() == []


def test_update_whose_answer_is_lost_is_not_queued_again(installed: CdsAndFinOps) -> None:
    installed.has_version("10.0.44.9")
    installed.world.tenant.faults.add(Fault(service="dataverse", path="*/msprov_queuefnoinstallorupdate", drop="after"))
    assert installation(installed).update("10.0.45").version == "10.0.45.10"
    assert installed.updates() == ["ApplicationVersion=10.0.45.10"]
    (said,) = installed.world.said
    assert said.startswith("the request of the update got no answer (")


def test_update_that_fails_is_an_error(installed: CdsAndFinOps) -> None:
    def failed(listed: Any) -> Any:
        return {**listed, "value": [{**each, "state": "InstallFailed"} for each in listed["value"]]}

    installed.has_version("10.0.44.9")
    installed.wire.alter("*/applicationPackages", failed)
    with pytest.raises(OperationFailed, match=r"the update of F&O to 10\.0\.45 failed"):
        installation(installed).update("10.0.45")


def test_link_is_waited_for_before_anything_else_is_asked(installed: CdsAndFinOps) -> None:
    installed.hide_link()
    with pytest.raises(OperationTimedOut, match="waiting for the link to F&O did not finish within 10m"):
        install(installed, seconds=600)
    assert installed.world.progress[0] == (
        "waiting for the link to F&O: Installed, not linked yet, 0 s (usually 1 to 3 h)"
    )
