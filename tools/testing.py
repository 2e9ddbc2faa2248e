"""`make test`: the engine that the tests are about, and pytest on all cores."""

import os
import subprocess
import sys
from collections.abc import Sequence

from tools.engine.build import Report, oldest_engine, tested_engine
from tools.workspace import ROOT


def run(arguments: Sequence[str], report: Report) -> int:
    """Run pytest with these arguments; its exit code.

    A run of everything builds the oldest supported engine, too, where this machine has none; a chosen part is not worth
    that time, and the one test that needs it is skipped by name.
    """
    folder = tested_engine(report)
    if not arguments:
        oldest_engine(report)
    path = os.pathsep.join((str(folder), os.environ["PATH"]))
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"PATH": path}, check=False).returncode
