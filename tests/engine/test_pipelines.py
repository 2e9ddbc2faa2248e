"""The pipelines' own steps, one after the other on the emulator, from the pull request to the night after it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.checkout import Checkout
from tests.engine.harness import ASKING, READS

STACK = "new-new"
PAUSED = "accounts - Customers V3"
OTHER = "msdyn_vendors - Vendors V2"
HOST = "contoso-uat.crm4.dynamics.com"


@pytest.fixture(scope="module")
def checkout(engine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A clone whose stack `new-new` is up, and whose newest commit, the pull request, pauses a map of it."""
    if shutil.which("jq") is None:
        pytest.skip("no jq, which GitHub's own client has built in")
    checkout = Checkout(tmp_path_factory.mktemp("pipelines"), engine)
    up = checkout.run(f".venv/bin/python -m tools up {STACK}")
    assert up.code == 0, up.text
    file = checkout.folder / f"stacks/Pulumi.{STACK}.yaml"
    file.write_text(f'{file.read_text().rstrip()}\n    overrides:\n      "{PAUSED}": {{state: paused}}\n')
    base = checkout.commit("Pause a map")
    checkout.environment |= {"BASE": base, "STACK": STACK, "NUMBER": "7"}
    yield checkout
    checkout.run(".venv/bin/python -m tools stop")


def writes(checkout: Checkout, since: int) -> list[str]:
    """Requests after that row of the journal that were no read and no sign-in."""
    return [
        row["path"]
        for row in checkout.control(f"requests?since={since}")
        if row["method"] not in READS and row["service"] != "login" and not ASKING & set(row["path"].split("/"))
    ]


def now(checkout: Checkout) -> int:
    return max(int(row["seq"]) for row in checkout.control("requests?last=1"))


def person(checkout: Checkout, action: str, name: str) -> None:
    checkout.control("person", {"action": action, "environment": HOST, "map": name})


def page(checkout: Checkout) -> str:
    """Write the page and put it on the pull request; the comment there is."""
    assert checkout.step("pull-request", "page", "Write the page").code == 0
    assert checkout.output("code") == "0"
    assert checkout.step("pull-request", "page", "Put it on the pull request").code == 0
    (only,) = checkout.pages()
    return only


def run_approved(checkout: Checkout) -> tuple[int, str]:
    assert checkout.step("up", "up", "Fetch the approved page").code == 0
    done = checkout.step("up", "up", "Run what was approved")
    return done.code, done.text


def test_pull_request_approval_change_behind_our_back_new_approval_up_and_night(checkout: Checkout) -> None:
    assert checkout.step("pull-request", "changed", "Set up").code == 0
    assert checkout.step("pull-request", "changed", "Name the changed stacks").code == 0
    assert json.loads(checkout.output("stacks")) == [STACK]
    before = now(checkout)
    approved = page(checkout)
    assert "new-new: pauses 1 map" in approved
    assert page(checkout) == approved
    assert not writes(checkout, before)
    assert checkout.step("pull-request", "page", "Refused plans fail the check", CODE=checkout.output("code")).code == 0

    person(checkout, "pause-map", OTHER)
    before = now(checkout)
    code, text = run_approved(checkout)
    assert code == 4
    assert "nothing was written" in text
    assert "pair-live-sync: update with other inputs" in text
    assert not writes(checkout, before)

    assert "DW-W01" in page(checkout)
    code, text = run_approved(checkout)
    assert code == 0, text
    state = checkout.run(
        f'eval "$(.venv/bin/python -m tools env {STACK})"; pulumi stack output maps --json --stack {STACK}'
    )
    maps = json.loads(state.text)
    assert (maps[PAUSED], maps[OTHER]) == ("paused", "running")
    assert "nothing to do" in page(checkout)

    assert checkout.step("nightly", "stacks", "Name all stacks").code == 0
    assert STACK in json.loads(checkout.output("stacks"))
    assert checkout.step("nightly", "drift", "Name what drifted").code == 0
    person(checkout, "pause-map", OTHER)
    night = checkout.step("nightly", "drift", "Name what drifted")
    assert night.code == 2
    assert "DW-W01" in night.text
    assert checkout.step("nightly", "drift", "Name what drifted").code == 2


def test_fork_gets_the_offline_check_and_is_told(checkout: Checkout) -> None:
    before = now(checkout)
    done = checkout.step("pull-request", "offline", "Check the file alone")
    assert done.code == 0
    told = Path(checkout.environment["GITHUB_STEP_SUMMARY"]).read_text()
    assert "nothing was planned" in told
    assert "is in order" in told
    assert not [row for row in checkout.control(f"requests?since={before}") if row["service"] != "control"]
    file = checkout.folder / f"stacks/Pulumi.{STACK}.yaml"
    text = file.read_text()
    file.write_text(text.replace("dualwrite:maps", "dualwrite:mapps"))
    refused = checkout.step("pull-request", "offline", "Check the file alone")
    file.write_text(text)
    assert refused.code == 4
    assert "DW-C05" in refused.text


def test_azure_pipelines_run_the_same_commands(checkout: Checkout) -> None:
    branch = {"SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"}
    checkout.git("update-ref", "refs/remotes/origin/main", checkout.environment["BASE"])
    assert checkout.azure_step("pull-request", "Set up").code == 0
    assert f" {STACK} " in checkout.azure_step("pull-request", "Name the changed stacks", **branch).text
    assert f" {STACK} " in checkout.azure_step("up", "Name the changed stacks").text
    assert checkout.azure_step("pull-request", "Check the file alone").code == 0
    assert checkout.azure_step("pull-request", "Write the page").code == 0
    assert checkout.azure_step("pull-request", "Refused plans fail the check", CODE="4").code == 4
    assert "comes from a fork" in checkout.azure_step("pull-request", "Tell the fork").text
    (checkout.folder / "approved.md").write_text((checkout.folder / "page.md").read_text())
    assert checkout.azure_step("up", "Run what was approved").code == 0
    assert checkout.azure_step("nightly", "Name what drifted").code == 0
    (missing,) = {
        checkout.azure_step("pull-request", "Put it on the pull request").text,
        checkout.azure_step("up", "Fetch the approved page").text,
    }
    assert "'SYSTEM_COLLECTIONURI' of an Azure DevOps build is not set" in missing
