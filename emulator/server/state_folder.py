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

DEFAULT = Path(".dualwrite/emulator")
ALIVE_SECONDS = 5.0


class InUseError(Exception):
    """Another emulator lives on the folder; the text names it."""


class Running(NamedTuple):
    """A running emulator: URL of its one port, path of its CA certificate, process id."""

    url: str
    ca: str
    pid: int


class StateFolder:
    """Paths of everything that outlives a restart."""

    def __init__(self, path: Path) -> None:
        """`path` need not exist yet."""
        self.path = path.absolute()
        self.tenant = self.path / "tenant.sqlite"
        self.signing_key = self.path / "signing-key.pem"
        self.ca = self.path / "ca.pem"
        self.ca_key = self.path / "ca-key.pem"
        self._note = self.path / "emulator.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder and keep it for this process; InUseError when a live emulator has it."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "emulator.lock").open("a") as handle:
            try:
                # The kernel drops the lock with the process, also when that is killed.
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InUseError(
                    f"The state folder {self.path} is in use by a running emulator{self._who()}."
                ) from None
            yield

    def _who(self) -> str:
        note = self._read()
        return f" (process {note.pid}, {note.url})" if note else ""

    def announce(self, url: str) -> Running:
        """Write `emulator.json`: from now on others find this process."""
        running = Running(url, str(self.ca), os.getpid())
        draft = self._note.with_suffix(".new")
        draft.write_text(json.dumps(running._asdict()) + "\n")
        draft.replace(self._note)
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
        try:
            document = json.loads(self._note.read_text())
            return Running(document["url"], document["ca"], document["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
