"""The six scenarios on one emulator, all up at the same time: preview, up, proof of data, again, drift, back.

Each test runs for all stacks before the next one begins, so that every stack is up while the others are.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from tests.engine.data_planes import DataPlanes, Row
from tests.engine.harness import READS, Project, Tenant
from tests.engine.pages import comparable, page_of, planned, seen

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
FABRIKAM = "https://fabrikam-sales.crm4.dynamics.com"
ADVENTURE = "https://adventure-works.crm4.dynamics.com"
TAILSPIN = "https://tailspin-sales.crm4.dynamics.com"
TAILSPIN_ERP = "https://tailspin-erp.sandbox.operations.eu.dynamics.com"
NORTHWIND_ERP = "https://northwind-erp.sandbox.operations.eu.dynamics.com"
# What a stack may write on an instance that it did not create: users and roles of dual-write, clients, company stamps,
# legal entities that it declares, and F&O that it installs there (platform calls have another host).
DECLARED = re.compile(
    r"/api/data/v9\.2/(systemusers|\$batch|(systemusers|teams)\([0-9a-f-]{36}\)/(systemuserroles|teamroles)_association/\$ref)"
    r"|/data/(SysAADClients|LegalEntities)"
)


@dataclass(frozen=True)
class Scenario:
    """What a stack starts from and must come to.

    `stamped`: company to its business units (None: all); `products`: the company of the products; `synced`: companies
    whose F&O rows must be in CDS (None: every linked one but DAT).
    """

    cds: str | None = None
    finops: str | None = None
    companies: frozenset[str] = frozenset({"DAT"})
    stamped: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    products: str | None = None
    synced: tuple[str, ...] | None = ()


SCENARIOS = {
    "new-new": Scenario(),
    "new-existing": Scenario(
        cds=FABRIKAM,
        companies=frozenset({"DAT", "USMF"}),
        stamped={"USMF": ("Fabrikam Retail", "Fabrikam Online")},
        products="USMF",
    ),
    "new-demo-new": Scenario(companies=frozenset({"DAT", "USMF"}), synced=("USMF",)),
    "new-demo-existing": Scenario(
        cds=ADVENTURE,
        companies=frozenset({"DAT", "USMF", "CONT"}),
        stamped={"CONT": None},
        products="CONT",
        synced=("USMF",),
    ),
    "existing-new": Scenario(finops=NORTHWIND_ERP, synced=None),
    "existing-existing": Scenario(
        cds=TAILSPIN,
        finops=TAILSPIN_ERP,
        companies=frozenset({"TSEU", "TSUS"}),
        stamped={"TSEU": ("Tailspin Europe",), "TSUS": ("Tailspin US",)},
        products="TSEU",
        synced=("TSEU", "TSUS"),
    ),
}
# What a refresh of a healthy stack asks of each service: a resource more on the same object asks nothing more.
MOST_CALLS_OF_REFRESH = {
    "new-new": {"login": 9, "bap": 4, "powerplatform": 2, "dataverse": 5, "dualwrite": 2},
    "existing-existing": {"login": 8, "bap": 4, "powerplatform": 2, "dataverse": 5, "dualwrite": 2, "finops": 1},
}
STACKS = pytest.mark.parametrize("name", list(SCENARIOS))
STAMPED = pytest.mark.parametrize("name", [name for name, each in SCENARIOS.items() if each.stamped])
SYNCED = pytest.mark.parametrize("name", [name for name, each in SCENARIOS.items() if each.synced != ()])
EXISTING = pytest.mark.parametrize("name", [name for name, each in SCENARIOS.items() if each.cds or each.finops])

ORGANIZATION = "PartyType eq Microsoft.Dynamics.DataEntities.DirPartyType'Organization'"
PERSON = "PartyType eq Microsoft.Dynamics.DataEntities.DirPartyType'Person'"


class Table(NamedTuple):
    """A declared table: id, business key and company column, its map's filter, and where its rows arrive in F&O.

    `finops` is None where the standard map goes to CDS only.
    """

    key: str
    number: str
    company: str
    passes: Callable[[Row], bool] = lambda _: True
    finops: tuple[str, str, str] | None = None


# Filters: semantics 7.5. Products: the map of released products carries rows to CDS only (mapping reference).
TABLES = {
    "msdyn_customergroups": Table(
        "msdyn_customergroupid",
        "msdyn_groupid",
        "_msdyn_company_value",
        finops=("CustomerGroups", "", "CustomerGroupId"),
    ),
    "accounts": Table(
        "accountid",
        "accountnumber",
        "_msdyn_company_value",
        lambda row: row["customertypecode"] == 3,
        ("CustomersV3", f" and {ORGANIZATION}", "CustomerAccount"),
    ),
    "contacts": Table(
        "contactid",
        "msdyn_contactpersonid",
        "_msdyn_company_value",
        lambda row: bool(row["msdyn_sellable"] and row["msdyn_contactpersonid"]),
        ("CustomersV3", f" and {PERSON}", "CustomerAccount"),
    ),
    "products": Table("productid", "msdyn_productnumber", "_msdyn_companyid_value"),
}
# What any write changes besides the columns it names.
STAMPS = {"@odata.etag", "versionnumber", "modifiedon", "_modifiedby_value"}
# What dual-write changes on each of its own writes: rows belong to the company's team then (semantics 7.7).
OWNER = {"_ownerid_value", "_owningteam_value", "_owninguser_value", "_owningbusinessunit_value"}


@dataclass
class Line:
    """One stack on its way through the tests.

    `before` and `finops_before`: rows (customers) of the existing instances at the start; `conflicts`: numbers of
    products that F&O has as well, and wins; `requests`: those of the first `up`.
    """

    project: Project
    scenario: Scenario
    before: dict[str, list[Row]] = field(default_factory=dict)
    finops_before: list[Row] = field(default_factory=list)
    conflicts: set[str] = field(default_factory=set)
    units: dict[str, str] = field(default_factory=dict)
    preview: str = ""
    page: str = ""
    preview_writes: list[str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    finops: str = ""
    cds: str = ""

    def wanted(self, table: str, row: Row) -> str | None:
        """The company that a row of before must carry in the end; None when nobody declared it."""
        if table == "products":
            return self.scenario.products
        unit = self.units[row["_owningbusinessunit_value"]]
        fitting = (code for code, units in self.scenario.stamped.items() if units is None or unit in units)
        return next(fitting, None)


@pytest.fixture(scope="module")
def planes(tenant: Tenant) -> Iterator[DataPlanes]:
    """Reads rows as somebody else than the program."""
    planes = DataPlanes(tenant)
    yield planes
    planes.close()


@pytest.fixture(scope="module")
def previewed(new_project: Callable[[], Project], tenant: Tenant, planes: DataPlanes) -> Callable[[str], Line]:
    """Each stack at its starting point: what exists, and the preview of the first `up`."""
    lines: dict[str, Line] = {}

    def line(name: str) -> Line:
        if name not in lines:
            project, scenario = new_project(), SCENARIOS[name]
            project.use(name)
            found = lines[name] = Line(project, scenario)
            if scenario.cds:
                found.before = {table: planes.dataverse(scenario.cds, table) for table in TABLES}
                units = planes.dataverse(scenario.cds, "businessunits?$select=name")
                found.units = {unit["businessunitid"]: unit["name"] for unit in units}
            if scenario.finops:
                found.finops_before = planes.finops(scenario.finops, "CustomersV3")
                released = planes.finops(scenario.finops, "CDSReleasedDistinctProducts?$select=ProductNumber")
                found.conflicts = {row["ProductNumber"] for row in released}
            begun = tenant.now()
            found.preview = project.preview("--diff").stdout
            found.page = page_of(planned(project))
            found.preview_writes = tenant.writes(begun)
        return lines[name]

    return line


@pytest.fixture(scope="module")
def live(previewed: Callable[[str], Line], tenant: Tenant) -> Callable[[str], Line]:
    """Each stack after its first `up`."""
    up: set[str] = set()

    def line(name: str) -> Line:
        found = previewed(name)
        if name not in up:
            begun = tenant.now()
            found.project.up()
            found.requests = tenant.requests(begun)
            up.add(name)
            outputs = found.project.outputs()
            found.cds, found.finops = outputs["cds_url"].rstrip("/"), outputs["finops_url"].rstrip("/")
        return found

    return line


@STACKS
def test_preview_reads_as_agreed_and_writes_nothing(
    name: str, previewed: Callable[[str], Line], golden: Callable[[str, str], None]
) -> None:
    line = previewed(name)
    own = [row for row in line.preview.splitlines() if not row.strip().startswith(("[id=", "[urn="))]
    assert not [row for row in own if ID.search(row) or "__" in row or "Traceback" in row]
    assert not line.preview_writes
    golden(f"preview-{name}.txt", line.preview)


@STACKS
def test_page_of_a_first_set_up_is_short_and_reads_as_agreed(
    name: str, previewed: Callable[[str], Line], golden: Callable[[str, str], None]
) -> None:
    page = previewed(name).page
    assert len(seen(page)) <= 6_000
    assert len(seen(page).splitlines()) <= 60
    golden(f"page-{name}.md", comparable(page))


@STACKS
def test_one_up_ends_ready(name: str, live: Callable[[str], Line]) -> None:
    line = live(name)
    outputs = line.project.outputs()
    assert outputs["ready"] is True
    assert set(outputs["maps"].values()) == {"running"}
    assert line.scenario.companies <= set(outputs["linked_companies"])
    assert set(outputs["bootstrapped_rows"]) == set(line.scenario.stamped)


@STAMPED
def test_declared_rows_carry_their_company_and_nothing_else_changed(
    name: str, live: Callable[[str], Line], planes: DataPlanes
) -> None:
    line = live(name)
    codes = {row_id: code for code, row_id in companies(planes, line.cds).items()}
    for table, about in TABLES.items():
        after = {row[about.key]: row for row in planes.dataverse(line.cds, table)}
        for row in line.before[table]:
            now, wanted = after[row[about.key]], line.wanted(table, row)
            assert codes.get(now[about.company]) == wanted
            if row[about.number] in line.conflicts:
                continue
            changed = changed_columns(row, now, synced=bool(line.scenario.synced))
            assert changed <= (STAMPS | {about.company} if wanted else set()), f"{table} {row[about.number]}"


@STAMPED
def test_stamped_rows_that_pass_the_filter_are_in_finops_exactly_once(
    name: str, live: Callable[[str], Line], planes: DataPlanes
) -> None:
    line = live(name)
    for code in line.scenario.stamped:
        for table, about in TABLES.items():
            if about.finops is None:
                continue
            entity, condition, number = about.finops
            stamped = [row for row in line.before[table] if line.wanted(table, row) == code]
            expected = {row[about.number] for row in stamped if about.passes(row)}
            rows = planes.finops(line.finops, f"{entity}?$filter=dataAreaId eq '{code.lower()}'{condition}")
            held = Counter(row[number] for row in rows)
            assert expected
            assert expected <= held.keys()
            assert max(held.values()) == 1
            own = {row[number] for row in line.finops_before if row["dataAreaId"] == code.lower()}
            assert held.keys() - expected <= own if table == "accounts" else True


@SYNCED
def test_rows_of_finops_reached_cds(name: str, live: Callable[[str], Line], planes: DataPlanes) -> None:
    line = live(name)
    linked = companies(planes, line.cds)
    for code in linked.keys() - {"DAT"} if line.scenario.synced is None else line.scenario.synced:
        company = f"dataAreaId eq '{code.lower()}'"
        customers = planes.finops(line.finops, f"CustomersV3?$filter={company} and {ORGANIZATION}")
        held = f"$filter=_msdyn_company_value eq {linked[code]}"
        accounts = {row["accountnumber"]: row for row in planes.dataverse(line.cds, f"accounts?{held}")}
        assert customers
        for customer in customers:
            assert accounts[customer["CustomerAccount"]]["name"] == customer["OrganizationName"]
        vendors = planes.finops(line.finops, f"VendorsV2?$filter={company}")
        arrived = planes.dataverse(line.cds, f"msdyn_vendors?{held}")
        assert len(vendors) == len(arrived) > 0


@STACKS
def test_live_rows_flow_both_ways(name: str, live: Callable[[str], Line], planes: DataPlanes) -> None:
    line = live(name)
    code, row_id = max(companies(planes, line.cds).items())
    values = {"dataAreaId": code.lower(), "CustomerGroupId": "LIVE1", "Description": "From F&O"}
    planes.create(f"{line.finops}/data/CustomerGroups", values)
    (arrived,) = planes.dataverse(line.cds, "msdyn_customergroups?$filter=msdyn_groupid eq 'LIVE1'")
    assert arrived["_msdyn_company_value"] == row_id
    named = {"msdyn_vendorgroup": "LIVE2", "msdyn_company@odata.bind": f"/cdm_companies({row_id})"}
    made = planes.create(f"{line.cds}/api/data/v9.2/msdyn_vendorgroups", named)
    key = f"dataAreaId eq '{code.lower()}' and VendorGroupId eq 'LIVE2'"
    assert len(planes.finops(line.finops, f"VendorGroups?$filter={key}")) == 1
    planes.delete(f"{line.cds}/api/data/v9.2/msdyn_customergroups({arrived['msdyn_customergroupid']})")
    planes.delete(f"{line.cds}/api/data/v9.2/msdyn_vendorgroups({made['msdyn_vendorgroupid']})")
    assert not planes.finops(line.finops, f"VendorGroups?$filter={key}")


@EXISTING
def test_program_writes_to_existing_instances_only_what_the_stack_declares(
    name: str, live: Callable[[str], Line]
) -> None:
    line = live(name)
    client = line.project.variables["AZURE_CLIENT_ID"]
    hosts = {url.removeprefix("https://") for url in (line.scenario.cds, line.scenario.finops) if url}
    own = [row for row in line.requests if row["identity"] == client and row["method"] not in READS]
    paths = {row["path"] for row in own if row["host"] in hosts}
    assert paths
    assert not {path for path in paths if not DECLARED.fullmatch(path)}
    # The environment itself is never changed: the only POST to the platform's own service asks for nothing of it.
    bap = [row["path"] for row in own if row["service"] == "bap"]
    assert (
        not bap
        if line.scenario.cds
        else all(path.endswith(("environments", "validateEnvironmentDetails")) for path in bap)
    )


@STACKS
def test_second_up_changes_and_writes_nothing(name: str, live: Callable[[str], Line], tenant: Tenant) -> None:
    line = live(name)
    before = tenant.now()
    line.project.up("--expect-no-changes")
    assert tenant.requests(before) == []


@STACKS
def test_refresh_finds_no_drift(name: str, live: Callable[[str], Line], tenant: Tenant) -> None:
    line = live(name)
    before = tenant.now()
    line.project.refresh("--expect-no-changes")
    assert not tenant.writes(before)
    calls = Counter(row["service"] for row in tenant.requests(before))
    assert calls <= Counter(MOST_CALLS_OF_REFRESH.get(name, calls)), calls


@STACKS
def test_destroy_leaves_existing_instances_as_they_were_apart_from_what_the_stack_declared(
    name: str, live: Callable[[str], Line], tenant: Tenant, planes: DataPlanes
) -> None:
    line = live(name)
    if not line.scenario.cds:
        domain = line.cds.removeprefix("https://").partition(".")[0]
        line.project.add(f'dualwrite:confirm: [{{action: delete-environment, target: {domain}, until: "2999-12-31"}}]')
        line.project.up()
    begun = tenant.now()
    line.project.destroy()
    assert not line.project.resources()
    deleted = [row for row in tenant.requests(begun) if row["method"] == "DELETE"]
    assert len(deleted) == (0 if line.scenario.cds else 1)
    if line.scenario.cds:
        for table, about in TABLES.items():
            after = {row[about.key]: row for row in planes.dataverse(line.scenario.cds, table)}
            for row in (each for each in line.before[table] if each[about.number] not in line.conflicts):
                changed = changed_columns(row, after[row[about.key]], synced=bool(line.scenario.synced))
                assert changed <= STAMPS | {about.company}
    if line.scenario.finops:
        held = {(row["dataAreaId"], row["CustomerAccount"]) for row in planes.finops(line.finops, "CustomersV3")}
        assert {(row["dataAreaId"], row["CustomerAccount"]) for row in line.finops_before} <= held


@pytest.mark.parametrize("name", ["existing-existing"])
def test_nothing_flows_any_more_after_destroy(name: str, live: Callable[[str], Line], planes: DataPlanes) -> None:
    line = live(name)
    values = {"dataAreaId": "tseu", "CustomerGroupId": "LATE1", "Description": "Written after destroy"}
    planes.create(f"{line.finops}/data/CustomerGroups", values)
    assert not planes.dataverse(line.cds, "msdyn_customergroups?$filter=msdyn_groupid eq 'LATE1'")


def companies(planes: DataPlanes, cds: str) -> dict[str, str]:
    """Code to row id of every company in CDS."""
    return {row["cdm_companycode"]: row["cdm_companyid"] for row in planes.dataverse(cds, "cdm_companies")}


def changed_columns(before: Row, now: Row, *, synced: bool) -> set[str]:
    """The columns that have another value now.

    `synced`: an initial sync that F&O wins was declared. It fills mapped columns that were empty with F&O's defaults
    and gives the row to its company's team; every other value has to stand as it was.
    """
    kept = {column for column in before if not (synced and (before[column] is None or column in OWNER))}
    return {column for column in kept if now.get(column) != before[column]}
