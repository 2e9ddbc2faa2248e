"""FinOpsInstance in the real provider process against the emulator: installed, followed from both sides, raised."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.cds_instance import CdsInstanceProvider
from tests.contract.new_instances import CDS, finops
from tests.contract.provider_process import Bag, ProviderError, ProviderProcess, agreed, declared
from tests.engine.harness import Tenant

HOST = "contoso-uat.operations.eu.dynamics.com"


@pytest.fixture
def process(clean_tenant: Tenant, start_process: Callable[[], ProviderProcess]) -> ProviderProcess:
    """A provider process on a tenant that has the stack's CDS instance."""
    process = start_process()
    process.create(declared(CdsInstanceProvider(), "cds", CDS))
    return process


def created(process: ProviderProcess, **changes: Any) -> tuple[str, Bag, Bag]:
    """A created FinOpsInstance: id, inputs, outputs."""
    checked = process.check(finops(**changes))
    assert checked.failures == []
    identifier, outputs = process.create(checked.inputs)
    return identifier, checked.inputs, outputs


def test_installed_finops_reads_back_and_differs_in_nothing(tenant: Tenant, process: ProviderProcess) -> None:
    identifier, inputs, outputs = created(process)
    assert outputs["environment_id"] == identifier
    assert outputs["url"] == f"https://{HOST}/"
    assert (outputs["data"], outputs["developer_tools"], outputs["deployment_type"]) == (
        "empty",
        False,
        "UnifiedSandbox",
    )
    assert outputs["application_version"].startswith("10.0.44.")
    before = tenant.now()
    assert process.diff(identifier, outputs, process.check(finops(), inputs).inputs).changes == "none"
    assert process.read(identifier, outputs) == (identifier, outputs, inputs)
    assert process.create(inputs) == (identifier, outputs)
    assert tenant.writes(before) == []


def test_demo_data_and_developer_tools_are_installed_as_asked(process: ProviderProcess) -> None:
    _, _, outputs = created(process, data="demo", developer_tools=True, version=None)
    assert (outputs["data"], outputs["developer_tools"], outputs["deployment_type"]) == (
        "demo",
        True,
        "UnifiedDeveloper",
    )
    assert "version" not in outputs


def test_raised_version_is_updated_in_place(tenant: Tenant, process: ProviderProcess) -> None:
    identifier, inputs, outputs = created(process)
    raised = process.check(finops(version="10.0.45"), inputs).inputs
    difference = process.diff(identifier, outputs, raised)
    assert (difference.changes, difference.replaces) == ("unknown", [])
    before = tenant.now()
    updated = process.update(identifier, outputs, raised)
    assert updated["application_version"].startswith("10.0.45.")
    assert len(tenant.writes(before)) == 1
    assert process.diff(identifier, updated, inputs).changes == "none"


def test_data_changes_only_with_another_environment(process: ProviderProcess) -> None:
    identifier, inputs, outputs = created(process)
    assert process.check(finops(data="demo"), inputs).failures == [
        (
            "data",
            (
                "DW-C03 cannot change from 'empty' to 'demo': it is fixed when F&O is installed and F&O cannot be "
                "removed alone: give the CDS instance a new `domain` as well, with the consent replace-environment"
            ),
        )
    ]
    moved = process.check(finops(data="demo", cds="contoso-new", environment_name="contoso-new"), inputs)
    assert moved.failures == []
    assert process.diff(identifier, outputs, moved.inputs).replaces == ["cds", "data"]


def test_failed_installation_is_one_line_and_the_next_run_continues(tenant: Tenant, process: ProviderProcess) -> None:
    tenant.control("switches", {"finops_install_failures": 1})
    with pytest.raises(ProviderError) as caught:
        process.create(finops())
    text = str(caught.value)
    assert text.startswith(
        "DualWriteError: FinOpsInstance 'contoso-uat': create failed: the installation of "
        "msdyn_FinanceAndOperationsProvisioningAppAnchor failed in DeployFinanceAndOperations: "
        "The deployment of the finance and operations application failed (ProvisioningFailed, correlation "
    )
    assert text.endswith("). Remove the cause, or give support the correlation id; the next run requests it once more.")
    assert process.create(finops())[1]["url"] == f"https://{HOST}/"


@pytest.mark.parametrize(
    ("switches", "said"),
    [
        (
            {"finops_entitlement": False},
            "DW-C04 F&O cannot be installed: the template D365_FinOps_Finance is disabled in europe",
        ),
        ({"capacity_finops_database_mb": 10.0}, "DW-C04 F&O cannot be installed: the tenant has "),
    ],
)
def test_tenants_objections_show_before_anything_is_installed(
    tenant: Tenant, process: ProviderProcess, switches: dict[str, Any], said: str
) -> None:
    tenant.control("switches", switches)
    ((path, text),) = process.check(finops()).failures
    assert path == "cds"
    assert text.startswith(said)


def test_registration_by_a_person_is_waited_for(tenant: Tenant, process: ProviderProcess) -> None:
    tenant.control("switches", {"finops_creator_is_administrator": False})
    with pytest.raises(ProviderError) as caught:
        process.create(finops(timeout="8s"))
    steps = (
        f"Sign in to https://{HOST}/ as administrator, open System administration > Setup > "
        "Microsoft Entra ID applications, add the application "
    )
    assert steps in str(caught.value)
    assert str(caught.value).endswith("with the user Admin. Then run again.")
    tenant.control("person", {"action": "register-application", "environment": "contoso-uat.crm4.dynamics.com"})
    assert process.create(finops())[1]["url"] == f"https://{HOST}/"


def test_killed_process_is_continued_by_the_next(
    tenant: Tenant, process: ProviderProcess, start_process: Callable[[], ProviderProcess]
) -> None:
    running = process.begin_create(finops())
    process.engine.wait_for("Dynamics 365 Finance and Operations Provisioning App: Install")
    process.kill()
    assert running.exception() is not None
    before = tenant.now()
    assert start_process().create(finops())[1]["url"] == f"https://{HOST}/"
    assert not [each for each in tenant.writes(before) if each.endswith("/install")]


def test_deletion_says_that_finops_goes_with_its_environment(tenant: Tenant, process: ProviderProcess) -> None:
    identifier, _, outputs = created(process)
    before = tenant.now()
    process.delete(identifier, agreed(outputs))
    assert process.engine.lines(ephemeral=False)[-1] == (
        "FinOpsInstance 'contoso-uat': F&O cannot be removed alone; it is deleted together with its CDS instance"
    )
    assert tenant.writes(before) == []


def test_finops_is_gone_with_its_environment(tenant: Tenant, process: ProviderProcess) -> None:
    identifier, _, outputs = created(process)
    tenant.control("person", {"action": "delete-environment", "environment": "contoso-uat.crm4.dynamics.com"})
    assert process.read(identifier, outputs)[0] == ""
