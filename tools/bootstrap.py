"""Makes `.venv` from the lock files: `python3 tools/bootstrap.py [dev]`. Standard library only.

Runs before anything is installed, under whatever `python3` the user has, and does nothing when the stamp in `.venv`
says that the lock files did not change. `dev` adds what tests and checks need.

Packages come from the user's own package index through pip and uv, each with its hash. pip fetches uv once per machine
into `${XDG_CACHE_HOME:-~/.cache}/dualwrite/uv/<hash of its lock file>`; from there uv fills the `.venv` of every clone.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
INSTALLER = ROOT / "tools" / "requirements-install.txt"
RUNTIME = ROOT / "requirements.txt"
DEV = ROOT / "requirements-dev.txt"
OLDEST = (3, 11)
PRIVATE = ROOT / ".dualwrite"
OWN_CACHE = PRIVATE / "cache"


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
        if found and new_enough(found):
            return found
    sys.exit("Python 3.11 or newer is needed; this is {}.{}.".format(*sys.version_info))


def new_enough(python: str) -> bool:
    """Whether it runs and is what its name says: a shim of a version manager may stand for nothing."""
    test = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    try:
        return not subprocess.run([python, "-c", test], capture_output=True, timeout=60, check=False).returncode
    except (OSError, subprocess.TimeoutExpired):
        return False


def run(*command: "str | Path") -> None:
    """Run one step; its own message stands when it fails."""
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(f"Setting up .venv failed at: {' '.join(map(str, command))}")


def cache() -> Path:
    """The folder that all clones of this machine share."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "dualwrite"


def writable_cache() -> Path:
    """The shared folder, or one of this clone's own where the shared one cannot be written."""
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache()):
            return cache()
    except OSError:
        return OWN_CACHE


def uv() -> Path:
    """The pinned uv of this machine, fetched now if it is not there. Safe to call from several processes."""
    pins = hashlib.sha256(f"{platform.system()} {platform.machine()}".encode() + INSTALLER.read_bytes())
    name = Path("uv", pins.hexdigest()[:16], "bin", "uv")
    command = next((base / name for base in (cache(), OWN_CACHE) if (base / name).exists()), writable_cache() / name)
    folder = command.parent.parent
    if not command.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetching-", dir=folder.parent) as temporary:
            fetched = Path(temporary, "uv")
            # pip's advice against installing as root is for other places than a folder of ours.
            quiet = ("--quiet", "--disable-pip-version-check", "--root-user-action", "ignore")
            options = ("--require-hashes", "--no-compile", "--target", fetched, "-r", INSTALLER)
            run(pip(Path(temporary)), "-m", "pip", "install", *quiet, *options)
            if not command.exists():  # else another process was faster
                fetched.rename(folder)
    return command


def pip(folder: Path) -> "str | Path":
    """A Python that has pip: the user's own, else that of a throw-away environment in `folder`."""
    python = interpreter()
    if not subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        return python
    run(python, "-m", "venv", folder / "pip")
    return folder / "pip" / "bin" / "python"


def main() -> None:
    """Bring `.venv` up to date."""
    lock = DEV if "dev" in sys.argv[1:] else RUNTIME
    if is_current(lock):
        return
    PRIVATE.mkdir(mode=0o700, exist_ok=True)
    with (PRIVATE / "setup.lock").open("w") as handle:  # two commands at once must not make one environment
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not is_current(lock):
            install(lock)


def is_current(lock: Path) -> bool:
    """Whether there is nothing to do."""
    return installed(lock) or (lock is RUNTIME and installed(DEV))


def install(lock: Path) -> None:
    """Make `.venv` if there is none, and bring it to what the lock file asks for."""
    print(f"Installing {lock.name} into .venv", file=sys.stderr, flush=True)  # noqa: T201
    installer = uv()
    if not PYTHON.exists():
        run(interpreter(), "-m", "venv", "--clear", "--without-pip", VENV)
    # A lock file names every package, so there is nothing to resolve.
    options = ("--quiet", "--require-hashes", "--no-deps", "--build-constraints", INSTALLER)
    # uv keeps what it fetched beside ours, unless that cannot be written.
    kept = ("--cache-dir", OWN_CACHE / "packages") if writable_cache() == OWN_CACHE else ()
    run(installer, "pip", "install", "--python", PYTHON, *kept, *options, "-r", lock)
    stamp(lock).write_text(wanted(lock))


if __name__ == "__main__":
    main()
