"""The exit codes of `python -m tools`: a contract with machines, described in docs/machines.md.

`make` turns every failure into 2, so pipelines call `.venv/bin/python -m tools` itself.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended. A number never changes its meaning."""

    DONE = 0
    OTHER = 1
    CHANGES = 2
    NOT_READ = 3
    REFUSED = 4
    PERSON = 5
    FAILED = 6


MEANINGS = {
    ExitCode.DONE: "done, or nothing to do",
    ExitCode.OTHER: "anything else: a wrong argument, a lock, a missing tool",
    ExitCode.CHANGES: "there are changes or drift; only where `--detailed-exit-code` asked for it",
    ExitCode.NOT_READ: "something could not be read, so nothing is known about the stack",
    ExitCode.REFUSED: "refused by a check, before anything was written",
    ExitCode.PERSON: "a person has to do something first; the steps are in the output",
    ExitCode.FAILED: "failed on the way; the next `up` continues",
}


class UserError(Exception):
    """Something the user can mend; the text is all that is shown."""

    code = ExitCode.OTHER


class NotRead(UserError):
    """The stack, its backend or a service could not be read."""

    code = ExitCode.NOT_READ


class Refused(UserError):
    """A check says no; nothing was written."""

    code = ExitCode.REFUSED
