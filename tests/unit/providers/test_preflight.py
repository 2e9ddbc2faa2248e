"""What the tenant says against a new environment, one sentence each."""

import pytest

from providers.api.power_platform.models import (
    Capacity,
    Currency,
    Language,
    Location,
    Locations,
    Template,
    TenantCapacity,
)
from providers.instances import preflight
from tests.support.seen_instances import a_template

EUROPE = Location(name="europe", display_name="Europe")
ASIA = Location(name="asia", display_name="Asia", disabled=True)
KOREA = Location(name="korea", display_name="Korea", dynamics_apps=False)
BY_LOCATION = Locations(locations=[EUROPE, ASIA, KOREA])
NO_LICENCE = (
    "You do not have the required licenses (DynamicsEntitlementMissing). "
    "Assign the licence it needs, or choose another type or location."
)
NO_ROOM = "(InsufficientCapacity_StorageDriven)"
FREE_SOME = "Free some, or buy some; Power Platform admin centre > Licensing > Capacity shows what uses it."
BY_MACRO_REGION = Locations(locations=[], provisioning_mode="macroRegion", macro_regions=[{"macroRegionId": "eu-efta"}])


@pytest.mark.parametrize(
    ("locations", "wanted", "said"),
    [
        (BY_LOCATION, "europe", None),
        (BY_LOCATION, "atlantis", "is no location of this tenant; it offers europe, korea"),
        (BY_LOCATION, "asia", "Asia is disabled for this tenant"),
        (BY_LOCATION, "korea", "Korea offers no Dataverse with Dynamics 365 apps"),
        (BY_MACRO_REGION, "eu-efta", None),
        (BY_MACRO_REGION, "europe", "is no macro region of this tenant; it offers eu-efta"),
    ],
)
def test_location_must_be_usable(locations: Locations, wanted: str, said: str | None) -> None:
    assert preflight.location_problem(locations, wanted) == said


@pytest.mark.parametrize(
    ("templates", "environment_type", "said"),
    [
        ([a_template("T")], "sandbox", None),
        ([a_template("T")], "production", "the template T is not offered for a production environment in europe"),
        ([], "sandbox", "the template T is not offered for a sandbox environment in europe"),
        (
            [a_template("T", disabled=True)],
            "sandbox",
            f"the template T is disabled in europe: {NO_LICENCE}",
        ),
    ],
)
def test_template_must_be_offered_and_enabled(templates: list[Template], environment_type: str, said: str) -> None:
    assert preflight.template_problem(templates, "T", environment_type, "europe") == said


@pytest.mark.parametrize(
    ("capacities", "said"),
    [
        ([Capacity(type="Database", total=2048, actual=1024)], None),
        (
            [Capacity(type="Database", total=2048, actual=1524)],
            f"the tenant has 524 MB of Database capacity left, an environment needs 1024 MB {NO_ROOM}. {FREE_SOME}",
        ),
        ([], f"the tenant has 0 MB of Database capacity left, an environment needs 1024 MB {NO_ROOM}. {FREE_SOME}"),
    ],
)
def test_one_gigabyte_of_capacity_must_be_free(capacities: list[Capacity], said: str | None) -> None:
    assert preflight.capacity_problem(TenantCapacity(capacities=capacities), "Database") == said


def test_findings_name_the_answer_they_rest_on() -> None:
    disabled = preflight.template_problem(
        [a_template("T", disabled=True).model_copy(update={"correlation_id": "c-1"})], "T", "sandbox", "europe"
    )
    assert "(DynamicsEntitlementMissing, correlation c-1)" in (disabled or "")
    no_room = preflight.capacity_problem(TenantCapacity(capacities=[], correlation_id="c-2"), "Database")
    assert "(InsufficientCapacity_StorageDriven, correlation c-2)" in (no_room or "")


def test_refused_domain_names_causes_and_next_step() -> None:
    assert preflight.domain_problem(None) is None
    assert preflight.domain_problem("It is invalid (InvalidDomainName).") == (
        "It is invalid (InvalidDomainName). It is taken, malformed, or still reserved: that of a deleted environment "
        "is for up to 7 days. Choose another domain, or wait."
    )


def test_currency_and_language_must_be_offered() -> None:
    assert preflight.currency_problem([Currency(code="EUR")], "EUR", "europe") is None
    assert preflight.currency_problem([Currency(code="EUR")], "XXX", "europe") == "XXX is not offered in europe"
    assert preflight.language_problem([Language(lcid=1033)], 1033, "europe") is None
    assert preflight.language_problem([], 9999, "europe") == "9999 is no base language that europe offers"


def test_names_with_finops_are_limited() -> None:
    assert preflight.too_long("a" * 20, 20) is None
    assert preflight.too_long("ab" * 10, 19) == (
        "'abababababababababab' has 20 characters; at most 19 where F&O is installed on it"
    )
