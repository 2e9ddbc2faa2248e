"""CdsInstance of an existing environment: every finding before it is used, never a write, changing hands."""

from typing import Any

import pytest

from providers.api.dataverse.models import IntegrationDetails
from providers.api.power_platform.models import LinkedFinOps
from providers.api.transport.errors import NotFound, PermissionDenied, ServiceUnavailable
from providers.cds_instance import CdsInstanceProvider
from providers.instances.cds_model import CdsInputs, CdsOutputs
from providers.protocol.base import ResourceError
from tests.support.seen_instances import ENVIRONMENT_ID, FINOPS_ID, FINOPS_URL, an_environment
from tests.unit.providers.fake_services import PROVISIONING_APP, FakePackages, FakePowerPlatform, FakeSession, a_call

PROVIDER = CdsInstanceProvider()
URL = "https://fabrikam-sales.crm4.dynamics.com"
OTHER = "https://somebody-erp.sandbox.operations.eu.dynamics.com"
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


def a_tenant(**changes: Any) -> FakeSession:
    """A tenant with the environment of the stack file, made by somebody else."""
    members = {"display_name": "Fabrikam Sales", "domain": "fabrikam-sales", "url": f"{URL}/", "description": "Sales"}
    return FakeSession(FakePowerPlatform(an_environment(**{**members, **changes})))


def linked(session: FakeSession, kind: str, url: str = OTHER) -> FakeSession:
    """The environment's link as both sides show it."""
    for identifier, held in session.power_platform.held.items():
        shown = LinkedFinOps(id=FINOPS_ID, type=kind, url=url)
        session.power_platform.held[identifier] = held.model_copy(update={"finops": shown})
    session.organization.integration = IntegrationDetails(id=FINOPS_ID, url=url, unified=kind == "Internal")
    return session


def against(session: FakeSession, said: list[str] | None = None, **changes: Any) -> list[str]:
    inputs = INPUTS.model_copy(update=changes)
    found = list(PROVIDER.live_problems(inputs, a_call(session, said)))
    assert {problem.path for problem in found} <= {"url", "environment_id"}
    return [problem.text for problem in found]


def adopted(session: FakeSession) -> CdsOutputs:
    identifier, outputs = PROVIDER.on_create(INPUTS, a_call(session))
    assert identifier == ENVIRONMENT_ID
    return outputs


def check(olds: dict[str, Any], news: dict[str, Any]) -> list[tuple[str, str]]:
    return [(failure.property, said(failure.reason)) for failure in PROVIDER.check(olds, news).failures or []]


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
            {"environment_id": ENVIRONMENT_ID},
            [("url", "an existing instance is found by either `url` or `environment_id`: give one of them")],
        ),
        ({"instance": "new"}, [("", f"{name}: is required") for name in NEEDED]
         + [("url", "is for an existing instance; leave it out")]),
    ],
)  # fmt: skip
def test_inputs_of_the_other_kind_are_refused(changes: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert check(BAG, {**BAG, **changes}) == found


def test_fitting_environment_has_nothing_against_it() -> None:
    said: list[str] = []
    assert against(a_tenant(), said) == []
    assert against(linked(a_tenant(), "Linked"), said, finops=f"{OTHER}/") == []
    assert said == []


def test_all_findings_come_at_once() -> None:
    session = linked(a_tenant(version="9.1.0000.9999", management_state="Running"), "Linked")
    session.organization.refusals = 1
    state, version, access, partner = against(session, finops="https://ours.operations.eu.dynamics.com")
    assert state.startswith("the environment 'Fabrikam Sales' is not Ready but Running.")
    assert version == (
        "Dataverse is at version 9.1.0000.9999; dual-write needs 9.1.0000.11732 or later. Update it first."
    )
    assert access == (
        "Dataverse does not let the program in (The user is not a member of the organization). Add the application "
        "11111111-2222-3333-4444-555555555555 in the Power Platform admin center: the environment > Settings > "
        "Users + permissions > Application users, with the role System Administrator."
    )
    assert partner == (
        f"'Fabrikam Sales' is linked with {OTHER}, not with https://ours.operations.eu.dynamics.com, and has one "
        "partner only. Choose the other F&O, or another CDS instance."
    )


@pytest.mark.parametrize(
    "changes", [{"url": "https://nobody.crm4.dynamics.com"}, {"url": None, "environment_id": FINOPS_ID}]
)
def test_unknown_environment_is_named_as_the_stack_names_it(changes: dict[str, Any]) -> None:
    (text,) = against(a_tenant(), **changes)
    assert text == (
        f"no environment of this tenant answers to '{changes['url'] or FINOPS_ID}'. "
        "Check the name, and that the program's identity may see the environment."
    )


def test_environment_without_dataverse_is_refused() -> None:
    (text,) = against(a_tenant(url=None, domain=None), url=None, environment_id=ENVIRONMENT_ID)
    assert text.startswith("'Fabrikam Sales' has no Dataverse.")


def test_dataverse_that_does_not_answer_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise ServiceUnavailable("Dataverse answered 503", code="HTTP 503")

    session = a_tenant()
    monkeypatch.setattr(session.organization, "who_am_i", fails)
    assert against(session) == ["Dataverse does not answer: Dataverse answered 503 (HTTP 503)"]


def test_missing_credential_is_no_finding_but_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise PermissionDenied("no credential")

    session = a_tenant()
    monkeypatch.setattr(session.organization, "who_am_i", fails)
    with pytest.raises(PermissionDenied):
        against(session)


def test_version_that_the_service_keeps_to_itself_is_said() -> None:
    said: list[str] = []
    assert against(a_tenant(version=None), said) == []
    assert said == ["DW-N01 not checked: the version of Dataverse, which the service does not tell"]


@pytest.mark.parametrize("changes", [{"sku": "Developer"}, {"schema_type": "Standard"}, {"display_name": "x" * 21}])
def test_environment_that_cannot_have_finops_is_refused_when_it_is_to_get_it(changes: dict[str, Any]) -> None:
    assert [text.partition(":")[0] for text in against(a_tenant(**changes))] == ["F&O cannot be installed"]
    assert against(a_tenant(**changes), finops=OTHER) == []


@pytest.mark.parametrize("kind", ["Linked", "Internal"])
def test_other_finops_than_an_installed_one_is_named(kind: str) -> None:
    (text,) = against(linked(a_tenant(), kind))
    assert text == (
        f"'Fabrikam Sales' is linked with {OTHER}, which is not installed on it, so no other F&O can be. "
        "Use that one with `instance: existing`, or choose another CDS instance."
    )


def test_finops_that_is_installed_already_is_the_stacks() -> None:
    session = linked(a_tenant(schema_type="Standard"), "Internal", FINOPS_URL)
    session.app_management = FakePackages(**{PROVISIONING_APP: "TemplateInstalled"})
    assert against(session) == []


def test_sides_that_disagree_are_named() -> None:
    session = linked(a_tenant(), "Internal")
    session.organization.integration = IntegrationDetails(id=FINOPS_ID, url=FINOPS_URL)
    (text,) = against(session, finops=OTHER)
    assert text.startswith(
        f"the two sides of its link disagree: the Power Platform links {OTHER}, Dataverse {FINOPS_URL}"
    )


def test_adopted_environment_is_reported_and_not_touched() -> None:
    session = a_tenant()
    outputs = adopted(session)
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
        "environment_id": ENVIRONMENT_ID,
        "url": URL,
        "api_url": "https://contoso-uat.api.crm4.dynamics.com",
        "organization_id": "9a41d2f7-5c3e-4b60-8e1d-0f2a4c6b8d11",
        "geography": "europe",
        "azure_region": "westeurope",
        "version": "9.2.26081.00142",
        "prime_solution": "1.0.0.0",
        "created_by_us": False,
    }
    assert session.power_platform.writes() == []


def test_environment_that_does_not_fit_is_not_adopted() -> None:
    with pytest.raises(ResourceError) as caught:
        adopted(linked(a_tenant(management_state="Running"), "Linked"))
    assert str(caught.value).startswith("the environment 'Fabrikam Sales' is not Ready but Running. ")
    assert "Also: 'Fabrikam Sales' is linked with" in str(caught.value)


def read(session: FakeSession, outs: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a refresh gets, through the base."""
    call, on_read = a_call(session), PROVIDER.on_read
    monkeypatch.setattr(PROVIDER, "on_read", lambda identifier, stored, _call: on_read(identifier, stored, call))
    return PROVIDER.read(ENVIRONMENT_ID, outs)


@pytest.mark.parametrize("word", ["url", "environment_id"])
def test_what_people_change_is_no_drift(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PROVIDER, "_verified_tenant", lambda *_: "")
    session = a_tenant()
    bag = {**BAG, "url": URL} if word == "url" else {**BAG, "url": None, "environment_id": ENVIRONMENT_ID}
    inputs = CdsInputs.model_validate(bag)
    known = {name: value for name, value in bag.items() if value is not None}
    outs = {**known, **PROVIDER.on_create(inputs, a_call(session))[1].model_dump(mode="json", exclude_none=True)}
    (held,) = session.power_platform.held.values()
    session.power_platform.held[ENVIRONMENT_ID] = held.model_copy(
        update={"display_name": "Renamed", "sku": "Production", "description": "by a person"}
    )
    result = read(session, outs, monkeypatch)
    assert (result.outs["name"], result.outs["type"]) == ("Renamed", "production")
    assert result.inputs == known
    assert PROVIDER.diff(ENVIRONMENT_ID, result.outs, known).changes is False


def test_environment_that_is_gone_is_reported_gone() -> None:
    session = a_tenant()
    stored = adopted(session)
    session.power_platform.held.clear()
    assert PROVIDER.on_read(ENVIRONMENT_ID, stored, a_call(session)) is None


def test_deletion_leaves_it_as_it_is() -> None:
    said: list[str] = []
    session = a_tenant(description="dual-write dualwrite/new-new")
    PROVIDER.on_delete(ENVIRONMENT_ID, adopted(session), a_call(session, said))
    assert said == ["not created by this stack; left as it is"]
    assert session.power_platform.writes() == []


def test_another_address_replaces_and_the_same_in_other_spelling_does_not() -> None:
    outs = {**BAG, **adopted(a_tenant()).model_dump(mode="json", exclude_none=True)}
    assert PROVIDER.diff(ENVIRONMENT_ID, outs, {**BAG, "url": f"{URL}/"}).changes is False
    by_id = {**BAG, "environment_id": ENVIRONMENT_ID}
    del by_id["url"]
    assert PROVIDER.diff(ENVIRONMENT_ID, outs, by_id).changes is False
    assert PROVIDER.diff(ENVIRONMENT_ID, outs, {**BAG, "url": OURS}).replaces == ["url"]


def changing(session: FakeSession, old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str]]:
    inputs, before = CdsInputs.model_validate(new), CdsInputs.model_validate(old)
    return [tuple(found) for found in PROVIDER.live_change_problems(inputs, before, a_call(session))]  # type: ignore[misc]


def test_address_instead_of_the_id_and_back_is_refused_by_nobody() -> None:
    by_id = {"cloud": "emulator", "instance": "existing", "environment_id": ENVIRONMENT_ID}
    assert changing(a_tenant(), by_id, BAG) == []
    assert changing(a_tenant(), BAG, by_id) == []
    assert changing(a_tenant(), {**by_id, "environment_id": FINOPS_ID}, BAG) == []
    assert changing(a_tenant(), by_id, {**BAG, "url": OURS}) == []


def made(session: FakeSession) -> CdsOutputs:
    return PROVIDER.on_create(PROVIDER.normalise(CdsInputs.model_validate(NEW_BAG)), a_call(session))[1]


def test_own_environment_can_be_given_up() -> None:
    said: list[str] = []
    session = FakeSession()
    outs = made(session)
    session.power_platform.calls.clear()
    wanted = {**BAG, "url": OURS}
    assert changing(session, NEW_BAG, wanted) == []
    found = PROVIDER.diff(ENVIRONMENT_ID, outs.model_dump(mode="json", exclude_none=True), wanted)
    assert (found.changes, found.replaces) == (None, [])
    given_up = PROVIDER.on_update(ENVIRONMENT_ID, outs, CdsInputs.model_validate(wanted), a_call(session, said))
    assert (given_up.instance, given_up.created_by_us, given_up.reference) == ("existing", False, OURS)
    assert said == ["from now on an existing instance: this stack neither changes nor deletes it any more"]
    assert session.power_platform.writes() == []


def test_own_environment_cannot_be_swapped_for_an_existing_one() -> None:
    ((path, text),) = changing(a_tenant(), NEW_BAG, BAG)
    assert path == "url"
    assert text.startswith("'fabrikam-sales' is another environment than 'contoso-uat', which this stack made")
    ((_, text),) = changing(FakeSession(), NEW_BAG, BAG)
    assert text.startswith("no environment of this tenant answers to")


def test_environment_with_the_stacks_mark_is_taken_back() -> None:
    session = FakeSession()
    given_up = PROVIDER.on_update(
        ENVIRONMENT_ID, made(session), CdsInputs.model_validate({**BAG, "url": OURS}), a_call(session)
    )
    inputs = PROVIDER.normalise(CdsInputs.model_validate(NEW_BAG))
    assert changing(session, {**BAG, "url": OURS}, NEW_BAG) == []
    taken = PROVIDER.on_update(ENVIRONMENT_ID, given_up, inputs, a_call(session))
    assert (taken.instance, taken.created_by_us, taken.reference) == ("new", True, None)


def test_environment_of_others_never_becomes_the_stacks() -> None:
    session = a_tenant()
    new = {**NEW_BAG, "domain": "fabrikam-sales"}
    ((path, text),) = changing(session, BAG, new)
    assert path == "domain"
    assert "not by this stack" in text
    outs = adopted(session).model_dump(mode="json", exclude_none=True)
    assert PROVIDER.diff(ENVIRONMENT_ID, outs, {**NEW_BAG, "instance": "new"}).replaces == ["domain"]
    assert changing(session, BAG, NEW_BAG) == []


def test_existing_instance_needs_no_consent_to_be_left() -> None:
    assert list(PROVIDER.problems(CdsInputs.model_validate(NEW_BAG), INPUTS)) == []


def test_gone_between_check_and_creation_is_an_error() -> None:
    with pytest.raises(ResourceError, match="no environment of this tenant"):
        PROVIDER.on_create(INPUTS, a_call(FakeSession()))
    with pytest.raises(NotFound):
        PROVIDER.on_update(ENVIRONMENT_ID, adopted(a_tenant()), INPUTS, a_call(FakeSession()))


def said(reason: str) -> str:
    """The sentence after its code, which tests/unit/providers/test_findings.py is about."""
    code, _, sentence = reason.partition(" ")
    assert code.startswith("DW-C")
    return sentence
