"""Installing a package: requested once, followed, adopted, repeated after an earlier failure."""

import re
from typing import Any

import pytest

from emulator.core.faults import Fault
from providers.api.transport.errors import InvalidRequest, NotFound, OperationFailed
from providers.instances.package_installation import Installation
from providers.protocol.waiting import Waiting
from tests.support.environments import FABRIKAM_ID, put_package
from tests.support.in_process import World
from tests.support.watched_wire import Wire

NAME = "DualWriteCoreAnchor"
INSTALL = f"*/applicationPackages/{NAME}/install"
LIST = "*/applicationPackages"


@pytest.fixture
def title(world: World) -> str:
    """What the service calls the package."""
    name = world.call().session("public").app_management.packages(FABRIKAM_ID)[NAME].name
    assert name
    return name


@pytest.fixture
def wire(world: World) -> Wire:
    return Wire(world)


def ensure(world: World) -> str:
    call = world.call()
    installation = Installation(call.session("public").app_management, FABRIKAM_ID, NAME, interval=30)
    return installation.ensure(Waiting(call, 7200), payload=lambda: "a=b", usually="about 10 min").state


def requests(wire: Wire) -> int:
    """How often an installation was asked for."""
    return wire.count(INSTALL)


def answers_to_requests(world: World, **fault: Any) -> None:
    world.tenant.faults.add(Fault(service="powerplatform", method="POST", path=INSTALL, **fault))


def test_missing_package_is_requested_once_and_followed(world: World, wire: Wire, title: str) -> None:
    assert ensure(world) == "Installed"
    assert [each["payloadValue"] for each in wire.bodies(INSTALL)] == ["a=b"]
    assert world.progress[:2] == [
        f"{title}: InstallRequested, 0 s (usually about 10 min)",
        f"{title}: Installing, 30 s (usually about 10 min)",
    ]
    assert world.progress[-1] == f"{title}: done, 10 min"


@pytest.mark.parametrize("state", ["Installed", "TemplateInstalled"])
def test_installed_package_is_adopted(world: World, wire: Wire, state: str) -> None:
    put_package(world, FABRIKAM_ID, NAME, state)
    assert ensure(world) == state
    assert requests(wire) == 0


@pytest.mark.parametrize("state", ["InstallRequested", "Installing", "InstallScheduled", "InstallRetrying"])
def test_package_on_its_way_is_only_waited_for(world: World, wire: Wire, title: str, state: str) -> None:
    put_package(world, FABRIKAM_ID, NAME, state)
    wire.meanwhile(LIST, 3, lambda: put_package(world, FABRIKAM_ID, NAME, "Installed"))
    assert ensure(world) == "Installed"
    assert requests(wire) == 0
    assert world.said == [f"{title} is already on its way ({state}); waiting for it"]


def test_failure_of_an_earlier_run_is_requested_again(world: World, wire: Wire, title: str) -> None:
    put_package(world, FABRIKAM_ID, NAME, "InstallFailed")
    # The list still has the earlier failure after the request is accepted.
    wire.meanwhile(INSTALL, 1, lambda: put_package(world, FABRIKAM_ID, NAME, "InstallFailed"))
    assert ensure(world) == "Installed"
    assert world.progress[0].startswith(f"{title}: InstallFailed, 0 s")
    assert requests(wire) == 1


def test_failure_now_shows_the_services_reason(world: World, title: str) -> None:
    world.tenant.switches.set("package_install_failures", 1)
    with pytest.raises(OperationFailed) as caught:
        ensure(world)
    text = re.sub(r", correlation [0-9a-f-]{36}\)", ")", str(caught.value))
    assert text == (
        f"the installation of {NAME} failed: The installation of {title} failed while a solution was imported "
        "(SolutionImportFailed). Remove the cause and run again: the next run requests the installation once more."
    )


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": "after"},
        {
            "status": 409,
            "body": {"error": {"code": "OperationNotStartable", "message": "already started"}},
            "effect": True,
        },
    ],
)
def test_request_without_clear_answer_is_looked_up(world: World, wire: Wire, fault: dict[str, Any]) -> None:
    answers_to_requests(world, **fault)
    assert ensure(world) == "Installed"
    assert requests(wire) == 1


def test_young_environment_may_not_take_requests_at_first(world: World, wire: Wire) -> None:
    answers_to_requests(world, status=404, body={"error": {"code": "EnvironmentNotFound", "message": "?"}}, count=2)
    assert ensure(world) == "Installed"
    assert requests(wire) == 3


def test_rejected_request_is_final(world: World, wire: Wire) -> None:
    reason = "isn't supported on SchemaType: Standard"
    answers_to_requests(world, status=400, body={"error": {"code": "BadRequest", "message": reason}})
    with pytest.raises(InvalidRequest, match="SchemaType: Standard"):
        ensure(world)
    assert requests(wire) == 1


def test_package_not_offered_is_told(world: World, wire: Wire) -> None:
    def without(listed: dict[str, Any]) -> dict[str, Any]:
        return {**listed, "value": [each for each in listed["value"] if each["uniqueName"] != NAME]}

    wire.alter(LIST, without)
    with pytest.raises(NotFound, match=f"the package {NAME} is not offered on this environment"):
        ensure(world)
