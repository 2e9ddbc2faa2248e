"""The folder in which a tenant lives between two runs, and the note in it that says where it runs now."""

import fcntl
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

from emulator.core.files import BrokenFileError, write_private
from emulator.identity.directory import TENANT_ID

DEFAULT = Path(".dualwrite/emulator")
ALIVE_SECONDS = 5.0


class InUseError(Exception):
    """Another emulator lives on the folder; the text names it."""


class Running(NamedTuple):
    """A running emulator: URL of its one port, path of its CA certificate, process id."""

    url: str
    ca: str
    pid: int


def not_running(state: Path) -> str:
    """Return the line against a folder on which no emulator runs."""
    return f"No emulator is running on {state}; `python -m emulator serve --state {state}` starts one."


class StateFolder:
    """Paths of everything that outlives a restart."""

    def __init__(self, path: Path) -> None:
        """`path` need not exist yet."""
        self.path = path.absolute()
        self.tenant = self.path / "tenant.sqlite"
        self._tenant_id = self.path / "tenant-id"
        self.signing_key = self.path / "signing-key.pem"
        self.ca = self.path / "ca.pem"
        self.ca_key = self.path / "ca-key.pem"
        self._note = self.path / "emulator.json"
        self._lock = self.path / "emulator.lock"
        self._locked_file = 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder and keep it for this process; InUseError when a live emulator has it."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)
        with self._lock.open("a+") as handle:
            try:
                # The kernel drops the lock with the process, also when that is killed.
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InUseError(f"The state folder {self.path} is in use by a running emulator{self._who()}") from None
            handle.truncate(0)
            handle.write(str(os.getpid()))
            handle.flush()
            self._locked_file = os.fstat(handle.fileno()).st_ino
            yield

    def tenant_id(self, fixed: str | None = None) -> str:
        """The tenant's id: what a seed fixes, or one that a new folder draws; folders of older code keep theirs.

        Outlives a restart and a reset. BrokenFileError when the file holds no id.
        """
        if not self._tenant_id.exists():
            drawn = TENANT_ID if self.tenant.exists() else fixed or str(uuid4())
            write_private(self._tenant_id, f"{UUID(drawn)}\n".encode())
        try:
            return str(UUID(self._tenant_id.read_text().strip()))
        except ValueError:
            raise BrokenFileError(f"{self._tenant_id} holds no tenant id: remove the whole folder.") from None

    def is_ours(self) -> bool:
        """Whether the folder that this process locked is still there, and not another one under its name."""
        try:
            return self._lock.stat().st_ino == self._locked_file
        except OSError:
            return False

    def _who(self) -> str:
        note = self._read()
        if note:
            return f" (process {note.pid}, {note.url})."
        pid = self._lock.read_text(errors="replace").strip()
        end = f": `kill {pid}` ends it, and the next start writes the file anew" if pid.isdigit() else ""
        return f", but {self._note.name} does not say where{end}."

    def announce(self, url: str) -> Running:
        """Write `emulator.json`: from now on others find this process."""
        running = Running(url, str(self.ca), os.getpid())
        write_private(self._note, (json.dumps(running._asdict()) + "\n").encode())
        return running

    def withdraw(self) -> None:
        """Remove `emulator.json`, unless it is another process's: the folder may have been deleted and made anew."""
        note = self._read()
        if note is None or note.pid == os.getpid():
            self._note.unlink(missing_ok=True)

    def running(self) -> Running | None:
        """Return the emulator that answers for this folder, or None."""
        note = self._read()
        if note is None:
            return None
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{note.url}/_emulator/clock", timeout=ALIVE_SECONDS):
                return note
        except (OSError, urllib.error.URLError):
            return None

    def _read(self) -> Running | None:
        """The note, unless it is none or came with a copy of another folder."""
        try:
            document = json.loads(self._note.read_text())
            note = Running(str(document["url"]), str(document["ca"]), int(document["pid"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        own = Path(note.ca).resolve() == self.ca.resolve()
        return note if own and note.pid > 1 else None
