"""The pages of changes to a running pair: golden, complete, and made without a write."""

from collections.abc import Callable

import pytest

from tests.engine.harness import Project, Tenant
from tests.engine.pages import comparable, page_of, planned, seen
from tools.review import digest

CONSENT = 'dualwrite:confirm: [{{action: {action}, target: contoso-uat, until: "2999-12-31"}}]'
USMF = 'dualwrite:companies: [{code: "USMF", name: Contoso Entertainment System USA, country: USA}]'
RESET = "dualwrite:connection: {companies: [DAT, USMF], companyChange: reset}"
VERSIONED = "msdyn_ledgers - Ledger"
OVERRIDE = f'      "{VERSIONED}": {{version: "1.0.0.3", author: Microsoft Corporation}}'
BY_HAND = "dualwrite:connection: {companies: [DAT, USMF]}"


@pytest.fixture(scope="module")
def live(new_project: Callable[[], Project]) -> Project:
    """The stack `new-new`, up. Each test changes its file and nothing else."""
    project = new_project()
    project.use("new-new")
    project.up()
    return project


@pytest.fixture(scope="module")
def text(live: Project) -> str:
    """The stack file as it is."""
    return live.stack_file.read_text().rstrip()


@pytest.fixture(scope="module")
def changes(live: Project, text: str, tenant: Tenant) -> dict[str, str]:
    """Stack files by the name of their page. A person has saved a second version of one map, and gone back."""
    for version in ("1.0.0.3", "1.0.0.0"):
        person = {"environment": "contoso-uat.crm4.dynamics.com", "map": VERSIONED, "version": version}
        tenant.control("person", {"action": "switch-version", **person})
    paused = "".join(f'      "{name}": {{state: paused}}\n' for name in sorted(live.outputs()["maps"])[:12])
    added = [text, USMF]
    return {
        "nothing-to-do": text,
        "maps-paused-and-version-switched": f"{text}\n    overrides:\n{paused}{OVERRIDE}",
        "version-switched": f"{text}\n    overrides:\n{OVERRIDE}",
        "company-added-by-reset": "\n  ".join([*added, RESET, CONSENT.format(action="reset-link")]),
        "company-added-by-hand": "\n  ".join([*added, BY_HAND]),
        "environment-replaced": "\n  ".join(
            [text.replace("contoso-uat", "contoso-two"), CONSENT.format(action="replace-environment")]
        ),
    }


@pytest.mark.parametrize(
    "name",
    [
        "nothing-to-do",
        "maps-paused-and-version-switched",
        "version-switched",
        "company-added-by-reset",
        "company-added-by-hand",
        "environment-replaced",
    ],
)
def test_page_of_a_change_reads_as_agreed_and_writes_nothing(
    name: str, live: Project, changes: dict[str, str], tenant: Tenant, golden: Callable[[str, str], None]
) -> None:
    live.stack_file.write_text(changes[name] + "\n")
    before = tenant.now()
    page = page_of(planned(live))
    assert not tenant.writes(before)
    assert len(seen(page)) <= 6_000
    assert len(seen(page).splitlines()) <= 60
    golden(f"page-{name}.md", comparable(page))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (f"{USMF}\n  {RESET}", "{action: reset-link, target: contoso-uat, until: &lt;date&gt;}"),
        ("", "{action: replace-environment, target: contoso-uat, until: &lt;date&gt;}"),
    ],
    ids=["reset", "replacement"],
)
def test_step_without_consent_is_refused_on_the_page_with_the_line_to_add(
    change: str, line: str, live: Project, text: str
) -> None:
    other = text if change else text.replace("contoso-uat", "contoso-two")
    live.stack_file.write_text(f"{other}\n  {change}\n")
    preview = planned(live, expect=1)
    assert {finding.code for finding in preview.refusals} == {"DW-C02"}
    page = page_of(preview)
    assert line in page.replace("\\", "")
    assert "Digest" not in page


def test_digest_is_that_of_the_plan_and_not_of_the_day(live: Project, changes: dict[str, str]) -> None:
    live.stack_file.write_text(changes["maps-paused-and-version-switched"])
    first, again = planned(live), planned(live)
    assert digest.digest(first) == digest.digest(again)
    live.stack_file.write_text(
        changes["maps-paused-and-version-switched"].replace("state: paused", "state: stopped", 1)
    )
    other = planned(live)
    assert digest.digest(other) != digest.digest(first)
    assert digest.moved(digest.parts(first), digest.parts(other)) == ["pair-live-sync: update with other inputs"]
