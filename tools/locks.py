"""What a killed run of the CLI leaves in a file backend: a lock, and sometimes a file cut while it was written.

A lock is released where that is safe, else explained.

A lock names process, user, host and time (pkg/backend/diy/lock.go of the pinned CLI). It is left over when it is of
this host and its process is gone, or began after the lock: then the number belongs to somebody else by now.

Beside each file the backend keeps `<name>.attrs` (blob/fileblob of gocloud.dev), which it writes in place: of a run
that was killed meanwhile an empty one stays, and every later run ends with `failed to load checkpoint: EOF`. A missing
one is fine.
"""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from tools.emulator_process import alive

# Where the files of one stack lie below `.pulumi`.
_OF_STACK = ("stacks/**/{stack}.*.attrs", "history/**/{stack}/*.attrs", "backups/**/{stack}/*.attrs")
# A process's beginning is known to the tick, that of the machine to the second.
_TOLERANCE = timedelta(seconds=2)


class Lock(NamedTuple):
    """One lock file; `time` and `pid` are None where it cannot be read."""

    path: Path
    host: str
    pid: int | None
    time: datetime | None

    @property
    def owner(self) -> str:
        """Who wrote it, as a person reads it."""
        return f"process {self.pid} on {self.host}" if self.pid else f"an unknown process; {self.path} cannot be read"


def release(stack: str, environment: Mapping[str, str]) -> list[str]:
    """Remove the locks that no run has any more; a line for each."""
    released = [lock for lock in _locks(stack, environment) if left_over(lock)]
    for lock in released:
        lock.path.unlink(missing_ok=True)
    if released:
        _remove_cut_attributes(stack, environment)
    return [f"Stack '{stack}' was locked by a run that was killed ({lock.owner}): released." for lock in released]


def advice(stack: str, environment: Mapping[str, str]) -> str | None:
    """What to do about a lock that may be left over, where this machine cannot tell; None without one."""
    for lock in _locks(stack, environment):
        if lock.host != socket.gethostname() or lock.pid is None:
            return (
                f"Stack '{stack}' is locked by {lock.owner}. If that run has ended, release it:"
                f' eval "$(make -s env STACK={stack})"; pulumi cancel --yes --stack {stack}'
            )
    return None


def left_over(lock: Lock) -> bool:
    """Whether the run that wrote it has certainly ended."""
    if lock.host != socket.gethostname() or lock.pid is None:
        return False
    if not alive(lock.pid):
        return True
    began = _beginning(lock.pid)
    return bool(began and lock.time and began > lock.time + _TOLERANCE)


def _locks(stack: str, environment: Mapping[str, str]) -> Iterator[Lock]:
    folder = _folder(environment)
    for path in folder.glob(f"locks/organization/*/{stack}/*.json") if folder else ():
        yield _read(path)


def _folder(environment: Mapping[str, str]) -> Path | None:
    """The folder of a file backend; None for any other."""
    backend = urlsplit(environment.get("PULUMI_BACKEND_URL", ""))
    return Path(unquote(backend.path), ".pulumi") if backend.scheme == "file" else None


def _remove_cut_attributes(stack: str, environment: Mapping[str, str]) -> None:
    """Remove those files of attributes that the killed run had begun to write."""
    folder = _folder(environment)
    if folder is None:
        return
    for pattern in _OF_STACK:
        for path in folder.glob(pattern.format(stack=stack)):
            if not _is_whole(path):
                path.unlink(missing_ok=True)


def _is_whole(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def _read(path: Path) -> Lock:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Lock(path, str(content["hostname"]), int(content["pid"]), datetime.fromisoformat(content["timestamp"]))
    except (OSError, ValueError, TypeError, KeyError):
        return Lock(path, "", None, None)


def _beginning(pid: int) -> datetime | None:
    """When a process began, where the system tells (Linux)."""
    try:
        ticks = int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
        boot = next(line for line in Path("/proc/stat").read_text(encoding="utf-8").splitlines() if line[:5] == "btime")
    except (OSError, StopIteration):
        return None
    return datetime.fromtimestamp(int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK"), UTC)
