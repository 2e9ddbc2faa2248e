import json
from collections.abc import Mapping
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from tools import pulumi_cli, summary
from tools.exit_codes import NotRead
from tools.pulumi_cli import Deployment


@pytest.mark.parametrize(
    ("counts", "changed"),
    [
        ({"same": 9}, False),
        ({"same": 8, "update": 1}, True),
        ({"create": 9}, True),
        ({}, False),
        (None, False),
    ],
)
def test_only_real_changes_count_as_change(counts: dict[str, int] | None, changed: bool) -> None:
    assert pulumi_cli.changed({"resourceChanges": counts}) is changed


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"resourceChanges": {"same": 9}}, "9 unchanged"),
        ({"resourceChanges": {"same": 8, "create": 2, "delete": 1}}, "2 created, 1 deleted, 8 unchanged"),
        ({}, "nothing to do"),
    ],
)
def test_summary_counts_changes_in_words(update: dict[str, Any], words: str) -> None:
    assert summary.changes(update) == words


def test_summary_counts_maps_by_state() -> None:
    assert summary.states({"a": "Running", "b": "Stopped", "c": "Running"}) == "2 Running, 1 Stopped"


BOOTSTRAP = {"company": "USMF", "rows": {"accounts": 1096.0, "contacts": 60.0}, "unstamped": {"accounts": 0.0}}


def test_state_gives_outputs_and_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = {"type": "pulumi:pulumi:Stack", "outputs": {"ready": True}}
    live_sync = {"type": "pulumi-python:dynamic/dualwrite:LiveSync", "outputs": {"ready": True}}
    replaced = live_sync | {"delete": True}
    text = json.dumps({"version": 3, "deployment": {"resources": [stack, live_sync, replaced]}})
    monkeypatch.setattr(pulumi_cli, "ask", lambda *_: text)
    found = pulumi_cli.deployment("new-new", {})
    assert found.outputs == {"ready": True}
    assert found.of_type("LiveSync") == [{"ready": True}]


def test_state_of_an_empty_stack_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi_cli, "ask", lambda *_: '{"version": 3, "deployment": {}}')
    assert pulumi_cli.deployment("new-new", {}) == Deployment({}, [])


@pytest.mark.parametrize(
    ("given", "heading", "cell"),
    [
        ({}, "stamped", "USMF: accounts 1,096, contacts 60"),
        (
            {"unstamped": {"accounts": 2.0}},
            "stamped",
            "USMF: accounts 1,096, contacts 60; without a company still: accounts 2",
        ),
        ({"simulate": True, "unstamped": {"accounts": 2.0}}, "would be stamped", "USMF: accounts 1,096, contacts 60"),
    ],
)
def test_summary_of_a_bootstrap(given: dict[str, Any], heading: str, cell: str) -> None:
    assert summary.stamped(BOOTSTRAP | given) == (heading, cell)


def test_summary_of_initial_syncs_adds_maps_up() -> None:
    syncs = {
        "accounts": {"USMF": {"upserts": 30.0, "errors": 0.0}, "DAT": {"upserts": 0.0, "errors": 0.0}},
        "vendors": {"USMF": {"upserts": 12.0, "errors": 1.0}},
    }
    assert summary.initial_syncs([{"initial_syncs": syncs}]) == "DAT 0, USMF 42; in error: USMF 1"
    assert summary.initial_syncs([{"initial_syncs": {}}, {}]) == ""


def test_summary_is_one_line_each_however_narrow_the_log() -> None:
    console = Console(file=StringIO(), width=30, record=True)
    url = "https://tailspin-erp.sandbox.operations.eu.dynamics.com"
    resources = [{"type": "pulumi-python:dynamic/dualwrite:CompanyBootstrap", "outputs": BOOTSTRAP}]
    deployment = Deployment({"finops_url": url, "linked_companies": ["DAT", "USMF"], "ready": True}, resources)
    summary.show(
        "existing-existing",
        deployment,
        [{"resourceChanges": {"create": 16}, "endTime": "2026-11-26T14:09:07Z"}],
        console,
    )
    lines = console.export_text().splitlines()
    assert lines[0] == "existing-existing: 16 created"
    assert [line.split()[0] for line in lines[1:]] == [
        "Dataverse",
        "Finance",
        "companies",
        "maps",
        "stamped",
        "ready",
        "as",
    ]
    assert lines[2].endswith(url)


def test_stack_that_another_command_creates_meanwhile_is_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def ask(arguments: tuple[str, ...], _environment: Mapping[str, str]) -> str:
        asked.append(arguments)
        if "--create" in arguments:
            raise NotRead("error: stack 'new-new' already exists")
        return ""

    monkeypatch.setattr(pulumi_cli, "ask", ask)
    pulumi_cli.select("new-new", {})
    assert asked == [("stack", "select", "new-new", "--create"), ("stack", "select", "new-new")]


def test_stack_that_cannot_be_created_is_told_with_the_first_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(arguments: tuple[str, ...], _environment: Mapping[str, str]) -> str:
        raise NotRead("incorrect passphrase" if "--create" in arguments else "no stack named 'new-new' found")

    monkeypatch.setattr(pulumi_cli, "ask", ask)
    with pytest.raises(NotRead, match="incorrect passphrase"):
        pulumi_cli.select("new-new", {})
