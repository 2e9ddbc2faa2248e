"""The provider process: it knows that its engine is gone, and keeps tracebacks for itself."""

import os
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.protocol import process as provider_process
from providers.protocol.process import engine_is_gone, keep_traceback


@pytest.fixture
def engine() -> Iterator[socket.socket]:
    """Something that listens like an engine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def address(server: socket.socket) -> str:
    return f"127.0.0.1:{server.getsockname()[1]}"


def test_engine_that_listens_and_is_the_parent_is_there(engine: socket.socket) -> None:
    assert not engine_is_gone(os.getppid(), address(engine))


def test_another_parent_means_that_the_engine_is_gone(engine: socket.socket) -> None:
    assert engine_is_gone(os.getppid() + 1, address(engine))


def test_refused_connection_means_that_the_engine_is_gone(engine: socket.socket) -> None:
    where = address(engine)
    engine.close()
    assert engine_is_gone(os.getppid(), where)


def test_other_network_trouble_does_not_end_the_process() -> None:
    assert not engine_is_gone(os.getppid(), "name.invalid:1")


def test_process_ends_by_itself_when_its_engine_is_gone(engine: socket.socket) -> None:
    program = "import time; from providers.protocol import process; process.prepare(); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", program, address(engine)])
    time.sleep(1.5)
    assert process.poll() is None
    engine.close()
    assert process.wait(timeout=20) == provider_process._EXIT_CODE


def failing(title: str = "Thing 'uat': create") -> Path | None:
    try:
        int("access_token=abcdefghijkl")
    except ValueError:
        return keep_traceback(title)
    raise AssertionError("text is no number")


def test_traceback_is_kept_for_the_user_alone_and_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALWRITE_LOG_DIR", str(tmp_path / "logs"))
    kept = failing()
    assert kept is not None
    assert kept.stat().st_mode & 0o077 == 0
    text = kept.read_text()
    assert text.startswith("Thing 'uat': create\nTraceback (most recent call last)")
    assert "abcdefghijkl" not in text


def test_traceback_is_whole_although_the_process_shows_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_LOG_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "tracebacklimit", 0, raising=False)
    kept = failing()
    assert kept is not None
    assert "in failing" in kept.read_text()
    assert sys.tracebacklimit == 0


def test_without_a_folder_for_it_the_error_itself_still_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DUALWRITE_LOG_DIR", str(tmp_path / "file"))
    assert failing() is None


def test_limit_of_tracebacks_stays_while_other_threads_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_LOG_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "tracebacklimit", 0, raising=False)
    begin, printed = threading.Barrier(8, timeout=30), []

    def fail(depth: int) -> None:
        if depth:
            fail(depth - 1)
        raise ValueError("deep")

    def work(number: int) -> None:
        begin.wait()
        for _ in range(40):
            try:
                fail(20)
            except ValueError:
                if number % 2:
                    assert keep_traceback("kept") is not None
                else:
                    printed.append(traceback.format_exc())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert set(printed) == {"ValueError: deep\n"}
    kept = [path.read_text() for path in tmp_path.iterdir()]
    assert len(kept) == 160
    assert all(text.count("in fail") >= 21 or "repeated" in text for text in kept)
