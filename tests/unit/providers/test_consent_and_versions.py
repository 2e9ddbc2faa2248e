"""Consent entries and dotted versions."""

from datetime import date

import pytest

from providers.protocol.consent import Consent, missing_consent
from providers.protocol.versions import at_least, fitting, newest

TODAY = date(2026, 11, 23)
FITTING = Consent(action="replace-environment", target="Contoso-UAT", until="2026-11-23")


@pytest.mark.parametrize(
    ("consents", "said"),
    [
        ([FITTING], None),
        ([], "it needs your consent"),
        ([FITTING.model_copy(update={"action": "reset-link"})], "it needs your consent"),
        ([FITTING.model_copy(update={"target": "contoso"})], "it needs your consent"),
        ([FITTING.model_copy(update={"until": "2026-11-22"})], "ended on 2026-11-22"),
        ([FITTING.model_copy(update={"until": "2026-11-22"}), FITTING], None),
    ],
)
def test_consent_names_action_and_target_and_ends(consents: list[Consent], said: str | None) -> None:
    text = missing_consent(consents, "replace-environment", "contoso-uat", TODAY)
    assert (text is None) if said is None else said in str(text)


def test_consent_ends_on_a_day_of_the_calendar() -> None:
    with pytest.raises(ValueError, match="day is out of range"):
        Consent(action="reset-link", target="contoso-uat", until="2026-02-30")


@pytest.mark.parametrize(
    ("held", "minimum", "enough"),
    [
        ("10.0.45.10", "10.0.45.9", True),
        ("10.0.45.5", "10.0.45.10", False),
        ("10.0.46", "10.0.45.99", True),
        ("10.0.45", "10.0.45.0", True),
        ("10.0.9", "10.0.45", False),
        (None, "10.0.45", False),
        ("unknown", "10.0.45", False),
        (None, None, True),
    ],
)
def test_versions_compare_as_numbers(held: str | None, minimum: str | None, enough: bool) -> None:
    assert at_least(held, minimum) is enough


OFFERED = ["10.0.44.9", "10.0.45.5", "10.0.45.10", "10.0.46.1"]


@pytest.mark.parametrize(
    ("minimum", "chosen"),
    [
        (None, "10.0.46.1"),
        ("10.0.45", "10.0.45.10"),
        ("10.0.45.11", "10.0.46.1"),
        ("10.0.43", "10.0.44.9"),
        ("10.0.47", None),
    ],
)
def test_newest_build_of_lowest_fitting_release_is_chosen(minimum: str | None, chosen: str | None) -> None:
    assert fitting(OFFERED, minimum) == chosen


def test_newest_of_nothing_is_nothing() -> None:
    assert newest([]) is None
