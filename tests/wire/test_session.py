"""Sessions: lazy, cached per process and environment, each client on its own hosts."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.api.session import Session, close_all, session
from providers.api.transport.clouds import profile
from providers.api.transport.errors import EmulatorNotRunning, ForeignHost, InvalidRequest, TokenMissing

from .scripted import FakeTokens, Script, answer


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("DUALWRITE_TOKEN", "DUALWRITE_REFRESH_TOKEN", "DUALWRITE_TOKEN_COMMAND", "DUALWRITE_EMULATOR_URL"):
        monkeypatch.delenv(name, raising=False)
    yield
    close_all()


def test_session_is_shared_per_cloud_gateway_and_identity() -> None:
    one = session("public", gateway="g")
    assert session("public", gateway="g") is one
    assert session("public") is not one
    assert session("gcc", gateway="g") is not one
    assert session("public", gateway="g", tokens="prove") is not one
    close_all()
    assert session("public", gateway="g") is not one


def test_session_follows_the_emulator_to_another_port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("x")
    monkeypatch.setenv("DUALWRITE_EMULATOR_CA", str(ca))
    monkeypatch.setenv("DUALWRITE_EMULATOR_URL", "http://127.0.0.1:1")
    one = session("emulator")
    monkeypatch.setenv("DUALWRITE_EMULATOR_URL", "http://127.0.0.1:2")
    assert session("emulator") is not one
    assert session("emulator").profile.proxy == "http://127.0.0.1:2"


def test_missing_emulator_is_told_before_anything_else() -> None:
    with pytest.raises(EmulatorNotRunning):
        session("emulator")


def test_unknown_identity_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        session("public", tokens="someone")


def test_clients_are_built_once(session: Session) -> None:
    assert session.power_platform is session.power_platform
    assert session.dual_write is session.dual_write
    one = session.dataverse("https://contoso.crm4.dynamics.com/")
    assert session.dataverse("CONTOSO.crm4.dynamics.com") is one
    assert session.dataverse("fabrikam.crm4.dynamics.com") is not one


@pytest.mark.parametrize("host", ["evil.example", "https://contoso.crm4.dynamics.com.evil.example", "", "https://"])
def test_instance_outside_the_cloud_is_refused(session: Session, host: str) -> None:
    with pytest.raises(ForeignHost):
        session.dataverse(host)
    with pytest.raises(ForeignHost):
        session.finance_operations(host)


def test_each_instance_gets_a_token_of_its_own(session: Session, network: Script, tokens: FakeTokens) -> None:
    network.expect("GET", "/WhoAmI", answer(200, {}))
    network.expect("GET", "/data/", answer(200, {}))
    session.dataverse("contoso.crm4.dynamics.com").who_am_i()
    session.finance_operations("contoso.operations.eu.dynamics.com").reachable()
    assert [scope for scope, _ in tokens.asked] == [
        "https://contoso.crm4.dynamics.com/.default",
        "https://contoso.operations.eu.dynamics.com/.default",
    ]


def test_dual_write_without_a_token_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(TokenMissing):
        _ = Session(profile("public"), gateway="https://projectmanagementservice.x").dual_write


def test_gateway_is_required_and_has_to_be_one(dual_write_tokens: FakeTokens) -> None:
    public = profile("public")
    with pytest.raises(InvalidRequest, match="gateway"):
        _ = Session(public, dual_write_tokens=dual_write_tokens).dual_write
    with pytest.raises(ForeignHost):
        _ = Session(public, gateway="https://evil.example", dual_write_tokens=dual_write_tokens).dual_write


def test_own_application_id_comes_from_environment_or_token(
    session: Session, tokens: FakeTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_variable = session.client_id
    assert without_variable is None
    assert len(tokens.asked) == 1
    monkeypatch.setenv("AZURE_CLIENT_ID", "11111111-2222-4333-8444-555555555555")
    assert session.client_id == "11111111-2222-4333-8444-555555555555"
    assert len(tokens.asked) == 1


def test_own_tenant_is_what_the_token_says(
    session: Session, tokens: FakeTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert session.tenant_id is None
    body = base64.urlsafe_b64encode(b'{"tid": "5d1f7c1e-3a0b-4f2e-8f1a-9b6f0c2d7e10"}').decode().rstrip("=")
    monkeypatch.setattr(tokens, "token", lambda _scope, _claims=None: f"x.{body}.y")
    assert session.tenant_id == "5d1f7c1e-3a0b-4f2e-8f1a-9b6f0c2d7e10"


def test_closed_session_can_be_used_again(session: Session, network: Script) -> None:
    network.expect("GET", "/WhoAmI", answer(200, {}), answer(200, {}))
    session.dataverse("contoso.crm4.dynamics.com").who_am_i()
    session.close()
    session.dataverse("contoso.crm4.dynamics.com").who_am_i()
