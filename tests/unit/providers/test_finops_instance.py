"""FinOpsInstance: inputs and how they change, checks before a creation, reading both sides."""

from typing import Any

import pytest

from providers.api.dataverse.models import FinOpsApplication
from providers.api.transport.errors import UnexpectedAnswer
from providers.finops_instance import FinOpsInstanceProvider
from providers.instances.finops_model import FinOpsInputs, FinOpsOutputs, Place, from_api
from providers.instances.finops_readiness import Observation
from tests.support.seen_instances import (
    ENVIRONMENT_ID,
    FINOPS_ID,
    FINOPS_URL,
    a_template,
    an_application,
    an_environment,
)
from tests.unit.providers.fake_services import (
    PLATFORM_TOOLS,
    PROVISIONING_APP,
    FakePackages,
    FakePowerPlatform,
    FakeSession,
    a_call,
)

PROVIDER = FinOpsInstanceProvider()
BAG: dict[str, Any] = {
    "cloud": "emulator",
    "cds": "contoso-uat",
    "data": "empty",
    "developer_tools": False,
    "version": "10.0.45",
    "environment_name": "Contoso UAT",
    "environment_type": "sandbox",
    "location": "europe",
}
INPUTS = FinOpsInputs.model_validate(BAG)


def check(**changes: Any) -> list[tuple[str, str]]:
    news = {name: value for name, value in {**BAG, **changes}.items() if value is not None}
    return [(failure.property, said(failure.reason)) for failure in PROVIDER.check(BAG, news).failures or []]


def live_problems(session: FakeSession, said: list[str] | None = None) -> list[tuple[str, str]]:
    return [tuple(found) for found in PROVIDER.live_problems(INPUTS, a_call(session, said))]  # type: ignore[misc]


def a_tenant() -> FakeSession:
    packages = FakePackages(**{PLATFORM_TOOLS: "Installed", PROVISIONING_APP: "Installed"})
    session = FakeSession(FakePowerPlatform(an_environment()), packages)
    session.finish_finops()
    session.finops.open = True
    return session


def created(session: FakeSession) -> FinOpsOutputs:
    identifier, outputs = PROVIDER.on_create(INPUTS, a_call(session))
    assert identifier == FINOPS_ID
    return outputs


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
def test_what_only_serves_the_checks_is_no_difference(field: str) -> None:
    value = {"environment_type": "production", "timeout": "5h"}.get(field, "other")
    held = {**BAG, **created(a_tenant()).model_dump()}
    assert PROVIDER.diff(FINOPS_ID, held, {**BAG, field: value}).changes is False


def test_tenant_without_objection_raises_none() -> None:
    assert live_problems(FakeSession()) == []


def test_licence_and_capacity_are_checked_before_a_creation() -> None:
    session = FakeSession()
    session.power_platform.template_list = [a_template("D365_FinOps_Finance", disabled=True)]
    session.power_platform.capacities["FinOpsDatabase"] = 10
    assert live_problems(session) == [
        (
            "cds",
            (
                "F&O cannot be installed: the template D365_FinOps_Finance is disabled in europe: "
                "You do not have the required licenses (DynamicsEntitlementMissing). "
                "Assign the licence it needs, or choose another type or location."
            ),
        ),
        (
            "cds",
            (
                "F&O cannot be installed: the tenant has 10 MB of FinOpsDatabase capacity left, "
                "an environment needs 1024 MB (InsufficientCapacity_StorageDriven). Free some, or buy some; "
                "Power Platform admin centre > Licensing > Capacity shows what uses it."
            ),
        ),
    ]


def test_finops_that_is_there_needs_no_checks() -> None:
    session = a_tenant()
    session.power_platform.capacities["FinOpsDatabase"] = 0
    assert live_problems(session) == []


def test_licence_cannot_be_checked_by_macro_region() -> None:
    said: list[str] = []
    session = FakeSession()
    session.power_platform.macro_regions = ["eu-efta"]
    assert live_problems(session, said) == []
    assert said == [
        "DW-N04 not checked: the licence for F&O, which is listed by location",
        "DW-N08 not checked: whether F&O 10.0.45 is on offer, which no environment of the tenant tells",
    ]


def test_created_finops_is_reported_from_both_sides() -> None:
    assert created(a_tenant()).model_dump() == {
        "cloud": "emulator",
        "cds": "contoso-uat",
        "instance": "new",
        "data": "empty",
        "developer_tools": False,
        "version": "10.0.45",
        "environment_id": FINOPS_ID,
        "cds_url": "https://contoso-uat.crm4.dynamics.com/",
        "confirm": (),
        "tenant_id": "",
        "cds_environment_id": ENVIRONMENT_ID,
        "url": FINOPS_URL,
        "application_version": "10.0.45.10",
        "platform_version": "7.0.45",
        "deployment_type": "Unified",
        "demo_dataset": "",
    }


def test_version_stays_unmanaged_without_a_minimum() -> None:
    _, outputs = PROVIDER.on_create(INPUTS.model_copy(update={"version": None}), a_call(a_tenant()))
    assert outputs.version is None
    assert outputs.application_version == "10.0.45.10"


def test_version_below_the_minimum_is_read_as_it_is() -> None:
    session = a_tenant()
    stored = created(session)
    session.organization.application = an_application("10.0.44.9")
    held = PROVIDER.on_read(FINOPS_ID, stored, a_call(session))
    assert held is not None
    assert held.version == "10.0.44.9"


def test_unchanged_finops_reads_as_created() -> None:
    session = a_tenant()
    stored = created(session)
    assert PROVIDER.on_read(FINOPS_ID, stored, a_call(session)) == stored


def test_finops_is_gone_with_its_environment() -> None:
    session = a_tenant()
    stored = created(session)
    session.power_platform.held.clear()
    assert PROVIDER.on_read(FINOPS_ID, stored, a_call(session)) is None


def test_one_side_without_the_link_is_not_gone() -> None:
    session = a_tenant()
    stored = created(session)
    session.organization.integration = None
    assert PROVIDER.on_read(FINOPS_ID, stored, a_call(session)) == stored


def test_raised_version_updates_in_place() -> None:
    session = a_tenant()
    session.organization.application = an_application("10.0.44.9")
    stored = created_at(session, "10.0.44")
    outputs = PROVIDER.on_update(FINOPS_ID, stored, INPUTS, a_call(session))
    assert session.organization.queued == ["ApplicationVersion=10.0.45.10"]
    assert outputs.application_version == "10.0.45.10"


def created_at(session: FakeSession, minimum: str) -> FinOpsOutputs:
    return PROVIDER.on_create(INPUTS.model_copy(update={"version": minimum}), a_call(session))[1]


def test_update_without_a_difference_asks_for_nothing() -> None:
    session = a_tenant()
    stored = created(session)
    assert PROVIDER.on_update(FINOPS_ID, stored, INPUTS, a_call(session)) == stored
    assert session.organization.queued == []
    assert session.app_management.requests == []


def test_delete_says_that_finops_goes_with_its_environment() -> None:
    said: list[str] = []
    session = a_tenant()
    PROVIDER.on_delete(FINOPS_ID, created(session), a_call(session, said))
    assert said == ["F&O cannot be removed alone; it is deleted together with its CDS instance"]
    assert session.power_platform.writes() == []


def test_nameless_finops_is_no_answer() -> None:
    with pytest.raises(UnexpectedAnswer):
        from_api(Observation(application=FinOpsApplication()), Place(ENVIRONMENT_ID), known=INPUTS)


def said(reason: str) -> str:
    """The sentence after its code, which tests/unit/providers/test_findings.py is about."""
    code, _, sentence = reason.partition(" ")
    assert code.startswith("DW-C")
    return sentence
