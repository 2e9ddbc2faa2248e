"""One batch of a bootstrap from its first request to the fate of its last row. No pulumi.

No row is written twice, whatever gets lost: each update carries the version (ETag) of the row as it was read without
a company, so a second one, by this run or by what a killed run left behind at the service, is refused there. A lost
answer is looked up and only the rest is sent again. Tables without optimistic concurrency (all custom tables have it,
Microsoft, "Optimistic concurrency") lack that guard: they are written with `If-Match: *`, and before the first batch
and after a lost answer two readings some time apart have to agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from providers.api.dataverse.updates import Fate, RowUpdate, UpdateAnswer
from providers.api.transport.operations import SLICE, Clock, Sleep, pause
from providers.api.transport.retry import asked_wait, backoff
from providers.protocol.call import ResourceError
from providers.stamping.failures import FailedRow
from providers.stamping.tables import StampedTable

if TYPE_CHECKING:
    from providers.api.dataverse.client import Dataverse

T = TypeVar("T")
# How often the same row is sent when the service does not say what became of it.
TRIES = 3
# Conditions in one look-up: the URL stays far below any limit.
_LOOK_UP = 50
# Other people's rows come and go as well: readings of a busy table may never agree.
_READINGS = 10
ETAG = "@odata.etag"


class LackingRow(NamedTuple):
    """A row that still has to be stamped, with the version in which it was read."""

    row_id: str
    version: str
    tries: int = 0


Answered = tuple[LackingRow, UpdateAnswer]
# Fates that leave no doubt about the row.
_PLAIN = (Fate.DONE, Fate.FAILED, Fate.REFUSED)


@dataclass
class Stamped:
    """What became of a batch. `left`: rows that were not sent because the run is to stop; times are in seconds."""

    done: list[LackingRow] = field(default_factory=list)
    failed: list[FailedRow] = field(default_factory=list)
    left: list[LackingRow] = field(default_factory=list)
    longest: float = 0.0
    lost: bool = False


@dataclass(frozen=True)
class BatchWriter:
    """Sends the batches of one table; safe to share between threads.

    `stopping` ends waits: what is not sent yet is left. `settle` is the time in seconds between two readings of a
    table without versions.
    """

    dataverse: Dataverse
    table: StampedTable
    clock: Clock
    sleep: Sleep
    stopping: Callable[[], bool]
    settle: float
    random: Random

    def stamp(self, rows: Sequence[LackingRow]) -> Stamped:
        """Write the company on these rows. Raises an `ApiError` only for what ends the whole run."""
        result = Stamped(left=list(rows))
        refusals = 0
        while result.left and self._admitted():
            answered = list(zip(result.left, self._send(result.left, result), strict=True))
            refused = _with(answered, Fate.REFUSED)
            refusals = refusals + 1 if refused else 0
            if refused:
                self._hold([answer for _, answer in refused], refusals)
            result.left = [*(row for row, _ in refused), *self._sorted(answered, result)]
        return result

    def _hold(self, refused: Sequence[UpdateAnswer], refusals: int) -> None:
        """Wait as long as the service asks, or longer with each refusal in a row."""
        asked = [answer.wait for answer in refused if answer.wait is not None]
        self.dataverse.limits.hold(asked_wait(max(asked), refusals) if asked else backoff(refusals, self.random))

    def _admitted(self) -> bool:
        while not self.stopping():
            wait = self.dataverse.limits.admit()
            if wait <= 0:
                return True
            pause(min(wait, SLICE), sleep=self.sleep)
        return False

    def _send(self, rows: Sequence[LackingRow], result: Stamped) -> list[UpdateAnswer]:
        begun = self.clock()
        updates = [
            RowUpdate(row.row_id, self.table.stamp, row.version if self.table.versioned and row.version else "*")
            for row in rows
        ]
        answers = self.dataverse.update_rows(self.table.set_name, updates)
        took = self.clock() - begun
        self.dataverse.limits.ended(took)
        result.longest = max(result.longest, took)
        return answers

    def _sorted(self, answered: Sequence[Answered], result: Stamped) -> list[LackingRow]:
        """Sort the answers into the result; rows whose fate is in doubt are read. Returns what is to be sent again."""
        result.done += [row for row, _ in _with(answered, Fate.DONE)]
        result.failed += [FailedRow(row.row_id, answer.error) for row, answer in _with(answered, Fate.FAILED)]
        doubtful = [each for each in answered if each[1].fate not in _PLAIN]
        return self._read_again(doubtful, result) if doubtful else []

    def _read_again(self, doubtful: Sequence[Answered], result: Stamped) -> list[LackingRow]:
        """Find out what became of rows by reading them; those that are to be sent again."""
        lost = any(answer.fate is Fate.UNCLEAR for _, answer in doubtful)
        result.lost = result.lost or lost
        versions = self._still_lacking([row.row_id for row, _ in doubtful], settled=lost and not self.table.versioned)
        again = []
        for row, answer in doubtful:
            version = versions.get(row.row_id)
            if version is None:
                result.done.append(row)
            elif _is_final(row, answer, version):
                result.failed.append(FailedRow(row.row_id, answer.error))
            else:
                again.append(row._replace(version=version, tries=row.tries + 1))
        return again

    def _still_lacking(self, row_ids: Sequence[str], *, settled: bool) -> dict[str, str]:
        """Those of the rows that have no company now, with their versions."""

        def read() -> dict[str, str]:
            found: dict[str, str] = {}
            for start in range(0, len(row_ids), _LOOK_UP):
                condition = self.table.among(row_ids[start : start + _LOOK_UP])
                found |= versions(self.table, self.dataverse, condition)
            return found

        return agreed(read, self.settle, self.sleep) if settled else read()


def _with(answered: Sequence[Answered], fate: Fate) -> list[Answered]:
    return [each for each in answered if each[1].fate is fate]


def _is_final(row: LackingRow, answer: UpdateAnswer, version: str) -> bool:
    """Whether a row that still lacks the company is not sent again: it was refused as it stands, or too often."""
    refused = answer.fate is Fate.MISMATCH and version == row.version
    return refused or row.tries + 1 >= TRIES


def versions(table: StampedTable, dataverse: Dataverse, condition: str) -> dict[str, str]:
    """Row id to ETag of the rows under a condition; for conditions that few rows meet."""
    rows = dataverse.rows(table.set_name, filter=condition, select=table.ids)
    return {row.row_id: row.version for row in (lacking_row(table, each) for each in rows)}


def lacking_row(table: StampedTable, row: dict[str, object]) -> LackingRow:
    """A row of an answer. Raises when the service sent it without its id."""
    row_id, version = row.get(table.primary_id), row.get(ETAG)
    if not isinstance(row_id, str):
        raise ResourceError(f"Dataverse sent a row of {table.set_name} without {table.primary_id}")
    return LackingRow(row_id, version if isinstance(version, str) else "")


def agreed(read: Callable[[], T], seconds: float, sleep: Sleep) -> T:
    """Read until two readings that far apart are the same: what was still running there has ended."""
    seen = read()
    for _ in range(_READINGS):
        pause(seconds, sleep=sleep)
        now = read()
        if now == seen:
            break
        seen = now
    return seen
