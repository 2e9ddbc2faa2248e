"""What dual-write needs to be let in: only what is missing is written, a refusal is one line with the manual step."""

from typing import Any

import pytest

from providers.api.transport.errors import ServiceUnavailable
from providers.link.access_rights import AccessRights
from providers.link.health_check import CDS_APPLICATION_USERS, FINOPS_CLIENTS
from providers.protocol.waiting import Waiting
from tests.support.linked_world import CDS_HOST, FINOPS_HOST
from tests.support.one_pair import OnePair

FIRST, SECOND = CDS_APPLICATION_USERS
APP_USER, RUNTIME_USER = "Dual-write App User", "Dual-write Runtime User"
DENIED = {"error": {"code": "0x80040220", "message": "The caller lacks prvAssignRole"}}


def rights(pair: OnePair) -> AccessRights:
    call = pair.call()
    session = call.session("public")
    sides = session.dataverse(CDS_HOST), session.finance_operations(FINOPS_HOST)
    return AccessRights(*sides, call, Waiting(call, 1800), interval=30)


def team_of(pair: OnePair, company: str) -> str:
    """The id of a company's owning team."""
    (row,) = pair.rows.find("dataverse", "cdm_companies", cdm_companycode=company)
    return str(row["_cdm_defaultowningteam_value"])


def role(pair: OnePair, name: str, unit: str) -> str:
    """The id of a role in the business unit of that name."""
    (row,) = pair.rows.find("dataverse", "businessunits", name=unit)
    (found,) = pair.rows.find("dataverse", "roles", name=name, _businessunitid_value=row["businessunitid"])
    return str(found["roleid"])


def given(pair: OnePair) -> list[str]:
    """The role, its business unit and the team or application user of each assignment."""
    roles = {row["roleid"]: row for row in pair.rows.find("dataverse", "roles")}
    units = {row["businessunitid"]: row["name"] for row in pair.rows.find("dataverse", "businessunits")}
    names = {row["teamid"]: row["name"] for row in pair.rows.find("dataverse", "teams")}
    names |= {row["systemuserid"]: row.get("applicationid") for row in pair.rows.find("dataverse", "systemusers")}
    lines = []
    for request in (each for each in pair.wire.sent if each.path.endswith("_association/$ref")):
        assigned = roles[request.body["@odata.id"].partition("/roles(")[2].removesuffix(")")]
        whose = request.path.partition("(")[2].partition(")")[0]
        lines.append(f"{assigned['name']} of {units[assigned['_businessunitid_value']]} to {names[whose]}")
    return lines


def posted(pair: OnePair, entity_set: str) -> list[Any]:
    """The rows that were to be created in a set."""
    return [each.body for each in pair.wire.sent if each.method == "POST" and each.path.endswith(f"/{entity_set}")]


def test_pair_that_has_everything_is_not_written_to(linked: OnePair) -> None:
    teams = [team_of(linked, "DAT")]
    rights(linked).team_roles(teams)
    linked.spell_clients_in_capitals()
    linked.forget()
    rights(linked).applications(FINOPS_CLIENTS)
    rights(linked).team_roles(teams)
    assert (linked.world.writes(), linked.said) == ([], [])


def test_missing_application_user_is_created_in_the_root_unit_as_administrator(linked: OnePair) -> None:
    linked.person("remove-application", client_id=FIRST)
    rights(linked).applications(FINOPS_CLIENTS)
    ((root,), (user,)) = (
        linked.rows.find("dataverse", "businessunits", name="lamna-sales"),
        posted(linked, "systemusers"),
    )
    assert user["applicationid"] == FIRST
    assert user["businessunitid@odata.bind"] == f"/businessunits({root['businessunitid']})"
    assert given(linked) == [f"System Administrator of lamna-sales to {FIRST}"]
    assert len(linked.world.writes()) == 2
    assert linked.said == ["Microsoft Dynamics ERP was given the role System Administrator in CDS"]


def test_user_without_any_role_gets_one_and_any_role_will_do(linked: OnePair) -> None:
    ((first,), (second,)) = (
        linked.rows.find("dataverse", "systemusers", applicationid=each) for each in (FIRST, SECOND)
    )
    assigned = {"systemuserid": first["systemuserid"], "roleid": role(linked, RUNTIME_USER, "lamna-sales")}
    for user in (first, second):
        linked.rows.remove("dataverse", "systemuserrolescollection", systemuserid=user["systemuserid"])
    linked.rows.add("dataverse", "systemuserrolescollection", assigned)
    rights(linked).applications(FINOPS_CLIENTS)
    assert given(linked) == [f"System Administrator of lamna-sales to {SECOND}"]
    assert len(linked.world.writes()) == 1


def test_disabled_user_is_left_to_the_health_check(linked: OnePair) -> None:
    (user,) = linked.rows.find("dataverse", "systemusers", applicationid=FIRST)
    linked.rows.change("dataverse", "systemusers", {"isdisabled": True}, applicationid=FIRST)
    linked.rows.remove("dataverse", "systemuserrolescollection", systemuserid=user["systemuserid"])
    rights(linked).applications(FINOPS_CLIENTS)
    assert linked.world.writes() == []


def test_user_that_shows_late_is_waited_for(linked: OnePair) -> None:
    linked.person("remove-application", client_id=FIRST)
    linked.fault("GET", "*/systemusers", stale=True, count=5)
    rights(linked).applications(FINOPS_CLIENTS)
    assert given(linked) == [f"System Administrator of lamna-sales to {FIRST}"]
    assert linked.world.elapsed >= 3 * 30


def test_missing_clients_are_registered_in_finops(linked: OnePair) -> None:
    for client in FINOPS_CLIENTS:
        linked.person("remove-application", client_id=client, environment=FINOPS_HOST)
    rights(linked).applications(FINOPS_CLIENTS)
    registered = [(row["AADClientId"], row["UserId"], row["Name"]) for row in posted(linked, "SysAADClients")]
    assert registered == [
        (FINOPS_CLIENTS[0], "Admin", "Dual-write"), (FINOPS_CLIENTS[1], "Admin", "Dynamics Data Integration"),
    ]  # fmt: skip
    assert linked.said == ["Dual-write and Dynamics Data Integration were registered in F&O"]


def test_teams_get_only_the_roles_they_lack(linked: OnePair) -> None:
    team = team_of(linked, "DAT")
    linked.rows.add("dataverse", "teamrolescollection", {"teamid": team, "roleid": role(linked, APP_USER, "DAT")})
    rights(linked).team_roles([team, team])
    assert given(linked) == [
        f"{RUNTIME_USER} of DAT to DAT Dual Write",
        f"{APP_USER} of lamna-sales to lamna-sales",
        f"{RUNTIME_USER} of lamna-sales to lamna-sales",
    ]
    assert linked.said == ["the dual-write roles were given to the teams DAT Dual Write, lamna-sales"]


def test_roles_of_a_new_business_unit_are_waited_for(linked: OnePair) -> None:
    roles = linked.rows.find("dataverse", "roles")
    linked.rows.remove("dataverse", "roles", name=APP_USER)
    linked.fault("GET", "*/roles", stale=True, count=3)
    linked.rows.add("dataverse", "roles", *(row for row in roles if row["name"] == APP_USER))
    rights(linked).team_roles([team_of(linked, "DAT")])
    assert given(linked) == [
        *(f"{name} of DAT to DAT Dual Write" for name in (APP_USER, RUNTIME_USER)),
        *(f"{name} of lamna-sales to lamna-sales" for name in (APP_USER, RUNTIME_USER)),
    ]
    assert linked.world.elapsed >= 3 * 30


def test_refusals_are_one_line_each_with_the_manual_step(linked: OnePair) -> None:
    linked.person("remove-application", client_id=FIRST)
    linked.person("remove-application", client_id=FINOPS_CLIENTS[0], environment=FINOPS_HOST)
    for path in ("*/systemusers", "*/teamroles_association/*"):
        linked.fault("POST", path, count=0, status=403, body=DENIED)
    linked.fault("POST", "*/SysAADClients", count=0, status=403, body={"error": {"message": "no administrator"}})
    rights(linked).applications(FINOPS_CLIENTS)
    rights(linked).team_roles([team_of(linked, "DAT")])
    assert [line.partition(" could not be set up: ")[0] for line in linked.said] == [
        f"warning: the application user {FIRST} of CDS",
        f"warning: the client {FINOPS_CLIENTS[0]} of F&O",
        f"warning: the roles {APP_USER} and {RUNTIME_USER} of the owning teams",
    ]
    assert "The caller lacks prvAssignRole (0x80040220" in linked.said[0]
    assert "). In the Power Platform admin centre" in linked.said[0]


def test_role_that_does_not_exist_is_one_line_too(linked: OnePair) -> None:
    ((unit,),) = (linked.rows.find("dataverse", "businessunits", name="DAT"),)
    linked.rows.remove("dataverse", "roles", name=APP_USER)
    rights(linked).team_roles([team_of(linked, "DAT")])
    (line,) = linked.said
    assert f"CDS has no role '{APP_USER}' in the business unit {unit['businessunitid']}" in line


def test_service_that_is_down_ends_the_run(linked: OnePair) -> None:
    linked.fault("GET", "*/systemusers", count=0, status=503, body={"error": {"message": "restarting"}})
    with pytest.raises(ServiceUnavailable):
        rights(linked).applications(FINOPS_CLIENTS)
