"""The state folder's own files: for this user alone, and broken ones are named with what to do."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from emulator.core.files import BrokenFileError, write_private
from emulator.identity.directory import TENANT_ID
from emulator.identity.tokens import SigningKey
from emulator.server.certificates import Authority
from emulator.server.state_folder import InUseError, StateFolder

FOREIGN = trustme.CA().private_key_pem.bytes()  # an elliptic curve's key, not RSA
BROKEN = {
    "empty": lambda _content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "foreign": lambda _content: FOREIGN,
    "no text": lambda _content: b"\x00\xff",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_broken_signing_key_is_named_with_its_remedy(tmp_path: Path, broken: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "signing-key.pem"
    SigningKey.kept_in(path)
    path.write_bytes(broken(path.read_bytes()))
    with pytest.raises(BrokenFileError, match=rf"^{path} holds no RSA key: remove it, and a new one is made"):
        SigningKey.kept_in(path)


@pytest.mark.parametrize("name", ["ca.pem", "ca-key.pem"])
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_broken_authority_is_named_with_its_remedy(tmp_path: Path, name: str, broken: Callable[[bytes], bytes]) -> None:
    files = tmp_path / "ca.pem", tmp_path / "ca-key.pem"
    Authority.kept_in(*files)
    path = tmp_path / name
    path.write_bytes(broken(path.read_bytes()))
    with pytest.raises(
        BrokenFileError, match=r"ca\.pem and ca-key\.pem beside it are no certificate with its key: remove"
    ):
        Authority.kept_in(*files)


def test_certificate_of_another_authority_is_no_certificate_with_its_key(tmp_path: Path) -> None:
    files = tmp_path / "ca.pem", tmp_path / "ca-key.pem"
    Authority.kept_in(*files)
    files[0].write_bytes(trustme.CA().cert_pem.bytes())
    with pytest.raises(BrokenFileError, match="no certificate with its key"):
        Authority.kept_in(*files)


def test_files_are_for_this_user_alone_and_leave_no_draft(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "state")
    with folder.locked():
        SigningKey.kept_in(folder.signing_key)
        Authority.kept_in(folder.ca, folder.ca_key)
        folder.announce("http://127.0.0.1:1")
        assert folder.path.stat().st_mode & 0o777 == 0o700
        written = [path for path in folder.path.iterdir() if path.name != "emulator.lock"]
        assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
        assert sorted(path.name for path in written) == ["ca-key.pem", "ca.pem", "emulator.json", "signing-key.pem"]


def test_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ca.pem"
    write_private(path, b"old")

    def fail(_number: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        write_private(path, b"new")
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    "note", ["", "{", "[]", "7", "{}", json.dumps({"url": "http://127.0.0.1:1", "ca": "/other/ca.pem", "pid": 7})]
)
def test_broken_or_foreign_note_of_a_running_emulator_comes_with_its_process(tmp_path: Path, note: str) -> None:
    folder = StateFolder(tmp_path)
    with folder.locked():
        (tmp_path / "emulator.json").write_text(note)
        assert folder.running() is None
        with (
            pytest.raises(InUseError, match=rf"emulator\.json does not say where: `kill {os.getpid()}` ends it"),
            StateFolder(tmp_path).locked(),
        ):
            pass


@pytest.mark.parametrize("pid", [-1, 0, 1])
def test_note_that_names_no_process_of_ours_is_none(tmp_path: Path, pid: int) -> None:
    note = {"url": "http://127.0.0.1:1", "ca": str(tmp_path / "ca.pem"), "pid": pid}
    (tmp_path / "emulator.json").write_text(json.dumps(note))
    assert StateFolder(tmp_path)._read() is None


def test_folder_that_was_removed_or_made_anew_is_not_ours(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "state")
    with folder.locked():
        assert folder.is_ours()
        moved = folder.path.rename(tmp_path / "moved")
        assert not folder.is_ours()
        folder.path.mkdir()
        (folder.path / "emulator.lock").touch()
        assert not folder.is_ours()
        (moved / "emulator.lock").unlink()


def test_new_folder_draws_a_tenant_id_of_its_own_and_keeps_it(tmp_path: Path) -> None:
    first, second = StateFolder(tmp_path / "a"), StateFolder(tmp_path / "b")
    for folder in (first, second):
        folder.path.mkdir()
    assert first.tenant_id() != second.tenant_id()
    assert first.tenant_id() == StateFolder(tmp_path / "a").tenant_id()


def test_folder_of_older_code_keeps_the_id_that_it_had(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    folder.tenant.touch()
    assert folder.tenant_id("11111111-2222-4333-8444-555555555555") == TENANT_ID


def test_seed_fixes_the_id_of_a_new_folder_alone(tmp_path: Path) -> None:
    fixed = "11111111-2222-4333-8444-555555555555"
    assert StateFolder(tmp_path).tenant_id(fixed.upper()) == fixed
    assert StateFolder(tmp_path).tenant_id("99999999-2222-4333-8444-555555555555") == fixed


@pytest.mark.parametrize("content", [b"", b"1111", b"\x00\xff"])
def test_broken_tenant_id_is_named_with_its_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tenant-id").write_bytes(content)
    with pytest.raises(BrokenFileError, match=rf"^{tmp_path}/tenant-id holds no tenant id: remove the whole folder"):
        StateFolder(tmp_path).tenant_id()
