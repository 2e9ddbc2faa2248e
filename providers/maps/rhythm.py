"""When to look at the maps next: close after something may have ended, wide while nothing can have. Pure.

How long the service takes is not documented, so a process learns it from its requests: nothing of a kind is expected
before most of the time has passed that the fastest one took so far. From then on, and for kinds that were not seen yet,
the wait grows with the age of the youngest request, so that an end is seen a tenth of its own time later at most.
"""

from collections.abc import Iterable
from typing import NamedTuple

# The part of the fastest duration in which nothing is expected, and the part of its age a request may wait unseen.
_QUIET, _LATE = 0.9, 0.1
# The shortest wait, as a part of the usual one.
_SHORTEST = 0.2


class Waited(NamedTuple):
    """A request under way: what kind it is of, and for how many seconds."""

    kind: str
    seconds: float


class Rhythm:
    """The waits of one run. `usual` and `longest`: seconds between two looks when nothing else is known.

    `fastest`: seconds by kind of request; runs that share it learn from each other.
    """

    def __init__(self, usual: float, longest: float, fastest: dict[str, float] | None = None) -> None:
        self._usual = usual
        self._longest = max(usual, longest)
        self._fastest = {} if fastest is None else fastest

    def ended(self, kind: str, seconds: float) -> None:
        """A request of this kind was seen to have ended after so many seconds."""
        self._fastest[kind] = min(seconds, self._fastest.get(kind, seconds))

    def wait(self, under_way: Iterable[Waited], *, only_syncs: bool = False) -> float:
        """Seconds until the next look; the usual ones when no request of this run is under way."""
        waits = [self._wait(each, self._longest if only_syncs else self._usual) for each in under_way]
        return min(waits, default=self._usual)

    def _wait(self, request: Waited, most: float) -> float:
        quiet = _QUIET * self._fastest.get(request.kind, 0.0) - request.seconds
        if quiet > 0:
            return min(max(quiet, _SHORTEST * self._usual), self._longest)
        return min(max(_LATE * request.seconds, _SHORTEST * self._usual), most)
