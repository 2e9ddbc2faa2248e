"""`make check`: every check of the project, all of them even when one fails."""

import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from tools.workspace import ROOT, UserError

PACKAGES = ("providers", "components", "emulator", "tools", "tests", "benchmarks")


class Check(NamedTuple):
    """One command that succeeds when all is well; `figures`: what it prints is worth reading also then."""

    title: str
    command: tuple[str, ...]
    figures: bool = False


def installed(name: str) -> str:
    """A command of `.venv`."""
    return str(Path(sys.executable).parent / name)


def checks() -> list[Check]:
    """Format, lint, types, complexity, import contracts, generated files."""
    typed = [name for name in (*PACKAGES, "__main__.py") if (ROOT / name).exists()]
    return [
        Check("format", (installed("ruff"), "format", "--check", "--quiet", ".")),
        Check("lint", (installed("ruff"), "check", "--quiet", ".")),
        Check("types", (installed("mypy"), *typed)),
        Check("complexity", (sys.executable, "-m", "tools.complexity"), figures=True),
        Check("imports", (installed("lint-imports"),)),
        Check("generated", (sys.executable, "-m", "tools.generated", "--check")),
        Check("pipelines", (sys.executable, "-m", "tools.pipelines_check")),
        Check("coverage list", (sys.executable, "-m", "emulator", "coverage", "--check")),
    ]


def run_all(console: Console, only: str = "") -> bool:
    """Run every check, or the one of that name, and show the output of those that fail; whether all passed."""
    chosen = [check for check in checks() if only in ("", check.title)]
    if not chosen:
        raise UserError(f"There is no check '{only}': {', '.join(check.title for check in checks())}.")
    passed = [run(check, console) for check in chosen]
    return all(passed)


def run(check: Check, console: Console) -> bool:
    """Run one check; whether it passed."""
    began = time.monotonic()
    done = subprocess.run(check.command, cwd=ROOT, capture_output=True, text=True, check=False)
    ok = done.returncode == 0
    verdict = "[green]ok[/green]" if ok else "[red]failed[/red]"
    console.print(f"{check.title}: {verdict} ({time.monotonic() - began:.0f} s)")
    if not ok or check.figures:
        console.print(f"{done.stdout}{done.stderr}".rstrip(), markup=False, highlight=False, soft_wrap=True)
    return ok
