"""What people break, seen over the services: rows of the health check, starts and solutions that fail."""

from typing import Any

import pytest

from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.dual_write.administrator import CORE, DATAVERSE_HOST, FINANCE_HOST, Administrator
from tests.unit.emulator.dual_write.linked_pair import CUSTOMER_GROUPS, CUSTOMERS

FINANCE_MAPS = "msdyn_Dynamics365FinanceExtendedMaps"
API = f"https://{DATAVERSE_HOST}/api/data/v9.2"
DATA = f"https://{FINANCE_HOST}/data"
PARTITIONS = "Exceeds the maximum partitions allowed for mapping"
ACCOUNT_KEY = ["accountnumber", "msdyn_company.cdm_companycode"]


def act(pair: Administrator, action: str, **request: Any) -> dict[str, Any]:
    """Let a person act on the pair."""
    return pair.tenant.person.act({"action": action, "environment": DATAVERSE_HOST, **request})


def set_keys(pair: Administrator, **keys: list[str]) -> int:
    """E9; returns the status."""
    body = {"integrationKeys": keys, "datasetName": DATAVERSE_HOST}
    return pair.post(f"/api/dataset/{DATAVERSE_HOST}/IntegrationKeys", body).status


def shown_key(pair: Administrator, entity_set: str) -> list[str]:
    """The key of a table as E10 shows it."""
    sides = pair.get(f"/api/ConnectionSet/{pair.link['cname']}").json["environments"]
    (schema,) = [one for one in sides[DATAVERSE_HOST]["schemas"] if one["name"] == entity_set]
    return [field for key in schema["keys"] if key["name"] == "userKeys" for field in key["fields"]]


def refresh(pair: Administrator, name: str) -> None:
    """E8 of a map's project."""
    project = pair.get(f"{pair.maps()[name]['pid']}/FieldMappings").json["name"]
    assert pair.post(f"/api/Project/{project}/Refresh", {"tokens": [""]}).status == 200


def test_renamed_root_team_differs_from_its_business_unit(pair: Administrator, call: CallTenant) -> None:
    assert act(pair, "rename-root-team", name="Everybody")["before"] == "contoso-uat"
    units = call("GET", f"{API}/businessunits?$filter=_parentbusinessunitid_value eq null").json["value"]
    query = f"$filter=isdefault eq true and _businessunitid_value eq {units[0]['businessunitid']}"
    assert [team["name"] for team in call("GET", f"{API}/teams?{query}").json["value"]] == ["Everybody"]


def test_cleared_owning_team_is_gone_though_the_form_forbids_it(pair: Administrator, call: CallTenant) -> None:
    companies = f"{API}/cdm_companies"
    (company,) = call("GET", f"{companies}?$filter=cdm_companycode eq 'DAT'").json["value"]
    row = f"{companies}({company['cdm_companyid']})"
    assert call("PATCH", row, json={"cdm_DefaultOwningTeam": None}).status == 400
    act(pair, "clear-owning-team", company="DAT")
    after = call("GET", row).json
    assert (after["_cdm_defaultowningteam_value"], after["cdm_isenabledfordualwrite"]) == (None, True)


@pytest.mark.parametrize(
    ("side", "address"),
    [("dataverse", f"{API}/msdyn_dualwriteruntimeconfigs"), ("finops", f"{DATA}/DualWriteProjectConfigurations")],
)
def test_stale_configuration_lies_about_until_a_reset(
    pair: Administrator, call: CallTenant, side: str, address: str
) -> None:
    project = act(pair, "add-stale-configuration", side=side)["project"]
    found = call("GET", address).json["value"]
    assert [row.get("msdyn_name") or row.get("ProjectName") for row in found] == [project]
    hosts = {"CRM": DATAVERSE_HOST, "AX": FINANCE_HOST}
    body = {
        "powerAppsEnvironmentName": pair.link["powerAppsEnvironment"],
        "environments": [{"targetType": target, "name": host} for target, host in hosts.items()],
        "legalEntities": ["DAT"],
    }
    assert pair.post(f"/api/ConnectionSet/{pair.cid}/Reset?targetType=AX&forceReset=False", body).status == 200
    assert call("GET", address).json["value"] == []


@pytest.mark.parametrize(
    ("switch", "skips"), [("dual_write_initial_sync_companies", False), ("dual_write_live_companies", True)]
)
def test_more_companies_than_allowed_fail_the_registration(pair: Administrator, switch: str, skips: bool) -> None:
    pair.apply(FINANCE_MAPS)
    act(pair, "add-company", company="USMF")
    pair.do("8", CUSTOMER_GROUPS)
    pair.tenant.switches.set(switch, 1)
    request = pair.do("1", CUSTOMER_GROUPS, skipInitialSync=skips)
    ((state, text),) = pair.outcome(request)
    assert state == "3"
    assert str(text).startswith(
        "Dual write failure - Plugin registration failed: [(Unable to get partition map for project"
    )
    assert PARTITIONS in str(text)
    assert pair.maps()[CUSTOMER_GROUPS]["state"] == "1"
    assert pair.outcome(pair.do("1", CUSTOMER_GROUPS, skipInitialSync=not skips))[0][0] != "3"


@pytest.mark.parametrize(
    "text",
    [
        "The solution 'msdyn_DualWriteAppCoreMaps' has version mismatch.",
        "The entity with a name = 'msdyn_dualwriteentitymap' was not found in the MetadataCache.",
    ],
)
def test_solution_that_cannot_be_applied_ends_with_its_text(pair: Administrator, text: str) -> None:
    pair.tenant.switches.set("apply_solution_error", text)
    body = {"action": "2", "solutions": [{"criteria": {"uniquename": CORE}}]}
    request = pair.post(f"SolutionAware/{pair.cid}/RestoreTemplates", body).json["requestId"]
    pair.wait(120)
    answer = pair.get(f"SolutionAware/{pair.cid}/Status/{request}").json
    assert (answer["state"], answer["result"]) == ("3", {"message": text, "status": "Failed"})
    assert pair.maps() == {}


@pytest.mark.parametrize(
    ("text", "executed"), [("Missing source field X in the schema", 1), ("Project validation failed: DIPV1010", 0)]
)
def test_broken_map_fails_before_or_in_its_initial_sync(pair: Administrator, text: str, executed: int) -> None:
    pair.apply(FINANCE_MAPS)
    pair.do("8", CUSTOMER_GROUPS)
    act(pair, "break-map", map=CUSTOMER_GROUPS, text=text)
    request = pair.do("1", CUSTOMER_GROUPS, skipInitialSync=False)
    pair.wait(300)
    ((state, shown),) = pair.outcome(request)
    assert (state, pair.maps()[CUSTOMER_GROUPS]["state"]) == ("3", "1")
    assert str(shown).endswith(text)
    pid = pair.maps()[CUSTOMER_GROUPS]["pid"]
    found = pair.get(f"/api/ProjectExecutionWithCompanies/{pid}").json["projectExecutionResponses"]
    assert len(found) == executed


def test_key_set_for_the_link_reaches_a_project_at_its_refresh(pair: Administrator) -> None:
    pair.apply(FINANCE_MAPS)
    pair.do("8", CUSTOMERS)
    assert shown_key(pair, "accounts") == ACCOUNT_KEY
    assert set_keys(pair, accounts=["name", *ACCOUNT_KEY]) == 200
    assert shown_key(pair, "accounts") == ["name", *ACCOUNT_KEY]
    pid = pair.maps()[CUSTOMERS]["pid"]
    assert pair.get(f"{pid}/FieldMappings").json["areKeysMismatched"] is True
    refresh(pair, CUSTOMERS)
    assert pair.get(f"{pid}/FieldMappings").json["areKeysMismatched"] is False


@pytest.mark.parametrize(("rule", "status"), [("refuse", 409), ("accept", 200)])
def test_key_of_a_running_map_changes_by_the_switch(pair: Administrator, rule: str, status: int) -> None:
    pair.apply(FINANCE_MAPS)
    pair.running(CUSTOMERS)
    pair.tenant.switches.set("keys_while_running", rule)
    assert set_keys(pair, accounts=list(reversed(ACCOUNT_KEY))) == 200, "the same key is no change"
    assert set_keys(pair, accounts=["name", *ACCOUNT_KEY]) == status
    assert shown_key(pair, "accounts") == (ACCOUNT_KEY[::-1] if status == 409 else ["name", *ACCOUNT_KEY])
    pair.do("4", CUSTOMERS)
    assert set_keys(pair, accounts=ACCOUNT_KEY) == 200
