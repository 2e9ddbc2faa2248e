"""A second stack on the same pair is known from the state of the other stacks of the backend."""

from typing import Any

import pytest

from tools import other_stacks
from tools.pulumi_cli import Deployment

TENANT = "11111111-2222-4333-8444-555555555555"
ANOTHER = "99999999-2222-4333-8444-555555555555"
ENVIRONMENT = "0b3d3a3e-0000-4000-8000-00000000abcd"
CDS, FINOPS = "https://contoso-uat.crm4.dynamics.com/", "https://contoso-uat.operations.eu.dynamics.com/"
LIVE = {
    "cds": "contoso-uat",
    "cds_url": CDS.rstrip("/"),
    "environment_id": ENVIRONMENT,
    "finops_host": "contoso-uat.operations.eu.dynamics.com",
    "maps": {"accounts - Customers V3": "running"},
    "tenant_id": TENANT,
}


def problem(config: dict[str, Any], live: dict[str, Any] | None = None, tenant: str | None = TENANT) -> str | None:
    outputs = LIVE if live is None else live
    other = Deployment({}, [{"type": "pulumi-python:dynamic/dualwrite:LiveSync", "outputs": outputs}])
    declared = {f"dualwrite:{name}": value for name, value in config.items()}
    return other_stacks.problem("mine", declared, {"theirs": other}, tenant)


@pytest.mark.parametrize(
    "config",
    [
        {"cds": {"url": CDS}},
        {"cds": {"url": "https://CONTOSO-UAT.crm4.dynamics.com:443"}},
        {"cds": {"environmentId": ENVIRONMENT.upper()}},
        {"cds": {"domain": "Contoso-UAT"}},
        {"cds": {"domain": "another"}, "finops": {"url": FINOPS}},
        {"finops": {"url": FINOPS.upper().replace("HTTPS", "https")}},
    ],
)
def test_same_environment_under_any_name_is_refused(config: dict[str, Any]) -> None:
    text = problem(config)
    assert text is not None
    assert "Stack 'theirs' manages the maps of" in text
    assert "Nothing was run" in text
    assert "make destroy STACK=theirs" in text


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"cds": "nonsense", "finops": ["nonsense"]},
        {"cds": {"domain": "contoso-uat2"}, "finops": {"instance": "new"}},
        {"cds": {"url": "https://contoso-uat.crm.dynamics.com"}},
        {"cds": {"environmentId": ENVIRONMENT.replace("0b", "1b")}, "finops": {"url": "https://x.dynamics.com"}},
    ],
)
def test_another_pair_is_no_matter(config: dict[str, Any]) -> None:
    assert problem(config) is None


def test_stack_of_another_tenant_is_no_neighbour() -> None:
    assert problem({"cds": {"url": CDS}}, tenant=ANOTHER) is None


@pytest.mark.parametrize("tenant", [None, "contoso.example", TENANT.upper()])
def test_tenant_that_is_not_told_by_an_id_may_be_the_same(tenant: str | None) -> None:
    assert problem({"cds": {"url": CDS}}, tenant=tenant)


def test_stack_that_manages_no_maps_is_no_matter() -> None:
    assert problem({"cds": {"url": CDS}}, {**LIVE, "maps": {}}) is None


@pytest.mark.parametrize("known", [{"cds": CDS}, {"cds": ENVIRONMENT}, {"finops": FINOPS, "cds": "contoso-uat"}])
def test_state_of_older_code_is_known_by_what_it_has(known: dict[str, Any]) -> None:
    config = {"cds": {"url": CDS} if known["cds"] != ENVIRONMENT else {"environmentId": ENVIRONMENT}}
    assert problem(config, {**known, "maps": LIVE["maps"]})
