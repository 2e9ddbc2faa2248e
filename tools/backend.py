"""The backend that holds a stack's state: where its files lie, and whether it has a stack, asked without a write."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.exit_codes import NotRead
from tools.variables import BACKEND

# The CLI's own exit code, from v3.259.0 on.
_NO_SUCH_STACK = 6


def folder_of(address: str, base: Path) -> Path | None:
    """The folder of a file backend, whose relative form starts at `base`; None for any other backend."""
    parts = urlsplit(address)
    return (base / Path(unquote(parts.netloc + parts.path)).expanduser()).resolve() if parts.scheme == "file" else None


def has(stack: str, environment: Mapping[str, str], project: Path) -> bool:
    """Whether the backend has the stack of this project folder. NotRead carries what the CLI said instead."""
    if is_unused(environment[BACKEND], project):
        return False
    command = ["pulumi", "stack", "history", "--stack", stack, "--json", "--page-size", "1", "--non-interactive"]
    answer = subprocess.run(command, cwd=project, env=dict(environment), capture_output=True, text=True, check=False)
    if answer.returncode not in (0, _NO_SUCH_STACK):
        raise NotRead(answer.stderr.strip() or f"The backend does not say whether it has stack '{stack}'.")
    return answer.returncode == 0


def is_unused(address: str, project: Path) -> bool:
    """Whether it is a folder that no CLI has used yet. The first command would write its layout there."""
    folder = folder_of(address, project)
    return folder is not None and folder.is_dir() and not (folder / ".pulumi").exists()
