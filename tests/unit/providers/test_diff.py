"""The pure comparison of held and wanted property bags."""

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from providers.protocol.diff import Meaning, difference
from providers.protocol.marks import Address, BelongsTo, CaseBlind, Minimum, NotCompared, Replaces, Unordered


class Thing(BaseModel):
    name: str
    domain: Annotated[str, Replaces()]
    companies: Annotated[list[str], Unordered(), CaseBlind()] = []
    steps: list[str] = []
    version: Annotated[str | None, Minimum()] = None
    timeout: Annotated[str, NotCompared()] = "2h"


HELD: dict[str, Any] = {
    "name": "a",
    "domain": "a",
    "companies": ["DAT", "USMF"],
    "steps": ["x", "y"],
    "version": "10.0.9",
}


@pytest.mark.parametrize(
    ("wanted", "changed", "replaced"),
    [
        ({}, [], []),
        ({"name": "b"}, ["name"], []),
        ({"domain": "b"}, ["domain"], ["domain"]),
        ({"companies": ["usmf", "dat", "DAT"]}, [], []),
        ({"companies": ["DAT"]}, ["companies"], []),
        ({"steps": ["y", "x"]}, ["steps"], []),
        ({"version": "10.0.10"}, ["version"], []),
        ({"version": "10.0.8"}, [], []),
        ({"version": None}, [], []),
        ({"timeout": "1h"}, [], []),
        ({"name": "b", "domain": "b"}, ["name", "domain"], ["domain"]),
    ],
)
def test_difference_names_changed_and_replaced_fields(
    wanted: dict[str, Any], changed: list[str], replaced: list[str]
) -> None:
    found = difference(Thing, HELD, {**HELD, **wanted})
    assert (found.fields, found.replaces) == (changed, replaced)


def test_unknown_value_changes_but_never_replaces() -> None:
    found = difference(
        Thing, HELD, {name: value for name, value in HELD.items() if name != "domain"}, unknown={"domain"}
    )
    assert (found.fields, found.replaces) == (["domain"], [])


def test_old_state_without_new_field_holds_its_default() -> None:
    held = {name: value for name, value in HELD.items() if name != "steps"}
    assert not difference(Thing, held, {**held, "steps": []})
    assert difference(Thing, held, {**held, "steps": ["x"]}).fields == ["steps"]


def test_meaning_of_a_field_overrules_comparison() -> None:
    found = difference(
        Thing,
        HELD,
        {**HELD, "name": "A"},
        means=lambda field, held, wanted: Meaning.SAME if field == "name" or held == wanted else Meaning.OTHER,
    )
    assert not found


@pytest.mark.parametrize(
    ("installed", "wanted", "enough"),
    [
        ("10.0.45.5", "10.0.9", True),
        ("10.0.45.10", "10.0.45.5", True),
        ("10.0.45", "10.0.45.0", True),
        ("10.0.45.0", "10.0.45", True),
        ("10.0.9", "10.0.45", False),
        ("unknown", "10.0.45", False),
    ],
)
def test_minimum_is_the_order_of_versions(installed: str, wanted: str, enough: bool) -> None:
    held = {**HELD, "version": installed}
    assert bool(difference(Thing, held, {**held, "version": wanted})) is not enough


def test_address_is_its_host() -> None:
    class Placed(BaseModel):
        url: Annotated[str, Address(), Replaces()]

    held = {"url": "https://Contoso.crm4.dynamics.com:443/"}
    assert not difference(Placed, held, {"url": "https://contoso.crm4.dynamics.com"})
    assert difference(Placed, held, {"url": "https://contoso.crm.dynamics.com"}).replaces == ["url"]


def test_what_is_not_declared_of_an_instance_is_no_difference() -> None:
    class Instance(BaseModel):
        domain: Annotated[str | None, BelongsTo("new")] = None

    assert not difference(Instance, {"domain": "contoso"}, {})
    assert difference(Instance, {"domain": "contoso"}, {"domain": "fabrikam"}).fields == ["domain"]


@given(st.permutations(["DAT", "USMF", "CONT", "dat"]))
def test_order_of_a_set_never_matters(companies: list[str]) -> None:
    held = {**HELD, "companies": ["CONT", "DAT", "USMF"]}
    assert not difference(Thing, held, {**held, "companies": list(companies)})


@given(
    st.dictionaries(st.sampled_from(sorted(Thing.model_fields)), st.text(max_size=3) | st.lists(st.text(max_size=3)))
)
def test_nothing_differs_from_itself(bag: dict[str, Any]) -> None:
    assert not difference(Thing, bag, bag)
