"""CdsInstance: inputs and how they change, checks before a creation, the life of an environment."""

from typing import Any

import pytest

from providers.api.transport.errors import Conflict, PermissionDenied
from providers.cds_instance import CdsInstanceProvider
from providers.instances import deletion
from providers.instances.cds_model import CdsInputs, CdsOutputs
from providers.instances.new_cds import Wanted, to_request
from providers.protocol.base import ResourceError
from providers.protocol.consent import Consent
from providers.protocol.memory import Memory
from tests.support.seen_instances import ENVIRONMENT_ID, MARK, a_template, an_environment
from tests.unit.providers.fake_services import FakePowerPlatform, FakeSession, a_call

PROVIDER = CdsInstanceProvider()
BAG: dict[str, Any] = {
    "cloud": "emulator",
    "name": "Contoso UAT",
    "domain": "contoso-uat",
    "type": "sandbox",
    "location": "europe",
    "currency": "EUR",
    "language": 1033.0,
}
INPUTS = CdsInputs.model_validate({**BAG, "language": 1033})
NEW = Wanted.model_validate(INPUTS.model_dump(exclude_none=True))
CONSENT = {"action": "replace-environment", "target": "contoso-uat", "until": "2999-12-31"}


@pytest.fixture(autouse=True)
def nothing_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test is a run of its own."""
    monkeypatch.setattr(deletion, "declared", Memory())


def check(olds: dict[str, Any], **changes: Any) -> list[tuple[str, str]]:
    failures = PROVIDER.check(olds, {**BAG, **changes}).failures or []
    return [(failure.property, said(failure.reason)) for failure in failures]


def live_problems(service: FakePowerPlatform, said: list[str] | None = None, **changes: Any) -> list[tuple[str, str]]:
    inputs = INPUTS.model_copy(update=changes)
    return [tuple(found) for found in PROVIDER.live_problems(inputs, a_call(FakeSession(service), said))]  # type: ignore[misc]


def created(session: FakeSession, said: list[str] | None = None) -> CdsOutputs:
    identifier, outputs = PROVIDER.on_create(INPUTS, a_call(session, said))
    assert identifier == ENVIRONMENT_ID
    return outputs


def test_inputs_are_stored_in_the_services_spelling() -> None:
    result = PROVIDER.check(BAG, {**BAG, "domain": "Contoso-UAT", "currency": "eur"})
    assert result.inputs["domain"] == "contoso-uat"
    assert result.inputs["currency"] == "EUR"
    assert result.inputs["language"] == 1033


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"domain": "-contoso"}, "domain"),
        ({"domain": "contoso uat"}, "domain"),
        ({"currency": "EURO"}, "currency"),
        ({"language": "English"}, "language"),
        ({"type": "trial"}, "type"),
        ({"name": ""}, "name"),
        ({"timeout": "soon"}, "timeout"),
        ({"environment": "x"}, "environment"),
    ],
)
def test_wrong_inputs_are_named_by_their_key(changes: dict[str, Any], field: str) -> None:
    assert [path for path, _ in check(BAG, **changes)] == [field]


@pytest.mark.parametrize(
    ("field", "value"), [("location", "asia"), ("currency", "USD"), ("language", 1031), ("cloud", "public")]
)
def test_permanent_properties_are_refused_in_words(field: str, value: Any) -> None:
    ((path, text),) = check(BAG, **{field: value})
    assert path == field
    assert text.startswith(f"cannot change from {BAG[field] if field != 'language' else 1033!r} to {value!r}: ")


def test_new_domain_without_consent_is_refused() -> None:
    assert check(BAG, domain="contoso-new", name="Contoso new") == [
        (
            "domain",
            (
                "changing it from 'contoso-uat' to 'contoso-new' deletes the environment with its data; it needs your "
                "consent in `dualwrite:confirm`: {action: replace-environment, target: contoso-uat, until: <date>}"
            ),
        )
    ]


def test_new_domain_with_expired_consent_names_the_date() -> None:
    ((_, text),) = check(BAG, domain="contoso-new", name="Contoso new", confirm=[{**CONSENT, "until": "2020-01-31"}])
    assert "ended on 2020-01-31" in text


def test_new_domain_with_consent_replaces() -> None:
    wanted = CdsInputs.model_validate({**BAG, "domain": "contoso-new", "name": "Contoso new", "confirm": [CONSENT]})
    assert list(PROVIDER.problems(wanted, INPUTS)) == []
    difference = PROVIDER.diff("id", BAG, {**BAG, "domain": "contoso-new", "confirm": [CONSENT]})
    assert difference.replaces == ["domain"]


def test_new_domain_wants_a_new_name_too() -> None:
    ((path, text),) = check(BAG, domain="contoso-new", confirm=[CONSENT])
    assert (path, text.partition(":")[0]) == ("name", "display names are unique where F&O is installed")


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({}, False),
        ({"domain": "CONTOSO-UAT"}, False),
        ({"timeout": "3h"}, False),
        ({"confirm": [CONSENT]}, True),
        ({"name": "Contoso"}, True),
        ({"type": "production"}, True),
    ],
)
def test_only_managed_fields_make_a_difference(changes: dict[str, Any], differs: bool) -> None:
    result = PROVIDER.diff("id", {**BAG, "environment_id": "x", "version": "9"}, {**BAG, **changes})
    assert (result.changes is None) is differs
    assert not result.replaces


@pytest.mark.parametrize(("macro_region", "location", "region"), [(False, "europe", None), (True, None, "europe")])
def test_request_places_the_environment_as_the_tenant_wants(
    macro_region: bool, location: str | None, region: str | None
) -> None:
    request = to_request(NEW, MARK, macro_region=macro_region)
    assert (request.location, request.macro_region) == (location, region)
    assert (request.description, request.templates, request.sku) == (MARK, ("D365_DeveloperEdition",), "Sandbox")


def test_tenant_without_objection_raises_none() -> None:
    assert live_problems(FakePowerPlatform()) == []


def test_every_objection_of_the_tenant_is_reported_at_once() -> None:
    service = FakePowerPlatform()
    service.template_list = [a_template("D365_DeveloperEdition", disabled=True)]
    service.capacities["Database"] = 100
    service.domain_objection = "The specified domain name with a value of 'contoso-uat' is invalid."
    found = live_problems(service, currency="XXX", language=9999)
    assert [path for path, _ in found] == ["type", "currency", "language", "domain", "domain"]


def test_unknown_location_is_an_objection() -> None:
    assert live_problems(FakePowerPlatform(), location="atlantis") == [
        ("location", "is no location of this tenant; it offers europe")
    ]


def test_foreign_environment_is_an_objection_already_in_preview() -> None:
    ((path, text),) = live_problems(FakePowerPlatform(an_environment(description="")))
    assert path == "domain"
    assert "created by Ines Roth, not by this stack" in text


def test_own_environment_needs_no_further_checks() -> None:
    service = FakePowerPlatform(an_environment())
    service.capacities["Database"] = 0
    assert live_problems(service) == []


def test_what_cannot_be_checked_is_said() -> None:
    said: list[str] = []
    service = FakePowerPlatform()
    service.macro_regions = ["eu-efta"]
    service.capacity_error = PermissionDenied("no licensing role")
    assert live_problems(service, said, location="eu-efta") == []
    assert said == [
        "DW-N04 not checked: templates, currency, language and domain, which are listed by location",
        "DW-N03 not checked: free capacity (no licensing role)",
    ]


def test_created_environment_is_reported_as_the_service_holds_it() -> None:
    session = FakeSession()
    outputs = created(session)
    assert outputs.model_dump() == {
        **INPUTS.model_dump(exclude={"tenant"}),
        "tenant_id": "",
        "reference": None,
        "environment_id": ENVIRONMENT_ID,
        "url": "https://contoso-uat.crm4.dynamics.com/",
        "api_url": "https://contoso-uat.api.crm4.dynamics.com",
        "organization_id": "9a41d2f7-5c3e-4b60-8e1d-0f2a4c6b8d11",
        "geography": "europe",
        "azure_region": "westeurope",
        "version": "9.2.26081.00142",
        "prime_solution": "1.0.0.0",
        "created_by_us": True,
    }
    assert session.power_platform.writes() == ["create contoso-uat"]


def test_second_create_finds_the_first() -> None:
    session = FakeSession()
    assert created(session) == created(session)
    assert session.power_platform.writes() == ["create contoso-uat"]


def test_found_environment_gets_the_declared_name() -> None:
    session = FakeSession(FakePowerPlatform(an_environment(display_name="old")))
    assert created(session).name == "Contoso UAT"
    assert session.power_platform.writes() == ["update Contoso UAT"]


def test_found_environment_with_another_currency_is_refused() -> None:
    session = FakeSession(FakePowerPlatform(an_environment()))
    session.organization.currency = "USD"
    with pytest.raises(Conflict, match="of this stack has the currency USD, not EUR"):
        created(session)


def test_missing_marker_solution_is_told_not_fatal() -> None:
    session = FakeSession()
    session.organization.prime = None
    assert created(session).prime_solution == "not present"


def test_another_geography_is_warned_about_and_no_drift() -> None:
    said: list[str] = []
    session = FakeSession(FakePowerPlatform(an_environment(location="unitedkingdom")))
    assert created(session, said).location == "europe"
    assert said[-1] == "warning: the service placed the environment in unitedkingdom, not in europe"


def read(session: FakeSession, stored: CdsOutputs) -> CdsOutputs | None:
    return PROVIDER.on_read(ENVIRONMENT_ID, stored, a_call(session))


def test_unchanged_environment_reads_as_created() -> None:
    session = FakeSession()
    stored = created(session)
    assert read(session, stored) == stored


def test_name_changed_by_a_person_is_read_and_put_back() -> None:
    session = FakeSession()
    stored = created(session)
    session.power_platform.held[ENVIRONMENT_ID] = an_environment(display_name="Renamed")
    held = read(session, stored)
    assert held is not None
    assert held.name == "Renamed"
    assert PROVIDER.on_update(ENVIRONMENT_ID, held, INPUTS, a_call(session)).name == "Contoso UAT"


def test_only_the_services_404_means_gone() -> None:
    session = FakeSession()
    stored = created(session)
    session.power_platform.held.clear()
    assert read(session, stored) is None


def test_update_without_a_difference_writes_nothing() -> None:
    session = FakeSession()
    stored = created(session)
    session.power_platform.calls.clear()
    assert PROVIDER.on_update(ENVIRONMENT_ID, stored, INPUTS, a_call(session)) == stored
    assert session.power_platform.writes() == []


def test_delete_removes_what_this_stack_created() -> None:
    session = FakeSession()
    stored = created(session)
    PROVIDER.on_delete(ENVIRONMENT_ID, stored, a_call(session))
    PROVIDER.on_delete(ENVIRONMENT_ID, stored, a_call(session))
    assert session.power_platform.held == {}
    assert session.power_platform.writes() == ["create contoso-uat", "delete"]


def test_delete_leaves_what_this_stack_did_not_create() -> None:
    said: list[str] = []
    session = FakeSession()
    stored = created(session).model_copy(update={"created_by_us": False})
    PROVIDER.on_delete(ENVIRONMENT_ID, stored, a_call(session, said))
    assert said == ["not created by this stack; left as it is"]
    assert "delete" not in session.power_platform.writes()


def test_delete_after_the_consent_has_ended_names_the_date() -> None:
    session = FakeSession()
    ended = Consent(action="delete-environment", target="contoso-uat", until="2020-01-31")
    stored = created(session).model_copy(update={"confirm": (ended,)})
    with pytest.raises(ResourceError, match=r"not deleted: the consent .* ended on 2020-01-31"):
        PROVIDER.require_deletable(ENVIRONMENT_ID, stored, a_call(session))


def test_update_records_the_timeout_that_a_deletion_will_use() -> None:
    session = FakeSession()
    stored = created(session)
    inputs = INPUTS.model_copy(update={"name": "Contoso 2", "timeout": "3h"})
    assert PROVIDER.on_update(ENVIRONMENT_ID, stored, inputs, a_call(session)).timeout == "3h"


def said(reason: str) -> str:
    """The sentence after its code, which tests/unit/providers/test_findings.py is about."""
    code, _, sentence = reason.partition(" ")
    assert code.startswith("DW-C")
    return sentence
