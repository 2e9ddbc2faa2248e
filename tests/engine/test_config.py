"""Wrong stack files: every problem at once, with the user's own keys, before anything is contacted."""

from collections.abc import Callable

import pytest

from tests.engine.harness import Project, Tenant

WRONG = """
dualwrite:cloud: emulator
dualwrite:cds:
  instance: new
  name: contoso-uat
  domain: contoso-uat-far-long
  url: https://contoso.crm4.dynamics.com
  type: sandbox
  location: europe
  currency: EUR
  language: german
  colour: blue
dualwrite:finops: {instance: new, data: empty}
dualwrite:connection: {companies: [7]}
dualwrite:maps: {include: [application-core, warehouse]}
dualwrite:colour: blue
"""
KEYS = (
    "dualwrite:cds.domain",
    "dualwrite:cds.url",
    "dualwrite:cds.language",
    "dualwrite:cds.colour",
    "dualwrite:connection.companies",
    "dualwrite:maps.include",
    "dualwrite:colour",
)
# What a document forbids and what can be known without asking.
FORBIDDEN = """
dualwrite:cds: {instance: existing, url: "https://fabrikam-sales.crm.dynamics.com"}
dualwrite:finops: {instance: existing, url: "https://fabrikam.sandbox.operations.eu.dynamics.com", data: demo}
dualwrite:companies: [{code: "USMFX", name: Contoso, country: USA}]
dualwrite:bootstrap: [{company: "FRRT"}]
dualwrite:maps: {include: [application-core], initialSync: finops}
"""
FORBIDDEN += f"dualwrite:connection: {{companies: {[f'C{number}' for number in range(41)]}}}\n"
REASONS = (
    "dualwrite:finops.data: demo data or none is chosen when F&O is installed",
    "dualwrite:finops.url: F&O is in europe and the CDS instance in unitedstates",
    "dualwrite:connection.companies: has 41 companies, and an initial sync takes 40 at most",
    "dualwrite:companies[0].code: 'USMFX' has 5 characters; F&O takes company codes of 4 at most",
    "dualwrite:bootstrap[0].company: 'FRRT' is not linked, and only rows of linked companies take part",
)


@pytest.mark.parametrize(("config", "said"), [(WRONG, KEYS), (FORBIDDEN, REASONS)], ids=["mistakes", "forbidden"])
def test_all_mistakes_are_reported_together(
    config: str, said: tuple[str, ...], new_project: Callable[[], Project], tenant: Tenant
) -> None:
    project = new_project()
    project.configure(config)
    before = tenant.now()
    text = project.preview(expect=1).text
    assert [each for each in said if each not in text] == []
    assert "Traceback" not in text
    assert not tenant.requests(before)
