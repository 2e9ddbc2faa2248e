"""Solutions, versions, prerequisites and projects: E2, E5 to E8, E12 to E14, and what people do to maps."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from emulator.core.person import PersonError
from emulator.core.wire import Reply
from emulator.tenant import Tenant
from tests.unit.emulator.dual_write.administrator import CORE, DATAVERSE_HOST, ENVIRONMENT, FINANCE_HOST, Administrator

MAP = "cdm_companies - Legal entities"
FINANCE = "msdyn_Dynamics365FinanceExtendedMaps"
GROUPS = "msdyn_customergroups - Customer groups"
TERMS = "msdyn_paymentterms - Terms of payment"
CUSTOMERS = "accounts - Customers V3"


def apply(pair: Administrator, *names: str) -> Reply:
    """Send E13."""
    body = {"action": "2", "solutions": [{"criteria": {"uniquename": name}} for name in names]}
    return pair.post(f"SolutionAware/{pair.cid}/RestoreTemplates", body)


def act(pair: Administrator, action: str, name: str = MAP, **more: Any) -> dict[str, Any]:
    """Play a person's action on a map."""
    return pair.tenant.person.act({"action": action, "environment": DATAVERSE_HOST, "map": name, **more})


def switch(pair: Administrator, tid: str, pid: str, body: str) -> Reply:
    """Send E6."""
    return pair.post(f"SolutionAware/{pair.cid}/SwitchActive/{tid}?pid={pid}", body=body.encode())


def test_solutions_of_installed_packages_are_listed(pair: Administrator) -> None:
    """E12 lists what the environment's packages brought, nothing else."""
    found = pair.get(f"SolutionAware/{pair.cid}/Solutions/").json
    assert [one["uniquename"] for one in found] == [CORE, FINANCE]


def test_maps_appear_when_the_solution_is_applied(pair: Administrator) -> None:
    """E14 waits, then is done, and only then E2 has the maps."""
    request = apply(pair, CORE).json["requestId"]
    pair.wait(119)
    assert pair.get(f"SolutionAware/{pair.cid}/Status/{request}").json["state"] == "1"
    assert pair.maps() == {}
    pair.wait(1)
    done = pair.get(f"SolutionAware/{pair.cid}/Status/{request}").json
    assert (done["state"], done["result"]["status"]) == ("2", "Succeeded")
    assert len(pair.maps()) == 12


def test_applying_again_changes_nothing(pair: Administrator) -> None:
    """Maps keep project and state."""
    pair.apply()
    pair.running(MAP)
    before = pair.maps()
    pair.apply()
    assert pair.maps() == before


def test_several_solutions_make_duplicates(pair: Administrator) -> None:
    """The warning of the tool: one request per solution."""
    apply(pair, CORE, FINANCE)
    pair.wait(240)
    found = pair.get(f"Entities?targetType=AX&cid={pair.cid}").json
    assert len(found) == 2 * (12 + 31)
    assert len({one["detail"]["tid"] for one in found}) == len(found)
    pair.tenant.switches.set("several_solutions", "refuse")
    assert apply(pair, CORE, FINANCE).status == 400


@pytest.mark.parametrize(
    "body",
    [
        {"action": "3"},
        {"solutions": []},
        {"solutions": [{"uniquename": CORE}]},
        {"solutions": [{"criteria": {"uniquename": "other"}}]},
        {"solutions": [{"criteria": {"uniquename": "Dynamics365GABDualWriteEntityMaps"}}]},
        {"more": 1},
    ],
)
def test_applications_that_no_client_sends_are_not_modelled(pair: Administrator, body: dict[str, Any]) -> None:
    """A solution that is not listed, another action, other members: no source says what the service does with them."""
    whole = {"action": "2", "solutions": [{"criteria": {"uniquename": CORE}}], **body}
    assert pair.post(f"SolutionAware/{pair.cid}/RestoreTemplates", whole).status == 501


def test_requests_are_remembered_by_the_link(pair: Administrator) -> None:
    """E10 lists the solution requests in E14's shape, newest first."""
    first, second = apply(pair, CORE).json["requestId"], apply(pair, FINANCE).json["requestId"]
    detail = pair.get(f"/api/ConnectionSet/{pair.link['cname']}").json["dualWriteDetail"]
    assert [one["requestId"] for one in detail["solutionAwareRequests"]] == [second, first]


def test_map_versions_stand_in_dataverse(pair: Administrator) -> None:
    """A package brings the rows of its maps, with the mapping as text."""
    pair.apply()
    row = pair.tenant.rows.get("dataverse", DATAVERSE_HOST, "msdyn_dualwriteentitymaps", pair.maps()[MAP]["tid"])
    assert row is not None
    assert (row["msdyn_name"], row["msdyn_version"]) == (f"msdyn_[{MAP}]", "1.0.0.0")
    assert json.loads(row["msdyn_mapping"])["legs"][0]["destinationSchema"] == "cdm_companies"


def test_sequence_starts_prerequisites_first(pair: Administrator) -> None:
    """Prerequisites outside the asked set are in, the map itself is last."""
    pair.apply(FINANCE)
    known = pair.maps()
    names = {detail["tid"]: name for name, detail in known.items()}
    asked = [known[CUSTOMERS]["tid"], known[TERMS]["tid"]]
    answer = pair.post(f"GetTemplatePrerequisiteSequences/{pair.cid}", asked).json
    first, second = ([names[tid] for tid in one] for one in answer)
    assert first[-1] == CUSTOMERS
    assert first.index(TERMS) < first.index(GROUPS)
    assert second[-1] == TERMS


def test_sequence_leaves_unknown_maps_out(pair: Administrator) -> None:
    """A prerequisite whose solution is not applied is not named."""
    pair.apply(FINANCE)
    tids = {detail["tid"] for detail in pair.maps().values()}
    answer = pair.post(f"GetTemplatePrerequisiteSequences/{pair.cid}", sorted(tids)).json
    assert all(set(one) <= tids for one in answer)
    assert pair.post(f"GetTemplatePrerequisiteSequences/{pair.cid}", ["no"]).status == 501


def test_mutual_pairs_name_each_other(pair: Administrator) -> None:
    """With the switch a prerequisite names the map that needs it."""
    pair.apply(FINANCE)
    pair.tenant.switches.set("prerequisites_mutual", True)
    known = pair.maps()
    terms, groups = known[TERMS]["tid"], known[GROUPS]["tid"]
    url = f"GetTemplatePrerequisiteSequences/{pair.cid}"
    (of_groups, of_terms) = pair.post(url, [groups, terms]).json
    assert terms in of_groups
    dependents = set(of_terms) - {terms}
    assert any(terms in pair.post(url, [one]).json[0] for one in dependents)


def test_start_may_need_running_prerequisites(pair: Administrator) -> None:
    """With the switch a start without its prerequisites fails at plug-in registration."""
    pair.apply(FINANCE)
    pair.do("8", GROUPS)
    pair.tenant.switches.set("start_without_prerequisites", "fail")
    ((state, text),) = pair.outcome(pair.do("1", GROUPS, skipInitialSync=True))
    assert state == "3"
    assert TERMS in str(text)


@pytest.mark.parametrize("form", ["{}", '"{}"', ""])
def test_version_is_switched_by_bare_text(pair: Administrator, form: str) -> None:
    """E6 takes the id unquoted, quoted or no body at all."""
    pair.tenant.switches.set("parked_version", True)
    pair.apply()
    pair.do("8", MAP)
    detail = pair.maps()[MAP]
    parked = next(one["id"] for one in detail["templates"] if one["version"]["major"] == 9)
    assert detail["tid"] != parked
    assert switch(pair, parked, detail["pid"], form.format(parked)).status == 200
    assert pair.maps()[MAP]["template"]["id"] == pair.maps()[MAP]["tid"] == parked


@pytest.mark.parametrize(("rule", "status", "changes"), [("refuse", 409, 0), ("ignore", 200, 0), ("accept", 200, 1)])
def test_switch_while_running_follows_its_switch(pair: Administrator, rule: str, status: int, changes: int) -> None:
    """The real answer is not known."""
    pair.tenant.switches.set("parked_version", True)
    pair.tenant.switches.set("switch_while_running", rule)
    pair.apply()
    pair.running(MAP)
    detail = pair.maps()[MAP]
    parked = next(one["id"] for one in detail["templates"] if one["id"] != detail["tid"])
    assert switch(pair, parked, detail["pid"], parked).status == status
    assert (pair.maps()[MAP]["tid"] == parked) == bool(changes)


def test_wrong_switches_are_refused(pair: Administrator) -> None:
    """Another id in the body, no project, an unknown version."""
    pair.apply()
    pair.do("8", MAP)
    detail = pair.maps()[MAP]
    tid, pid = detail["tid"], detail["pid"]
    assert switch(pair, tid, pid, "other").status == 501
    assert switch(pair, tid, "", tid).status == 501
    assert switch(pair, tid, "other", tid).status == 404
    assert switch(pair, "other", pid, "other").status == 404


def test_project_shows_mappings_and_filters(pair: Administrator) -> None:
    """E7: field pairs with directions as digits and value maps; `DWM-<cid>-<tid>` is the name for E8."""
    pair.apply(FINANCE)
    pair.do("8", GROUPS)
    detail = pair.maps()[GROUPS]
    project = pair.get(f"{detail['pid']}/FieldMappings").json
    assert project["name"] == f"DWM-{pair.cid}-{detail['tid']}"
    mappings = project["entityMappingTasks"][0]["legs"][0]["fieldMappings"]
    by_source = {one["sourceField"]: one for one in mappings}
    assert by_source["CUSTOMERGROUPID"]["destinationField"] == "msdyn_groupid"
    assert by_source["PAYMENTTERMID"]["destinationField"].endswith(".msdyn_name")
    assert {one["syncDirection"] for one in mappings} <= {"1", "2", "3"}
    assert any(one.get("valueTransforms") for one in mappings)


def test_refresh_needs_its_tokens(pair: Administrator) -> None:
    """E8 takes the body of the tool, an unknown project is 404."""
    pair.apply()
    pair.do("8", MAP)
    name = pair.get(f"{pair.maps()[MAP]['pid']}/FieldMappings").json["name"]
    assert pair.post(f"/api/Project/{name}/Refresh", {"tokens": [""]}).status == 200
    assert pair.post(f"/api/Project/{name}/Refresh", {}).status == 501
    assert pair.post("/api/Project/DWM-no/Refresh", {"tokens": [""]}).status == 404


def test_unset_keys_fail_the_start(tenant: Tenant, call: Callable[..., Reply]) -> None:
    """With the party maps four keys must be set by hand (7.6): DIPV1003 until E9 and E8."""
    packages = [*ENVIRONMENT["packages"], "Dynamics365GABParty_Anchor"]
    tenant.seeds.play({"environments": [{**ENVIRONMENT, "packages": packages}]})
    tenant.switches.set("party_keys", "unset")
    pair = Administrator(tenant, call)
    pair.apply(FINANCE)
    pair.apply("Dynamics365GABDualWriteEntityMaps")
    pair.do("8", CUSTOMERS)
    ((state, text),) = pair.outcome(pair.do("1", CUSTOMERS, skipInitialSync=True))
    assert state == "3"
    assert "DIPV1003" in str(text)
    body = {"integrationKeys": {"accounts": ["accountnumber"]}, "datasetName": DATAVERSE_HOST}
    assert pair.post(f"/api/dataset/{DATAVERSE_HOST}/IntegrationKeys", body).status == 200
    name = pair.get(f"{pair.maps()[CUSTOMERS]['pid']}/FieldMappings").json["name"]
    assert pair.post(f"/api/Project/{name}/Refresh", {"tokens": [""]}).status == 200
    assert pair.outcome(pair.do("1", CUSTOMERS, skipInitialSync=True)) == [("2", None)]


def test_running_map_stands_in_both_planes(pair: Administrator) -> None:
    """The run-time configuration comes with the start and goes with the stop."""
    pair.apply(FINANCE)
    pair.running(GROUPS)
    tables = [
        ("dataverse", DATAVERSE_HOST, "msdyn_dualwriteruntimeconfigs"),
        ("finops", FINANCE_HOST, "DualWriteProjectConfigurations"),
    ]
    counts = [pair.tenant.rows.count(plane, host, name) for plane, host, name in tables]  # type: ignore[arg-type]
    assert counts == [1, 1]
    pair.do("4", GROUPS)
    counts = [pair.tenant.rows.count(plane, host, name) for plane, host, name in tables]  # type: ignore[arg-type]
    assert counts == [0, 0]


def test_person_moves_maps_behind_our_back(pair: Administrator) -> None:
    """Start, pause, start again, stop: E2 shows it at once, with a request that nobody of us sent."""
    pair.apply()
    for action, state in (("start-map", "4"), ("pause-map", "5"), ("start-map", "4"), ("stop-map", "1")):
        assert act(pair, action)["state"] == state
        assert pair.maps()[MAP]["state"] == state
    assert [one["action"] for one in pair.maps()[MAP]["lastRequests"]] == ["4", "6", "5", "1"]


def test_person_switches_to_a_new_version(pair: Administrator) -> None:
    """A version that nobody knew is there, active, and the map runs on."""
    pair.apply()
    pair.running(MAP)
    assert act(pair, "switch-version", version="1.0.0.7")["version"] == "1.0.0.7"
    detail = pair.maps()[MAP]
    assert detail["state"] == "4"
    assert detail["template"]["version"]["revision"] == 7
    assert len(detail["templates"]) == 2


@pytest.mark.parametrize(
    "request_",
    [
        {"action": "pause-map"},
        {"action": "stop-map"},
        {"action": "start-map", "map": "nothing"},
        {"action": "switch-version", "version": "seven"},
        {"action": "switch-version"},
        {"action": "start-map", "environment": "other.crm4.dynamics.com"},
    ],
)
def test_impossible_deeds_are_refused(pair: Administrator, request_: dict[str, Any]) -> None:
    """A person cannot do what the page does not offer."""
    pair.apply()
    with pytest.raises(PersonError):
        pair.tenant.person.act({"environment": DATAVERSE_HOST, "map": MAP, **request_})


def test_empty_list_fault_hides_all_maps(pair: Administrator) -> None:
    """Fault of 12.1 item 11."""
    pair.apply()
    pair.tenant.switches.set("fault_no_maps", True)
    assert pair.maps() == {}
