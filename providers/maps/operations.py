"""Bringing many entity maps to their run states at once: bulk requests, one list call a poll. No pulumi.

Every poll reads all maps once (E2), which also carries the outcome of each request; then all
maps that can take the same action get it in one request (E3), maps with prerequisites as soon
as those run (E5). A start runs the map's initial sync where one is due. A map that fails is
tried once more by itself, a start after its tables were refreshed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from providers.api.dual_write.actions import ActionDetail, MapAction
from providers.api.transport.errors import ApiError, UnexpectedAnswer
from providers.api.transport.operations import PASSING, pause
from providers.maps.initial_sync import InitialSyncs
from providers.maps.order import StartOrder
from providers.maps.plan import MapFailure
from providers.maps.requests import MapRequests
from providers.maps.rhythm import Rhythm
from providers.maps.table_refresh import refresh_tables
from providers.maps.work import MapWork
from providers.protocol.durations import spoken
from providers.protocol.words import noun, others_named

if TYPE_CHECKING:
    from providers.api.dual_write.client import DualWriteManagement
    from providers.api.dual_write.models import EntityMapStatus

# Readings without any map that are taken for a busy service.
_EMPTY_LISTS = 10
_STARTS_LAST = (MapAction.PAUSE, MapAction.STOP)


class Pace(NamedTuple):
    """Seconds: usually between two polls, at most, and to the deadline; and whose clock."""

    interval: float
    sync_interval: float
    seconds: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass
class Report:
    """What a run did and left undone.

    `started`: maps that it took out of not running; `extras`: those that only E5 asked for.
    """

    statuses: dict[str, EntityMapStatus] = field(default_factory=dict)
    failures: list[MapFailure] = field(default_factory=list)
    started: set[str] = field(default_factory=set)
    extras: set[str] = field(default_factory=set)
    not_installed: list[str] = field(default_factory=list)


class MapOperations:
    """All maps of one link, for one `bring_to`.

    `skipped_queues`: map to whether its queue is kept as errors or discarded at a resume; others are played back.
    """

    def __init__(
        self,
        service: DualWriteManagement,
        cid: str,
        *,
        pace: Pace,
        progress: Callable[[str], None],
        syncs: InitialSyncs | None = None,
        skipped_queues: Mapping[str, bool] | None = None,
    ) -> None:
        self._service = service
        self._cid = cid
        self._pace = pace
        self._begun = pace.clock()
        self._end = self._begun + pace.seconds
        self._progress = progress
        self._syncs = syncs or InitialSyncs(service)
        self._skipped_queues = skipped_queues or {}
        self._rhythm = Rhythm(pace.interval, pace.sync_interval, service.fastest)
        self._requests = MapRequests(service, cid, clock=pace.clock, rhythm=self._rhythm, progress=progress)
        self._work: dict[str, MapWork] = {}
        self._order = StartOrder()
        self._asks_for_order = self._alone = False
        self._followed = False
        self._empty_lists = 0
        self._report = Report()

    def bring_to(
        self,
        wanted: Mapping[str, str],
        avoid: Collection[str] = (),
        *,
        find_extras: bool = False,
        alone: bool = False,
    ) -> Report:
        """Bring each named map to `running`, `paused`, `stopped` or `initialised`; those not installed are listed.

        Maps in `avoid` are not started even when the service asks for them first: the stack has dropped them. With
        `find_extras` the service is asked for the others it wants first even when no map has to start; `alone`: never.

        Does all that can be done and returns what failed. Raises what concerns no single map.
        """
        self._work = {name: MapWork(name, state) for name, state in wanted.items()}
        self._order = StartOrder(avoid)
        self._asks_for_order, self._alone = find_extras, alone
        while not self._is_over():
            requests = self._requests
            wait = self._rhythm.wait(requests.under_way(self._pace.clock()), only_syncs=requests.only_syncs)
            pause(wait, sleep=self._pace.sleep)
        self._tell()
        report = self._report
        report.not_installed = sorted(name for name in wanted if name not in report.statuses)
        report.failures = [work.failure for _, work in sorted(self._work.items()) if work.failure]
        return report

    def _is_over(self) -> bool:
        """Read all maps once and do what follows from it; whether nothing is left to do, or no time."""
        if not self._read():
            return False
        self._settle()
        self._finish_syncs()
        groups = self._groups()
        if not groups and not self._is_waiting():
            return True
        for action, chosen in groups.items():
            self._send(action, chosen)
        if self._pace.clock() >= self._end:
            self._time_out()
            return True
        self._tell()
        return False

    def _read(self) -> bool:
        """Read all maps, and their order once a map has to start; False while the service cannot tell."""
        try:
            self._take_over(self._listed())
            if not (self._order.known or self._alone) and (self._asks_for_order or self._some_have_to_start()):
                self._ask_for_order()
        except PASSING as error:
            if self._pace.clock() >= self._end:
                raise
            self._progress(f"the maps are not readable at the moment: {error.reason}")
            return False
        self._follow_earlier_requests()
        return True

    def _listed(self) -> list[EntityMapStatus]:
        """All maps. Callers saw those that they name: an empty list means a busy service (2.4), many a reset link."""
        # What the caller has just read will do for the start.
        listed = self._service.maps(self._cid, fresh=bool(self._report.statuses))
        if listed or not self._work:
            self._empty_lists = 0
            return listed
        self._empty_lists += 1
        if self._empty_lists <= _EMPTY_LISTS:
            raise UnexpectedAnswer("the service lists no maps")
        raise ApiError(
            "the dual-write service lists no entity maps any more",
            next_step="Find out who reset the link, then run `up` again; it continues.",
        )

    def _take_over(self, listed: Iterable[EntityMapStatus]) -> None:
        self._report.statuses = {status.name: status for status in listed}
        for name, work in self._work.items():
            work.status = self._report.statuses.get(name)

    def _ask_for_order(self) -> None:
        """Ask for the order once, for all maps; maps that only the service asks for join in (E5)."""
        statuses = self._report.statuses
        asked = [work.name for work in self._installed() if work.wanted not in ("stopped", "initialised")]
        extras = self._order.ask(self._service, self._cid, asked, statuses) - self._work.keys()
        self._report.extras |= extras
        self._work |= {name: MapWork(name, "running", statuses[name]) for name in sorted(extras)}

    def _follow_earlier_requests(self) -> None:
        """Take up what a killed run asked for, at the first reading that succeeds."""
        if self._followed:
            return
        self._followed = True
        for work in self._installed():
            if work.status and not work.as_declared:
                self._requests.take_up(work.status, sync=self._syncs.waits(work.name))

    def _installed(self) -> list[MapWork]:
        return [work for work in self._work.values() if work.status]

    def _some_have_to_start(self) -> bool:
        return any(work.step in (MapAction.INITIALISE, MapAction.START) for work in self._work.values())

    def _settle(self) -> None:
        """Take over how pending requests ended."""
        for ended in self._requests.settle(self._report.statuses):
            if ended.failure is None:
                if ended.action == MapAction.START:
                    self._report.started.add(ended.name)
            elif ended.sync:
                self._sync_failed(ended.name, ended.failure)
            else:
                self._fail(ended.failure, ended.action)

    def _finish_syncs(self) -> None:
        """Take over the initial syncs whose maps run now."""
        for work in self._installed():
            through = self._syncs.waits(work.name) and self._is_through(work)
            if work.status and through and self._syncs.finish(work.status):
                self._report.started.add(work.name)

    def _is_through(self, work: MapWork) -> bool:
        return work.is_running and work.name not in self._requests.pending

    def _sync_failed(self, name: str, failure: MapFailure) -> None:
        judgement = self._syncs.judge(self._report.statuses[name], failure.correlation_id)
        if judgement.failure is not None:
            self._work[name].failure = judgement.failure
        elif not judgement.again:
            self._fail(failure, MapAction.START)

    def _groups(self) -> dict[MapAction, list[MapWork]]:
        """What is to be sent now: action to maps."""
        groups = self._by_action()
        starts = self._startable(groups.pop(MapAction.START, []))
        if starts or self._requests.starting:
            # Dependents are started while what they need still runs.
            groups = {action: chosen for action, chosen in groups.items() if action not in _STARTS_LAST}
        if MapAction.INITIALISE in groups:
            groups[MapAction.INITIALISE].sort(key=lambda work: self._order.rank(work.name))
        return {**groups, MapAction.START: starts} if starts else groups

    def _is_free(self, work: MapWork) -> bool:
        """Whether a map may be asked for something: no request is under way, no report of its initial sync awaited."""
        if work.name in self._requests.pending or work.failure:
            return False
        return not (self._syncs.waits(work.name) and self._is_through(work))

    def _startable(self, waiting: list[MapWork]) -> list[MapWork]:
        """The maps whose prerequisites run. One that needs a failed map fails with it."""
        self._give_up_dependents(waiting)
        names = [work.name for work in waiting if not work.failure]
        running = [work.name for work in self._work.values() if work.runs]
        return [self._work[name] for name in self._order.ready(names, running, busy=self._is_busy())]

    def _give_up_dependents(self, waiting: Iterable[MapWork]) -> None:
        failed = {work.name for work in self._work.values() if work.failure}
        for work in waiting:
            broken = sorted(self._order.needs(work.name) & failed)
            if broken:
                failed.add(work.name)
                text = f"not started: it needs '{broken[0]}', which failed"
                work.failure = MapFailure(work.name, text, None, None, waited=True)

    def _is_busy(self) -> bool:
        """Whether something is under way that maps may be waiting for."""
        return bool(self._requests.pending) or any(
            work.under_way or work.step == MapAction.INITIALISE for work in self._work.values() if not work.failure
        )

    def _by_action(self) -> dict[MapAction, list[MapWork]]:
        """The maps that are free for their next step."""
        groups: dict[MapAction, list[MapWork]] = {}
        for work in filter(self._is_free, self._work.values()):
            step = work.step
            if isinstance(step, MapAction):
                groups.setdefault(step, []).append(work)
        return groups

    def _send(self, action: MapAction, chosen: Iterable[MapWork]) -> None:
        works = {work.name: work for work in chosen}
        details = {name: self._detail(action, work.status) for name, work in works.items() if work.status}
        alone = frozenset(name for name, work in works.items() if work.tries)
        for refused in self._requests.send(action, details, alone=alone):
            if refused.failure is not None:
                self._fail(refused.failure, action)

    def _detail(self, action: MapAction, status: EntityMapStatus) -> ActionDetail:
        if action == MapAction.START:
            return self._syncs.start_detail(status)
        skip = True if action == MapAction.STOP else None
        keep = self._skipped_queues.get(status.name) if action == MapAction.RESUME else None
        return ActionDetail(tid=status.detail.tid, pid=status.detail.pid, skip_initial_sync=skip, keep_queue=keep)

    def _fail(self, failure: MapFailure, action: str) -> None:
        if self._work[failure.name].failed(failure) and action == MapAction.START:
            # The documented cure of a stale schema before the second try (section 7.7).
            refresh_tables(self._service, self._report.statuses[failure.name], self._progress)

    def _is_waiting(self) -> bool:
        """Whether something is under way whose end has to be seen."""
        return bool(self._requests.pending) or any(
            work.under_way or (self._syncs.waits(work.name) and work.is_running)
            for work in self._work.values()
            if not work.failure
        )

    def _time_out(self) -> None:
        for work in self._installed():
            if not (work.failure or work.as_declared):
                text = f"not {work.wanted} within {spoken(self._pace.seconds)}"
                work.failure = MapFailure(work.name, text, None, None)

    def _tell(self) -> None:
        """How far the whole is, on the resource's row."""
        works = self._installed()
        done = sum(work.as_declared for work in works)
        failures = sum(work.failure is not None for work in self._work.values())
        failed = f", {failures} failed" if failures else ""
        doing = self._requests.actions
        under_way = f"; {len(self._requests.pending)} under way ({', '.join(doing)})" if doing else ""
        elapsed = spoken(self._pace.clock() - self._begun)
        self._progress(f"{done} of {len(works)} maps as declared{failed}{under_way}, {elapsed}")


def one_error(failures: Collection[MapFailure], total: int) -> ApiError:
    """One error for all maps that failed: one in full, the others by count; each was announced before.

    The one is a map that failed by itself, not one that was never started because of it.
    """
    first = min(failures, key=lambda failure: failure.waited)
    many = f"{noun(total, 'map')} {'is' if len(failures) == 1 else 'are'}"
    named = others_named(len(failures) - 1)
    return ApiError(
        f"{len(failures)} of {total} {many} not as declared: '{first.name}': {first.text}{named}",
        code=first.code,
        correlation_id=first.correlation_id,
        next_step=first.cure
        or "Mend the map on the dual-write page, or exclude it; then run `up` again, it continues.",
    )
