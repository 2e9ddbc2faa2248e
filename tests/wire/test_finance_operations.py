"""F&O OData on the wire (power-platform-api.md 14.9, dual-write-semantics.md 12.1)."""

import httpx
import pytest

from providers.api.finance_operations.client import FinanceOperations
from providers.api.session import Session
from providers.api.transport.errors import InvalidRequest, PermissionDenied, TransportError

from .scripted import FakeTokens, Script, answer, page, refused

HOST = "https://hl-uat-01.operations.eu.dynamics.com"
APP = "0f0f0f0f-1111-4222-8333-444444444444"
# What F&O answers to the creation of a row that it has, by the id of the test.
THERE_ALREADY = [
    pytest.param(answer(500, {"error": {"code": "", "innererror": {"message": "record already exists"}}}), id="500"),
    pytest.param(answer(400, {"error": {"code": "", "message": "duplicate"}}), id="400"),
    pytest.param(httpx.ReadTimeout("late"), id="lost"),
]


@pytest.fixture
def finops(session: Session) -> FinanceOperations:
    return session.finance_operations(HOST)


def rows(*values: object, **more: object) -> httpx.Response:
    return answer(200, {"value": list(values), **more})


def test_answering_root_means_reachable(finops: FinanceOperations, network: Script, tokens: FakeTokens) -> None:
    network.expect("GET", f"{HOST}/data/", answer(200, {"value": []}))
    assert finops.reachable()
    assert tokens.asked == [(f"{HOST}/.default", None)]


@pytest.mark.parametrize(
    "absent",
    [
        httpx.ConnectError("refused"),
        httpx.ProxyError("502 Bad Gateway"),
        httpx.ReadTimeout("late"),
        answer(404),
        answer(503),
        page("Starting"),
    ],
)
def test_absent_finops_is_not_reachable_and_asked_once(
    finops: FinanceOperations, network: Script, absent: httpx.Response
) -> None:
    network.expect("GET", f"{HOST}/data/", absent)
    assert not finops.reachable()


@pytest.mark.parametrize("status", [401, 403])
def test_unregistered_application_is_told_where_to_register(
    finops: FinanceOperations, network: Script, status: int
) -> None:
    network.expect("GET", f"{HOST}/data/", *[answer(status) for _ in range(2 if status == 401 else 1)])
    with pytest.raises(PermissionDenied, match="Microsoft Entra ID applications"):
        finops.reachable()


def test_companies_are_read_across_companies(finops: FinanceOperations, network: Script) -> None:
    entity = {"LegalEntityId": "USMF", "Name": "Contoso", "AddressCountryRegionId": "USA", "dataAreaId": "dat"}
    network.expect("GET", f"{HOST}/data/LegalEntities", rows(entity))
    assert [(each.id, each.name, each.country) for each in finops.legal_entities()] == [("USMF", "Contoso", "USA")]
    assert network.query() == {"cross-company": "true"}


USMF = {"LegalEntityId": "USMF", "Name": "Contoso", "AddressCountryRegionId": "USA"}


def test_company_is_created_with_what_the_form_asks_for(finops: FinanceOperations, network: Script) -> None:
    network.expect("POST", f"{HOST}/data/LegalEntities", answer(429, None, Retry_After="1"), answer(201, USMF))
    finops.create_legal_entity("USMF", "Contoso", "USA")
    assert network.sent() == USMF


@pytest.mark.parametrize(
    "answered",
    THERE_ALREADY,
)
def test_company_that_is_there_in_another_case_is_a_success(
    finops: FinanceOperations, network: Script, answered: httpx.Response
) -> None:
    network.expect("POST", f"{HOST}/data/LegalEntities", answered)
    network.expect("GET", f"{HOST}/data/LegalEntities", rows({**USMF, "LegalEntityId": "usmf"}))
    finops.create_legal_entity("USMF", "Contoso", "USA")


def test_lost_company_is_sent_once_and_told_as_lost(finops: FinanceOperations, network: Script) -> None:
    network.expect("POST", f"{HOST}/data/LegalEntities", httpx.ReadTimeout("late"))
    network.expect("GET", f"{HOST}/data/LegalEntities", rows())
    with pytest.raises(TransportError) as caught:
        finops.create_legal_entity("USMF", "Contoso", "USA")
    assert caught.value.may_have_happened


def test_refused_company_tells_the_text_behind_infolog(finops: FinanceOperations, network: Script) -> None:
    text = "Write failed for table row of type 'LegalEntityEntity'. Infolog: Error: Country/region US does not exist."
    body = {"error": {"code": "", "message": "An error has occurred.", "innererror": {"message": text}}}
    network.expect("POST", f"{HOST}/data/LegalEntities", answer(400, body))
    network.expect("GET", f"{HOST}/data/LegalEntities", rows())
    with pytest.raises(InvalidRequest, match=r"^Error: Country/region US does not exist"):
        finops.create_legal_entity("USMF", "Contoso", "US")


@pytest.mark.parametrize("status", [401, 403])
def test_company_needs_rights_that_a_person_gives(finops: FinanceOperations, network: Script, status: int) -> None:
    answers = [answer(status) for _ in range(2 if status == 401 else 1)]
    network.expect("POST", f"{HOST}/data/LegalEntities", *answers)
    with pytest.raises(PermissionDenied, match="Microsoft Entra ID applications"):
        finops.create_legal_entity("USMF", "Contoso", "USA")


def test_pages_are_followed(finops: FinanceOperations, network: Script) -> None:
    link = f"{HOST}/data/CustomerGroups?cross-company=true&$skip=1"
    network.expect("GET", f"{HOST}/data/CustomerGroups", rows({"n": 1}, **{"@odata.nextLink": link}), rows({"n": 2}))
    assert [row["n"] for row in finops.rows("CustomerGroups", filter="dataAreaId eq 'dat'", top=5)] == [1, 2]
    assert network.query(0)["$filter"] == "dataAreaId eq 'dat'"
    assert network.query(1)["$skip"] == "1"


@pytest.mark.parametrize(
    "answered",
    [
        pytest.param(answer(201, {"AADClientId": APP}), id="made"),
        *THERE_ALREADY,
    ],
)
def test_registered_application_is_a_success_however_it_came(
    finops: FinanceOperations, network: Script, answered: httpx.Response
) -> None:
    network.expect("POST", f"{HOST}/data/SysAADClients", answered)
    if isinstance(answered, Exception) or answered.status_code != 201:
        network.expect("GET", f"{HOST}/data/SysAADClients", rows({"AADClientId": APP.upper(), "UserId": "Admin"}))
    finops.register_application(APP, "Admin", "dual-write")
    sent = network.requests[0]
    assert sent.read() == b'{"AADClientId": "' + APP.encode() + b'", "UserId": "Admin", "Name": "dual-write"}'


def test_registration_that_did_not_take_is_an_error(finops: FinanceOperations, network: Script) -> None:
    refusal = {
        "error": {"code": "", "message": "An error has occurred.", "innererror": {"message": "x Infolog: no user"}}
    }
    network.expect("POST", f"{HOST}/data/SysAADClients", answer(400, refusal))
    network.expect("GET", f"{HOST}/data/SysAADClients", rows())
    with pytest.raises(InvalidRequest, match="no user"):
        finops.register_application(APP, "Nobody", "dual-write")


def test_row_is_named_by_all_its_keys(finops: FinanceOperations, network: Script) -> None:
    path = f"{HOST}/data/CustomerGroups(dataAreaId='dat',CustomerGroupId='10')"
    key = {"dataAreaId": "dat", "CustomerGroupId": "10"}
    network.expect("GET", path, answer(200, {"n": 1}), refused("", "No row.", 404))
    network.expect("PATCH", path, answer(503), answer(204))
    network.expect("DELETE", path, answer(204), refused("", "No row.", 404))
    assert finops.row("CustomerGroups", key) == {"n": 1}
    assert finops.row("CustomerGroups", key) is None
    finops.update_row("CustomerGroups", key, {"Description": "x"})
    finops.delete_row("CustomerGroups", key)
    finops.delete_row("CustomerGroups", key)


def test_lost_create_of_a_row_is_sent_once(finops: FinanceOperations, network: Script) -> None:
    network.expect("POST", f"{HOST}/data/CustomerGroups", answer(500))
    with pytest.raises(TransportError) as caught:
        finops.create_row("CustomerGroups", {"dataAreaId": "dat"})
    assert caught.value.may_have_happened


def test_count_asks_for_one_row(finops: FinanceOperations, network: Script) -> None:
    network.expect("GET", f"{HOST}/data/CustomerGroups", rows({}, **{"@odata.count": 12}), rows({}), rows({}, {}))
    assert finops.count("CustomerGroups", "dataAreaId eq 'dat'") == 12
    assert network.query() == {
        "cross-company": "true",
        "$count": "true",
        "$top": "1",
        "$filter": "dataAreaId eq 'dat'",
    }
    assert finops.count("CustomerGroups") == 2
