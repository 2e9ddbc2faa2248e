"""The pair under Pulumi's mocks: its children, their names, order, protection and inputs, and its outputs."""

from collections.abc import Callable
from datetime import date
from itertools import pairwise
from typing import Any

import pulumi
import pytest

from components.dual_write_pair import DualWritePair
from components.stack import (
    Bootstrap,
    Cds,
    Confirmation,
    Connection,
    FinOps,
    LegalEntity,
    Limits,
    Maps,
    Override,
    Solution,
    Stack,
)
from tests.component.recording import PROVIDERS, Registered, run

TODAY = date(2026, 11, 23)
ERP = "https://contoso-erp.sandbox.operations.eu.dynamics.com"
GROUPS = "msdyn_customergroups - Customer groups"


def stack_of(**changes: Any) -> Stack:
    cds = Cds(
        instance="new", name="contoso-uat", domain="contoso-uat", location="europe", currency="EUR", language=1033
    )
    maps = Maps(include=["application-core"])
    given: dict[str, Any] = {"cds": cds, "finops": FinOps(instance="new", data="empty"), "maps": maps}
    return Stack(**{**given, **changes})


def declared(stack: Stack | None = None, *, preview: bool = False) -> dict[str, Registered]:
    return run(lambda: DualWritePair("pair", stack or stack_of(), TODAY), preview=preview)


def kinds(rows: dict[str, Registered]) -> list[str]:
    return list(dict.fromkeys(row.kind for row in rows.values()))


def confirmed(action: Any, target: str = "contoso-uat", until: str = "2027-01-31") -> Stack:
    return stack_of(confirm=(Confirmation(action=action, target=target, until=until),))


def test_children_come_in_order_of_real_setup() -> None:
    assert kinds(declared()) == [
        "DualWritePair",
        "CdsInstance",
        "FinOpsInstance",
        "ApplicationPackage",
        "DualWriteConnection",
        "LiveSync",
    ]


def test_each_child_waits_for_the_one_before() -> None:
    children = [row for row in declared().values() if row.kind != "DualWritePair"]
    assert children[0].after == frozenset()
    for before, row in pairwise(children):
        assert before.name in row.after, f"{row.name} does not wait for {before.name}"


def test_every_child_belongs_to_the_pair() -> None:
    rows = declared()
    assert {row.parent for row in rows.values() if row.kind != "DualWritePair"} == {"pair"}


def test_names_of_children_derive_from_the_pair() -> None:
    rows = declared()
    assert list(rows)[:3] == ["pair", "pair-cds", "pair-finops"]
    assert list(rows)[-2:] == ["pair-connection", "pair-live-sync"]
    assert "pair-msdyn-dualwriteappcoreanchor" in rows


def test_two_pairs_stand_in_one_program() -> None:
    def program() -> None:
        for name in ("first", "second"):
            cds = stack_of().cds.model_copy(update={"domain": f"contoso-{name}"})
            DualWritePair(name, stack_of(cds=cds), TODAY)

    rows = run(program)
    assert {row.inputs["domain"] for row in rows.values() if row.kind == "CdsInstance"} == {
        "contoso-first",
        "contoso-second",
    }
    for row in rows.values():
        own = {name for name in rows if name.startswith(row.name.partition("-")[0])}
        assert row.after <= own
        assert row.parent in own or row.kind == "DualWritePair"


@pytest.mark.parametrize("preview", [False, True])
def test_providers_take_every_declared_input(preview: bool) -> None:
    rows = declared(preview=preview)
    for row in rows.values():
        if row.kind in PROVIDERS:
            model = PROVIDERS[row.kind].inputs
            model.model_validate({key: value for key, value in row.inputs.items() if key in model.model_fields})


@pytest.mark.parametrize("tenant", ["contoso.onmicrosoft.com", None])
def test_every_child_learns_the_tenant(tenant: str | None) -> None:
    maps = Maps(include=[GROUPS], overrides={GROUPS: Override(version="1.0.0.0")})
    companies = (LegalEntity(code="USMF", name="Contoso", country="USA"),)
    stack = stack_of(tenant=tenant, maps=maps, companies=companies, bootstrap=(Bootstrap(company="DAT"),))
    rows = [row for row in declared(stack).values() if row.kind != "DualWritePair"]
    assert {row.kind for row in rows} == set(PROVIDERS)
    assert {row.inputs.get("tenant") for row in rows} == {tenant}


def test_created_instances_alone_are_protected() -> None:
    assert {row.kind for row in declared().values() if row.protected} == {"CdsInstance", "FinOpsInstance"}


@pytest.mark.parametrize(
    ("stack", "is_protected"),
    [
        (confirmed("delete-environment"), False),
        (confirmed("delete-environment", target="Contoso-UAT"), False),
        (confirmed("delete-environment", target="contoso-prod"), True),
        (confirmed("delete-environment", until="2026-11-22"), True),
        (confirmed("delete-environment", until="2026-11-23"), False),
        (confirmed("replace-environment", target="contoso-old"), False),
        (confirmed("replace-environment", until="2026-11-22"), True),
        (confirmed("discard-queue"), True),
    ],
)
def test_only_consent_that_counts_lifts_protection(stack: Stack, is_protected: bool) -> None:
    rows = declared(stack)
    assert {rows[name].protected for name in ("pair-cds", "pair-finops")} == {is_protected}


def test_cds_instance_judges_the_consents_itself() -> None:
    entry = {"action": "delete-environment", "target": "contoso-uat", "until": "2026-11-22"}
    assert declared(confirmed(**entry))["pair-cds"].inputs["confirm"] == [entry]


def test_packages_follow_from_maps_in_documented_order() -> None:
    rows = declared()
    packages = [row.inputs["package"] for row in rows.values() if row.kind == "ApplicationPackage"]
    assert packages == ["DualWriteCoreAnchor", "msdyn_DualWriteAppCoreAnchor"]
    assert rows["pair-connection"].inputs["solutions"] == ["msdyn_DualWriteAppCoreMaps"]


def test_own_package_list_is_taken_as_written() -> None:
    rows = declared(stack_of(connection=Connection(packages=["Second", "First"])))
    assert [row.inputs["package"] for row in rows.values() if row.kind == "ApplicationPackage"] == ["Second", "First"]
    assert "pair-first" in rows["pair-connection"].after


def test_without_packages_the_link_waits_for_finops() -> None:
    assert "pair-finops" in declared(stack_of(connection=Connection(packages=[])))["pair-connection"].after


def test_override_sets_the_state_of_its_map() -> None:
    maps = Maps(include=[GROUPS], state="running", overrides={GROUPS: Override(state="paused")})
    states = declared(stack_of(maps=maps))["pair-live-sync"].inputs["maps"]
    assert states[GROUPS] == "paused"
    assert set(states.values()) == {"paused", "running"}


def test_prerequisites_and_dropped_maps_are_shown() -> None:
    inputs = declared(stack_of(maps=Maps(include=["application-core", "finance"])))["pair-live-sync"].inputs
    assert "msdyn_parties - CDS Parties" in inputs["prerequisites_added"]
    assert "contacts - CDS Contacts V2 (Vendor): replaced by msdyn_contactforparties - Contacts V2" in inputs["dropped"]


def test_inputs_hold_no_ids_of_the_service() -> None:
    for row in declared().values():
        assert row.inputs.get("cds", "contoso-uat") == "contoso-uat"


def test_consents_go_where_they_are_judged() -> None:
    reset = {"action": "reset-link", "target": "contoso-uat", "until": "2027-01-31"}
    rows = declared(confirmed(**reset))
    assert rows["pair-connection"].inputs["confirm"] == [reset]
    assert "confirm" not in rows["pair-cds"].inputs
    assert rows["pair-cds"].protected
    assert all("confirm" not in row.inputs for name, row in rows.items() if name != "pair-connection")


def test_consent_to_the_end_of_the_environment_goes_to_everything_on_it() -> None:
    entry = {"action": "delete-environment", "target": "contoso-uat", "until": "2027-01-31"}
    rows = declared(confirmed(**entry))
    assert all(row.inputs["confirm"] == [entry] for name, row in rows.items() if name != "pair")


def test_limits_reach_those_who_check_them() -> None:
    limits = Limits(live_companies=300, initial_sync_companies=50, initial_sync_rows=9, single_threaded_rows=8)
    rows = declared(stack_of(limits=limits))
    assert rows["pair-connection"].inputs["live_companies_limit"] == 300
    given = rows["pair-live-sync"].inputs
    assert [
        given[f"{name}_limit"] for name in ("initial_sync_companies", "initial_sync_rows", "single_threaded_rows")
    ] == [
        50,
        9,
        8,
    ]


def test_companies_wait_for_packages_alone_and_link_for_all() -> None:
    companies = tuple(LegalEntity(code=code, name=code, country="USA") for code in ("USMF", "FRRT"))
    rows = declared(stack_of(companies=companies))
    last_package = [row.name for row in rows.values() if row.kind == "ApplicationPackage"][-1]
    assert rows["pair-company-usmf"].after == rows["pair-company-frrt"].after == {last_package}
    assert rows["pair-connection"].after == {last_package, "pair-company-usmf", "pair-company-frrt"}


def test_outputs_say_what_the_services_hold() -> None:
    seen: dict[str, Any] = {}

    def program() -> Any:
        return pulumi.Output.all(**DualWritePair("pair", stack_of(), TODAY).outputs).apply(seen.update)

    run(program)
    assert {name: value for name, value in seen.items() if name != "maps"} == {
        "finops_url": "https://contoso-uat.operations.dynamics.com",
        "cds_url": "https://contoso-uat.crm4.dynamics.com",
        "connection_id": "c-1",
        "linked_companies": ["DAT"],
        "bootstrapped_rows": {},
        "ready": True,
    }
    assert set(seen["maps"].values()) == {"running"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: {"cds": Cds(instance="new", domain="contoso")}, r"cds\.name is required"),
        (lambda: {"finops": FinOps(instance="new")}, r"finops\.data is required"),
        (lambda: {"cds": Cds(instance="existing")}, r"cds\.url or cds\.environmentId is required for an existing"),
        (lambda: {"finops": FinOps(instance="existing")}, r"finops\.url is required for an existing instance"),
        (
            lambda: {"finops": FinOps(instance="existing", url=ERP)},
            r"connection\.companies is required for an existing",
        ),
        (lambda: {"maps": Maps(include=["warehouse"])}, r"maps\.include\[0\] there is no area"),
    ],
)
def test_wrong_arguments_fail_before_declaring(change: Callable[[], dict[str, Any]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        declared(stack_of(**change()))


def test_pinned_maps_are_resources_between_link_and_live_sync() -> None:
    pin = Override(version="latest", author="Contoso", state="paused")
    rows = declared(stack_of(maps=Maps(include=[GROUPS], overrides={GROUPS: pin})))
    row = rows["pair-map-msdyn-customergroups-customer-groups"]
    assert (row.kind, row.inputs["version"], row.inputs["author"]) == ("EntityMap", "latest", "Contoso")
    assert row.inputs["__run_state"] == "paused"
    assert "pair-connection" in row.after
    assert row.name in rows["pair-live-sync"].after
    assert rows["pair-connection"].inputs["__initialise"] == [GROUPS]
    assert rows["pair-live-sync"].inputs["pinned"] == [GROUPS]


def test_custom_maps_and_own_solutions_reach_the_link() -> None:
    custom = "contoso_projects - Contoso projects"
    maps = Maps(include=[GROUPS], custom=[custom], catch_up="keep-as-errors")
    connection = Connection(solutions=[Solution(name="ContosoMaps", version="1.2.0.0")])
    rows = declared(stack_of(maps=maps, connection=connection))
    assert rows["pair-live-sync"].inputs["maps"][custom] == "running"
    assert rows["pair-live-sync"].inputs["catch_up"][custom] == "keep-as-errors"
    assert rows["pair-connection"].inputs["own_solutions"] == {"ContosoMaps": "1.2.0.0"}


def test_reset_of_the_link_reaches_all_that_has_to_be_restored_and_an_empty_text_nothing() -> None:
    maps = Maps(include=[GROUPS], overrides={GROUPS: Override(version="1.0.0.3")})
    names = ("pair-connection", "pair-map-msdyn-customergroups-customer-groups", "pair-live-sync")
    for text, given in (("2026-11", "2026-11"), (" ", None)):
        rows = declared(stack_of(maps=maps, connection=Connection(reset=text)))
        assert [rows[name].inputs.get("reset") for name in names] == [given] * 3
