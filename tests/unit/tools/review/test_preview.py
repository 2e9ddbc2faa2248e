"""The engine's JSON as data: codes and fields, no prose."""

import pytest

from tests.unit.tools.review.plans import maps, plan, said, step, urn
from tools.exit_codes import NotRead
from tools.review.preview import read


@pytest.mark.parametrize("text", ["", "error: no stack", "[]", "{}", '{"steps'])
def test_what_is_no_plan_could_not_be_read(text: str) -> None:
    with pytest.raises(NotRead, match="printed no plan"):
        read("uat", text)


def test_hidden_inputs_secrets_and_unknown_values_never_reach_the_page() -> None:
    hidden = {
        "__provider": "gASV",
        "password": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"},
        "url": "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    }
    (only,) = plan(step("CdsInstance", "create", new=hidden)).steps
    assert only.new == {"password": "(secret)", "url": "(known during up)"}


def test_stack_components_providers_and_refreshes_are_no_steps() -> None:
    others = [
        {"op": "create", "urn": "a", "newState": {"type": "dualwrite:components:DualWritePair", "custom": False}},
        {"op": "create", "urn": "b", "newState": {"type": "pulumi:providers:pulumi-python", "custom": True}},
        step("LiveSync", "refresh", old=maps(a="running"), new=maps(a="running")),
    ]
    assert plan(*others).steps == ()


def test_findings_are_read_by_their_code_wherever_it_stands() -> None:
    refused = (
        "error: pulumi-python:dynamic/dualwrite:X resource 'x': property a value {1} has a problem: DW-C02 no consent\n"
    )
    preview = plan(
        diagnostics=[
            said("DW-N01 CdsInstance 'uat': not checked: the version\n"),
            said("DW-N01 CdsInstance 'uat': not checked: the version\n"),
            said(refused, severity="error"),
            said("error: something else", severity="error"),
            said("LiveSync 'uat': a word", severity="info"),
        ]
    )
    assert [finding.code for finding in preview.findings] == ["DW-C02", "DW-N01"]
    assert preview.refusals[0].text == "a: no consent"
    assert preview.of_kind("N")[0].sentence == "not checked: the version"
    assert preview.findings[0].urn == urn("LiveSync", "pair-LiveSync")
    assert preview.errors == ("something else",)
