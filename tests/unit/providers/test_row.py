"""The row of a resource: the URN that it is declared under, the ownership mark, lines that never fail."""

import sys
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from providers.protocol.row import Row, engine_address, log, row_input


class Services(mocks.Mocks):
    """Every resource gets what it asked for."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        return f"{args.name}-id", args.inputs


TYPE = "pulumi-python:dynamic/dualwrite:CdsInstance"

pytestmark = pytest.mark.usefixtures("current_loop")


def rows(*parents: str, preview: bool = False) -> dict[str, Any]:
    """The row of a resource `cds` below a chain of components."""
    mocks.set_mocks(Services(), project="dualwrite", stack="uat", preview=preview)
    seen: dict[str, Any] = {}

    def program() -> Any:
        parent: pulumi.Resource | None = None
        for token in parents:
            parent = pulumi.ComponentResource(token, token.rpartition(":")[2], None, pulumi.ResourceOptions(parent))
        return pulumi.Output.from_input(row_input(TYPE, "cds", pulumi.ResourceOptions(parent=parent))).apply(
            seen.update
        )

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    # The engine leaves the stack itself out of a type chain, the mocks do not.
    return {name: value.replace("pulumi:pulumi:Stack$", "") for name, value in seen.items()}


@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize(
    ("parents", "chain"),
    [
        ((), ""),
        (("dualwrite:components:Pair",), "dualwrite:components:Pair$"),
        (("a:b:Outer", "dualwrite:components:Pair"), "a:b:Outer$dualwrite:components:Pair$"),
    ],
)
def test_urn_is_the_one_the_engine_gives(parents: tuple[str, ...], chain: str, preview: bool) -> None:
    urn = f"urn:pulumi:uat::dualwrite::{chain}{TYPE}::cds"
    assert rows(*parents, preview=preview) == {"urn": urn, "project": "dualwrite", "stack": "uat"}


def test_row_knows_its_stack_and_its_ownership_mark() -> None:
    row = Row.from_bag({"urn": "u", "project": "dualwrite", "stack": "uat"})
    assert row.ownership_mark == "dual-write dualwrite/uat"
    assert Row.from_bag({}) == Row()


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["provider", "127.0.0.1:4000"], "127.0.0.1:4000"),
        (["provider"], None),
        (["pytest", "tests/unit"], None),
        (["pytest", "tests/test.py::name"], None),
    ],
)
def test_engine_is_named_by_the_last_argument(
    arguments: list[str], found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", arguments)
    assert engine_address() == found


def test_line_without_an_engine_is_dropped_quietly() -> None:
    log(Row("u"), "text", ephemeral=True)
