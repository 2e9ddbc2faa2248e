"""The six stack files under Pulumi's mocks: which children they have, in which order, with which inputs."""

from datetime import date
from itertools import pairwise
from typing import Any

import pulumi
import pytest
import yaml

from components.config import check
from components.dual_write_pair import DualWritePair
from components.stack import Stack
from providers.catalogue.selection import standard
from tests.component.recording import PROVIDERS, Registered, run
from tools.workspace import STACKS

TODAY = date(2026, 11, 23)
NAMES = sorted(file.name.split(".")[1] for file in STACKS.glob("Pulumi.*.yaml"))
FABRIKAM = "https://fabrikam-sales.crm4.dynamics.com"
ADVENTURE = "https://adventure-works.crm4.dynamics.com"
TAILSPIN = "https://tailspin-sales.crm4.dynamics.com"
TAILSPIN_ERP = "https://tailspin-erp.sandbox.operations.eu.dynamics.com"
NORTHWIND_ERP = "https://northwind-erp.sandbox.operations.eu.dynamics.com"
GROUPS_FIRST = ["msdyn_customergroups", "accounts", "contacts", "products"]


def stack_of(name: str) -> Stack:
    config = yaml.safe_load((STACKS / f"Pulumi.{name}.yaml").read_text())["config"]
    stack, problems = check({key.removeprefix("dualwrite:"): value for key, value in config.items()}, TODAY)
    assert stack is not None, problems
    return stack


def declared(name: str, *, preview: bool = False) -> dict[str, Registered]:
    stack = stack_of(name)
    return run(lambda: DualWritePair("pair", stack, TODAY), preview=preview)


def inputs_of(row: Registered) -> dict[str, Any]:
    return {key: value for key, value in row.inputs.items() if key in PROVIDERS[row.kind].inputs.model_fields}


def of_kind(rows: dict[str, Registered], kind: str) -> list[Registered]:
    return [row for row in rows.values() if row.kind == kind]


@pytest.mark.parametrize(
    ("name", "after_packages"),
    [
        ("new-new", ["pair-connection", "pair-live-sync"]),
        ("new-existing", ["pair-company-usmf", "pair-connection", "pair-live-sync", "pair-bootstrap-usmf"]),
        ("new-demo-new", ["pair-connection", "pair-live-sync"]),
        ("new-demo-existing", ["pair-company-cont", "pair-connection", "pair-bootstrap-cont", "pair-live-sync"]),
        ("existing-new", ["pair-connection", "pair-live-sync"]),
        (
            "existing-existing",
            ["pair-connection", "pair-bootstrap-tseu", "pair-bootstrap-tsus", "pair-live-sync"],
        ),
    ],
)
def test_children_follow_the_set_up_of_the_scenario(name: str, after_packages: list[str]) -> None:
    rows = declared(name)
    packages = [row.name for row in of_kind(rows, "ApplicationPackage")]
    order = ["pair-cds", "pair-finops", *packages, *after_packages]
    assert list(rows) == ["pair", *order]
    for before, after in pairwise(order):
        assert before in rows[after].after, f"{after} does not wait for {before}"


@pytest.mark.parametrize(
    ("name", "protected"),
    [
        ("new-new", {"pair-cds", "pair-finops"}),
        ("new-existing", set()),
        ("new-demo-new", {"pair-cds", "pair-finops"}),
        ("new-demo-existing", set()),
        ("existing-new", {"pair-cds"}),
        ("existing-existing", set()),
    ],
)
def test_what_the_stack_creates_is_protected(name: str, protected: set[str]) -> None:
    assert {row.name for row in declared(name).values() if row.protected} == protected


@pytest.mark.parametrize(
    ("name", "cds"),
    [
        ("new-existing", {"cloud": "emulator", "instance": "existing", "url": FABRIKAM}),
        ("new-demo-existing", {"cloud": "emulator", "instance": "existing", "url": ADVENTURE}),
        (
            "existing-existing",
            {"cloud": "emulator", "instance": "existing", "url": TAILSPIN, "finops": TAILSPIN_ERP},
        ),
    ],
)
def test_existing_cds_has_an_address_and_nothing_else(name: str, cds: dict[str, Any]) -> None:
    assert inputs_of(declared(name)["pair-cds"]) == cds


@pytest.mark.parametrize(
    ("name", "finops"),
    [
        ("existing-new", {"cds": "northwind-ce", "url": NORTHWIND_ERP, "location": "europe"}),
        ("existing-existing", {"cds": TAILSPIN, "url": TAILSPIN_ERP}),
    ],
)
def test_existing_finops_has_an_address_and_a_place_to_be(name: str, finops: dict[str, Any]) -> None:
    expected = {"cloud": "emulator", "instance": "existing", **finops}
    assert inputs_of(declared(name)["pair-finops"]) == expected


def test_finops_on_an_existing_cds_is_told_nothing_of_a_new_one() -> None:
    finops = inputs_of(declared("new-demo-existing")["pair-finops"])
    assert finops == {
        "cloud": "emulator",
        "cds": ADVENTURE,
        "data": "demo",
        "developer_tools": False,
        "timeout": "4h",
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("preview", [False, True])
def test_providers_take_every_declared_input(name: str, preview: bool) -> None:
    for row in declared(name, preview=preview).values():
        if row.kind in PROVIDERS:
            provider = PROVIDERS[row.kind]
            inputs = provider.inputs.model_validate(inputs_of(row))
            assert provider.problems(inputs, None) is not None
            assert not list(provider.problems(inputs, None))


@pytest.mark.parametrize("name", NAMES)
def test_all_resources_name_the_pair_alike(name: str) -> None:
    stack, rows = stack_of(name), declared(name)
    children = [inputs_of(row) for row in rows.values() if row.kind not in ("DualWritePair", "CdsInstance")]
    assert {inputs["cds"] for inputs in children} == {stack.cds.domain or stack.cds.url}
    linked = [inputs_of(rows[f"pair-{child}"]) for child in ("connection", "live-sync")]
    assert [inputs.get("finops") for inputs in linked] == [stack.finops.url] * 2
    assert linked[0]["companies"] == linked[1]["companies"] == (stack.connection.companies or ["DAT"])


def test_companies_are_created_as_declared() -> None:
    assert inputs_of(declared("new-existing")["pair-company-usmf"]) == {
        "cloud": "emulator",
        "cds": FABRIKAM,
        "code": "USMF",
        "name": "Contoso Entertainment System USA",
        "country": "USA",
        "timeout": "30m",
    }


@pytest.mark.parametrize(
    ("name", "child", "business_units", "tables", "order"),
    [
        ("new-existing", "pair-bootstrap-usmf", ["Fabrikam Retail", "Fabrikam Online"], GROUPS_FIRST, "live"),
        ("new-demo-existing", "pair-bootstrap-cont", None, GROUPS_FIRST, "before-live-sync"),
        ("existing-existing", "pair-bootstrap-tseu", ["Tailspin Europe"], GROUPS_FIRST, "before-live-sync"),
        ("existing-existing", "pair-bootstrap-tsus", ["Tailspin US"], GROUPS_FIRST[:3], "before-live-sync"),
    ],
)
def test_bootstrap_is_as_declared(
    name: str, child: str, business_units: list[str] | None, tables: list[str], order: str
) -> None:
    inputs = inputs_of(declared(name)[child])
    assert (inputs.get("business_units"), inputs["tables"], inputs["order"]) == (business_units, tables, order)
    assert (inputs["overwrite"], inputs["simulate"], inputs["max_failures"]) == (False, False, 100)


@pytest.mark.parametrize("name", NAMES)
def test_initial_sync_covers_every_map_where_the_scenario_has_one(name: str) -> None:
    inputs = inputs_of(declared(name)["pair-live-sync"])
    has_one = name not in ("new-new", "new-existing")
    assert inputs.get("initial_sync", {}) == (dict.fromkeys(inputs["maps"], "finops") if has_one else {})
    assert not inputs.get("resync")


@pytest.mark.parametrize("name", NAMES)
def test_keys_of_party_tables_are_set(name: str) -> None:
    keys = inputs_of(declared(name)["pair-live-sync"])["integration_keys"]
    assert set(keys) == {"accounts", "contacts", "msdyn_contactforparties", "msdyn_vendors"}
    assert set(keys) <= {entry.table for entry in standard().maps.values()}


def test_live_sync_learns_in_private_what_ran_before() -> None:
    live_sync = declared("existing-existing")["pair-live-sync"]
    assert live_sync.inputs["__running_before"] == ["accounts - A"]
    assert "running_before" not in inputs_of(live_sync)


def test_bootstrap_learns_in_private_what_is_linked() -> None:
    bootstrap = declared("existing-existing")["pair-bootstrap-tseu"]
    assert bootstrap.inputs["__linked_companies"] == ["DAT"]
    assert "linked_companies" not in inputs_of(bootstrap)


def outputs_of(name: str, answers: dict[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    stack = stack_of(name)

    def program() -> Any:
        return pulumi.Output.all(**DualWritePair("pair", stack, TODAY).outputs).apply(seen.update)

    run(program, answers=answers)
    return seen


def test_outputs_count_the_rows_of_each_company() -> None:
    outputs = outputs_of("existing-existing", {"pair-bootstrap-tsus": {"rows": {"accounts": 3, "contacts": 0}}})
    assert outputs["bootstrapped_rows"] == {"TSEU": {"accounts": 7}, "TSUS": {"accounts": 3, "contacts": 0}}
    assert outputs["ready"] is True


@pytest.mark.parametrize(
    ("child", "answer"), [("pair-bootstrap-tsus", {"complete": False}), ("pair-live-sync", {"ready": False})]
)
def test_pair_is_ready_when_maps_and_bootstraps_are(child: str, answer: dict[str, Any]) -> None:
    assert outputs_of("existing-existing", {child: answer})["ready"] is False


def test_two_scenarios_stand_in_one_program() -> None:
    def program() -> None:
        for name in ("new-existing", "existing-existing"):
            DualWritePair(name, stack_of(name), TODAY)

    rows = run(program)
    assert {"new-existing-company-usmf", "existing-existing-bootstrap-tseu"} <= set(rows)
    for row in rows.values():
        own = {name for name in rows if name.startswith(row.name[:8])}
        assert row.after <= own
        assert row.parent in own or row.kind == "DualWritePair"
