"""The emulator as a process: it says where it is, keeps its tenant, and gives way to nobody."""

import json
import os
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from emulator.identity import directory

ROOT = Path(__file__).parents[2]
BAP = "https://api.bap.microsoft.com"
LIST = f"{BAP}/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments?api-version=2021-04-01"


class Process:
    """One `python -m emulator serve` after the other on one state folder."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self._started: list[subprocess.Popen[str]] = []
        self.url = self.ca = ""

    def start(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "emulator", "serve", "--state", str(self.state), *arguments]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._started.append(process)
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        self.url, self.ca = ready["url"], ready["ca"]

    def end(self, number: int = signal.SIGTERM) -> int:
        process = self._started[-1]
        process.send_signal(number)
        process.communicate(timeout=20)
        return process.returncode

    def wait(self) -> int:
        """How it ends by itself."""
        self._started[-1].communicate(timeout=20)
        return self._started[-1].returncode

    def close(self) -> None:
        for process in self._started:
            with suppress(ProcessLookupError):
                process.kill()
            process.communicate()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "emulator", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )

    def client(self) -> httpx.Client:
        trust = ssl.create_default_context(cafile=self.ca)
        return httpx.Client(proxy=self.url, verify=trust, trust_env=False, timeout=20)

    def control(self, method: str, path: str, body: object = None) -> Any:
        answer = httpx.request(method, f"{self.url}/_emulator/{path}", json=body, trust_env=False)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process(tmp_path)
    yield made
    made.close()


def sign_in(client: httpx.Client) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": directory.DEMO_CLIENT_ID,
        "client_secret": directory.DEMO_CLIENT_SECRET,
        "scope": f"{BAP}/.default",
    }
    answer = client.post(f"https://login.microsoftonline.com/{directory.TENANT_DOMAIN}/oauth2/v2.0/token", data=form)
    return str(answer.raise_for_status().json()["access_token"])


def names(client: httpx.Client, token: str) -> list[str]:
    answer = client.get(LIST, headers={"Authorization": f"Bearer {token}"}).raise_for_status()
    return sorted(row["properties"]["displayName"] for row in answer.json()["value"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_restart_on_another_port_keeps_everything(process: Process, number: int) -> None:
    process.start("--clock", "stepped")
    first_url, certificate = process.url, Path(process.ca).read_text()
    process.control("POST", "seed", {"environments": [{"name": "Added", "domain": "added"}]})
    process.control("POST", "clock", {"advance": 3600})
    before = process.control("GET", "clock")["now"]
    with process.client() as client:
        token = sign_in(client)
        seen = names(client, token)
        process.end(number)
    with socket.socket() as keeper:
        # The old port is taken meanwhile, so that the new one differs for sure.
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", httpx.URL(first_url).port or 0))
        process.start("--clock", "stepped")
    assert process.url != first_url
    assert Path(process.ca).read_text() == certificate
    with process.client() as client:
        assert names(client, token) == seen
    assert "Added" in seen
    assert process.control("GET", "clock")["now"] == before
    assert len(process.control("GET", "requests")) == 3


def test_signal_ends_it_and_its_note_goes(process: Process) -> None:
    process.start()
    note = process.state / "emulator.json"
    assert json.loads(note.read_text())["url"] == process.url
    assert process.end(signal.SIGTERM) == 0
    assert not note.exists()


def test_open_connection_does_not_hold_up_the_end(process: Process) -> None:
    process.start()
    with process.client() as client:
        sign_in(client)
        assert process.end() == 0


def test_two_on_one_folder_are_refused(process: Process) -> None:
    process.start()
    second = process.run("serve", "--state", str(process.state))
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.count("\n") == 1
    assert str(os.getpid()) not in second.stderr
    assert process.url in second.stderr


def test_taken_port_is_one_clear_line(process: Process, tmp_path: Path) -> None:
    with socket.socket() as keeper:
        keeper.bind(("127.0.0.1", 0))
        keeper.listen()
        port = keeper.getsockname()[1]
        done = process.run("serve", "--state", str(tmp_path / "other"), "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Port {port} on 127.0.0.1 is taken.\n"


@pytest.mark.parametrize("command", ["env", "token"])
def test_nothing_runs_is_one_clear_line(process: Process, command: str) -> None:
    done = process.run(command, "--state", str(process.state))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("No emulator is running on ")
    assert done.stderr.count("\n") == 1


def test_killed_emulator_is_not_running(process: Process) -> None:
    process.start()
    process.end(signal.SIGKILL)
    assert (process.state / "emulator.json").exists()
    assert process.run("env", "--state", str(process.state)).returncode == 1


def test_env_tells_a_program_all_it_needs(process: Process, tmp_path: Path) -> None:
    process.start()
    done = process.run("env", "--state", str(process.state))
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert set(variables) == {
        "DUALWRITE_EMULATOR_URL",
        "DUALWRITE_EMULATOR_CA",
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "DUALWRITE_TOKEN_COMMAND",
        "DUALWRITE_PROVE_CLIENT_ID",
        "DUALWRITE_PROVE_CLIENT_SECRET",
    }
    # A program runs the command in a folder of its own, whatever its shell says about proxies.
    environment = {**os.environ, "NO_PROXY": "*", "HTTPS_PROXY": "http://127.0.0.1:9"}
    command = shlex.split(variables["DUALWRITE_TOKEN_COMMAND"])
    token = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    claims = jwt.decode(token.stdout.strip(), options={"verify_signature": False})
    assert claims["aud"] == directory.DUAL_WRITE_AUDIENCE
    assert claims["upn"] == directory.ADMINISTRATOR_UPN


def test_seed_file_is_added_to_the_first_day(process: Process, tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("environments:\n- {name: Mine, domain: mine}\n")
    process.start("--seed", str(seed))
    with process.client() as client:
        token = sign_in(client)
        assert {"Mine", "Contoso production"} <= set(names(client, token))
        process.control("POST", "seed", {"environments": [{"name": "Later", "domain": "later"}]})
        process.control("POST", "reset", {})
        after = names(client, token)
    assert "Mine" in after
    assert "Later" not in after


@pytest.mark.parametrize(
    ("text", "reason"),
    [("nonsense: []", "unknown seed section nonsense"), ("[1]", "holds no mapping"), ("{", "cannot be read")],
)
def test_wrong_seed_file_is_one_clear_line(process: Process, tmp_path: Path, text: str, reason: str) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text(text)
    done = process.run("serve", "--state", str(process.state), "--seed", str(seed))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert reason in done.stderr


def test_emulator_whose_folder_was_removed_ends(process: Process) -> None:
    process.start()
    shutil.rmtree(process.state)
    assert process.wait() == 0
    assert not process.state.exists()


@pytest.mark.parametrize("name", ["signing-key.pem", "ca.pem", "ca-key.pem"])
def test_broken_file_of_the_folder_is_one_line_with_its_remedy(process: Process, name: str) -> None:
    process.start()
    process.end()
    (process.state / name).write_bytes(b"")
    done = process.run("serve", "--state", str(process.state))
    assert done.returncode == 1
    assert str(process.state) in done.stderr
    assert "remove" in done.stderr
    assert done.stderr.count("\n") == 1


def test_nothing_in_the_folder_is_for_others(process: Process) -> None:
    process.start()
    modes = {path.name: path.stat().st_mode & 0o077 for path in [process.state, *process.state.iterdir()]}
    assert modes == dict.fromkeys(modes, 0)
    assert "tenant.sqlite" in modes
