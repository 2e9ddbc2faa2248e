"""A whole bootstrap: tables in order, pages streamed, batches in parallel, progress, failures, counts. No pulumi.

A table is read again and again until a pass finds no row that is new; a row that failed is skipped for the rest of
the run (dual-write-semantics.md 6.2, without its traps). Memory does not grow with the number of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from providers.api.transport.errors import OperationTimedOut
from providers.api.transport.operations import Clock, duration
from providers.protocol.call import ResourceError
from providers.protocol.durations import spoken
from providers.protocol.waiting import Talk
from providers.stamping.batch import BatchWriter, LackingRow, Stamped, agreed, lacking_row
from providers.stamping.failures import NEXT_RUN, FailedRow, Failures
from providers.stamping.tables import StampedTable

if TYPE_CHECKING:
    from providers.api.dataverse.client import Dataverse

# Small batches with parallelism beat big ones; 52 requests at once are the limit (semantics 12.2).
WORKERS = 8
BATCH, SMALLEST_BATCH = 100, 10
# A batch that takes longer than this is cut in half: its answer must not get lost to a time-out.
_SLOW_SECONDS = 30.0
_PROGRESS_SECONDS = 3.0
_MOST_PASSES = 30
# The first rows of a table are recognised should they come back without the company.
_REMEMBERED = 5000


@dataclass(frozen=True)
class RunSettings:
    """How to work: `seconds` until the deadline, `settle` seconds between two readings of an unversioned table."""

    seconds: float
    max_failures: int
    settle: float
    workers: int = WORKERS
    random: Random = field(default_factory=Random)


@dataclass
class Counts:
    """Per table: rows in scope that carry the company (or would), and rows in scope that lack it now."""

    rows: dict[str, int] = field(default_factory=dict)
    unstamped: dict[str, int] = field(default_factory=dict)


class Ending:
    """Whether the run is to stop: the deadline has passed, or there is no sense in going on."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self._halted = False

    def halt(self) -> None:
        """What is under way is finished, nothing new begins."""
        self._halted = True

    def __call__(self) -> bool:
        """Whether nothing new may begin."""
        return self._halted or self._clock() >= self._end


def simulate(dataverse: Dataverse, tables: Sequence[StampedTable], talk: Talk) -> Counts:
    """Count what a run would stamp; writes nothing."""
    counts = Counts()
    for table in tables:
        found = dataverse.count(table.set_name, table.lacking, select=table.ids)
        counts.rows[table.set_name] = counts.unstamped[table.set_name] = found
        talk.progress(f"{table.set_name}: {found:,} rows would be stamped")
    return counts


def stamp_tables(
    dataverse: Dataverse, tables: Sequence[StampedTable], settings: RunSettings, talk: Talk, executor: Executor
) -> Counts:
    """Stamp all rows in scope, as far as it can be done. Raises with what failed once all else is done.

    `executor` runs `settings.workers` batches at a time.
    """
    ending = Ending(talk.clock, settings.seconds)
    failures = Failures(settings.max_failures)
    runs: list[TableRun] = []
    try:
        for table in tables:
            if ending():
                break
            writer = BatchWriter(dataverse, table, talk.clock, talk.sleep, ending, settings.settle, settings.random)
            runs.append(TableRun(writer, executor, settings.workers, failures, talk, ending))
            runs[-1].stamp_all()
    finally:
        _announce(failures, talk)
    _require_all(tables, runs, failures, settings.seconds)
    return Counts(
        rows={table.set_name: dataverse.count(table.set_name, table.carrying, select=table.ids) for table in tables},
        unstamped={run.table.set_name: run.lacking for run in runs},
    )


def _require_all(tables: Sequence[StampedTable], runs: Sequence[TableRun], failures: Failures, seconds: float) -> None:
    """Raise with what failed, or else with what was not reached within so many seconds."""
    failed = failures.error(sum(run.total for run in runs))
    complete = len(runs) == len(tables) and all(run.complete for run in runs)
    if failed is not None and (complete or failures.too_many):
        raise failed
    if not complete:
        raise _timed_out(seconds, tables, runs)


class TableRun:
    """The passes over one table. `total`: rows found that lacked the company; `done`: those that lack it no more."""

    def __init__(
        self, writer: BatchWriter, executor: Executor, workers: int, failures: Failures, talk: Talk, ending: Ending
    ) -> None:
        self.table = writer.table
        self.total = self.done = self.lacking = 0
        self.complete = False
        self._writer = writer
        self._executor = executor
        self._places = workers
        self._failures = failures
        self._talk = talk
        self._ending = ending
        self._size = BATCH
        self._failed = 0
        self._running: set[Future[Stamped]] = set()
        self._remembered: dict[str, str] = {}
        self._begun = self._reported = talk.clock()

    def stamp_all(self) -> None:
        """Pass after pass until one finds nothing new, or the run is to stop."""
        if not self.table.versioned:
            agreed(self._first_page, self._writer.settle, self._talk.sleep)
        for number in range(_MOST_PASSES):
            found = self._pass(first=number == 0)
            self.complete = not found and not self._ending()
            if self.complete or self._ending():
                self._report(f"{self.done:,} rows stamped" + self._failed_part())
                return
        raise ResourceError(
            f"rows of {self.table.set_name} keep appearing without the company",
            next_step=f"Find out which workflow, plug-in or import writes them, then {NEXT_RUN}",
        )

    def _pass(self, *, first: bool) -> int:
        """Read all pages, send what is new; returns how many rows that were."""
        try:
            sent, lacking = self._send_pages(first=first)
            self._collect(running=0)
        except BaseException:
            # Batches under way are finished, so that nothing of this run is left behind at the service.
            self._ending.halt()
            wait(self._running)
            raise
        self.lacking = lacking
        return sent

    def _send_pages(self, *, first: bool) -> tuple[int, int]:
        """How many rows were sent, and how many were read."""
        sent = lacking = 0
        for page in self._writer.dataverse.pages(self.table.set_name, filter=self.table.lacking, select=self.table.ids):
            lacking += len(page.rows)
            if first and not self.total:
                self.total = lacking if page.last else self._counted()
            rows = self._new(page.rows)
            sent += len(rows)
            self._send(rows)
            if self._ending():
                break
        return sent, lacking

    def _counted(self) -> int:
        self._report("counting the rows")
        return self._writer.dataverse.count(self.table.set_name, self.table.lacking, select=self.table.ids)

    def _first_page(self) -> set[str]:
        pages = self._writer.dataverse.pages(self.table.set_name, filter=self.table.lacking, select=self.table.ids)
        return {lacking_row(self.table, row).row_id for page in (next(pages),) for row in page.rows}

    def _new(self, rows: Iterable[dict[str, Any]]) -> list[LackingRow]:
        """The rows that are worth sending: neither failed before, nor an old reading, nor come back without company."""
        new = []
        for row in (lacking_row(self.table, each) for each in rows):
            stamped = self._remembered.get(row.row_id)
            if row.row_id in self._failures.ids:
                continue
            if stamped is None:
                new.append(row)
            elif stamped != row.version:
                self._fail([FailedRow(row.row_id, _lost_again())])
        return new

    def _send(self, rows: Sequence[LackingRow]) -> None:
        start = 0
        while start < len(rows) and not self._ending():
            batch = rows[start : start + self._size]
            start += len(batch)
            self._running.add(self._executor.submit(self._writer.stamp, batch))
            # As many again are kept ready, so that no thread waits for this one.
            self._collect(running=2 * self._places - 1)

    def _collect(self, *, running: int) -> None:
        """Take the results of what has ended until no more than that many batches are under way."""
        ended = {batch for batch in self._running if batch.done()}
        while ended or len(self._running) > running:
            self._take_all(ended)
            waits = len(self._running) > running
            ended = wait(self._running, timeout=1.0, return_when=FIRST_COMPLETED).done if waits else set()

    def _take_all(self, ended: set[Future[Stamped]]) -> None:
        self._running -= ended
        for batch in ended:
            self._take(batch.result())
        if self._talk.clock() - self._reported >= _PROGRESS_SECONDS:
            self._report(self._progress())

    def _take(self, result: Stamped) -> None:
        self.done += len(result.done)
        for row in result.done[: _REMEMBERED - len(self._remembered)]:
            self._remembered[row.row_id] = row.version
        self._fail(result.failed)
        if result.lost or result.longest > _SLOW_SECONDS:
            self._size = max(SMALLEST_BATCH, self._size // 2)

    def _fail(self, rows: Sequence[FailedRow]) -> None:
        self._failed += len(rows)
        self._failures.add(self.table.set_name, rows)
        if self._failures.too_many:
            self._ending.halt()

    def _progress(self) -> str:
        self.total = max(self.total, self.done + self._failed)
        text = f"{self.done:,} of {self.total:,} rows" + self._failed_part()
        pause = self._writer.dataverse.limits.held
        if pause > 0:
            return f"{text}, the service asks for a pause of {spoken(pause)}"
        if not self.done:
            return text
        left = (self._talk.clock() - self._begun) * (self.total - self.done - self._failed) / self.done
        return f"{text}, about {spoken(left)} left"

    def _failed_part(self) -> str:
        return f", {self._failed:,} failed" if self._failed else ""

    def _report(self, text: str) -> None:
        self._reported = self._talk.clock()
        self._talk.progress(f"{self.table.set_name}: {text}")


def _lost_again() -> ResourceError:
    return ResourceError(
        "the row took the company and lacks it again",
        next_step="Find out which workflow or plug-in takes it away",
    )


def _announce(failures: Failures, talk: Talk) -> None:
    for line in failures.lines():
        talk.announce(line)


def _timed_out(seconds: float, tables: Sequence[StampedTable], runs: Sequence[TableRun]) -> OperationTimedOut:
    reached = [f"{run.table.set_name} {run.done:,} of {run.total:,} rows" for run in runs]
    waiting = [table.set_name for table in tables[len(runs) :]]
    status = "; ".join([", ".join(reached), *([f"not begun: {', '.join(waiting)}"] if waiting else [])])
    return OperationTimedOut(
        f"the bootstrap did not finish within {duration(seconds)}: {status}",
        last_status=status,
        next_step=f"{NEXT_RUN[0].upper()}{NEXT_RUN[1:]}",
    )
