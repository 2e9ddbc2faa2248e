"""What every service client does with the wire."""

import base64
import logging
import threading
from pathlib import Path

import httpx
import pytest

from providers.api.transport import operations
from providers.api.transport.client import ServiceClient
from providers.api.transport.clouds import CloudProfile, profile
from providers.api.transport.errors import (
    ApiError,
    AuthenticationError,
    Conflict,
    EmulatorNotRunning,
    ForeignHost,
    Interrupted,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    ServiceUnavailable,
    Throttled,
    TransportError,
    UnexpectedAnswer,
)
from providers.api.transport.hosts import power_platform_hosts
from providers.api.transport.lazy import connect
from providers.api.transport.timing import Timing

from .scripted import Answering, FakeTime, FakeTokens, Script, answer, page, refused

CORRELATION = "4f6a2b1c-0000-4000-8000-00000000c0de"


def test_answer_in_contract_is_returned(client: ServiceClient, network: Script) -> None:
    network.expect("GET", "/environments", answer(200, {"value": []}))
    assert client.request("GET", "/environments", params={"api-version": "2023-06-01"}).json() == {"value": []}
    assert network.query() == {"api-version": "2023-06-01"}


def test_bearer_and_ids_go_with_each_request(client: ServiceClient, network: Script, tokens: FakeTokens) -> None:
    network.expect("GET", "/a", answer(200, {}), answer(200, {}))
    client.request("GET", "/a")
    client.request("GET", "/a")
    first, second = (request.headers for request in network.requests)
    assert first["authorization"] == "Bearer token-0"
    assert tokens.asked == [("https://service.powerapps.com/.default", None)] * 2
    assert first["x-ms-client-session-id"] == second["x-ms-client-session-id"]
    assert first["x-ms-correlation-id"] != second["x-ms-correlation-id"]
    assert first["x-ms-client-request-id"] != second["x-ms-client-request-id"]


def test_retries_keep_the_correlation_id(client: ServiceClient, network: Script) -> None:
    network.expect("GET", "/a", answer(503), answer(200, {}))
    client.request("GET", "/a")
    ids = {request.headers["x-ms-correlation-id"] for request in network.requests}
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("failed", "error"),
    [
        pytest.param(refused("InsufficientCapacity_StorageDriven", status=409), Conflict, id="no capacity"),
        pytest.param(refused("DomainNameAlreadyInUse", status=409), Conflict, id="domain taken"),
        pytest.param(refused("InsufficientCapacity_StorageDriven", status=500), Conflict, id="no capacity, 500"),
        pytest.param(refused("DynamicsEntitlementMissing", status=503), ServiceUnavailable, id="no licence, 503"),
        pytest.param(refused("SomethingElse", status=409), Conflict, id="unknown conflict"),
        pytest.param(refused("InvalidDomainName"), InvalidRequest, id="bad domain"),
        pytest.param(refused("EnvironmentNotFound", status=404), NotFound, id="no environment"),
        pytest.param(refused("", status=403), PermissionDenied, id="forbidden"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_final_failures_are_sent_once(
    client: ServiceClient, network: Script, method: str, failed: httpx.Response, error: type[ApiError]
) -> None:
    network.expect(method, "/a", failed)
    with pytest.raises(error) as caught:
        client.request(method, "/a")
    assert type(caught.value) is error
    assert not caught.value.may_have_happened


@pytest.mark.parametrize(
    "passing",
    [
        pytest.param(refused("TooManyRequests", status=429), id="429"),
        pytest.param(answer(429), id="429 without a body"),
        pytest.param(refused("0x80072322", status=429), id="Dataverse limit"),
        pytest.param(refused("0x80072326", status=503), id="Dataverse limit by code alone"),
        pytest.param(refused("OperationNotStartable", status=409), id="other operation runs"),
        pytest.param(refused("ServiceToServiceEnvironmentNotFound", status=404), id="young environment"),
        pytest.param(httpx.ConnectError("no route"), id="never connected"),
        pytest.param(httpx.ConnectTimeout("slow"), id="connect timed out"),
    ],
)
def test_what_was_not_done_is_sent_again(client: ServiceClient, network: Script, passing: httpx.Response) -> None:
    network.expect("POST", "/a", passing, answer(200, {"ok": True}))
    assert client.request("POST", "/a", replay="never").json() == {"ok": True}


UNCLEAR = [
    pytest.param(answer(500), id="500"),
    pytest.param(answer(502, "<html></html>"), id="502 page"),
    pytest.param(refused("Whatever", status=503), id="503"),
    pytest.param(answer(499, {"name": "an environment"}), id="499 with an environment"),
    pytest.param(answer(504), id="504"),
    pytest.param(page(), id="200 with a page"),
    pytest.param(answer(200, '{"cut": '), id="200 with broken JSON"),
    pytest.param(answer(200), id="200 without a body"),
    pytest.param(httpx.ReadTimeout("no answer"), id="read timed out"),
    pytest.param(httpx.ReadError("reset"), id="connection reset"),
    pytest.param(httpx.RemoteProtocolError("closed"), id="closed without an answer"),
]


@pytest.mark.parametrize("lost", UNCLEAR)
def test_lost_answer_of_a_write_is_never_repeated(client: ServiceClient, network: Script, lost: httpx.Response) -> None:
    network.expect("POST", "/a", lost)
    with pytest.raises(TransportError) as caught:
        client.request("POST", "/a")
    assert caught.value.may_have_happened
    assert len(network.requests) == 1


@pytest.mark.parametrize("lost", UNCLEAR)
def test_lost_answer_of_a_read_is_repeated(client: ServiceClient, network: Script, lost: httpx.Response) -> None:
    network.expect("GET", "/a", lost, answer(200, {"ok": True}))
    assert client.request("GET", "/a").json() == {"ok": True}


@pytest.mark.parametrize("lost", UNCLEAR)
def test_lost_answer_of_an_idempotent_write_is_repeated(
    client: ServiceClient, network: Script, lost: httpx.Response
) -> None:
    network.expect("PATCH", "/a", lost, answer(200, {"ok": True}))
    assert client.request("PATCH", "/a", replay="safe").json() == {"ok": True}


def test_repeated_reads_end_after_six_attempts(client: ServiceClient, network: Script, time: FakeTime) -> None:
    network.expect("GET", "/a", *[answer(503) for _ in range(6)])
    with pytest.raises(ServiceUnavailable) as caught:
        client.request("GET", "/a")
    assert not caught.value.may_have_happened
    assert 10 < time.elapsed < 60


def test_lost_read_changed_nothing(client: ServiceClient, network: Script) -> None:
    network.expect("GET", "/a", *[httpx.ReadError("reset") for _ in range(6)])
    with pytest.raises(TransportError) as caught:
        client.request("GET", "/a")
    assert not caught.value.may_have_happened


def test_lost_idempotent_write_tells_that_it_may_have_happened(client: ServiceClient, network: Script) -> None:
    network.expect("PATCH", "/a", *[httpx.ReadError("reset") for _ in range(6)])
    with pytest.raises(TransportError) as caught:
        client.request("PATCH", "/a", replay="safe")
    assert caught.value.may_have_happened


def test_empty_conflict_on_delete_is_waited_out(client: ServiceClient, network: Script, time: FakeTime) -> None:
    network.expect("DELETE", "/a", answer(409), answer(409), answer(202))
    client.request("DELETE", "/a", expected={202}, answer="none")
    assert time.elapsed == 30


def test_busy_environment_is_waited_for_only_so_long(client: ServiceClient, network: Script, time: FakeTime) -> None:
    network.expect("PATCH", "/a", *[refused("OperationNotStartable", "an operation runs", 409) for _ in range(41)])
    with pytest.raises(Conflict, match="an operation runs") as caught:
        client.request("PATCH", "/a", replay="safe")
    assert caught.value.code == "OperationNotStartable"
    assert time.elapsed == 600


@pytest.mark.parametrize(
    ("header", "waited"),
    [("7", 7), ("0", 0.1), ("Wed, 02 Sep 2026 06:00:25 GMT", 25), ("Wed, 02 Sep 2026 05:00:00 GMT", 0.1)],
)
def test_retry_after_sets_the_wait(
    client: ServiceClient, network: Script, time: FakeTime, header: str, waited: float
) -> None:
    network.expect("GET", "/a", refused("TooManyRequests", status=429, Retry_After=header), answer(200, {}))
    client.request("GET", "/a")
    assert time.elapsed == waited


def test_retry_after_is_read_from_every_answer(client: ServiceClient, network: Script, time: FakeTime) -> None:
    waits = ["3", "11", "Wed, 02 Sep 2026 06:00:20 GMT"]
    network.expect("GET", "/a", *[answer(429, Retry_After=wait) for wait in waits], answer(200, {}))
    client.request("GET", "/a")
    assert time.elapsed == 20


def test_throttling_with_stated_waits_outlasts_six_attempts(
    client: ServiceClient, network: Script, time: FakeTime
) -> None:
    network.expect("GET", "/a", *[answer(429, Retry_After="10") for _ in range(9)], answer(200, {}))
    client.request("GET", "/a")
    assert time.elapsed == 90


def test_wait_beyond_patience_is_refused_at_once(client: ServiceClient, network: Script, time: FakeTime) -> None:
    network.expect("GET", "/a", answer(429, Retry_After="3600"))
    with pytest.raises(Throttled):
        client.request("GET", "/a")
    assert time.elapsed == 0


def test_claims_challenge_gets_a_token_with_those_claims(
    client: ServiceClient, network: Script, tokens: FakeTokens
) -> None:
    claims = base64.b64encode(b'{"access_token":{"nbf":{"essential":true}}}').decode()
    challenge = f'Bearer realm="", error="insufficient_claims", claims="{claims}"'
    network.expect("POST", "/a", answer(401, WWW_Authenticate=challenge), answer(200, {}))
    client.request("POST", "/a")
    assert [given for _, given in tokens.asked] == [None, claims]
    assert tokens.forgotten == []


def test_second_claims_challenge_ends(client: ServiceClient, network: Script) -> None:
    challenge = 'Bearer error="insufficient_claims", claims="e30="'
    network.expect("GET", "/a", *[answer(401, WWW_Authenticate=challenge) for _ in range(2)])
    with pytest.raises(AuthenticationError):
        client.request("GET", "/a")


def test_refused_token_is_renewed_once(client: ServiceClient, network: Script, tokens: FakeTokens) -> None:
    network.expect("POST", "/a", answer(401), answer(200, {}))
    client.request("POST", "/a")
    assert [each.headers["authorization"] for each in network.requests] == ["Bearer token-0", "Bearer token-1"]


def test_lasting_refusal_renews_no_token_for_each_call(
    client: ServiceClient, network: Script, tokens: FakeTokens
) -> None:
    network.expect("GET", "/a", *[answer(401) for _ in range(3)])
    for _ in range(2):
        with pytest.raises(AuthenticationError):
            client.request("GET", "/a")
    assert len(tokens.forgotten) == 1


def test_unregistered_application_is_told_how_to_register(
    client: ServiceClient, network: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", "11111111-2222-4333-8444-555555555555")
    text = "The service principal does not have permission to access the path '/environments' ..."
    network.expect("GET", "/a", refused("Forbidden", text, 403))
    with pytest.raises(PermissionDenied) as caught:
        client.request("GET", "/a")
    assert "New-PowerAppManagementApp -ApplicationId 11111111-2222-4333-8444-555555555555" in str(caught.value)


def test_permission_failure_as_a_page_names_the_page(client: ServiceClient, network: Script) -> None:
    network.expect("GET", "/a", page("403 - Forbidden", 403))
    with pytest.raises(PermissionDenied, match="the page '403 - Forbidden' came instead"):
        client.request("GET", "/a")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/providers/x",
        "http://api.bap.microsoft.com/x",
        "https://api.bap.microsoft.com:8443/x",
        "https://api.bap.microsoft.com.evil.example/x",
        "https://xapi.bap.microsoft.com/x",
        "https://user@api.bap.microsoft.com/x",
        "https://api.bap.microsoft.com@evil.example/x",
        "https://evil.example\\.api.bap.microsoft.com/x",
        "https://api.bap.microsoft.com:port/x",
        "https://",
    ],
)
def test_operation_url_on_foreign_host_gets_no_token(
    client: ServiceClient, network: Script, tokens: FakeTokens, url: str
) -> None:
    with pytest.raises(ForeignHost):
        client.request("GET", url)
    assert not network.requests
    assert not tokens.asked


def test_regional_host_of_the_cloud_is_followed(client: ServiceClient, network: Script) -> None:
    network.expect("GET", "https://europe.api.bap.microsoft.com/x", answer(200, {}))
    client.request("GET", "https://europe.api.bap.microsoft.com/x?api-version=2023-06-01")
    assert network.query() == {"api-version": "2023-06-01"}


@pytest.mark.parametrize(
    ("location", "shown"),
    [("https://evil.example/steal", r"evil\.example"), ("/b", "elsewhere")],
)
def test_redirect_is_not_followed(client: ServiceClient, network: Script, location: str, shown: str) -> None:
    network.expect("GET", "/a", answer(302, Location=location))
    with pytest.raises(ForeignHost, match=f"redirects to {shown}"):
        client.request("GET", "/a")


def test_error_carries_code_status_and_correlation(client: ServiceClient, network: Script) -> None:
    network.expect("GET", "/a", refused("EnvironmentNotFound", "gone", 404, x_ms_correlation_id=CORRELATION))
    with pytest.raises(NotFound) as caught:
        client.request("GET", "/a")
    error = caught.value
    assert (error.code, error.status, error.correlation_id) == ("EnvironmentNotFound", 404, CORRELATION)
    assert str(error) == f"gone (EnvironmentNotFound, correlation {CORRELATION})"


def test_own_correlation_id_stands_in_when_the_service_has_none(client: ServiceClient, network: Script) -> None:
    network.expect("GET", "/a", refused("X", status=400))
    with pytest.raises(InvalidRequest) as caught:
        client.request("GET", "/a")
    assert caught.value.correlation_id == network.requests[0].headers["x-ms-correlation-id"]


def test_one_log_line_a_request_without_token_or_query(
    client: ServiceClient, network: Script, caplog: pytest.LogCaptureFixture
) -> None:
    network.expect("GET", "/a", answer(200, {}, x_ms_correlation_id=CORRELATION))
    with caplog.at_level(logging.DEBUG, "providers.api"):
        client.request("GET", "/a", params={"$filter": "name eq 'secret'"})
    assert len(caplog.messages) == 1
    line = caplog.messages[0]
    assert line.startswith("Power Platform GET api.bap.microsoft.com/a -> 200 in ")
    assert CORRELATION in line
    assert "token" not in line
    assert "secret" not in line


def test_waits_of_retries_can_be_stopped_and_are_told(
    client: ServiceClient, network: Script, time: FakeTime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[str] = []
    signal = tmp_path / "stop"
    monkeypatch.setenv("DUALWRITE_STOP_FILE", str(signal))

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        if time.elapsed >= 3:
            signal.touch()

    client.timing.sleep = sleep
    network.expect("GET", "/a", refused("TooManyRequests", "too many", 429, Retry_After="60"))
    with operations.reporting(told.append), pytest.raises(Interrupted):
        client.request("GET", "/a")
    assert time.elapsed == 3
    assert told == ["too many; next try in 1m"]
    with pytest.raises(Interrupted):
        client.request("GET", "/b")


def test_concurrent_calls_share_one_client(public: CloudProfile, timing: Timing) -> None:
    both = threading.Barrier(4, timeout=30)

    def respond(request: httpx.Request) -> httpx.Response:
        both.wait()
        return httpx.Response(200, json={"path": request.url.path})

    client = ServiceClient(
        "Power Platform",
        "https://api.bap.microsoft.com",
        "scope",
        profile=public,
        tokens=FakeTokens(),
        rule=power_platform_hosts(public),
        http=connect(public, Answering(respond)),
        timing=timing,
    )
    seen: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: seen.append(client.request("GET", f"/{n}").json()["path"])) for n in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == ["/a", "/b", "/c", "/d"]


def test_missing_emulator_is_one_line_with_the_way_out(
    network: Script, timing: Timing, tokens: FakeTokens, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("DUALWRITE_EMULATOR_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("DUALWRITE_EMULATOR_CA", __file__)
    emulator = profile("emulator")
    client = ServiceClient(
        "Power Platform",
        "https://api.bap.microsoft.com",
        "scope",
        profile=emulator,
        tokens=tokens,
        rule=power_platform_hosts(emulator),
        http=connect(emulator, network),
        timing=timing,
    )
    network.expect("GET", "/a", httpx.ConnectError("[Errno 111] Connection refused"))
    with pytest.raises(EmulatorNotRunning) as caught:
        client.request("GET", "/a")
    assert "nothing answers at http://127.0.0.1:9" in str(caught.value)
    assert "make emulator" in str(caught.value)


@pytest.mark.parametrize("status", [200, 202])
def test_optional_body_may_be_absent(client: ServiceClient, network: Script, status: int) -> None:
    network.expect("POST", "/a", answer(status))
    assert client.request("POST", "/a", expected={200, 202}, answer="maybe").json() is None


def test_page_is_no_answer_even_when_the_body_is_not_read(client: ServiceClient, network: Script) -> None:
    network.expect("PUT", "/a", *[page("Sign in to your account") for _ in range(6)])
    with pytest.raises(UnexpectedAnswer, match="the page 'Sign in to your account' came instead"):
        client.request("PUT", "/a", answer="none", replay="safe")
