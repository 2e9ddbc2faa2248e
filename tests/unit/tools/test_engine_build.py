import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.engine import build
from tools.engine.build import EngineUnavailable

Fake = Callable[[str, str], Path]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Puts a command of that name on an otherwise empty PATH; it prints the given text."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def add(name: str, text: str) -> Path:
        (folder / name).write_text(f"#!/bin/sh\necho '{text}'\n")
        (folder / name).chmod(0o755)
        return folder

    return add


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("v3.259.0", True),
        ("v3.300.1", True),
        ("v3.258.9", False),
        ("v4.0.0", False),
        ("v3.260.0-alpha.7", True),
        ("nonsense", False),
    ],
)
def test_fitting_pulumi_on_path_is_used(path: Fake, version: str, fits: bool) -> None:
    path("pulumi-language-python", "")
    folder = path("pulumi", version)
    texts: list[str] = []
    assert (build.on_path(texts.append) == folder) is fits


@pytest.mark.parametrize(("version", "said"), [("v3.300.1", True), (build.CLI.version(), False), ("v3.260.0", False)])
def test_only_a_pulumi_newer_than_the_pin_is_called_untested(path: Fake, version: str, said: bool) -> None:
    path("pulumi-language-python", "")
    path("pulumi", version)
    texts: list[str] = []
    build.engine_folder(texts.append)
    assert [text.count("untested") for text in texts] == [1] * said


def test_pulumi_without_language_host_is_not_used(path: Fake) -> None:
    path("pulumi", "v3.259.0")
    assert build.on_path(pytest.fail) is None


def test_own_build_on_path_is_no_other_engine(path: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path("pulumi-language-python", "")
    folder = path("pulumi", "v3.259.0")
    monkeypatch.setattr(build, "cache", lambda: tmp_path)
    assert folder.is_relative_to(tmp_path)
    assert build.on_path(pytest.fail) is None


def test_no_engine_and_no_go_names_official_installer(path: Fake) -> None:
    with pytest.raises(EngineUnavailable, match=r"no Go to build one with\. Install Pulumi instead: curl .* \| sh"):
        build.engine_folder(pytest.fail)


def test_old_go_is_refused_before_building(path: Fake) -> None:
    path("go", "go1.22.1")
    with pytest.raises(EngineUnavailable, match=r"Go 1\.22\.1 is too old .* needs Go 1\.26\.6"):
        build.engine_folder(pytest.fail)


def test_built_engine_is_found_without_go(path: Fake) -> None:
    folder = build.folder_of(build.CLI)
    folder.mkdir(parents=True)
    assert build.engine_folder(pytest.fail) == folder


def test_new_script_is_laid_beside_programs_that_were_compiled_before(
    path: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = tmp_path / "pins" / "bin"
    shutil.copytree(build.HERE, scripts.parent)
    monkeypatch.setattr(build, "HERE", scripts.parent)
    for program in (build.CLI, build.LANGUAGE_HOST):
        program.compiled().parent.mkdir(parents=True)
        program.compiled().write_text(program.name)
    before = build.engine_folder(pytest.fail)
    (scripts / "another").write_text("script")
    after = build.engine_folder(pytest.fail)
    assert after != before
    assert {file.name for file in after.iterdir()} == {
        *("pulumi", "pulumi-language-python-host"),
        *("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python", "another"),
    }


def test_tests_take_the_pulumi_on_path_where_the_pin_cannot_be_built_and_say_so(path: Fake) -> None:
    path("pulumi-language-python", "")
    folder = path("pulumi", "v3.259.0")
    said: list[str] = []
    assert build.tested_engine(said.append) == folder
    assert build.CLI.version() in said[0]


def test_oldest_supported_engine_is_pinned() -> None:
    assert build.numbers(build.OLDEST_CLI.version()) == build.OLDEST


def test_failed_build_leaves_nothing_behind(path: Fake) -> None:
    folder = path("go", "go1.99.0")
    (build.cache() / "building-killed").mkdir(parents=True)
    (folder / "go").write_text('#!/bin/sh\n[ "$1" = env ] && echo go1.99.0 || exit 3\n')
    said: list[str] = []
    build.LANGUAGE_HOST.compiled().parent.mkdir(parents=True)
    build.LANGUAGE_HOST.compiled().write_text("compiled before")
    with pytest.raises(EngineUnavailable, match="Building pulumi failed"):
        build.engine_folder(said.append)
    assert "about 6 minutes" in said[0]
    assert sorted(entry.name for entry in build.cache().iterdir()) == ["build.lock", "programs"]
    assert not build.CLI.compiled().exists()


def test_relative_cache_setting_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert build.cache() == Path.home() / ".cache" / "dualwrite" / "engine"


def test_pins_follow_every_file_of_the_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("cli/go.mod", "cli/go.sum", "python/go.mod", "python/go.sum", "bin/script"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one")
    monkeypatch.setattr(build, "HERE", tmp_path)
    seen = {build.folder_of(build.CLI)}
    for file in sorted(tmp_path.rglob("*")):
        if file.is_file():
            file.write_text("two")
            seen.add(build.folder_of(build.CLI))
    assert len(seen) == 6
