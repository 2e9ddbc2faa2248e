"""A bootstrap that is only planned: companies as linked, and the rows that an initial sync would take."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from providers.api.session import Session
from providers.catalogue.companies import AS_LINKED
from providers.stamping.plan import Pending, PlannedBootstrap
from tests.support.in_process import World
from tests.support.linked_world import CDS_HOST, FINOPS_HOST
from tests.support.one_pair import ENTITIES, OnePair
from tests.support.unstamped_rows import HOST, ONLINE, RETAIL, UnstampedRows

ACCOUNTS, OTHER = "accounts - Customers V3", "accounts - Something else"
# A pair that is not linked.
TAILSPIN, TAILSPIN_FINOPS = "tailspin-sales", "tailspin-erp.sandbox.operations.eu.dynamics.com"


pytestmark = pytest.mark.usefixtures("token")


def session(world: World) -> Session:
    return world.call().session("public")


def planned(world: World, cds: str, **pending: Any) -> PlannedBootstrap:
    return PlannedBootstrap(session(world), cds, "USMF", Pending(**pending))


def companies(world: World, cds: str = "lamna-sales", **pending: Any) -> list[str]:
    return [each.text for each in planned(world, cds, **pending).company_problems()]


def creates_usmf(world: World, finops: str = FINOPS_HOST) -> None:
    session(world).finance_operations(finops).create_legal_entity("USMF", "Contoso", "USA")


def too_many(
    rows: UnstampedRows, limit: int, *, units: Sequence[str] = (), overwrite: bool = False, other: int = 500
) -> list[str]:
    """What is said of Fabrikam's accounts and products, with a map that takes so many accounts, and another one."""
    plan = planned(rows.world, "fabrikam-sales", initial_syncs={OTHER: other, ACCOUNTS: limit})
    dataverse = session(rows.world).dataverse(HOST)
    ids = [rows.unit_ids[unit] for unit in units]
    return [each.text for each in plan.row_problems(dataverse, ["accounts", "products"], ids, overwrite=overwrite)]


def are_in_scope(rows: UnstampedRows, count: int, **scope: Any) -> bool:
    """Whether so many rows would take part in an initial sync, and no more."""
    return bool(too_many(rows, count - 1, **scope)) and not too_many(rows, count, **scope)


def of_every_kind(rows: UnstampedRows) -> None:
    """In each business unit: one account without company, two of USMF, three of another company."""
    for unit in (RETAIL, ONLINE):
        for count, company in ((1, ""), (2, "USMF"), (3, "TSUS")):
            rows.add(count, unit=unit, company=company)


def test_company_outside_the_link_is_refused_when_the_link_is_taken_as_it_is(world: World) -> None:
    assert companies(world, companies=AS_LINKED) == [
        "bootstrap of an unlinked company: USMF is not part of the link; linked are DAT, LAMN"
    ]
    creates_usmf(world)
    world.tenant.person.act({"action": "add-company", "environment": CDS_HOST, "company": "usmf"})
    assert companies(world, companies=AS_LINKED) == []


def test_company_of_a_declared_list_may_be_linked_later(world: World) -> None:
    assert companies(world, companies=["USMF"]) == []


def test_company_has_to_be_in_finops_before_a_person_can_link_it(world: World) -> None:
    pending = {"companies": AS_LINKED, "finops": f"https://{TAILSPIN_FINOPS}/"}
    (text,) = companies(world, TAILSPIN, **pending)
    assert text == "bootstrap of an unlinked company: USMF is no legal entity of F&O; it has DAT, TSEU, TSUS"
    creates_usmf(world, TAILSPIN_FINOPS)
    assert companies(world, TAILSPIN, **pending) == []


def test_pair_that_is_not_there_yet_says_nothing(world: World) -> None:
    world.tenant.person.act({"action": "delete-environment", "environment": CDS_HOST})
    assert companies(world, companies=AS_LINKED, finops=f"https://{FINOPS_HOST}/") == []


def test_more_rows_than_an_initial_sync_takes_are_refused(rows: UnstampedRows) -> None:
    rows.add(8)
    (text,) = too_many(rows, 7)
    assert text.startswith(
        "more than 7 rows of accounts would carry USMF and take part in an initial sync, which takes"
    )
    assert too_many(rows, 8) == []
    assert too_many(rows, 8, other=7) == [text]


def test_rows_in_scope_are_those_without_company_and_with_this_one(rows: UnstampedRows) -> None:
    of_every_kind(rows)
    assert are_in_scope(rows, 6)
    assert are_in_scope(rows, 3, units=[RETAIL])


def test_every_row_is_in_scope_with_overwrite(rows: UnstampedRows) -> None:
    of_every_kind(rows)
    assert are_in_scope(rows, 12, overwrite=True)
    assert are_in_scope(rows, 6, overwrite=True, units=[RETAIL])


def test_every_row_is_in_scope_before_the_company_column_is_installed(rows: UnstampedRows) -> None:
    """The emulator's tables have all columns from the start: what this CDS says of its lookups is left out."""
    of_every_kind(rows)

    def without_lookups(transport: httpx.BaseTransport) -> httpx.BaseTransport:
        def answer(request: httpx.Request) -> httpx.Response:
            response = transport.handle_request(request)
            content = response.read().replace(b'"cdm_company"', b'"account"')
            headers = {"content-type": response.headers["content-type"]}
            return httpx.Response(response.status_code, headers=headers, stream=httpx.ByteStream(content))

        return httpx.MockTransport(answer)

    rows.world.network = without_lookups
    assert are_in_scope(rows, 12)


def test_map_that_was_synced_before_is_not_counted(pair: OnePair) -> None:
    def counted() -> bool:
        plan = planned(pair.world, "lamna-sales", initial_syncs={ENTITIES: 1})
        dataverse = session(pair.world).dataverse(CDS_HOST)
        return bool(list(plan.row_problems(dataverse, ["cdm_companies"], [], overwrite=False)))

    assert counted()
    pair.person("start-map", ENTITIES)
    assert not counted()


def test_bootstrap_without_initial_sync_counts_nothing(rows: UnstampedRows) -> None:
    rows.add(8)
    plan = planned(rows.world, "fabrikam-sales")
    rows.world.requests.clear()
    dataverse = session(rows.world).dataverse(HOST)
    assert list(plan.row_problems(dataverse, ["accounts"], [], overwrite=False)) == []
    assert rows.world.requests == []
