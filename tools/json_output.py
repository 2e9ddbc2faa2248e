"""`--json` of reading commands: one object on standard output, with a version of its shape (docs/machines.md)."""

import json
import sys
from typing import Any

# Raised when a member changes its meaning or goes; new members do not raise it.
VERSION = 1


def write(command: str, **members: Any) -> None:
    """Print the object of a command."""
    document = {"version": VERSION, "command": command, **members}
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, sort_keys=False) + "\n")
