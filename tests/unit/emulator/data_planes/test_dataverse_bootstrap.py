"""What a bootstrap of companies asks of Dataverse: metadata, pages that stand still, batches, counted writes."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from emulator.core.seeds import SeedError
from emulator.core.wire import Reply
from emulator.server.control import control_plane
from emulator.tables import write_log
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.data_planes.conftest import API, CDS
from tests.unit.emulator.stamping import stamp

pytestmark = pytest.mark.usefixtures("organization")
UNSTAMPED = f"{API}/accounts?$select=accountid&$filter=_msdyn_company_value eq null&$orderby=accountid"


@pytest.fixture
def company(tenant: Tenant) -> str:
    """The id of a company."""
    values = {"cdm_companycode": "USMF", "cdm_name": "Contoso USA"}
    return str(tenant.rows.insert("dataverse", CDS, "cdm_companies", values, origin="dual-write")["cdm_companyid"])


def generated(tenant: Tenant, count: int, **template: Any) -> None:
    """Play a seed section of generated accounts."""
    accounts = {"count": count, "template": {"name": "Account {n}", "accountnumber": "A{n:4}", **template}}
    tenant.seeds.play({"generated_rows": {"dataverse": {CDS: {"accounts": accounts}}}})


def pages(call: CallTenant, url: str, size: int) -> Any:
    """Yield the ids of each page, following the links."""
    link: str | None = url
    while link:
        document = call("GET", link, headers={"Prefer": f"odata.maxpagesize={size}"}).json
        yield [row["accountid"] for row in document["value"]]
        link = document.get("@odata.nextLink")


def statuses(reply: Reply) -> list[int]:
    """The status of each operation of a batch."""
    return [int(text) for text in re.findall(r"HTTP/1\.1 (\d{3}) ", bytes(reply.body or b"").decode())]  # type: ignore[arg-type]


def unstamped(call: CallTenant) -> int:
    """How many accounts have no company."""
    return int(str(call("GET", f"{API}/accounts/$count?$filter=_msdyn_company_value eq null").body))


@pytest.mark.parametrize(
    ("entity_set", "attribute", "navigation", "ownership"),
    [
        ("accounts", "msdyn_company", "msdyn_company", "UserOwned"),
        ("contacts", "msdyn_company", "msdyn_company", "UserOwned"),
        ("products", "msdyn_companyid", "msdyn_CompanyId", "OrganizationOwned"),
        ("msdyn_customergroups", "msdyn_company", "msdyn_company", "UserOwned"),
    ],
)
def test_company_lookup_and_ownership_stand_in_the_metadata(
    call: CallTenant, entity_set: str, attribute: str, navigation: str, ownership: str
) -> None:
    query = f"$select=LogicalName,PrimaryIdAttribute,OwnershipType&$filter=EntitySetName eq '{entity_set}'"
    (table,) = call("GET", f"{API}/EntityDefinitions?{query}").json["value"]
    assert table["OwnershipType"] == ownership
    one = f"{API}/EntityDefinitions(LogicalName='{table['LogicalName']}')"
    relations = call("GET", f"{one}/ManyToOneRelationships?$filter=ReferencedEntity eq 'cdm_company'").json["value"]
    assert [(row["ReferencingAttribute"], row["ReferencingEntityNavigationPropertyName"]) for row in relations] == [
        (attribute, navigation)
    ]
    names = {row["LogicalName"] for row in call("GET", f"{one}/Attributes?$select=LogicalName").json["value"]}
    assert ("owningbusinessunit" in names) == (ownership == "UserOwned")


def test_business_units_and_lists_of_ids_restrict_rows(tenant: Tenant, call: CallTenant) -> None:
    tenant.rows.insert("dataverse", CDS, "businessunits", {"name": "Retail"}, origin="system")
    (unit,) = tenant.rows.find("dataverse", CDS, "businessunits", {"name": "Retail"})
    generated(tenant, 3)
    generated(tenant, 2, accountnumber="B{n}", _ownerid_value={"teams": {"name": "Retail"}})
    query = f"_msdyn_company_value eq null and _owningbusinessunit_value eq {unit['businessunitid']}"
    rows = call("GET", f"{API}/accounts?$filter={query}&$count=true").json
    assert (rows["@odata.count"], {row["accountnumber"] for row in rows["value"]}) == (2, {"B1", "B2"})
    wanted = " or ".join(f"accountid eq {row['accountid']}" for row in rows["value"])
    assert len(call("GET", f"{API}/accounts?$filter={wanted}").json["value"]) == 2


@pytest.mark.parametrize(
    "order",
    ["", "&$orderby=accountid", "&$orderby=accountid desc", "&$orderby=revenue desc,name", "&$orderby=revenue,name"],
)
def test_pages_miss_and_repeat_nothing_while_rows_leave_the_filter(
    tenant: Tenant, call: CallTenant, company: str, order: str
) -> None:
    generated(tenant, 25)
    generated(tenant, 5, accountnumber="B{n}", revenue=7)
    seen: list[str] = []
    url = f"{API}/accounts?$select=accountid&$filter=_msdyn_company_value eq null{order}"
    for ids in pages(call, url, 5):
        assert set(statuses(stamp(call, CDS, company, ids))) == {204}
        seen += ids
    assert (len(seen), len(set(seen)), unstamped(call)) == (30, 30, 0)


def test_order_by_id_is_the_order_of_ids(tenant: Tenant, call: CallTenant) -> None:
    generated(tenant, 20)
    seen = [one for ids in pages(call, UNSTAMPED, 6) for one in ids]
    assert seen == sorted(seen)
    assert list(reversed(seen)) == [one for ids in pages(call, f"{UNSTAMPED} desc", 6) for one in ids]


@pytest.mark.parametrize("cookie", ["nonsense", "%5B%5D", "7", "%5B%22a%22%5D"])
def test_foreign_paging_cookie_is_not_modelled(call: CallTenant, cookie: str) -> None:
    token = f'<cookie pagenumber="2" pagingcookie="{cookie}" istracking="False" />'
    assert call("GET", f"{API}/accounts", params={"$skiptoken": token}).status == 501


def test_batch_answers_each_operation_and_creates_no_missing_row(
    tenant: Tenant, call: CallTenant, company: str
) -> None:
    generated(tenant, 2)
    first, second = next(pages(call, UNSTAMPED, 5))
    missing = "11111111-0000-4000-8000-000000000000"
    reply = stamp(call, CDS, company, [first, missing, second])
    assert (reply.status, statuses(reply), unstamped(call)) == (200, [204, 404, 204], 0)


def test_company_of_a_stamped_row_may_be_replaced(tenant: Tenant, call: CallTenant, company: str) -> None:
    generated(tenant, 1)
    ((account,),) = pages(call, UNSTAMPED, 5)
    stamp(call, CDS, company, [account])
    values = {"cdm_companycode": "DEMF", "cdm_name": "Contoso Germany"}
    other = str(tenant.rows.insert("dataverse", CDS, "cdm_companies", values, origin="system")["cdm_companyid"])
    assert statuses(stamp(call, CDS, other, [account])) == [204]
    assert call("GET", f"{API}/accounts({account})").json["_msdyn_company_value"] == other


def test_limit_on_requests_refuses_the_whole_batch_and_says_when_to_come_back(
    tenant: Tenant, call: CallTenant, company: str
) -> None:
    generated(tenant, 1)
    ((account,),) = pages(call, UNSTAMPED, 5)
    tenant.switches.set("service_protection_requests", 1)
    refused = stamp(call, CDS, company, [account])
    assert (refused.status, refused.json["error"]["code"]) == (429, "0x80072322")
    assert refused.headers["Retry-After"] == str(tenant.clock.retry_after(300))
    tenant.events.advance(301)
    assert statuses(stamp(call, CDS, company, [account])) == [204]


def counted(tenant: Tenant, **query: Any) -> dict[str, Any]:
    """`GET /_emulator/writes`."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(control_plane(tenant, lambda: None))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
            return await client.get("/_emulator/writes", params=query)

    answer = asyncio.run(asked())
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_writes_of_each_row_are_counted_since_a_moment(tenant: Tenant, call: CallTenant, company: str) -> None:
    generated(tenant, 3)
    assert counted(tenant, host=CDS, set="accounts")["writes"] == 0, "seeded rows do not count"
    first, second, third = next(pages(call, UNSTAMPED, 5))
    stamp(call, CDS, company, [first, second])
    moment = counted(tenant)["last"]
    stamp(call, CDS, company, [second, third, second])
    found = counted(tenant, host=CDS, set="accounts", since=moment, origin="client")
    assert (found["writes"], found["rows"]) == (3, {second: 2, third: 1})
    assert counted(tenant, host=CDS, set="accounts", since=moment, origin="dual-write")["rows"] == {}


def test_newest_writes_are_kept(tenant: Tenant, call: CallTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_log, "KEPT", 4)
    monkeypatch.setattr(write_log, "_TRIM_EVERY", 1)
    for number in range(6):
        call("POST", f"{API}/accounts", json={"name": f"Account {number}"})
    assert counted(tenant)["writes"] == 4


def test_refused_writes_are_not_counted(tenant: Tenant, call: CallTenant) -> None:
    generated(tenant, 1)
    ((account,),) = pages(call, UNSTAMPED, 5)
    moment = counted(tenant)["last"]
    assert statuses(stamp(call, CDS, "11111111-0000-4000-8000-000000000000", [account])) == [404]
    assert counted(tenant, since=moment)["writes"] == 0


@pytest.mark.parametrize(
    "accounts",
    [
        {"template": {}},
        {"count": 1},
        {"count": 1, "template": {"nonsense": 1}},
        {"count": 1, "template": {"_ownerid_value": {"teams": {"name": "nobody"}}}},
        {"count": 1, "template": {"_ownerid_value": {}}},
        {"count": 1, "template": {"_ownerid_value": {"teams": "Retail"}}},
    ],
)
def test_section_of_generated_rows_that_does_not_fit_is_refused(tenant: Tenant, accounts: dict[str, Any]) -> None:
    with pytest.raises(SeedError):
        tenant.seeds.play({"generated_rows": {"dataverse": {CDS: {"accounts": accounts}}}})
