"""Pages that are made from code: written by `python -m <module>`, compared with `--check`."""

import sys

from tools.workspace import ROOT


def main(place: str, text: str, module: str, arguments: list[str]) -> int:
    """Write the page to that place below the clone, or with `--check` say whether it is current; the exit code."""
    file = ROOT / place
    if arguments != ["--check"]:
        file.write_text(text, encoding="utf-8")
        return 0
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{place} is stale: run `python -m {module}`\n")
    return 1
