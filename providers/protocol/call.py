"""What an operation of a resource may use besides its inputs, and the errors by which it says what is wrong.

Knows nothing of Pulumi's protocol; `base` hands these out and is where resource modules import them from.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from providers.api.transport.errors import ApiError
from providers.protocol.bags import Bag
from providers.protocol.findings import Finding
from providers.protocol.row import Row, log

if TYPE_CHECKING:
    from providers.api.session import Session


class DualWriteError(Exception):
    """The one line that reaches the user."""


# Shown as `DualWriteError: ...`, without a module path (R41).
DualWriteError.__module__ = "builtins"


class ResourceError(ApiError):
    """An operation cannot be done for a reason that no service call gave."""


class NotRead(Exception):
    """Raised by `on_read` when the live state cannot be seen now; the stored values stay, with one warning."""


def _session(cloud: str, *, gateway: str | None = None) -> Session:
    """The shared session. The clients are loaded by the first operation that asks a service; most previews ask none."""
    from providers.api.session import session

    return session(cloud, gateway=gateway)


@dataclass(frozen=True)
class Call:
    """What an operation may use besides its inputs: who it is for, its row, time and the service sessions.

    `private`: what the resource class passed beside its inputs; `PrivateInputs.of` reads it.
    """

    row: Row = field(default_factory=Row)
    title: str = ""
    session_for: Callable[..., Session] = _session
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    write: Callable[..., None] = log
    private: Bag = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """The ownership mark of this stack, `dual-write <project>/<stack>`."""
        return self.row.ownership_mark

    def session(self, cloud: str, *, gateway: str | None = None) -> Session:
        """The service clients of one cloud, shared by the whole process."""
        return self.session_for(cloud, gateway=gateway)

    def progress(self, text: str) -> None:
        """Show what is going on, on the resource's own row; the next line replaces it."""
        self.write(self.row, text, ephemeral=True)

    def announce(self, text: str, finding: Finding | None = None) -> None:
        """Say something that stays in the run's messages; what a check finds has a code."""
        self.write(self.row, self._line(text, finding), ephemeral=False)

    def warn(self, text: str, finding: Finding | None = None) -> None:
        """Say something that stays and is marked as a warning."""
        self.write(self.row, self._line(text, finding), ephemeral=False, warning=True)

    def _line(self, text: str, finding: Finding | None) -> str:
        """`DW-N01 CdsInstance 'contoso-uat': not checked: ...`."""
        line = f"{self.title}: {text}" if self.title else text
        return f"{finding.code} {line}" if finding else line

    def only_warning(self) -> Call:
        """The same call with nothing to say but warnings: the preview of the same `up` has told the rest."""

        def write(row: Row, text: str, *, ephemeral: bool, warning: bool = False) -> None:
            if warning:
                self.write(row, text, ephemeral=ephemeral, warning=True)

        return replace(self, write=write)
