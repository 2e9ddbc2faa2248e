"""Initial syncs: what the service reports about a map's newest run, and when a failed one is worth another try.

dual-write-management-api.md E15 and 7.7: a run has one execution a company. A failed run leaves its map not running.
It is run again when lookups within its own table were not found, which shrinks from run to run, and is given up
when it does not shrink. No pulumi.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from providers.api.dual_write.actions import ActionDetail, Master
from providers.api.transport.errors import NotFound
from providers.api.transport.operations import PASSING
from providers.documented_errors.recognition import explained
from providers.maps.model import Counts
from providers.maps.plan import MapFailure, error_code
from providers.maps.table_refresh import refresh_tables
from providers.protocol.words import amount

if TYPE_CHECKING:
    from providers.api.dual_write.client import DualWriteManagement
    from providers.api.dual_write.models import EntityMapStatus
    from providers.api.dual_write.projects import Execution

MASTERS: Mapping[str, Master] = {"finops": Master.FINANCE_OPERATIONS, "cds": Master.DATAVERSE}
# Readings of a report that shows no new run yet, or does not answer, before the map counts without one.
_REPORT_TRIES = 5
_REASONS = 3
_NOT_FOUND = re.compile(r"\blookup (?:value )?was not found", re.IGNORECASE)


class SyncRun(NamedTuple):
    """One initial sync of a map: all executions that share its id, one a company."""

    run_id: str
    executions: tuple[Execution, ...]

    @property
    def under_way(self) -> bool:
        """Whether it has not ended for every company."""
        return any(each.under_way for each in self.executions)

    @property
    def clean(self) -> bool:
        """Whether it ended for every company, without a row in error."""
        return not self.under_way and not any(each.failed for each in self.executions)

    @property
    def errors(self) -> dict[str, int]:
        """Rows in error by company; companies without one are left out."""
        return {each.company: each.errors for each in self.executions if each.errors}

    @property
    def counts(self) -> Counts:
        """Company to `upserts` and `errors`, in alphabetical order."""
        ordered = sorted(self.executions, key=lambda each: each.company)
        return {each.company: {"upserts": each.upserts, "errors": each.errors} for each in ordered}

    def refers_to_itself(self, table: str) -> bool:
        """Whether an error says that a row of the same table was not found (7.7): a later run finds more of them."""
        named = re.compile(rf"(?<!\w){re.escape(table)}(?!\w)", re.IGNORECASE)
        reasons = (reason for each in self.executions for reason in each.reasons)
        return any(_NOT_FOUND.search(reason) and named.search(reason) for reason in reasons)

    def failure(self, name: str, correlation_id: str | None) -> MapFailure:
        """Why the map did not get through: the first company in full, with up to three different reasons."""
        worst = [each for each in self.executions if each.errors]
        first, *others = worst
        reasons = list(dict.fromkeys(first.reasons))[:_REASONS] or ["the service gave no reason"]
        also = f"; errors in {', '.join(each.company for each in others)} as well" if others else ""
        errors = amount(first.errors, "error")
        text = f"initial sync failed for {first.company} with {errors}: {'; '.join(reasons)}{also}"
        known = explained(reasons[0])
        if known is None:
            return MapFailure(name, text, error_code(reasons[0]), correlation_id, "")
        return MapFailure(name, text, known.code, correlation_id, known.next_step)


def newest_run(executions: Iterable[Execution]) -> SyncRun | None:
    """The newest of a map's runs; None when there was none. The service lists them newest first (E15)."""
    listed = list(executions)
    if not listed:
        return None
    run_id = listed[0].initial_sync_request_id or listed[0].id
    return SyncRun(run_id, tuple(each for each in listed if (each.initial_sync_request_id or each.id) == run_id))


def report_line(name: str, counts: Counts) -> str:
    """`initial sync of 'X': USMF 31 rows`; companies without a row are left out."""
    return f"initial sync of '{name}': {_by_company(counts)}"


def total_line(synced: Mapping[str, Counts]) -> str:
    """`initial sync of 50 maps: DAT 19 rows, USMF 64 rows`: the messages that stay; a single map keeps its name."""
    if len(synced) == 1:
        return report_line(*next(iter(synced.items())))
    total: Counts = {}
    for counts in synced.values():
        for company, moved in counts.items():
            sums = total.setdefault(company, {"upserts": 0, "errors": 0})
            for kind, count in moved.items():
                sums[kind] += count
    return f"initial sync of {len(synced)} maps: {_by_company(dict(sorted(total.items())))}"


def _by_company(counts: Counts) -> str:
    parts = [
        f"{company} {amount(moved['upserts'], 'row')}"
        + (f" and {moved['errors']:,} in error" if moved["errors"] else "")
        for company, moved in counts.items()
        if any(moved.values())
    ]
    return ", ".join(parts) or "no rows"


class Judgement(NamedTuple):
    """What follows from a failed initial sync: run it `again` at once, or give the map up with `failure`.

    Neither: no row was copied at all, which is an ordinary start that failed.
    """

    again: bool = False
    failure: MapFailure | None = None


@dataclass
class InitialSyncs:
    """The initial syncs one run has to do: map to the side that wins, less those that are through.

    `before`: map to its newest run that is known to have ended. `counts`: what the finished ones moved, `runs`: map to
    the run that did; empty where the service showed none.
    """

    service: DualWriteManagement
    masters: dict[str, Master] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    announce: Callable[[str], None] = lambda _text: None
    progress: Callable[[str], None] = lambda _text: None
    counts: dict[str, Counts] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    _prepared: set[str] = field(default_factory=set)
    _readings: dict[str, int] = field(default_factory=dict)
    _errors: dict[str, dict[str, int]] = field(default_factory=dict)

    def waits(self, name: str) -> bool:
        """Whether the map still has to go through an initial sync."""
        return name in self.masters

    def start_detail(self, status: EntityMapStatus) -> ActionDetail:
        """What E3 is told about a map that starts: with initial sync when it still needs one, after a table refresh."""
        name, tid, pid = status.name, status.detail.tid, status.detail.pid
        if name not in self.masters:
            return ActionDetail(tid=tid, pid=pid, skip_initial_sync=True)
        if name not in self._prepared:
            self._prepared.add(name)
            refresh_tables(self.service, status, self.progress)
        return ActionDetail(tid=tid, pid=pid, skip_initial_sync=False, master=self.masters[name])

    def finish(self, status: EntityMapStatus) -> bool:
        """The map runs: read what its initial sync moved, and show it. False while the report is not there yet."""
        name, run = status.name, self._new_run(status)
        self._readings[name] = self._readings.get(name, 0) + 1
        if run is None and self._readings[name] < _REPORT_TRIES:
            return False
        del self.masters[name]
        self.counts[name], self.runs[name] = (run.counts, run.run_id) if run else ({}, "")
        if any(any(moved.values()) for moved in self.counts[name].values()):
            self.progress(report_line(name, self.counts[name]))
        return True

    def judge(self, status: EntityMapStatus, correlation_id: str | None) -> Judgement:
        """The map's initial sync failed: whether to run it again, by what the report says."""
        name, run = status.name, self._new_run(status)
        if run is None or not run.errors:
            return Judgement()
        errors, last = run.errors, self._errors.get(name)
        self._errors[name], self.before[name] = errors, run.run_id
        shrinks = last is None or any(errors.get(company, 0) < count for company, count in last.items())
        if shrinks and run.refers_to_itself(status.right_entity.name):
            self.announce(f"{report_line(name, run.counts)}; rows refer to each other, so it runs again")
            return Judgement(again=True)
        return Judgement(failure=run.failure(name, correlation_id))

    def _new_run(self, status: EntityMapStatus) -> SyncRun | None:
        """The run that this one started or followed; None when the service shows none yet, or cannot tell."""
        try:
            run = newest_run(self.service.executions(status.detail.pid)) if status.detail.pid else None
        except (*PASSING, NotFound) as error:
            self.progress(f"the initial sync of '{status.name}' is not readable at the moment: {error.reason}")
            return None
        return None if run is None or run.run_id == self.before.get(status.name) else run
