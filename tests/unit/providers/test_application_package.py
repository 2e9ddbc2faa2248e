"""ApplicationPackage: installed once, adopted, repaired, left in place."""

from dataclasses import replace
from typing import Any

import pytest

from providers.api.transport.errors import NotFound
from providers.application_package import ApplicationPackageProvider, PackageInputs, PackageOutputs
from tests.support.environments import FABRIKAM_ID, put_package
from tests.support.in_process import World

PROVIDER = ApplicationPackageProvider()
NAME = "DualWriteCoreAnchor"
IDENTIFIER = f"{FABRIKAM_ID}/{NAME}"
BAG: dict[str, Any] = {"cloud": "emulator", "cds": "fabrikam-sales", "package": NAME}
INPUTS = PackageInputs.model_validate(BAG)


def requests(world: World) -> list[str]:
    """The packages whose installation was asked for."""
    return [each.removesuffix("/install").rpartition("/")[2] for each in world.writes() if each.endswith("/install")]


def created(world: World) -> PackageOutputs:
    identifier, outputs = PROVIDER.on_create(INPUTS, world.call())
    assert identifier == IDENTIFIER
    return outputs


def test_package_is_installed_and_reported(world: World) -> None:
    offered = world.call().session("public").app_management.packages(FABRIKAM_ID)[NAME]
    assert created(world).model_dump() == {
        **BAG,
        "cds_url": "https://fabrikam-sales.crm4.dynamics.com/",
        "confirm": (),
        "tenant_id": "",
        "environment_id": FABRIKAM_ID,
        "title": offered.name,
        "state": "Installed",
        "version": offered.version,
    }
    assert offered.name
    assert offered.version
    assert requests(world) == [NAME]


def test_installed_package_is_adopted_without_a_request(world: World) -> None:
    put_package(world, FABRIKAM_ID, NAME, "Installed")
    created(world)
    assert requests(world) == []


def test_package_without_its_environment_is_not_installed(world: World) -> None:
    with pytest.raises(NotFound, match="no environment of this tenant answers to 'nowhere'"):
        PROVIDER.on_create(INPUTS.model_copy(update={"cds": "nowhere"}), world.call())


@pytest.mark.parametrize("field", ["cds", "package"])
def test_another_key_is_another_package(field: str) -> None:
    assert PROVIDER.diff(IDENTIFIER, {**BAG, "environment_id": "x"}, {**BAG, field: "other"}).replaces == [field]


@pytest.mark.parametrize(("state", "gone"), [("Installed", False), ("InstallFailed", False), ("None", True)])
def test_package_that_is_not_there_reads_as_gone(world: World, state: str, gone: bool) -> None:
    stored = created(world)
    put_package(world, FABRIKAM_ID, NAME, state)
    live = PROVIDER.on_read(IDENTIFIER, stored, world.call())
    assert (live is None) is gone


def test_failed_package_is_a_difference_and_finished_by_an_update(world: World) -> None:
    outputs = created(world)
    put_package(world, FABRIKAM_ID, NAME, "InstallFailed")
    stored = PROVIDER.on_read(IDENTIFIER, outputs, world.call())
    assert stored is not None
    assert PROVIDER.diff(IDENTIFIER, stored.model_dump(), BAG).changes is True
    assert PROVIDER.on_update(IDENTIFIER, stored, INPUTS, world.call()).state == "Installed"
    assert requests(world) == [NAME, NAME]


def test_delete_leaves_the_package_and_says_so_on_its_row_alone(world: World) -> None:
    outputs, said = created(world), list[tuple[str, bool]]()
    call = replace(world.call(), write=lambda _row, text, *, ephemeral, **_: said.append((text, ephemeral)))
    before = world.writes()
    PROVIDER.on_delete(IDENTIFIER, outputs, call)
    assert said == [("left in place: the service cannot uninstall an application package", True)]
    assert world.writes() == before
