"""What stands on both sides: counts, rows that are missing or doubled, and rows outside the filter."""

from typing import Any

import pytest

from providers.api.transport.errors import NotFound
from tests.support.linked_world import CDS_HOST, FINOPS_HOST
from tests.support.one_pair import OnePair, a_pair
from tests.support.prepared_tenants import PreparedTenants
from tools.comparison import COMPARED, Comparer, Comparison, Promise, line, promises
from tools.pulumi_cli import Deployment

GROUPS, ACCOUNTS = COMPARED[:2]


@pytest.fixture
def pair(tenants: PreparedTenants) -> OnePair:
    """A pair whose sides have no customers."""
    return OnePair(tenants.copy(a_pair))


def add_customers(pair: OnePair, *keys: str, **values: Any) -> None:
    """Customers of USMF in F&O; `values` make others of them."""
    common = {"PartyType": "Organization", "CustomerGroupId": "1", "SalesCurrencyCode": "USD"}
    pair.rows.add("finops", "CustomersV3", *({**common, "CustomerAccount": key, **values} for key in keys))


def add_accounts(pair: OnePair, *keys: str, outside: int = 0) -> None:
    """Accounts of USMF in Dataverse; those outside the map's filter are no customers."""
    common = {"name": "Proseware", "_msdyn_company_value": pair.rows.company_id("USMF"), "customertypecode": 3}
    others = ({**common, "accountnumber": f"OUT-{number}", "customertypecode": 8} for number in range(outside))
    pair.rows.add("dataverse", "accounts", *({**common, "accountnumber": key} for key in keys), *others)


def compare(pair: OnePair, promise: Promise) -> Comparison:
    session = pair.call().session("public")
    return Comparer(session.finance_operations(FINOPS_HOST), session.dataverse(CDS_HOST)).compare(promise)


def promise(*, stamped: bool = True, synced: bool = True) -> Promise:
    return Promise(ACCOUNTS, "USMF", stamped, synced)


def test_rows_outside_the_filter_are_counted(pair: OnePair) -> None:
    add_customers(pair, "US-1", "US-2")
    add_customers(pair, "US-8", PartyType="Person")
    pair.rows.add("finops", "CustomerGroups", {"dataAreaId": "dat", "CustomerGroupId": "1", "Description": "All"})
    add_customers(pair, "US-9", dataAreaId="dat")
    add_accounts(pair, "us-1", "US-2", outside=3)
    found = compare(pair, promise())
    assert (found.finops, found.cds, found.outside, found.example) == (2, 2, 3, "US-1")
    assert line(found) == (
        "accounts - Customers V3, USMF: 2 on both sides, none twice, such as US-1,"
        " 3 more in Dataverse alone (outside the map's filter)"
    )


def test_rows_of_a_map_that_goes_the_other_way_are_counted(pair: OnePair) -> None:
    add_customers(pair, "US-1")
    add_accounts(pair, "US-1", "US-2")
    one_way = ACCOUNTS._replace(one_way=True)
    found = compare(pair, Promise(one_way, "USMF", True, True))
    assert (found.finops, found.cds, found.outside) == (1, 1, 1)
    assert str(line(found)).endswith(", 1 more in Dataverse alone (the map goes the other way only)")


def test_stamped_row_that_did_not_arrive_is_named(pair: OnePair) -> None:
    add_customers(pair, "US-1")
    add_accounts(pair, "US-1", "US-2")
    with pytest.raises(NotFound, match="USMF: 1 row in Dataverse but not in Finance and Operations, such as US-2"):
        compare(pair, promise(synced=False))


def test_row_of_finops_counts_as_missing_only_after_an_initial_sync(pair: OnePair) -> None:
    add_customers(pair, "US-1", "US-2")
    add_accounts(pair, "US-1")
    assert line(compare(pair, promise(synced=False))) == (
        "accounts - Customers V3, USMF: 2 in Finance and Operations, 1 in Dataverse, none twice, such as US-1"
    )
    with pytest.raises(NotFound, match="1 row in Finance and Operations but not in Dataverse, such as US-2"):
        compare(pair, promise())


def test_row_that_stands_twice_is_named(pair: OnePair) -> None:
    """The keys of the emulator's tables let no row stand twice; without such a key one may."""
    add_customers(pair, "US-1")
    add_accounts(pair, "US-1")
    pair.wire.alter("*/accounts", lambda body: {**body, "value": [*body["value"], {"accountnumber": "us-1"}]})
    with pytest.raises(NotFound, match="1 row twice in Dataverse, such as US-1"):
        compare(pair, promise())


def test_nothing_on_either_side_is_no_line(pair: OnePair) -> None:
    assert line(compare(pair, promise())) is None


def resource(name: str, **outputs: Any) -> dict[str, Any]:
    return {"type": f"pulumi-python:dynamic/dualwrite:{name}", "outputs": outputs}


def test_stack_promises_what_it_stamped_and_synced_through_running_maps() -> None:
    deployment = Deployment(
        {"maps": {ACCOUNTS.map_name: "running", GROUPS.map_name: "paused"}},
        [
            resource("CompanyBootstrap", company="CONT", tables=["msdyn_customergroups", "accounts"]),
            resource("CompanyBootstrap", company="USMF", tables=["accounts"], simulate=True),
            resource("LiveSync", initial_syncs={ACCOUNTS.map_name: {"usmf": {"upserts": 3.0, "errors": 0.0}}}),
        ],
    )
    assert promises(deployment) == [Promise(ACCOUNTS, "CONT", True, False), Promise(ACCOUNTS, "USMF", False, True)]
    assert promises(Deployment({}, [])) == []
