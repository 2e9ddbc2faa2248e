"""Where tokens come from: azure-identity, and the three sources of the delegated dual-write token."""

import base64
import json
import sys
import threading
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.identity import CredentialUnavailableError

from providers.api.identity.application_tokens import AzureIdentityTokens
from providers.api.identity.dual_write_sources import dual_write_token_configured
from providers.api.identity.dual_write_tokens import DualWriteTokens
from providers.api.transport.clouds import CloudProfile, profile
from providers.api.transport.errors import AuthenticationError, EmulatorNotRunning, TokenMissing, TransportError
from providers.api.transport.lazy import connect
from providers.api.transport.tokens import claim

from .scripted import Script, answer

SCOPE = "https://IntegratorApp.com/.default"
TOKEN_URL = "https://login.microsoftonline.com/common/oauth2/v2.0/token"
NOW = 1_000_000.0


class AccessToken(NamedTuple):
    token: str
    expires_on: int


class FakeCredential:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[tuple[str, str | None, bool]] = []

    def get_token(self, *scopes: str, claims: str | None = None, enable_cae: bool = False) -> AccessToken:
        self.asked.append((scopes[0], claims, enable_cae))
        if self.error:
            raise self.error
        return AccessToken("bearer", 0)


def jwt(**claims: Any) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part(claims)}.sig"


@pytest.fixture(autouse=True)
def _no_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DUALWRITE_TOKEN", "DUALWRITE_REFRESH_TOKEN", "DUALWRITE_TOKEN_COMMAND"):
        monkeypatch.delenv(name, raising=False)


class Clock:
    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source(public: CloudProfile, network: Script, clock: Clock) -> DualWriteTokens:
    connection = connect(public, network)
    return DualWriteTokens(public, lambda: connection, clock.now)


def test_credential_is_built_once_and_asked_for_cae(public: CloudProfile) -> None:
    credential, built = FakeCredential(), []

    def build() -> FakeCredential:
        built.append(1)
        return credential

    tokens = AzureIdentityTokens(public, build=build)
    assert not built, "nothing is built before the first token"
    challenge = base64.b64encode(b'{"a":1}').decode().rstrip("=")
    assert tokens.token("s1") == tokens.token("s1", challenge) == "bearer"
    assert credential.asked == [("s1", None, True), ("s1", '{"a":1}', True)]
    tokens.forget("s1")
    tokens.token("s1")
    assert len(built) == 2


CORRELATION = "4f6a2b1c-0000-4000-8000-00000000c0de"
REFUSED_SECRET = "Authentication failed: AADSTS7000215: Invalid client secret provided"
AADSTS = f"{REFUSED_SECRET}. Trace ID: 1 Correlation ID: {CORRELATION} Timestamp: 2026"


@pytest.mark.parametrize(
    ("raised", "error", "text"),
    [
        (
            ClientAuthenticationError(AADSTS),
            AuthenticationError,
            f"no token: {REFUSED_SECRET} (AADSTS7000215, correlation {CORRELATION}). Check AZURE_TENANT_ID",
        ),
        (
            CredentialUnavailableError("EnvironmentCredential authentication unavailable."),
            AuthenticationError,
            "no token: EnvironmentCredential authentication unavailable. Check AZURE_TENANT_ID",
        ),
        (ServiceRequestError("no route"), TransportError, "no token from login.microsoftonline.com: no route"),
        (
            ValueError("Unable to get authority configuration"),
            TransportError,
            "no token from login.microsoftonline.com",
        ),
    ],
)
def test_refused_credentials_end_in_one_line(
    public: CloudProfile, raised: Exception, error: type[Exception], text: str
) -> None:
    tokens = AzureIdentityTokens(public, build=lambda: FakeCredential(raised))
    with pytest.raises(error) as caught:
        tokens.token("s1")
    assert str(caught.value).startswith(text)


def test_unreachable_emulator_is_named_when_a_token_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_EMULATOR_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("DUALWRITE_EMULATOR_CA", __file__)
    refused = ServiceRequestError("[Errno 111] Connection refused")
    tokens = AzureIdentityTokens(profile("emulator"), build=lambda: FakeCredential(refused))
    with pytest.raises(EmulatorNotRunning, match="make emulator"):
        tokens.token("s1")


def test_prove_identity_without_its_variables_says_so(public: CloudProfile) -> None:
    with pytest.raises(AuthenticationError, match="DUALWRITE_PROVE_CLIENT_ID"):
        AzureIdentityTokens(public, "prove").token("s1")


@pytest.mark.parametrize(
    ("token", "found"),
    [(jwt(appid="a"), "a"), (jwt(other=1), None), ("opaque", None), ("a.b.c", None), ("a.!!.c", None), ("", None)],
)
def test_claims_are_read_from_jwts_only(token: str, found: object) -> None:
    assert claim(token, "appid") == found


def test_no_source_is_told_with_all_three_ways(source: DualWriteTokens) -> None:
    assert not dual_write_token_configured()
    with pytest.raises(TokenMissing) as caught:
        source.token(SCOPE)
    for name in ("DUALWRITE_TOKEN", "DUALWRITE_REFRESH_TOKEN", "DUALWRITE_TOKEN_COMMAND", "24 hours"):
        assert name in str(caught.value)


def test_ready_token_is_used_until_it_expires(
    source: DualWriteTokens, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = jwt(exp=NOW + 600)
    monkeypatch.setenv("DUALWRITE_TOKEN", token)
    assert dual_write_token_configured()
    assert source.token(SCOPE) == token
    clock.time = NOW + 601
    with pytest.raises(AuthenticationError, match="has expired") as caught:
        source.token(SCOPE)
    assert token not in str(caught.value)


def test_expired_ready_token_makes_way_for_the_command(
    source: DualWriteTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", jwt(exp=NOW - 1))
    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", f"{sys.executable} -c \"print('from-command')\"")
    assert source.token(SCOPE) == "from-command"


def test_refused_ready_token_is_not_used_again(source: DualWriteTokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", "opaque-token")
    assert source.token(SCOPE) == "opaque-token"
    source.forget(SCOPE)
    with pytest.raises(AuthenticationError, match="expired or was refused"):
        source.token(SCOPE)


def test_refresh_sends_what_the_web_app_sends(
    source: DualWriteTokens, network: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALWRITE_REFRESH_TOKEN", "refresh-0")
    network.expect("POST", TOKEN_URL, answer(200, {"access_token": "a-1", "expires_in": 3600, "refresh_token": "r-1"}))
    assert source.token(SCOPE) == "a-1"
    request = network.requests[0]
    form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
    assert form == {
        "client_id": "2e49aa60-1bd3-43b6-8ab6-03ada3d9f08b",
        "scope": "https://IntegratorApp.com/.default openid profile offline_access",
        "redirect_uri": "https://dataintegrator.trafficmanager.net/dualWrite",
        "grant_type": "refresh_token",
        "refresh_token": "refresh-0",
    }
    assert request.headers["origin"] == "https://dataintegrator.trafficmanager.net/"
    assert request.headers["content-type"].startswith("application/x-www-form-urlencoded")


def test_token_is_refreshed_before_it_ends_with_the_rotated_token(
    source: DualWriteTokens, network: Script, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALWRITE_REFRESH_TOKEN", "refresh-0")
    first = {"access_token": "a-1", "expires_in": "3600", "refresh_token": "refresh-1"}
    network.expect("POST", TOKEN_URL, answer(200, first), answer(200, {"access_token": "a-2", "expires_in": 3600}))
    assert source.token(SCOPE) == "a-1"
    clock.time = NOW + 3299
    assert source.token(SCOPE) == "a-1"
    clock.time = NOW + 3300
    assert source.token(SCOPE) == "a-2"
    assert b"refresh_token=refresh-1" in network.requests[1].content


def test_short_lived_token_is_not_renewed_at_once(
    source: DualWriteTokens, network: Script, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALWRITE_REFRESH_TOKEN", "refresh-0")
    network.expect("POST", TOKEN_URL, answer(200, {"access_token": "a-1", "expires_in": 60}))
    source.token(SCOPE)
    clock.time = NOW + 50
    assert source.token(SCOPE) == "a-1"


def test_refused_refresh_token_ends_in_one_line_without_it(
    source: DualWriteTokens, network: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALWRITE_REFRESH_TOKEN", "refresh-zero")
    body = {
        "error": "invalid_grant",
        "error_description": "AADSTS700084: refresh-zero was issued to a single page app, and has expired.\r\nTrace",
        "correlation_id": "c-1",
    }
    network.expect("POST", TOKEN_URL, answer(400, body))
    with pytest.raises(AuthenticationError) as caught:
        source.token(SCOPE)
    text = str(caught.value)
    assert text.startswith("the refresh token was refused: AADSTS700084: [hidden] was issued")
    assert "(invalid_grant, correlation c-1)" in text
    assert "DUALWRITE_TOKEN_COMMAND" in text


def test_lost_refresh_is_a_transport_error(
    source: DualWriteTokens, network: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALWRITE_REFRESH_TOKEN", "refresh-0")
    network.expect("POST", TOKEN_URL, httpx.ReadTimeout("late"))
    with pytest.raises(TransportError):
        source.token(SCOPE)


@pytest.mark.parametrize(
    "printed",
    [
        "from-command",
        "from-command\n",
        '{"access_token": "from-command", "expires_in": 3600}',
        '{"accessToken": "from-command", "expiresOn": "2026-09-02 10:00:00"}',
    ],
)
def test_command_prints_a_token_or_json(public: CloudProfile, monkeypatch: pytest.MonkeyPatch, printed: str) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", "az account 'get access token'")
    ran: list[list[str]] = []

    def run(command: list[str]) -> str:
        ran.append(command)
        return printed

    source = DualWriteTokens(public, lambda: connect(public), run=run)
    assert source.token(SCOPE) == "from-command"
    assert ran == [["az", "account", "get access token"]]


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("import sys; sys.exit('login first')", "ended with 1. Run it in a shell"),
        ("print('')", "printed nothing"),
        ("print('two words')", "printed something that is no token"),
        ("print('{}')", "printed JSON without a token"),
    ],
)
def test_failing_command_is_told_without_its_output(
    source: DualWriteTokens, monkeypatch: pytest.MonkeyPatch, script: str, text: str
) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", f'{sys.executable} -c "{script}"')
    with pytest.raises(AuthenticationError, match=text):
        source.token(SCOPE)


def test_missing_command_is_told(source: DualWriteTokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", "/nowhere/token")
    with pytest.raises(AuthenticationError, match="names a program that is not there, /nowhere/token"):
        source.token(SCOPE)


def test_threads_share_one_run_of_the_command(public: CloudProfile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", "token")
    ran: list[int] = []
    together = threading.Barrier(4, timeout=30)

    def run(command: list[str]) -> str:
        ran.append(1)
        return jwt(exp=9_999_999_999)

    source = DualWriteTokens(public, lambda: connect(public), run=run)

    def ask() -> None:
        together.wait()
        source.token(SCOPE)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ran) == 1


def test_new_token_is_fetched_for_a_claims_challenge(public: CloudProfile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", "token")
    tokens = iter([jwt(exp=9_999_999_999, n=1), jwt(exp=9_999_999_999, n=2)])
    next_token: Callable[[list[str]], str] = lambda _: next(tokens)  # noqa: E731
    source = DualWriteTokens(public, lambda: connect(public), run=next_token)
    assert source.token(SCOPE) != source.token(SCOPE, "e30=")
