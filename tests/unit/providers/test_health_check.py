"""The health check of a link: what fails has a code and a cure; what cannot be read is never counted as passed."""

from collections.abc import Callable
from typing import cast

import pytest

from providers.api.dataverse_access import DataverseAccess
from providers.api.dataverse_models import BusinessUnit
from providers.api.errors import AuthenticationError, EmulatorNotRunning, PermissionDenied, ServiceUnavailable
from providers.api.finance_operations import FinanceOperations
from providers.health_check import (
    CDS_APPLICATION_USERS,
    FINOPS_CLIENTS,
    Check,
    after_linking,
    before_linking,
    failed,
)
from tests.unit.providers.fake_link import FakeDataverseSide, FakeFinOpsSide
from tests.unit.providers.fake_services import FakePackages, an_application

Change = Callable[[FakeDataverseSide, FakeFinOpsSide], object]
UNREADABLE = ["API Hub connections", "Apps in tenant", "Plug-ins enabled", "Stale configuration"]


def checks(change: Change | None = None, core: str = "Installed") -> dict[str, Check]:
    """Every check of a healthy pair of DAT, after a change."""
    cds, finops = FakeDataverseSide(), FakeFinOpsSide()
    if change:
        change(cds, finops)
    sides = cast(DataverseAccess, cds), cast(FinanceOperations, finops)
    before = before_linking(FakePackages(DualWriteCoreAnchor=core).packages("e"), *sides)
    return {check.name: check for check in [*before, *after_linking(["dat"], *sides)]}


def test_healthy_pair_fails_nothing_and_names_what_nobody_can_read() -> None:
    found = checks()
    assert failed(found.values()) == []
    assert sorted(name for name, check in found.items() if check.verdict == "not checked") == UNREADABLE
    assert all(found[name].detail for name in UNREADABLE)


@pytest.mark.parametrize(
    ("change", "name", "code", "detail"),
    [
        (lambda cds, _: setattr(cds, "application", an_application("10.0.8.1")),
         "App version", None, "F&O is at 10.0.8.1, dual-write needs 10.0.9"),
        (lambda _, finops: finops.clients.remove(FINOPS_CLIENTS[0]),
         "CDS can connect to F&O", None, f"F&O does not know {FINOPS_CLIENTS[0]}"),
        (lambda cds, _: cds.users.pop(CDS_APPLICATION_USERS[0]),
         "F&O can connect to CDS", None, f"CDS has no enabled application user for {CDS_APPLICATION_USERS[0]}"),
        (lambda cds, _: cds.users.update({CDS_APPLICATION_USERS[1]: True}),
         "F&O can connect to CDS", None, f"CDS has no enabled application user for {CDS_APPLICATION_USERS[1]}"),
        (lambda cds, _: setattr(cds, "units", [BusinessUnit(id="bu-1", name="renamed")]),
         "Default team of the root business unit", "DWFOEV1006", "not named like it"),
        (lambda cds, _: cds.company_teams.clear(), "Companies in CDS", "DWDVEV1003", "not in cdm_companies: DAT"),
        (lambda _, finops: finops.companies.clear(), "Companies in F&O", "DWFOEV1003", "no legal entity of F&O: DAT"),
        (lambda cds, _: cds.company_teams.update(DAT=None),
         "Default owning teams", "DWDVEV1007", "no default owning team: DAT"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_code_detail_and_cure(change: Change, name: str, code: str | None, detail: str) -> None:
    check = checks(change)[name]
    assert (check.verdict, check.code) == ("failed", code)
    assert detail in check.detail
    assert check.cure


@pytest.mark.parametrize("state", ["None", "InstallFailed", "Installing"])
def test_core_solution_has_to_be_installed(state: str) -> None:
    assert checks(core=state)["Core solution found"].detail == "DualWriteCoreAnchor is not installed"


def test_version_that_is_not_shown_is_not_checked() -> None:
    check = checks(lambda cds, _: setattr(cds, "application", None))["App version"]
    assert (check.verdict, check.detail) == ("not checked", "the version of F&O is not shown")


@pytest.mark.parametrize("error", [PermissionDenied("no right"), ServiceUnavailable("restarting", code="HTTP 503")])
@pytest.mark.parametrize("call", ["finops_application_details", "application_user", "business_units", "rows"])
def test_what_cannot_be_read_now_is_not_checked(call: str, error: PermissionDenied) -> None:
    healthy = checks()
    found = checks(lambda cds, _: cds.failures.update({call: error}))
    lost = {name for name, check in found.items() if check.verdict != healthy[name].verdict}
    assert lost
    assert all(found[name].verdict == "not checked" for name in lost)
    assert all(found[name].detail == f"could not be read: {error.reason}" for name in lost)


@pytest.mark.parametrize("error", [AuthenticationError("no token"), EmulatorNotRunning("no emulator")])
def test_run_without_a_service_ends_instead_of_listing(error: AuthenticationError) -> None:
    with pytest.raises(type(error)):
        checks(lambda cds, _: cds.failures.update(rows=error))
