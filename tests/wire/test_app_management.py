"""Application packages on the wire (power-platform-api.md 14.7)."""

import httpx
import pytest

from providers.api.app_management.client import AppManagement
from providers.api.session import Session
from providers.api.transport.errors import Conflict, TransportError

from .scripted import Script, answer, refused

ENVIRONMENT = "c0ffee00-1b2d-4a77-9d10-3e5f6a7b8c9d"
ROOT = f"https://api.powerplatform.com/appmanagement/environments/{ENVIRONMENT}"
INSTALL = f"{ROOT}/applicationPackages/DualWriteCoreAnchor/install"
OPERATION = "e3a94c50-10fb-4b0e-9d62-5f7c81a2b306"


@pytest.fixture
def service(session: Session) -> AppManagement:
    return session.app_management


def packages(state: str) -> httpx.Response:
    package = {
        "uniqueName": "DualWriteCoreAnchor",
        "localizedName": "Dual-write core",
        "state": state,
        "version": "1.2",
    }
    return answer(200, {"value": [{**package, "crmMinversion": "9", "errorDetails": None}]})


def test_packages_come_by_unique_name(service: AppManagement, network: Script) -> None:
    network.expect("GET", f"{ROOT}/applicationPackages", packages("Installed"))
    found = service.packages(ENVIRONMENT)["DualWriteCoreAnchor"]
    assert (found.name, found.installed) == ("Dual-write core", True)
    assert network.query() == {"api-version": "2022-03-01-preview"}


def test_packages_of_one_environment_are_shared_and_forgotten_by_install(
    service: AppManagement, network: Script
) -> None:
    network.expect("GET", f"{ROOT}/applicationPackages", packages("None"))
    service.packages(ENVIRONMENT)
    service.packages(ENVIRONMENT)
    network.expect("POST", INSTALL, answer(200, {"lastOperation": {"operationId": OPERATION}}))
    service.install(ENVIRONMENT, "DualWriteCoreAnchor")
    network.expect("GET", f"{ROOT}/applicationPackages", packages("InstallRequested"))
    assert service.packages(ENVIRONMENT)["DualWriteCoreAnchor"].installing


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param(answer(200, {"id": "77b1", "lastOperation": {"operationId": OPERATION}}), id="body"),
        pytest.param(answer(202, Operation_Location=f"{ROOT}/operations/{OPERATION}?api-version=1"), id="header"),
    ],
)
def test_operation_id_comes_from_body_or_header(service: AppManagement, network: Script, taken: httpx.Response) -> None:
    network.expect("POST", INSTALL, taken)
    assert service.install(ENVIRONMENT, "DualWriteCoreAnchor") == OPERATION
    assert network.sent() == {}


def test_payload_goes_as_one_string(service: AppManagement, network: Script) -> None:
    network.expect("POST", INSTALL, answer(200, {"lastOperation": {"operationId": OPERATION}}))
    service.install(ENVIRONMENT, "DualWriteCoreAnchor", "DevToolsEnabled=true|DemoDataEnabled=false")
    assert network.sent() == {"payloadValue": "DevToolsEnabled=true|DemoDataEnabled=false"}


@pytest.mark.parametrize("lost", [httpx.ReadTimeout("late"), answer(502), answer(200, {}), answer(202)])
def test_lost_install_is_sent_once(service: AppManagement, network: Script, lost: httpx.Response) -> None:
    network.expect("POST", INSTALL, lost)
    with pytest.raises(TransportError) as caught:
        service.install(ENVIRONMENT, "DualWriteCoreAnchor")
    assert caught.value.may_have_happened


def test_running_installation_is_left_to_the_caller(service: AppManagement, network: Script) -> None:
    network.expect("POST", INSTALL, refused("OperationNotStartable", "installing", 409))
    with pytest.raises(Conflict) as caught:
        service.install(ENVIRONMENT, "DualWriteCoreAnchor")
    assert caught.value.code == "OperationNotStartable"


@pytest.mark.parametrize(
    ("polled", "status", "finished"),
    [
        (answer(200, {"status": "NotStarted"}), "NotStarted", False),
        (answer(200, {"status": "Running", "error": None}), "Running", False),
        (answer(200, {"status": "Succeeded"}), "Succeeded", True),
        (answer(200, {"status": "Canceled"}), "Canceled", True),
        (answer(409), "Running", False),
        (answer(202), "Running", False),
    ],
)
def test_poll_of_an_installation(
    service: AppManagement, network: Script, polled: httpx.Response, status: str, finished: bool
) -> None:
    network.expect("GET", f"{ROOT}/operations/{OPERATION}", polled)
    found = service.operation(ENVIRONMENT, OPERATION)
    assert (found.id, found.status, found.finished) == (OPERATION, status, finished)


def test_failed_installation_keeps_its_reason(service: AppManagement, network: Script) -> None:
    error = {"errorName": "InstallFailed", "errorCode": 17, "message": "Please install the Platform Tools first."}
    network.expect("GET", f"{ROOT}/operations/{OPERATION}", answer(200, {"status": "Failed", "error": error}))
    found = service.operation(ENVIRONMENT, OPERATION)
    assert (found.error_name, found.error_code, found.error_message) == (
        "InstallFailed",
        17,
        "Please install the Platform Tools first.",
    )
