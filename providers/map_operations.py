"""Bringing many entity maps to their run states at once: bulk requests, one list call a poll. No pulumi.

Every poll reads all maps once (E2), which also carries the outcome of each request; then all
maps that can take the same action get it in one request (E3), maps with prerequisites as soon
as those run (E5). Bulk start is inferred, so a refused bulk request is sent map by map. A map
that fails is tried once more by itself, a start after its tables were refreshed.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from providers._duration import spoken
from providers.api.dual_write import DualWriteManagement
from providers.api.dual_write_models import ActionDetail, EntityMapStatus, MapAction, RequestState
from providers.api.errors import (
    ApiError,
    AuthenticationError,
    EmulatorNotRunning,
    ForeignHost,
    NotFound,
    ServiceUnavailable,
    Throttled,
    TransportError,
)
from providers.api.operations import PASSING, pause
from providers.map_plan import (
    Settled,
    error_code,
    failure_text,
    has_taken_effect,
    needs_of,
    next_step,
    ready_to_start,
)

# Tries of one map before its failure is final, and unanswered polls before E4 is asked for a request by its id.
_TRIES = 2
_UNSEEN_POLLS = 5
_LOST_REQUESTS = 3
_NO_USE = (AuthenticationError, EmulatorNotRunning, ForeignHost)
_STARTS_LAST = (MapAction.PAUSE, MapAction.STOP)


class MapFailure(NamedTuple):
    """Why one map is not as declared."""

    name: str
    text: str
    code: str | None
    correlation_id: str | None


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


class _Request(NamedTuple):
    action: str
    request_id: str
    polls: int
    alone: bool


class MapOperations:
    """All maps of one link. `interval` and `seconds` (the deadline) are in seconds of `clock`."""

    def __init__(
        self,
        service: DualWriteManagement,
        cid: str,
        *,
        interval: float,
        seconds: float,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        progress: Callable[[str], None],
    ) -> None:
        self._service = service
        self._cid = cid
        self._interval = interval
        self._begun = clock()
        self._end = self._begun + seconds
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._progress = progress
        self._pending: dict[str, _Request] = {}
        self._tries: dict[str, int] = {}
        self._failed: dict[str, MapFailure] = {}
        self._single: set[str] = set()
        self._needs: dict[str, frozenset[str]] | None = None
        self._lost = 0
        self._avoid: frozenset[str] = frozenset()
        self._report = Report()

    def bring_to(self, wanted: Mapping[str, str], avoid: Collection[str] = ()) -> Report:
        """Bring each named map to `running`, `paused` or `stopped`; maps that are not installed are listed.

        Maps in `avoid` are not started even when the service asks for them first: the stack has dropped them.

        Does all that can be done and returns what failed. Raises what concerns no single map.
        """
        goal = dict(wanted)
        self._avoid = frozenset(avoid)
        report = self._report
        while True:
            if self._read(goal):
                self._settle()
                groups = self._groups(goal)
                if not groups and not self._unsettled(goal):
                    break
                for action, names in groups.items():
                    self._send(action, names)
                if self._clock() >= self._end:
                    self._time_out(goal)
                    break
                self._say(goal)
            pause(self._interval, sleep=self._sleep)
        self._say(goal)
        report.not_installed = sorted(name for name in wanted if name not in report.statuses)
        report.failures = [self._failed[name] for name in sorted(self._failed)]
        return report

    def _read(self, goal: dict[str, str]) -> bool:
        """Read all maps, and their order once a map has to start; False while the service cannot tell."""
        first = not self._report.statuses
        try:
            listed = self._service.maps(self._cid, fresh=True)
            self._report.statuses = {status.name: status for status in listed}
            if self._needs is None and any(next_step(*pair) == MapAction.START for pair in self._pairs(goal)):
                self._order(goal)
        except PASSING as error:
            if self._clock() >= self._end:
                raise
            self._progress(f"the maps are not readable at the moment: {error.reason}")
            return False
        if first:
            self._take_up(goal)
        return True

    def _take_up(self, goal: Mapping[str, str]) -> None:
        """What a killed run asked for may still wait: it is followed, never sent again (client rule 5)."""
        for status, state in self._pairs(goal):
            asked = status.waiting_request
            if asked is not None and next_step(status, state) != Settled.AS_DECLARED:
                self._pending[status.name] = _Request(asked.action or "", asked.request_id, 0, alone=False)

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
        answers: dict[str, list[EntityMapStatus]] = {}
        for name, request in list(self._pending.items()):
            status = self._report.statuses.get(name)
            outcome = status.request(request.request_id) if status else None
            if outcome is None and request.polls >= _UNSEEN_POLLS:
                if request.request_id not in answers:
                    answers[request.request_id] = self._asked(request.request_id)
                found = (each for each in answers[request.request_id] if each.name == name)
                outcome = next((each.request(request.request_id) for each in found), None)
            if outcome is not None and outcome.state == RequestState.FAILED:
                del self._pending[name]
                text = failure_text(request.action, outcome)
                failure = MapFailure(name, text, error_code(text), outcome.root_activity_id)
                self._fail(failure, request.action, final=False)
            elif (
                status
                and outcome
                and outcome.state == RequestState.COMPLETED
                and has_taken_effect(request.action, status)
            ):
                del self._pending[name]
                if request.action == MapAction.START:
                    self._report.started.add(name)
            else:
                self._pending[name] = request._replace(polls=request.polls + 1)

    def _asked(self, request_id: str) -> list[EntityMapStatus]:
        """The maps of one request (E4); none while the service cannot tell, as a failing poll is no failed request."""
        try:
            return self._service.request_status(request_id)
        except (*PASSING, NotFound) as error:
            self._progress(f"a request is not readable at the moment: {error.reason}")
            return []

    def _groups(self, goal: Mapping[str, str]) -> dict[MapAction, list[str]]:
        groups: dict[MapAction, list[str]] = {}
        for name, state in goal.items():
            status = self._report.statuses.get(name)
            if status is None or name in self._pending or name in self._failed:
                continue
            step = next_step(status, state)
            if isinstance(step, MapAction):
                groups.setdefault(step, []).append(name)
        if MapAction.START in groups:
            groups[MapAction.START] = self._startable(groups[MapAction.START], goal)
        if groups.get(MapAction.START) or self._starting():
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
                self._failed[name] = MapFailure(name, text, None, None)
                waiting.remove(name)
        running = frozenset(
            name
            for name, status in self._report.statuses.items()
            if name not in goal or next_step(status, goal[name]) in (Settled.AS_DECLARED, MapAction.PAUSE)
        )
        busy = bool(self._pending) or any(
            next_step(status, state) in (Settled.UNDER_WAY, MapAction.INITIALISE)
            for status, state in self._pairs(goal)
            if status.name not in self._failed
        )
        ready = ready_to_start(waiting, needs, running)
        blocked = [name for name in ready if not needs.get(name, frozenset()) <= running]
        return [] if blocked and busy else ready

    def _starting(self) -> bool:
        return any(request.action in (MapAction.START, MapAction.INITIALISE) for request in self._pending.values())

    def _send(self, action: MapAction, names: list[str]) -> None:
        alone = [name for name in names if self._tries.get(name) or action in self._single]
        bulk = [name for name in names if name not in alone]
        if bulk:
            self._request(action, bulk)
        for name in alone:
            self._request(action, [name])

    def _request(self, action: MapAction, names: list[str]) -> None:
        details = [self._detail(action, name) for name in names]
        try:
            request_id = self._service.start_action(self._cid, action, details)
        except _NO_USE:
            raise
        except (TransportError, Throttled, ServiceUnavailable):
            # Nothing was taken up, as far as E2 shows: the next poll decides anew, in bulk.
            self._lost += 1
            if self._lost > _LOST_REQUESTS:
                raise
        except ApiError as error:
            if len(names) > 1:
                self._single.add(action)
                for name in names:
                    self._request(action, [name])
                return
            text = f"{action.name.lower()} was refused: {error.reason}"
            self._fail(MapFailure(names[0], text, error.code, error.correlation_id), action, final=False)
        else:
            for name in names:
                self._pending[name] = _Request(action, request_id, 0, len(names) == 1)

    def _detail(self, action: MapAction, name: str) -> ActionDetail:
        detail = self._report.statuses[name].detail
        # A start without initial sync; the queue of a paused map is played back (no parameters).
        skip = True if action in (MapAction.START, MapAction.STOP) else None
        return ActionDetail(tid=detail.tid, pid=detail.pid, skip_initial_sync=skip)

    def _fail(self, failure: MapFailure, action: str, *, final: bool) -> None:
        tries = self._tries.get(failure.name, 0) + 1
        self._tries[failure.name] = tries
        if final or tries >= _TRIES:
            self._failed[failure.name] = failure
        elif action == MapAction.START:
            self._refresh_tables(failure.name)

    def _refresh_tables(self, name: str) -> None:
        """The documented cure of a stale schema before the second try (section 7.7)."""
        pid = self._report.statuses[name].detail.pid
        try:
            if pid:
                self._service.refresh_tables(self._service.field_mappings(pid).name)
        except _NO_USE:
            raise
        except ApiError as error:
            self._progress(f"tables of '{name}' were not refreshed: {error.reason}")

    def _unsettled(self, goal: Mapping[str, str]) -> bool:
        under_way = (
            next_step(status, state) == Settled.UNDER_WAY
            for status, state in self._pairs(goal)
            if status.name not in self._failed
        )
        return bool(self._pending) or any(under_way)

    def _time_out(self, goal: Mapping[str, str]) -> None:
        for name, state in goal.items():
            status = self._report.statuses.get(name)
            if status is None or name in self._failed or next_step(status, state) == Settled.AS_DECLARED:
                continue
            text = f"not {state} within {spoken(self._seconds)}"
            self._failed[name] = MapFailure(name, text, None, None)

    def _say(self, goal: Mapping[str, str]) -> None:
        pairs = self._pairs(goal)
        done = sum(next_step(*pair) == Settled.AS_DECLARED for pair in pairs)
        failed = f", {len(self._failed)} failed" if self._failed else ""
        doing = sorted({MapAction(request.action).name.lower() for request in self._pending.values()})
        under_way = f"; {len(self._pending)} under way ({', '.join(doing)})" if doing else ""
        self._progress(
            f"{done} of {len(pairs)} maps as declared{failed}{under_way}, {spoken(self._clock() - self._begun)}"
        )


def only(failures: Collection[MapFailure], total: int) -> ApiError:
    """One error for all maps that failed: the first in full, the others by count; each was announced before."""
    first = next(iter(failures))
    others = f"; {len(failures) - 1} more are named above" if len(failures) > 1 else ""
    noun = f"{'map' if total == 1 else 'maps'} {'is' if len(failures) == 1 else 'are'}"
    return ApiError(
        f"{len(failures)} of {total} {noun} not as declared: '{first.name}': {first.text}{others}",
        code=first.code,
        correlation_id=first.correlation_id,
        next_step="Mend the map on the dual-write page, or exclude it; then run `up` again, it continues.",
    )
