"""Whether a backend has a stack, without a write into it."""

from pathlib import Path

import pytest

from tools import backend
from tools.exit_codes import NotRead


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CLI whose exit code is that in the file; without one it cannot be called."""
    commands = tmp_path / "bin"
    commands.mkdir()
    code = tmp_path / "code"
    script = commands / "pulumi"
    script.write_text(f'#!/bin/sh\necho "error: said so" >&2\nexit "$(cat {code})"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}:/usr/bin:/bin")
    return code


@pytest.mark.parametrize(
    ("address", "folder"),
    [
        ("file:///srv/state", "/srv/state"),
        ("file:///srv/a%20b?no_tmp_dir=true", "/srv/a b"),
        ("file://./state", "/project/state"),
        ("file:///srv/../project/.dualwrite/state", "/project/.dualwrite/state"),
    ],
)
def test_folder_of_a_file_backend(address: str, folder: str) -> None:
    assert backend.folder_of(address, Path("/project")) == Path(folder)


def test_folder_in_the_home_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert backend.folder_of("file://~/state", Path("/project")) == Path("/home/someone/state")


@pytest.mark.parametrize("address", ["s3://bucket/x", "azblob://state", "https://api.pulumi.com", ""])
def test_other_backends_have_no_folder(address: str) -> None:
    assert backend.folder_of(address, Path("/project")) is None


def test_unused_folder_is_not_shown_to_the_cli(pulumi: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    pulumi.write_text("1")
    assert not backend.has("one", {"PULUMI_BACKEND_URL": state.as_uri()}, tmp_path)


@pytest.mark.parametrize(("code", "there"), [(0, True), (6, False)])
@pytest.mark.parametrize("address", ["used", "s3://bucket"])
def test_the_cli_says_whether_a_used_backend_has_the_stack(
    pulumi: Path, tmp_path: Path, address: str, code: int, there: bool
) -> None:
    if address == "used":
        (tmp_path / "state" / ".pulumi").mkdir(parents=True)
        address = (tmp_path / "state").as_uri()
    pulumi.write_text(str(code))
    assert backend.has("one", {"PULUMI_BACKEND_URL": address, "PATH": f"{pulumi.parent}/bin:/bin"}, tmp_path) is there


@pytest.mark.parametrize("address", ["s3://bucket", "file:///nowhere/at/all"])
def test_backend_that_cannot_be_asked_is_not_taken_as_empty(pulumi: Path, tmp_path: Path, address: str) -> None:
    pulumi.write_text("1")
    with pytest.raises(NotRead, match="said so"):
        backend.has("one", {"PULUMI_BACKEND_URL": address, "PATH": f"{pulumi.parent}/bin:/bin"}, tmp_path)
