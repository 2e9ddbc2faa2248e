"""`make destroy` reads today's file and the last `up` before the engine starts."""

from datetime import date
from typing import Any

import pytest

from tools import deletion
from tools.pulumi_cli import Deployment

TODAY = date(2026, 11, 26)
STACK = "new-new"
CONSENT = {"action": "delete-environment", "target": "contoso-uat", "until": "2026-12-31"}
TYPE = "pulumi-python:dynamic/dualwrite:CdsInstance"


def problem(confirm: Any, *, stored: list[dict[str, str]] | None = None, ours: bool = True) -> str | None:
    outputs = {"created_by_us": ours, "domain": "contoso-uat", "confirm": [CONSENT] if stored is None else stored}
    deployed = Deployment({}, [{"type": TYPE, "outputs": outputs}])
    return deletion.problem(STACK, {"dualwrite:confirm": confirm}, deployed, TODAY)


def test_consent_in_the_file_and_in_the_last_up_lets_it_run() -> None:
    assert problem([CONSENT]) is None


@pytest.mark.parametrize(
    "consent",
    [
        {"action": "replace-environment", "target": "contoso-uat", "until": "2026-11-26"},
        {"action": "delete-environment", "target": "CONTOSO-UAT", "until": "2026-11-26"},
    ],
)
def test_replacement_and_other_case_consent_too(consent: dict[str, str]) -> None:
    assert problem([consent]) is None


@pytest.mark.parametrize(
    "confirm",
    [
        None,
        [],
        "yes",
        [{"action": "delete-environment"}],
        [{**CONSENT, "target": "fabrikam"}],
        [{**CONSENT, "action": "reset-link"}],
    ],
)
def test_without_it_the_lines_to_add_are_named(confirm: Any) -> None:
    assert problem(confirm) == (
        "Nothing was deleted. This would delete environments for good. 'contoso-uat': it needs your consent in "
        "`dualwrite:confirm`: {action: delete-environment, target: contoso-uat, until: <date>}.\n"
        "Add to stacks/Pulumi.new-new.yaml, then `make up`, then `make destroy`:\n"
        "  dualwrite:confirm:\n"
        '    - {action: delete-environment, target: contoso-uat, until: "2026-12-26"}'
    )


def test_consent_that_has_ended_is_named_with_its_day() -> None:
    assert "the consent delete-environment for contoso-uat ended on 2026-11-25" in str(
        problem([{**CONSENT, "until": "2026-11-25"}])
    )


def test_consent_that_the_last_up_did_not_know_needs_one() -> None:
    assert problem([CONSENT], stored=[]) == (
        "stacks/Pulumi.new-new.yaml consents to the end of contoso-uat, but the last `up` did not know: "
        "`make up` first."
    )


def test_existing_environment_needs_no_consent_since_it_stays() -> None:
    assert problem(None, ours=False) is None
    assert deletion.problem(STACK, {}, Deployment({}, []), TODAY) is None
