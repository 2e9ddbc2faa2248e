"""A run of the CLI that ends in order when it is interrupted.

Ctrl-C reaches the CLI by itself (one process group): it cancels, and starts no further step. What runs already would
run on, for the SDK's cancel does nothing and the provider is outside the terminal's group. So the first signal also
makes a stop file (DUALWRITE_STOP_FILE), which every wait of every provider sees within a second.
"""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from types import FrameType

from tools.workspace import ROOT

STOP_FILE = "DUALWRITE_STOP_FILE"
# Sent to the whole group, SIGTERM reaches the CLI by itself, too; a second one would end it at once, lock and all.
_HEARD_SECONDS = 0.2
_HEARD = "received; cancelling"


def run(arguments: Sequence[str], environment: Mapping[str, str], log: Path | None = None) -> int:
    """Run the CLI on the user's terminal; its exit code. `log`: the event log that it is told to write.

    This process waits for the CLI however often the key is pressed, and passes SIGTERM on where only it got one.
    """
    with TemporaryDirectory(prefix="dualwrite-") as folder:
        stop = Path(folder, "stop")
        with (
            subprocess.Popen(["pulumi", *arguments], cwd=ROOT, env={**environment, STOP_FILE: str(stop)}) as process,
            _stopping(process, stop, log),
        ):
            return process.wait()


@contextmanager
def _stopping(process: subprocess.Popen[bytes], stop: Path, log: Path | None) -> Iterator[None]:
    timers: list[Timer] = []

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        stop.touch()

    def on_terminate(_number: int, _frame: FrameType | None) -> None:
        stop.touch()
        if not timers:
            timers.append(Timer(_HEARD_SECONDS, _pass_on, (process, log)))
            timers[0].start()

    interrupt = signal.signal(signal.SIGINT, on_interrupt)
    terminate = signal.signal(signal.SIGTERM, on_terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, terminate)
        for timer in timers:
            timer.cancel()


def _pass_on(process: subprocess.Popen[bytes], log: Path | None) -> None:
    heard = log is not None and log.exists() and _HEARD in log.read_text(encoding="utf-8", errors="replace")
    if not heard and process.poll() is None:
        process.send_signal(signal.SIGINT)
