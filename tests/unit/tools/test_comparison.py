"""What stands on both sides: counts, rows that are missing or doubled, and rows outside the filter."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from providers.api.transport.errors import NotFound
from tools.comparison import COMPARED, Comparer, Promise, line, promises
from tools.pulumi_cli import Deployment

GROUPS, ACCOUNTS = COMPARED[:2]


class Rows:
    """One side of a pair: rows per set, chosen by the words their filter must hold."""

    def __init__(self, **sets: list[dict[str, Any]]) -> None:
        self.sets = sets

    def rows(
        self,
        entity_set: str,
        *,
        filter: str | None = None,  # noqa: A002
        select: Sequence[str] = (),
    ) -> Iterator[dict[str, Any]]:
        for row in self.sets.get(entity_set, []):
            if all(word in (filter or "") for word in row.get("needs", [])):
                yield row


def accounts(*keys: str, outside: int = 0) -> Rows:
    """Dataverse with accounts of the company; those outside show only to a question without the map's filter."""
    inside = [{"accountnumber": key} for key in keys]
    left_out = [{"accountnumber": f"OUT-{n}"} for n in range(outside)]

    class Filtered(Rows):
        def rows(self, entity_set: str, **options: Any) -> Iterator[dict[str, Any]]:
            if entity_set == "cdm_companies":
                yield {"cdm_companyid": "company-1"}
                return
            wanted = options["filter"]
            assert "_msdyn_company_value eq company-1" in wanted
            yield from inside if ACCOUNTS.cds_filter in wanted else inside + left_out

    return Filtered()


def customers(*keys: str) -> Rows:
    needs = ["dataAreaId eq 'usmf'", "DirPartyType'Organization'"]
    return Rows(CustomersV3=[{"CustomerAccount": key, "needs": needs} for key in keys])


def promise(*, stamped: bool = True, synced: bool = True) -> Promise:
    return Promise(ACCOUNTS, "USMF", stamped, synced)


def test_rows_outside_the_filter_are_counted() -> None:
    found = Comparer(customers("US-1", "US-2"), accounts("us-1", "US-2", outside=3)).compare(promise())
    assert (found.finops, found.cds, found.outside, found.example) == (2, 2, 3, "US-1")
    assert line(found) == (
        "accounts - Customers V3, USMF: 2 on both sides, none twice, such as US-1,"
        " 3 more in Dataverse alone (outside the map's filter)"
    )


def test_rows_of_a_map_that_goes_the_other_way_are_counted() -> None:
    one_way = ACCOUNTS._replace(one_way=True)
    found = Comparer(customers("US-1"), accounts("US-1", "US-2")).compare(Promise(one_way, "USMF", True, True))
    assert (found.finops, found.cds, found.outside) == (1, 1, 1)
    assert str(line(found)).endswith(", 1 more in Dataverse alone (the map goes the other way only)")


def test_stamped_row_that_did_not_arrive_is_named() -> None:
    with pytest.raises(NotFound, match="USMF: 1 row in Dataverse but not in Finance and Operations, such as US-2"):
        Comparer(customers("US-1"), accounts("US-1", "US-2")).compare(promise(synced=False))


def test_row_of_finops_counts_as_missing_only_after_an_initial_sync() -> None:
    comparer = Comparer(customers("US-1", "US-2"), accounts("US-1"))
    assert line(comparer.compare(promise(synced=False))) == (
        "accounts - Customers V3, USMF: 2 in Finance and Operations, 1 in Dataverse, none twice, such as US-1"
    )
    with pytest.raises(NotFound, match="1 row in Finance and Operations but not in Dataverse, such as US-2"):
        comparer.compare(promise())


def test_row_that_stands_twice_is_named() -> None:
    with pytest.raises(NotFound, match="1 row twice in Dataverse, such as US-1"):
        Comparer(customers("US-1"), accounts("US-1", "us-1")).compare(promise())


def test_nothing_on_either_side_is_no_line() -> None:
    assert line(Comparer(customers(), accounts()).compare(promise())) is None


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
