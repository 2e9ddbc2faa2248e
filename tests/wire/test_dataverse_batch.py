"""`$batch` of the Dataverse Web API on the wire: many updates, an answer for each (dual-write-semantics.md 12.2)."""

import re
from collections.abc import Sequence

import httpx
import pytest

from providers.api.dataverse.client import Dataverse
from providers.api.dataverse.updates import Fate, RowUpdate, UpdateAnswer
from providers.api.session import Session
from providers.api.transport.errors import InvalidRequest, PermissionDenied, TransportError

from .scripted import FakeTime, Script, answer, page, refused

HOST = "https://hl-uat-01.crm4.dynamics.com"
API = f"{HOST}/api/data/v9.2"
COMPANY = "7d0c1a9e-2b3f-4c5d-8e6f-112233445566"
IDS = [f"9a41d2f7-5c3e-4b60-8e1d-0f2a4c6b8d1{number}" for number in range(3)]
UPDATES = [
    RowUpdate(each, {"msdyn_company@odata.bind": f"/cdm_companies({COMPANY})"}, f'W/"{number}"')
    for number, each in enumerate(IDS)
]
DONE = "HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\nOData-EntityId: x\r\n\r\n"


@pytest.fixture
def organization(session: Session) -> Dataverse:
    return session.dataverse(HOST)


def failed(status: str, code: str, message: str, headers: str = "") -> str:
    body = f'{{"error":{{"code":"{code}","message":"{message}"}}}}'
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json; odata.metadata=minimal\r\n{headers}\r\n{body}"


def batch(*parts: str, end: str = "--batchresponse_1--\r\n", content_type: str = "multipart/mixed") -> httpx.Response:
    begin = "--batchresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    text = "".join(f"{begin}{part}\r\n" for part in parts) + end
    return httpx.Response(200, text=text, headers={"Content-Type": f"{content_type}; boundary=batchresponse_1"})


def sent(organization: Dataverse, network: Script, *answers: httpx.Response | Exception) -> list[UpdateAnswer]:
    network.expect("POST", f"{API}/$batch", *answers)
    return organization.update_rows("accounts", UPDATES)


def fates(answers: Sequence[UpdateAnswer]) -> list[Fate]:
    return [each.fate for each in answers]


def test_updates_of_many_rows_are_one_request(organization: Dataverse, network: Script) -> None:
    assert fates(sent(organization, network, batch(DONE, DONE, DONE))) == [Fate.DONE] * 3
    request = network.requests[0]
    boundary = request.headers["content-type"].removeprefix("multipart/mixed; boundary=")
    assert request.headers["prefer"] == "odata.continue-on-error"
    text = request.content.decode()
    first, second, third = (part.partition("\r\n\r\n")[2] for part in text.split(f"--{boundary}\r\n")[1:])
    assert first == (
        f"PATCH {API}/accounts({IDS[0]}) HTTP/1.1\r\n"
        "Content-Type: application/json\r\n"
        'If-Match: W/"0"\r\n\r\n'
        f'{{"msdyn_company@odata.bind": "/cdm_companies({COMPANY})"}}\r\n'
    )
    assert IDS[1] in second
    assert third.endswith(f"\r\n--{boundary}--\r\n")
    assert re.fullmatch(r"batch_[0-9a-f-]{36}", boundary)


def test_one_failed_update_leaves_the_others_alone(organization: Dataverse, network: Script) -> None:
    reason = "0x80040265", "Unable to write data to entity CustCustomerV3Entity."
    answers = sent(organization, network, batch(DONE, failed("400 Bad Request", *reason), DONE))
    assert fates(answers) == [Fate.DONE, Fate.FAILED, Fate.DONE]
    assert (answers[1].error.code, answers[1].error.reason) == reason
    assert answers[1].error.correlation_id


@pytest.mark.parametrize(
    ("status", "code", "fate"),
    [
        ("412 Precondition Failed", "0x80060882", Fate.MISMATCH),
        ("404 Not Found", "0x80040217", Fate.MISMATCH),
        ("403 Forbidden", "0x80040220", Fate.FAILED),
        ("503 Service Unavailable", "", Fate.UNCLEAR),
        ("500 Internal Server Error", "0x80040237", Fate.FAILED),
    ],
)
def test_answers_inside_are_told_apart(
    organization: Dataverse, network: Script, status: str, code: str, fate: Fate
) -> None:
    assert fates(sent(organization, network, batch(DONE, DONE, failed(status, code, "no"))))[2] is fate


def test_refusal_inside_asks_for_a_wait(organization: Dataverse, network: Script) -> None:
    throttled = failed("429 Too Many Requests", "0x80072322", "Number of requests exceeded", "Retry-After: 27\r\n")
    answers = sent(organization, network, batch(DONE, throttled, failed("429 Too Many Requests", "", "")))
    assert fates(answers) == [Fate.DONE, Fate.REFUSED, Fate.REFUSED]
    assert [each.wait for each in answers] == [None, 27.0, None]


def test_refusal_of_the_whole_is_one_for_each_and_not_waited_out(
    organization: Dataverse, network: Script, time: FakeTime
) -> None:
    answers = sent(organization, network, refused("0x80072321", "execution time", 429, Retry_After="31"))
    assert fates(answers) == [Fate.REFUSED] * 3
    assert {each.wait for each in answers} == {31.0}
    assert time.elapsed == 0


@pytest.mark.parametrize(
    "answered",
    [
        httpx.ReadTimeout("late"),
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
        answer(502),
        answer(200),
        page(),
        answer(200, {"value": []}),
        batch(DONE, DONE, DONE, content_type="multipart/related"),
        batch(DONE, DONE, DONE, DONE),
        httpx.Response(200, text="no boundary", headers={"Content-Type": "multipart/mixed"}),
        httpx.Response(200, text="another", headers={"Content-Type": "multipart/mixed; boundary=batchresponse_1"}),
    ],
)
def test_lost_or_foreign_answer_is_unclear_and_never_sent_again(
    organization: Dataverse, network: Script, answered: httpx.Response | Exception
) -> None:
    answers = sent(organization, network, answered)
    assert fates(answers) == [Fate.UNCLEAR] * 3
    assert all(each.error.may_have_happened for each in answers)
    assert len(network.requests) == 1


@pytest.mark.parametrize(
    ("end", "told"), [("", 1), ("--batchresponse_1\r\nContent-Type: appl", 2), ("--batchresponse_1--\r\n", 2)]
)
def test_truncated_answer_tells_of_what_is_whole(organization: Dataverse, network: Script, end: str, told: int) -> None:
    answers = sent(organization, network, batch(DONE, DONE, end=end))
    assert fates(answers) == [Fate.DONE] * told + [Fate.UNCLEAR] * (3 - told)


def test_part_without_status_line_is_unclear(organization: Dataverse, network: Script) -> None:
    answers = sent(organization, network, batch(DONE, "hello\r\n\r\n", DONE))
    assert fates(answers) == [Fate.DONE, Fate.UNCLEAR, Fate.DONE]


def test_expired_token_is_renewed(organization: Dataverse, network: Script) -> None:
    assert fates(sent(organization, network, answer(401), batch(DONE, DONE, DONE))) == [Fate.DONE] * 3
    assert [each.headers["authorization"] for each in network.requests] == ["Bearer token-0", "Bearer token-1"]


def test_missing_permission_ends_it(organization: Dataverse, network: Script) -> None:
    with pytest.raises(PermissionDenied):
        sent(organization, network, refused("0x80040220", "no privilege", 403))


def test_connection_that_was_never_made_is_tried_again(organization: Dataverse, network: Script) -> None:
    assert fates(sent(organization, network, httpx.ConnectError("no"), batch(DONE, DONE, DONE))) == [Fate.DONE] * 3
    with pytest.raises(TransportError) as caught:
        sent(organization, network, *[httpx.ConnectError("no")] * 6)
    assert not caught.value.may_have_happened


def test_more_than_a_batch_takes_is_refused(organization: Dataverse) -> None:
    with pytest.raises(InvalidRequest, match="1000 updates, not 1001"):
        organization.update_rows("accounts", [UPDATES[0]] * 1001)


def test_version_cannot_smuggle_a_header(organization: Dataverse) -> None:
    with pytest.raises(InvalidRequest):
        organization.update_rows("accounts", [RowUpdate(IDS[0], {}, "*\r\nHost: x")])


def test_tables_are_found_by_set_name(organization: Dataverse, network: Script) -> None:
    lookup = {
        "ReferencingAttribute": "msdyn_companyid",
        "ReferencedEntity": "cdm_company",
        "ReferencingEntityNavigationPropertyName": "msdyn_CompanyId",
    }
    product = {"LogicalName": "product", "EntitySetName": "products", "PrimaryIdAttribute": "productid"}
    body = {"value": [{**product, "IsOptimisticConcurrencyEnabled": False, "ManyToOneRelationships": [lookup]}]}
    network.expect("GET", f"{API}/EntityDefinitions", answer(200, body))
    found = organization.table_definitions(["products", "nothings"])
    assert network.query()["$filter"] == "(EntitySetName eq 'products' or EntitySetName eq 'nothings')"
    assert list(found) == ["products"]
    (held,) = found["products"].lookups
    assert (held.column, held.refers_to, held.navigation) == ("msdyn_companyid", "cdm_company", "msdyn_CompanyId")
    assert found["products"].versioned is False


def test_companies_are_read(organization: Dataverse, network: Script) -> None:
    row = {"cdm_companyid": COMPANY, "cdm_companycode": "USMF", "cdm_isenabledfordualwrite": True}
    network.expect("GET", f"{API}/cdm_companies", answer(200, {"value": [row, {"cdm_companycode": "DAT"}]}))
    assert [(each.code, each.enabled) for each in organization.companies()] == [("USMF", True), ("DAT", False)]


def test_pages_say_which_is_the_last(organization: Dataverse, network: Script) -> None:
    link = f"{API}/accounts?$skiptoken=2"
    network.expect("GET", f"{API}/accounts", answer(200, {"value": [{}, {}], "@odata.nextLink": link}))
    pages = organization.pages("accounts", select=("accountid",))
    assert next(pages) == ([{}, {}], False)
    network.expect("GET", f"{API}/accounts", answer(200, {"value": [{}]}))
    assert next(pages) == ([{}], True)
    assert network.requests[0].headers["prefer"] == "odata.maxpagesize=5000"
