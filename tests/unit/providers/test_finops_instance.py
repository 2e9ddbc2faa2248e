"""FinOpsInstance: inputs and how they change, checks before a creation, reading both sides."""

import re
from typing import Any

import pytest

from emulator.core.faults import Fault
from providers.api.dataverse.models import FinOpsApplication
from providers.api.transport.errors import UnexpectedAnswer
from providers.finops_instance import FinOpsInstanceProvider
from providers.instances.finops_model import FinOpsInputs, FinOpsOutputs, Place, from_api
from providers.instances.finops_readiness import Observation
from tests.support.cds_and_finops import CDS, CDS_URL, FINOPS_URL, CdsAndFinOps
from tests.support.check_findings import check_findings
from tests.support.environments import FABRIKAM_ID, PROVISIONING_APP
from tests.support.in_process import World
from tests.support.watched_wire import Wire

PROVIDER = FinOpsInstanceProvider()
BAG: dict[str, Any] = {
    "cloud": "emulator",
    "cds": CDS,
    "data": "empty",
    "developer_tools": False,
    "version": "10.0.45",
    "environment_name": "Fabrikam Sales",
    "environment_type": "sandbox",
    "location": "europe",
}
INPUTS = FinOpsInputs.model_validate(BAG)
# On a CDS instance that the stack is still to make.
NOT_THERE = INPUTS.model_copy(update={"cds": "contoso-uat", "environment_name": "Contoso UAT"})


def check(**changes: Any) -> list[tuple[str, str]]:
    news = {name: value for name, value in {**BAG, **changes}.items() if value is not None}
    return check_findings(PROVIDER, BAG, news)


def live_problems(world: World, inputs: FinOpsInputs = NOT_THERE) -> list[tuple[str, str]]:
    return [tuple(found) for found in PROVIDER.live_problems(inputs, world.call())]  # type: ignore[misc]


def created(installed: CdsAndFinOps, minimum: str | None = "10.0.45") -> FinOpsOutputs:
    inputs = INPUTS.model_copy(update={"version": minimum})
    identifier, outputs = PROVIDER.on_create(inputs, installed.world.call())
    assert identifier == installed.finops.id
    installed.wire.forget()
    return outputs


def read(installed: CdsAndFinOps, stored: FinOpsOutputs) -> FinOpsOutputs | None:
    return PROVIDER.on_read(stored.environment_id, stored, installed.world.call())


@pytest.mark.parametrize(("field", "value"), [("data", "demo"), ("developer_tools", True)])
def test_choices_of_the_installation_cannot_change(field: str, value: Any) -> None:
    assert check(**{field: value}) == [
        (
            field,
            (
                f"cannot change from {BAG[field]!r} to {value!r}: it is fixed when F&O is installed and F&O cannot be "
                "removed alone: give the CDS instance a new `domain` as well, with the consent replace-environment"
            ),
        )
    ]


def test_choices_change_together_with_the_environment() -> None:
    wanted = INPUTS.model_copy(update={"data": "demo", "cds": "contoso-new"})
    assert list(PROVIDER.problems(wanted, INPUTS)) == []
    assert PROVIDER.diff("id", BAG, {**BAG, "data": "demo", "cds": "contoso-new"}).replaces == ["cds", "data"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"environment_name": "Contoso user acceptance"}, "at most 20 where F&O is installed on it"),
        ({"cds": "contoso-user-accepta", "environment_name": "Contoso"}, "at most 19 where F&O is installed on it"),
    ],
)
def test_names_are_limited_where_finops_goes(changes: dict[str, Any], said: str) -> None:
    ((_, text),) = check(**changes)
    assert text.endswith(said)


@pytest.mark.parametrize("version", ["10", "newest", "10.0.45-beta"])
def test_version_must_be_dotted_numbers(version: str) -> None:
    assert [path for path, _ in check(version=version)] == ["version"]


@pytest.mark.parametrize(
    ("held", "wanted", "differs"),
    [
        ("10.0.45.10", "10.0.45", False),
        ("10.0.46.1", "10.0.45", False),
        ("10.0.45.10", "10.0.45.9", False),
        ("10.0.45.10", None, False),
        ("10.0.44.9", "10.0.45", True),
    ],
)
def test_version_is_a_minimum(held: str, wanted: str | None, differs: bool) -> None:
    news = {name: value for name, value in {**BAG, "version": wanted}.items() if value is not None}
    assert (PROVIDER.diff("id", {**BAG, "version": held}, news).changes is None) is differs


@pytest.mark.parametrize("field", ["environment_name", "environment_type", "location", "timeout"])
def test_what_only_serves_the_checks_is_no_difference(installed: CdsAndFinOps, field: str) -> None:
    value = {"environment_type": "production", "timeout": "5h"}.get(field, "other")
    held = {**BAG, **created(installed).model_dump()}
    assert PROVIDER.diff("id", held, {**BAG, field: value}).changes is False


def test_tenant_without_objection_raises_none(world: World) -> None:
    assert live_problems(world) == []


def test_licence_and_capacity_are_checked_before_a_creation(world: World) -> None:
    world.tenant.switches.set("finops_entitlement", False)
    world.tenant.switches.set("capacity_finops_database_mb", 10)
    found = live_problems(world)
    assert [path for path, _ in found] == ["cds", "cds"]
    licence, capacity = (re.sub(r", correlation [0-9a-f-]{36}\)", ")", text) for _, text in found)
    assert licence == (
        "F&O cannot be installed: the template D365_FinOps_Finance is disabled in europe: You do not have the required "
        "Dynamics 365 licenses to create databases with the 'Finance (Preview)' Dynamics app "
        "(DynamicsEntitlementMissing). Assign the licence it needs, or choose another type or location."
    )
    assert capacity == (
        "F&O cannot be installed: the tenant has 10 MB of FinOpsDatabase capacity left, "
        "an environment needs 1024 MB (InsufficientCapacity_StorageDriven). Free some, or buy some; "
        "Power Platform admin centre > Licensing > Capacity shows what uses it."
    )


def test_licence_is_checked_for_the_type_and_the_location_that_are_declared(world: World) -> None:
    wire = Wire(world)
    wire.alter("*/templates", lambda offered: {**offered, "production": []})
    wanted = {"environment_type": "production", "location": "unitedstates"}
    assert live_problems(world, NOT_THERE.model_copy(update=wanted)) == [
        (
            "cds",
            (
                "F&O cannot be installed: the template D365_FinOps_Finance is not offered for a production environment "
                "in unitedstates"
            ),
        )
    ]
    assert wire.count("*/locations/unitedstates/templates") == 1


def test_finops_that_is_there_needs_no_checks(installed: CdsAndFinOps) -> None:
    installed.world.tenant.switches.set("capacity_finops_database_mb", 0)
    assert live_problems(installed.world, INPUTS) == []


def test_what_cannot_be_checked_is_said(world: World) -> None:
    world.tenant.switches.set("tenant_provisioning_mode", "macroRegion")
    refusal = {"error": {"code": "Forbidden", "message": "no licensing role"}}
    world.tenant.faults.add(
        Fault(service="powerplatform", method="GET", path="/licensing/tenantCapacity", status=403, body=refusal)
    )
    assert live_problems(world) == []
    assert world.said == [
        "DW-N04 not checked: the licence for F&O, which is listed by location",
        "DW-N03 not checked: free F&O capacity (no licensing role)",
        "DW-N08 not checked: whether F&O 10.0.45 is on offer, which no environment of the tenant tells",
    ]


def test_created_finops_is_reported_from_both_sides(installed: CdsAndFinOps) -> None:
    assert created(installed).model_dump() == {
        "cloud": "emulator",
        "cds": CDS,
        "instance": "new",
        "data": "empty",
        "developer_tools": False,
        "version": "10.0.45",
        "environment_id": installed.finops.id,
        "cds_url": CDS_URL,
        "confirm": (),
        "tenant_id": "",
        "cds_environment_id": FABRIKAM_ID,
        "url": FINOPS_URL,
        "application_version": "10.0.45.10",
        "platform_version": "7.0.45.10",
        "deployment_type": "UnifiedSandbox",
        "demo_dataset": "",
    }


def test_installation_asks_for_what_is_declared_and_reports_what_the_sides_tell(unified: CdsAndFinOps) -> None:
    inputs = INPUTS.model_copy(update={"data": "demo", "developer_tools": True, "version": "10.0.44"})
    _, outputs = PROVIDER.on_create(inputs, unified.world.call())
    choices = "DevToolsEnabled=true|DemoDataEnabled=true|ApplicationVersion=10.0.44.9"
    assert unified.installations()[1] == (PROVISIONING_APP, choices)
    assert (outputs.data, outputs.developer_tools, outputs.application_version) == ("demo", True, "10.0.44.9")
    assert (outputs.deployment_type, outputs.demo_dataset) == ("UnifiedDeveloper", "Contoso")


def test_version_stays_unmanaged_without_a_minimum(installed: CdsAndFinOps) -> None:
    outputs = created(installed, minimum=None)
    assert outputs.version is None
    assert outputs.application_version == "10.0.45.10"


def test_version_below_the_minimum_is_read_as_it_is(installed: CdsAndFinOps) -> None:
    stored = created(installed)
    installed.has_version("10.0.44.9")
    held = read(installed, stored)
    assert held is not None
    assert held.version == "10.0.44.9"


def test_unchanged_finops_reads_as_created(installed: CdsAndFinOps) -> None:
    stored = created(installed)
    assert read(installed, stored) == stored


def test_finops_is_gone_with_its_environment(installed: CdsAndFinOps) -> None:
    stored = created(installed)
    installed.world.tenant.person.act({"action": "delete-environment", "environment": FABRIKAM_ID})
    assert read(installed, stored) is None


def test_finops_that_no_side_shows_is_gone(installed: CdsAndFinOps) -> None:
    stored = created(installed)
    installed.change(finops=None, packages={})
    assert read(installed, stored) is None


def test_one_side_without_the_link_is_not_gone(installed: CdsAndFinOps) -> None:
    stored = created(installed)
    installed.hide_link_in_dataverse()
    assert read(installed, stored) == stored


def test_raised_version_updates_in_place(installed: CdsAndFinOps) -> None:
    installed.has_version("10.0.44.9")
    stored = created(installed, minimum="10.0.44")
    outputs = PROVIDER.on_update(stored.environment_id, stored, INPUTS, installed.world.call())
    assert installed.updates() == ["ApplicationVersion=10.0.45.10"]
    assert outputs.application_version == "10.0.45.10"


def test_update_without_a_difference_asks_for_nothing(installed: CdsAndFinOps) -> None:
    stored = created(installed)
    assert PROVIDER.on_update(stored.environment_id, stored, INPUTS, installed.world.call()) == stored
    assert installed.updates() == []
    assert installed.installations() == []


def test_delete_says_that_finops_goes_with_its_environment(installed: CdsAndFinOps) -> None:
    stored = created(installed)
    PROVIDER.on_delete(stored.environment_id, stored, installed.world.call())
    assert installed.world.said == ["F&O cannot be removed alone; it is deleted together with its CDS instance"]
    assert installed.world.writes() == []


def test_nameless_finops_is_no_answer() -> None:
    with pytest.raises(UnexpectedAnswer, match="neither side names the id and the address of F&O"):
        from_api(Observation(application=FinOpsApplication()), Place(FABRIKAM_ID), known=INPUTS)
