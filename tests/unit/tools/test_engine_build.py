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
    assert (build.on_path() == folder) is fits


def test_pulumi_without_language_host_is_not_used(path: Fake) -> None:
    path("pulumi", "v3.259.0")
    assert build.on_path() is None


def test_own_build_on_path_is_no_other_engine(path: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path("pulumi-language-python", "")
    folder = path("pulumi", "v3.259.0")
    monkeypatch.setattr(build, "cache", lambda: tmp_path)
    assert folder.is_relative_to(tmp_path)
    assert build.on_path() is None


def test_no_engine_and_no_go_names_official_installer(path: Fake) -> None:
    with pytest.raises(EngineUnavailable, match=r"no Go to build one with\. Install Pulumi instead: curl .* \| sh"):
        build.engine_folder(pytest.fail)


def test_old_go_is_refused_before_building(path: Fake) -> None:
    path("go", "go1.22.1")
    with pytest.raises(EngineUnavailable, match=r"Go 1\.22\.1 is too old .* needs Go 1\.25\.11"):
        build.engine_folder(pytest.fail)


def test_built_engine_is_found_without_go(path: Fake) -> None:
    folder = build.cache() / build.pins()
    folder.mkdir(parents=True)
    assert build.engine_folder(pytest.fail) == folder


def test_failed_build_leaves_nothing_behind(path: Fake) -> None:
    folder = path("go", "go1.99.0")
    (build.cache() / "building-killed").mkdir(parents=True)
    (folder / "go").write_text('#!/bin/sh\n[ "$1" = env ] && echo go1.99.0 || exit 3\n')
    said: list[str] = []
    with pytest.raises(EngineUnavailable, match="pulumi-language-python failed"):
        build.engine_folder(said.append)
    assert "about 6 minutes" in said[0]
    assert [entry.name for entry in build.cache().iterdir()] == ["build.lock"]


def test_relative_cache_setting_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert build.cache() == Path.home() / ".cache" / "dualwrite" / "engine"


def test_pins_follow_every_file_of_the_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("cli/go.mod", "cli/go.sum", "python/go.mod", "python/go.sum", "bin/script"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one")
    monkeypatch.setattr(build, "HERE", tmp_path)
    seen = {build.pins()}
    for file in sorted(tmp_path.rglob("*")):
        if file.is_file():
            file.write_text("two")
            seen.add(build.pins())
    assert len(seen) == 6
