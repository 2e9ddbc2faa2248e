"""No consent, no irreversible step, also in a program of the user's own; options of resources keep their meaning."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.harness import Project, Tenant
from tests.engine.pages import planned
from tools.workspace import ROOT

PROGRAM = Path(__file__).parent / "programs" / "own_cds"
UNTIL = '"2999-12-31"'


def declared(name: str = "Own", domain: str = "contoso-own", *more: str) -> str:
    return "\n".join((f"own:name: {name}", f"own:domain: {domain}", *more))


def consent(action: str, target: str = "contoso-own") -> str:
    return f"own:confirm: [{{action: {action}, target: {target}, until: {UNTIL}}}]"


@pytest.fixture
def own(engine: Path, tenant: Tenant, warm_python: Path, tmp_path: Path) -> Project:
    """The user's own program, up, with one CDS instance and nothing that protects it."""
    tenant.control("reset", {})
    files = [*sorted(PROGRAM.glob("*.*")), ROOT / "providers", ROOT / ".venv"]
    project = Project(tmp_path, engine, files, tenant.variables(), warm_python)
    project.configure(declared())
    project.up()
    return project


def deletions(tenant: Tenant, since: int) -> list[str]:
    return [each for each in tenant.writes(since) if each.startswith("DELETE")]


def test_deletion_without_consent_is_refused_by_the_resource_itself(own: Project, tenant: Tenant) -> None:
    before = tenant.now()
    text = own.destroy(expect=1).text
    assert "{action: delete-environment, target: contoso-own, until: <date>}" in text
    assert not deletions(tenant, before)
    own.configure(declared("Own", "contoso-own", consent("delete-environment")))
    own.up()
    own.destroy()
    assert len(deletions(tenant, before)) == 1
    assert not own.resources()


def test_replacement_without_consent_is_refused_with_the_line_to_add(own: Project, tenant: Tenant) -> None:
    before = tenant.now()
    own.configure(declared("Other", "contoso-other"))
    (refusal,) = planned(own, expect=1).refusals
    assert refusal.code == "DW-C02"
    assert "{action: replace-environment, target: contoso-own, until: <date>}" in refusal.text
    assert own.up(expect=1).code == 1
    assert not tenant.writes(before)


def test_ignored_change_is_no_change(own: Project) -> None:
    own.configure(declared("Renamed", "contoso-own", "own:ignore: [name]"))
    own.preview("--expect-no-changes")


def test_retained_instance_outlives_its_stack(own: Project, tenant: Tenant) -> None:
    own.configure(declared("Own", "contoso-own", "own:retain: true"))
    own.up()
    before = tenant.now()
    own.destroy()
    assert not own.resources()
    assert not tenant.writes(before)
    assert "contoso-own" in tenant.shown()


def test_targeted_up_leaves_the_others_alone(own: Project, tenant: Tenant) -> None:
    own.configure(declared("Renamed", "contoso-own", "own:package: true"))
    (cds,) = [row["urn"] for row in own.resources()]
    own.up("--target", cds)
    assert [row["urn"] for row in own.resources()] == [cds]
    assert "Renamed" in tenant.shown()
    assert {step.name for step in planned(own).steps} == {"package"}


def test_credentials_of_another_tenant_remove_nothing_and_name_both(
    own: Project, tenant: Tenant, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ours = own.variables["AZURE_TENANT_ID"]
    held = [(row["id"], row["outputs"]) for row in own.resources()]
    other = Tenant(tmp_path_factory.mktemp("other"))
    try:
        own.variables = other.variables()
        own.destroy(expect=1)
        texts = [own.refresh(expect=1).text]
        assert {row["service"] for row in other.requests()} <= {"login"}
        # A changed name is looked up before anybody knows whose state it is: `check` is not shown what is stored.
        own.configure(declared("Renamed"))
        texts.append(own.up(expect=1).text)
        assert [text for text in texts if not (ours in text and own.variables["AZURE_TENANT_ID"] in text)] == []
        assert other.writes() == []
        assert [(row["id"], row["outputs"]) for row in own.resources()] == held
    finally:
        other.stop()


def test_refused_change_leaves_the_instance_as_it_was(own: Project, tenant: Tenant) -> None:
    before = tenant.now()
    own.configure(declared("Own", "contoso-own", "own:location: asia"))
    assert {finding.code for finding in planned(own, expect=1).refusals} == {"DW-C03"}
    own.up(expect=1)
    assert not tenant.writes(before)


def test_input_of_the_creation_means_nothing_afterwards(own: Project, tenant: Tenant) -> None:
    partner = "own:finops: https://{}-erp.sandbox.operations.eu.dynamics.com"
    url = "own:url: https://fabrikam-sales.crm4.dynamics.com"
    own.configure("\n".join((url, partner.format("tailspin"))), "existing")
    own.up()
    own.configure("\n".join((url, partner.format("northwind"))), "existing")
    before = tenant.now()
    own.up("--expect-no-changes")
    assert not tenant.writes(before)


KINDS: dict[str, tuple[Callable[[str], str], str, list[str]]] = {
    "update in place": (lambda _: declared("Renamed"), "update", ["name"]),
    "no change of its own": (lambda _: declared("Own", "contoso-own", "own:timeout: 3h"), "", []),
    "recorded": (lambda _: declared("Own", "contoso-own", consent("delete-environment")), "update", ["confirm"]),
    "replace": (lambda _: declared("Other", "contoso-other", consent("replace-environment")), "replace", ["domain"]),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_preview_and_result_are_what_the_change_table_says(kind: str, own: Project, tenant: Tenant) -> None:
    change, operation, inputs = KINDS[kind]
    (held,) = own.resources()
    own.configure(change(kind))
    steps = planned(own).steps
    assert [step.operation for step in steps] == ([operation] if operation else [])
    assert all(name in step.changed for step in steps for name in inputs)
    before = tenant.now()
    own.up()
    assert kind != "recorded" or not tenant.requests(before)
    (now,) = own.resources()
    assert (now["id"] == held["id"]) == (operation != "replace")
    assert all(now["outputs"][name] != held["outputs"].get(name) for name in inputs)
    own.preview("--expect-no-changes")
