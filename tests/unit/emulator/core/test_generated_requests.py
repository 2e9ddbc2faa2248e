"""Requests that nobody wrote by hand, over every route: whatever is sent, the emulator itself does not fail.

GENERATED_REQUESTS=10000 makes as many of them; the default is a slice that takes seconds.
"""

import json
import os
import random
import re
from collections.abc import Iterator
from typing import Any

from emulator.core.routing import Route, Service
from emulator.data.schemas import tables
from emulator.identity.directory import ADMINISTRATOR_UPN as ADMINISTRATOR
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant

COUNT = int(os.environ.get("GENERATED_REQUESTS", "1500"))
SEED = 20261126
CDS, FINOPS = "adventure-works.crm4.dynamics.com", "northwind-erp.sandbox.operations.eu.dynamics.com"
HOSTS = {
    "login": ("login.microsoftonline.com",),
    "bap": ("api.bap.microsoft.com",),
    "powerplatform": ("api.powerplatform.com",),
    "dataverse": (CDS, "tailspin-sales.crm4.dynamics.com"),
    "finops": (FINOPS,),
    "dualwrite": ("projectmanagementservice.weu-il107.gateway.prod.island.powerapps.com",),
}
WORDS = (
    "",
    "x",
    "DAT",
    "usmf",
    "9.2",
    "1",
    "-1",
    "*",
    "%00",
    "%2F",
    "a b",
    "'",
    "(",
    "ä",
    "00000000-0000-0000-0000-000000000000",
)
ENVIRONMENTS = ("4c9d5e6f-7081-4293-93de-2f3a4b5c6d74", "5dae6f70-8192-43a4-8ebf-3a4b5c6d7e85")
VERSIONS = {"bap": "2021-04-01", "powerplatform": "1"}
KEYS = (
    "",
    "()",
    "('')",
    "(0)",
    "(00000000-0000-0000-0000-000000000000)",
    "(a='b')",
    "(dataAreaId='usmf',X='')",
    "(')",
    "((",
)
RESTS = ("", "/$count", "/$ref", "/name", "/$value", "/owninguser", "/x/y", "/Microsoft.Dynamics.CRM.x")
OPTIONS = (
    "$select",
    "$filter",
    "$orderby",
    "$top",
    "$count",
    "$expand",
    "$skip",
    "$skiptoken",
    "$apply",
    "api-version",
    "sql",
    "cross-company",
)
VALUES = (
    "",
    "name",
    "name eq 'x'",
    "name eq null",
    "1",
    "-1",
    "99999999999999999999",
    "true",
    "name desc",
    "(((",
    "a(b)",
    "contains(name,'x')",
    "name in ('a')",
    "not",
    "\u0000",
    "1 eq 1",
    "createdon gt 9999-99-99",
)
BODIES = (
    b"",
    b"null",
    b"[]",
    b"{",
    b'"x"',
    b"1e400",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"NaN",
    b"\xff\xfe",
    b"--x--",
    b'{"name": 99999999999999999999}',
)
LEAVES: tuple[Any, ...] = (None, True, 0, -1, 2**70, 1.5, "", "x", "\u0000", [], {}, [None], {"value": None})
MEMBERS = (
    "name",
    "properties",
    "displayName",
    "value",
    "dataAreaId",
    "CustomerGroupId",
    "action",
    "id",
    "cds",
    "linkedEnvironmentMetadata",
    "name@odata.bind",
)


def document(chosen: random.Random, depth: int = 0) -> Any:
    if depth > 2 or chosen.random() < 0.3:
        return chosen.choice(LEAVES)
    return {name: document(chosen, depth + 1) for name in chosen.sample(MEMBERS, chosen.randint(0, 4))}


def resource(chosen: random.Random, plane: str) -> str:
    name = chosen.choice([*sorted(tables(plane)), "nothing", "$metadata", "EntityDefinitions"])
    return f"{name}{chosen.choice(KEYS)}{chosen.choice(RESTS)}"


def path(chosen: random.Random, service: Service, route: Route) -> str:
    def part(match: re.Match[str]) -> str:
        if match[1] == "version":
            return "9.2"
        if match[1] == "resource" and service.name in ("dataverse", "finops"):
            return resource(chosen, service.name)
        return chosen.choice(WORDS + ENVIRONMENTS)

    return re.sub(r"\{(\w+)(?::path)?\}", part, route.pattern)


def generated(chosen: random.Random, services: tuple[Service, ...]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, address, and how it is sent."""
    while True:
        service = chosen.choice(services)
        route = chosen.choice(service.routes)
        options = chosen.sample(OPTIONS, chosen.randint(0, 3))
        sent: dict[str, Any] = {"params": {name: chosen.choice(VALUES) for name in options}}
        if service.name in VERSIONS and chosen.random() < 0.9:
            sent["params"]["api-version"] = VERSIONS[service.name]
        if service.name == "dualwrite":
            sent["user"] = ADMINISTRATOR
        if route.method != "GET":
            raw = json.dumps(document(chosen)).encode() if chosen.random() < 0.7 else chosen.choice(BODIES)
            sent["body"] = raw
        if chosen.random() < 0.2:
            sent["headers"] = {
                chosen.choice(("Prefer", "If-Match", "Content-Type", "MSCRMCallerID")): chosen.choice(WORDS)
                .encode("ascii", "ignore")
                .decode()
            }
        yield route.method, f"https://{chosen.choice(HOSTS[service.name])}{path(chosen, service, route)}", sent


def test_no_generated_request_makes_the_emulator_fail_or_hide_what_it_does_not_model(
    existing: Tenant, call: CallTenant
) -> None:
    chosen = random.Random(SEED)  # noqa: S311 - requests, no secrets
    requests = generated(chosen, tuple(existing.services))
    failed: list[str] = []
    for _ in range(COUNT):
        method, url, sent = next(requests)
        try:
            reply = call(method, url, **sent)
        except Exception as error:  # noqa: BLE001 - the test is about any
            failed.append(f"{method} {url} {str(sent)[:200]}: {type(error).__name__}: {str(error)[:80]}")
            continue
        said = reply.content().decode()
        if reply.status == 500 or (reply.status == 501 and f"The emulator does not model {method} /" not in said):
            failed.append(f"{method} {url} {str(sent)[:200]}: {reply.status} {said[:160]}")
    assert failed == []
