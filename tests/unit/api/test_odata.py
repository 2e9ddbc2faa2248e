"""Literals, conditions and keys in OData text."""

from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odata_query.grammar import ODataLexer, ODataParser

from providers.api.transport import odata

GUID = "9a41d2f7-5c3e-4b60-8e1d-0f2a4c6b8d11"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("USMF", "'USMF'"),
        ("O'Neil", "'O''Neil'"),
        ("' or 1 eq 1 or '", "''' or 1 eq 1 or '''"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (None, "null"),
        (UUID(GUID), GUID),
    ],
)
def test_literals(value: str | int | bool | None, text: str) -> None:
    assert odata.literal(value) == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_text_stays_one_literal(text: str) -> None:
    parsed = ODataParser().parse(ODataLexer().tokenize(odata.equal("name", text)))
    assert parsed.right.val == text


def test_conditions_are_joined() -> None:
    one, two = odata.equal("a", 1), odata.equal("b", "x")
    assert odata.any_of([one]) == "a eq 1"
    assert odata.all_of([odata.any_of([one, two]), two]) == "(a eq 1 or b eq 'x') and b eq 'x'"


@pytest.mark.parametrize(
    ("key", "segment"),
    [
        (GUID, f"({GUID})"),
        ("USMF", "(%27USMF%27)"),
        ({"dataAreaId": "usmf", "CustomerGroupId": "10"}, "(dataAreaId='usmf',CustomerGroupId='10')"),
        ({"Name": "A/B & C's"}, "(Name='A%2FB%20%26%20C''s')"),
        ({"_msdyn_company_value": GUID, "accountnumber": "1"}, f"(_msdyn_company_value={GUID},accountnumber='1')"),
        ({"accountnumber": GUID}, f"(accountnumber='{GUID}')"),
        ({"line": 3, "active": True}, "(line=3,active=true)"),
    ],
)
def test_key_segments(key: str | dict[str, str | int | bool], segment: str) -> None:
    assert odata.key_segment(key) == segment


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])))
def test_key_text_cannot_leave_its_segment(text: str) -> None:
    segment = odata.key_segment({"name": text})
    assert not set(segment) & set("/?#&%").difference("%")
    assert unquote(segment) == f"(name={odata.literal(text)})"


def test_keys_that_dataverse_refuses_are_known() -> None:
    assert odata.usable_in_key({"name": "plain"})
    assert odata.usable_in_key(GUID)
    assert not odata.usable_in_key({"name": "a/b"})
