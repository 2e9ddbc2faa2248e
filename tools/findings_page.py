"""`docs/findings.md`, the codes of findings."""

from providers.protocol.findings import ALL

_HEAD = """# Findings

Texts of previews, refreshes and runs that a machine may have to understand begin with one of these codes. The code is a
contract: it never changes its meaning and is never used again. The sentence after it is for people and may change.

| code | meaning |
| --- | --- |
"""
_GROUPS = """
The letter says what follows from it: **C** refuses, and nothing is written; **I** cannot be undone; **P** a person has
to act; **N** was not checked; **W** is otherwise than declared; **E** could not be read.

This page is made from `providers/protocol/findings.py` by `python -m tools.generated`; `make check` compares it.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(f"| `{finding.code}` | {finding.meaning} |\n" for finding in sorted(ALL)) + _GROUPS
