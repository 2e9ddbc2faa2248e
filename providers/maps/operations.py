"""Bringing many entity maps to their run states at once: bulk requests, one list call a poll. No pulumi.

Every poll reads all maps once (E2), which also carries the outcome of each request; then all
maps that can take the same action get it in one request (E3), maps with prerequisites as soon
as those run (E5). A start runs the map's initial sync where one is due. A map that fails is
tried once more by itself, a start after its tables were refreshed.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from providers.api.dual_write.client import DualWriteManagement
from providers.api.dual_write.models import ActionDetail, EntityMapStatus, MapAction, MapState
from providers.api.transport.errors import ApiError, UnexpectedAnswer
from providers.api.transport.operations import PASSING, pause
from providers.maps.initial_sync import InitialSyncs
from providers.maps.plan import MapFailure, Settled, needs_of, next_step, ready_to_start
from providers.maps.requests import MapRequests
from providers.maps.table_refresh import refresh_tables
from providers.protocol.durations import spoken

# Tries of one map before its failure is final.
_TRIES = 2
# Readings without any map that are taken for a busy service.
_EMPTY_LISTS = 10
_STARTS_LAST = (MapAction.PAUSE, MapAction.STOP)


class Pace(NamedTuple):
    """Seconds: between two polls, between two while only initial syncs run, and to the deadline; and whose clock."""

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
    """All maps of one link, for one `bring_to`."""

    def __init__(
        self,
        service: DualWriteManagement,
        cid: str,
        *,
        pace: Pace,
        progress: Callable[[str], None],
        syncs: InitialSyncs | None = None,
    ) -> None:
        self._service = service
        self._cid = cid
        self._pace = pace
        self._begun = pace.clock()
        self._end = self._begun + pace.seconds
        self._progress = progress
        self._syncs = syncs or InitialSyncs(service)
        self._requests = MapRequests(service, cid, progress)
        self._tries: dict[str, int] = {}
        self._failed: dict[str, MapFailure] = {}
        self._needs: dict[str, frozenset[str]] | None = None
        self._avoid: frozenset[str] = frozenset()
        self._asks = False
        self._followed = False
        self._empty_lists = 0
        self._report = Report()

    def bring_to(self, wanted: Mapping[str, str], avoid: Collection[str] = (), *, find_extras: bool = False) -> Report:
        """Bring each named map to `running`, `paused` or `stopped`; maps that are not installed are listed.

        Maps in `avoid` are not started even when the service asks for them first: the stack has dropped them. With
        `find_extras` the service is asked for the others it wants first even when no map has to start.

        Does all that can be done and returns what failed. Raises what concerns no single map.
        """
        goal = dict(wanted)
        self._avoid = frozenset(avoid)
        self._asks = find_extras
        report = self._report
        while True:
            if self._read(goal):
                self._settle()
                self._finish_syncs(goal)
                groups = self._groups(goal)
                if not groups and not self._unsettled(goal):
                    break
                for action, names in groups.items():
                    self._send(action, names)
                if self._pace.clock() >= self._end:
                    self._time_out(goal)
                    break
                self._say(goal)
            slow = self._requests.only_syncs
            pause(self._pace.sync_interval if slow else self._pace.interval, sleep=self._pace.sleep)
        self._say(goal)
        report.not_installed = sorted(name for name in wanted if name not in report.statuses)
        report.failures = [self._failed[name] for name in sorted(self._failed)]
        return report

    def _read(self, goal: dict[str, str]) -> bool:
        """Read all maps, and their order once a map has to start; False while the service cannot tell.

        The first reading that succeeds also takes up what a killed run asked for.
        """
        try:
            # What the caller has just read will do for the start.
            listed = self._service.maps(self._cid, fresh=bool(self._report.statuses))
            if goal and not listed:
                raise self._vanished()
            self._empty_lists = 0
            self._report.statuses = {status.name: status for status in listed}
            pairs = self._pairs(goal)
            if self._needs is None and (self._asks or any(next_step(*pair) == MapAction.START for pair in pairs)):
                self._order(goal)
        except PASSING as error:
            if self._pace.clock() >= self._end:
                raise
            self._progress(f"the maps are not readable at the moment: {error.reason}")
            return False
        if not self._followed:
            self._followed = True
            for status, state in self._pairs(goal):
                if next_step(status, state) != Settled.AS_DECLARED:
                    self._requests.take_up(status, sync=self._syncs.waits(status.name))
        return True

    def _vanished(self) -> ApiError:
        """Callers saw the maps that they name: an empty list means a busy service (2.4), many of them a reset link."""
        self._empty_lists += 1
        if self._empty_lists <= _EMPTY_LISTS:
            return UnexpectedAnswer("the service lists no maps")
        return ApiError(
            "the dual-write service lists no entity maps any more",
            next_step="Find out who reset the link, then run `up` again; it continues.",
        )

    def _pairs(self, goal: Mapping[str, str]) -> list[tuple[EntityMapStatus, str]]:
        statuses = self._report.statuses
        return [(statuses[name], state) for name, state in goal.items() if name in statuses]

    def _order(self, goal: dict[str, str]) -> None:
        """Ask for the order once, for all maps; maps that only the service asks for join the goal (E5)."""
        statuses = self._report.statuses
        template_of = {status.detail.tid: name for name, status in statuses.items()}
        asked = [statuses[name].detail.tid for name, state in goal.items() if name in statuses and state != "stopped"]
        sequences = needs_of(self._service.prerequisite_sequences(self._cid, asked), asked)
        self._needs = {
            template_of[tid]: frozenset(template_of[need] for need in needs if need in template_of) - self._avoid
            for tid, needs in sequences.items()
        }
        extras = {need for needs in self._needs.values() for need in needs if need not in goal}
        self._report.extras |= extras
        goal.update(dict.fromkeys(extras, "running"))

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

    def _finish_syncs(self, goal: Mapping[str, str]) -> None:
        """Take over the initial syncs whose maps run now."""
        for status, _ in self._pairs(goal):
            if self._syncs.waits(status.name) and self._is_through(status) and self._syncs.finish(status):
                self._report.started.add(status.name)

    def _is_through(self, status: EntityMapStatus) -> bool:
        return status.state == MapState.RUNNING and status.name not in self._requests.pending

    def _sync_failed(self, name: str, failure: MapFailure) -> None:
        judgement = self._syncs.judge(self._report.statuses[name], failure.correlation_id)
        if judgement.failure is not None:
            self._failed[name] = judgement.failure
        elif not judgement.again:
            self._fail(failure, MapAction.START)

    def _groups(self, goal: Mapping[str, str]) -> dict[MapAction, list[str]]:
        groups: dict[MapAction, list[str]] = {}
        for status, state in self._pairs(goal):
            name = status.name
            if name in self._requests.pending or name in self._failed:
                continue
            step = next_step(status, state)
            if isinstance(step, MapAction) and not (self._syncs.waits(name) and self._is_through(status)):
                groups.setdefault(step, []).append(name)
        if MapAction.START in groups:
            groups[MapAction.START] = self._startable(groups[MapAction.START], goal)
        if groups.get(MapAction.START) or self._requests.starting:
            # Dependents are started while what they need still runs.
            groups = {action: names for action, names in groups.items() if action not in _STARTS_LAST}
        return {action: names for action, names in groups.items() if names}

    def _startable(self, waiting: list[str], goal: Mapping[str, str]) -> list[str]:
        """The maps whose prerequisites run. One that needs a failed map fails with it."""
        needs = self._needs or {}
        for name in list(waiting):
            broken = sorted(needs.get(name, frozenset()) & self._failed.keys())
            if broken:
                text = f"not started: it needs '{broken[0]}', which failed"
                self._failed[name] = MapFailure(name, text, None, None, waited=True)
                waiting.remove(name)
        running = frozenset(
            name
            for name, status in self._report.statuses.items()
            if name not in goal or next_step(status, goal[name]) in (Settled.AS_DECLARED, MapAction.PAUSE)
        )
        busy = bool(self._requests.pending) or any(
            next_step(status, state) in (Settled.UNDER_WAY, MapAction.INITIALISE)
            for status, state in self._pairs(goal)
            if status.name not in self._failed
        )
        ready = ready_to_start(waiting, needs, running)
        blocked = [name for name in ready if not needs.get(name, frozenset()) <= running]
        return [] if blocked and busy else ready

    def _send(self, action: MapAction, names: list[str]) -> None:
        details = {name: self._detail(action, self._report.statuses[name]) for name in names}
        alone = frozenset(name for name in names if self._tries.get(name))
        for refused in self._requests.send(action, details, alone=alone):
            if refused.failure is not None:
                self._fail(refused.failure, action)

    def _detail(self, action: MapAction, status: EntityMapStatus) -> ActionDetail:
        if action == MapAction.START:
            return self._syncs.start_detail(status)
        # The queue of a paused map is played back (no parameters).
        skip = True if action == MapAction.STOP else None
        return ActionDetail(tid=status.detail.tid, pid=status.detail.pid, skip_initial_sync=skip)

    def _fail(self, failure: MapFailure, action: str) -> None:
        tries = self._tries.get(failure.name, 0) + 1
        self._tries[failure.name] = tries
        if tries >= _TRIES:
            self._failed[failure.name] = failure
        elif action == MapAction.START:
            # The documented cure of a stale schema before the second try (section 7.7).
            refresh_tables(self._service, self._report.statuses[failure.name], self._progress)

    def _unsettled(self, goal: Mapping[str, str]) -> bool:
        return bool(self._requests.pending) or any(
            next_step(status, state) == Settled.UNDER_WAY
            or (self._syncs.waits(status.name) and status.state == MapState.RUNNING)
            for status, state in self._pairs(goal)
            if status.name not in self._failed
        )

    def _time_out(self, goal: Mapping[str, str]) -> None:
        for status, state in self._pairs(goal):
            if status.name in self._failed or next_step(status, state) == Settled.AS_DECLARED:
                continue
            text = f"not {state} within {spoken(self._pace.seconds)}"
            self._failed[status.name] = MapFailure(status.name, text, None, None)

    def _say(self, goal: Mapping[str, str]) -> None:
        pairs = self._pairs(goal)
        done = sum(next_step(*pair) == Settled.AS_DECLARED for pair in pairs)
        failed = f", {len(self._failed)} failed" if self._failed else ""
        doing = self._requests.actions
        under_way = f"; {len(self._requests.pending)} under way ({', '.join(doing)})" if doing else ""
        elapsed = spoken(self._pace.clock() - self._begun)
        self._progress(f"{done} of {len(pairs)} maps as declared{failed}{under_way}, {elapsed}")


def only(failures: Collection[MapFailure], total: int) -> ApiError:
    """One error for all maps that failed: one in full, the others by count; each was announced before.

    The one is a map that failed by itself, not one that was never started because of it.
    """
    first = min(failures, key=lambda failure: failure.waited)
    others = len(failures) - 1
    others_named = f"; {others} more {'is' if others == 1 else 'are'} named above" if others else ""
    noun = f"{'map' if total == 1 else 'maps'} {'is' if len(failures) == 1 else 'are'}"
    return ApiError(
        f"{len(failures)} of {total} {noun} not as declared: '{first.name}': {first.text}{others_named}",
        code=first.code,
        correlation_id=first.correlation_id,
        next_step=first.cure
        or "Mend the map on the dual-write page, or exclude it; then run `up` again, it continues.",
    )
