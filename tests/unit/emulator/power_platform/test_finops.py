"""Application packages and F&O: power-platform-api.md 14, 15.4 and 22 (h), (k), (l)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import power_platform
from emulator.core.routing import NotModelledError
from emulator.core.wire import ServiceError
from emulator.power_platform import FinOpsReady, PackageInstalled, catalogue, payload
from emulator.tenant import Tenant

from .conftest import APP, PPAPI, PV, TOOLS, Admin, DataPlanes, code

DYNAMICS = {"api-version": "2024-10-01"}
HOST = "hl-uat-01.crm4.dynamics.com"
FINOPS = "hl-uat-01.operations.eu.dynamics.com"


def dynamics(admin: Admin, environment_id: str, what: str) -> Any:
    reply = admin.call("GET", f"{PPAPI}/dynamics/environments/{environment_id}/{what}", params=DYNAMICS)
    return reply.json


def with_tools(admin: Admin) -> str:
    environment_id = admin.created()
    admin.installed(environment_id, TOOLS)
    return environment_id


def test_package_goes_through_its_states(admin: Admin, planes: DataPlanes) -> None:
    environment_id = admin.created()
    assert admin.package(environment_id, TOOLS)["state"] == "None"
    reply = admin.install(environment_id, TOOLS)
    assert (reply.status, reply.content()) == (202, b"")
    url = reply.headers["Operation-Location"]
    assert url.startswith(f"{PPAPI}/appmanagement/environments/{environment_id}/operations/")
    assert url.endswith("?api-version=1")
    seen = []
    for seconds in (0, 10, 590):
        admin.wait(seconds)
        seen.append((admin.call("GET", url).json["status"], admin.package(environment_id, TOOLS)["state"]))
    assert seen == [("Running", "InstallRequested"), ("Running", "Installing"), ("Succeeded", "Installed")]
    assert "error" not in admin.call("GET", url).json
    assert planes.published[-1] == PackageInstalled(environment_id, HOST, TOOLS)


def test_install_can_answer_with_a_body(admin: Admin) -> None:
    admin.tenant.switches.set("appmanagement_install_answer", "body")
    environment_id = admin.created()
    reply = admin.install(environment_id, TOOLS)
    assert reply.status == 200
    assert reply.json["packageUniqueName"] == TOOLS
    last = reply.json["lastOperation"]
    assert last["state"] == "InstallRequested"
    url = f"{PPAPI}/appmanagement/environments/{environment_id}/operations/{last['operationId']}"
    assert admin.call("GET", url, params=PV).json["status"] == "Running"


@pytest.mark.parametrize("body", [None, {}, {"payloadValue": "x=y"}, {"uniqueName": TOOLS, "state": "None"}])
def test_install_accepts_all_known_bodies(admin: Admin, body: Any) -> None:
    url = f"{PPAPI}/appmanagement/environments/{admin.created()}/applicationPackages/{TOOLS.upper()}/install"
    assert admin.call("POST", url, params=PV, json=body).status == 202


def test_unknown_package_is_not_found(admin: Admin) -> None:
    assert admin.install(admin.created(), "Nope").status == 404


def test_package_in_work_is_not_started_again(admin: Admin) -> None:
    environment_id = admin.created()
    admin.install(environment_id, TOOLS)
    assert code(admin.install(environment_id, TOOLS)) == "OperationNotStartable"


def test_installed_package_installs_again_quickly(admin: Admin) -> None:
    environment_id = with_tools(admin)
    assert admin.installed(environment_id, TOOLS, seconds=10).json["status"] == "Succeeded"
    assert admin.package(environment_id, TOOLS)["state"] == "Installed"


def test_list_filters_by_install_state(admin: Admin) -> None:
    environment_id = with_tools(admin)
    url = f"{PPAPI}/appmanagement/environments/{environment_id}/applicationPackages"
    installed = admin.call("GET", url, params={**PV, "appInstallState": "Installed"}).json["value"]
    others = admin.call("GET", url, params={**PV, "appInstallState": "NotInstalled"}).json["value"]
    assert [row["uniqueName"] for row in installed] == [TOOLS]
    assert len(installed) + len(others) == len(catalogue.PACKAGES)
    assert admin.call("GET", url, params={**PV, "appInstallState": "Some"}).status == 501


def test_tenant_lists_packages_without_state(admin: Admin) -> None:
    rows = admin.call("GET", f"{PPAPI}/appmanagement/applicationPackages", params=PV).json["value"]
    assert len(rows) == len(catalogue.PACKAGES)
    assert "state" not in rows[0]
    by_name = {row["uniqueName"]: row["applicationId"] for row in rows}
    assert by_name["DualWriteCoreAnchor"] == "7df1a324-fbb1-4a4e-9c9a-d5d9c7c6403b"


def test_environment_without_dataverse_has_no_packages(admin: Admin) -> None:
    shell = admin.create({"location": "europe", "properties": {"displayName": "shell", "environmentSku": "Sandbox"}})
    assert admin.install(shell.json["name"], TOOLS).status == 404


def test_missing_prerequisite_fails_in_the_operation(admin: Admin) -> None:
    environment_id = admin.created()
    failed = admin.installed(environment_id, "msdyn_DualWriteAppCoreAnchor", seconds=30).json
    assert failed["status"] == "Failed"
    assert "DualWriteCoreAnchor" in failed["error"]["message"]
    row = admin.package(environment_id, "msdyn_DualWriteAppCoreAnchor")
    assert row["state"] == "InstallFailed"
    assert row["errorDetails"]["message"] == failed["error"]["message"]
    admin.installed(environment_id, "DualWriteCoreAnchor")
    assert admin.installed(environment_id, "msdyn_DualWriteAppCoreAnchor").json["status"] == "Succeeded"


def test_prerequisites_can_be_ignored(admin: Admin) -> None:
    admin.tenant.switches.set("package_prerequisites", "ignored")
    assert admin.installed(admin.created(), "Dynamics365GABParty_Anchor").json["status"] == "Succeeded"


def test_package_installation_fails_on_demand(admin: Admin) -> None:
    admin.tenant.switches.set("package_install_failures", 1)
    environment_id = admin.created()
    assert admin.installed(environment_id, TOOLS).json["status"] == "Failed"
    assert admin.installed(environment_id, TOOLS).json["status"] == "Succeeded"


def test_young_environment_may_refuse_installations(admin: Admin) -> None:
    admin.tenant.switches.set("app_install_refused_duration", 60)
    environment_id = admin.created()
    assert admin.installed(environment_id, TOOLS, seconds=45).json["status"] == "Failed"
    assert admin.installed(environment_id, TOOLS).json["status"] == "Succeeded"


def test_provisioning_app_makes_finops_step_by_step(admin: Admin, planes: DataPlanes) -> None:
    environment_id = with_tools(admin)
    details = power_platform.finops_application_details
    assert details(admin.tenant, environment_id) is None
    url = admin.install(environment_id, APP, "DevToolsEnabled=False|DemoDataEnabled=TRUE").headers["Operation-Location"]
    seen = []
    for seconds in (0, 10, 3589, 1, 299, 1):
        admin.wait(seconds)
        shown = details(admin.tenant, environment_id)
        assert shown is not None
        seen.append(
            (
                admin.call("GET", url).json["status"],
                shown["finopsenvironmentstate"],
                power_platform.integration_details(admin.tenant, HOST) is not None,
                "linkedAppMetadata" in admin.properties(environment_id),
            )
        )
    assert seen == [
        ("Running", "InstallRequested", False, False),
        ("Running", "Installing", False, False),
        ("Running", "Installing", False, False),
        ("Succeeded", "Installed", True, False),
        ("Succeeded", "Installed", True, False),
        ("Succeeded", "Installed", True, True),
    ]
    assert ("finops", FINOPS) in planes.made
    (ready,) = (one for one in planes.published if isinstance(one, FinOpsReady))
    assert (ready.environment.id, ready.finops.host) == (environment_id, FINOPS)
    assert ready.environment.database is not None
    assert ready.environment.database.host == HOST


def test_both_sides_name_the_same_link(admin: Admin) -> None:
    environment_id = admin.unified()
    link = admin.properties(environment_id)["linkedAppMetadata"]
    other = power_platform.integration_details(admin.tenant, HOST)
    assert other is not None
    assert (link["id"], link["url"], link["type"]) == (other["Id"], other["Url"], "Internal")
    assert other["IsUnifiedDatabase"] is True
    properties = dynamics(admin, environment_id, "finopsproperties")
    assert properties["appId"] == link["id"]


def test_url_of_the_link_can_lack_its_slash(admin: Admin) -> None:
    admin.tenant.switches.set("finops_url_slash", False)
    assert admin.properties(admin.unified())["linkedAppMetadata"]["url"] == f"https://{FINOPS}"


def test_missing_link_can_be_null(admin: Admin) -> None:
    admin.tenant.switches.set("finops_member_before_link", "null")
    assert admin.properties(admin.created())["linkedAppMetadata"] is None


def test_link_may_wait_for_an_edit(admin: Admin) -> None:
    admin.tenant.switches.set("finops_link_visible", "after-patch")
    environment_id = admin.unified()
    admin.wait(100_000)
    assert "linkedAppMetadata" not in admin.properties(environment_id)
    admin.patch(environment_id, description="touched")
    admin.wait(10)
    assert "linkedAppMetadata" in admin.properties(environment_id)


def test_edit_shows_a_late_link_at_once(admin: Admin) -> None:
    environment_id = with_tools(admin)
    admin.installed(environment_id, APP, seconds=3600)
    admin.patch(environment_id, description="touched")
    admin.wait(10)
    assert "linkedAppMetadata" in admin.properties(environment_id)


@pytest.mark.parametrize(
    ("parameters", "developer", "demo", "deployment"),
    [
        ("DevToolsEnabled=true|DemoDataEnabled=false", "OnlineDev", None, "UnifiedDeveloper"),
        ("devtoolsenabled=FALSE|DEMODATAENABLED=True", "Sandbox", "Contoso", "UnifiedSandbox"),
        ("", "Sandbox", None, "UnifiedSandbox"),
    ],
)
def test_parameters_choose_tools_and_data(
    admin: Admin, parameters: str, developer: str, demo: str | None, deployment: str
) -> None:
    environment_id = admin.unified(parameters)
    details = power_platform.finops_application_details(admin.tenant, environment_id)
    properties = dynamics(admin, environment_id, "finopsproperties")
    assert details is not None
    assert details["applicationdeploymenttype"] == developer
    assert (properties["demoDataset"], properties["deploymentType"]) == (demo, deployment)


@pytest.mark.parametrize(
    ("wanted", "installed"),
    [
        ("ApplicationVersion=10.0.44.9", "10.0.44.9"),
        ("ApplicationVersion=10.0.45", "10.0.45.10"),
        ("", "10.0.45.10"),
    ],
)
def test_version_is_chosen_and_compared_as_numbers(admin: Admin, wanted: str, installed: str) -> None:
    details = power_platform.finops_application_details(admin.tenant, admin.unified(wanted))
    assert details is not None
    assert details["applicationversion"] == installed


def test_provisioning_app_needs_the_platform_tools(admin: Admin) -> None:
    failed = admin.installed(admin.created(), APP, seconds=30).json
    assert failed["status"] == "Failed"
    assert failed["error"]["message"] == (
        "Please install the Dynamics 365 Finance and Operations Platform Tools application before installing the "
        "Dynamics 365 Finance and Operations Provisioning App."
    )


def test_provisioning_app_needs_dynamics_365_apps(admin: Admin) -> None:
    environment_id = admin.created(admin.body(templates=[]))
    assert admin.properties(environment_id)["linkedEnvironmentMetadata"]["schemaType"] == "Standard"
    admin.installed(environment_id, TOOLS)
    failed = admin.installed(environment_id, APP, seconds=30).json
    assert failed["error"]["message"].endswith("isn't supported on SchemaType: Standard")


@pytest.mark.parametrize(
    ("prepare", "parameters", "reason"),
    [
        (lambda body: body["properties"].update(displayName="x" * 21), None, "more than 20 characters"),
        (
            lambda body: body["properties"]["linkedEnvironmentMetadata"].update(domainName="x" * 20),
            None,
            "more than 19 characters",
        ),
        (lambda body: body["properties"].update(displayName="Taken"), None, "not unique"),
        (lambda body: body.update(location="germany"), None, "not available in Germany"),
        (lambda body: body["properties"].update(environmentSku="Trial"), None, "not supported on Trial"),
        (lambda _body: None, "DevToolsEnabled=yes", "neither true nor false"),
        (lambda _body: None, "Tools=true", "'tools' is not known"),
        (lambda _body: None, "DevToolsEnabled", "not of the form"),
        (lambda _body: None, "ApplicationVersion=9.9.9.9", "not available"),
    ],
)
def test_finops_has_limits(admin: Admin, prepare: Any, parameters: str | None, reason: str) -> None:
    taken = admin.body(domainName="taken")
    taken["properties"]["displayName"] = "taken"
    admin.created(taken)
    body = admin.body()
    prepare(body)
    environment_id = admin.created(body)
    admin.installed(environment_id, TOOLS)
    failed = admin.installed(environment_id, APP, parameters, seconds=30).json
    assert failed["status"] == "Failed"
    assert reason in failed["error"]["message"]
    assert reason in dynamics(admin, environment_id, "operationerrors")["errors"][0]["errorMessage"]


def test_finops_needs_its_own_capacity(admin: Admin) -> None:
    admin.tenant.switches.set("capacity_finops_database_mb", 1000.0)
    failed = admin.installed(with_tools(admin), APP, seconds=30).json
    assert "1 GB of finance and operations database capacity" in failed["error"]["message"]


def test_failed_finops_explains_itself_and_may_be_tried_again(admin: Admin, planes: DataPlanes) -> None:
    admin.tenant.switches.set("finops_install_failures", 1)
    environment_id = with_tools(admin)
    failed = admin.installed(environment_id, APP, seconds=3600).json
    assert (failed["status"], failed["error"]["errorName"]) == ("Failed", "ProvisioningFailed")
    assert admin.package(environment_id, APP)["state"] == "InstallFailed"
    (row,) = dynamics(admin, environment_id, "operationerrors")["errors"]
    assert row["errorCode"] == "ProvisioningFailed"
    assert set(row) == {"correlationId", "errorCode", "errorMessage", "failedActionName", "failedAt", "operationType"}
    assert not [made for made in planes.made if made[0] == "finops"]
    assert admin.installed(environment_id, APP, seconds=3600).json["status"] == "Succeeded"
    assert ("finops", FINOPS) in planes.made


def test_errors_are_listed_newest_first(admin: Admin) -> None:
    environment_id = with_tools(admin)
    for parameters in ("Tools=true", "DevToolsEnabled=yes"):
        admin.installed(environment_id, APP, parameters, seconds=30)
    rows = dynamics(admin, environment_id, "operationerrors?maxResults=2")["errors"]
    assert ["yes" in row["errorMessage"] for row in rows] == [True, False]
    assert len(dynamics(admin, environment_id, "operationerrors?maxResults=1")["errors"]) == 1


def test_operation_belongs_to_one_environment(admin: Admin) -> None:
    url = admin.install(admin.created(), TOOLS).headers["Operation-Location"]
    other = admin.created(admin.body(domainName="other"))
    foreign = url.replace(url.split("/")[5], other)
    assert admin.call("GET", url).status == 200
    assert admin.call("GET", foreign).status == 404


def test_finops_is_updated_in_place(admin: Admin) -> None:
    environment_id = admin.unified("ApplicationVersion=10.0.44.9")
    url = admin.install(environment_id, APP, "ApplicationVersion=10.0.45.10").headers["Operation-Location"]
    details = power_platform.finops_application_details(admin.tenant, environment_id)
    assert details is not None
    assert (details["applicationversion"], details["finopsenvironmentstate"]) == ("10.0.44.9", "Updating")
    admin.wait(3600)
    assert admin.call("GET", url).json["status"] == "Succeeded"
    details = power_platform.finops_application_details(admin.tenant, environment_id)
    assert details is not None
    assert (details["applicationversion"], details["finopsenvironmentstate"]) == ("10.0.45.10", "Installed")
    assert "linkedAppMetadata" in admin.properties(environment_id)


def test_downgrade_fails_and_leaves_finops_alone(admin: Admin) -> None:
    environment_id = admin.unified()
    failed = admin.installed(environment_id, APP, "ApplicationVersion=10.0.44.9", seconds=30).json
    assert "lower than the installed" in failed["error"]["message"]
    assert admin.package(environment_id, APP)["state"] == "Installed"
    assert power_platform.integration_details(admin.tenant, HOST) is not None


def test_failed_update_leaves_finops_usable(admin: Admin) -> None:
    environment_id = admin.unified("ApplicationVersion=10.0.44.9")
    admin.tenant.switches.set("finops_install_failures", 1)
    failed = admin.installed(environment_id, APP, "ApplicationVersion=10.0.45.10", seconds=3600).json
    assert failed["status"] == "Failed"
    details = power_platform.finops_application_details(admin.tenant, environment_id)
    assert details is not None
    assert (details["applicationversion"], details["finopsenvironmentstate"]) == ("10.0.44.9", "Installed")


def test_versions_are_applied_by_their_own_call(admin: Admin) -> None:
    environment_id = admin.unified("ApplicationVersion=10.0.44.9")
    versions = dynamics(admin, environment_id, "finopsversions")["availableVersions"]
    assert [row["version"] for row in versions] == ["10.0.44.9", "10.0.45.5", "10.0.45.10"]
    url = f"{PPAPI}/dynamics/environments/{environment_id}/finopsversions"
    assert admin.call("POST", f"{url}/10.0.44.9/apply", params=DYNAMICS).status == 204
    assert admin.call("POST", f"{url}/1.2.3.4/apply", params=DYNAMICS).status == 501
    reply = admin.call("POST", f"{url}/10.0.45.5/apply", params=DYNAMICS)
    assert reply.status == 202
    assert admin.call("POST", f"{url}/10.0.45.5/apply", params=DYNAMICS).status == 409
    admin.wait(3600)
    assert admin.operation(reply.headers["Location"]).json["status"] == "Succeeded"


def test_template_brings_packages_and_queues_finops(admin: Admin, planes: DataPlanes) -> None:
    metadata = {
        "PostProvisioningPackages": [
            {"applicationUniqueName": APP, "parameters": "DevToolsEnabled=true|DemoDataEnabled=true"}
        ]
    }
    environment_id = admin.created(admin.body(templates=["D365_FinOps_Finance"], templateMetadata=metadata))
    installed = power_platform.installed_packages(admin.tenant, environment_id)
    assert installed["DualWriteCoreAnchor"] == installed["msdyn_DualWriteAppCoreAnchor"] == "Installed"
    assert installed["Dynamics365FinanceAndOperationsAnchor"] == "None"
    assert installed[APP] == "Installing"
    assert not [made for made in planes.made if made[0] == "finops"]
    admin.wait(3900)
    details = power_platform.finops_application_details(admin.tenant, environment_id)
    assert details is not None
    assert details["applicationdeploymenttype"] == "OnlineDev"
    assert "linkedAppMetadata" in admin.properties(environment_id)


def test_unlicensed_tenant_disables_finops_templates(admin: Admin) -> None:
    admin.tenant.switches.set("finops_entitlement", False)
    reply = admin.create(admin.body(templates=["D365_FinOps_Finance"]))
    assert reply.status == 501
    assert "'D365_FinOps_Finance'" in reply.json["error"]["message"]


def test_deleted_environment_stops_its_installation(admin: Admin, planes: DataPlanes) -> None:
    environment_id = with_tools(admin)
    admin.install(environment_id, APP)
    admin.delete(environment_id)
    admin.wait(10_000)
    assert not [made for made in planes.made if made[0] == "finops"]


def test_action_of_the_platform_tools_queues_finops(admin: Admin, tenant: Tenant) -> None:
    environment_id = admin.created()
    parameters = "ApplicationVersion=10.0.45.5|DevToolsEnabled=True|DemoDataEnabled=True"
    with pytest.raises(ServiceError) as missing:
        power_platform.queue_finops_install_or_update(tenant, environment_id, parameters)
    assert missing.value.status == 404
    admin.installed(environment_id, TOOLS)
    assert power_platform.queue_finops_install_or_update(tenant, environment_id, parameters)
    with pytest.raises(NotModelledError, match="in progress"):
        power_platform.queue_finops_install_or_update(tenant, environment_id, parameters)
    assert admin.package(environment_id, APP)["state"] == "InstallRequested"
    admin.wait(3600)
    assert admin.package(environment_id, APP)["state"] == "Installed"
    (history,) = power_platform.finops_operation_histories(tenant, environment_id)
    assert history.payload == parameters
    found = power_platform.environment_of_finops_host(tenant, FINOPS)
    assert found is not None
    assert found.finops is not None
    assert found.finops.version == "10.0.45.5"
    assert power_platform.environment_of_cds_host(tenant, FINOPS) is None


def test_environment_without_finops_has_no_properties(admin: Admin) -> None:
    assert "error" in dynamics(admin, admin.created(), "finopsproperties")


@pytest.mark.parametrize("limit", ["0", "1001", "many"])
def test_number_of_errors_is_limited(admin: Admin, limit: str) -> None:
    url = f"{PPAPI}/dynamics/environments/{admin.created()}/operationerrors"
    assert admin.call("GET", url, params={**DYNAMICS, "maxResults": limit}).status == 501


@pytest.mark.parametrize(
    ("wanted", "found"), [("10.0.45", "10.0.45.10"), ("10.0.4", None), ("10.0.45.5", "10.0.45.5"), ("10", "10.0.45.10")]
)
def test_short_version_means_the_newest_of_it(wanted: str, found: str | None) -> None:
    assert catalogue.matching_version(wanted) == found


@given(
    parts=st.permutations(["DevToolsEnabled=true", "DemoDataEnabled=FALSE", "ApplicationVersion=10.0.45.5"]),
    upper=st.booleans(),
    kept=st.integers(min_value=0, max_value=3),
)
def test_payload_ignores_order_and_case(parts: list[str], upper: bool, kept: int) -> None:
    said = parts[:kept]
    text = "|".join(said)
    choice = payload.parse(text.upper() if upper else text)
    assert choice == payload.FinOpsChoice(
        developer_tools=True if "DevToolsEnabled=true" in said else None,
        demo_data=False if "DemoDataEnabled=FALSE" in said else None,
        version="10.0.45.5" if "ApplicationVersion=10.0.45.5" in said else None,
    )


def test_payload_without_text_says_nothing() -> None:
    assert payload.parse(None) == payload.parse("") == payload.FinOpsChoice()
