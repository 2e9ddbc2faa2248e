"""Makes `.venv` from the lock files: `python3 tools/bootstrap.py [dev]`. Standard library only.

Runs before anything is installed, under whatever `python3` the user has, and does nothing when the stamp in `.venv`
says that the lock files did not change. `dev` adds what tests and checks need.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
INSTALLER = ROOT / "tools" / "requirements-install.txt"
RUNTIME = ROOT / "requirements.txt"
DEV = ROOT / "requirements-dev.txt"
OLDEST = (3, 11)


def stamp(lock: Path) -> Path:
    """The file whose text tells which version of the lock file was installed."""
    return VENV / f"{lock.stem}.stamp"


def wanted(lock: Path) -> str:
    """What the stamp must say."""
    return hashlib.sha256(lock.read_bytes() + INSTALLER.read_bytes()).hexdigest()


def installed(lock: Path) -> bool:
    """Whether `.venv` holds exactly what the lock file asks for."""
    return PYTHON.exists() and stamp(lock).exists() and stamp(lock).read_text() == wanted(lock)


def interpreter() -> str:
    """A Python that is new enough: this one, or a versioned command on PATH."""
    if sys.version_info >= OLDEST:
        return sys.executable
    for minor in (13, 12, 11):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    sys.exit("Python 3.11 or newer is needed; this is {}.{}.".format(*sys.version_info))


def run(*command: "str | Path") -> None:
    """Run one step; its own message stands when it fails."""
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(f"Setting up .venv failed at: {' '.join(map(str, command))}")


def main() -> None:
    """Bring `.venv` up to date."""
    lock = DEV if "dev" in sys.argv[1:] else RUNTIME
    if installed(lock) or (lock is RUNTIME and installed(DEV)):
        return
    print(f"Installing {lock.name} into .venv", file=sys.stderr, flush=True)  # noqa: T201
    if not PYTHON.exists():
        run(interpreter(), "-m", "venv", "--clear", str(VENV))
    hashes = ("--quiet", "--require-hashes")
    run(PYTHON, "-m", "pip", "install", *hashes, "--disable-pip-version-check", "-r", INSTALLER)
    uv = ("-m", "uv", "pip", "install", "--python", PYTHON)
    run(PYTHON, *uv, *hashes, "--build-constraints", INSTALLER, "-r", lock)
    stamp(lock).write_text(wanted(lock))


if __name__ == "__main__":
    main()
