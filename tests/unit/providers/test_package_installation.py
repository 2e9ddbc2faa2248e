"""Installing a package: requested once, followed, adopted, repeated after an earlier failure."""

import pytest

from providers.api.transport.errors import ApiError, Conflict, InvalidRequest, NotFound, OperationFailed, TransportError
from providers.instances.package_installation import Installation
from providers.protocol.waiting import Waiting
from tests.unit.providers.fake_services import ENVIRONMENT_ID, FakePackages, FakeTalk

NAME = "DualWriteCoreAnchor"


def ensure(packages: FakePackages, talk: FakeTalk | None = None) -> str:
    installation = Installation(packages, ENVIRONMENT_ID, NAME, interval=30)
    return installation.ensure(Waiting(talk or FakeTalk(), 7200), payload=lambda: "a=b", usually="about 10 min").state


def test_missing_package_is_requested_once_and_followed() -> None:
    packages, talk = FakePackages(), FakeTalk()
    assert ensure(packages, talk) == "Installed"
    assert packages.requests == [(NAME, "a=b")]
    assert talk.lines == [
        "DualWriteCoreAnchor title: InstallRequested, 0 s (usually about 10 min)",
        "DualWriteCoreAnchor title: Installing, 30 s (usually about 10 min)",
        "DualWriteCoreAnchor title: done, 1 min",
    ]


@pytest.mark.parametrize("state", ["Installed", "TemplateInstalled"])
def test_installed_package_is_adopted(state: str) -> None:
    packages = FakePackages(DualWriteCoreAnchor=state)
    assert ensure(packages) == state
    assert packages.requests == []


@pytest.mark.parametrize("state", ["InstallRequested", "Installing", "InstallScheduled", "InstallRetrying"])
def test_package_on_its_way_is_only_waited_for(state: str) -> None:
    packages, talk = FakePackages(DualWriteCoreAnchor=state), FakeTalk()
    packages.queues[NAME] = [state, state, "Installed"]
    assert ensure(packages, talk) == "Installed"
    assert packages.requests == []
    assert talk.announced == [f"DualWriteCoreAnchor title is already on its way ({state}); waiting for it"]


def test_failure_of_an_earlier_run_is_requested_again() -> None:
    packages = FakePackages(DualWriteCoreAnchor="InstallFailed")
    packages.after_request = ["InstallFailed", "Installing", "Installed"]
    assert ensure(packages) == "Installed"
    assert len(packages.requests) == 1


def test_failure_now_shows_the_services_reason() -> None:
    packages = FakePackages()
    packages.after_request = ["Installing", "InstallFailed"]
    packages.operation_failure = "a prerequisite is missing"
    with pytest.raises(OperationFailed) as caught:
        ensure(packages)
    assert str(caught.value) == (
        "the installation of DualWriteCoreAnchor failed: a prerequisite is missing (InstallError). "
        "Remove the cause and run again: the next run requests the installation once more."
    )


@pytest.mark.parametrize(
    "error",
    [
        TransportError("the connection broke", may_have_happened=True),
        Conflict("already started", code="OperationNotStartable", busy=True),
    ],
)
def test_request_without_clear_answer_is_looked_up(error: ApiError) -> None:
    packages = FakePackages()
    packages.request_errors = [error]
    assert ensure(packages) == "Installed"
    assert len(packages.requests) == 1


def test_young_environment_may_not_take_requests_at_first() -> None:
    packages = FakePackages()
    packages.request_errors = [NotFound("no such environment"), NotFound("no such environment")]
    assert ensure(packages) == "Installed"
    assert len(packages.requests) == 3


def test_rejected_request_is_final() -> None:
    packages = FakePackages()
    packages.request_errors = [InvalidRequest("isn't supported on SchemaType: Standard")]
    with pytest.raises(InvalidRequest, match="SchemaType: Standard"):
        ensure(packages)
    assert len(packages.requests) == 1


def test_package_not_offered_is_told() -> None:
    packages = FakePackages()
    del packages.held[NAME]
    with pytest.raises(NotFound, match="the package DualWriteCoreAnchor is not offered on this environment"):
        ensure(packages)
