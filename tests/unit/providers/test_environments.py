"""Whose environment is it: the mark, the natural key, references."""

import pytest

from providers.api.power_platform.models import Environment
from providers.api.transport.errors import Conflict, NotFound
from providers.instances.references import carries_mark, marked_by, own_environment, resolve
from tests.support.seen_instances import ENVIRONMENT_ID, MARK, an_environment

OTHER_ID = "0ddba11d-0000-4000-8000-000000000001"


def own(*environments: Environment) -> Environment | None:
    return own_environment(environments, domain="contoso-uat", display_name="Contoso UAT", mark=MARK)


@pytest.mark.parametrize(
    ("description", "ours"),
    [
        (MARK, True),
        (f"Acceptance. {MARK}. Ask Ines.", True),
        (f"{MARK} (with F&O)", True),
        (f"{MARK}2", False),
        (f"{MARK}.eu", False),
        (f"{MARK}-old", False),
        (f"a {MARK.removeprefix('dual-write ')}", False),
        ("", False),
        (None, False),
    ],
)
def test_mark_counts_only_as_a_whole(description: str | None, ours: bool) -> None:
    assert carries_mark(description, MARK) is ours


@pytest.mark.parametrize(
    ("description", "maker"),
    [
        ("dual-write dualwrite/new-new", "dualwrite/new-new"),
        ("Acceptance. dual-write dualwrite/new.eu. Ask Ines.", "dualwrite/new.eu"),
        ("dual-write dualwrite/dev (with F&O)", "dualwrite/dev"),
        ("no-dual-write dualwrite/dev", None),
        ("dual-write with Contoso", None),
        ("", None),
        (None, None),
    ],
)
def test_mark_of_any_stack_names_its_maker(description: str | None, maker: str | None) -> None:
    assert marked_by(description) == maker


def test_no_environment_has_the_domain() -> None:
    assert own(an_environment(domain="somebody-else")) is None


def test_own_environment_is_found_by_domain_without_case() -> None:
    assert own(an_environment(domain="Contoso-UAT")) == an_environment(domain="Contoso-UAT")


def test_young_environment_is_found_by_mark_and_name() -> None:
    young = an_environment(domain=None, url=None)
    assert own(young, an_environment(id=OTHER_ID, domain=None, description="another")) == young


def test_two_environments_are_an_error_naming_both() -> None:
    with pytest.raises(Conflict, match=f"{ENVIRONMENT_ID} and {OTHER_ID}"):
        own(an_environment(), an_environment(id=OTHER_ID))


def test_foreign_environment_is_refused_with_its_creator() -> None:
    with pytest.raises(Conflict) as caught:
        own(an_environment(description="made by hand"))
    assert str(caught.value) == (
        f"the domain 'contoso-uat' belongs to the environment 'Contoso UAT' ({ENVIRONMENT_ID}), created by Ines Roth, "
        "not by this stack (DomainNameAlreadyInUse). "
        "Choose another domain, or say `instance: existing` to use that environment as it is."
    )


@pytest.mark.parametrize(
    "reference",
    ["contoso-uat", "CONTOSO-UAT", "https://contoso-uat.crm4.dynamics.com", ENVIRONMENT_ID, ENVIRONMENT_ID.upper()],
)
def test_reference_resolves_by_domain_url_or_id(reference: str) -> None:
    environments = [
        an_environment(id=OTHER_ID, domain="other", url="https://other.crm4.dynamics.com/"),
        an_environment(),
    ]
    assert resolve(environments, reference).id == ENVIRONMENT_ID


def test_reference_to_two_environments_names_both() -> None:
    with pytest.raises(Conflict, match=f"answer to 'contoso-uat': {ENVIRONMENT_ID} and {OTHER_ID}"):
        resolve([an_environment(), an_environment(id=OTHER_ID)], "contoso-uat")


def test_unknown_reference_is_not_found() -> None:
    with pytest.raises(NotFound, match="no environment of this tenant answers to 'contoso'"):
        resolve([an_environment()], "contoso")
