"""No credential reaches a terminal, a log or a message, whatever the token services answer."""

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from providers.api.identity.application_tokens import AzureIdentityTokens
from providers.api.identity.dual_write_tokens import DualWriteTokens
from providers.api.transport.clouds import CloudProfile
from providers.api.transport.errors import ApiError, AuthenticationError, ServiceUnavailable
from providers.api.transport.lazy import connect
from providers.api.transport.quiet import LIBRARIES, quieten

from .scripted import Answering, FakeTime, answer
from .sessions import opened

CANARY = "canary-7d2e41b9"
ANSWERS: list[tuple[int, str, str]] = [
    (200, json.dumps({"access_token": CANARY, "refresh_token": CANARY})[:-12], "text/plain"),
    (200, json.dumps({"access_token": CANARY})[:-2], "application/json"),
    (200, json.dumps([CANARY]), "application/json"),
    (200, f"<html>{CANARY}</html>", "text/html"),
    (200, json.dumps({"access_token": [CANARY]}), "application/json"),
    (400, json.dumps({"error": "invalid_grant", "error_description": f"refresh_token={CANARY}"}), "application/json"),
    (503, CANARY, "text/plain"),
    (200, "[" * 100_000 + CANARY, "application/json"),
]


@pytest.fixture
def shown(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[Exception | None], str]:
    caplog.set_level(0)

    def everything(error: Exception | None) -> str:
        printed = capfd.readouterr()
        chain = f"{error}{error.__cause__!r}" if error else ""
        return f"{chain}{printed.out}{printed.err}{caplog.text}"

    return everything


@pytest.mark.parametrize(("status", "text", "kind"), ANSWERS)
def test_answer_to_a_refresh_is_never_shown(
    public: CloudProfile,
    monkeypatch: pytest.MonkeyPatch,
    shown: Callable[[Exception | None], str],
    status: int,
    text: str,
    kind: str,
) -> None:
    monkeypatch.delenv("DUALWRITE_TOKEN", raising=False)
    monkeypatch.setenv("DUALWRITE_REFRESH_TOKEN", CANARY)
    reply = Answering(lambda _: httpx.Response(status, text=text, headers={"Content-Type": kind}))
    source = DualWriteTokens(public, lambda: connect(public, reply))
    error: Exception | None = None
    try:
        source.token("s")
    except ApiError as raised:
        error = raised
    assert error is not None
    assert CANARY not in shown(error)


@pytest.mark.parametrize("name", LIBRARIES)
def test_loggers_of_libraries_reach_nobody(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        quieten()
        logging.getLogger(f"{name}.oauth2").error("the answer was %s", CANARY)
        logging.getLogger(name).critical(CANARY)
    finally:
        root.removeHandler(handler)
    printed = capfd.readouterr()
    assert CANARY not in f"{written.getvalue()}{printed.out}{printed.err}"


class Refusing:
    """A credential whose library fails."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        self.asked += 1
        raise self.errors.pop(0) if len(self.errors) > 1 else self.errors[0]


def down(status: int) -> ClientAuthenticationError:
    """What azure-identity raises for an answer with that status."""
    error = ClientAuthenticationError("Unexpected response from Microsoft Entra ID")
    error.response = type("Response", (), {"status_code": status})()
    return error


@pytest.mark.parametrize(
    "raised",
    [
        json.JSONDecodeError(CANARY, CANARY, 0),
        ValueError(f"cannot read {CANARY}"),
        KeyError(CANARY),
        TypeError(CANARY),
        RuntimeError(CANARY),
        RecursionError(CANARY),
    ],
)
def test_answer_that_the_library_cannot_read_is_never_shown(
    public: CloudProfile, raised: Exception, shown: Callable[[Exception | None], str]
) -> None:
    with pytest.raises(ApiError) as caught:
        AzureIdentityTokens(public, build=lambda: Refusing(raised)).token("s")
    assert CANARY not in shown(caught.value)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_token_service_that_is_down_is_no_refusal(public: CloudProfile, status: int) -> None:
    for error in (down(status), HttpResponseError(f"Operation returned an invalid status code {status}")):
        with pytest.raises(ServiceUnavailable) as caught:
            AzureIdentityTokens(public, build=lambda error=error: Refusing(error)).token("s")  # type: ignore[misc]
        assert "AZURE_CLIENT_SECRET" not in str(caught.value), "no secret is wrong"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_refresh_that_meets_a_service_that_is_down_is_no_refusal(
    public: CloudProfile, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.delenv("DUALWRITE_TOKEN", raising=False)
    monkeypatch.setenv("DUALWRITE_REFRESH_TOKEN", "r")
    replies = [answer(status), answer(200, {"access_token": "t", "expires_in": 3600})]
    time = FakeTime()
    source = DualWriteTokens(public, lambda: connect(public, Answering(lambda _: replies.pop(0))), now=time.clock)
    with pytest.raises(ServiceUnavailable):
        source.token("s")
    # As the next try of a call comes, after its pause.
    time.sleep(0.5)
    assert source.token("s") == "t"


def test_call_waits_out_a_token_service_that_is_down(public: CloudProfile) -> None:
    time = FakeTime()
    session = opened(lambda _: answer(200, {"value": []}), time)
    session._tokens = AzureIdentityTokens(public, build=lambda: Refusing(*[down(503)] * 9))
    with pytest.raises(ServiceUnavailable):
        session.power_platform.environments()
    assert 10 < time.elapsed < 60


def test_wrong_secret_is_tried_once_for_all_that_ask(public: CloudProfile) -> None:
    credential = Refusing(ClientAuthenticationError("Authentication failed: AADSTS7000215: Invalid client secret"))
    now = [0.0]
    tokens = AzureIdentityTokens(public, build=lambda: credential, clock=lambda: now[0])
    raised = []
    for _ in range(12):
        with pytest.raises(AuthenticationError, match="AADSTS7000215") as caught:
            tokens.token("s")
        raised.append(caught.value)
    assert credential.asked == 1
    assert len({id(each) for each in raised}) == 12, "threads share no traceback"
    now[0] = 61
    with pytest.raises(AuthenticationError):
        tokens.token("s")
    assert credential.asked == 2
