"""The stack file: right ones are typed, and every mistake is named by the user's key, all at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.config import check
from components.stack import Stack
from tests.unit.components.stack_files import MISTAKES, RIGHT, TODAY, Mistake, existing_pair, put, stack_file

GUID = "3f0f6c55-3d6d-4b55-8d6a-6f2f1f0a7b21"


def stack_of(raw: dict[str, Any]) -> Stack:
    stack, findings = check(raw, TODAY)
    assert not findings
    assert stack is not None
    return stack


def findings_of(raw: dict[str, Any]) -> dict[str, str]:
    return {finding.path: finding.text for finding in check(raw, TODAY)[1]}


def existing_cds(host: str) -> dict[str, Any]:
    return {"instance": "existing", "url": f"https://{host}"}


def changed(place: str, value: Any) -> dict[str, Any]:
    raw = stack_file()
    put(raw, tuple(place.split(".")), value)
    return raw


def test_right_file_is_typed_with_defaults() -> None:
    stack = stack_of(stack_file())
    assert (stack.cds.domain, stack.finops.developer_tools, stack.maps.state) == ("contoso-uat", False, "running")
    assert (stack.timeouts.environment, stack.timeouts.initial_sync) == ("2h", "6h")


def test_shortest_file_needs_three_sections() -> None:
    assert findings_of({}) == dict.fromkeys(("dualwrite:cds", "dualwrite:finops", "dualwrite:maps"), "is required")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.key)
def test_mistake_is_named_with_advice_alone(mistake: Mistake) -> None:
    found = findings_of(stack_file([mistake]))
    assert list(found) == [mistake.key]
    assert mistake.says in found[mistake.key]


@given(st.lists(st.sampled_from(MISTAKES), unique_by=lambda mistake: mistake.key))
def test_no_mistake_hides_another(mistakes: list[Mistake]) -> None:
    stack, findings = check(stack_file(mistakes), TODAY)
    assert {finding.path for finding in findings} == {mistake.key for mistake in mistakes}
    assert (stack is None) == bool(mistakes)


@pytest.mark.parametrize("section", [*RIGHT, "confirm", "companies", "bootstrap", "limits"])
@pytest.mark.parametrize("value", ["text", 7, True, [1], {"x": 1}, [{"x": 1}]])
def test_section_of_any_type_never_breaks_the_check(section: str, value: Any) -> None:
    mistake = Mistake(("colour",), "blue", "dualwrite:colour", "")
    found = findings_of(stack_file([mistake]) | {section: value})
    assert "dualwrite:colour" in found
    assert any(path.startswith(f"dualwrite:{section}") for path in found)


@pytest.mark.parametrize(
    ("place", "value", "key", "says"),
    [
        ("connection.companies", ["USMFX"], "dualwrite:connection.companies[0]", "'USMFX' has 5 characters; F&O takes"),
        ("connection.companies", ["D-T"], "dualwrite:connection.companies[0]", "one to four letters and digits"),
        ("connection.companies", [], "dualwrite:connection.companies", "is empty: name the legal entities"),
        (
            "connection.companies",
            ["DAT", "dat"],
            "dualwrite:connection.companies[1]",
            "'dat' stands in the list already",
        ),
        (
            "connection.companies",
            [7, "DAT", "dat"],
            "dualwrite:connection.companies[2]",
            "'dat' stands in the list already",
        ),
        ("connection.companies", "as-linked", "", ""),
        ("connection.companies", "as-lnked", "dualwrite:connection.companies", "did you mean `as-linked`?"),
        (
            "connection.companies",
            "DAT",
            "dualwrite:connection.companies",
            "is 'DAT'; write a list: [DAT], or as-linked",
        ),
        ("maps.include", "all", "dualwrite:maps.include", "must be a list, such as [all]"),
        ("maps.exclude", "Vendors", "dualwrite:maps.exclude", "must be a list, such as [Vendors]"),
        ("cloud", "public", "dualwrite:connection.gateway", "is required with `cloud: public`"),
        ("cloud", "azure", "dualwrite:cloud", "emulator, public, gcc, gcchigh, dod, china"),
        ("tenant", "contoso", "dualwrite:tenant", "write its id (a GUID) or a domain"),
        ("tenant", "https://contoso.onmicrosoft.com", "dualwrite:tenant", "is no tenant"),
        ("tenant", f"{GUID}0", "dualwrite:tenant", "is no tenant"),
        ("tenant", "Contoso.onmicrosoft.com", "", ""),
        ("tenant", GUID.upper(), "", ""),
        ("cds.domain", "-contoso", "dualwrite:cds.domain", "letter or digit at both ends"),
        ("cds.domain", 7, "dualwrite:cds.domain", "put it in quotes"),
        ("cds.language", 7, "dualwrite:cds.language", "LCID"),
        ("cds.language", 1033.5, "dualwrite:cds.language", "whole number"),
        ("finops.version", "10", "dualwrite:finops.version", "numbers with dots"),
        ("finops.version", None, "", ""),
        ("connection.packages", ["A_b", "B", "a_B"], "dualwrite:connection.packages[2]", "in the list already"),
        ("maps.include", ["Customers V3"], "dualwrite:maps.include[0]", "accounts - Customers V3"),
        ("maps.include", [], "dualwrite:maps.include", "leaves no map; name an area, a map, or all"),
        ("maps.include", [7, "warehouse"], "dualwrite:maps.include[1]", "no area"),
        ("maps.exclude", ["nothing"], "dualwrite:maps.exclude[0]", "no area"),
        ("maps.overrides", {"x - y": {}}, 'dualwrite:maps.overrides["x - y"]', "no standard map"),
        ("maps.resync", 7, "dualwrite:maps.resync", "put it in quotes"),
        ("maps.initialSync", "finops", "", ""),
        (
            "companies",
            [7, {"code": "A"}, {"code": "a"}],
            "dualwrite:companies[2].code",
            "'a' stands in the list already",
        ),
        ("maps.overrides", {"x - y": 7}, 'dualwrite:maps.overrides["x - y"]', "must be a map"),
        ("limits.liveCompanies", "many", "dualwrite:limits.liveCompanies", "whole number"),
        ("limits.liveCompanies", 300.0, "", ""),
        ("limits.initialSyncRow", 1, "dualwrite:limits.initialSyncRow", "did you mean `initialSyncRows`?"),
        ("companies", [{"code": "dat", "name": "Main"}], "", ""),
        (
            "maps.overrides",
            {"msdyn_projects - Projects V2": {"state": "paused"}},
            'dualwrite:maps.overrides["msdyn_projects - Projects V2"]',
            "",
        ),
        (
            "confirm",
            [{"action": "delete-env", "target": "x", "until": "2027-01-31"}],
            "dualwrite:confirm[0].action",
            "mean",
        ),
        (
            "confirm",
            [{"action": "delete-environment", "target": "x", "until": "31.1.2027"}],
            "dualwrite:confirm[0].until",
            "2027-01-31",
        ),
    ],
)
def test_value_out_of_form_is_explained(place: str, value: Any, key: str, says: str) -> None:
    found = findings_of(changed(place, value))
    assert key == "" or says in found[key]
    assert bool(found) == bool(key)


def test_existing_instances_are_typed() -> None:
    stack = stack_of(existing_pair())
    assert (stack.cds.url, stack.finops.data) == ("https://contoso.crm4.dynamics.com", None)
    assert stack.connection.companies == ["USMF", "FRRT"]


@pytest.mark.parametrize(
    ("section", "values", "key", "says"),
    [
        ("finops", {"data": "demo"}, "dualwrite:finops.data", "is chosen when F&O is installed"),
        ("finops", {"version": "10.0.45"}, "dualwrite:finops.version", "an existing one keeps what it has"),
        ("finops", {"developerTools": True}, "dualwrite:finops.developerTools", "belongs to `instance: new`"),
        ("finops", {"url": None}, "dualwrite:finops", "an existing one is named by `url`"),
        ("finops", {"url": "https://a.crm4.dynamics.com"}, "dualwrite:finops.url", "is the address of a CDS instance"),
        ("cds", {"url": "https://a.operations.eu.dynamics.com"}, "dualwrite:cds.url", "address of an F&O instance"),
        ("cds", {"url": "https://a.crm4.dynamics.com/main.aspx"}, "dualwrite:cds.url", "https://a.crm4.dynamics.com"),
        ("cds", {"environmentId": GUID}, "dualwrite:cds", "by exactly one of them"),
        ("cds", {"url": None, "environmentId": "contoso"}, "dualwrite:cds.environmentId", "is no environment id"),
        ("cds", {"url": None, "environmentId": GUID.upper()}, "", ""),
        ("cds", {"url": "https://Contoso.crm4.dynamics.com/"}, "", ""),
        ("cds", {"url": "https://a.crm.dynamics.com"}, "dualwrite:finops.url", "the CDS instance in unitedstates"),
    ],
)
def test_existing_instance_is_named_and_takes_nothing_else(
    section: str, values: dict[str, Any], key: str, says: str
) -> None:
    raw = existing_pair()
    raw[section] = {name: value for name, value in {**raw[section], **values}.items() if value is not None}
    found = findings_of(raw)
    assert list(found) == ([key] if key else [])
    assert key == "" or says in found[key]


def test_new_cds_lies_where_existing_finops_lies() -> None:
    raw = stack_file() | {name: existing_pair()[name] for name in ("finops", "connection")}
    assert not findings_of(raw)
    raw["cds"]["location"] = "japan"
    assert "F&O is in europe and the CDS instance in japan" in findings_of(raw)["dualwrite:finops.url"]


def test_names_are_limited_only_where_finops_is_installed() -> None:
    raw = stack_file() | {name: existing_pair()[name] for name in ("finops", "connection")}
    raw["cds"] |= {"name": "a display name of any length", "domain": "a-domain-of-any-length"}
    assert not findings_of(raw)


def test_new_only_keys_are_refused_with_existing() -> None:
    raw = changed("cds.instance", "existing")
    found = findings_of(raw)
    new_only = ("currency", "domain", "language", "location", "name", "type")
    assert [path for path, text in found.items() if "belongs to `instance: new`" in text] == [
        f"dualwrite:cds.{name}" for name in new_only
    ]


def test_url_and_name_contradict_without_instance() -> None:
    raw = changed("cds.url", "https://contoso.crm4.dynamics.com")
    del raw["cds"]["instance"]
    found = findings_of(raw)
    assert found["dualwrite:cds.instance"] == "is required"
    assert "keep one of the two" in found["dualwrite:cds.url"]


def test_bare_date_is_taken_as_its_day() -> None:
    entry = {"action": "delete-environment", "target": "contoso-uat", "until": "2027-01-31 00:00:00 +0000 UTC"}
    assert stack_of(changed("confirm", [entry])).confirm[0].until == "2027-01-31"


@pytest.mark.parametrize(
    ("target", "until", "right"),
    [
        ("contoso-uat", "2027-01-31", True),
        ("Contoso-UAT", "2027-01-31", True),
        ("contoso-prod", "2027-01-31", False),
        ("contoso-prod", "2026-11-22", True),
        ("https://contoso-uat.crm4.dynamics.com", "2027-01-31", False),
    ],
)
def test_consent_to_a_reset_names_this_pair(target: str, until: str, right: bool) -> None:
    entry = {"action": "reset-link", "target": target, "until": until}
    found = findings_of(changed("confirm", [entry]))
    assert list(found) == ([] if right else ["dualwrite:confirm[0].target"])
    assert right or "first label of its CDS host, `contoso-uat`" in found["dualwrite:confirm[0].target"]


def test_consent_to_a_reset_names_the_host_of_an_existing_cds() -> None:
    entry = {"action": "reset-link", "target": "contoso", "until": "2027-01-31"}
    assert not findings_of(existing_pair(confirm=[entry]))
    by_id = {"instance": "existing", "environmentId": GUID}
    assert not findings_of(existing_pair(confirm=[entry | {"target": "other"}], cds=by_id))
    assert "`contoso`" in str(findings_of(existing_pair(confirm=[entry | {"target": "other"}])))


def test_ended_consent_to_discard_a_queue_is_absent() -> None:
    entry = {"action": "discard-queue", "target": "accounts - Customers", "until": "2026-11-22"}
    assert not findings_of(changed("confirm", [entry]))
    assert findings_of(changed("confirm", [entry | {"until": TODAY.isoformat()}]))


def test_whole_float_is_a_number() -> None:
    assert stack_of(changed("cds.language", 1033.0)).cds.language == 1033


def test_texts_take_the_form_of_the_service() -> None:
    raw = changed("cds.domain", "Contoso-UAT")
    raw["cds"]["currency"] = "eur"
    raw["connection"]["companies"] = ["dat"]
    stack = stack_of(raw)
    assert (stack.cds.domain, stack.cds.currency, stack.connection.companies) == ("contoso-uat", "EUR", ["DAT"])


def test_python_names_are_no_keys_of_the_file() -> None:
    assert (
        "did you mean `developerTools`?"
        in findings_of(changed("finops.developer_tools", True))["dualwrite:finops.developer_tools"]
    )


def test_unknown_values_are_never_shown() -> None:
    assert "hunter2" not in str(findings_of(changed("cds.password", "hunter2")))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = sorted(
    {place for place, *_ in MISTAKES}
    | {(name,) for name in (*RIGHT, "limits", "confirm")}
    | {("cds", "instance"), ("cds", "environmentId"), ("finops", "instance"), ("maps", "overrides")}
)
NESTED = {
    "companies": ("code", "name", "country"),
    "bootstrap": ("company", "businessUnits", "tables", "overwrite", "order", "maxFailures", "simulate"),
    "confirm": ("action", "target", "until"),
}
FILES = st.builds(stack_file) | st.builds(existing_pair)


@given(FILES, st.sampled_from(KEYS), ANYTHING)
def test_any_value_anywhere_ends_in_a_verdict(raw: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    put(raw, place, value)
    verdict_on(raw)


@given(FILES, st.data())
def test_any_value_in_any_entry_ends_in_a_verdict(raw: dict[str, Any], data: st.DataObject) -> None:
    for section, members in NESTED.items():
        entry = st.dictionaries(st.sampled_from(members), ANYTHING | st.sampled_from(["USMF", "FRRT", ["products"]]))
        raw[section] = data.draw(st.lists(entry | ANYTHING, max_size=3), label=section)
    verdict_on(raw)


def verdict_on(raw: dict[str, Any]) -> None:
    stack, findings = check(raw, TODAY)
    assert (stack is None) == bool(findings)
    assert all(finding.path.startswith("dualwrite:") and finding.text for finding in findings)


@pytest.mark.parametrize(
    ("sections", "key", "says"),
    [
        (
            {"connection": {"companies": ["USMF"], "gateway": "https://evil.example"}},
            "connection.gateway",
            "is no dual",
        ),
        ({"cds": existing_cds("contoso.api.crm4.dynamics.com")}, "cds.url", "its own is https://contoso.crm4.dynamics"),
        ({"cds": existing_cds("contoso.crm4.evil.example")}, "cds.url", "is no instance of this cloud"),
        (
            {"finops": {"instance": "existing", "url": "https://erp.operations.evil.example"}},
            "finops.url",
            "is no inst",
        ),
        ({"cloud": "china"}, "cds.url", "addresses there end with .dynamics.cn"),
    ],
)
def test_host_outside_the_cloud_is_named_when_the_file_is_read(sections: dict[str, Any], key: str, says: str) -> None:
    found = findings_of(existing_pair(**sections))
    assert says in found[f"dualwrite:{key}"]
