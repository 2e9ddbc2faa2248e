"""Every documented error that set-up can meet, provoked on the emulator; what is read is the user's one line.

Tables: dual-write-semantics.md 11.1 (less the rows of browsers), 11.2, and the rows of 11.5 about starts and initial
syncs. The cases share one linked pair of the seed with the maps of application core; each puts right what it broke.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import httpx
import pytest

from providers.application_package import ApplicationPackageProvider
from providers.dual_write_connection import DualWriteConnectionProvider
from providers.live_sync import LiveSyncProvider
from tests.contract.links import LAMNA, LAMNA_CDS, LAMNA_FINOPS, NEEDED, refused, since
from tests.contract.provider_process import Bag, ProviderProcess, declared
from tests.engine.data_planes import DataPlanes
from tests.engine.harness import Tenant

MAP = "cdm_companies - Legal entities"
FINANCE, DECIMALS = "msdyn_Dynamics365FinanceExtendedMaps", "msdyn_vendors - Vendors V2"
TAILSPIN_CDS = "https://tailspin-sales.crm4.dynamics.com"
TAILSPIN_FINOPS = "https://tailspin-erp.sandbox.operations.eu.dynamics.com"
DATA_INTEGRATION = "2e49aa60-1bd3-43b6-8ab6-03ada3d9f08b"
E1, E11, E13 = "*/Environments", "*/Reset", "*/RestoreTemplates"
CORRELATION = r"correlation [-0-9a-zA-Z]{8,}"


def connection(**inputs: object) -> Bag:
    return declared(
        DualWriteConnectionProvider(), "connection", {**LAMNA, "solutions": list(NEEDED.solutions), **inputs}
    )


def live_sync(*names: str, **inputs: object) -> Bag:
    """A declared LiveSync of these maps, each with an initial sync from F&O."""
    names = names or (MAP,)
    base = {"cloud": "emulator", "cds": LAMNA["cds"], "finops": LAMNA["finops"], "companies": ["DAT", "LAMN"]}
    maps = {"maps": dict.fromkeys(names, "running"), "initial_sync": dict.fromkeys(names, "finops"), "timeout": "30s"}
    return declared(LiveSyncProvider(), "live-sync", {**base, **maps, **inputs})


@pytest.fixture(scope="module")
def process(tenant: Tenant) -> Iterator[ProviderProcess]:
    """A provider process on the pair, which is healthy and has the maps of application core, all stopped."""
    process = ProviderProcess(tenant.variables())
    for package in NEEDED.packages:
        inputs = {"cloud": "emulator", "cds": LAMNA["cds"], "package": package, "timeout": "1m"}
        process.create(declared(ApplicationPackageProvider(), package, inputs))
    process.create(connection())
    yield process
    process.close()


@pytest.fixture
def fault(tenant: Tenant) -> Iterator[Callable[[str, str, int, str], None]]:
    """Lets the dual-write service refuse a call with a documented text, until the test ends."""

    def refuse(method: str, path: str, status: int, body: str) -> None:
        # It names how long to wait, which is less than the program waits by itself before each new try.
        answer = {"status": status, "body": body, "headers": {"Retry-After": "0"}}
        rule = {"service": "dualwrite", "method": method, "path": path, "count": 50, **answer}
        tenant.control("faults", rule)

    yield refuse
    httpx.delete(f"{tenant.emulator.url}/_emulator/faults", trust_env=False).raise_for_status()


class Refusal(NamedTuple):
    """A refused call: method and path, HTTP status, the service's text; the code shown and a piece of the cure."""

    method: str
    path: str
    status: int
    text: str
    code: str
    cure: str


REFUSALS = {
    "DW9003 CRM": Refusal("GET", E1, 400, "DW9003 Failed to connect to CRM", "DW9003", "then press Resume in LCS"),
    "DW9003 AX": Refusal("GET", E1, 400, "DW9003 Failed to connect to AX", "DW9003", "then press Resume in LCS"),
    "consent": Refusal(
        "GET", E1, 404, "Response status code doesn't indicate success: 404 (Not Found).", "HTTP 404",
        "has to consent to the application 33976c19-1db5-4c02-810e-c243db79efde",
    ),
    "consent without a text": Refusal("GET", E1, 404, "", "", "has to consent to the application 33976c19"),
    "not discoverable": Refusal(
        "GET", E1, 400, "Finance and operations apps environment lamna.cloudax.dynamics.com isn\u2019t discoverable.",
        "HTTP 400", "a token of the right user",
    ),
    "licence": Refusal(
        "GET", E1, 403, "MSG=[Failed to setup dual write environment. Error Details: Response status code does not "
        "indicate success: 403 (Forbidden)] STACKTRACE=[...]", "HTTP 403", "Assign the user a licence",
    ),
    "no rights": Refusal(
        "GET", E1, 403, "Response status code does not indicate success: 403 (tokenexchange).", "HTTP 403",
        "System Administrator on both sides",
    ),
    "service down": Refusal("GET", E1, 503, "The service is unavailable.", "HTTP 503", "open a support ticket"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal_of_the_link(process: ProviderProcess, fault: Callable[..., None], name: str) -> None:
    case = REFUSALS[name]
    fault(case.method, case.path, case.status, case.text)
    assert_line(refused(process, connection()), case.code, case.cure)


RESETS = {
    "too many companies": Refusal(
        "POST", E11, 500, "Dual write failure - Plugin registration failed: [(Unable to get partition map for project "
        "DWM-1. Error Exceeds the maximum partitions allowed for mapping DWM-1)], One or more errors occurred.",
        "HTTP 500", "Link fewer companies",
    ),
    "one name twice": Refusal(
        "POST", E11, 500, "Saving connection set failed! An item with the same key has already been added.",
        "HTTP 500", "Remove or correct them in CDS",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RESETS)
def test_refusal_of_a_reset(process: ProviderProcess, fault: Callable[..., None], name: str) -> None:
    case = RESETS[name]
    fault(case.method, case.path, case.status, case.text)
    assert_line(refused(process, connection(companies=["DAT"])), case.code, case.cure)


SOLUTIONS = {
    "core solution missing": (
        (
            "The entity with a name = 'msdyn_dualwriteentitymap' with namemapping = 'Logical' was not found in the "
            "MetadataCache."
        ),
        "Install DualWriteCoreAnchor",
    ),
    "version mismatch": (
        "solution 'msdyn_DualWriteAppCoreMaps' has version mismatch",
        "Update the dual-write solutions",
    ),
}


@pytest.fixture
def without_maps(tenant: Tenant, process: ProviderProcess) -> Iterator[Bag]:
    """A link that lacks a map solution: one more is declared than was applied."""
    package = "msdyn_Dynamics365FinanceExtendedAnchor"
    inputs = {"cloud": "emulator", "cds": LAMNA["cds"], "package": package, "timeout": "1m"}
    process.create(declared(ApplicationPackageProvider(), package, inputs))
    yield connection(solutions=[*NEEDED.solutions, FINANCE])
    tenant.control("switches", {"apply_solution_error": ""})


@pytest.mark.parametrize("name", SOLUTIONS)
def test_failure_of_a_map_solution(tenant: Tenant, process: ProviderProcess, without_maps: Bag, name: str) -> None:
    text, cure = SOLUTIONS[name]
    tenant.control("switches", {"apply_solution_error": text})
    assert_line(refused(process, without_maps), CORRELATION, cure)


@pytest.mark.parametrize(
    ("status", "cure"),
    [(401, "Give the program that user's token"), (403, "System Administrator on both sides")],
)
def test_maps_may_be_made_only_by_the_user_who_linked(
    process: ProviderProcess, fault: Callable[..., None], without_maps: Bag, status: int, cure: str
) -> None:
    fault("POST", E13, status, "")
    assert_line(refused(process, without_maps), "", cure)


def test_dataverse_that_is_not_integrated(tenant: Tenant, process: ProviderProcess) -> None:
    tenant.control("switches", {"attendant": False})
    tailspin = {"cloud": "emulator", "cds": TAILSPIN_CDS, "package": "DualWriteCoreAnchor", "timeout": "1m"}
    process.create(declared(ApplicationPackageProvider(), "core", tailspin))
    pair = connection(cds=TAILSPIN_CDS, finops=TAILSPIN_FINOPS, solutions=[], timeout="2s")
    assert_line(refused(process, pair), "0x80048d0b", r"Power Platform Integration > Setup")
    tenant.control("switches", {"attendant": True})


def test_link_that_points_to_another_dataverse(process: ProviderProcess) -> None:
    text = refused(process, connection(cds=TAILSPIN_CDS))
    assert "point the Power Platform Integration of F&O to the declared one and reset the link" in text


HEALTH = {
    "DWDVEV1003": "not in cdm_companies: LAMN",
    "DWFOEV1003": "no legal entity of F&O: TEMP",
    "DWDVEV1004": "configuration of another link: account",
    "DWFOEV1004": "configuration of another CDS: Customers V3",
    "DWFOEV1006": "not named like it: Renamed",
    "DWDVEV1007": "no default owning team: .*DAT",
}


class Findings(NamedTuple):
    """What two `up` of a pair say that is ill: with names that break linking, and without them."""

    first: str
    lines: list[str]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Findings]:
    """A tenant of its own in which everything is wrong that the health check knows."""
    with ExitStack() as ends:
        tenant = Tenant(tmp_path_factory.mktemp("ill"))
        ends.callback(tenant.stop)
        planes = DataPlanes(tenant)
        ends.callback(planes.close)
        process = ProviderProcess(tenant.variables())
        ends.callback(process.close)
        twins = make_ill(tenant, planes)
        first = refused(process, connection(solutions=[]))
        for address in twins:
            planes.delete(address)
        refused(process, connection(solutions=[]))
        yield Findings(first, since(process, 0))


def make_ill(tenant: Tenant, planes: DataPlanes) -> list[str]:
    """Break the pair; the addresses of the company rows whose names stand in the way of everything else."""
    temporary = {"LegalEntityId": "TEMP", "Name": "Temporary", "AddressCountryRegionId": "USA"}
    planes.create(f"{LAMNA['finops']}/data/LegalEntities", temporary)
    for action in (
        {"action": "add-company", "company": "TEMP"},
        {"action": "rename-root-team", "name": "Renamed"},
        {"action": "clear-owning-team", "company": "DAT"},
        {"action": "add-stale-configuration", "side": "dataverse"},
        {"action": "add-stale-configuration", "side": "finops"},
    ):
        tenant.control("person", {"environment": LAMNA_CDS, **action})
    planes.delete(f"{LAMNA['finops']}/data/LegalEntities('TEMP')")
    companies = f"{LAMNA['cds']}/api/data/v9.2/cdm_companies"
    rows = planes.dataverse(str(LAMNA["cds"]), "cdm_companies?$select=cdm_companycode")
    planes.delete(next(f"{companies}({row['cdm_companyid']})" for row in rows if row["cdm_companycode"] == "LAMN"))
    named = {"T1": "Twins", "T2": "twins", "T3": ""}
    made = [planes.create(companies, {"cdm_companycode": code, "cdm_name": name}) for code, name in named.items()]
    return [f"{companies}({row['cdm_companyid']})" for row in made]


@pytest.mark.parametrize("code", HEALTH)
def test_health_finding_has_code_and_cure(findings: Findings, code: str) -> None:
    (line,) = [line for line in findings.lines if f"({code})" in line]
    assert line.startswith("health check '")
    assert re.search(HEALTH[code], line)
    assert re.search(rf"\({code}\)\. [A-Z].*\.$", line)


def test_names_that_break_linking_are_found_before_it(findings: Findings) -> None:
    assert "blank names of T3 and more than one company Twins, twins in cdm_company" in findings.first
    assert "'Saving connection set failed! An item with the same key has already been added'" in findings.first
    assert "Correct or remove these companies" in findings.first


def test_connections_of_the_maker_portal_are_listed_as_not_checked(process: ProviderProcess) -> None:
    """DWDVEV1001 and DWFOEV1001 have no known route."""
    _, outputs = process.create(connection())
    assert "API Hub connections: no known call reads it" in outputs["not_checked"]


STARTS = {
    "ISDELETE": ("Invalid column name 'ISDELETE'", "full database synchronisation"),
    "partitions": ("Plugin registration failed: Exceeds the maximum partitions allowed for mapping", "Link fewer"),
    "reference": ("Couldn't resolve the guid for the field: a.b. The lookup was not found: 1.", "refers to first"),
    "lookups": ("5 Attempts to get data from https://x.azure-apim.net/apim failed", "ten are left"),
    "party": ("Party number couldn't be found in Dataverse", "persons and organisations"),
    "metadata": ("Unable to build dual-write lookup metadata. Error: object reference not set", "Enable the maps"),
    "source field": ("Missing source field LEGALENTITYID in the schema", "regenerate the mapping"),
    "destination field": ("Project validation failed. Missing destination field cdm_name", "Refresh the tables"),
    "no role": ("0x80072560 The user is not a member of the organization.", "their roles in CDS"),
    "reference data": ("Unable to write data to entity cdm_companies.", "Sync the reference data"),
    "team": ("Principal team (Id=1) is missing prvReadcdm_company privilege", "Give the team a role"),
    "URI": ("Unable to generate payload for the entity. Invalid URI: The URI is empty", "restart the maps"),
    "SecureConfig": ("SecureConfig Organization (a) does not match actual CRM Organization (b).", "Empty `msdyn_dual"),
    "validation": ("Project validation failed: DIPV1014", "Map it in the map's column mappings"),
}


@pytest.mark.parametrize("first", ["initial sync", "start"])
@pytest.mark.parametrize("name", STARTS)
def test_failure_of_a_map(tenant: Tenant, process: ProviderProcess, name: str, first: str) -> None:
    text, cure = STARTS[name]
    person = {"environment": LAMNA_CDS, "map": MAP}
    tenant.control("person", {"action": "break-map", **person, "text": text})
    inputs = live_sync() if first == "initial sync" else live_sync(initial_sync={})
    said = len(process.engine.logged)
    error = refused(process, inputs)
    tenant.control("person", {"action": "mend-map", **person})
    assert_line(error, CORRELATION, cure)
    assert any(cure in line for line in since(process, said))


def test_import_service_that_is_stopped(tenant: Tenant, process: ProviderProcess) -> None:
    tenant.control("person", {"action": "stop-data-management", "environment": LAMNA_FINOPS})
    error = refused(process, live_sync())
    tenant.control("person", {"action": "start-data-management", "environment": LAMNA_FINOPS})
    assert_line(error, CORRELATION, "import/export service of F&O is stopped. Restart it")


def test_client_row_that_is_gone(tenant: Tenant, process: ProviderProcess) -> None:
    person = {"action": "remove-application", "environment": LAMNA_FINOPS, "client_id": DATA_INTEGRATION}
    tenant.control("person", person)
    error = refused(process, live_sync())
    process.create(connection())
    assert_line(error, CORRELATION, "Delete it on the Microsoft Entra ID applications page of F&O and add it again")


def test_number_format_of_another_country(tenant: Tenant, process: ProviderProcess, without_maps: Bag) -> None:
    process.create(without_maps)
    person = {"action": "set-number-format", "environment": LAMNA_FINOPS}
    tenant.control("person", {**person, "locale": "de-de"})
    error = refused(process, live_sync(DECIMALS))
    tenant.control("person", {**person, "locale": "en-us"})
    assert_line(error, CORRELATION, "Set its language locale to en-us")


def assert_line(text: str, inside: str, cure: str) -> None:
    """`<resource> '<name>': create failed: <reason> (<code>, correlation <id>). <next step>`, on one line."""
    assert "\n" not in text
    assert re.match(r"DualWriteError: \w+ '[-./:\w]+': create failed: .+ \(.*\)\. [A-Z].+\.$", text)
    assert re.search(rf"\([^)]*{inside}[^)]*\)\. [A-Z]", text)
    assert cure in text
