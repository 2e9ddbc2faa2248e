"""The curl session of the README, taken from it word for word, on an emulator of the tests' own."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from emulator.identity import directory
from tests.clients.conftest import ROOT, Running
from tools import emulator_process, workspace

CDS = "contoso-uat.crm4.dynamics.com"
# With an id of its own it is seeded once, however many tests ask for it.
ENVIRONMENT = {"id": "3f6d2b1a-9c8e-4d7f-a6b5-c4d3e2f1a0b9", "name": "contoso-uat", "domain": "contoso-uat"}
SET_UP = 'eval "$(make -s env)"'


def curl_blocks() -> tuple[str, str]:
    """The shell blocks of the README that use curl: the session, and what a person does."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    session, person = [text for text in blocks if "curl" in text]
    return session, person


def curl_block() -> str:
    """The session that gets a token."""
    return curl_blocks()[0]


@pytest.fixture
def shell(running: Running, tmp_path: Path) -> dict[str, str]:
    """A clean shell whose `make -s env` speaks of the tests' emulator, which holds the stack's environment."""
    if shutil.which("curl") is None:
        pytest.skip("no curl on PATH")
    running.control("POST", "seed", {"environments": [ENVIRONMENT]})
    variables = emulator_process.variables(Path(running.ca).parent)
    make = tmp_path / "make"
    make.write_text(f"#!/bin/sh\nprintf '%s\\n' {shlex.quote(workspace.exports(tmp_path, variables, {}))}\n")
    make.chmod(0o700)
    return {"PATH": os.pathsep.join((str(tmp_path), os.environ["PATH"])), "HOME": str(tmp_path)}


def run(script: str, shell: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-u", "-c", script], env=shell, capture_output=True, text=True, check=False)


def test_block_begins_with_the_set_up_line() -> None:
    assert curl_block().splitlines()[0] == SET_UP


def test_readme_gets_token_and_lists_accounts(shell: dict[str, str]) -> None:
    done = run(curl_block(), shell)
    answer = json.loads(done.stdout.splitlines()[0])
    assert answer["@odata.context"].startswith(f"https://{CDS}/api/data/v9.2/$metadata#accounts")
    assert isinstance(answer["value"], list)


def test_readme_is_refused_without_token(shell: dict[str, str]) -> None:
    done = run(curl_block(), shell)
    assert done.stdout.splitlines()[1:] == ["401"]


def test_readme_is_refused_for_foreign_host(shell: dict[str, str]) -> None:
    done = run(curl_block(), shell)
    assert done.returncode != 0
    assert done.stderr.startswith("curl: ")
    assert "403" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_readme_plays_a_person_who_is_told_that_nothing_is_linked_yet(shell: dict[str, str]) -> None:
    done = run(f"{SET_UP}\n{curl_blocks()[1]}", shell)
    assert json.loads(done.stdout)["error"].startswith(f"'{CDS}' is not linked")


def test_readme_session_leaves_three_requests(running: Running, shell: dict[str, str]) -> None:
    before = running.control("GET", "requests")
    run(curl_block(), shell)
    seen = running.control("GET", f"requests?since={before[-1]['seq'] if before else 0}")
    token = ("POST", "login.microsoftonline.com", f"/{directory.TENANT_ID}/oauth2/v2.0/token", 200)
    accounts = ("GET", CDS, "/api/data/v9.2/accounts")
    assert [(row["method"], row["host"], row["path"], row["status"]) for row in seen] == [
        token,
        (*accounts, 200),
        (*accounts, 401),
    ]
