"""CdsInstance of an existing environment: every finding before it is used, never a write, changing hands."""

from typing import Any

import pytest

from emulator.identity.directory import DEMO_CLIENT_ID
from emulator.power_platform.records import FinOps
from providers.api.transport.errors import Conflict, NotFound, PermissionDenied
from providers.cds_instance import CdsInstanceProvider
from providers.instances.cds_model import CdsInputs, CdsOutputs
from providers.protocol.base import ResourceError
from tests.support import in_process
from tests.support.check_findings import check_findings
from tests.support.environments import FABRIKAM_ID, PROVISIONING_APP, Environments, environment_of, put_package
from tests.support.seen_instances import FINOPS_ID, MARK

PROVIDER = CdsInstanceProvider()
URL = "https://fabrikam-sales.crm4.dynamics.com"
OTHER = "https://somebody-erp.sandbox.operations.eu.dynamics.com"
INSTALLED = "https://fabrikam-sales.operations.eu.dynamics.com"
NEEDED = ("name", "domain", "location", "currency", "language")
BAG: dict[str, Any] = {"cloud": "emulator", "instance": "existing", "url": URL, "timeout": "2h"}
INPUTS = CdsInputs.model_validate(BAG)
NEW_BAG: dict[str, Any] = {
    "cloud": "emulator",
    "name": "Contoso UAT",
    "domain": "contoso-uat",
    "location": "europe",
    "currency": "EUR",
    "language": 1033,
}
OURS = "https://contoso-uat.crm4.dynamics.com"


@pytest.fixture
def made(tenant: Environments) -> CdsOutputs:
    """An environment that this stack made."""
    inputs = PROVIDER.normalise(CdsInputs.model_validate(NEW_BAG))
    outputs = PROVIDER.on_create(inputs, tenant.world.call())[1]
    tenant.wire.forget()
    return outputs


def linked(tenant: Environments, kind: str, url: str = OTHER) -> None:
    """The environment is linked with this F&O; both sides show it."""
    tenant.world.tenant.switches.set("finops_url_slash", False)
    finops = FinOps.model_validate(
        {
            "id": FINOPS_ID,
            "state": "Installed",
            "host": url.removeprefix("https://"),
            "version": "10.0.45.10",
            "developer_tools": False,
            "demo_data": False,
            "type": kind,
            "reachable": True,
            "linked_from": tenant.world.tenant.clock.now(),
        }
    )
    tenant.change(FABRIKAM_ID, finops=finops)


def database(tenant: Environments, **members: Any) -> None:
    """Another Dataverse in the environment."""
    database = environment_of(tenant.world, FABRIKAM_ID).database
    assert database is not None
    tenant.change(FABRIKAM_ID, database=database.model_copy(update=members))


def version(tenant: Environments, number: str | None) -> None:
    """The service shows this version of Dataverse, or none."""
    tenant.shown_as(lambda properties: properties["linkedEnvironmentMetadata"].update(version=number))


def against(tenant: Environments, **changes: Any) -> list[str]:
    inputs = INPUTS.model_copy(update=changes)
    found = list(PROVIDER.live_problems(inputs, tenant.world.call()))
    assert {problem.path for problem in found} <= {"url", "environment_id"}
    return [problem.text for problem in found]


def adopted(tenant: Environments) -> CdsOutputs:
    identifier, outputs = PROVIDER.on_create(INPUTS, tenant.world.call())
    assert identifier == FABRIKAM_ID
    return outputs


def kept_out(tenant: Environments, status: int, code: str, text: str) -> None:
    """Dataverse answers the program's first question with a refusal."""
    tenant.refuse("GET", "*/WhoAmI*", status, code, text, service="dataverse", count=0)


def test_inputs_show_the_address_as_people_write_it() -> None:
    checked = PROVIDER.check(BAG, {**BAG, "url": "https://Fabrikam-Sales.crm4.dynamics.com/"})
    assert checked.failures == []
    assert checked.inputs == {"cloud": "emulator", "instance": "existing", "url": URL, "timeout": "2h"}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"name": "Fabrikam"}, [("name", "is for a new instance; an existing one keeps its own")]),
        ({"type": "sandbox"}, [("type", "is for a new instance; an existing one keeps its own")]),
        (
            {"environment_id": FABRIKAM_ID},
            [("url", "an existing instance is found by either `url` or `environment_id`: give one of them")],
        ),
        ({"instance": "new"}, [("", f"{name}: is required") for name in NEEDED]
         + [("url", "is for an existing instance; leave it out")]),
    ],
)  # fmt: skip
def test_inputs_of_the_other_kind_are_refused(changes: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert check_findings(PROVIDER, BAG, {**BAG, **changes}) == found


def test_fitting_environment_has_nothing_against_it(tenant: Environments) -> None:
    assert against(tenant) == []
    linked(tenant, "Linked")
    assert against(tenant, finops=f"{OTHER}/") == []
    assert tenant.world.said == []


def test_all_findings_come_at_once(tenant: Environments) -> None:
    linked(tenant, "Linked")
    tenant.change(FABRIKAM_ID, management_state="Running")
    version(tenant, "9.1.0000.9999")
    kept_out(tenant, 403, "0x80072560", "The user is not a member of the organization.")
    state, number, access, partner = against(tenant, finops="https://ours.operations.eu.dynamics.com")
    assert state == (
        "the environment 'Fabrikam Sales' is not Ready but Running. "
        "Wait for the operation on it, or see its history in the admin center."
    )
    assert number == "Dataverse is at version 9.1.0000.9999; dual-write needs 9.1.0000.11732 or later. Update it first."
    assert access == (
        "Dataverse does not let the program in (The user is not a member of the organization). Add the application "
        f"{DEMO_CLIENT_ID} in the Power Platform admin center: the environment > Settings > Users + permissions > "
        "Application users, with the role System Administrator."
    )
    assert partner == (
        f"'Fabrikam Sales' is linked with {OTHER}, not with https://ours.operations.eu.dynamics.com, and has one "
        "partner only. Choose the other F&O, or another CDS instance."
    )


@pytest.mark.parametrize(
    "changes", [{"url": "https://nobody.crm4.dynamics.com"}, {"url": None, "environment_id": FINOPS_ID}]
)
def test_unknown_environment_is_named_as_the_stack_names_it(tenant: Environments, changes: dict[str, Any]) -> None:
    (text,) = against(tenant, **changes)
    assert text == (
        f"no environment of this tenant answers to '{changes['url'] or FINOPS_ID}'. "
        "Check the name, and that the program's identity may see the environment."
    )


def test_environment_without_dataverse_is_refused(tenant: Environments) -> None:
    tenant.change(FABRIKAM_ID, database=None)
    (text,) = against(tenant, url=None, environment_id=FABRIKAM_ID)
    assert text == "'Fabrikam Sales' has no Dataverse. Add one with Dynamics 365 apps, or choose another environment."


def test_dataverse_that_does_not_answer_is_a_finding(tenant: Environments) -> None:
    headers, body = {"x-ms-correlation-request-id": "c-1"}, "Dataverse answered 503"
    tenant.fault("GET", "*/WhoAmI*", service="dataverse", status=503, body=body, headers=headers, count=0)
    assert against(tenant) == ["Dataverse does not answer: Dataverse answered 503 (HTTP 503, correlation c-1)"]


def test_missing_credential_is_no_finding_but_an_error(tenant: Environments, monkeypatch: pytest.MonkeyPatch) -> None:
    token = in_process.TenantTokens.token

    def none_for_dataverse(tokens: in_process.TenantTokens, scope: str, claims: str | None = None) -> str:
        if scope.startswith(URL):
            raise PermissionDenied("no credential")
        return token(tokens, scope, claims)

    monkeypatch.setattr(in_process.TenantTokens, "token", none_for_dataverse)
    with pytest.raises(PermissionDenied, match="no credential"):
        against(tenant)


def test_version_that_the_service_keeps_to_itself_is_said(tenant: Environments) -> None:
    version(tenant, None)
    assert against(tenant) == []
    assert tenant.world.said == ["DW-N01 not checked: the version of Dataverse, which the service does not tell"]


@pytest.mark.parametrize("member", ["sku", "schema_type", "display_name"])
def test_environment_that_cannot_have_finops_is_refused_when_it_is_to_get_it(tenant: Environments, member: str) -> None:
    if member == "schema_type":
        database(tenant, schema_type="Standard")
    else:
        tenant.change(FABRIKAM_ID, **{member: {"sku": "Developer", "display_name": "x" * 21}[member]})
    assert [text.partition(":")[0] for text in against(tenant)] == ["F&O cannot be installed"]
    assert against(tenant, finops=OTHER) == []


@pytest.mark.parametrize("kind", ["Linked", "Internal"])
def test_other_finops_than_an_installed_one_is_named(tenant: Environments, kind: str) -> None:
    linked(tenant, kind)
    (text,) = against(tenant)
    assert text == (
        f"'Fabrikam Sales' is linked with {OTHER}/, which is not installed on it, so no other F&O can be. "
        "Use that one with `instance: existing`, or choose another CDS instance."
    )


def test_finops_that_is_installed_already_is_the_stacks(tenant: Environments) -> None:
    database(tenant, schema_type="Standard")
    linked(tenant, "Internal", INSTALLED)
    put_package(tenant.world, FABRIKAM_ID, PROVISIONING_APP, "TemplateInstalled")
    assert against(tenant) == []


def test_sides_that_disagree_are_named(tenant: Environments) -> None:
    linked(tenant, "Internal")
    tenant.wire.alter(
        "*/RetrieveFinanceAndOperationsIntegrationDetails*", lambda details: {**details, "Url": f"{INSTALLED}/"}
    )
    (text,) = against(tenant, finops=OTHER)
    assert text.startswith(
        f"the two sides of its link disagree: the Power Platform links {OTHER}, Dataverse {INSTALLED}/"
    )
    assert text.endswith(". Ask support, with both ids.")


def test_adopted_environment_is_reported_and_not_touched(tenant: Environments) -> None:
    held = next(each for each in tenant.all() if each.id == FABRIKAM_ID)
    outputs = adopted(tenant)
    assert outputs.model_dump(exclude_none=True) == {
        "cloud": "emulator",
        "instance": "existing",
        "name": "Fabrikam Sales",
        "domain": "fabrikam-sales",
        "type": "sandbox",
        "location": "europe",
        "currency": "EUR",
        "language": 1033,
        "confirm": (),
        "tenant_id": "",
        "timeout": "2h",
        "reference": URL,
        "environment_id": FABRIKAM_ID,
        "url": URL,
        "api_url": "https://fabrikam-sales.api.crm4.dynamics.com",
        "organization_id": held.organization_id,
        "geography": "europe",
        "azure_region": "westeurope",
        "version": held.version,
        "prime_solution": "9.2.0.0",
        "created_by_us": False,
    }
    assert tenant.writes() == []


def test_environment_that_does_not_fit_is_not_adopted(tenant: Environments) -> None:
    linked(tenant, "Linked")
    tenant.change(FABRIKAM_ID, management_state="Running")
    with pytest.raises(ResourceError) as caught:
        adopted(tenant)
    assert str(caught.value).startswith("the environment 'Fabrikam Sales' is not Ready but Running. ")
    assert "Also: 'Fabrikam Sales' is linked with" in str(caught.value)


def read(tenant: Environments, outs: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a refresh gets, through the base."""
    call, on_read = tenant.world.call(), PROVIDER.on_read
    monkeypatch.setattr(PROVIDER, "on_read", lambda identifier, stored, _call: on_read(identifier, stored, call))
    return PROVIDER.read(FABRIKAM_ID, outs)


@pytest.mark.parametrize("word", ["url", "environment_id"])
def test_what_people_change_is_no_drift(tenant: Environments, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PROVIDER, "_verified_tenant", lambda *_: "")
    bag = {**BAG, "url": URL} if word == "url" else {**BAG, "url": None, "environment_id": FABRIKAM_ID}
    inputs = CdsInputs.model_validate(bag)
    known = {name: value for name, value in bag.items() if value is not None}
    created = PROVIDER.on_create(inputs, tenant.world.call())[1]
    outs = {**known, **created.model_dump(mode="json", exclude_none=True)}
    tenant.change(FABRIKAM_ID, display_name="Renamed", sku="Production", description="by a person")
    result = read(tenant, outs, monkeypatch)
    assert (result.outs["name"], result.outs["type"]) == ("Renamed", "production")
    assert result.inputs == known
    assert PROVIDER.diff(FABRIKAM_ID, result.outs, known).changes is False


def gone(tenant: Environments) -> None:
    """A person deletes the environment."""
    act = {"action": "delete-environment", "environment": URL.removeprefix("https://")}
    tenant.world.tenant.person.act(act)


def test_environment_that_is_gone_is_reported_gone(tenant: Environments) -> None:
    stored = adopted(tenant)
    gone(tenant)
    assert PROVIDER.on_read(FABRIKAM_ID, stored, tenant.world.call()) is None


def test_deletion_leaves_it_as_it_is(tenant: Environments) -> None:
    tenant.change(FABRIKAM_ID, description=MARK)
    stored = adopted(tenant)
    tenant.wire.forget()
    PROVIDER.on_delete(FABRIKAM_ID, stored, tenant.world.call())
    assert tenant.world.said == ["not created by this stack; left as it is"]
    assert tenant.writes() == []


def test_another_address_replaces_and_the_same_in_other_spelling_does_not(tenant: Environments) -> None:
    outs = {**BAG, **adopted(tenant).model_dump(mode="json", exclude_none=True)}
    assert PROVIDER.diff(FABRIKAM_ID, outs, {**BAG, "url": f"{URL}/"}).changes is False
    by_id = {**BAG, "environment_id": FABRIKAM_ID}
    del by_id["url"]
    assert PROVIDER.diff(FABRIKAM_ID, outs, by_id).changes is False
    assert PROVIDER.diff(FABRIKAM_ID, outs, {**BAG, "url": OURS}).replaces == ["url"]


def changing(tenant: Environments, old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str]]:
    inputs, before = CdsInputs.model_validate(new), CdsInputs.model_validate(old)
    found = PROVIDER.live_change_problems(inputs, before, tenant.world.call())
    return [tuple(each) for each in found]  # type: ignore[misc]


def test_address_instead_of_the_id_and_back_is_refused_by_nobody(tenant: Environments) -> None:
    by_id = {"cloud": "emulator", "instance": "existing", "environment_id": FABRIKAM_ID}
    assert changing(tenant, by_id, BAG) == []
    assert changing(tenant, BAG, by_id) == []
    assert changing(tenant, {**by_id, "environment_id": FINOPS_ID}, BAG) == []
    assert changing(tenant, by_id, {**BAG, "url": OURS}) == []


def updated(tenant: Environments, stored: CdsOutputs, bag: dict[str, Any]) -> CdsOutputs:
    inputs = PROVIDER.normalise(CdsInputs.model_validate(bag))
    return PROVIDER.on_update(stored.environment_id, stored, inputs, tenant.world.call())


def test_own_environment_can_be_given_up(tenant: Environments, made: CdsOutputs) -> None:
    wanted = {**BAG, "url": OURS}
    assert changing(tenant, NEW_BAG, wanted) == []
    found = PROVIDER.diff(made.environment_id, made.model_dump(mode="json", exclude_none=True), wanted)
    assert (found.changes, found.replaces) == (None, [])
    tenant.wire.forget()
    given_up = updated(tenant, made, wanted)
    assert (given_up.instance, given_up.created_by_us, given_up.reference) == ("existing", False, OURS)
    assert tenant.world.said == ["from now on an existing instance: this stack neither changes nor deletes it any more"]
    assert tenant.writes() == []


def test_own_environment_cannot_be_swapped_for_an_existing_one(tenant: Environments) -> None:
    ((path, text),) = changing(tenant, NEW_BAG, BAG)
    assert path == "url"
    assert text == (
        "'fabrikam-sales' is another environment than 'contoso-uat', which this stack made and would delete. "
        "Name 'contoso-uat' itself, or use a stack of its own for the other one."
    )
    gone(tenant)
    ((_, text),) = changing(tenant, NEW_BAG, BAG)
    assert text.startswith("no environment of this tenant answers to")


def test_environment_with_the_stacks_mark_is_taken_back(tenant: Environments, made: CdsOutputs) -> None:
    given_up = updated(tenant, made, {**BAG, "url": OURS})
    assert changing(tenant, {**BAG, "url": OURS}, NEW_BAG) == []
    taken = updated(tenant, given_up, NEW_BAG)
    assert (taken.instance, taken.created_by_us, taken.reference) == ("new", True, None)


def test_environment_that_lost_the_stacks_mark_is_not_taken_back(tenant: Environments, made: CdsOutputs) -> None:
    given_up = updated(tenant, made, {**BAG, "url": OURS})
    tenant.change(made.environment_id, description="handed over", display_name="Handed over")
    tenant.wire.forget()
    with pytest.raises(Conflict, match="not by this stack"):
        updated(tenant, given_up, NEW_BAG)
    assert tenant.writes() == []


def test_environment_of_others_never_becomes_the_stacks(tenant: Environments) -> None:
    new = {**NEW_BAG, "domain": "fabrikam-sales"}
    ((path, text),) = changing(tenant, BAG, new)
    assert path == "domain"
    assert "not by this stack" in text
    outs = adopted(tenant).model_dump(mode="json", exclude_none=True)
    assert PROVIDER.diff(FABRIKAM_ID, outs, {**NEW_BAG, "instance": "new"}).replaces == ["domain"]
    assert changing(tenant, BAG, NEW_BAG) == []


def test_existing_instance_needs_no_consent_to_be_left() -> None:
    assert list(PROVIDER.problems(CdsInputs.model_validate(NEW_BAG), INPUTS)) == []


def test_gone_between_check_and_creation_is_an_error(tenant: Environments) -> None:
    stored = adopted(tenant)
    gone(tenant)
    with pytest.raises(ResourceError, match="no environment of this tenant"):
        PROVIDER.on_create(INPUTS, tenant.world.call())
    with pytest.raises(NotFound):
        PROVIDER.on_update(FABRIKAM_ID, stored, INPUTS, tenant.world.call())
