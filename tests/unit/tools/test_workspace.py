import subprocess
import sys
from pathlib import Path

import pytest

from tools import workspace
from tools.workspace import ROOT, Stack, UserError

ENGINE = Path("/cache/engine")
DEMO = {"AZURE_CLIENT_ID": "demo", "DUALWRITE_EMULATOR_URL": "http://127.0.0.1:1"}


@pytest.fixture
def stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(workspace, "STACKS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "cloud"),
    [
        ("config:\n  dualwrite:cloud: gcc\n", "gcc"),
        ("config:\n  dualwrite:cloud: emulator\n", "emulator"),
        ("config:\n  dualwrite:cds: {}\n", "emulator"),
        ("\ufeffconfig:\r\n  dualwrite:cloud: gcc\r\n", "gcc"),
    ],
)
def test_stack_file_names_its_cloud(stacks: Path, text: str, cloud: str) -> None:
    (stacks / "Pulumi.one.yaml").write_text(text)
    assert workspace.stack("one") == Stack("one", cloud)


def test_missing_stack_is_refused_with_known_names(stacks: Path) -> None:
    (stacks / "Pulumi.new-new.yaml").write_text("")
    (stacks / "Pulumi.new-existing.yaml").write_text("")
    with pytest.raises(UserError, match=r"no stack 'x'.*new-existing, new-new"):
        workspace.stack("x")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"config: [", "is not YAML: while parsing a flow node expected the node content"),
        (b"config:\n  a: b: c\n", "is not YAML: mapping values are not allowed here (line 2)"),
        (b"config: !!python/object:os.system {}\n", "is not YAML: could not determine a constructor"),
        (b"a: 1\n---\nb: 2\n", "is not YAML: expected a single document"),
        ("config: {a: 1}".encode("utf-16"), "is written in UTF-16; save it as UTF-8"),
        ("config: {a: 1}".encode("utf-32"), "is written in UTF-32; save it as UTF-8"),
        (b"config:\n  a: \xe4\n", "is not UTF-8 (line 2); save it as UTF-8"),
        (b"config: {a: '\x00'}", "is not YAML: unacceptable character"),
        (b"", "has nothing below `config:`; a pair needs `dualwrite:cds`"),
        (b"config:\n", "has nothing below `config:`"),
        (b"encryptionsalt: v1:x\n", "has nothing below `config:`"),
        (b"- config: {}\n", "has a list at the top; it begins with `config:`"),
        (b"config\n", "has a text at the top"),
        (b"config: [1]\n", "has no keys below `config:`"),
        (b"config:\n  dualwrite:cds: {a: 1}\n  dualwrite:cds: {b: 1}\n", "`dualwrite:cds` twice, in lines 2 and 3"),
        (b"config: {a: 1}\nconfig: {a: 1}\n", "`config` twice, in lines 1 and 2; keep one"),
        (b"config:\n  a:\n    x: 1\n    x: 2\n", "`x` twice, in lines 3 and 4"),
        (b"config:\n  dualwrite:cloud:\n", "dualwrite:cloud is empty; give it a value or leave the key out"),
        (b"config: {a: &a [*a]}\n", "aliases (`*name`) that stand for more than"),
        (b"config: " + b"[" * 5000 + b"]" * 5000, "is nested too deeply"),
        (b"#" * 1_000_001, "has 1,000,001 bytes"),
    ],
)
def test_what_is_no_stack_file_is_told_in_one_line(stacks: Path, content: bytes, says: str) -> None:
    (stacks / "Pulumi.one.yaml").write_bytes(content)
    with pytest.raises(UserError) as caught:
        workspace.stack("one")
    text = str(caught.value)
    assert text.startswith("stacks/Pulumi.one.yaml")
    assert says in text
    assert "\n" not in text


def test_aliases_without_end_are_refused_before_they_are_followed(stacks: Path) -> None:
    levels = [f"  a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]" for number in range(1, 40)]
    (stacks / "Pulumi.one.yaml").write_text("\n".join(["config:", "  a0: &a0 [x]", *levels]))
    with pytest.raises(UserError, match="write the values out"):
        workspace.stack("one")


def test_aliases_that_are_meant_are_taken(stacks: Path) -> None:
    (stacks / "Pulumi.one.yaml").write_text("config:\n  dualwrite:cloud: &cloud gcc\n  x: {<<: {a: 1}, b: *cloud}\n")
    assert workspace.stack("one").cloud == "gcc"


@pytest.mark.parametrize("name", ["a b", "a;touch x", "", "../a", "a" * 101, "ä", "$(x)", "a\n"])
def test_what_cannot_be_a_name_of_a_stack_is_refused(stacks: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be the name of a stack"):
        workspace.stack(name)


@pytest.mark.parametrize(
    "name", ["a b", "x'; touch shell; '", 'x"; touch shell; "', "$$(touch shell)", "x`touch shell`"]
)
def test_no_name_of_a_stack_is_read_by_the_shell(tmp_path: Path, name: str) -> None:
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    python.chmod(0o755)
    command = ["make", "-s", "-f", str(ROOT / "Makefile"), "up", "PYTHON=true", f"STACK={name}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"-m|tools|up|{name.replace('$$', '$')}|"
    assert not (tmp_path / "shell").exists()


def real_stack(stacks: Path, top: str = "") -> Stack:
    (stacks / "Pulumi.one.yaml").write_text(f"{top}\nconfig:\n  dualwrite:cloud: public\n")
    return workspace.stack("one")


OWN_BACKEND = {"PULUMI_BACKEND_URL": "azblob://state"}
OWN_PASSPHRASE = {"PULUMI_CONFIG_PASSPHRASE": "own"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, r"needs PULUMI_BACKEND_URL, a backend outside \.dualwrite; and PULUMI_CONFIG_PASSPHRASE or"),
        (OWN_PASSPHRASE, r"needs PULUMI_BACKEND_URL, a backend outside \.dualwrite\. Nothing was run"),
        (OWN_BACKEND, r"needs PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE, a passphrase other"),
        ({**OWN_BACKEND, "PULUMI_CONFIG_PASSPHRASE": workspace.DEMO_PASSPHRASE}, "needs PULUMI_CONFIG_PASSPHRASE or"),
        ({**OWN_PASSPHRASE, "PULUMI_BACKEND_URL": workspace.PULUMI_STATE.as_uri()}, "needs PULUMI_BACKEND_URL"),
        ({**OWN_PASSPHRASE, "PULUMI_BACKEND_URL": "file://./.dualwrite/mine"}, "needs PULUMI_BACKEND_URL"),
    ],
    ids=["nothing", "no backend", "no passphrase", "demo's passphrase", "demo's backend", "in the demo's folder"],
)
def test_stack_of_a_real_cloud_needs_state_of_its_own(stacks: Path, given: dict[str, str], says: str) -> None:
    stack = real_stack(stacks)
    with pytest.raises(UserError, match=says) as caught:
        workspace.require_own_state(stack, given)
    assert str(caught.value).startswith("Stack 'one' is in the cloud 'public', so it needs")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("top", "given"),
    [
        ("encryptionsalt: v1:x", {**OWN_BACKEND, **OWN_PASSPHRASE}),
        ("", {**OWN_BACKEND, "PULUMI_CONFIG_PASSPHRASE": ""}),
        ("", {**OWN_BACKEND, "PULUMI_CONFIG_PASSPHRASE_FILE": "/run/secret"}),
        ("secretsprovider: azurekeyvault://contoso.vault.azure.net/keys/state", OWN_BACKEND),
        ("", {"PULUMI_BACKEND_URL": "https://api.pulumi.com"}),
    ],
    ids=["passphrase", "empty passphrase", "file", "key service", "Pulumi Cloud encrypts itself"],
)
def test_state_of_its_own_is_taken(stacks: Path, top: str, given: dict[str, str]) -> None:
    workspace.require_own_state(real_stack(stacks, top), given)


def test_stack_on_the_emulator_needs_neither() -> None:
    workspace.require_own_state(Stack("new-new", "emulator"), {})


def test_own_backend_and_passphrase_are_kept() -> None:
    given = {"PULUMI_BACKEND_URL": "s3://bucket", "PULUMI_CONFIG_PASSPHRASE_FILE": "/run/secret"}
    environment = workspace.child_environment(ENGINE, None, given)
    assert environment["PULUMI_BACKEND_URL"] == "s3://bucket"
    assert "PULUMI_CONFIG_PASSPHRASE" not in environment


def test_explicit_empty_passphrase_is_kept() -> None:
    assert workspace.pulumi_variables({"PULUMI_CONFIG_PASSPHRASE": ""}).keys().isdisjoint({"PULUMI_CONFIG_PASSPHRASE"})


def test_children_do_not_ask_a_proxy_for_this_machine() -> None:
    given = {"https_proxy": "http://proxy", "NO_PROXY": "corp.local"}
    for emulator in (None, DEMO):
        environment = workspace.child_environment(ENGINE, emulator, given)
        assert environment["no_proxy"] == environment["NO_PROXY"] == "corp.local,127.0.0.1,localhost,::1"
    assert "export no_proxy=corp.local,127.0.0.1,localhost,::1" in workspace.exports(ENGINE, DEMO, given).splitlines()


def test_real_credentials_never_reach_the_emulator() -> None:
    given = {"AZURE_CLIENT_SECRET": "real", "DUALWRITE_TOKEN": "real", "AZURE_CONFIG_DIR": "/a", "PATH": "/bin"}
    environment = workspace.child_environment(ENGINE, DEMO, given)
    assert "real" not in environment.values()
    assert environment["AZURE_CONFIG_DIR"] == "/a"
    assert environment["AZURE_CLIENT_ID"] == "demo"
    assert environment["PATH"] == "/cache/engine:/bin"


def test_real_credentials_stay_without_the_emulator() -> None:
    assert workspace.child_environment(ENGINE, None, {"AZURE_CLIENT_ID": "real"})["AZURE_CLIENT_ID"] == "real"


def test_exports_quote_values_and_keep_path() -> None:
    lines = workspace.exports(Path("/a b"), {"DUALWRITE_TOKEN_COMMAND": "python -m emulator token"}, {}).splitlines()
    assert lines[0] == "export PATH='/a b':\"$PATH\""
    assert "export DUALWRITE_TOKEN_COMMAND='python -m emulator token'" in lines
    assert not [line for line in lines if "PROXY" in line]


def test_misspelt_cloud_is_no_real_one() -> None:
    with pytest.raises(UserError, match=r"dualwrite:cloud: is 'emulater'; did you mean `emulator`\? Nothing was run"):
        workspace.require_own_state(Stack("new-new", "emulater"), {})


@pytest.mark.parametrize(("stack", "line"), [("new-new", "`make up`"), ("x", "`make up STACK=x`")])
def test_a_message_names_the_stack_of_its_command_line(stack: str, line: str) -> None:
    assert workspace.make("up", stack) == line


def test_commands_under_another_python_name_the_one_to_use() -> None:
    # -S: without the packages of .venv.
    done = subprocess.run(
        [sys.executable, "-S", "-m", "tools", "page"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "run `.venv/bin/python -m tools`" in done.stderr
    assert len(done.stderr.splitlines()) == 1
