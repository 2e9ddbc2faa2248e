"""Files of the state folder: for this user alone, whole or not there, and a broken one is named with its remedy."""

import os
from pathlib import Path


class BrokenFileError(Exception):
    """A file of the state folder is empty, cut or another one's; the text names it and what to do."""


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only this user can read. Whoever reads at the same time sees the old one or the new one."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(path)
