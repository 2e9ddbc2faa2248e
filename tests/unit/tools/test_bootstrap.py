import shutil
import sys
from pathlib import Path
from threading import Thread

import pytest

from tools import bootstrap

Commands = list[tuple[str, ...]]


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """An empty clone; what would be run is recorded, and making the environment leaves its python behind."""
    for name in ("RUNTIME", "DEV", "INSTALLER"):
        lock = tmp_path / getattr(bootstrap, name).name
        lock.write_text(name)
        monkeypatch.setattr(bootstrap, name, lock)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(bootstrap, "PRIVATE", tmp_path / ".dualwrite")
    monkeypatch.setattr(bootstrap, "OWN_CACHE", tmp_path / ".dualwrite" / "cache")
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    seen: Commands = []

    def run(*command: str | Path) -> None:
        seen.append(tuple(map(str, command)))
        made = bootstrap.PYTHON
        if "--target" in command:
            made = Path(command[command.index("--target") + 1], "bin", "uv")
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()

    monkeypatch.setattr(bootstrap, "run", run)
    return seen


def set_up(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", *arguments])
    bootstrap.main()


def test_every_install_checks_hashes(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(monkeypatch)
    installs = [command for command in commands if "install" in command]
    assert len(installs) == 2
    assert all("--require-hashes" in command for command in installs)


def test_second_set_up_runs_nothing(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(monkeypatch)
    commands.clear()
    set_up(monkeypatch)
    assert commands == []


def test_next_clone_of_the_machine_finds_uv(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(monkeypatch)
    fetched = bootstrap.uv()
    shutil.rmtree(bootstrap.VENV)
    commands.clear()
    set_up(monkeypatch)
    assert [command[0] for command in commands] == [bootstrap.interpreter(), str(fetched)]
    assert list(fetched.parents[2].iterdir()) == [fetched.parents[1]]


def test_python_without_pip_gets_one_for_the_fetching(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "interpreter", lambda: "false")
    set_up(monkeypatch)
    (_, _, venv, folder), (python, *_, lock) = commands[:2]
    assert venv == "venv"
    assert python == f"{folder}/bin/python"
    assert lock == str(bootstrap.INSTALLER)


@pytest.mark.parametrize("lock", ["RUNTIME", "INSTALLER"])
def test_changed_lock_file_installs_again(commands: Commands, monkeypatch: pytest.MonkeyPatch, lock: str) -> None:
    set_up(monkeypatch)
    commands.clear()
    getattr(bootstrap, lock).write_text("another")
    set_up(monkeypatch)
    assert commands
    assert "venv" not in commands[0]


def test_development_set_serves_the_runtime_too(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(monkeypatch, "dev")
    commands.clear()
    set_up(monkeypatch)
    assert commands == []


def test_failed_step_is_named_and_leaves_no_stamp(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*command: str | Path) -> None:
        sys.exit(f"failed at {command[0]}")

    monkeypatch.setattr(bootstrap, "run", fail)
    with pytest.raises(SystemExit, match="failed at"):
        set_up(monkeypatch)
    assert not bootstrap.installed(bootstrap.RUNTIME)


def test_old_python_without_a_newer_one_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (99, 0))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed"):
        bootstrap.interpreter()


def test_lock_files_name_hashes_for_every_package() -> None:
    for lock in (bootstrap.RUNTIME, bootstrap.DEV, bootstrap.INSTALLER):
        pins = [line for line in lock.read_text().splitlines() if "==" in line and not line.startswith(("#", " "))]
        assert pins
        assert all(line.endswith("\\") for line in pins), lock.name


def test_shim_that_does_not_run_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, script in (("python3.13", "exit 127"), ("python3.12", "exit 0"), ("python3.11", "exit 0")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bootstrap.interpreter() == str(tmp_path / "python3.12")


def test_command_that_cannot_be_started_is_no_python(tmp_path: Path) -> None:
    broken = tmp_path / "python3.13"
    broken.write_text("#!/nowhere/python\n")
    broken.chmod(0o755)
    assert not bootstrap.new_enough(str(broken))
    assert bootstrap.new_enough(sys.executable)


def unwritable_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder that even root cannot write into: below a file."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))


def test_cache_that_cannot_be_written_is_replaced_by_the_clones_own(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unwritable_cache(monkeypatch, tmp_path)
    set_up(monkeypatch)
    (install,) = [command for command in commands if "--python" in command]
    assert install[0].startswith(str(bootstrap.OWN_CACHE / "uv"))
    assert install[install.index("--cache-dir") + 1] == str(bootstrap.OWN_CACHE / "packages")


def test_uv_of_a_cache_that_can_only_be_read_is_used(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_up(monkeypatch)
    shutil.rmtree(bootstrap.VENV)
    commands.clear()
    monkeypatch.setattr(bootstrap, "writable_cache", lambda: bootstrap.OWN_CACHE)
    set_up(monkeypatch)
    assert commands[-1][0].startswith(str(tmp_path / "cache" / "dualwrite" / "uv"))
    assert "--cache-dir" in commands[-1]


def test_two_set_ups_at_once_install_once(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    install = bootstrap.install

    def while_the_other_waits(lock: Path) -> None:
        other = Thread(target=bootstrap.main)
        other.start()
        install(lock)
        others.append(other)

    others: list[Thread] = []
    monkeypatch.setattr(bootstrap, "install", while_the_other_waits)
    set_up(monkeypatch)
    others[0].join(timeout=60)
    assert len([command for command in commands if "--python" in command]) == 1
