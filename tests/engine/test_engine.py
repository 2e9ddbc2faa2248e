"""The engine itself: versions, program start, error texts, and Pulumi's pickler with many resources."""

from collections.abc import Callable

import pytest

from tests.engine.harness import Project

Programs = Callable[[str], Project]


@pytest.fixture
def bulk(program: Programs) -> Project:
    """The program that declares as many resources as its config says."""
    return program("bulk")


def test_cli_outside_required_range_is_refused(bulk: Project) -> None:
    bulk.configure("bulk:count: 1")
    settings = bulk.folder / "Pulumi.yaml"
    text = settings.read_text().replace('">=3.259.0 <4.0.0"', '">=4.0.0"')
    settings.unlink()
    settings.write_text(text)
    assert 'does not satisfy the version range ">=4.0.0"' in bulk.preview(expect=1).text


def test_run_error_is_shown_without_traceback(bulk: Project) -> None:
    bulk.configure("bulk:count: -1")
    text = bulk.preview(expect=1).text
    assert "bulk:count must not be negative" in text
    assert "Traceback" not in text


def test_other_error_shows_program_frames_only(bulk: Project) -> None:
    bulk.configure("bulk:count: many")
    text = bulk.preview(expect=1).text
    assert "Traceback" in text
    assert "__main__.py" in text
    assert "runpy" not in text


def test_hundreds_of_resources_in_one_program(bulk: Project) -> None:
    """Declaring them is what brought the SDK's pickler to its knees (R2); thousands are serialised in test_base.py."""
    bulk.configure("bulk:count: 300")
    assert "301 to create" in bulk.preview().text
