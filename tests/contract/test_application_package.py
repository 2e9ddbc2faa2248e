"""ApplicationPackage in the real provider process against the emulator."""

from collections.abc import Callable

import pytest

from providers.application_package import ApplicationPackageProvider
from providers.cds_instance import CdsInstanceProvider
from tests.contract.new_instances import CDS
from tests.contract.provider_process import Bag, ProviderError, ProviderProcess, agreed, declared
from tests.engine.harness import Tenant

NAME = "DualWriteCoreAnchor"


def package(name: str = NAME) -> Bag:
    """A declared ApplicationPackage on the stack's CDS instance."""
    inputs = {"cloud": "emulator", "cds": "contoso-uat", "package": name, "timeout": "2m"}
    return declared(ApplicationPackageProvider(), name, inputs)


@pytest.fixture
def process(clean_tenant: Tenant, start_process: Callable[[], ProviderProcess]) -> ProviderProcess:
    """A provider process on a tenant that has the stack's CDS instance."""
    process = start_process()
    process.create(declared(CdsInstanceProvider(), "cds", CDS))
    return process


def test_installed_package_reads_back_and_differs_in_nothing(tenant: Tenant, process: ProviderProcess) -> None:
    inputs = process.check(package()).inputs
    identifier, outputs = process.create(inputs)
    assert identifier == f"{outputs['environment_id']}/{NAME}"
    assert outputs["state"] == "Installed"
    before = tenant.now()
    assert process.diff(identifier, outputs, process.check(package(), inputs).inputs).changes == "none"
    assert process.read(identifier, outputs) == (identifier, outputs, inputs)
    assert process.create(inputs) == (identifier, outputs)
    assert tenant.writes(before) == []


def test_another_package_is_a_replacement(process: ProviderProcess) -> None:
    identifier, outputs = process.create(package())
    news = process.check(package("msdyn_DualWriteAppCoreAnchor"), package()).inputs
    assert process.diff(identifier, outputs, news).replaces == ["package"]


def test_failed_installation_is_one_line_and_the_next_run_continues(tenant: Tenant, process: ProviderProcess) -> None:
    tenant.control("switches", {"package_install_failures": 1})
    with pytest.raises(ProviderError) as caught:
        process.create(package())
    text = str(caught.value)
    assert text.startswith(
        f"DualWriteError: ApplicationPackage '{NAME}': create failed: the installation of {NAME} failed: "
    )
    assert text.endswith("Remove the cause and run again: the next run requests the installation once more.")
    assert process.create(package())[1]["state"] == "Installed"


def test_package_of_no_environment_is_one_line(process: ProviderProcess) -> None:
    with pytest.raises(ProviderError) as caught:
        process.create({**package(), "cds": "nowhere"})
    assert str(caught.value) == (
        f"DualWriteError: ApplicationPackage '{NAME}': create failed: no environment of this tenant answers to "
        "'nowhere'. Check the name, and that the program's identity may see the environment."
    )


def test_deletion_leaves_the_package_in_place(tenant: Tenant, process: ProviderProcess) -> None:
    identifier, outputs = process.create(package())
    before = tenant.now()
    process.delete(identifier, agreed(outputs))
    assert tenant.writes(before) == []
    left = "left in place: the service cannot uninstall an application package"
    assert process.engine.lines(ephemeral=True)[-1] == left
