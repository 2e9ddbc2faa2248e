"""A bootstrap that is only planned: companies as linked, and the rows that an initial sync would take."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from providers.api.dataverse.client import Dataverse
from providers.api.dataverse.models import Company, EntityDefinition, ManyToOne
from providers.api.session import Session
from providers.catalogue.companies import AS_LINKED
from providers.stamping.plan import Pending, PlannedBootstrap
from tests.unit.providers.fake_link import FakeLink, LinkSession
from tests.unit.providers.fake_rows import RETAIL, USMF
from tests.unit.providers.fake_services import FINOPS_URL

MAPS = ACCOUNTS, OTHER = "accounts - Customers V3", "accounts - Something else"
LIMITS = {ACCOUNTS: 70, OTHER: 500}


class Counted:
    """An organization with a number of rows for every condition that is asked."""

    def __init__(self, rows: int, *, lookup: bool = True) -> None:
        self.rows, self.asked = rows, list[str | None]()
        column = ManyToOne(column="msdyn_company", refers_to="cdm_company", navigation="msdyn_company")
        self.table = EntityDefinition.model_validate(
            {"PrimaryIdAttribute": "accountid", "Attributes": [{"LogicalName": "owningbusinessunit"}]}
        ).model_copy(update={"lookups": [column] if lookup else []})

    def table_definitions(self, names: Sequence[str]) -> dict[str, EntityDefinition]:
        return dict.fromkeys(set(names) & {"accounts"}, self.table)

    def companies(self) -> list[Company]:
        return [Company(id=USMF, code="USMF", enabled=True)]

    def count(self, _name: str, condition: str | None, **_options: object) -> int:
        self.asked.append(condition)
        return self.rows


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use")


@pytest.fixture
def session() -> LinkSession:
    return LinkSession(FakeLink({ACCOUNTS: "none"}))


def planned(session: LinkSession, company: str = "USMF", **pending: Any) -> PlannedBootstrap:
    return PlannedBootstrap(cast(Session, session), "contoso-uat", company, Pending(**pending))


def companies(session: LinkSession, company: str = "USMF", **pending: Any) -> list[str]:
    return [each.text for each in planned(session, company, **pending).company_problems()]


def rows(
    session: LinkSession,
    cds: Counted,
    *,
    units: Sequence[str] = (),
    overwrite: bool = False,
    maps: Sequence[str] = MAPS,
) -> list[str]:
    found = planned(session, initial_syncs={name: LIMITS[name] for name in maps})
    problems = found.row_problems(cast(Dataverse, cds), ["accounts", "products"], units, overwrite=overwrite)
    return [each.text for each in problems]


def test_company_outside_the_link_is_refused_when_the_link_is_taken_as_it_is(session: LinkSession) -> None:
    assert companies(session, companies=AS_LINKED) == [
        "bootstrap of an unlinked company: USMF is not part of the link; linked are DAT"
    ]
    session.dual_write.companies = ["usmf"]
    assert companies(session, companies=AS_LINKED) == []


def test_company_of_a_declared_list_may_be_linked_later(session: LinkSession) -> None:
    assert companies(session, companies=["USMF"]) == []


def test_company_has_to_be_in_finops_before_a_person_can_link_it(session: LinkSession) -> None:
    session.dual_write.late = 9
    found = companies(session, companies=AS_LINKED, finops=FINOPS_URL)
    assert found == ["bootstrap of an unlinked company: USMF is no legal entity of F&O; it has DAT"]
    session.finops.companies = ["dat", "usmf"]
    session.dual_write.late = 9
    assert companies(session, companies=AS_LINKED, finops=FINOPS_URL) == []


def test_pair_that_is_not_there_yet_says_nothing(session: LinkSession) -> None:
    session.delete_environment()
    assert companies(session, companies=AS_LINKED, finops=FINOPS_URL) == []


def test_more_rows_than_an_initial_sync_takes_are_refused(session: LinkSession) -> None:
    (text,) = rows(session, Counted(71))
    assert text.startswith(
        "more than 70 rows of accounts would carry USMF and take part in an initial sync, which takes"
    )
    assert rows(session, Counted(70)) == []


def test_rows_in_scope_are_those_without_company_and_with_this_one(session: LinkSession) -> None:
    cds = Counted(0)
    rows(session, cds, units=[RETAIL])
    assert cds.asked == [
        f"(_msdyn_company_value eq null or _msdyn_company_value eq {USMF}) and _owningbusinessunit_value eq {RETAIL}"
    ]


def test_every_row_is_in_scope_before_the_company_column_is_installed_and_with_overwrite(session: LinkSession) -> None:
    young, whole = Counted(0, lookup=False), Counted(0)
    rows(session, young)
    rows(session, whole, overwrite=True)
    assert young.asked == whole.asked == [None]


def test_map_that_was_synced_before_is_not_counted(session: LinkSession) -> None:
    session.dual_write.pids[ACCOUNTS] = "pid"
    assert rows(session, Counted(71), maps=[ACCOUNTS]) == []


def test_bootstrap_without_initial_sync_counts_nothing(session: LinkSession) -> None:
    cds = Counted(71)
    assert [*planned(session).row_problems(cast(Dataverse, cds), ["accounts"], [], overwrite=False)] == []
    assert cds.asked == []
