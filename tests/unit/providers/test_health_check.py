"""The health check of a link: what fails has a code and a cure; what cannot be read is never counted as passed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from emulator.dual_write.states import MapState
from providers.api.app_management.models import ApplicationPackage
from providers.api.transport.errors import ApiError, AuthenticationError, EmulatorNotRunning
from providers.link.health_check import (
    CDS_APPLICATION_USERS,
    FINOPS_CLIENTS,
    OLD_FINOPS_CLIENTS,
    Check,
    Sides,
    after_linking,
    before_linking,
    failed,
    finding,
)
from tests.support.linked_world import CDS_HOST, FINOPS_HOST
from tests.support.one_pair import ENVIRONMENT_ID, GROUPS, OnePair

Change = Callable[[OnePair], object]
UNREADABLE = ["API Hub connections", "Apps in tenant", "Plug-ins enabled"]
MAPS = "msdyn_DualWriteAppCoreMaps"
RUNTIME = "*/msdyn_dualwriteruntimeconfigs"
CONFIGURATIONS = "*/DualWriteProjectConfigurations"
CORE, CORE_MAPS = "DualWriteCoreAnchor", "msdyn_DualWriteAppCoreAnchor"


def packages(pair: OnePair, name: str = CORE, **changes: str) -> dict[str, ApplicationPackage]:
    """The packages of CDS, one of them changed."""
    found = pair.call().session("public").app_management.packages(ENVIRONMENT_ID)
    return {**found, name: found[name].model_copy(update=changes)}


def checks(pair: OnePair, **known: Any) -> dict[str, Check]:
    """Every check of the pair, on which one map runs."""
    pair.put(MapState.RUNNING, GROUPS)
    session, pid = pair.call().session("public"), pair.stored(GROUPS).pid
    given = {"cds_version": "9.2.26081.00142", "packages": packages(pair), "solutions": (MAPS,), **known}
    sides = Sides(
        cds=session.dataverse(CDS_HOST), finops=session.finance_operations(FINOPS_HOST), cds_host=CDS_HOST, **given
    )
    assert pid is not None
    found = [*before_linking(sides), *after_linking(sides, ["dat"], frozenset({pid}))]
    return {check.name: check for check in found}


def a_company(code: str, name: str) -> Change:
    row = {"cdm_companycode": code, "cdm_name": name}
    return lambda pair: pair.rows.add("dataverse", "cdm_companies", row)


def second_company(pair: OnePair) -> None:
    """Two rows with one code, which the key of the table forbids."""

    def twice(page: dict[str, Any]) -> dict[str, Any]:
        return {**page, "value": [*page["value"], {**page["value"][0], "cdm_name": "Other"}]}

    pair.wire.alter("*/cdm_companies", twice)


def ids_in_capitals(pair: OnePair) -> None:
    """Both sides spell ids as they like."""

    def project_in_capitals(row: dict[str, Any]) -> dict[str, Any]:
        unsecure = json.loads(row["msdyn_unsecure"])
        return {**row, "msdyn_unsecure": json.dumps({**unsecure, "ProjectId": unsecure["ProjectId"].upper()})}

    pair.spell_clients_in_capitals()
    pair.wire.alter(RUNTIME, lambda page: {**page, "value": [project_in_capitals(row) for row in page["value"]]})


def stale_in_capitals(pair: OnePair) -> None:
    """Configuration of another link, under the names in capitals that the documents give."""

    def in_capitals(page: dict[str, Any]) -> dict[str, Any]:
        return {"value": [{name.upper(): value for name, value in row.items()} for row in page["value"]]}

    pair.person("add-stale-configuration", side="finops", environment=FINOPS_HOST)
    pair.wire.alter(CONFIGURATIONS, in_capitals)


def test_healthy_pair_fails_nothing_and_names_what_nobody_can_read(pair: OnePair) -> None:
    ids_in_capitals(pair)
    found = checks(pair)
    assert len(pair.rows.find("dataverse", "msdyn_dualwriteruntimeconfigs")) == 1
    assert failed(found.values()) == []
    assert finding(found.values()) is None
    assert sorted(name for name, check in found.items() if check.verdict == "not checked") == UNREADABLE
    assert all(found[name].detail for name in UNREADABLE)


@pytest.mark.parametrize(
    ("change", "name", "code", "detail"),
    [
        (lambda pair: pair.set_finops_version("10.0.8.1"),
         "App version", None, "F&O is at 10.0.8.1, dual-write needs 10.0.9"),
        (lambda pair: pair.person("remove-application", environment=FINOPS_HOST, client_id=FINOPS_CLIENTS[0]),
         "CDS can connect to F&O", None, f"F&O does not know {FINOPS_CLIENTS[0]}"),
        (lambda pair: pair.person("remove-application", client_id=CDS_APPLICATION_USERS[0]),
         "F&O can connect to CDS", None, f"CDS has no enabled application user for {CDS_APPLICATION_USERS[0]}"),
        (lambda pair: pair.rows.change(
            "dataverse", "systemusers", {"isdisabled": True}, applicationid=CDS_APPLICATION_USERS[1]),
         "F&O can connect to CDS", None, f"CDS has no enabled application user for {CDS_APPLICATION_USERS[1]}"),
        (lambda pair: pair.person("rename-root-team", name="renamed"),
         "Default team of the root business unit", "DWFOEV1006", "not named like it: renamed"),
        (lambda pair: pair.rows.remove("dataverse", "cdm_companies"),
         "Companies in CDS", "DWDVEV1003", "not in cdm_companies: DAT"),
        (lambda pair: pair.rows.remove("finops", "LegalEntities"),
         "Companies in F&O", "DWFOEV1003", "no legal entity of F&O: DAT"),
        (lambda pair: pair.person("clear-owning-team", company="DAT"),
         "Default owning teams", "DWDVEV1007", "no default owning team: DAT"),
        (a_company("CONT", "company ACCOUNTS data"),
         "Names of companies", None, "one company Company accounts data, company ACCOUNTS data in cdm_company; "),
        (a_company("CONT", ""), "Names of companies", None, "blank names of CONT in cdm_company"),
        (second_company, "Names of companies", None, "more than one company DAT"),
        (lambda pair: pair.person("add-stale-configuration", side="dataverse"),
         "Stale configuration in CDS", "DWDVEV1004", "configuration of another link: account"),
        (lambda pair: pair.person("add-stale-configuration", side="finops", environment=FINOPS_HOST),
         "Stale configuration in F&O", "DWFOEV1004", "another CDS: Customers V3 (an-earlier-one.crm4.dynamics.com)"),
        (stale_in_capitals,
         "Stale configuration in F&O", "DWFOEV1004", "another CDS: Customers V3 (an-earlier-one.crm4.dynamics.com)"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_code_detail_and_cure(
    pair: OnePair, change: Change, name: str, code: str | None, detail: str
) -> None:
    change(pair)
    check = checks(pair)[name]
    assert (check.verdict, check.code) == ("failed", code)
    assert detail in check.detail
    assert check.cure.endswith(".")


def test_configuration_that_says_nothing_accuses_nobody(pair: OnePair) -> None:
    texts = (None, "", "no JSON", "[]", "{}")
    pair.rows.add("dataverse", "msdyn_dualwriteruntimeconfigs", *({"msdyn_unsecure": text} for text in texts))
    odd: list[dict[str, str]] = [{}, {"PROJECTNAME": "DWM-1", "EXTERNALENVIRONMENTURL": ""}]
    pair.wire.alter(CONFIGURATIONS, lambda page: {**page, "value": [*page["value"], *odd]})
    assert failed(checks(pair).values()) == []


def test_first_finding_counts_the_others(pair: OnePair) -> None:
    pair.rows.remove("dataverse", "cdm_companies")
    pair.rows.remove("finops", "LegalEntities")
    pair.person("remove-application", environment=FINOPS_HOST, client_id=FINOPS_CLIENTS[0])
    error = finding(checks(pair).values())
    assert error is not None
    assert str(error).startswith("health check 'CDS can connect to F&O': F&O does not know ")
    assert "; 3 more findings are named above. Add them on" in str(error)


@pytest.mark.parametrize(("version", "clients"), [("1.0.15.9", OLD_FINOPS_CLIENTS), ("1.0.16.0", FINOPS_CLIENTS)])
def test_client_of_finops_changed_with_the_core_version(pair: OnePair, version: str, clients: tuple[str, ...]) -> None:
    finops = pair.call().session("public").finance_operations(FINOPS_HOST)
    for client in {*FINOPS_CLIENTS} - {*clients}:
        pair.person("remove-application", environment=FINOPS_HOST, client_id=client)
    for client in clients:
        finops.register_application(client, "Admin", "Dual-write")
    found = checks(pair, packages=packages(pair, version=version))
    assert found["CDS can connect to F&O"].verdict == "passed"


@pytest.mark.parametrize(
    ("version", "verdict"), [("9.1.0000.11731", "failed"), ("9.1.0000.11732", "passed"), (None, "not checked")]
)
def test_dataverse_has_a_least_version(pair: OnePair, version: str | None, verdict: str) -> None:
    assert checks(pair, cds_version=version)["Dataverse version"].verdict == verdict


def test_packages_of_the_map_solutions_have_to_be_there(pair: OnePair) -> None:
    without = packages(pair)
    del without[CORE_MAPS]
    check = checks(pair, packages=without)["Packages of the maps"]
    assert check.detail == "not installed: msdyn_DualWriteAppCoreAnchor"
    others = checks(pair, packages=without, solutions=("ContosoMaps",))
    assert others["Packages of the maps"].verdict == "passed"


@pytest.mark.parametrize("state", ["None", "InstallFailed", "Installing"])
def test_core_solution_has_to_be_installed(pair: OnePair, state: str) -> None:
    found = checks(pair, packages=packages(pair, state=state))
    assert found["Core solution found"].detail == "DualWriteCoreAnchor is not installed"


def test_version_that_is_not_shown_is_not_checked(pair: OnePair) -> None:
    unknown = {"error": {"code": "0x80048d0b", "message": "Dataverse environment is not integrated"}}
    pair.fault("GET", "*/msprov_getfinopsapplicationdetails", status=400, body=unknown)
    check = checks(pair)["App version"]
    assert (check.verdict, check.detail) == ("not checked", "the version of F&O is not shown")


@pytest.mark.parametrize(("status", "text"), [(403, "no right"), (503, "restarting")])
@pytest.mark.parametrize(
    "path",
    ["msprov_getfinopsapplicationdetails", "systemusers", "businessunits", "msdyn_dualwriteruntimeconfigs",
     "cdm_companies"],
)  # fmt: skip
def test_what_cannot_be_read_now_is_not_checked(pair: OnePair, path: str, status: int, text: str) -> None:
    healthy = checks(pair)
    pair.fault("GET", f"*/{path}", count=0, status=status, body={"error": {"code": "0x80040220", "message": text}})
    found = checks(pair)
    lost = {name for name, check in found.items() if check.verdict != healthy[name].verdict}
    assert lost
    assert all(found[name].verdict == "not checked" for name in lost)
    assert all(found[name].detail == f"could not be read: {text}" for name in lost)


@pytest.mark.parametrize("error", [AuthenticationError("no token"), EmulatorNotRunning("no emulator")])
def test_run_without_a_service_ends_instead_of_listing(pair: OnePair, error: ApiError) -> None:
    def nobody(_answer: object) -> object:
        raise error

    pair.wire.alter(RUNTIME, nobody)
    with pytest.raises(type(error)):
        checks(pair)
