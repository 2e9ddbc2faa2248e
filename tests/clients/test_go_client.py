"""A Go program with azidentity signs in and works, told only proxy, CA and the usual AZURE_* variables."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from emulator.identity import directory
from tests.clients.conftest import DATAVERSE
from tools import go_client


@pytest.fixture(scope="module")
def program() -> Path:
    compiled = go_client.program(print)
    if compiled is None:
        pytest.skip("no Go on PATH that builds the program of tests/clients/go_client")
    return compiled


def run(program: Path, secret: str) -> subprocess.CompletedProcess[str]:
    told = {name: os.environ[name] for name in ("PATH", "HTTPS_PROXY", "SSL_CERT_FILE")}
    told |= {"AZURE_TENANT_ID": directory.TENANT_ID, "AZURE_CLIENT_ID": directory.DEMO_CLIENT_ID}
    command = [str(program), f"https://{DATAVERSE}"]
    variables = {**told, "AZURE_CLIENT_SECRET": secret}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.usefixtures("emulator")
def test_go_program_signs_in_and_works(program: Path) -> None:
    done = run(program, directory.DEMO_CLIENT_SECRET)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["name"] == "From Go"
    assert answer["environments"] > 0
    assert answer["address"].startswith(f"https://{DATAVERSE}/api/data/v9.2/accounts(")


@pytest.mark.usefixtures("emulator")
def test_go_program_reads_a_refusal(program: Path) -> None:
    done = run(program, "wrong")
    assert done.returncode == 1
    assert "AADSTS7000215" in done.stderr


def test_machine_without_go_has_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert go_client.program(print) is None
