"""CdsInstance: inputs and how they change, checks before a creation, the life of an environment."""

from typing import Any

import pytest

from providers.api.power_platform.models import Environment
from providers.api.transport.errors import Conflict, OperationTimedOut
from providers.cds_instance import CdsInstanceProvider
from providers.instances import deletion
from providers.instances.cds_model import CdsInputs, CdsOutputs
from providers.instances.new_cds import Wanted, to_request
from providers.protocol.base import ResourceError
from providers.protocol.consent import Consent
from providers.protocol.memory import Memory
from tests.support.check_findings import check_findings
from tests.support.environments import CREATE, ONE, Environments
from tests.support.seen_instances import MARK

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


@pytest.fixture
def stored(tenant: Environments) -> CdsOutputs:
    """The environment as an earlier run made it."""
    outputs = created(tenant)
    tenant.wire.forget()
    return outputs


def check(olds: dict[str, Any], **changes: Any) -> list[tuple[str, str]]:
    return check_findings(PROVIDER, olds, {**BAG, **changes})


def live_problems(tenant: Environments, **changes: Any) -> list[tuple[str, str]]:
    inputs = INPUTS.model_copy(update=changes)
    return [tuple(found) for found in PROVIDER.live_problems(inputs, tenant.world.call())]  # type: ignore[misc]


def created(tenant: Environments) -> CdsOutputs:
    identifier, outputs = PROVIDER.on_create(INPUTS, tenant.world.call())
    assert identifier == outputs.environment_id
    return outputs


def own(tenant: Environments) -> Environment | None:
    """The environment of this stack as the service lists it."""
    return next((each for each in tenant.all() if each.domain == "contoso-uat"), None)


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


def test_request_asks_for_the_declared_type_currency_and_language() -> None:
    wanted = NEW.model_copy(update={"type": "production", "currency": "USD", "language": 1031})
    request = to_request(wanted, MARK, macro_region=False)
    assert (request.sku, request.currency, request.language) == ("Production", "USD", 1031)


def test_tenant_without_objection_raises_none(tenant: Environments) -> None:
    assert live_problems(tenant) == []


def no_room(tenant: Environments, megabytes: float) -> None:
    tenant.world.tenant.switches.set("capacity_database_mb", megabytes)


def test_every_objection_of_the_tenant_is_reported_at_once(tenant: Environments) -> None:
    tenant.world.tenant.switches.set("disabled_templates", "D365_DeveloperEdition")
    no_room(tenant, 100)
    text = "The specified domain name with a value of 'contoso-uat' is invalid."
    tenant.refuse("POST", "*/validateEnvironmentDetails", 400, "InvalidDomainName", text)
    found = live_problems(tenant, currency="XXX", language=9999)
    assert [path for path, _ in found] == ["type", "currency", "language", "domain", "domain"]


def test_unknown_location_is_an_objection(tenant: Environments) -> None:
    def only_europe(listed: Any) -> Any:
        for each in listed["value"]:
            each["properties"]["isDisabled"] = each["name"] != "europe"
        return listed

    tenant.wire.alter("*/locations", only_europe)
    assert live_problems(tenant, location="atlantis") == [
        ("location", "is no location of this tenant; it offers europe")
    ]


def test_foreign_environment_is_an_objection_already_in_preview(tenant: Environments, stored: CdsOutputs) -> None:
    maker = tenant.change(stored.environment_id, description="").created_by.display_name
    ((path, text),) = live_problems(tenant)
    assert path == "domain"
    assert f"created by {maker}, not by this stack" in text


def test_own_environment_needs_no_further_checks(tenant: Environments, stored: CdsOutputs) -> None:
    no_room(tenant, 0)
    assert live_problems(tenant) == []


def test_what_cannot_be_checked_is_said(tenant: Environments) -> None:
    tenant.world.tenant.switches.set("tenant_provisioning_mode", "macroRegion")
    regions = tenant.world.call().session("public").power_platform.locations().macro_regions
    path, text = "/licensing/tenantCapacity", "no licensing role"
    tenant.refuse("GET", path, 403, "Forbidden", text, service="powerplatform")
    assert live_problems(tenant, location=regions[0].id) == []
    assert tenant.world.said == [
        "DW-N04 not checked: templates, currency, language and domain, which are listed by location",
        "DW-N03 not checked: free capacity (no licensing role)",
    ]


def test_created_environment_is_reported_as_the_service_holds_it(tenant: Environments) -> None:
    outputs, held = created(tenant), own(tenant)
    assert held is not None
    assert outputs.model_dump() == {
        **INPUTS.model_dump(exclude={"tenant"}),
        "tenant_id": "",
        "reference": None,
        "environment_id": held.id,
        "url": "https://contoso-uat.crm4.dynamics.com/",
        "api_url": "https://contoso-uat.api.crm4.dynamics.com",
        "organization_id": held.organization_id,
        "geography": "europe",
        "azure_region": "westeurope",
        "version": held.version,
        "prime_solution": "9.2.0.0",
        "created_by_us": True,
    }
    assert (held.display_name, held.description, held.sku) == ("Contoso UAT", MARK, "Sandbox")
    assert tenant.writes() == ["create contoso-uat"]


def test_creation_goes_where_a_tenant_of_macro_regions_wants_it(tenant: Environments) -> None:
    tenant.world.tenant.switches.set("tenant_provisioning_mode", "macroRegion")
    call = tenant.world.call()
    region = call.session("public").power_platform.locations().macro_regions[0].id
    outputs = PROVIDER.on_create(INPUTS.model_copy(update={"location": region}), call)[1]
    assert outputs.location == region
    assert len(tenant.wire.bodies(CREATE)) == 1
    assert tenant.world.said == []


def test_creation_waits_until_dataverse_knows_its_creator(tenant: Environments) -> None:
    tenant.refuse("GET", "*", 403, "0x80072560", "The user is not a member.", service="dataverse", count=2)
    assert created(tenant).created_by_us
    assert "waiting for access to Dataverse: done, 2 min" in tenant.world.progress


def test_second_create_finds_the_first(tenant: Environments, stored: CdsOutputs) -> None:
    assert created(tenant) == stored
    assert tenant.writes() == []


def test_found_environment_gets_the_declared_name(tenant: Environments, stored: CdsOutputs) -> None:
    tenant.change(stored.environment_id, display_name="old")
    assert created(tenant).name == "Contoso UAT"
    assert tenant.writes() == ["update Contoso UAT"]


def test_found_environment_with_another_currency_is_refused(tenant: Environments, stored: CdsOutputs) -> None:
    tenant.wire.alter("*/transactioncurrencies(*", lambda currency: {**currency, "isocurrencycode": "USD"})
    with pytest.raises(Conflict, match="of this stack has the currency USD, not EUR"):
        created(tenant)


def test_missing_marker_solution_is_told_not_fatal(tenant: Environments) -> None:
    tenant.wire.alter("*/solutions", lambda listed: {**listed, "value": []})
    assert created(tenant).prime_solution == "not present"


def test_another_geography_is_warned_about_and_no_drift(tenant: Environments, stored: CdsOutputs) -> None:
    tenant.change(stored.environment_id, location="unitedkingdom")
    assert created(tenant).location == "europe"
    assert tenant.world.said[-1] == "warning: the service placed the environment in unitedkingdom, not in europe"


def read(tenant: Environments, stored: CdsOutputs) -> CdsOutputs | None:
    return PROVIDER.on_read(stored.environment_id, stored, tenant.world.call())


def updated(tenant: Environments, stored: CdsOutputs, **changes: Any) -> CdsOutputs:
    inputs = INPUTS.model_copy(update=changes)
    return PROVIDER.on_update(stored.environment_id, stored, inputs, tenant.world.call())


def test_unchanged_environment_reads_as_created(tenant: Environments, stored: CdsOutputs) -> None:
    assert read(tenant, stored) == stored


def test_name_changed_by_a_person_is_read_and_put_back(tenant: Environments, stored: CdsOutputs) -> None:
    tenant.change(stored.environment_id, display_name="Renamed")
    held = read(tenant, stored)
    assert held is not None
    assert held.name == "Renamed"
    assert updated(tenant, held).name == "Contoso UAT"
    found = own(tenant)
    assert found is not None
    assert found.display_name == "Contoso UAT"


def test_only_the_services_404_means_gone(tenant: Environments, stored: CdsOutputs) -> None:
    host = "contoso-uat.crm4.dynamics.com"
    tenant.world.tenant.person.act({"action": "delete-environment", "environment": host})
    assert read(tenant, stored) is None


def test_update_without_a_difference_writes_nothing(tenant: Environments, stored: CdsOutputs) -> None:
    assert updated(tenant, stored) == stored
    assert tenant.writes() == []


def test_type_is_changed_in_place(tenant: Environments, stored: CdsOutputs) -> None:
    assert updated(tenant, stored, type="production").type == "production"
    assert tenant.writes() == ["sku Production"]


def test_update_of_an_environment_with_another_language_is_refused(tenant: Environments, stored: CdsOutputs) -> None:
    tenant.shown_as(lambda properties: properties["linkedEnvironmentMetadata"].update(baseLanguage=1031))
    with pytest.raises(Conflict, match="of this stack has the language 1031, not 1033") as caught:
        updated(tenant, stored)
    assert caught.value.next_step == "Set the language of the stack to 1031, or choose another `domain`."


def test_delete_removes_what_this_stack_created(tenant: Environments, stored: CdsOutputs) -> None:
    for _ in range(2):
        PROVIDER.on_delete(stored.environment_id, stored, tenant.world.call())
    assert own(tenant) is None
    assert tenant.writes() == ["delete"]


def test_delete_leaves_what_this_stack_did_not_create(tenant: Environments, stored: CdsOutputs) -> None:
    others = stored.model_copy(update={"created_by_us": False})
    PROVIDER.on_delete(stored.environment_id, others, tenant.world.call())
    assert tenant.world.said == ["not created by this stack; left as it is"]
    assert tenant.writes() == []


def test_delete_after_the_consent_has_ended_names_the_date(tenant: Environments, stored: CdsOutputs) -> None:
    ended = Consent(action="delete-environment", target="contoso-uat", until="2020-01-31")
    consented = stored.model_copy(update={"confirm": (ended,)})
    with pytest.raises(ResourceError, match=r"not deleted: the consent .* ended on 2020-01-31"):
        PROVIDER.require_deletable(stored.environment_id, consented, tenant.world.call())


def test_update_records_what_later_runs_need(tenant: Environments, stored: CdsOutputs) -> None:
    consents = (Consent(action="delete-environment", target="contoso-uat", until="2999-12-31"),)
    partner = "https://contoso-uat.operations.eu.dynamics.com"
    kept = updated(tenant, stored, timeout="3h", confirm=consents, finops=partner)
    assert (kept.timeout, kept.confirm, kept.finops) == ("3h", consents, partner)


def test_deletion_waits_for_another_operation_until_the_stored_timeout(
    tenant: Environments, stored: CdsOutputs
) -> None:
    tenant.refuse("DELETE", ONE, 409, "OperationNotStartable", "Another operation runs.", count=0)
    hurried, before = stored.model_copy(update={"timeout": "20m"}), tenant.world.elapsed
    with pytest.raises(OperationTimedOut):
        PROVIDER.on_delete(stored.environment_id, hurried, tenant.world.call())
    # The last request waits out another operation for up to ten minutes of its own.
    assert 1200 <= tenant.world.elapsed - before < 1800
