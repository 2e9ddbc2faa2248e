"""Row counts before an initial sync: what is counted, how often, and what is refused with which plan."""

from collections.abc import Iterator, Sequence
from typing import cast

import pytest

from providers.api.dataverse.client import Dataverse
from providers.api.dataverse.models import Company, EntityDefinition, ManyToOne
from providers.api.finance_operations.client import FinanceOperations, LegalEntity
from providers.api.transport.errors import InvalidRequest, NotFound
from providers.maps.row_counts import Limits, RowCounts, Volumes, finops_sets

ACCOUNTS, GROUPS = "accounts - Customers V3", "msdyn_customergroups - Customer groups"
LIMITS = Limits(500, 70)
COMPANY = ManyToOne(column="msdyn_company", refers_to="cdm_company", navigation="msdyn_company")


class Page:
    def __init__(self, rows: list[dict[str, str]]) -> None:
        self.rows = rows


class Cds:
    """Table sets with rows a company; the key of a row without one is empty."""

    def __init__(self, **tables: dict[str, int]) -> None:
        self.tables = tables
        self.lookups = [COMPANY]
        self.counts: list[str] = []
        self.pages_read = 0

    def table_definitions(self, names: Sequence[str]) -> dict[str, EntityDefinition]:
        known = [name for name in names if name in self.tables]
        return {name: EntityDefinition(primary_id="id", lookups=self.lookups, set_name=name) for name in known}

    def companies(self) -> list[Company]:
        return [Company(id=f"ID-{code}", code=code.lower()) for code in ("DAT", "USMF", "DEMF")]

    def count(self, name: str, *, select: Sequence[str], at_most: int) -> int:
        self.counts.append(name)
        return min(sum(self.tables[name].values()), at_most)

    def pages(self, name: str, *, select: Sequence[str]) -> Iterator[Page]:
        for code, count in self.tables[name].items():
            self.pages_read += 1
            yield Page([{"_msdyn_company_value": f"id-{code}" if code else ""}] * count)


class FinOps:
    """Entity sets with rows a company; a set of rows without companies has only the empty one."""

    def __init__(self, **sets: dict[str, int]) -> None:
        self.sets = sets
        self.asked: list[str] = []

    def count(self, name: str, wanted: str | None = None) -> int:
        self.asked.append(f"{name} {wanted or ''}".strip())
        if name not in self.sets:
            raise NotFound("no such set", status=404)
        held = self.sets[name]
        if wanted is None:
            return sum(held.values())
        if "" in held:
            raise InvalidRequest("no property dataAreaId")
        return held.get(wanted.split("'")[1].upper(), 0)

    def legal_entities(self) -> list[LegalEntity]:
        return [LegalEntity(id="usmf")]


def volumes(cds: Cds, finops: FinOps, *maps: str, companies: Sequence[str] = ("DAT", "USMF")) -> Volumes:
    counts = RowCounts(cast(Dataverse, cds), cast(FinanceOperations, finops), companies, LIMITS)
    return counts.volumes(maps)


def test_small_tables_cost_one_count_a_side() -> None:
    cds, finops = Cds(accounts={"USMF": 60}), FinOps(CustomersV3={"USMF": 60})
    assert volumes(cds, finops, ACCOUNTS) == Volumes()
    assert (cds.counts, finops.asked, cds.pages_read) == (["accounts"], ["CustomersV3"], 0)


def test_too_many_rows_of_a_company_in_finops() -> None:
    found = volumes(Cds(), FinOps(CustomerGroups={"DAT": 1, "USMF": 600}), GROUPS)
    text = (
        "has 600 rows of USMF in F&O. An initial sync takes 500 a company at most: load both sides separately, "
        "then start the map without initial sync (`initialSync: none`)"
    )
    assert [(excess.map, excess.text) for excess in found.excesses] == [(GROUPS, text)]


def test_many_rows_of_many_companies_are_allowed() -> None:
    sets = FinOps(CustomerGroups={"DAT": 400, "USMF": 400})
    assert volumes(Cds(msdyn_customergroups={"DAT": 400, "USMF": 400}), sets, GROUPS) == Volumes()


def test_single_threaded_table_takes_fewer_rows_from_cds_only() -> None:
    rows = {"USMF": 71}
    assert not volumes(Cds(), FinOps(CustomersV3=rows), ACCOUNTS).excesses
    (excess,) = volumes(Cds(accounts=rows), FinOps(CustomersV3=rows), ACCOUNTS).excesses
    assert excess.text.startswith("has more than 70 rows of USMF in CDS and is imported in one thread. An initial sync")


def test_rows_without_a_company_and_of_companies_outside_the_link_take_no_part() -> None:
    cds = Cds(msdyn_customergroups={"": 600, "DEMF": 600})
    assert volumes(cds, FinOps(CustomerGroups={}), GROUPS) == Volumes()


def test_reading_stops_at_the_company_that_is_too_large() -> None:
    cds = Cds(msdyn_customergroups={"USMF": 501, "DAT": 10})
    assert volumes(cds, FinOps(CustomerGroups={}), GROUPS).excesses
    assert cds.pages_read == 1


def test_shared_entity_is_counted_as_a_whole() -> None:
    (excess,) = volumes(Cds(), FinOps(ContosoThings={"": 501}), "contoso_things - Contoso things").excesses
    assert excess.text.startswith("has 501 rows in F&O. ")


def test_table_without_company_is_counted_as_a_whole() -> None:
    cds = Cds(msdyn_customergroups={"": 501})
    cds.lookups = []
    (excess,) = volumes(cds, FinOps(CustomerGroups={}), GROUPS).excesses
    assert excess.text.startswith("has more than 500 rows in CDS. ")


def test_without_declared_companies_all_of_them_count() -> None:
    assert volumes(Cds(), FinOps(CustomerGroups={"USMF": 501}), GROUPS, companies=()).excesses


def test_map_that_cannot_be_counted_is_named_and_not_refused() -> None:
    finops = FinOps()
    assert volumes(Cds(), finops, GROUPS) == Volumes((), (GROUPS,))
    assert finops.asked == ["CustomerGroups"]


def test_set_is_looked_for_in_both_spellings() -> None:
    finops = FinOps(SalesTaxGroup={"USMF": 501})
    (excess,) = volumes(Cds(), finops, "contoso_groups - Sales tax group").excesses
    assert excess.text.startswith("has 501 rows of USMF in F&O. ")
    assert finops.asked[:2] == ["SalesTaxGroups", "SalesTaxGroup"]


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
