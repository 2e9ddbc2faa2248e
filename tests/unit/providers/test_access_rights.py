"""What dual-write needs to be let in: only what is missing is written, a refusal is one line with the manual step."""

from typing import cast

import pytest

from providers.api.dataverse.client import Dataverse
from providers.api.finance_operations.client import FinanceOperations
from providers.api.transport.errors import PermissionDenied, ServiceUnavailable
from providers.link.access_rights import AccessRights
from providers.link.health_check import CDS_APPLICATION_USERS, FINOPS_CLIENTS
from providers.protocol.waiting import Waiting
from tests.unit.providers.fake_link import FakeDataverseSide, FakeFinOpsSide, LinkSession

FIRST, SECOND = CDS_APPLICATION_USERS
DENIED = PermissionDenied("The caller lacks prvAssignRole", code="0x80040220")


@pytest.fixture
def cds() -> FakeDataverseSide:
    return FakeDataverseSide()


@pytest.fixture
def finops() -> FakeFinOpsSide:
    return FakeFinOpsSide()


def rights(cds: FakeDataverseSide, finops: FakeFinOpsSide, said: list[str] | None = None) -> AccessRights:
    call = LinkSession().call(said)
    sides = cast(Dataverse, cds), cast(FinanceOperations, finops)
    return AccessRights(*sides, call, Waiting(call, 1800), interval=30)


def test_pair_that_has_everything_is_not_written_to(cds: FakeDataverseSide, finops: FakeFinOpsSide) -> None:
    said: list[str] = []
    rights(cds, finops, said).applications(FINOPS_CLIENTS)
    rights(cds, finops, said).team_roles(["team-dat"])
    assert (cds.written, finops.registered, said) == ([], [], [])


def test_missing_application_user_is_created_in_the_root_unit_as_administrator(
    cds: FakeDataverseSide, finops: FakeFinOpsSide
) -> None:
    del cds.users[FIRST]
    said: list[str] = []
    rights(cds, finops, said).applications(FINOPS_CLIENTS)
    assert cds.written == ["user 00000015 in bu-1", "System Administrator of bu-1 to 00000015"]
    assert said == ["Microsoft Dynamics ERP was given the role System Administrator in CDS"]


def test_user_without_any_role_gets_one_and_any_role_will_do(cds: FakeDataverseSide, finops: FakeFinOpsSide) -> None:
    cds.user_roles[SECOND] = []
    rights(cds, finops).applications(FINOPS_CLIENTS)
    assert cds.written == ["System Administrator of bu-1 to 2e49aa60"]


def test_disabled_user_is_left_to_the_health_check(cds: FakeDataverseSide, finops: FakeFinOpsSide) -> None:
    cds.users[FIRST], cds.user_roles[FIRST] = True, []
    rights(cds, finops).applications(FINOPS_CLIENTS)
    assert cds.written == []


def test_user_that_shows_late_is_waited_for(cds: FakeDataverseSide, finops: FakeFinOpsSide) -> None:
    cds.late_users = 3
    rights(cds, finops).applications(FINOPS_CLIENTS)
    assert "System Administrator of bu-1 to 00000015" in cds.written


def test_missing_clients_are_registered_in_finops(cds: FakeDataverseSide, finops: FakeFinOpsSide) -> None:
    finops.clients = []
    said: list[str] = []
    rights(cds, finops, said).applications(FINOPS_CLIENTS)
    assert finops.registered == ["6f7d0213 as Admin, Dual-write", "2e49aa60 as Admin, Dynamics Data Integration"]
    assert said == ["Dual-write and Dynamics Data Integration were registered in F&O"]


def test_teams_get_only_the_roles_they_lack(cds: FakeDataverseSide, finops: FakeFinOpsSide) -> None:
    cds.team_roles = {"team-dat": ["Dual-write App User"]}
    said: list[str] = []
    rights(cds, finops, said).team_roles(["team-dat", "team-dat"])
    assert cds.written == [
        "Dual-write Runtime User of bu-2 to team-dat",
        "Dual-write App User of bu-1 to t-1",
        "Dual-write Runtime User of bu-1 to t-1",
    ]
    assert said == ["the dual-write roles were given to the teams team-dat Dual Write, contoso"]


def test_roles_of_a_new_business_unit_are_waited_for(cds: FakeDataverseSide, finops: FakeFinOpsSide) -> None:
    cds.team_roles, cds.late_roles = {"t-1": ["Dual-write App User", "Dual-write Runtime User"]}, 3
    rights(cds, finops).team_roles(["team-dat"])
    assert len(cds.written) == 2


def test_refusals_are_one_line_each_with_the_manual_step(cds: FakeDataverseSide, finops: FakeFinOpsSide) -> None:
    del cds.users[FIRST]
    cds.failures = {"add_application_user": DENIED, "assign_role_to_team": DENIED}
    cds.team_roles, finops.clients, finops.refusal = {}, [FINOPS_CLIENTS[1]], PermissionDenied("no administrator")
    said: list[str] = []
    rights(cds, finops, said).applications(FINOPS_CLIENTS)
    rights(cds, finops, said).team_roles(["team-dat"])
    assert [line.partition(" could not be set up: ")[0] for line in said] == [
        f"warning: the application user {FIRST} of CDS",
        f"warning: the client {FINOPS_CLIENTS[0]} of F&O",
        "warning: the roles Dual-write App User and Dual-write Runtime User of the owning teams",
    ]
    assert "The caller lacks prvAssignRole (0x80040220). In the Power Platform admin centre" in said[0]


def test_role_that_does_not_exist_is_one_line_too(cds: FakeDataverseSide, finops: FakeFinOpsSide) -> None:
    cds.team_roles, cds.late_roles = {}, 10_000
    said: list[str] = []
    rights(cds, finops, said).team_roles(["team-dat"])
    assert "CDS has no role 'Dual-write App User' in the business unit bu-2" in said[0]


def test_service_that_is_down_ends_the_run(cds: FakeDataverseSide, finops: FakeFinOpsSide) -> None:
    cds.failures = {"application_user": ServiceUnavailable("restarting")}
    with pytest.raises(ServiceUnavailable):
        rights(cds, finops).applications(FINOPS_CLIENTS)
