"""Cloud profiles."""

from pathlib import Path

import pytest

from providers.api.transport.clouds import CLOUDS, EMULATOR_GATEWAY, profile
from providers.api.transport.errors import EmulatorNotRunning, InvalidRequest


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DUALWRITE_EMULATOR_URL", "DUALWRITE_EMULATOR_CA", "DUALWRITE_POWER_PLATFORM_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("cloud", "bap", "scope", "authority"),
    [
        ("public", "api.bap.microsoft.com", "https://service.powerapps.com/.default", "login.microsoftonline.com"),
        ("gcc", "gov.api.bap.microsoft.us", "https://service.powerapps.us/.default", "login.microsoftonline.com"),
        (
            "gcchigh",
            "high.api.bap.microsoft.us",
            "https://high.service.apps.appsplatform.us/.default",
            "login.microsoftonline.us",
        ),
        (
            "dod",
            "api.bap.appsplatform.us",
            "https://service.apps.appsplatform.us/.default",
            "login.microsoftonline.us",
        ),
        (
            "china",
            "api.bap.partner.microsoftonline.cn",
            "https://service.powerapps.cn/.default",
            "login.chinacloudapi.cn",
        ),
    ],
)
def test_hosts_and_scopes_of_each_cloud(cloud: str, bap: str, scope: str, authority: str) -> None:
    found = profile(cloud)
    assert (found.bap_host, found.bap_scope, found.authority) == (bap, scope, authority)
    assert found.proxy is None
    assert found.default_gateway is None


def test_emulator_is_public_behind_a_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("x")
    monkeypatch.setenv("DUALWRITE_EMULATOR_URL", "http://127.0.0.1:41235")
    monkeypatch.setenv("DUALWRITE_EMULATOR_CA", str(ca))
    emulator, public = profile("emulator"), profile("public")
    assert emulator.proxy == "http://127.0.0.1:41235"
    assert emulator.ca == ca
    assert emulator.default_gateway == EMULATOR_GATEWAY
    different = {name for name in emulator._fields if getattr(emulator, name) != getattr(public, name)}
    assert different == {"name", "proxy", "ca", "default_gateway", "polls"}
    assert all(getattr(emulator.polls, name) < getattr(public.polls, name) for name in emulator.polls._fields)


@pytest.mark.parametrize("missing", ["DUALWRITE_EMULATOR_URL", "DUALWRITE_EMULATOR_CA"])
def test_emulator_that_is_not_named_says_how_to_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("x")
    monkeypatch.setenv("DUALWRITE_EMULATOR_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("DUALWRITE_EMULATOR_CA", str(ca))
    monkeypatch.delenv(missing)
    with pytest.raises(EmulatorNotRunning) as caught:
        profile("emulator")
    assert missing in str(caught.value)
    assert 'eval "$(make -s env)"' in str(caught.value)


def test_hosts_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert profile("gcchigh", admin_host="x.example").admin_host == "x.example"
    monkeypatch.setenv("DUALWRITE_POWER_PLATFORM_HOST", "api.appsplatform.us")
    found = profile("gcchigh")
    assert found.power_platform_host == "api.appsplatform.us"
    assert found.power_platform_scope == "https://api.appsplatform.us/.default"


def test_unknown_cloud_lists_the_known_ones() -> None:
    with pytest.raises(InvalidRequest) as caught:
        profile("azure")
    assert all(name in str(caught.value) for name in (*CLOUDS, "emulator"))


def test_unknown_override_is_refused() -> None:
    with pytest.raises(ValueError, match="bap"):
        profile("public", bap="x")
