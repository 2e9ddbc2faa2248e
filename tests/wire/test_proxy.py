"""The emulator profile over real sockets: proxy, CA, refused hosts, azure-identity and the refresh of a token."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.api.session import Session
from providers.api.transport.clouds import profile
from providers.api.transport.errors import AuthenticationError, EmulatorNotRunning, TransportError
from providers.api.transport.timing import Timing

from .scripted import FakeTokens
from .tunnel import Tunnel

TENANT = "7f8b5a1c-2d34-4e56-9a78-b0c1d2e3f405"
BAP = "api.bap.microsoft.com"
LOGIN = "login.microsoftonline.com"
DATAVERSE = "contoso.crm4.dynamics.com"


def respond(host: str, method: str, path: str, body: bytes) -> tuple[int, Any]:
    if host != LOGIN:
        return 200, {"value": [], "UserId": host}
    if "openid-configuration" in path:
        base = f"https://{LOGIN}/{TENANT}"
        return 200, {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
        }
    if "discovery/instance" in path:
        return 200, {
            "tenant_discovery_endpoint": f"https://{LOGIN}/{TENANT}/v2.0/.well-known/openid-configuration",
            "metadata": [{"preferred_network": LOGIN, "preferred_cache": LOGIN, "aliases": [LOGIN]}],
        }
    if b"refresh_token=good" in body or b"client_secret=good-secret" in body:
        return 200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "from-the-authority"}
    return 401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}


@pytest.fixture
def tunnel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tunnel]:
    served = Tunnel([BAP, LOGIN, DATAVERSE], respond, tmp_path)
    monkeypatch.setenv("DUALWRITE_EMULATOR_URL", served.url)
    monkeypatch.setenv("DUALWRITE_EMULATOR_CA", str(served.ca))
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", "a1d0c3b2-5e4f-4a6b-8c7d-9e0f1a2b3c4d")
    # What a shell may say about proxies is no business of the emulator profile.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "*")
    yield served
    served.close()


@pytest.fixture
def open_session(timing: Timing) -> Iterator[Any]:
    made: list[Session] = []

    def make(**options: Any) -> Session:
        made.append(Session(profile("emulator"), timing=timing, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_real_host_names_are_reached_through_the_proxy(tunnel: Tunnel, open_session: Any) -> None:
    session = open_session(tokens=FakeTokens())
    assert session.power_platform.environments() == []
    assert session.dataverse(DATAVERSE).who_am_i().user_id == DATAVERSE


def test_host_that_the_proxy_refuses_is_named(tunnel: Tunnel, open_session: Any) -> None:
    session = open_session(tokens=FakeTokens())
    with pytest.raises(TransportError, match=r"no connection to elsewhere\.crm4\.dynamics\.com: .*403") as caught:
        session.dataverse("elsewhere.crm4.dynamics.com").who_am_i()
    assert not caught.value.may_have_happened


def test_certificate_of_a_stranger_is_refused(
    tunnel: Tunnel, open_session: Any, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Tunnel([], respond, tmp_path_factory.mktemp("other"))
    other.close()
    monkeypatch.setenv("DUALWRITE_EMULATOR_CA", str(other.ca))
    with pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED"):
        open_session(tokens=FakeTokens()).power_platform.environments()


def test_stopped_emulator_is_told_in_one_line(tunnel: Tunnel, open_session: Any) -> None:
    tunnel.close()
    session = open_session(tokens=FakeTokens())
    with pytest.raises(EmulatorNotRunning, match="make emulator"):
        session.power_platform.environments()


def test_azure_identity_gets_its_token_through_the_proxy(
    tunnel: Tunnel, open_session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "good-secret")
    assert open_session()._tokens.token("https://service.powerapps.com/.default") == "from-the-authority"


def test_wrong_secret_ends_in_one_line(tunnel: Tunnel, open_session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong-secret")
    with pytest.raises(AuthenticationError) as caught:
        open_session().power_platform.environments()
    assert caught.value.code == "AADSTS7000215"
    assert "wrong-secret" not in str(caught.value)


def test_emulator_that_stopped_before_the_token_is_told(
    tunnel: Tunnel,
    open_session: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "good-secret")
    tunnel.close()
    with pytest.raises(EmulatorNotRunning):
        open_session().power_platform.environments()
    assert logging.getLogger("azure").handlers, "Python prints warnings of loggers that have no handler"


def test_delegated_token_is_refreshed_through_the_proxy(
    tunnel: Tunnel, open_session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DUALWRITE_TOKEN", "DUALWRITE_TOKEN_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DUALWRITE_REFRESH_TOKEN", "good")
    client = open_session().dual_write._client
    assert client._tokens.token("any") == "from-the-authority"
