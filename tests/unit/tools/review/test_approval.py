"""Only the approved plan runs, and its file is nobody else's."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.tools.review.plans import maps, plan, said, step
from tools.exit_codes import Refused, UserError
from tools.review import approval, digest, markdown
from tools.review.content import arranged
from tools.review.preview import Preview

PAUSED = plan(step("LiveSync", "update", old=maps(a="running"), new=maps(a="paused")))
STOPPED = plan(step("LiveSync", "update", old=maps(a="running"), new=maps(a="stopped")))


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Callable[[Preview], None]:
    """Makes the CLI plan this, and write configuration into the plan file."""

    def use(preview: Preview) -> None:
        def made(_stack: str, _environment: object, *, refreshed: bool, save: Path) -> Preview:
            assert refreshed
            save.write_text(json.dumps({"config": "private"}))
            return preview

        monkeypatch.setattr(approval, "plan", made)

    return use


def test_plan_file_is_private_and_gone_afterwards(planned: Callable[[Preview], None]) -> None:
    planned(PAUSED)
    with approval.approved_plan(digest.digest(PAUSED), "uat", {}) as file:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not file.parent.exists()


def test_other_plan_ends_before_anything_runs_and_names_what_is_planned_now(planned: Callable[[Preview], None]) -> None:
    planned(STOPPED)
    with (
        pytest.raises(Refused, match="nothing was written") as caught,
        approval.approved_plan(digest.digest(PAUSED), "uat", {}),
    ):
        pytest.fail("the plan ran")
    assert "now planned: Maps: run states" in str(caught.value)


def test_approved_page_tells_what_moved(tmp_path: Path, planned: Callable[[Preview], None]) -> None:
    file = tmp_path / "page.md"
    file.write_text(markdown.page(arranged(PAUSED)))
    planned(STOPPED)
    with (
        pytest.raises(Refused, match="pair-LiveSync: update with other inputs"),
        approval.approved_plan(str(file), "uat", {}),
    ):
        pytest.fail("the plan ran")


def test_plan_that_a_check_refuses_is_never_run(planned: Callable[[Preview], None]) -> None:
    planned(plan(diagnostics=[said("DW-C04 no capacity", severity="error")]))
    with pytest.raises(Refused, match="DW-C04 no capacity"), approval.approved_plan(digest.digest(PAUSED), "uat", {}):
        pytest.fail("the plan ran")


@pytest.mark.parametrize("approved", ["abc", "0" * 63, "G" * 64])
def test_what_is_neither_digest_nor_page_is_refused_by_name(approved: str) -> None:
    with pytest.raises(UserError, match="is no digest"):
        approval.read_approval(approved)
