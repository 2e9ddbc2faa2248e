"""Waiting inside one operation: one deadline for all its long steps, one progress line a poll.

The line names the step, what the service says, how long it has taken and how long it takes
by the documents, so that a reader of the row knows whether to wait or to look.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from providers.api.transport.errors import OperationTimedOut
from providers.api.transport.operations import PASSING, Outcome, wait
from providers.protocol.durations import spoken
from providers.protocol.findings import Finding

T = TypeVar("T")


class Talk(Protocol):
    """What waiting needs of a `Call`: time, and the resource's own row."""

    @property
    def sleep(self) -> Callable[[float], None]:
        """Seconds pass."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds of a clock that never goes back."""
        ...

    def progress(self, text: str) -> None:
        """A line that the next one replaces."""

    def announce(self, text: str, finding: Finding | None = None) -> None:
        """A line that stays."""


class Waiting:
    """The time one operation may take altogether; its long steps share it."""

    def __init__(self, talk: Talk, seconds: float) -> None:
        self._talk = talk
        self._end = talk.clock() + seconds
        self._announced: set[str] = set()

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; never negative."""
        return max(0.0, self._end - self._talk.clock())

    def announce(self, text: str, finding: Finding | None = None) -> None:
        """Say something that stays in the run's messages; once, however many polls come to the same."""
        if text not in self._announced:
            self._announced.add(text)
            self._talk.announce(text, finding)

    def until(
        self,
        poll: Callable[[], Outcome[T]],
        *,
        what: str,
        interval: float,
        usually: str = "",
        at_most: float | None = None,
        late: Callable[[OperationTimedOut], OperationTimedOut] | str = "",
    ) -> T:
        """Poll every `interval` seconds until done, at most `at_most` seconds or to the deadline.

        `usually` is the documented duration for the progress line (`about 1 h`). Raises
        `OperationTimedOut` and whatever `poll` raises; `late` is the next step that it names then, or makes the error
        that says what is still missing.
        """
        try:
            return self._polled(poll, what, interval, usually, at_most)
        except OperationTimedOut as error:
            if callable(late):
                raise late(error) from error
            error.next_step = late or error.next_step
            raise

    def _polled(
        self, poll: Callable[[], Outcome[T]], what: str, interval: float, usually: str, at_most: float | None
    ) -> T:
        begun = self._talk.clock()

        def step() -> Outcome[T]:
            try:
                outcome = poll()
            except PASSING as error:
                show(f"not readable at the moment: {error.reason}")
                raise
            if not outcome.finished:
                show(outcome.status)
            return outcome

        shown: list[str] = []

        def show(status: str) -> None:
            line = progress_line(what, status, self._talk.clock() - begun, usually)
            if line not in shown[-1:]:
                shown.append(line)
                self._talk.progress(line)

        value = wait(
            step,
            what=what,
            deadline=self.remaining if at_most is None else min(at_most, self.remaining),
            interval=interval,
            clock=self._talk.clock,
            sleep=self._talk.sleep,
            progress=_shown_already,
        )
        if shown:
            # The row keeps its last line: it must not say that something is still going on.
            self._talk.progress(progress_line(what, "done", self._talk.clock() - begun))
        return value


def _shown_already(_text: str) -> None:
    """`until` writes a line a poll itself, with the time it has taken."""


def progress_line(what: str, status: str, elapsed: float, usually: str = "") -> str:
    """`Provisioning App: Installing, 12 min (usually about 1 h)`."""
    state = f"{what}: {status}" if status else what
    return f"{state}, {spoken(elapsed)}" + (f" (usually {usually})" if usually else "")
