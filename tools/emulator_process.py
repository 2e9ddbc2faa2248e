"""The emulator of this clone as a process: is it running, start it in the background, stop it."""

import fcntl
import http
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tools.workspace import EMULATOR_STATE, PRIVATE, ROOT, UserError, make_private_folder

CLOCK = "scaled:3600"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
ANSWER_SECONDS = 2.0
POLL_SECONDS = 0.05

# By process id. They outlive the commands that start them; a Popen that is dropped before it knows how its process
# ended is a ResourceWarning.
_started: dict[int, subprocess.Popen[bytes]] = {}


class Emulator(NamedTuple):
    """A running emulator, as it describes itself in `emulator.json` of its state folder."""

    url: str
    ca: str
    pid: int


def command(*arguments: str, state: Path = EMULATOR_STATE) -> list[str]:
    """A command line of the emulator's own, on the given state folder."""
    return [sys.executable, "-m", "emulator", *arguments, "--state", str(state)]


def serve_command(*, state: Path = EMULATOR_STATE, clock: str = CLOCK) -> list[str]:
    """The command line that serves this clone's tenant."""
    return command("serve", "--clock", clock, state=state)


def running(state: Path = EMULATOR_STATE) -> Emulator | None:
    """The emulator that answers for this state folder; None when there is none."""
    try:
        described = json.loads((state / "emulator.json").read_text())
        emulator = Emulator(str(described["url"]), str(described["ca"]), int(described["pid"]))
        own = Path(emulator.ca).resolve().parent == state.resolve() and emulator.pid > 1
        return emulator if own and answers(emulator.url) else None
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return None


def answers(url: str) -> bool:
    """Whether an emulator's control plane answers there, asked without the proxy that the user may have."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/_emulator/clock")
        return connection.getresponse().status == http.HTTPStatus.OK
    finally:
        connection.close()


def ensure_running() -> Emulator:
    """The running emulator, started in the background if there is none."""
    with only_one_starts():
        return running() or start()


@contextmanager
def only_one_starts() -> Iterator[None]:
    """Two commands at once must not start two emulators on one state folder."""
    make_private_folder()
    with (PRIVATE / "emulator.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def start(*, state: Path = EMULATOR_STATE, clock: str = CLOCK) -> Emulator:
    """Start it in a session of its own, so that Ctrl-C in `make up` does not take it away; wait until it answers."""
    state.parent.mkdir(parents=True, exist_ok=True)
    log = state.parent / "emulator.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            serve_command(state=state, clock=clock),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _started[process.pid] = process
    try:
        return wait_until_ready(process, state, log)
    except BaseException:
        process.kill()
        process.wait()
        del _started[process.pid]
        raise


def wait_until_ready(process: subprocess.Popen[bytes], state: Path, log: Path) -> Emulator:
    """Poll until this process describes itself and answers; its log tells why when it does not."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        emulator = running(state)
        if emulator and emulator.pid == process.pid:
            return emulator
        time.sleep(POLL_SECONDS)
    last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it printed nothing"]
    raise UserError(f"The emulator did not start: {last[0]} (its log: {log})")


def stop(state: Path = EMULATOR_STATE) -> Emulator | None:
    """End the emulator of this state folder; the one that was running, or None."""
    emulator = running(state)
    if emulator is None:
        return None
    os.kill(emulator.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while alive(emulator.pid):
        if time.monotonic() > deadline:
            raise UserError(f"The emulator (process {emulator.pid}) does not end.")
        time.sleep(POLL_SECONDS)
    return emulator


def alive(pid: int) -> bool:
    """Whether a process runs. One that ended counts as gone even where nobody collects it (a container's process 1)."""
    if pid in _started:
        # Through its Popen, which would otherwise never learn that somebody else collected it.
        if _started[pid].poll() is None:
            return True
        del _started[pid]
        return False
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def variables(state: Path = EMULATOR_STATE) -> dict[str, str]:
    """What a program needs to reach the running emulator and to sign in there."""
    answer = subprocess.run(command("env", state=state), cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise UserError(answer.stderr.strip() or "`python -m emulator env` failed")
    return dict(line.split("=", 1) for line in answer.stdout.splitlines())
