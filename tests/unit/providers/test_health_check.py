"""The health check of a link: what fails has a code and a cure; what cannot be read is never counted as passed."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from providers.api.dataverse.client import Dataverse
from providers.api.dataverse.models import BusinessUnit
from providers.api.finance_operations.client import FinanceOperations
from providers.api.transport.errors import AuthenticationError, EmulatorNotRunning, PermissionDenied, ServiceUnavailable
from providers.link.health_check import (
    CDS_APPLICATION_USERS,
    FINOPS_CLIENTS,
    OLD_FINOPS_CLIENTS,
    Check,
    CompanyRow,
    Sides,
    after_linking,
    before_linking,
    failed,
    finding,
)
from tests.unit.providers.fake_link import CDS_HOST, FakeDataverseSide, FakeFinOpsSide, the_packages
from tests.unit.providers.fake_services import an_application

Change = Callable[[FakeDataverseSide, FakeFinOpsSide], object]
UNREADABLE = ["API Hub connections", "Apps in tenant", "Plug-ins enabled"]
MAPS = "msdyn_DualWriteAppCoreMaps"


def checks(change: Change | None = None, core: str = "Installed", **known: Any) -> dict[str, Check]:
    """Every check of a healthy pair of DAT, after a change."""
    cds, finops = FakeDataverseSide(), FakeFinOpsSide()
    if change:
        change(cds, finops)
    given = {"cds_version": "9.2.26081.00142", "packages": the_packages(core).packages("e"), "solutions": (MAPS,)}
    sides = Sides(
        cds=cast(Dataverse, cds), finops=cast(FinanceOperations, finops), cds_host=CDS_HOST, **{**given, **known}
    )
    found = [*before_linking(sides), *after_linking(sides, ["dat"], frozenset({"pid-1"}))]
    return {check.name: check for check in found}


def runtime(project: str, table: str) -> dict[str, str]:
    return {"msdyn_unsecure": f'{{"ProjectId": "{project}"}}', "msdyn_internalentityname": table}


def project(url: str) -> dict[str, str]:
    return {"PROJECTNAME": "DWM-1", "EXTERNALENVIRONMENTURL": url, "INTERNALENTITYNAME": "Customers V3"}


def test_healthy_pair_fails_nothing_and_names_what_nobody_can_read() -> None:
    found = checks()
    assert failed(found.values()) == []
    assert finding(found.values()) is None
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
         "Default team of the root business unit", "DWFOEV1006", "not named like it: contoso"),
        (lambda cds, _: cds.company_rows.clear(), "Companies in CDS", "DWDVEV1003", "not in cdm_companies: DAT"),
        (lambda _, finops: finops.companies.clear(), "Companies in F&O", "DWFOEV1003", "no legal entity of F&O: DAT"),
        (lambda cds, _: setattr(cds, "company_teams", {"DAT": None}),
         "Default owning teams", "DWDVEV1007", "no default owning team: DAT"),
        (lambda cds, _: cds.company_rows.append(CompanyRow("USMF", "company ACCOUNTS data", "t")),
         "Names of companies", None, "one company Company accounts data, company ACCOUNTS data in cdm_company; "),
        (lambda cds, _: cds.company_rows.append(CompanyRow("USMF", "", "t")),
         "Names of companies", None, "blank names of USMF in cdm_company"),
        (lambda cds, _: cds.company_rows.append(CompanyRow("DAT", "Other", "t")),
         "Names of companies", None, "more than one company DAT"),
        (lambda cds, _: cds.runtime.extend([runtime("PID-1", "accounts"), runtime("other", "contacts")]),
         "Stale configuration in CDS", "DWDVEV1004", "configuration of another link: contacts"),
        (lambda _, finops: finops.projects.extend([project(f"https://{CDS_HOST}/"), project("https://old.crm4.d.com")]),
         "Stale configuration in F&O", "DWFOEV1004", "another CDS: Customers V3 (old.crm4.d.com)"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_code_detail_and_cure(change: Change, name: str, code: str | None, detail: str) -> None:
    check = checks(change)[name]
    assert (check.verdict, check.code) == ("failed", code)
    assert detail in check.detail
    assert check.cure.endswith(".")


def test_configuration_that_says_nothing_accuses_nobody() -> None:
    def odd(cds: FakeDataverseSide, finops: FakeFinOpsSide) -> None:
        cds.runtime = [{"msdyn_unsecure": text} for text in (None, "", "no JSON", "[]", "{}")]
        finops.projects = [{}, project("")]

    assert failed(checks(odd).values()) == []


def test_first_finding_counts_the_others() -> None:
    def empty(cds: FakeDataverseSide, finops: FakeFinOpsSide) -> None:
        finops.clients, cds.company_rows, finops.companies = [], [], []

    error = finding(checks(empty).values())
    assert error is not None
    assert str(error).startswith("health check 'CDS can connect to F&O': F&O does not know ")
    assert "; 3 more findings are named above. Add them on" in str(error)


@pytest.mark.parametrize(("version", "clients"), [("1.0.15.9", OLD_FINOPS_CLIENTS), ("1.0.16.0", FINOPS_CLIENTS)])
def test_client_of_finops_changed_with_the_core_version(version: str, clients: tuple[str, ...]) -> None:
    packages = the_packages().packages("e")
    packages["DualWriteCoreAnchor"] = packages["DualWriteCoreAnchor"].model_copy(update={"version": version})
    found = checks(lambda _, finops: setattr(finops, "clients", list(clients)), packages=packages)
    assert found["CDS can connect to F&O"].verdict == "passed"


@pytest.mark.parametrize(
    ("version", "verdict"), [("9.1.0000.11731", "failed"), ("9.1.0000.11732", "passed"), (None, "not checked")]
)
def test_dataverse_has_a_least_version(version: str | None, verdict: str) -> None:
    assert checks(cds_version=version)["Dataverse version"].verdict == verdict


def test_packages_of_the_map_solutions_have_to_be_there() -> None:
    packages = the_packages().packages("e")
    del packages["msdyn_DualWriteAppCoreAnchor"]
    check = checks(packages=packages)["Packages of the maps"]
    assert check.detail == "not installed: msdyn_DualWriteAppCoreAnchor"
    assert checks(packages=packages, solutions=("ContosoMaps",))["Packages of the maps"].verdict == "passed"


@pytest.mark.parametrize("state", ["None", "InstallFailed", "Installing"])
def test_core_solution_has_to_be_installed(state: str) -> None:
    assert checks(core=state)["Core solution found"].detail == "DualWriteCoreAnchor is not installed"


def test_version_that_is_not_shown_is_not_checked() -> None:
    check = checks(lambda cds, _: setattr(cds, "application", None))["App version"]
    assert (check.verdict, check.detail) == ("not checked", "the version of F&O is not shown")


@pytest.mark.parametrize("error", [PermissionDenied("no right"), ServiceUnavailable("restarting", code="HTTP 503")])
@pytest.mark.parametrize(
    "call", ["finops_application_details", "application_user", "business_units", "rows", "companies"]
)
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
