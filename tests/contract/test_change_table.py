"""Each row of docs/changes.md, through the real provider process: what `check` and `diff` make of another value.

A row without its proof here fails the test. Nothing is written by any of it (journal).
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from tests.contract.links import Pair, connection, made
from tests.contract.provider_process import Bag, ProviderProcess, declared
from tests.engine.harness import Tenant
from tools.change_table import Kind, Row, rows
from tools.resource_inputs import PROVIDERS

ROWS = list(rows())
URL = "https://fabrikam-sales.crm4.dynamics.com"
LAMNA = {
    "cds": "https://lamna-sales.crm4.dynamics.com",
    "finops": "https://lamna-erp.sandbox.operations.eu.dynamics.com",
}
NEW_CDS = {
    "cloud": "emulator",
    "instance": "new",
    "name": "Contoso UAT",
    "domain": "fabrikam-sales",
    "type": "sandbox",
    "location": "europe",
    "currency": "EUR",
    "language": 1033,
}
NEW_FINOPS = {"cloud": "emulator", "cds": "contoso-uat", "instance": "new", "data": "empty", "developer_tools": False}
CONFIRM = [{"action": "replace-environment", "target": "fabrikam-sales", "until": "2999-12-31"}]
RESET = [{"action": "reset-link", "target": "contoso-uat", "until": "2999-12-31"}]
DELETE = [{"action": "delete-environment", "target": "contoso-uat", "until": "2999-12-31"}]
MAPS = {"accounts - Customers V3": "running"}
BASES: dict[str, Bag] = {
    "CdsInstance": NEW_CDS,
    "FinOpsInstance": NEW_FINOPS,
    "ApplicationPackage": {"cloud": "emulator", "cds": "contoso-uat", "package": "HCMCommonAnchor"},
    "Company": {"cloud": "emulator", "cds": "contoso-uat", "code": "USMF", "name": "Contoso", "country": "USA"},
    "DualWriteConnection": {"cloud": "emulator", "cds": "contoso-uat", "companies": ["DAT"], "solutions": ["A"]},
    "CompanyBootstrap": {"cloud": "emulator", "cds": "contoso-uat", "company": "USMF", "tables": ["accounts"]},
    "EntityMap": {"cloud": "emulator", "cds": "contoso-uat", "map": "accounts - Customers V3", "version": "1.0.0.3"},
    "LiveSync": {"cloud": "emulator", "cds": "contoso-uat", "companies": ["DAT"], "maps": MAPS},
}
HELD_FINOPS = {"finops_url": LAMNA["finops"], "finops_host": LAMNA["finops"].removeprefix("https://")}
OTHER_GATEWAY = "https://projectmanagementservice.eu-il101.gateway.prod.island.powerapps.com"
OTHER_FINOPS = "https://other-erp.sandbox.operations.eu.dynamics.com"
EXISTING_CDS = {"cloud": "emulator", "instance": "existing", "url": URL}
CDS_BY_ID = {"cloud": "emulator", "instance": "existing", "environment_id": "5dae6f70-8192-43a4-8ebf-3a4b5c6d7e85"}
EXISTING_FINOPS = {"cloud": "emulator", "cds": "contoso-uat", "instance": "existing", "url": LAMNA["finops"]}


class Proof(NamedTuple):
    """Another value of an input, from which inputs on, and what comes with it; `consented`: what lets it through."""

    value: Any
    base: Bag | None = None
    held: Bag | None = None
    others: Bag | None = None
    consented: Bag | None = None


PROOFS: dict[tuple[str, str], Proof] = {
    ("CdsInstance", "instance"): Proof(
        "existing", held={"url": f"{URL}/", "created_by_us": True}, others={**dict.fromkeys(NEW_CDS), **EXISTING_CDS}
    ),
    ("CdsInstance", "name"): Proof("Contoso Test"),
    ("CdsInstance", "domain"): Proof("contoso-two", others={"name": "Other"}, consented={"confirm": CONFIRM}),
    ("CdsInstance", "type"): Proof("production"),
    ("CdsInstance", "location"): Proof("asia"),
    ("CdsInstance", "currency"): Proof("USD"),
    ("CdsInstance", "language"): Proof(1031),
    ("CdsInstance", "url"): Proof("https://adventure-works.crm4.dynamics.com", base=EXISTING_CDS),
    ("CdsInstance", "environment_id"): Proof("4c9d5e6f-7081-4293-93de-2f3a4b5c6d74", base=CDS_BY_ID),
    ("CdsInstance", "finops"): Proof(LAMNA["finops"], base=EXISTING_CDS),
    ("CdsInstance", "timeout"): Proof("3h"),
    ("FinOpsInstance", "cds"): Proof("contoso-two"),
    ("FinOpsInstance", "instance"): Proof(
        "existing", held={"url": LAMNA["finops"]}, others={**dict.fromkeys(NEW_FINOPS), **EXISTING_FINOPS}
    ),
    ("FinOpsInstance", "data"): Proof("demo", consented={"cds": "contoso-two"}),
    ("FinOpsInstance", "developer_tools"): Proof(value=True, consented={"cds": "contoso-two"}),
    ("FinOpsInstance", "version"): Proof("10.0.46", held={"version": "10.0.45"}),
    ("FinOpsInstance", "environment_name"): Proof("contoso"),
    ("FinOpsInstance", "environment_type"): Proof("production"),
    ("FinOpsInstance", "location"): Proof("asia"),
    ("FinOpsInstance", "url"): Proof(OTHER_FINOPS, base=EXISTING_FINOPS),
    ("FinOpsInstance", "timeout"): Proof("5h"),
    ("ApplicationPackage", "cds"): Proof("contoso-two"),
    ("ApplicationPackage", "package"): Proof("DualWriteCoreAnchor"),
    ("ApplicationPackage", "timeout"): Proof("3h"),
    ("Company", "cds"): Proof("contoso-two"),
    ("Company", "finops"): Proof(OTHER_FINOPS, base={**BASES["Company"], "finops": LAMNA["finops"]}),
    ("Company", "code"): Proof("CONT"),
    ("Company", "name"): Proof("Other"),
    ("Company", "country"): Proof("NLD"),
    ("Company", "timeout"): Proof("3h"),
    ("DualWriteConnection", "cds"): Proof("contoso-two"),
    ("DualWriteConnection", "finops"): Proof(
        OTHER_FINOPS, base={**BASES["DualWriteConnection"], "finops": LAMNA["finops"]}, held=HELD_FINOPS
    ),
    ("DualWriteConnection", "gateway"): Proof(OTHER_GATEWAY),
    ("DualWriteConnection", "companies"): Proof(
        ["DAT", "USMF"],
        base={"cloud": "emulator", "cds": "contoso-uat", "companies": ["DAT"], "company_change": "reset"},
        consented={"confirm": RESET},
    ),
    ("DualWriteConnection", "solutions"): Proof(["A", "B"]),
    ("DualWriteConnection", "own_solutions"): Proof({"ContosoDualWriteMaps": "1.2.0.0"}),
    ("DualWriteConnection", "company_change"): Proof("reset"),
    ("DualWriteConnection", "reset"): Proof("2026-11", consented={"confirm": RESET}),
    ("DualWriteConnection", "live_companies_limit"): Proof(10),
    ("DualWriteConnection", "timeout"): Proof("3h"),
    ("CompanyBootstrap", "cds"): Proof("contoso-two"),
    ("CompanyBootstrap", "company"): Proof("CONT"),
    ("CompanyBootstrap", "business_units"): Proof(["Retail"]),
    ("CompanyBootstrap", "tables"): Proof(["accounts", "contacts"]),
    ("CompanyBootstrap", "overwrite"): Proof(value=True),
    ("CompanyBootstrap", "order"): Proof("before-live-sync"),
    ("CompanyBootstrap", "max_failures"): Proof(5),
    ("CompanyBootstrap", "simulate"): Proof(value=True),
    ("CompanyBootstrap", "timeout"): Proof("3h"),
    ("EntityMap", "cds"): Proof("contoso-two"),
    ("EntityMap", "finops"): Proof(
        OTHER_FINOPS, base={**BASES["EntityMap"], "finops": LAMNA["finops"]}, held=HELD_FINOPS
    ),
    ("EntityMap", "gateway"): Proof("https://gateway.example"),
    ("EntityMap", "companies"): Proof(["DAT", "USMF"]),
    ("EntityMap", "reset"): Proof("2026-11"),
    ("EntityMap", "map"): Proof("msdyn_vendors - Vendors V2"),
    ("EntityMap", "version"): Proof("1.0.0.4"),
    ("EntityMap", "author"): Proof("Microsoft"),
    ("EntityMap", "latest"): Proof(value=True, base={**BASES["EntityMap"], "author": "Microsoft"}),
    ("EntityMap", "offered"): Proof("1.0.0.4"),
    ("EntityMap", "timeout"): Proof("3h"),
    ("LiveSync", "cds"): Proof("contoso-two"),
    ("LiveSync", "finops"): Proof(
        OTHER_FINOPS, base={**BASES["LiveSync"], "finops": LAMNA["finops"]}, held=HELD_FINOPS
    ),
    ("LiveSync", "gateway"): Proof("https://gateway.example"),
    ("LiveSync", "companies"): Proof(["DAT", "USMF"]),
    ("LiveSync", "reset"): Proof("2026-11"),
    ("LiveSync", "maps"): Proof({"accounts - Customers V3": "paused"}),
    ("LiveSync", "prerequisites_added"): Proof(["accounts - Customers V3"]),
    ("LiveSync", "dropped"): Proof(["x: replaced by y"]),
    ("LiveSync", "integration_keys"): Proof({"accounts": ["accountnumber"]}),
    ("LiveSync", "initial_sync"): Proof("finops"),
    ("LiveSync", "resync"): Proof({"accounts - Customers V3": "again"}),
    ("LiveSync", "catch_up"): Proof({"accounts - Customers V3": "keep-as-errors"}),
    ("LiveSync", "pinned"): Proof(["accounts - Customers V3"]),
    ("LiveSync", "drifted"): Proof({"accounts - Customers V3": "paused"}),
    ("LiveSync", "initial_sync_companies_limit"): Proof(10),
    ("LiveSync", "initial_sync_rows_limit"): Proof(10),
    ("LiveSync", "single_threaded_rows_limit"): Proof(10),
    ("LiveSync", "timeout"): Proof("3h"),
    **{(each.resource, "cloud"): Proof("public") for each in PROVIDERS},
    **{(each.resource, "tenant"): Proof("contoso.example") for each in PROVIDERS},
    **{(each.resource, "confirm"): Proof(DELETE) for each in PROVIDERS},
}
EXPECTED = {
    Kind.RECORDED: ("unknown", []),
    Kind.IN_PLACE: ("unknown", []),
    Kind.REPLACES: ("unknown", ["{field}"]),
    Kind.AT_CREATION: ("none", []),
    Kind.NO_CHANGE: ("none", []),
}
CODES = {Kind.REFUSED: "DW-C03", Kind.CONSENT: "DW-C02"}


@pytest.fixture(scope="module")
def running_link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A new pair linked for DAT, with USMF in F&O; one of its maps runs, so a reset would lose something."""
    tenant = Tenant(tmp_path_factory.mktemp("linked"))
    pair = Pair(tenant)
    made(pair.process, connection(companies=["DAT"]))
    pair.add_company("USMF")
    host = "contoso-uat.crm4.dynamics.com"
    tenant.control("person", {"action": "start-map", "environment": host, "map": "cdm_companies - Legal entities"})
    yield pair
    pair.process.close()
    tenant.stop()


@pytest.fixture(scope="module")
def provider_process(tenant: Tenant) -> Iterator[ProviderProcess]:
    """One process for all rows: none of them changes anything."""
    process = ProviderProcess(tenant.variables())
    yield process
    process.close()


def test_every_row_has_its_proof_and_every_proof_its_row() -> None:
    assert {(row.resource, row.field) for row in ROWS} == set(PROOFS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.resource}.{row.field}")
def test_change_of_an_input_means_what_the_table_says(
    row: Row, provider_process: ProviderProcess, tenant: Tenant, request: pytest.FixtureRequest
) -> None:
    proof = PROOFS[row.resource, row.field]
    if row.kind is Kind.CONSENT and "have run" in row.remark:
        pair: Pair = request.getfixturevalue("running_link")
        provider_process, tenant = pair.process, pair.tenant
    before = tenant.now()
    stored, check = _stored(provider_process, row.resource, proof)
    wanted = {**(proof.base or BASES[row.resource]), row.field: proof.value, **(proof.others or {})}
    if row.kind in CODES:
        # The engine prints the value of the property that it is given; a list is named in the text instead.
        failures = [text for path, text in check(wanted).failures if path == row.field or f" {row.field}: " in text]
        assert failures
        assert failures[0].startswith(f"{CODES[row.kind]} ")
        if proof.consented is None:
            assert not tenant.writes(before)
            return
        wanted |= proof.consented
    checked = check(wanted)
    assert checked.failures == []
    seen = provider_process.diff("id", stored, checked.inputs)
    changes, replaces = EXPECTED.get(row.kind, ("unknown", None))
    assert seen.changes == changes
    assert not tenant.writes(before)
    if replaces is not None:
        assert seen.replaces == [each.format(field=row.field) for each in replaces]
    elif "replace" in row.remark:
        assert row.field in seen.replaces


def _stored(process: ProviderProcess, resource: str, proof: Proof) -> tuple[Bag, Callable[[Bag], Any]]:
    """The outputs of an object with the base's inputs, and the check of other ones against them."""
    provider = next(each for each in PROVIDERS if each.resource == resource)()
    base = declared(provider, "it", {**(proof.base or BASES[resource])})
    # Inputs alone, as a preview of a creation leaves them, so that no live check speaks.
    canonical = provider.inputs.model_validate({name: value for name, value in base.items() if name[:2] != "__"})
    olds = {**base, **provider.normalise(canonical).model_dump(mode="json", exclude_none=True)}

    def check(wanted: Bag) -> Any:
        news = {name: value for name, value in wanted.items() if value is not None}
        return process.check(declared(provider, "it", news), olds)

    return {**_filled(provider), **olds, **(proof.held or {})}, check


def _filled(provider: Any) -> Bag:
    """A finished object: every output that has to be there."""
    values: dict[object, Any] = {str: "x", bool: True, int: 1, list[str]: []}
    required = {name: each.annotation for name, each in provider.outputs.model_fields.items() if each.is_required()}
    return {"state": "Installed", **{name: values.get(kind) for name, kind in required.items() if name != "state"}}
