"""DUALWRITE_TOKEN_COMMAND and DUALWRITE_TOKEN as people set them: cleaned where plain, else told without the output."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from providers.api.identity import token_command
from providers.api.identity.dual_write_tokens import DualWriteTokens
from providers.api.identity.token_command import cleaned_token
from providers.api.transport.clouds import CloudProfile
from providers.api.transport.errors import AuthenticationError, Interrupted
from providers.api.transport.lazy import connect
from tools.workspace import ROOT

TOKEN = "eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTl9.sig"
CANARY = "canary-5f1d9c"


@pytest.fixture(autouse=True)
def _no_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DUALWRITE_TOKEN", "DUALWRITE_REFRESH_TOKEN", "DUALWRITE_TOKEN_COMMAND", "DUALWRITE_STOP_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def source(public: CloudProfile) -> DualWriteTokens:
    return DualWriteTokens(public, lambda: connect(public))


def printing(path: Path, output: bytes, *, errors: str = "", ends: int = 0) -> str:
    """A command that prints these bytes, writes to its stderr and ends so."""
    program = path / "token.py"
    program.write_text(
        f"import sys; sys.stdout.buffer.write({output!r}); sys.stderr.write({errors!r}); sys.exit({ends})"
    )
    return f"{sys.executable} {program}"


@pytest.mark.parametrize(
    "output",
    [
        f"{TOKEN}\n",
        f'"{TOKEN}"\r\n',
        f"'{TOKEN}'",
        f"\ufeff{TOKEN}\r\n",
        f"  {TOKEN}  \n\n",
        f"Bearer {TOKEN}",
        f'"Bearer {TOKEN}"',
        f'\ufeff{{"accessToken": "{TOKEN}", "expiresOn": "x"}}\r\n',
        f'{{"access_token": " {TOKEN} "}}',
        f'{{"token": "{TOKEN}"}}',
    ],
)
def test_plain_token_is_taken_whatever_is_around_it(
    source: DualWriteTokens, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: str
) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", printing(tmp_path, output.encode()))
    assert source.token("s") == TOKEN


@pytest.mark.parametrize("text", [f"Bearer {TOKEN}", f'"{TOKEN}"', f" bearer  {TOKEN}\r\n", f"\ufeff{TOKEN}"])
def test_ready_token_is_cleaned_in_the_same_way(
    source: DualWriteTokens, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", text)
    assert source.token("s") == TOKEN


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (b"", "printed nothing"),
        (b" \r\n ", "printed nothing"),
        (b"\xff\xfe" + CANARY.encode("utf-16-le"), "printed bytes that are not UTF-8"),
        (f"{CANARY}\nmore".encode(), "printed several lines"),
        (f"{CANARY} more".encode(), "printed something that is no token"),
        (f"{CANARY}\u00e9".encode(), "printed something that is no token"),
        (f'{{"accessToken": "{CANARY}'.encode(), "printed JSON that is cut off or broken"),
        (f'{{"other": "{CANARY}"}}'.encode(), "printed JSON without a token"),
        (f'{{"token": ["{CANARY}"]}}'.encode(), "printed JSON without a token"),
    ],
)
def test_what_is_wrong_with_the_output_is_named_without_it(
    source: DualWriteTokens, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: bytes, told: str
) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", printing(tmp_path, output))
    with pytest.raises(AuthenticationError) as caught:
        source.token("s")
    assert told in str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("az account 'get", "has a quote that is not closed"),
        ("az account | jq -r .accessToken", "needs a shell, and none is used. Write `sh -c '...'` around it"),
        ("az account > file", "needs a shell, and none is used"),
        ("   ", "is empty"),
        ("/nowhere/token --x", "names a program that is not there, /nowhere/token"),
        ("/", "could not be started"),
    ],
)
def test_what_is_wrong_with_the_command_is_named(
    source: DualWriteTokens, monkeypatch: pytest.MonkeyPatch, command: str, told: str
) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", command)
    with pytest.raises(AuthenticationError) as caught:
        source.token("s")
    assert told in str(caught.value)


def test_errors_of_the_command_are_not_shown(
    source: DualWriteTokens,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", printing(tmp_path, CANARY.encode(), errors=CANARY, ends=3))
    with caplog.at_level(0), pytest.raises(AuthenticationError, match="ended with 3") as caught:
        source.token("s")
    printed = capfd.readouterr()
    assert CANARY not in f"{caught.value}{caught.value.__cause__}{printed.out}{printed.err}{caplog.text}"


def test_command_that_hangs_is_ended_and_told_to_all_that_ask(
    source: DualWriteTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_command, "COMMAND_SECONDS", 0.3)
    monkeypatch.setattr(token_command, "STOP_CHECK_SECONDS", 0.1)
    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", "sh -c 'sleep 60; echo a'")
    begun = time.monotonic()
    for _ in range(12):
        with pytest.raises(AuthenticationError, match="did not end within"):
            source.token("s")
    assert time.monotonic() - begun < 5


def test_command_under_way_ends_soon_after_the_signal_to_stop(
    source: DualWriteTokens, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(token_command, "STOP_CHECK_SECONDS", 0.1)
    monkeypatch.setenv("DUALWRITE_STOP_FILE", str(tmp_path / "stop"))
    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", f"sh -c 'touch {tmp_path}/stop; sleep 60'")
    begun = time.monotonic()
    with pytest.raises(Interrupted):
        source.token("s")
    assert time.monotonic() - begun < 5


def test_failing_command_runs_once_for_all_that_ask(public: CloudProfile, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(words: list[str]) -> str:
        ran.append(words)
        return "two words"

    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", "token")
    source = DualWriteTokens(public, lambda: connect(public), run=run)
    for _ in range(12):
        with pytest.raises(AuthenticationError, match="printed something that is no token"):
            source.token("s")
    assert len(ran) == 1


@seed(20261126)
@given(st.text(max_size=40), st.lists(st.sampled_from(['"', "'", " ", "\ufeff", "Bearer ", "\r\n"]), max_size=6))
def test_what_comes_out_can_stand_in_a_header(text: str, around: list[str]) -> None:
    token = cleaned_token("".join(around) + text + "".join(reversed(around)))
    assert token is None or (token.isascii() and token.isprintable() and " " not in token and token)


AZ = f"""#!{sys.executable}
# The options of `az keyvault secret show` that the README uses, as azure-cli documents them.
import argparse
parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("group", choices=["keyvault"])
parser.add_argument("kind", choices=["secret"])
parser.add_argument("command", choices=["show"])
parser.add_argument("--vault-name", required=True)
parser.add_argument("--name", "-n", required=True)
parser.add_argument("--query", choices=["value"])
parser.add_argument("--output", "-o", choices=["json", "tsv", "none"], default="json")
given = parser.parse_args()
print("{TOKEN}" if given.query and given.output == "tsv" else '{{"value": "{TOKEN}"}}')
"""


def test_command_of_the_readme_brings_a_token(
    source: DualWriteTokens, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Word for word as a shell exports it; an `az` of the test's own stands in for azure-cli."""
    (line,) = re.findall(r"^export DUALWRITE_TOKEN_COMMAND=.*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    program = tmp_path / "az"
    program.write_text(AZ)
    program.chmod(0o755)
    shell = ["sh", "-c", f'{line}; printf "%s" "$DUALWRITE_TOKEN_COMMAND"']
    exported = subprocess.run(shell, capture_output=True, text=True, check=True).stdout
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("DUALWRITE_TOKEN_COMMAND", exported)
    assert source.token("s") == TOKEN
