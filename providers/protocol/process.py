"""The provider process: it ends when its engine is gone, and its errors are one line.

An engine that was killed leaves its provider process behind, which would finish its work
side by side with the next run. Every create here is find-or-create and every wait can be
taken up again, so the process may simply stop, at any point.
"""

import logging
import os
import socket
import sys
import tempfile
import threading
import traceback
from pathlib import Path

from providers.api.transport.redaction import redact
from providers.protocol.row import engine_address

_WATCH_SECONDS = 1.0
_EXIT_CODE = 70
_WHOLE_TRACEBACK = 1000
_started = threading.Event()
_start_lock = threading.Lock()


def prepare() -> None:
    """Set up this provider process once: watch the engine, keep tracebacks out of its messages."""
    with _start_lock:
        if _started.is_set():
            return
        _started.set()
    # The server prints the traceback of whatever a provider raises; with a limit of 0 that is the message alone.
    sys.tracebacklimit = 0
    address = engine_address()
    if address:
        threading.Thread(target=_watch, args=(os.getppid(), address), name="engine-watch", daemon=True).start()


def engine_is_gone(parent: int, address: str) -> bool:
    """True when the process that started this one is not its parent any more, or the engine refuses connections."""
    if os.getppid() != parent:
        return True
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_WATCH_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def keep_traceback(title: str) -> Path | None:
    """Write the traceback of the error being handled, without secrets, to a log file that only the user can read.

    Returns its path, or None when no file can be written: the error itself matters more.
    """
    # The limit of this call alone: the one of the process must stay 0 while other threads print.
    text = redact(f"{title}\n{traceback.format_exc(limit=_WHOLE_TRACEBACK)}")
    try:
        folder = Path(os.environ.get("DUALWRITE_LOG_DIR") or tempfile.gettempdir())
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix="dualwrite-", suffix=".log", dir=folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return None
    return Path(name)


def _watch(parent: int, address: str) -> None:
    pause = threading.Event()
    while not pause.wait(_WATCH_SECONDS):
        if engine_is_gone(parent, address):
            logging.getLogger(__name__).debug("the engine is gone; this provider process ends")
            os._exit(_EXIT_CODE)
