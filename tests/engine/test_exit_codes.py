"""Exit codes of `python -m tools up` that only a run can end with: a person has to act, and failed on the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.checkout import Checkout

TOOLS = ".venv/bin/python -m tools"
CDS = "tailspin-sales.crm4.dynamics.com"
INSTALLATION_FORBIDDEN = {"method": "POST", "path": "*/install", "status": 403, "count": 1}


@pytest.fixture(scope="module")
def clone(engine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A clone with its emulator running, in which nobody links a pair, and a stack that waits ten seconds for it."""
    clone = Checkout(tmp_path_factory.mktemp("codes"), engine)
    text = (clone.folder / "stacks/Pulumi.existing-existing.yaml").read_text()
    (clone.folder / "stacks/Pulumi.waiting.yaml").write_text(text.replace("link: 4h", "link: 10s"))
    assert clone.run(f"{TOOLS} preview waiting").code == 0
    clone.control("switches", {"attendant": False})
    yield clone
    clone.run(f"{TOOLS} stop")


def test_run_that_fails_on_the_way_ends_with_6(clone: Checkout) -> None:
    clone.control("faults", INSTALLATION_FORBIDDEN)
    done = clone.run(f"{TOOLS} up waiting")
    assert done.code == 6, done.text


def test_run_that_needs_a_person_ends_with_5_and_shows_the_steps(clone: Checkout) -> None:
    done = clone.run(f"{TOOLS} up waiting")
    assert done.code == 5, done.text
    assert "DW-P02" in done.text
    assert "In LCS open the environment details" in done.text
