"""Wrong stack files: every problem at once, with the user's own keys, before anything is contacted."""

from collections.abc import Callable

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


def test_all_mistakes_are_reported_together(new_project: Callable[[], Project], tenant: Tenant) -> None:
    project = new_project()
    project.configure(WRONG)
    before = tenant.now()
    text = project.preview(expect=1).text
    assert [key for key in KEYS if key not in text] == []
    assert "Traceback" not in text
    assert not tenant.requests(before)
