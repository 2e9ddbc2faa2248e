"""Commands that only read leave the work tree and the backend as they were, byte for byte."""

import codecs
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.checkout import Checkout, Done

TOOLS = ".venv/bin/python -m tools"
OF_UNDEPLOYED = ("preview odd --diff", "page --stack odd --refresh")
OF_DEPLOYED = (
    "preview odd --diff --refresh",
    "page --stack odd",
    "refresh odd --preview-only --json",
    "env odd --json",
    "prove odd",
)


@pytest.fixture(scope="module")
def clone(engine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A clone with the stack `odd`, whose file has a byte order mark and CRLF, as an editor on Windows saves it.

    No map of it runs.
    """
    clone = Checkout(tmp_path_factory.mktemp("reading"), engine)
    text = (clone.folder / "stacks/Pulumi.new-new.yaml").read_text()
    lines = [line for line in text.splitlines(keepends=True) if "encryptionsalt" not in line and "include:" not in line]
    write_odd(clone, "".join(lines) + "    include: [application-core]\n    state: stopped\n")
    yield clone
    clone.run(f"{TOOLS} stop")


def write_odd(clone: Checkout, text: str) -> None:
    content = codecs.BOM_UTF8 + text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    stack_file(clone).write_bytes(content)


def stack_file(clone: Checkout) -> Path:
    return clone.folder / "stacks" / "Pulumi.odd.yaml"


def contents(clone: Checkout) -> dict[str, str]:
    """Every file of the work tree and of the backend, with a hash of its bytes."""
    backend = clone.folder / ".dualwrite" / "state"
    left_out = (".dualwrite", ".venv", ".git")
    files = [file for part in clone.folder.iterdir() if part.name not in left_out for file in [part, *part.rglob("*")]]
    return {
        str(file.relative_to(clone.folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in [*files, *backend.rglob("*")]
        if file.is_file() and "__pycache__" not in file.parts
    }


@pytest.mark.parametrize("command", OF_UNDEPLOYED)
def test_previews_of_an_undeployed_stack_leave_everything_as_it_was(clone: Checkout, command: str) -> None:
    before = contents(clone)
    done = clone.run(f"{TOOLS} {command}")
    assert done.code == 0, done.text
    assert "contoso-uat" in done.text
    assert contents(clone) == before


@pytest.mark.parametrize("command", ["refresh odd", "refresh odd --preview-only", "prove odd"])
def test_what_reads_a_stack_ends_with_3_where_it_is_in_no_backend(clone: Checkout, command: str) -> None:
    before = contents(clone)
    done = clone.run(f"{TOOLS} {command}")
    assert done.code == 3, done.text
    assert "Stack 'odd' is not in the backend" in done.text
    assert contents(clone) == before


@pytest.mark.parametrize("passphrase", ["", "another"])
def test_passphrase_that_does_not_open_the_file_ends_a_preview(clone: Checkout, passphrase: str) -> None:
    done = clone.run(f"{TOOLS} preview new-new", PULUMI_CONFIG_PASSPHRASE=passphrase)
    assert done.code == 3, done.text
    assert "incorrect passphrase" in done.text


def test_empty_passphrase_serves_a_file_without_a_salt(clone: Checkout) -> None:
    assert clone.run(f"{TOOLS} preview odd", PULUMI_CONFIG_PASSPHRASE="").code == 0


def test_proxy_without_exceptions_is_not_asked_for_this_machine(clone: Checkout) -> None:
    # Nothing listens there: whatever is sent to it fails.
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    done = clone.run(f"{TOOLS} preview odd", **proxies)
    assert done.code == 0, done.text


def test_empty_backend_variable_ends_a_preview_by_name(clone: Checkout) -> None:
    done = clone.run(f"{TOOLS} preview odd", PULUMI_BACKEND_URL="")
    assert done.code == 1
    assert done.text.strip() == "PULUMI_BACKEND_URL is set but empty: give a value or unset it. Nothing was run."


def test_destroy_of_a_stack_that_is_in_no_backend_says_so_and_makes_none(clone: Checkout) -> None:
    before = contents(clone)
    done = clone.run(f"{TOOLS} destroy odd")
    assert (done.code, done.text.strip()) == (0, "Nothing to destroy: stack 'odd' has no resources.")
    assert contents(clone) == before


def test_stack_of_a_real_cloud_is_not_put_into_this_clone(clone: Checkout) -> None:
    text = (clone.folder / "stacks/Pulumi.new-new.yaml").read_text()
    (clone.folder / "stacks/Pulumi.real.yaml").write_text(text.replace("cloud: emulator", "cloud: public"))
    before = contents(clone)
    for command in ("preview", "up", "refresh", "prove", "env"):
        done = clone.run(f"{TOOLS} {command} real")
        assert done.code == 1
        assert done.text.startswith("Stack 'real' is in the cloud 'public', so it needs PULUMI_BACKEND_URL")
        assert len(done.text.splitlines()) == 1
    assert contents(clone) == before


@pytest.fixture(scope="module")
def first_up(clone: Checkout) -> Done:
    """`up` of the odd stack; its salt stays in a file that is odd again."""
    done = clone.run(f"{TOOLS} up odd")
    write_odd(clone, stack_file(clone).read_text(encoding="utf-8-sig"))
    return done


@pytest.fixture(scope="module")
def deployed(clone: Checkout, first_up: Done) -> Checkout:
    """The clone after `up`."""
    assert first_up.code == 0, first_up.text
    return clone


def test_pair_whose_maps_are_declared_stopped_is_done_and_says_what_that_means(first_up: Done) -> None:
    assert first_up.code == 0, first_up.text
    assert "yes (as declared, and no map runs: no row crosses)" in first_up.text
    assert "Not proved, and nothing is wrong: a row takes one of these maps" in first_up.text


@pytest.mark.parametrize("command", OF_DEPLOYED)
def test_commands_that_read_a_deployed_stack_leave_everything_as_it_was(deployed: Checkout, command: str) -> None:
    before = contents(deployed)
    done = deployed.run(f"{TOOLS} {command}")
    assert done.code == 0, done.text
    assert contents(deployed) == before


def test_drift_is_told_to_a_machine(deployed: Checkout) -> None:
    name = "cdm_companies - Legal entities"
    deployed.control("person", {"action": "start-map", "environment": "contoso-uat.crm4.dynamics.com", "map": name})
    done = deployed.run(f"{TOOLS} refresh odd --preview-only --json --detailed-exit-code 2>/dev/null")
    assert done.code == 2, done.text
    told = json.loads(done.text)
    assert (told["version"], told["command"], told["stack"], told["recorded"]) == (1, "refresh", "odd", False)
    assert told["drift"] == [{"resource": "pair-live-sync", "operation": "update", "outputs": ["drifted", "maps"]}]
    assert [(each["code"], each["resource"]) for each in told["findings"]] == [("DW-W01", "pair-live-sync")]
    assert told["errors"] == []


def test_environment_is_told_to_a_machine(deployed: Checkout) -> None:
    told = json.loads(deployed.run(f"{TOOLS} env odd --json").text)
    assert told["running"]
    assert told["variables"]["PULUMI_BACKEND_URL"] == (deployed.folder / ".dualwrite" / "state").as_uri()
    assert "PATH" not in told["variables"]
