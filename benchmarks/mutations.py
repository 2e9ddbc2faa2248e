"""Whether the emulator's tests notice a refusal that is not made, or a state that is another one.

`python -m benchmarks.mutations [part of a name]` makes one change at a time in a copy of the emulator, runs the tests
of its plane and says which one failed; exit code 1 where none did. Takes some minutes, so no part of `make bench`; a
test of the suite holds that each change can still be made.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.emulator_mutations import MUTATIONS, Mutation
from tools.workspace import ROOT

COPIED = ("emulator", "tests/unit/emulator", "pyproject.toml")
LINKED = ("tools", "providers", "components", "benchmarks", "docs", "stacks", "README.md", "Makefile")
FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
AT_ONCE = 2
SURVIVED = ""


def noticed_by(mutation: Mutation) -> str:
    """The first test that fails with the change made; `SURVIVED` where all pass."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        copy = Path(name)
        _copy(copy)
        file = copy / "emulator" / mutation.file
        file.write_text(mutation.made_in(file.read_text()))
        for part in mutation.tests:
            command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", part]
            done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
            if done.returncode:
                failed = FAILED.search(done.stdout)
                return failed[1] if failed else f"no test: {done.stdout[-200:]}"
    return SURVIVED


def _copy(folder: Path) -> None:
    for part in COPIED:
        target = folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, target)
    for part in LINKED:
        (folder / part).symlink_to(ROOT / part)


def main(wanted: str) -> int:
    """Try every mutation whose name has this part; 1 where one survived."""
    chosen = [each for each in MUTATIONS if wanted in each.name]
    table = Table(
        "mutation", "file", "noticed by", title=f"{len(chosen)} of {len(MUTATIONS)} mutations of the emulator"
    )
    survived = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for mutation, test in zip(chosen, pool.map(noticed_by, chosen), strict=True):
            survived += test == SURVIVED
            table.add_row(mutation.name, mutation.file, test.partition("tests/unit/emulator/")[2] or test or "NO TEST")
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return 1 if survived else 0


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
