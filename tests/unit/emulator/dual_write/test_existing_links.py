"""Links across environments: what the attendant and people do, what is refused, what a deletion leaves."""

from typing import Any

import pytest

from emulator import power_platform
from emulator.core.person import PersonError
from emulator.core.seeds import SeedError
from emulator.dual_write import connections
from emulator.dual_write.connections import Connection
from emulator.identity.directory import ADMINISTRATOR_UPN
from emulator.power_platform import Environment
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.dual_write.administrator import GATEWAY, ROOT
from tests.unit.emulator.power_platform.conftest import ADMIN, PPAPI, PV, V

TAILSPIN, TAILSPIN_ERP = "tailspin-sales.crm4.dynamics.com", "tailspin-erp.sandbox.operations.eu.dynamics.com"
NORTHWIND, NORTHWIND_ERP = "northwind-ce.crm4.dynamics.com", "northwind-erp.sandbox.operations.eu.dynamics.com"
LAMNA, LAMNA_ERP = "lamna-sales.crm4.dynamics.com", "lamna-erp.sandbox.operations.eu.dynamics.com"
FABRIKAM, BASIC, AMERICAN = (
    "fabrikam-sales.crm4.dynamics.com",
    "woodgrove-basic.crm4.dynamics.com",
    "graphic-us.crm.dynamics.com",
)
CORE = "DualWriteCoreAnchor"
NEW = {"name": "Northwind CE", "domain": "northwind-ce", "packages": [CORE]}
SAME_NAME = "Saving connection set failed! An item with the same key has already been added."


def environment(tenant: Tenant, host: str) -> Environment:
    """Return the record of an environment."""
    found = power_platform.environment_of_cds_host(tenant, host)
    assert found is not None
    return found


def install(tenant: Tenant, call: CallTenant, host: str, package: str = CORE, seconds: float = 600) -> None:
    """Install a package through the service and wait until it is there."""
    url = f"{PPAPI}/appmanagement/environments/{environment(tenant, host).id}/applicationPackages/{package}/install"
    assert call("POST", url, params=PV, json={}).status in {200, 202}
    tenant.events.advance(seconds)


def link_of(tenant: Tenant, host: str) -> Connection | None:
    """Return the link of a Dataverse host."""
    return connections.by_dataverse_host(tenant, host)


def companies(tenant: Tenant, host: str) -> list[str]:
    """Return the linked company codes."""
    found = link_of(tenant, host)
    return found.company_codes() if found else []


def test_attendant_links_existing_pair_two_minutes_after_core(existing: Tenant, call: CallTenant) -> None:
    existing.events.advance(10_000)
    assert link_of(existing, TAILSPIN) is None
    install(existing, call, TAILSPIN)
    existing.events.advance(119)
    assert link_of(existing, TAILSPIN) is None
    existing.events.advance(1)
    assert companies(existing, TAILSPIN) == ["DAT", "TSEU", "TSUS"]
    (shown,) = call("GET", f"{ROOT}/Environments?targetType=AX&identifier={TAILSPIN_ERP}", user=ADMINISTRATOR_UPN).json
    assert shown["powerAppsEnvironment"] == environment(existing, TAILSPIN).id


def test_every_linked_company_has_unit_and_owning_team(existing: Tenant, call: CallTenant) -> None:
    install(existing, call, TAILSPIN, seconds=800)
    rows = {row["cdm_companycode"]: row for row in existing.rows.scan("dataverse", TAILSPIN, "cdm_companies")}
    assert set(rows) == {"DAT", "TSEU", "TSUS"}
    assert rows["TSEU"]["cdm_name"] == "Tailspin Toys Europe"
    for code, row in rows.items():
        team = existing.rows.get("dataverse", TAILSPIN, "teams", row["_cdm_defaultowningteam_value"])
        assert team is not None
        assert team["name"] == f"{code} Dual Write"


def test_attendant_makes_the_platform_integration(existing: Tenant, call: CallTenant) -> None:
    api = f"https://{TAILSPIN}/api/data/v9.2"
    assert call("GET", f"{api}/RetrieveFinanceAndOperationsIntegrationDetails").json["error"]["code"] == "0x80048d0b"
    install(existing, call, TAILSPIN, seconds=800)
    properties = call("GET", f"{ADMIN}/{environment(existing, TAILSPIN).id}", params=V).json["properties"]
    details = call("GET", f"{api}/RetrieveFinanceAndOperationsIntegrationDetails").json
    application = call("GET", f"{api}/msprov_getfinopsapplicationdetails").json
    link = properties["linkedAppMetadata"]
    assert (link["type"], link["url"]) == ("Linked", f"https://{TAILSPIN_ERP}/")
    assert (details["Id"], details["Url"], details["IsUnifiedDatabase"]) == (link["id"], link["url"], False)
    assert (application["finopsenvironmentid"], application["applicationversion"]) == (link["id"], "10.0.45.5")
    url = f"{PPAPI}/dynamics/environments/{environment(existing, TAILSPIN).id}/finopsproperties"
    shown = call("GET", url, params={"api-version": "2024-10-01"}).json
    assert (shown["appId"], shown["deploymentType"]) == (link["id"], "LCSSandbox")


def test_attendant_links_finops_with_a_new_cds(existing: Tenant, call: CallTenant) -> None:
    existing.seeds.play({"environments": [NEW]})
    existing.events.advance(120)
    assert companies(existing, NORTHWIND) == ["DAT", "NWEU", "NWUK", "NWUS"]


def test_attendant_takes_the_companies_of_the_switch(existing: Tenant) -> None:
    existing.switches.set("link_companies_by_person", "NWEU")
    existing.seeds.play({"environments": [NEW]})
    existing.events.advance(120)
    assert companies(existing, NORTHWIND) == ["NWEU"]


def test_attendant_that_is_off_does_nothing(existing: Tenant) -> None:
    existing.switches.set("attendant", False)
    existing.seeds.play({"environments": [NEW]})
    existing.events.advance(10_000)
    assert link_of(existing, NORTHWIND) is None
    assert environment(existing, NORTHWIND).finops is None
    act = {"action": "link", "environment": NORTHWIND, "finops": NORTHWIND_ERP, "companies": ["NWUS"]}
    assert existing.person.act(act)["companies"] == ["NWUS"]


def test_finops_that_is_ordered_late_is_linked_too(tenant: Tenant) -> None:
    tenant.seeds.play({"environments": [NEW]})
    row = {"name": "late-erp", "host": NORTHWIND_ERP, "link_with": "Northwind-CE", "dataset": "lamna-erp"}
    tenant.seeds.play({"lifecycle_finops": [row]})
    tenant.events.advance(120)
    assert companies(tenant, NORTHWIND) == ["DAT", "LAMN"]


def test_person_links_any_two_that_fit(existing: Tenant, call: CallTenant) -> None:
    install(existing, call, FABRIKAM)
    act = {"action": "link", "environment": FABRIKAM, "finops": NORTHWIND_ERP}
    assert existing.person.act(act)["companies"] == ["DAT", "NWEU", "NWUK", "NWUS"]
    finops = environment(existing, FABRIKAM).finops
    assert finops is not None
    assert (finops.host, finops.type) == (NORTHWIND_ERP, "Linked")
    existing.seeds.play({"environments": [NEW]})
    existing.events.advance(10_000)
    assert link_of(existing, NORTHWIND) is None


@pytest.mark.parametrize(
    ("host", "finops", "says"),
    [
        (LAMNA, NORTHWIND_ERP, "'lamna-sales.* is linked already"),
        (FABRIKAM, LAMNA_ERP, "'lamna-erp.* is linked already"),
        (FABRIKAM, None, "no finance and operations app belongs"),
        (FABRIKAM, "nowhere.operations.eu.dynamics.com", "has no finance and operations app"),
        (BASIC, NORTHWIND_ERP, "without 'Enable Dynamics 365 apps'"),
        (AMERICAN, NORTHWIND_ERP, "lies in 'europe'.* in 'unitedstates'"),
        ("nowhere.crm4.dynamics.com", NORTHWIND_ERP, "no finance and operations app belongs"),
    ],
)
def test_person_cannot_link_what_does_not_fit(
    existing: Tenant, call: CallTenant, host: str, finops: str | None, says: str
) -> None:
    if host not in {LAMNA, "nowhere.crm4.dynamics.com"}:
        install(existing, call, host)
    with pytest.raises(PersonError, match=says):
        existing.person.act({"action": "link", "environment": host, "finops": finops})


def test_person_needs_the_core_solution(existing: Tenant) -> None:
    with pytest.raises(PersonError, match="no dual-write core solution"):
        existing.person.act({"action": "link", "environment": TAILSPIN, "finops": TAILSPIN_ERP})


@pytest.mark.parametrize("more", [{"finops": 1}, {"companies": "DAT"}])
def test_person_says_host_and_list(existing: Tenant, more: dict[str, Any]) -> None:
    with pytest.raises(PersonError, match="'finops' is a host"):
        existing.person.act({"action": "link", "environment": TAILSPIN, **more})


def test_integration_stays_with_the_first_finops(existing: Tenant, call: CallTenant) -> None:
    existing.switches.set("attendant", False)
    install(existing, call, TAILSPIN)
    install(existing, call, FABRIKAM)
    power_platform.integrate_finops(existing, environment(existing, TAILSPIN).id, TAILSPIN_ERP)
    with pytest.raises(PersonError, match="'Tailspin Sales' is integrated with tailspin-erp"):
        existing.person.act({"action": "link", "environment": TAILSPIN, "finops": NORTHWIND_ERP})
    with pytest.raises(PersonError, match=r"tailspin-erp.* is integrated with another environment"):
        existing.person.act({"action": "link", "environment": FABRIKAM, "finops": TAILSPIN_ERP})


def test_deleted_cds_frees_finops_and_its_rows_stay(existing: Tenant, call: CallTenant) -> None:
    existing.seeds.play({"environments": [NEW]})
    existing.events.advance(120)
    before = existing.rows.count("finops", NORTHWIND_ERP, "CustomersV3")
    existing.person.act({"action": "delete-environment", "environment": NORTHWIND})
    assert connections.by_finance_host(existing, NORTHWIND_ERP) is None
    assert existing.service_of(NORTHWIND) is None
    assert call("GET", f"https://{NORTHWIND_ERP}/data/").status == 200
    assert existing.rows.count("finops", NORTHWIND_ERP, "CustomersV3") == before > 0
    existing.seeds.play({"environments": [NEW]})
    existing.events.advance(120)
    assert companies(existing, NORTHWIND) == ["DAT", "NWEU", "NWUK", "NWUS"]


def test_deletion_of_a_linked_environment_may_be_refused(existing: Tenant, call: CallTenant) -> None:
    existing.switches.set("linked_environment_delete", "refuse")
    url = f"{ADMIN}/{environment(existing, LAMNA).id}"
    refused = call("DELETE", url, params=V, json={"code": "7", "message": "test"})
    assert (refused.status, refused.json["error"]["code"]) == (400, "LinkedToLifecycleServices")
    assert "Please use Lifecycle Services to perform this operation." in refused.json["error"]["message"]
    existing.switches.set("linked_environment_delete", "allow")
    assert call("DELETE", url, params=V, json={"code": "7", "message": "test"}).status == 202
    existing.events.advance(120)
    assert existing.service_of(LAMNA) is None
    assert existing.service_of(LAMNA_ERP) is not None


def test_linked_elsewhere_names_its_partner(existing: Tenant, call: CallTenant) -> None:
    assert companies(existing, LAMNA) == ["DAT", "LAMN"]
    (shown,) = call("GET", f"{ROOT}/Environments?targetType=AX&identifier={LAMNA_ERP}", user=ADMINISTRATOR_UPN).json
    link = call("GET", f"{GATEWAY}/api/ConnectionSet/{shown['cname']}", user=ADMINISTRATOR_UPN).json
    assert set(link["environments"]) == {LAMNA, LAMNA_ERP}
    existing.events.advance(10_000)
    assert len(connections.connections(existing)) == 1


@pytest.mark.parametrize("names", [("Twin", "twin "), ("One", "")])
def test_companies_of_one_name_break_the_link(existing: Tenant, call: CallTenant, names: tuple[str, str]) -> None:
    api = f"https://{TAILSPIN}/api/data/v9.2/cdm_companies"
    for code, name in zip(("AAA", "BBB"), names, strict=True):
        assert call("POST", api, json={"cdm_companycode": code, "cdm_name": name}).status == 204
    install(existing, call, TAILSPIN)
    with pytest.raises(PersonError, match=SAME_NAME):
        existing.person.act({"action": "link", "environment": TAILSPIN, "finops": TAILSPIN_ERP})
    assert environment(existing, TAILSPIN).finops is None
    existing.events.advance(300)
    assert link_of(existing, TAILSPIN) is None
    assert len(list(existing.rows.scan("dataverse", TAILSPIN, "cdm_companies"))) == 2
    # The integration is another button: it is made, and stays.
    finops = environment(existing, TAILSPIN).finops
    assert finops is not None
    assert finops.host == TAILSPIN_ERP
    for row in list(existing.rows.scan("dataverse", TAILSPIN, "cdm_companies")):
        assert call("DELETE", f"{api}({row['cdm_companyid']})").status == 204
    existing.events.advance(120)
    assert companies(existing, TAILSPIN) == ["DAT", "TSEU", "TSUS"]


def test_attendant_who_is_refused_for_long_comes_once_an_hour(existing: Tenant, call: CallTenant) -> None:
    """A visit is a whole link that is undone: a week of them every two minutes would take minutes to play."""
    api = f"https://{TAILSPIN}/api/data/v9.2/cdm_companies"
    for code in ("AAA", "BBB"):
        assert call("POST", api, json={"cdm_companycode": code, "cdm_name": "Twin"}).status == 204
    install(existing, call, TAILSPIN)
    existing.events.advance(7200)
    assert existing.events.advance(24 * 3600) == 24
    (twin,) = existing.rows.find("dataverse", TAILSPIN, "cdm_companies", {"cdm_companycode": "BBB"})
    assert call("DELETE", f"{api}({twin['cdm_companyid']})").status == 204
    existing.events.advance(3600)
    assert companies(existing, TAILSPIN) == ["DAT", "TSEU", "TSUS"]


def _reset(tenant: Tenant, call: CallTenant, codes: list[str]) -> Any:
    link = link_of(tenant, LAMNA)
    assert link is not None
    sides = [
        {"targetType": kind, "name": name, "id": link.environment_id, "isDevInstance": False}
        for kind, name in (("CRM", LAMNA), ("AX", LAMNA_ERP))
    ]
    body = {"powerAppsEnvironmentName": link.environment_id, "environments": sides, "legalEntities": codes}
    url = f"{GATEWAY}/api/ConnectionSet/{link.cid}/Reset?targetType=AX&forceReset=False"
    return call("POST", url, json=body, user=ADMINISTRATOR_UPN)


def _create_company(call: CallTenant, code: str, name: str) -> None:
    body = {"LegalEntityId": code, "Name": name, "AddressCountryRegionId": "DEU"}
    assert call("POST", f"https://{LAMNA_ERP}/data/LegalEntities", json=body).status == 201


def test_reset_with_a_longer_list_equips_the_new_company(existing: Tenant, call: CallTenant) -> None:
    _create_company(call, "LAM2", "Lamna Pharmacy")
    assert _reset(existing, call, ["DAT", "LAMN", "lam2"]).status == 200
    assert companies(existing, LAMNA) == ["DAT", "LAMN", "LAM2"]
    (row,) = existing.rows.find("dataverse", LAMNA, "cdm_companies", {"cdm_companycode": "LAM2"})
    assert (row["cdm_name"], row["cdm_isenabledfordualwrite"]) == ("Lamna Pharmacy", True)
    team = existing.rows.get("dataverse", LAMNA, "teams", row["_cdm_defaultowningteam_value"])
    assert team is not None
    unit = existing.rows.get("dataverse", LAMNA, "businessunits", team["_businessunitid_value"])
    assert unit is not None
    assert (team["name"], unit["name"]) == ("LAM2 Dual Write", "LAM2")


def test_reset_answers_400_for_companies_of_one_name(existing: Tenant, call: CallTenant) -> None:
    _create_company(call, "LAM2", "LAMNA healthcare")
    refused = _reset(existing, call, ["DAT", "LAMN", "LAM2"])
    assert (refused.status, refused.json["message"]) == (400, SAME_NAME)
    assert companies(existing, LAMNA) == ["DAT", "LAMN"]
    assert existing.rows.find("dataverse", LAMNA, "cdm_companies", {"cdm_companycode": "LAM2"}) == []


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"environment": LAMNA}], r"links: 0\.finops"),
        ([{"environment": TAILSPIN, "finops": TAILSPIN_ERP, "companies": ["DAT"]}], "no dual-write core solution"),
    ],
)
def test_wrong_links_of_a_seed_are_refused(existing: Tenant, rows: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(SeedError, match=says):
        existing.seeds.play({"links": rows})


def test_new_finops_on_an_existing_cds_is_linked_with_dat(existing: Tenant, call: CallTenant) -> None:
    install(existing, call, FABRIKAM, "msprov_fnouploadersolution")
    install(existing, call, FABRIKAM, "msdyn_FinanceAndOperationsProvisioningAppAnchor", seconds=3600)
    finops = environment(existing, FABRIKAM).finops
    assert finops is not None
    assert (finops.host, finops.type) == ("fabrikam-sales.operations.eu.dynamics.com", "Internal")
    install(existing, call, FABRIKAM)
    assert companies(existing, FABRIKAM) == ["DAT"]


def test_person_registers_an_application_by_either_host(existing: Tenant) -> None:
    for host in (LAMNA, LAMNA_ERP):
        act = {"action": "register-application", "environment": host}
        assert existing.person.act(act)["finops"] == LAMNA_ERP
    with pytest.raises(PersonError, match="no F&O on"):
        existing.person.act({"action": "register-application"})


def test_new_finops_needs_dynamics_365_apps(existing: Tenant, call: CallTenant) -> None:
    install(existing, call, BASIC, "msprov_fnouploadersolution")
    app = "msdyn_FinanceAndOperationsProvisioningAppAnchor"
    url = f"{PPAPI}/appmanagement/environments/{environment(existing, BASIC).id}"
    reply = call("POST", f"{url}/applicationPackages/{app}/install", params=PV, json={})
    existing.events.advance(3600)
    ended = call("GET", reply.headers["Operation-Location"]).json
    assert ended["status"] == "Failed"
    assert "isn't supported on SchemaType: Standard" in str(ended)
    assert environment(existing, BASIC).finops is None


def test_another_version_of_a_linked_finops_is_not_modelled(existing: Tenant, call: CallTenant) -> None:
    url = f"{PPAPI}/dynamics/environments/{environment(existing, LAMNA).id}/finopsversions"
    version = {"api-version": "2024-10-01"}
    assert call("POST", f"{url}/10.0.45.5/apply", params=version).status == 204
    refused = call("POST", f"{url}/10.0.45.10/apply", params=version)
    assert refused.status == 501


def test_provisioning_app_fails_on_a_linked_environment(existing: Tenant, call: CallTenant) -> None:
    install(existing, call, LAMNA, "msprov_fnouploadersolution")
    app = "msdyn_FinanceAndOperationsProvisioningAppAnchor"
    install(existing, call, LAMNA, app)
    states = power_platform.installed_packages(existing, environment(existing, LAMNA).id)
    assert states[app] == "InstallFailed"
    finops = environment(existing, LAMNA).finops
    assert finops is not None
    assert (finops.host, finops.type, finops.state) == (LAMNA_ERP, "Linked", "Installed")
