"""Row counts before an initial sync: what is counted, how often, and what is refused with which plan."""

from collections.abc import Sequence

import pytest

from providers.maps.model import Limits
from providers.maps.row_counts import RowCounts, Volumes, finops_sets
from tests.support.batches_on_the_way import Network
from tests.support.linked_world import CDS_HOST, FINOPS_HOST
from tests.support.one_pair import GROUP_COUNT, OnePair

ACCOUNTS, GROUPS = "accounts - Customers V3", "msdyn_customergroups - Customer groups"
AFFIXES = "msdyn_nameaffixes - Name affixes"
# As many as F&O has customer groups of USMF, and fewer for a table that is imported in one thread.
LIMITS = Limits(GROUP_COUNT, 7)
MORE = GROUP_COUNT + 1
BOTH = ("cds", "finops")


def volumes(
    pair: OnePair,
    *maps: str,
    sides: Sequence[str] = BOTH,
    companies: Sequence[str] = ("DAT", "USMF"),
    limits: Limits = LIMITS,
) -> Volumes:
    """What is counted on the sides that are there already."""
    session = pair.call().session("public")
    cds = session.dataverse(CDS_HOST) if "cds" in sides else None
    finops = session.finance_operations(FINOPS_HOST) if "finops" in sides else None
    return RowCounts(cds, finops, companies, limits).volumes(maps)


def add_groups(pair: OnePair, count: int, company: str = "") -> None:
    """Customer groups of a company that CDS has, or of none."""
    values = {"_msdyn_company_value": company} if company else {}
    pair.rows.add("dataverse", "msdyn_customergroups", *({**values, "msdyn_groupid": str(n)} for n in range(count)))


def add_finops_groups(pair: OnePair, count: int, company: str) -> None:
    rows = ({"dataAreaId": company, "CustomerGroupId": str(n), "Description": "Group"} for n in range(count))
    pair.rows.add("finops", "CustomerGroups", *rows)


def add_customers(pair: OnePair, count: int) -> None:
    """Customers of USMF on both sides."""
    company = pair.rows.company_id("USMF")
    common = {"PartyType": "Organization", "CustomerGroupId": "1", "SalesCurrencyCode": "USD"}
    pair.rows.add("finops", "CustomersV3", *({**common, "CustomerAccount": str(n)} for n in range(count)))
    accounts = ({"name": "a", "accountnumber": str(n), "_msdyn_company_value": company} for n in range(count))
    pair.rows.add("dataverse", "accounts", *accounts)


def asked(pair: OnePair, host: str) -> list[str]:
    """The sets whose rows were asked for, in order."""
    asked = [request.partition(" ")[2] for request in pair.world.requests if f" {host}/" in request]
    return [path.rpartition("/")[2] for path in asked if not path.endswith(("/EntityDefinitions", "/cdm_companies"))]


def test_small_tables_cost_one_count_a_side(linked: OnePair) -> None:
    add_customers(linked, 6)
    linked.forget()
    assert volumes(linked, ACCOUNTS) == Volumes()
    assert (asked(linked, CDS_HOST), asked(linked, FINOPS_HOST)) == (["accounts"], ["CustomersV3"])


def test_too_many_rows_of_a_company_in_finops(linked: OnePair) -> None:
    add_finops_groups(linked, 1, "dat")
    found = volumes(linked, GROUPS, limits=Limits(GROUP_COUNT - 1, 7))
    text = (
        "has 31 rows of USMF in F&O. An initial sync takes 30 a company at most: load both sides separately, "
        "then start the map without initial sync (`initialSync: none`)"
    )
    assert [(excess.map, excess.text) for excess in found.excesses] == [(GROUPS, text)]


def test_many_rows_of_many_companies_are_allowed(linked: OnePair) -> None:
    add_finops_groups(linked, GROUP_COUNT, "dat")
    for code in ("DAT", "USMF"):
        add_groups(linked, GROUP_COUNT, linked.rows.company_id(code))
    assert volumes(linked, GROUPS) == Volumes()


def test_single_threaded_table_takes_fewer_rows_from_cds_only(linked: OnePair) -> None:
    add_customers(linked, 8)
    assert not volumes(linked, ACCOUNTS, sides=["finops"]).excesses
    (excess,) = volumes(linked, ACCOUNTS).excesses
    assert excess.text.startswith("has more than 7 rows of USMF in CDS and is imported in one thread. An initial sync")


def test_rows_without_a_company_and_of_companies_outside_the_link_take_no_part(linked: OnePair) -> None:
    linked.rows.add("dataverse", "cdm_companies", {"cdm_companycode": "DEMF", "cdm_name": "Contoso Germany"})
    (demf,) = linked.rows.find("dataverse", "cdm_companies", cdm_companycode="DEMF")
    add_groups(linked, MORE)
    add_groups(linked, MORE, demf["cdm_companyid"])
    assert volumes(linked, GROUPS) == Volumes()


def test_reading_stops_at_the_company_that_is_too_large(linked: OnePair) -> None:
    add_groups(linked, MORE, linked.rows.company_id("USMF"))
    add_groups(linked, MORE, linked.rows.company_id("DAT"))
    linked.forget()
    Network(linked.world, page=MORE)
    assert volumes(linked, GROUPS, sides=["cds"]).excesses
    # One count and one of the two pages.
    assert asked(linked, CDS_HOST) == ["msdyn_customergroups"] * 2


def test_shared_entity_is_counted_as_a_whole(linked: OnePair) -> None:
    count = len(linked.rows.find("finops", "Currencies"))
    (excess,) = volumes(linked, "contoso_things - Currencies", limits=Limits(count - 1, 7)).excesses
    assert excess.text.startswith(f"has {count} rows in F&O. ")


def test_table_without_company_is_counted_as_a_whole(linked: OnePair) -> None:
    linked.rows.add("dataverse", "msdyn_nameaffixes", *({"msdyn_affix": str(number)} for number in range(MORE)))
    (excess,) = volumes(linked, AFFIXES).excesses
    assert excess.text.startswith("has more than 31 rows in CDS. ")


def test_without_declared_companies_all_of_them_count(linked: OnePair) -> None:
    assert volumes(linked, GROUPS, companies=(), limits=Limits(GROUP_COUNT - 1, 7)).excesses


def test_map_that_cannot_be_counted_is_named_and_not_refused(linked: OnePair) -> None:
    name = "contoso_things - Contoso things"
    assert volumes(linked, name) == Volumes((), (name,))
    assert asked(linked, FINOPS_HOST) == ["ContosoThings"]


def test_set_is_looked_for_in_both_spellings(linked: OnePair) -> None:
    days = ({"Name": str(number), "Description": "Day"} for number in range(8))
    linked.rows.add("finops", "PaymentDaysCDS", *days)
    linked.forget()
    (excess,) = volumes(linked, "contoso_days - Payment days CDS", limits=Limits(7, 7)).excesses
    assert excess.text.startswith("has 8 rows of USMF in F&O. ")
    assert asked(linked, FINOPS_HOST)[:2] == ["PaymentDaysCDSs", "PaymentDaysCDS"]


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        ("Customers V3", ["CustomersV3"]),
        ("Customer groups", ["CustomerGroups"]),
        ("CDS Contacts V2 (Vendor)", ["CDSContactsV2"]),
        ("Customer payment method", ["CustomerPaymentMethods", "CustomerPaymentMethod"]),
        ("Compensation variable plan V2", ["CompensationVariablePlansV2", "CompensationVariablePlanV2"]),
        ("Issuing agency", ["IssuingAgencies", "IssuingAgency"]),
        ("Veteran status", ["VeteranStatuses", "VeteranStatus"]),
        ("Business process", ["BusinessProcesses", "BusinessProcess"]),
        ("Pay day", ["PayDays", "PayDay"]),
        ("Dual-write tax region", ["DualWriteTaxRegions", "DualWriteTaxRegion"]),
    ],
)
def test_set_names_of_an_entity(entity: str, expected: list[str]) -> None:
    assert finops_sets(entity) == expected
