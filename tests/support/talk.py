"""The row of a resource as what waits sees it: what it said, and a clock that only sleeping moves."""

from collections.abc import Callable
from dataclasses import dataclass, field

from providers.protocol.findings import Finding


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class FakeTalk:
    """The row of a resource: what it said, and its time."""

    time: FakeTime = field(default_factory=FakeTime)
    lines: list[str] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)

    @property
    def sleep(self) -> Callable[[float], None]:
        return self.time.sleep

    @property
    def clock(self) -> Callable[[], float]:
        return self.time.clock

    def progress(self, text: str) -> None:
        self.lines.append(text)

    def announce(self, text: str, finding: Finding | None = None) -> None:
        self.announced.append(f"{finding.code} {text}" if finding else text)
