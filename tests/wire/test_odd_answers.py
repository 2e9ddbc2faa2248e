"""Every answer ends in a value or in one error of the client, whatever one leaf of it is.

The corpus: a valid answer of each call that reads. One leaf at a time is replaced by each of the odd values, and taken
away; nothing but a value or an `ApiError` of one clean line may come out, and no list may be believed empty.
"""

import copy
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.api.dual_write.actions import ActionDetail
from providers.api.session import Session
from providers.api.transport.errors import ApiError, InvalidRequest, NotFound, ServiceUnavailable, UnexpectedAnswer

from .scripted import FakeTime, answer, fixture
from .sessions import opened

DATAVERSE, FINOPS = "a.crm4.dynamics.com", "a.operations.dynamics.com"
ENVIRONMENT = fixture("power_platform/environment")
MAPS = [fixture("dual_write/map")]
COMPANY_ROW = {"cdm_companyid": "i", "cdm_companycode": "USMF", "cdm_isenabledfordualwrite": True, "cdm_name": "C"}
TEAM = {"teamid": "t", "name": "T", "isdefault": True, "_businessunitid_value": "b"}
TABLE = {
    "LogicalName": "account",
    "EntitySetName": "accounts",
    "Attributes": [{"LogicalName": "name", "AttributeType": "String"}],
    "Keys": [{"LogicalName": "k", "KeyAttributes": ["name"], "EntityKeyIndexStatus": "Active"}],
}
OPERATION = {
    "id": "o",
    "state": {"id": "Running"},
    "links": {"environment": {"path": "/e/1"}},
    "stages": [{"id": "Run", "state": {"id": "Running"}}],
}
PROJECT = {"id": "p", "name": "n", "entityMappingTasks": [{"name": "t", "order": 1, "legs": [{"fieldMappings": []}]}]}
EXECUTIONS = {
    "projectExecutionResponses": [
        {"id": "1", "upsertCount": 1, "taskExecutionStatuses": [{"legs": [{"status": "ERROR", "importErrors": [{}]}]}]}
    ]
}

# Name, call, valid body.
CORPUS: list[tuple[str, Callable[[Session], Any], Any]] = [
    ("environments", lambda s: s.power_platform.environments(), {"value": [ENVIRONMENT]}),
    ("environment", lambda s: s.power_platform.environment("e"), ENVIRONMENT),
    ("find by domain", lambda s: s.power_platform.find_by_domain("d"), {"value": [ENVIRONMENT]}),
    ("operation", lambda s: s.power_platform.operation("https://api.bap.microsoft.com/o"), OPERATION),
    ("operations", lambda s: s.power_platform.operations_of("e"), {"value": [OPERATION]}),
    ("locations", lambda s: s.power_platform.locations(), {"value": [{"name": "europe", "properties": {}}]}),
    ("templates", lambda s: s.power_platform.templates("europe"), fixture("power_platform/templates")),
    ("currencies", lambda s: s.power_platform.currencies("e"), {"value": [{"properties": {"code": "EUR"}}]}),
    ("languages", lambda s: s.power_platform.languages("e"), {"value": [{"properties": {"localeId": 1033}}]}),
    (
        "capacity",
        lambda s: s.power_platform.tenant_capacity().of("Database"),
        {"tenantCapacities": [{"capacityType": "Database", "totalCapacity": 1.5, "consumption": {"actual": 1}}]},
    ),
    ("finops properties", lambda s: s.power_platform.finops_properties("e"), {"deploymentType": "UnifiedSandbox"}),
    ("operation errors", lambda s: s.power_platform.operation_errors("e"), {"errors": [{"errorCode": "E1"}]}),
    ("packages", lambda s: s.app_management.packages("e"), {"value": [{"uniqueName": "u", "state": "None"}]}),
    ("install state", lambda s: s.app_management.operation("e", "o"), {"status": "R", "error": {"errorCode": 1}}),
    ("install", lambda s: s.app_management.install("e", "u"), {"lastOperation": {"operationId": "o"}}),
    ("who am I", lambda s: s.dataverse(DATAVERSE).who_am_i(), {"UserId": "u", "OrganizationId": "o"}),
    ("integration", lambda s: s.dataverse(DATAVERSE).integration_details(), {"Id": "i", "IsUnifiedDatabase": True}),
    ("versions", lambda s: s.dataverse(DATAVERSE).finops_versions(), {"Response": '[{"value": "10.0.45"}]'}),
    ("application", lambda s: s.dataverse(DATAVERSE).finops_application_details(), {"applicationversion": "10.0.45"}),
    ("histories", lambda s: s.dataverse(DATAVERSE).operation_histories(), {"value": [{"msprov_name": "n"}]}),
    ("organization", lambda s: s.dataverse(DATAVERSE).organization(), {"value": [{"name": "n", "languagecode": 1}]}),
    ("solutions", lambda s: s.dataverse(DATAVERSE).solutions(["a"]), {"value": [{"uniquename": "a", "version": "1"}]}),
    ("definition", lambda s: s.dataverse(DATAVERSE).entity_definition("account"), TABLE),
    ("definitions", lambda s: s.dataverse(DATAVERSE).table_definitions(["accounts"]), {"value": [TABLE]}),
    ("companies", lambda s: s.dataverse(DATAVERSE).companies(), {"value": [COMPANY_ROW]}),
    ("units", lambda s: s.dataverse(DATAVERSE).business_units(), {"value": [{"businessunitid": "b", "name": "n"}]}),
    ("teams", lambda s: s.dataverse(DATAVERSE).access.teams(), {"value": [TEAM]}),
    ("roles", lambda s: s.dataverse(DATAVERSE).access.roles("R"), {"value": [{"roleid": "r", "name": "R"}]}),
    ("rows", lambda s: list(s.dataverse(DATAVERSE).rows("accounts")), {"value": [{"name": "a"}]}),
    ("row", lambda s: s.dataverse(DATAVERSE).row("accounts", "a"), {"name": "a"}),
    ("count", lambda s: s.dataverse(DATAVERSE).count("accounts"), {"@odata.count": 7, "value": []}),
    ("create row", lambda s: s.dataverse(DATAVERSE).create_row("accounts", {}), {"name": "a"}),
    ("legal entities", lambda s: s.finance_operations(FINOPS).legal_entities(), {"value": [{"LegalEntityId": "USMF"}]}),
    ("registered", lambda s: s.finance_operations(FINOPS).registered_applications(), {"value": [{"AADClientId": "a"}]}),
    ("F&O rows", lambda s: list(s.finance_operations(FINOPS).rows("X")), {"value": [{"a": 1}]}),
    ("F&O count", lambda s: s.finance_operations(FINOPS).count("X"), {"@odata.count": 7, "value": []}),
    ("F&O row", lambda s: s.finance_operations(FINOPS).row("X", {"a": "b"}), {"a": 1}),
    ("reachable", lambda s: s.finance_operations(FINOPS).reachable(), {"value": []}),
    ("E1", lambda s: s.dual_write.environment(FINOPS), [{"cid": "c", "cname": "n"}]),
    ("E2", lambda s: [each.waiting_request for each in s.dual_write.maps("c")], MAPS),
    ("E3", lambda s: s.dual_write.start_action("c", "1", [ActionDetail(tid="t", pid="p")]), MAPS),
    ("E4", lambda s: s.dual_write.request_status("r"), MAPS),
    ("E5", lambda s: s.dual_write.prerequisite_sequences("c", ["t"]), [["t"]]),
    ("E7", lambda s: s.dual_write.field_mappings("p"), PROJECT),
    ("E10", lambda s: s.dual_write.connection_set("n"), fixture("dual_write/connection_set")),
    ("E12", lambda s: s.dual_write.solutions("c"), [{"id": "i", "uniqueName": "u", "version": "1"}]),
    (
        "E14",
        lambda s: s.dual_write.solution_status("c", "r"),
        {"requestId": "r", "state": 1, "result": {"status": "x"}},
    ),
    ("E15", lambda s: [each.reasons for each in s.dual_write.executions("p")], EXECUTIONS),
]
DEEP: Any = []
for _ in range(150):
    DEEP = [DEEP]
GONE = object()
ODD: dict[str, Any] = {
    "null": None,
    "missing": GONE,
    "number": 7,
    "huge number": 10**400,
    "infinity": float("inf"),
    "true": True,
    "text": "odd \x1b[31m\ud800 <{%reset%}>",
    "empty text": "",
    "far date": "9999-12-31T23:59:59-23:59",
    "list": [],
    "list of lists": [[], 1, None],
    "object": {},
    "object of objects": {"value": {"value": []}},
    "deep": DEEP,
}


def leaves(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every member of a body, inner ones too."""
    yield path
    items = body.items() if isinstance(body, dict) else enumerate(body[:2]) if isinstance(body, list) else ()
    for key, value in items:
        yield from leaves(value, (*path, key))


def changed(body: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """The body with another value at one path."""
    if not path:
        return None if odd is GONE else odd
    body = copy.deepcopy(body)
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    if odd is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = odd
    return body


def said(session: Session, call: Callable[[Session], Any]) -> ApiError | None:
    """The error of a call; None when it gave a value. Anything else that leaves the client fails the test."""
    try:
        call(session)
    except ApiError as error:
        line = str(error)
        assert "\n" not in line
        assert "\x1b" not in line
        assert "<{%" not in line
        line.encode()
        return error
    return None


EACH = pytest.mark.parametrize("name", [name for name, _, _ in CORPUS])
LISTS = [name for name, _, body in CORPUS if isinstance(body, dict) and isinstance(body.get("value"), list)]
# These ask for something else of their answer than its list.
NO_LISTS = {"count", "F&O count", "reachable"}


def of(name: str) -> tuple[Callable[[Session], Any], Any]:
    """Call and valid body of a name."""
    return next((call, body) for each, call, body in CORPUS if each == name)


@EACH
def test_valid_answer_is_a_value(name: str) -> None:
    call, body = of(name)
    error = said(opened(lambda _: answer(200, body), FakeTime()), call)
    # The list of maps answers the start as well, which names no request: that is the look-up of a lost one.
    assert error is None or (name == "E3" and error.may_have_happened), error


@EACH
def test_answer_with_one_odd_leaf_is_a_value_or_one_line(name: str) -> None:
    call, body = of(name)
    for path in leaves(body):
        for odd in ODD.values():
            text = json.dumps(changed(body, path, odd))
            said(opened(partial(respond, 200, text), FakeTime()), call)


@EACH
@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("text", ["", "<html><title>proxy</title></html>", "not here", "[]", "{}", "null", "7", '{"a"'])
def test_404_that_is_not_the_services_word_takes_nothing_away(name: str, status: int, text: str) -> None:
    call, _ = of(name)
    session = opened(partial(respond, status, text), FakeTime())
    if name == "reachable":
        assert session.finance_operations(FINOPS).reachable() is False
        return
    error = said(session, call)
    assert error is not None
    assert not isinstance(error, NotFound)


@EACH
def test_404_with_a_code_that_nobody_has_seen_takes_nothing_away(name: str) -> None:
    call, _ = of(name)
    text = json.dumps({"error": {"code": "ProxySaysNo", "message": "no"}})
    error = said(opened(partial(respond, 404, text), FakeTime()), call)
    told_without_codes = error is None or error.service in ("F&O", "dual-write")
    assert told_without_codes or not isinstance(error, NotFound)


@pytest.mark.parametrize("name", sorted(set(LISTS) - NO_LISTS))
@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": {}}, {"value": "x"}, [], None])
def test_answer_without_a_list_is_no_empty_list(name: str, body: object) -> None:
    call, _ = of(name)
    assert isinstance(said(opened(partial(respond, 200, json.dumps(body)), FakeTime()), call), UnexpectedAnswer)


def respond(status: int, text: str, _request: httpx.Request) -> httpx.Response:
    """One answer with this text, whatever is asked."""
    return httpx.Response(status, text=text)


KNOWN_BY = {
    "environments": {"value": [{"properties": {}}]},
    "environment": {},
    "packages": {"value": [{"state": "Installed"}]},
    "integration": {},
    "solutions": {"value": [{"version": "1"}]},
    "definition": {},
    "companies": {"value": [{"cdm_name": "Contoso"}]},
    "units": {"value": [{"name": "n"}]},
    "teams": {"value": [{"name": "T"}]},
    "roles": {"value": [{"name": "R"}]},
    "row": {},
    "legal entities": {"value": [{"Name": "Contoso"}]},
    "registered": {"value": [{"UserId": "a"}]},
    "F&O row": {},
    "E2": [{"detail": {"state": "1"}}],
    "E7": {},
    "E10": {},
    "E12": [{"version": "1"}],
    "templates": {},
}


@pytest.mark.parametrize(("name", "body"), KNOWN_BY.items())
def test_thing_without_the_member_by_which_it_is_known_is_no_answer(name: str, body: object) -> None:
    call, _ = of(name)
    error = said(opened(partial(respond, 200, json.dumps(body)), FakeTime()), call)
    assert isinstance(error, UnexpectedAnswer)


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (200, "[" * 10**5, UnexpectedAnswer),
        (200, "{}", UnexpectedAnswer),
        (200, "<html>", UnexpectedAnswer),
        (503, "", ServiceUnavailable),
        (429, "{}", ServiceUnavailable),
        (400, '{"error": "invalid_tenant"}', InvalidRequest),
    ],
)
def test_only_the_login_hosts_word_makes_a_domain_unknown(status: int, text: str, kind: type[ApiError]) -> None:
    error = said(opened(partial(respond, status, text), FakeTime()), lambda s: s.tenant_of("contoso.example"))
    assert type(error) is kind


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def odd_answers(draw: st.DrawFn) -> tuple[str, str]:
    """A call, and its valid answer with something else in up to three places of it."""
    name, _, body = draw(st.sampled_from(CORPUS))
    for _ in range(draw(st.integers(1, 3))):
        body = changed(body, draw(st.sampled_from(list(leaves(body)))), draw(JSON))
    return name, json.dumps(body)


@given(odd_answers(), st.sampled_from([200, 200, 200, 201, 202, 204, 206, 404, 410]))
@settings(max_examples=300)
def test_any_answer_is_a_value_or_one_line(case: tuple[str, str], status: int) -> None:
    name, text = case
    call, _ = of(name)
    said(opened(partial(respond, status, text), FakeTime()), call)
