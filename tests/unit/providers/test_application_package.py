"""ApplicationPackage: installed once, adopted, repaired, left in place."""

from dataclasses import replace
from typing import Any

import pytest

from providers.api.transport.errors import NotFound
from providers.application_package import ApplicationPackageProvider, PackageInputs, PackageOutputs
from tests.unit.providers.fake_services import (
    ENVIRONMENT_ID,
    FakePackages,
    FakePowerPlatform,
    FakeSession,
    a_call,
    an_environment,
)

PROVIDER = ApplicationPackageProvider()
NAME = "DualWriteCoreAnchor"
IDENTIFIER = f"{ENVIRONMENT_ID}/{NAME}"
BAG: dict[str, Any] = {"cloud": "emulator", "cds": "contoso-uat", "package": NAME}
INPUTS = PackageInputs.model_validate(BAG)


def a_tenant(**states: str) -> FakeSession:
    return FakeSession(FakePowerPlatform(an_environment()), FakePackages(**states))


def created(session: FakeSession) -> PackageOutputs:
    identifier, outputs = PROVIDER.on_create(INPUTS, a_call(session))
    assert identifier == IDENTIFIER
    return outputs


def test_package_is_installed_and_reported() -> None:
    session = a_tenant()
    assert created(session).model_dump() == {
        **BAG,
        "cds_url": "https://contoso-uat.crm4.dynamics.com/",
        "confirm": (),
        "tenant_id": "",
        "environment_id": ENVIRONMENT_ID,
        "title": "DualWriteCoreAnchor title",
        "state": "Installed",
        "version": "2.4.1",
    }
    assert session.app_management.requests == [(NAME, None)]


def test_installed_package_is_adopted_without_a_request() -> None:
    session = a_tenant(DualWriteCoreAnchor="Installed")
    created(session)
    assert session.app_management.requests == []


def test_package_without_its_environment_is_not_installed() -> None:
    with pytest.raises(NotFound, match="no environment of this tenant answers to 'contoso-uat'"):
        created(FakeSession())


@pytest.mark.parametrize("field", ["cds", "package"])
def test_another_key_is_another_package(field: str) -> None:
    assert PROVIDER.diff(IDENTIFIER, {**BAG, "environment_id": "x"}, {**BAG, field: "other"}).replaces == [field]


@pytest.mark.parametrize(("state", "gone"), [("Installed", False), ("InstallFailed", False), ("None", True)])
def test_package_that_is_not_there_reads_as_gone(state: str, gone: bool) -> None:
    session = a_tenant()
    stored = created(session)
    session.app_management.held[NAME] = state
    held = PROVIDER.on_read(IDENTIFIER, stored, a_call(session))
    assert (held is None) is gone


def test_failed_package_is_a_difference_and_finished_by_an_update() -> None:
    session = a_tenant()
    stored = created(session).model_copy(update={"state": "InstallFailed"})
    session.app_management.held[NAME] = "InstallFailed"
    whole = {**stored.model_dump()}
    assert PROVIDER.diff(IDENTIFIER, whole, BAG).changes is True
    assert PROVIDER.on_update(IDENTIFIER, stored, INPUTS, a_call(session)).state == "Installed"
    assert len(session.app_management.requests) == 2


def test_delete_leaves_the_package_and_says_so_on_its_row_alone() -> None:
    said: list[tuple[str, bool]] = []
    session = a_tenant()
    call = replace(a_call(session), write=lambda _row, text, *, ephemeral, **_: said.append((text, ephemeral)))
    PROVIDER.on_delete(IDENTIFIER, created(session), call)
    assert said == [("left in place: the service cannot uninstall an application package", True)]
