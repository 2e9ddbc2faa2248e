"""Plain HTTP clients under the real host names: requests, httpx, urllib and curl."""

import json
import os
import shutil
import ssl
import subprocess
import urllib.request
from collections.abc import Callable

import httpx
import pytest
import requests

from emulator.identity import directory
from tests.clients.conftest import DATAVERSE, Running

TOKEN = f"https://login.microsoftonline.com/{directory.TENANT_ID}/oauth2/v2.0/token"
ENVIRONMENTS = (
    "https://api.bap.microsoft.com/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments"
    "?api-version=2021-04-01"
)

pytestmark = pytest.mark.usefixtures("emulator")

Send = Callable[[str, dict[str, str]], str]


def with_requests(url: str, headers: dict[str, str]) -> str:
    return requests.get(url, headers=headers, timeout=30).text


def with_httpx(url: str, headers: dict[str, str]) -> str:
    with httpx.Client(verify=ssl.create_default_context()) as client:
        return client.get(url, headers=headers).text


def with_urllib(url: str, headers: dict[str, str]) -> str:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the URL is https
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return str(answer.read().decode())


def with_curl(url: str, headers: dict[str, str]) -> str:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl on PATH")
    # Some builds of curl read no variable for the CA.
    options = ["--cacert", os.environ["SSL_CERT_FILE"]]
    options += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    done = subprocess.run([curl, "-sS", "--max-time", "30", *options, url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def bearer(scope: str) -> dict[str, str]:
    form = {
        "grant_type": "client_credentials",
        "client_id": directory.DEMO_CLIENT_ID,
        "client_secret": directory.DEMO_CLIENT_SECRET,
        "scope": scope,
    }
    answer = requests.post(TOKEN, data=form, timeout=30).json()
    return {"Authorization": f"Bearer {answer['access_token']}"}


@pytest.fixture(params=[with_requests, with_httpx, with_urllib, with_curl])
def get(request: pytest.FixtureRequest) -> Send:
    """One way to send a GET."""
    send: Send = request.param
    return send


def test_environments_are_listed(get: Send) -> None:
    found = json.loads(get(ENVIRONMENTS, bearer("https://service.powerapps.com/.default")))
    hosts = [row["properties"].get("linkedEnvironmentMetadata", {}).get("instanceUrl") for row in found["value"]]
    assert f"https://{DATAVERSE}/" in hosts


def test_dataverse_knows_the_caller(get: Send) -> None:
    who = json.loads(get(f"https://{DATAVERSE}/api/data/v9.2/WhoAmI", bearer(f"https://{DATAVERSE}/.default")))
    assert set(who) >= {"UserId", "OrganizationId", "BusinessUnitId"}


def test_host_outside_the_tenant_is_refused() -> None:
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        requests.get("https://example.com/", timeout=30)


def test_certificate_is_only_good_with_the_emulators_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"https://{DATAVERSE}/api/data/v9.2/WhoAmI", timeout=30)


def test_short_lived_bearer_is_refused_after_its_end(emulator: Running) -> None:
    emulator.control("POST", "switches", {"access_token_lifetime": 0})
    answer = requests.get(ENVIRONMENTS, headers=bearer("https://service.powerapps.com/.default"), timeout=30)
    assert answer.status_code == 401


def test_journal_counts_what_a_client_sent(emulator: Running) -> None:
    rows = emulator.control("GET", "requests")
    last = rows[-1]["seq"] if rows else 0
    headers = {**bearer(f"https://{DATAVERSE}/.default"), "Connection": "close"}
    requests.get(f"https://{DATAVERSE}/api/data/v9.2/WhoAmI", headers=headers, timeout=30)
    seen = emulator.control("GET", f"requests?since={last}")
    assert [(row["service"], row["method"], row["status"]) for row in seen] == [
        ("login", "POST", 200),
        ("dataverse", "GET", 200),
    ]
