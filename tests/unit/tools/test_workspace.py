from pathlib import Path

import pytest

from tools import workspace
from tools.workspace import Stack, UserError

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
        ("config: {}\n", "emulator"),
        ("", "emulator"),
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


def test_broken_stack_file_is_one_line_error(stacks: Path) -> None:
    (stacks / "Pulumi.one.yaml").write_text("config: [")
    with pytest.raises(UserError, match=r"Pulumi.one.yaml is not YAML"):
        workspace.stack("one")


def test_own_backend_and_passphrase_are_kept() -> None:
    given = {"PULUMI_BACKEND_URL": "s3://bucket", "PULUMI_CONFIG_PASSPHRASE_FILE": "/run/secret"}
    environment = workspace.child_environment(ENGINE, None, given)
    assert environment["PULUMI_BACKEND_URL"] == "s3://bucket"
    assert "PULUMI_CONFIG_PASSPHRASE" not in environment


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
