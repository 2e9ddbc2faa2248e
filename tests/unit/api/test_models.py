"""What the models make of answers: late, missing, null and unknown members; codes as numbers or text."""

from typing import Any

import pytest

from providers.api.app_management.models import ApplicationPackage, PackageOperation
from providers.api.dual_write.actions import MapState
from providers.api.dual_write.models import ConnectionSet, EntityMapStatus, LinkSide, SolutionStatus
from providers.api.power_platform.models import Environment, LifecycleOperation, Template, TenantCapacity


def environment(**properties: Any) -> Environment:
    return Environment.model_validate({"name": "c0ffee00", "location": "europe", "properties": properties})


@pytest.mark.parametrize(
    ("metadata", "ready"),
    [
        (None, False),
        ({}, False),
        ({"domainName": "hl-uat-01"}, False),
        ({"domainName": "hl-uat-01", "instanceUrl": "https://hl-uat-01.crm4.dynamics.com/"}, True),
    ],
)
def test_dataverse_metadata_may_come_late(metadata: object, ready: bool) -> None:
    assert environment(linkedEnvironmentMetadata=metadata).dataverse_ready is ready


@pytest.mark.parametrize(
    ("management", "instance", "state"),
    [
        ("Ready", "Preparing", "Ready"),
        ("NotSpecified", "Ready", "Ready"),
        ("Running", "Ready", "Running"),
        (None, "Ready", "Ready"),
        (None, None, ""),
    ],
)
def test_state_is_the_management_state_unless_unspecified(
    management: str | None, instance: str | None, state: str
) -> None:
    found = environment(
        states={"management": {"id": management}}, linkedEnvironmentMetadata={"instanceState": instance}
    )
    assert found.state == state


@pytest.mark.parametrize("linked", [{}, {"linkedAppMetadata": None}])
def test_absent_and_null_link_mean_not_linked(linked: dict[str, None]) -> None:
    assert environment(**linked).finops is None


def test_link_to_finance_and_operations_is_read() -> None:
    linked = environment(
        linkedAppMetadata={"id": "4be0", "type": "Internal", "url": "https://x.operations.dynamics.com/"}
    )
    assert linked.finops is not None
    assert (linked.finops.id, linked.finops.type) == ("4be0", "Internal")


@pytest.mark.parametrize(
    ("path", "found"),
    [("/providers/x/environments/c0ffee00-1b2d", "c0ffee00-1b2d"), ("", None), (None, None)],
)
def test_operation_names_the_environment_by_its_last_segment(path: str | None, found: str | None) -> None:
    operation = LifecycleOperation.model_validate({"links": {"environment": {"path": path}}, "state": {"id": "Failed"}})
    assert operation.environment_id == found
    assert operation.finished
    assert not operation.succeeded


@pytest.mark.parametrize("state", ["Running", "InProgress", "NotStarted", "SomethingNew"])
def test_unknown_operation_states_are_not_final(state: str) -> None:
    stages = [{"id": "Validate", "state": {"id": "Succeeded"}}, {"id": "Run", "state": {"id": state}}]
    operation = LifecycleOperation.model_validate({"state": {"id": state}, "stages": stages})
    assert not operation.finished
    assert operation.stage == ("" if state == "NotStarted" else "Run")


@pytest.mark.parametrize(
    ("state", "installed", "installing", "failed"),
    [
        ("None", False, False, False),
        ("Installed", True, False, False),
        ("TemplateInstalled", True, False, False),
        ("InstallRequested", False, True, False),
        ("Installing", False, True, False),
        ("InstallScheduled", False, True, False),
        ("InstallRetrying", False, True, False),
        ("InstallFailed", False, False, True),
        ("SomethingNew", False, False, False),
    ],
)
def test_package_states(state: str, installed: bool, installing: bool, failed: bool) -> None:
    package = ApplicationPackage(state=state)
    assert (package.installed, package.installing, package.failed) == (installed, installing, failed)


def test_package_operation_error_may_be_absent_or_null() -> None:
    assert PackageOperation.model_validate({"status": "Failed"}).error_message == ""
    assert PackageOperation.model_validate({"status": "Failed", "error": None}).error_code is None


def test_capacity_counts_what_is_free() -> None:
    found = TenantCapacity.model_validate(
        {
            "tenantCapacities": [
                {"capacityType": "Database", "totalCapacity": 20480, "consumption": {"actual": 2048, "rated": 3072}}
            ]
        }
    )
    database = found.of("Database")
    assert database is not None
    assert database.free == 17408
    assert found.of("FinOpsDatabase") is None


def test_disabled_template_keeps_its_reason() -> None:
    template = Template.model_validate(
        {"name": "T", "properties": {"isDisabled": True, "disabledReason": {"code": "C", "message": "M"}}}
    )
    assert (template.disabled, template.disabled_code, template.disabled_message) == (True, "C", "M")


def status(**detail: Any) -> EntityMapStatus:
    return EntityMapStatus.model_validate({"detail": detail})


@pytest.mark.parametrize(("sent", "read"), [("4", "4"), (4, "4"), ("77", "77"), (None, "0")])
def test_codes_come_as_text_or_numbers_and_are_kept(sent: object, read: str) -> None:
    assert status(state=sent).state == read
    assert (status(state=4).state == MapState.RUNNING) is True


def test_absent_actions_mean_unknown() -> None:
    assert status(state="1").detail.actions is None
    assert status(state="4", actions=[4, "5"]).detail.actions == ["4", "5"]


def test_names_are_read_in_any_case() -> None:
    found = EntityMapStatus.model_validate(
        {
            "LeftEntity": {"Name": "Vendor groups"},
            "Detail": {"TName": "a - b", "PID": "p", "lastrequests": [{"RequestID": "r", "State": 2}]},
        }
    )
    assert found.name == "a - b"
    assert found.initialised
    request = found.request("r")
    assert request is not None
    assert request.state == "2"
    assert found.request("other") is None


def test_null_lists_are_empty() -> None:
    found = status(templates=None, lastRequests=None, lastRequest=None, version=None)
    assert found.detail.templates == []
    assert found.detail.last_requests == []


def test_companies_and_solution_requests_are_lifted() -> None:
    found = ConnectionSet.model_validate(
        {
            "name": "DWCS-1",
            "environments": {"e": {"name": "e", "targetType": "CRM"}},
            "DualWriteDetail": {
                "legalEntityMappings": {
                    "mappings": [
                        {"left": {"name": "DAT", "id": "DAT"}},
                        {"left": {"name": "USMF"}},
                        {"left": {"name": "DAT"}},
                    ]
                },
                "solutionAwareRequests": [{"requestId": "r", "state": 2}],
            },
        }
    )
    assert found.companies == ["DAT", "USMF"]
    assert found.solution_requests == [SolutionStatus(request_id="r", state="2")]
    assert found.dataverse is not None
    assert found.finance_operations is None


@pytest.mark.parametrize("detail", [{}, {"dualWriteDetail": None}, {"dualWriteDetail": {"legalEntityMappings": None}}])
def test_link_without_companies_is_read(detail: dict[str, Any]) -> None:
    assert ConnectionSet.model_validate({"name": "n", **detail}).companies == []


@pytest.mark.parametrize(
    ("keys", "columns"),
    [
        ([{"name": "UserKeys", "fields": ["a", "b.c"]}, {"name": "userKey", "fields": ["x"]}], ["a", "b.c"]),
        ([{"name": "USERKEY", "fields": ["x"]}], ["x"]),
        ([{"name": "primary", "fields": ["x"]}], None),
        ([], None),
    ],
)
def test_integration_key_is_the_user_key_of_the_table(keys: list[Any], columns: list[str] | None) -> None:
    side = LinkSide.model_validate({"name": "e", "targetType": "CDS", "schemas": [{"name": "Accounts", "keys": keys}]})
    assert side.is_dataverse
    assert side.integration_key("accounts") == columns
    assert side.integration_key("contacts") is None
