"""FinOpsInstance of an existing F&O, and a new one on an existing CDS: findings, reading, what is left alone."""

from typing import Any

import pytest

from providers.api.dataverse.models import IntegrationDetails
from providers.api.power_platform.models import Environment, LinkedFinOps
from providers.api.transport.errors import PermissionDenied
from providers.finops_instance import FinOpsInstanceProvider
from providers.instances.finops_model import FinOpsInputs, FinOpsOutputs
from providers.protocol.base import NotRead, ResourceError
from tests.support.seen_instances import (
    ENVIRONMENT_ID,
    FINOPS_ID,
    MARK,
    TENANT_ID,
    a_template,
    an_application,
    an_environment,
)
from tests.unit.providers.fake_services import (
    PLATFORM_TOOLS,
    PROVISIONING_APP,
    FakePackages,
    FakePowerPlatform,
    FakeSession,
    a_call,
)

PROVIDER = FinOpsInstanceProvider()
URL = "https://tailspin-erp.sandbox.operations.eu.dynamics.com"
CDS = "https://tailspin-sales.crm4.dynamics.com"
BAG: dict[str, Any] = {"cloud": "emulator", "cds": CDS, "instance": "existing", "url": URL, "timeout": "4h"}
INPUTS = FinOpsInputs.model_validate(BAG)
ON_EXISTING: dict[str, Any] = {"cloud": "emulator", "cds": CDS, "data": "empty", "developer_tools": False}
LATER = "DW-N02 not checked: tenant and version of F&O; the health check does it once the two are linked"


def sales(**changes: Any) -> Environment:
    members = {"display_name": "Tailspin Sales", "domain": "tailspin-sales", "url": f"{CDS}/", "description": "Sales"}
    return an_environment(**{**members, **changes})


def a_tenant(*environments: Environment) -> FakeSession:
    session = FakeSession(FakePowerPlatform(*(environments or (sales(),))))
    session.finops.open = True
    return session


def linked(session: FakeSession, **changes: Any) -> FakeSession:
    """A person has pressed Link."""
    details = {"id": FINOPS_ID, "url": f"{URL}/", "tenant_id": TENANT_ID.upper(), **changes}
    session.organization.integration = IntegrationDetails.model_validate(details)
    session.organization.application = an_application()
    return session


def against(session: FakeSession, said: list[str] | None = None, **changes: Any) -> list[str]:
    inputs = INPUTS.model_copy(update=changes)
    found = list(PROVIDER.live_problems(inputs, a_call(session, said)))
    assert {problem.path for problem in found} <= {"url"}
    return [problem.text for problem in found]


def adopted(session: FakeSession) -> FinOpsOutputs:
    identifier, outputs = PROVIDER.on_create(INPUTS, a_call(session))
    assert identifier == "tailspin-erp.sandbox.operations.eu.dynamics.com"
    return outputs


def check(olds: dict[str, Any], news: dict[str, Any]) -> list[tuple[str, str]]:
    return [(failure.property, said(failure.reason)) for failure in PROVIDER.check(olds, news).failures or []]


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
    assert check(given, given) == found


def test_fitting_finops_has_nothing_against_it() -> None:
    said: list[str] = []
    assert against(a_tenant(), said) == []
    assert said == [LATER]
    assert against(linked(a_tenant()), said) == []
    assert said == [LATER]


def test_closed_finops_shows_the_steps_of_registration() -> None:
    session = a_tenant()
    session.finops.open = False
    assert against(session) == [
        (
            f"F&O does not let the program in (401). Sign in to {URL} as administrator, open System administration > "
            "Setup > Microsoft Entra ID applications, add the application 11111111-2222-3333-4444-555555555555 with "
            "the user Admin."
        )
    ]


def test_silent_finops_is_named_by_its_address() -> None:
    session = a_tenant()
    session.finops.silent = 1
    assert against(session) == [
        f"F&O does not answer at {URL}/data/. Check the address, and that the environment is running."
    ]


def test_missing_credential_is_no_finding_but_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> bool:
        raise PermissionDenied("no credential")

    session = a_tenant()
    monkeypatch.setattr(session.finops, "reachable", fails)
    with pytest.raises(PermissionDenied):
        against(session)


def test_other_geography_is_refused_before_a_new_cds_is_there() -> None:
    said: list[str] = []
    session = a_tenant()
    (text,) = against(session, said, cds="northwind-ce", location="japan")
    assert text.startswith("F&O is in europe and the CDS instance in japan:")
    assert against(session, said, cds="northwind-ce", location="europe") == []
    (text,) = against(a_tenant(sales(url="https://tailspin-sales.crm.dynamics.com/")),
                      cds="https://tailspin-sales.crm.dynamics.com")  # fmt: skip
    assert text.startswith("F&O is in europe and the CDS instance in unitedstates:")


def test_geography_that_cannot_be_told_is_said() -> None:
    said: list[str] = []
    assert against(a_tenant(), said, url="https://tailspin-erp.operations.dynamics.com") == []
    assert said[0] == "DW-N02 not checked: whether both are in one geography, which their addresses do not tell"


def test_other_partner_is_named() -> None:
    theirs = LinkedFinOps(id=FINOPS_ID, type="Linked", url=f"{URL}/")
    other = an_environment(id="other", display_name="Lamna Sales", domain="lamna-sales", finops=theirs,
                           url="https://lamna-sales.crm4.dynamics.com/")  # fmt: skip
    placeholder = an_environment(id="placeholder", display_name="p", domain=None, url=None, finops=theirs)
    assert against(a_tenant(sales(), other, placeholder)) == [
        (
            "F&O is linked with the CDS instance 'Lamna Sales' (lamna-sales.crm4.dynamics.com), "
            "not with 'Tailspin Sales'; it has one partner"
        )
    ]
    assert against(a_tenant(sales(finops=theirs), placeholder)) == []


def test_linked_finops_is_checked_for_tenant_and_version() -> None:
    session = linked(a_tenant(), tenant_id="another")
    session.organization.application = an_application("10.0.8")
    tenant, version = against(session)
    assert tenant == (
        f"F&O is in the tenant another, this program in {TENANT_ID}; dual-write links only within one tenant"
    )
    assert version == "F&O is at version 10.0.8; dual-write needs 10.0.9 or later. Update it first."


def test_version_that_dataverse_keeps_to_itself_is_said() -> None:
    said: list[str] = []
    session = linked(a_tenant())
    session.organization.application = None
    assert against(session, said) == []
    assert said == ["DW-N02 not checked: the version of F&O, which Dataverse does not tell"]


def test_closed_cds_tells_nothing_of_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise PermissionDenied("not a member", status=403)

    said: list[str] = []
    session = a_tenant()
    monkeypatch.setattr(session.organization, "integration_details", fails)
    assert against(session, said) == []
    assert said == [LATER]


def test_unlinked_finops_is_reported_as_far_as_it_can_be_read() -> None:
    session = a_tenant()
    assert adopted(session).model_dump(exclude_none=True) == {
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
    assert session.power_platform.writes() == []
    assert session.finops.registered == []


def test_finops_that_does_not_fit_is_not_adopted() -> None:
    session = a_tenant()
    session.finops.open = False
    with pytest.raises(ResourceError, match="F&O does not let the program in"):
        adopted(session)


def test_what_the_link_tells_is_read_later_and_no_drift() -> None:
    session = a_tenant()
    outs = {**BAG, **adopted(session).model_dump(mode="json", exclude_none=True)}
    held = PROVIDER.on_read("id", FinOpsOutputs.model_validate(outs), a_call(linked(session)))
    assert held is not None
    assert (held.environment_id, held.application_version, held.developer_tools) == (FINOPS_ID, "10.0.45.10", False)
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
def test_finops_that_cannot_be_seen_is_not_gone(closed: bool) -> None:
    session = a_tenant()
    stored = adopted(session)
    session.finops.open, session.finops.silent = not closed, 0 if closed else 1
    with pytest.raises(NotRead, match="not registered" if closed else "does not answer"):
        PROVIDER.on_read("id", stored, a_call(session))


def test_finops_outlives_its_cds_instance() -> None:
    session = a_tenant()
    stored = adopted(session)
    session.power_platform.held.clear()
    assert PROVIDER.on_read("id", stored, a_call(session)) == stored


def test_deletion_leaves_it_as_it_is() -> None:
    said: list[str] = []
    PROVIDER.on_delete("id", adopted(a_tenant()), a_call(a_tenant(), said))
    assert said == ["not installed by this stack; left as it is"]


def test_another_address_replaces() -> None:
    outs = {**BAG, **adopted(a_tenant()).model_dump(mode="json", exclude_none=True)}
    assert PROVIDER.diff("id", outs, {**BAG, "url": f"{URL}/"}).changes is False
    assert PROVIDER.diff("id", outs, {**BAG, "url": "https://x.operations.eu.dynamics.com"}).replaces == ["url"]


# A new F&O on an existing CDS instance.


def objections(session: FakeSession, said: list[str] | None = None) -> list[tuple[str, str]]:
    inputs = FinOpsInputs.model_validate(ON_EXISTING)
    return [tuple(found) for found in PROVIDER.live_problems(inputs, a_call(session, said))]  # type: ignore[misc]


def test_existing_environment_that_fits_gets_finops() -> None:
    assert objections(a_tenant(sales(schema_type="Dynamics365"))) == []


def test_all_that_forbids_finops_on_an_existing_environment_comes_at_once() -> None:
    held = sales(schema_type="Standard", display_name="Tailspin Sales for Europe", domain="tailspin-sales-europe")
    session = a_tenant(held)
    session.power_platform.capacities["FinOpsDatabase"] = 10
    found = objections(session)
    assert {path for path, _ in found} == {"cds"}
    apps, name, domain, capacity = (text.removeprefix("F&O cannot be installed: ") for _, text in found)
    assert apps == (
        "'Tailspin Sales for Europe' was created without Dynamics 365 apps (its schema type is Standard), and they "
        "cannot be enabled later. Choose another CDS instance."
    )
    assert name == "'Tailspin Sales for Europe' has 25 characters; at most 20 where F&O is installed on it"
    assert domain == "'tailspin-sales-europe' has 21 characters; at most 19 where F&O is installed on it"
    assert capacity.startswith("the tenant has 10 MB of FinOpsDatabase capacity left")


def test_environment_linked_to_lifecycle_services_gets_no_finops() -> None:
    link = LinkedFinOps(id=FINOPS_ID, type="Linked", url=URL)
    ((_, text),) = objections(a_tenant(sales(finops=link)))
    assert text == (
        f"F&O cannot be installed: 'Tailspin Sales' is linked with {URL}, an environment of Lifecycle Services. "
        "Use that F&O as an existing one, or choose another CDS instance."
    )


def test_licence_is_checked_for_the_kind_of_the_environment() -> None:
    session = a_tenant(sales(sku="Production"))
    session.power_platform.template_list = [a_template("D365_FinOps_Finance")]
    ((_, text),) = objections(session)
    assert "is not offered for a production environment in europe" in text
    session = a_tenant(sales(sku="Developer"))
    ((_, text),) = objections(session)
    assert text == "F&O cannot be installed: Developer environments cannot have it, only Sandbox and Production"


def test_choices_on_an_existing_environment_never_change() -> None:
    assert check(ON_EXISTING, {**ON_EXISTING, "data": "demo"}) == [
        (
            "data",
            (
                "cannot change from 'empty' to 'demo': it is fixed when F&O is installed and F&O cannot be removed "
                "alone: an existing CDS instance is never replaced, so put the old value back or choose another CDS "
                "instance"
            ),
        )
    ]


def test_description_of_an_existing_environment_is_never_edited() -> None:
    said: list[str] = []
    packages = FakePackages(**{PLATFORM_TOOLS: "Installed", PROVISIONING_APP: "Installed"})
    session = a_tenant(sales(description=MARK))
    session.app_management = packages
    session.finish_finops(linked=False)
    call = a_call(session, said)
    slept = call.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        if call.clock() > 3600:
            session.link_in_bap()

    object.__setattr__(call, "sleep", sleep)
    PROVIDER.on_create(FinOpsInputs.model_validate(ON_EXISTING), call)
    assert said == [
        (
            "DW-P04 the Power Platform does not show the link yet; editing the environment's description in the admin "
            "center makes it"
        )
    ]
    assert session.power_platform.writes() == []


def test_deletion_on_an_existing_environment_says_that_it_stays() -> None:
    said: list[str] = []
    session = a_tenant()
    session.app_management = FakePackages(**{PLATFORM_TOOLS: "Installed", PROVISIONING_APP: "Installed"})
    session.finish_finops()
    _, outputs = PROVIDER.on_create(FinOpsInputs.model_validate(ON_EXISTING), a_call(session))
    PROVIDER.on_delete(FINOPS_ID, outputs, a_call(session, said))
    assert said == ["left in place: F&O cannot be removed alone, and its CDS instance is not this stack's"]


def test_installed_finops_becomes_an_existing_one_in_place() -> None:
    session = a_tenant()
    session.app_management = FakePackages(**{PLATFORM_TOOLS: "Installed", PROVISIONING_APP: "Installed"})
    session.finish_finops()
    _, outputs = PROVIDER.on_create(FinOpsInputs.model_validate(ON_EXISTING), a_call(session))
    wanted = {**BAG, "url": outputs.url}
    found = PROVIDER.diff(FINOPS_ID, outputs.model_dump(mode="json", exclude_none=True), wanted)
    assert (found.changes, found.replaces) == (None, [])
    given_up = PROVIDER.on_update(FINOPS_ID, outputs, FinOpsInputs.model_validate(wanted), a_call(session))
    assert (given_up.instance, given_up.environment_id, given_up.url) == ("existing", FINOPS_ID, outputs.url)
    new = PROVIDER.diff(FINOPS_ID, {**BAG, **given_up.model_dump(mode="json", exclude_none=True)},
                        {**ON_EXISTING, "instance": "new", "data": "demo"})  # fmt: skip
    assert new.replaces == ["data"]


def said(reason: str) -> str:
    """The sentence after its code, which tests/unit/providers/test_findings.py is about."""
    code, _, sentence = reason.partition(" ")
    assert code.startswith("DW-C")
    return sentence
