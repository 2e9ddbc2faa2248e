"""The emulator as a process of its own; clients are told its proxy and its CA, and nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulator.identity import directory

ROOT = Path(__file__).parents[2]
DATAVERSE = "contoso.crm4.dynamics.com"


@dataclass(frozen=True)
class Running:
    """Where the emulator listens and which CA signs its hosts."""

    url: str
    ca: str

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call the control plane."""
        answer = httpx.request(method, f"{self.url}/_emulator/{path}", json=body, trust_env=False)
        answer.raise_for_status()
        return answer.json() if answer.content else None


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A tenant that these tests share; the default seed holds the environment of DATAVERSE."""
    folder = tmp_path_factory.mktemp("emulator")
    seed = folder / "seed.json"
    seed.write_text(json.dumps({"tenantId": directory.TENANT_ID}))
    options = ["--state", str(folder / "state"), "--clock", "scaled:1800", "--seed", str(seed)]
    command = [sys.executable, "-m", "emulator", "serve", *options]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, (folder / "log").read_text()
    yield Running(**json.loads(line))
    process.terminate()
    process.wait(20)
    process.stdout.close()


@pytest.fixture
def emulator(running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """The emulator, with the environment of this process set as a user would set it."""
    for name in list(os.environ):
        if name.lower() in {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "curl_ca_bundle"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", running.url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", running.ca)
    monkeypatch.setenv("SSL_CERT_FILE", running.ca)
    yield running
    running.control("POST", "switches", {"access_token_lifetime": 3599})
