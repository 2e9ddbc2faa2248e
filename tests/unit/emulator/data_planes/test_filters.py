"""`$filter` as SQL gives what a naive reading of the expression gives."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.core.ids import Ids
from emulator.core.store import Store
from emulator.data.schemas import table
from emulator.tables import Rows
from emulator.tables.filter_errors import FilterError
from emulator.tables.filters import compile_filter, order_by
from emulator.tenant import Tenant

HOST = "contoso-uat.crm4.dynamics.com"
ACCOUNTS = table("dataverse", "accounts")
Row = dict[str, Any]

_TEXTS = st.sampled_from(["", "Contoso", "contoso", "CONTOSO AG", "o'Neil", "x%_y", "10"])
_NUMBERS = st.sampled_from([-1, 0, 1, 2.5, 10])
_BOOLEANS = st.booleans()
_COLUMNS = {"name": _TEXTS, "accountnumber": _TEXTS, "creditlimit": _NUMBERS, "numberofemployees": st.integers(-1, 3),
            "donotemail": _BOOLEANS, "donotphone": _BOOLEANS}  # fmt: skip
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda a, b: b in a,
    "startswith": lambda a, b: a.startswith(b),
    "endswith": lambda a, b: a.endswith(b),
}
Expression = tuple[str, Callable[[Row], bool]]


def _fold(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def _equality(name: str, word: str, value: Any) -> Expression:
    def holds(row: Row) -> bool:
        return bool((_fold(row.get(name)) == _fold(value)) == (word == "eq"))

    return f"{name} {word} {_literal(value)}", holds


def _comparison(name: str, word: str, value: Any) -> Expression:
    def holds(row: Row) -> bool:
        held = row.get(name)
        return held is not None and _ORDER[word](_fold(held), _fold(value))

    return f"{name} {word} {_literal(value)}", holds


def _function(name: str, word: str, value: str) -> Expression:
    def holds(row: Row) -> bool:
        held = row.get(name)
        return held is not None and _FUNCTIONS[word](_fold(held), _fold(value))

    return f"{word}({name},{_literal(value)})", holds


def _not(inner: Expression) -> Expression:
    return f"not ({inner[0]})", lambda row: not inner[1](row)


def _both(pair: tuple[Expression, str, Expression]) -> Expression:
    left, word, right = pair
    if word == "and":
        return f"({left[0]} and {right[0]})", lambda row: left[1](row) and right[1](row)
    return f"({left[0]} or {right[0]})", lambda row: left[1](row) or right[1](row)


def _leaf(name: str) -> st.SearchStrategy[Expression]:
    values = _COLUMNS[name]
    equal = st.builds(_equality, st.just(name), st.sampled_from(["eq", "ne"]), st.one_of(st.none(), values))
    if name.startswith("donot"):
        return equal
    compared = st.builds(_comparison, st.just(name), st.sampled_from(sorted(_ORDER)), values)
    if values is _TEXTS:
        return st.one_of(
            equal, compared, st.builds(_function, st.just(name), st.sampled_from(sorted(_FUNCTIONS)), _TEXTS)
        )
    return st.one_of(equal, compared)


_EXPRESSIONS = st.recursive(
    st.sampled_from(sorted(_COLUMNS)).flatmap(_leaf),
    lambda inner: st.one_of(
        st.builds(_not, inner), st.builds(_both, st.tuples(inner, st.sampled_from(["and", "or"]), inner))
    ),
    max_leaves=6,
)
_ROWS = st.lists(
    st.fixed_dictionaries({}, optional={name: st.one_of(st.none(), values) for name, values in _COLUMNS.items()}),
    max_size=8,
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(rows=_ROWS, expression=_EXPRESSIONS)
def test_sql_agrees_with_naive_evaluation(rows: list[Row], expression: Expression) -> None:
    text, holds = expression
    store = Store()
    engine = Rows(store, Ids().new)
    for number, row in enumerate(rows):
        engine.insert("dataverse", HOST, "accounts", {**row, "description": str(number)})
    found = engine.scan("dataverse", HOST, "accounts", compile_filter(ACCOUNTS, HOST, text))
    wanted = [str(number) for number, row in enumerate(rows) if holds(row)]
    assert [row["description"] for row in found] == wanted
    store.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense eq 1", "Could not find a property named 'nonsense'"),
        ("name eq", "Syntax error"),
        ("name eq 5", "incompatible types"),
        ("creditlimit gt 'x'", "incompatible types"),
        ("name", "single boolean value"),
        ("name in ('a','b')", "^in$"),
        ("name in ('a')", "^in$"),
        ("name ein ('a in (b')", "^Syntax error"),
        ("name eq concat('a','b')", "^concat$"),
        ("soundex(name,'a')", "unknown function|Syntax error"),
        ("msdyn_Company/cdm_companycode eq 'x'", "Could not find a property named 'msdyn_Company'"),
        ("contacts/any(c: c/name eq 'x')", "^any$"),
        ("Microsoft.Dynamics.CRM.LastXDays(PropertyName='x')", "unknown function"),
    ],
)
def test_unknown_or_ill_typed_filters_are_refused(text: str, said: str) -> None:
    with pytest.raises(FilterError, match=said):
        compile_filter(ACCOUNTS, HOST, text)


def test_filter_follows_lookups_of_any_depth(tenant: Tenant) -> None:
    rows = tenant.rows
    company = rows.insert("dataverse", HOST, "cdm_companies", {"cdm_companycode": "USMF", "cdm_name": "Contoso"})
    group = rows.insert("dataverse", HOST, "msdyn_customergroups",
                        {"msdyn_groupid": "10", "_msdyn_company_value": company["cdm_companyid"]})  # fmt: skip
    account = {"name": "in", "_msdyn_customergroupid_value": group["msdyn_customergroupid"]}
    rows.insert("dataverse", HOST, "accounts", account)
    rows.insert("dataverse", HOST, "accounts", {"name": "out"})
    text = "msdyn_customergroupid/msdyn_company/cdm_companycode eq 'usmf'"
    found = rows.scan("dataverse", HOST, "accounts", compile_filter(ACCOUNTS, HOST, text))
    assert [row["name"] for row in found] == ["in"]


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [("'*oso*'", ["10", "30"]), ("'contoso*'", ["10"]), ("'*%*'", ["20"]), ("'Contoso'", [])],
)
def test_finops_text_with_stars_is_a_pattern(tenant: Tenant, pattern: str, wanted: list[str]) -> None:
    groups = table("finops", "CustomerGroups")
    for number, text in (("10", "Contoso AG"), ("20", "50 % off"), ("30", "New contoso")):
        tenant.rows.insert(
            "finops", HOST, "LegalEntities", {"LegalEntityId": f"c{number}", "Name": "x", "AddressCountryRegionId": "x"}
        )
        values = {"dataAreaId": f"c{number}", "CustomerGroupId": number, "Description": text}
        tenant.rows.insert("finops", HOST, "CustomerGroups", values)
    where = compile_filter(groups, HOST, f"Description eq {pattern}")
    found = tenant.rows.scan("finops", HOST, "CustomerGroups", where)
    assert [row["CustomerGroupId"] for row in found] == wanted


def test_finops_enum_literals_carry_their_namespace(tenant: Tenant) -> None:
    customers = table("finops", "CustomersV3")
    compile_filter(customers, HOST, "PartyType eq Microsoft.Dynamics.DataEntities.DirPartyType'Person'")
    with pytest.raises(FilterError, match="eq and ne only"):
        compile_filter(customers, HOST, "PartyType gt Microsoft.Dynamics.DataEntities.DirPartyType'Person'")


def test_order_by_refuses_what_is_no_property() -> None:
    assert order_by(ACCOUNTS, HOST, "name desc, creditlimit").count("json_extract") == 2
    with pytest.raises(FilterError, match="Syntax error"):
        order_by(ACCOUNTS, HOST, "name sideways")
    with pytest.raises(FilterError, match="Could not find"):
        order_by(ACCOUNTS, HOST, "x')--")
