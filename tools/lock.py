"""Writes the lock files from `pyproject.toml`, with hashes, for every Python the project supports.

Versions that a lock file names already stay as they are; `--upgrade` moves them to the newest that fit.
"""

import subprocess
import sys
from pathlib import Path

from tools.bootstrap import uv

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "requirements.txt": ("pyproject.toml",),
    "requirements-dev.txt": (
        *("pyproject.toml", "--group", "dev", "--group", "clients"),
        *("--constraints", "requirements.txt"),
    ),
    "tools/requirements-install.txt": ("--group", "install"),
}
COMPILE = (
    *("pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--custom-compile-command", "python -m tools.lock"),
)


def main() -> None:
    """Write every lock file, runtime first, because the development set is constrained by it."""
    for name, sources in LOCKS.items():
        subprocess.run([uv(), *COMPILE, *sources, *sys.argv[1:], "--output-file", name], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
