"""Installing F&O: Platform Tools, the Provisioning App with its choices, registration, both sides."""

import pytest

from providers.api.power_platform.models import OperationError
from providers.api.transport.errors import Conflict, InvalidRequest, OperationFailed, OperationTimedOut
from providers.instances.finops_installation import FinOpsInstallation
from providers.instances.finops_readiness import Observation
from providers.protocol.waiting import Waiting
from tests.support.seen_instances import ENVIRONMENT_ID, FINOPS_URL, MARK, an_application, an_environment
from tests.support.talk import FakeTalk
from tests.unit.providers.fake_services import (
    PLATFORM_TOOLS,
    PROVISIONING_APP,
    FakePackages,
    FakePowerPlatform,
    FakeSession,
)

CLIENT = "11111111-2222-3333-4444-555555555555"


def a_tenant(**states: str) -> FakeSession:
    session = FakeSession(FakePowerPlatform(an_environment()), FakePackages(**states))
    session.app_management.on_installed = lambda name: session.finish_finops() if name == PROVISIONING_APP else None
    return session


def installation(session: FakeSession, talk: FakeTalk | None = None, seconds: float = 14400) -> FinOpsInstallation:
    return FinOpsInstallation(
        session.power_platform.held[ENVIRONMENT_ID],
        power_platform=session.power_platform,
        packages=session.app_management,
        dataverse=session.organization,
        finops_at=session.finance_operations,
        client_id=session.client_id,
        mark=MARK,
        waiting=Waiting(talk or FakeTalk(), seconds),
        package_interval=30,
        finops_interval=60,
    )


def install(
    session: FakeSession,
    talk: FakeTalk | None = None,
    *,
    demo: bool = False,
    tools: bool = False,
    minimum: str | None = None,
    seconds: float = 14400,
) -> Observation:
    return installation(session, talk, seconds).install(demo_data=demo, developer_tools=tools, minimum=minimum)


def test_platform_tools_come_first_then_the_app_with_its_choices() -> None:
    session = a_tenant()
    seen = install(session, minimum="10.0.44")
    assert seen.url == FINOPS_URL
    assert session.app_management.requests == [
        (PLATFORM_TOOLS, None),
        (PROVISIONING_APP, "DevToolsEnabled=false|DemoDataEnabled=false|ApplicationVersion=10.0.44.9"),
    ]


def test_newest_version_is_installed_without_a_minimum() -> None:
    session = a_tenant()
    install(session)
    assert str(session.app_management.requests[1][1]).endswith("ApplicationVersion=10.0.45.10")


def test_version_nobody_offers_stops_before_the_installation() -> None:
    session = a_tenant()
    with pytest.raises(InvalidRequest, match=r"F&O 10\.0\.47 is not on offer .* the newest is 10\.0\.45\.10"):
        install(session, minimum="10.0.47")
    assert session.app_management.requests == [(PLATFORM_TOOLS, None)]


def test_installed_app_is_only_verified() -> None:
    session = a_tenant(**{PLATFORM_TOOLS: "Installed", PROVISIONING_APP: "Installed"})
    session.finish_finops()
    install(session)
    assert session.app_management.requests == []


def test_failed_installation_shows_what_the_service_keeps() -> None:
    session = a_tenant()
    session.app_management.after_request = ["Installing", "InstallFailed"]
    session.app_management.held[PLATFORM_TOOLS] = "Installed"
    session.app_management.operation_failure = "it failed"
    session.power_platform.errors = [
        OperationError(code="ProvisioningFailed", message="No quota.", correlation_id="c-1", action="Deploy")
    ]
    with pytest.raises(OperationFailed) as caught:
        install(session)
    assert str(caught.value) == (
        f"the installation of {PROVISIONING_APP} failed in Deploy: No quota (ProvisioningFailed, correlation c-1). "
        "Remove the cause, or give support the correlation id; the next run requests it once more."
    )


def test_program_registers_itself_once_finops_answers() -> None:
    session = a_tenant()
    session.finops.silent = 2
    install(session)
    assert session.finops.registered == [f"{CLIENT} as Admin"]


def test_registration_by_a_person_is_waited_for_with_steps() -> None:
    session, talk = a_tenant(), FakeTalk()
    session.finops.registration_allowed = False
    steps = (
        f"Sign in to {FINOPS_URL} as administrator, open System administration > Setup > "
        f"Microsoft Entra ID applications, add the application {CLIENT} with the user Admin."
    )
    with pytest.raises(OperationTimedOut) as caught:
        install(session, talk, seconds=900)
    assert caught.value.next_step == f"{steps} Then run again."
    assert talk.announced == [f"DW-P03 {steps}"]
    assert any("waiting for the person who registers the application" in line for line in talk.lines)


def test_late_link_in_bap_is_refreshed_by_an_edit() -> None:
    session, talk = a_tenant(), FakeTalk()
    session.app_management.on_installed = lambda _name: session.finish_finops(linked=False)
    edit, service = session.power_platform.update_environment, session.power_platform

    def edited(environment_id: str, **changes: str | None) -> object:
        answer = edit(environment_id, **changes)
        session.link_in_bap()
        return answer

    service.update_environment = edited  # type: ignore[assignment,method-assign]
    install(session, talk)
    assert service.writes() == [f"update {MARK} (with F&O)"]
    assert talk.announced == ["editing the environment's description, which makes the platform show the link"]


def test_foreign_environment_is_not_edited_for_a_late_link() -> None:
    session = a_tenant()
    session.power_platform.held[ENVIRONMENT_ID] = an_environment(description="somebody's")
    session.app_management.on_installed = lambda _name: session.finish_finops(linked=False)
    with pytest.raises(OperationTimedOut, match="missing the link in the Power Platform"):
        install(session)
    assert session.power_platform.writes() == []


def test_sides_that_disagree_are_an_error() -> None:
    session = a_tenant()

    def installed(_name: str) -> None:
        session.finish_finops()
        session.link_in_bap("https://other.operations.eu.dynamics.com/")

    session.app_management.on_installed = installed
    with pytest.raises(Conflict, match="the two sides of the link disagree: the Power Platform links https://other"):
        install(session)


@pytest.mark.parametrize(
    ("demo", "tools", "said"),
    [
        (True, False, "F&O is there already, with empty data"),
        (False, True, "F&O is there already, without developer tools"),
        (True, True, "F&O is there already, with empty data and without developer tools"),
    ],
)
def test_other_choices_than_asked_are_an_error(demo: bool, tools: bool, said: str) -> None:
    session = a_tenant(**{PLATFORM_TOOLS: "Installed", PROVISIONING_APP: "Installed"})
    session.finish_finops()
    with pytest.raises(Conflict, match=said):
        install(session, demo=demo, tools=tools)


def an_installed_tenant(version: str) -> FakeSession:
    session = a_tenant(**{PLATFORM_TOOLS: "Installed", PROVISIONING_APP: "Installed"})
    session.organization.application = an_application(version)
    session.finish_finops()
    session.finops.open = True
    return session


@pytest.mark.parametrize(
    ("held", "minimum", "queued"),
    [
        ("10.0.44.9", "10.0.45", ["ApplicationVersion=10.0.45.10"]),
        ("10.0.45.10", "10.0.45.9", []),
        ("10.0.46.1", "10.0.45", []),
    ],
)
def test_update_is_queued_only_when_too_old(held: str, minimum: str, queued: list[str]) -> None:
    session = an_installed_tenant(held)
    installation(session).update(minimum)
    assert session.organization.queued == queued


def test_update_under_way_is_not_queued_again() -> None:
    session = an_installed_tenant("10.0.44.9")
    session.app_management.held[PROVISIONING_APP] = "Installing"
    session.app_management.queues[PROVISIONING_APP] = ["Installing", "Installing", "Installing", "Installed"]

    def updated(_name: str) -> None:
        session.organization.application = an_application("10.0.45.10")

    session.app_management.on_installed = updated
    assert installation(session).update("10.0.45").version == "10.0.45.10"
    assert session.organization.queued == []


def test_link_is_waited_for_before_anything_else_is_asked() -> None:
    session, talk = a_tenant(**{PLATFORM_TOOLS: "Installed", PROVISIONING_APP: "Installed"}), FakeTalk()
    with pytest.raises(OperationTimedOut, match="waiting for the link to F&O did not finish within 10m"):
        install(session, talk, seconds=600)
    assert talk.lines[0] == "waiting for the link to F&O: Installed, not linked yet, 0 s (usually 1 to 3 h)"
