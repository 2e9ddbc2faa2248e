"""What addresses say about geography, and that only certain mismatches are named."""

import pytest

from providers.catalogue.geography import dataverse_geography, finops_geography, geography_problem

EUROPE = "https://erp.sandbox.operations.eu.dynamics.com"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://contoso.crm4.dynamics.com/", "europe"),
        ("https://contoso.crm.dynamics.com", "unitedstates"),
        ("https://CONTOSO.CRM11.dynamics.com", "unitedkingdom"),
        ("https://contoso.crm99.dynamics.com", None),
        ("https://contoso.crm4.dynamics.cn", None),
        ("https://crm4.dynamics.com", None),
        ("https://[broken", None),
        ("contoso-uat", None),
        (None, None),
    ],
)
def test_dataverse_address_names_its_region(url: str | None, found: str | None) -> None:
    assert dataverse_geography(url) == found


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (EUROPE, "europe"),
        ("https://erp.operations.eu.dynamics.com/", "europe"),
        ("https://erp.operations.dynamics.com", None),
        ("https://erp.sandbox.operations.dynamics.com", None),
        ("https://erp.operations.xx.dynamics.com", None),
        ("https://erp.axcloud.dynamics.com", None),
    ],
)
def test_finops_address_names_its_geography_only_by_label(url: str, found: str | None) -> None:
    assert finops_geography(url) == found


def test_certain_mismatch_names_both_sides() -> None:
    text = geography_problem(EUROPE, cds_url="https://contoso.crm.dynamics.com")
    assert text is not None
    assert "F&O is in europe and the CDS instance in unitedstates" in text
    assert geography_problem(EUROPE, location="japan") is not None
    assert geography_problem(EUROPE, location="Europe") is None


@pytest.mark.parametrize("location", ["eu-efta", "unitedstatesfirstrelease", "", None])
def test_macro_region_and_unknown_place_are_left_to_the_service(location: str | None) -> None:
    assert geography_problem(EUROPE, location=location) is None


def test_finops_without_label_may_lie_anywhere() -> None:
    assert geography_problem("https://erp.operations.dynamics.com", cds_url="https://contoso.crm4.dynamics.com") is None
