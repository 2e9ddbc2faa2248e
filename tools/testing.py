"""`make test`: the engine that the tests are about, and pytest on all cores."""

import os
import subprocess
import sys
from collections.abc import Sequence

from tools import axe, go_client
from tools.engine.build import Report, oldest_engine, tested_engine
from tools.variables import loopback_exceptions
from tools.workspace import COMPILED_ONCE, ROOT

# A file stays with one worker, since its tests share what its fixtures made. In the order of `testpaths` the long files
# begin early. Two workers a core, because half of the time tests wait for a process or for the emulator's clock.
ON_ALL_CORES = ("--numprocesses", str(2 * (os.cpu_count() or 1)), "--dist", "loadfile", "--no-loadscope-reorder")


def run(arguments: Sequence[str], report: Report) -> int:
    """Run pytest with these arguments, or everything on all cores without any; its exit code.

    A run of everything also builds the oldest supported engine and the Go program of tests/clients, and fetches
    axe-core, where this machine has none; a chosen part is not worth that time, and what needs one is skipped by name.
    """
    folder = tested_engine(report)
    if not arguments:
        oldest_engine(report)
        go_client.program(report)
        axe.fetch(report)
    path = os.pathsep.join((str(folder), os.environ["PATH"]))
    variables = {**os.environ, **COMPILED_ONCE, **loopback_exceptions(os.environ), "PATH": path}
    command = [sys.executable, "-m", "pytest", *(arguments or ON_ALL_CORES)]
    return subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode
