"""FinOpsInstance of an existing F&O, and a new one on an existing CDS: findings, reading, what is left alone."""

from typing import Any

import pytest

from emulator.core.faults import Fault
from emulator.identity.directory import DEMO_CLIENT_ID
from providers.api.finance_operations.client import FinanceOperations
from providers.api.transport.errors import PermissionDenied
from providers.finops_instance import FinOpsInstanceProvider
from providers.instances.finops_model import FinOpsInputs, FinOpsOutputs
from providers.protocol.base import NotRead, ResourceError
from tests.support.cds_and_finops import CDS_URL, DETAILS, FINOPS_URL, CdsAndFinOps
from tests.support.check_findings import check_findings
from tests.support.in_process import World

PROVIDER = FinOpsInstanceProvider()
URL = "https://tailspin-erp.sandbox.operations.eu.dynamics.com"
HOST = URL.removeprefix("https://")
CDS = "https://tailspin-sales.crm4.dynamics.com"
# Tailspin Sales, Lamna Sales and Woodgrove Basic of the first day.
ENVIRONMENT_ID = "3b8c4d5e-6f70-4182-8c9d-1e2f3a4b5c63"
OTHER_ID, PLACEHOLDER_ID = "6ebf7081-92a3-44b5-9fc0-4b5c6d7e8f96", "4c9d5e6f-7081-4293-9dae-2f3a4b5c6d74"
BAG: dict[str, Any] = {"cloud": "emulator", "cds": CDS, "instance": "existing", "url": URL, "timeout": "4h"}
INPUTS = FinOpsInputs.model_validate(BAG)
ON_EXISTING: dict[str, Any] = {
    "cloud": "emulator",
    "cds": CDS_URL.rstrip("/"),
    "data": "empty",
    "developer_tools": False,
}
LATER = "DW-N02 not checked: tenant and version of F&O; the health check does it once the two are linked"


@pytest.fixture
def tailspin(world: World) -> CdsAndFinOps:
    """The two before they are linked; F&O lets the program in."""
    return CdsAndFinOps(world, ENVIRONMENT_ID, "Sales")


def against(tailspin: CdsAndFinOps, **changes: Any) -> list[str]:
    inputs = INPUTS.model_copy(update=changes)
    found = list(PROVIDER.live_problems(inputs, tailspin.world.call()))
    assert {problem.path for problem in found} <= {"url"}
    return [problem.text for problem in found]


def adopted(tailspin: CdsAndFinOps) -> FinOpsOutputs:
    identifier, outputs = PROVIDER.on_create(INPUTS, tailspin.world.call())
    assert identifier == HOST
    return outputs


def read(tailspin: CdsAndFinOps, stored: FinOpsOutputs) -> FinOpsOutputs | None:
    return PROVIDER.on_read("id", stored, tailspin.world.call())


def close(tailspin: CdsAndFinOps) -> None:
    """A person removes the program's application from F&O."""
    act = {"action": "remove-application", "environment": HOST, "client_id": DEMO_CLIENT_ID}
    tailspin.world.tenant.person.act(act)


def silence(tailspin: CdsAndFinOps) -> None:
    """F&O does not answer."""
    tailspin.world.tenant.faults.add(Fault(service="finops", path="/data/", drop="before", count=0))


def of_dataverse(tailspin: CdsAndFinOps, path: str, status: int, error: dict[str, str] | None = None) -> None:
    """Dataverse answers such requests with this status."""
    body = {"error": error} if error else None
    tailspin.world.tenant.faults.add(Fault(service="dataverse", path=path, status=status, body=body, count=0))


def test_inputs_show_the_address_alone() -> None:
    checked = PROVIDER.check(BAG, {**BAG, "url": "https://Tailspin-ERP.sandbox.operations.eu.dynamics.com/"})
    assert checked.failures == []
    assert checked.inputs == BAG


@pytest.mark.parametrize(
    ("news", "found"),
    [
        ({**BAG, "data": "demo"}, [("data", "is for a new instance; an existing one keeps its own")]),
        ({**BAG, "url": None}, [("", "url: is required")]),
        ({**ON_EXISTING, "data": None}, [("", "data: is required")]),
        ({**ON_EXISTING, "url": URL}, [("url", "is for an existing instance; leave it out")]),
    ],
)
def test_inputs_of_the_other_kind_are_refused(news: dict[str, Any], found: list[tuple[str, str]]) -> None:
    given = {name: value for name, value in news.items() if value is not None}
    assert check_findings(PROVIDER, given, given) == found


def test_fitting_finops_has_nothing_against_it(tailspin: CdsAndFinOps) -> None:
    assert against(tailspin) == []
    assert tailspin.world.said == [LATER]
    tailspin.press_link(HOST)
    tailspin.wire.alter(DETAILS, lambda details: {**details, "TenantId": details["TenantId"].upper()})
    assert against(tailspin) == []
    assert tailspin.world.said == [LATER]


def test_closed_finops_shows_the_steps_of_registration(tailspin: CdsAndFinOps) -> None:
    close(tailspin)
    assert against(tailspin) == [
        (
            f"F&O does not let the program in (401). Sign in to {URL} as administrator, open System administration > "
            f"Setup > Microsoft Entra ID applications, add the application {DEMO_CLIENT_ID} with the user Admin."
        )
    ]


def test_silent_finops_is_named_by_its_address(tailspin: CdsAndFinOps) -> None:
    silence(tailspin)
    assert against(tailspin) == [
        f"F&O does not answer at {URL}/data/. Check the address, and that the environment is running."
    ]


def test_missing_credential_is_no_finding_but_an_error(tailspin: CdsAndFinOps, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_client: FinanceOperations) -> bool:
        raise PermissionDenied("no credential")

    monkeypatch.setattr(FinanceOperations, "reachable", fails)
    with pytest.raises(PermissionDenied):
        against(tailspin)


def test_other_geography_is_refused_before_a_new_cds_is_there(tailspin: CdsAndFinOps) -> None:
    (text,) = against(tailspin, cds="northwind-ce", location="japan")
    assert text.startswith("F&O is in europe and the CDS instance in japan:")
    assert against(tailspin, cds="northwind-ce", location="europe") == []
    (text,) = against(tailspin, cds="https://graphic-us.crm.dynamics.com")
    assert text.startswith("F&O is in europe and the CDS instance in unitedstates:")


def test_geography_that_cannot_be_told_is_said(tailspin: CdsAndFinOps) -> None:
    host = "tailspin-erp.operations.dynamics.com"
    tailspin.world.tenant.seeds.play({"lifecycle_finops": [{"name": "tailspin-erp", "host": host}]})
    assert against(tailspin, url=f"https://{host}") == []
    assert tailspin.world.said[0] == (
        "DW-N02 not checked: whether both are in one geography, which their addresses do not tell"
    )


def test_other_partner_is_named(tailspin: CdsAndFinOps) -> None:
    tailspin.press_link(HOST)
    theirs = tailspin.finops
    other = CdsAndFinOps(tailspin.world, OTHER_ID, "Sales")
    placeholder = CdsAndFinOps(tailspin.world, PLACEHOLDER_ID, "p")
    placeholder.change(database=None, finops=theirs)
    assert placeholder.shown().finops == tailspin.shown().finops
    assert against(tailspin) == []
    tailspin.change(finops=None)
    other.change(finops=theirs)
    assert against(tailspin) == [
        (
            "F&O is linked with the CDS instance 'Lamna Sales' (lamna-sales.crm4.dynamics.com), "
            "not with 'Tailspin Sales'; it has one partner"
        )
    ]


def test_finops_that_is_linked_instead_tells_nothing_of_another(tailspin: CdsAndFinOps) -> None:
    tailspin.press_link(HOST)
    tailspin.has_version("10.0.8")
    other = "tailspin-two.sandbox.operations.eu.dynamics.com"
    tailspin.world.tenant.seeds.play({"lifecycle_finops": [{"name": "tailspin-two", "host": other}]})
    assert against(tailspin, url=f"https://{other}") == []
    assert tailspin.world.said == [LATER]


def test_linked_finops_is_checked_for_tenant_and_version(tailspin: CdsAndFinOps) -> None:
    tailspin.press_link(HOST)
    tailspin.has_version("10.0.8")
    tailspin.wire.alter(DETAILS, lambda details: {**details, "TenantId": "another"})
    tenant, version = against(tailspin)
    assert tenant == (
        f"F&O is in the tenant another, this program in {tailspin.world.tenant.identity.tenant_id}; "
        "dual-write links only within one tenant"
    )
    assert version == "F&O is at version 10.0.8; dual-write needs 10.0.9 or later. Update it first."


def test_version_that_dataverse_keeps_to_itself_is_said(tailspin: CdsAndFinOps) -> None:
    tailspin.press_link(HOST)
    text = "Resource not found for the segment 'msprov_getfinopsapplicationdetails'."
    of_dataverse(tailspin, "*/msprov_getfinopsapplicationdetails*", 404, {"code": "0x80060888", "message": text})
    assert against(tailspin) == []
    assert tailspin.world.said == ["DW-N02 not checked: the version of F&O, which Dataverse does not tell"]


def test_closed_cds_tells_nothing_of_the_link(tailspin: CdsAndFinOps) -> None:
    tailspin.press_link(HOST)
    of_dataverse(tailspin, DETAILS, 403)
    assert against(tailspin) == []
    assert tailspin.world.said == [LATER]


def test_unlinked_finops_is_reported_as_far_as_it_can_be_read(tailspin: CdsAndFinOps) -> None:
    assert adopted(tailspin).model_dump(exclude_none=True) == {
        "cloud": "emulator",
        "cds": CDS,
        "cds_url": f"{CDS}/",
        "confirm": (),
        "tenant_id": "",
        "instance": "existing",
        "data": "",
        "environment_id": "",
        "cds_environment_id": ENVIRONMENT_ID,
        "url": URL,
        "application_version": "",
        "platform_version": "",
        "deployment_type": "",
        "demo_dataset": "",
    }
    assert tailspin.world.writes() == []


def test_finops_that_does_not_fit_is_not_adopted(tailspin: CdsAndFinOps) -> None:
    close(tailspin)
    with pytest.raises(ResourceError, match="F&O does not let the program in"):
        adopted(tailspin)


def test_what_the_link_tells_is_read_later_and_no_drift(tailspin: CdsAndFinOps) -> None:
    outs = {**BAG, **adopted(tailspin).model_dump(mode="json", exclude_none=True)}
    tailspin.press_link(HOST)
    held = read(tailspin, FinOpsOutputs.model_validate(outs))
    assert held is not None
    assert (held.environment_id, held.application_version, held.developer_tools) == (
        tailspin.finops.id,
        "10.0.45.5",
        False,
    )
    assert PROVIDER.diff("id", {**outs, **held.model_dump(mode="json", exclude_none=True)}, BAG).changes is False
    assert set(PROVIDER.managed(held)) == {
        "cloud",
        "tenant",
        "cds",
        "confirm",
        "instance",
        "url",
        "location",
        "timeout",
    }


@pytest.mark.parametrize("closed", [True, False])
def test_finops_that_cannot_be_seen_is_not_gone(tailspin: CdsAndFinOps, closed: bool) -> None:
    stored = adopted(tailspin)
    (close if closed else silence)(tailspin)
    with pytest.raises(NotRead, match="401 .*Register the application in F&O" if closed else "does not answer"):
        read(tailspin, stored)


def test_finops_outlives_its_cds_instance(tailspin: CdsAndFinOps) -> None:
    stored = adopted(tailspin)
    tailspin.world.tenant.person.act({"action": "delete-environment", "environment": ENVIRONMENT_ID})
    assert read(tailspin, stored) == stored


def test_deletion_leaves_it_as_it_is(tailspin: CdsAndFinOps) -> None:
    stored = adopted(tailspin)
    tailspin.wire.forget()
    PROVIDER.on_delete("id", stored, tailspin.world.call())
    assert tailspin.world.said == ["not installed by this stack; left as it is"]
    assert tailspin.world.writes() == []


def test_another_address_replaces(tailspin: CdsAndFinOps) -> None:
    outs = {**BAG, **adopted(tailspin).model_dump(mode="json", exclude_none=True)}
    assert PROVIDER.diff("id", outs, {**BAG, "url": f"{URL}/"}).changes is False
    assert PROVIDER.diff("id", outs, {**BAG, "url": "https://x.operations.eu.dynamics.com"}).replaces == ["url"]


# A new F&O on an existing CDS instance.


def objections(unified: CdsAndFinOps) -> list[tuple[str, str]]:
    inputs = FinOpsInputs.model_validate(ON_EXISTING)
    return [tuple(found) for found in PROVIDER.live_problems(inputs, unified.world.call())]  # type: ignore[misc]


def test_existing_environment_that_fits_gets_finops(unified: CdsAndFinOps) -> None:
    assert objections(unified) == []


def test_all_that_forbids_finops_on_an_existing_environment_comes_at_once(unified: CdsAndFinOps) -> None:
    database = unified.record.database
    assert database is not None
    without_apps = database.model_copy(update={"schema_type": "Standard", "domain": "tailspin-sales-europe"})
    unified.change(display_name="Tailspin Sales for Europe", database=without_apps)
    unified.world.tenant.switches.set("capacity_finops_database_mb", 10)
    found = objections(unified)
    assert {path for path, _ in found} == {"cds"}
    apps, name, domain, capacity = (text.removeprefix("F&O cannot be installed: ") for _, text in found)
    assert apps == (
        "'Tailspin Sales for Europe' was created without Dynamics 365 apps (its schema type is Standard), and they "
        "cannot be enabled later. Choose another CDS instance."
    )
    assert name == "'Tailspin Sales for Europe' has 25 characters; at most 20 where F&O is installed on it"
    assert domain == "'tailspin-sales-europe' has 21 characters; at most 19 where F&O is installed on it"
    assert capacity.startswith("the tenant has 10 MB of FinOpsDatabase capacity left")


def test_environment_linked_to_lifecycle_services_gets_no_finops(unified: CdsAndFinOps) -> None:
    unified.press_link(HOST)
    ((_, text),) = objections(unified)
    assert text == (
        f"F&O cannot be installed: 'Fabrikam Sales' is linked with {URL}/, an environment of Lifecycle Services. "
        "Use that F&O as an existing one, or choose another CDS instance."
    )


def test_licence_is_checked_for_the_kind_of_the_environment(unified: CdsAndFinOps) -> None:
    unified.change(sku="Production")
    unified.wire.alter("*/templates", lambda offered: {**offered, "production": []})
    ((_, text),) = objections(unified)
    assert "is not offered for a production environment in europe" in text
    unified.change(sku="Developer")
    ((_, text),) = objections(unified)
    assert text == "F&O cannot be installed: Developer environments cannot have it, only Sandbox and Production"


def test_choices_on_an_existing_environment_never_change() -> None:
    assert check_findings(PROVIDER, ON_EXISTING, {**ON_EXISTING, "data": "demo"}) == [
        (
            "data",
            (
                "cannot change from 'empty' to 'demo': it is fixed when F&O is installed and F&O cannot be removed "
                "alone: an existing CDS instance is never replaced, so put the old value back or choose another CDS "
                "instance"
            ),
        )
    ]


def test_description_of_an_existing_environment_is_never_edited(unified: CdsAndFinOps) -> None:
    unified.world.tenant.switches.set("finops_link_delay", 5400)
    PROVIDER.on_create(FinOpsInputs.model_validate(ON_EXISTING), unified.world.call())
    assert unified.world.said == [
        (
            "DW-P04 the Power Platform does not show the link yet; editing the environment's description in the admin "
            "center makes it"
        )
    ]
    assert unified.descriptions() == []


def on_existing(installed: CdsAndFinOps) -> FinOpsOutputs:
    """What an earlier run installed on an existing environment."""
    _, outputs = PROVIDER.on_create(FinOpsInputs.model_validate(ON_EXISTING), installed.world.call())
    installed.wire.forget()
    return outputs


def test_deletion_on_an_existing_environment_says_that_it_stays(installed: CdsAndFinOps) -> None:
    PROVIDER.on_delete("id", on_existing(installed), installed.world.call())
    assert installed.world.said == [
        "left in place: F&O cannot be removed alone, and its CDS instance is not this stack's"
    ]


def test_installed_finops_becomes_an_existing_one_in_place(installed: CdsAndFinOps) -> None:
    outputs, identifier = on_existing(installed), installed.finops.id
    wanted = {**BAG, "cds": ON_EXISTING["cds"], "url": outputs.url}
    found = PROVIDER.diff(identifier, outputs.model_dump(mode="json", exclude_none=True), wanted)
    assert (found.changes, found.replaces) == (None, [])
    given_up = PROVIDER.on_update(identifier, outputs, FinOpsInputs.model_validate(wanted), installed.world.call())
    assert (given_up.instance, given_up.environment_id, given_up.url) == ("existing", identifier, outputs.url)
    new = PROVIDER.diff(
        identifier,
        {**BAG, **given_up.model_dump(mode="json", exclude_none=True)},
        {**ON_EXISTING, "instance": "new", "data": "demo"},
    )
    assert new.replaces == ["data"]


def taken_back(unified: CdsAndFinOps, url: str) -> list[tuple[str, str]]:
    """Against counting the F&O of this address, which was only used, as installed by the stack."""
    old = FinOpsInputs.model_validate({**BAG, "cds": ON_EXISTING["cds"], "url": url})
    found = PROVIDER.live_change_problems(FinOpsInputs.model_validate(ON_EXISTING), old, unified.world.call())
    return [tuple(each) for each in found]  # type: ignore[misc]


def test_only_the_finops_that_is_installed_there_becomes_the_stacks(installed: CdsAndFinOps) -> None:
    assert taken_back(installed, FINOPS_URL) == []
    assert taken_back(installed, URL) == [
        ("instance", f"'Fabrikam Sales' has {FINOPS_URL}, not {URL}: put the old value back")
    ]


def test_finops_of_lifecycle_services_never_becomes_the_stacks(unified: CdsAndFinOps) -> None:
    unified.press_link(HOST)
    ((path, text),) = taken_back(unified, URL)
    assert path == "cds"
    assert "an environment of Lifecycle Services" in text
