"""The requests of one run on many maps (E3): sending them in bulk, following them, and what they ended with. No pulumi.

Bulk start is inferred, so a refused bulk request is sent map by map. A request whose outcome the list of maps (E2)
does not show is asked for by its id (E4). What a killed run asked for is followed, never sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from providers.api.dual_write.actions import ActionDetail, MapAction, MapState, RequestState
from providers.api.transport.errors import ApiError, NotFound, ServiceUnavailable, Throttled, TransportError
from providers.api.transport.operations import PASSING
from providers.documented_errors.recognition import explained, with_documented_cure
from providers.maps.plan import NOT_RUNNING, MapFailure, error_code, failure_text, has_taken_effect
from providers.maps.rhythm import Rhythm, Waited
from providers.maps.table_refresh import NO_USE

if TYPE_CHECKING:
    from providers.api.dual_write.client import DualWriteManagement
    from providers.api.dual_write.models import ActionRequest, EntityMapStatus

# Unanswered polls before E4 is asked, and polls in which a map may lag behind the end of its initial sync.
_UNSEEN_POLLS = 5
_LAG_POLLS = 12
_LOST_REQUESTS = 3

Statuses = Mapping[str, "EntityMapStatus"]


class Sent(NamedTuple):
    """A request for one map. `sync`: its start runs an initial sync; `begun`: the map was seen in it.

    `at`: when it was sent, None for one of an earlier run.
    """

    action: str
    request_id: str
    sync: bool = False
    at: float | None = None
    polls: int = 0
    begun: bool = False
    lag: int = 0


class Ended(NamedTuple):
    """How a request ended for one map; `failure` None = well. `sync`: it was an initial sync."""

    name: str
    action: str
    sync: bool
    failure: MapFailure | None = None


class MapRequests:
    """The requests under way on the maps of one link."""

    def __init__(
        self,
        service: DualWriteManagement,
        cid: str,
        *,
        clock: Callable[[], float],
        rhythm: Rhythm,
        progress: Callable[[str], None],
    ) -> None:
        self._service = service
        self._cid = cid
        self._clock = clock
        self._rhythm = rhythm
        self._progress = progress
        self._single: set[str] = set()
        self._lost = 0
        self.pending: dict[str, Sent] = {}

    @property
    def actions(self) -> list[str]:
        """The actions under way, in words."""
        return sorted({"initial sync" if each.sync else MapAction(each.action).name.lower() for each in self._sent})

    @property
    def starting(self) -> bool:
        """Whether a map is being started or made ready for it."""
        return any(each.action in (MapAction.START, MapAction.INITIALISE) for each in self._sent)

    @property
    def only_syncs(self) -> bool:
        """Whether all that is under way are initial syncs, which take their time."""
        return bool(self.pending) and all(each.sync for each in self._sent)

    def under_way(self, now: float) -> list[Waited]:
        """What this run has asked for and when, for the time of the next look."""
        return [Waited(_kind(each), now - each.at) for each in self._sent if each.at is not None]

    @property
    def _sent(self) -> list[Sent]:
        return list(self.pending.values())

    def take_up(self, status: EntityMapStatus, *, sync: bool) -> None:
        """Follow what a killed run asked for (client rule 5); nothing when no request waits."""
        asked = status.waiting_request
        if asked is not None:
            action = asked.action or ""
            self.pending[status.name] = Sent(action, asked.request_id, sync=sync and action == MapAction.START)

    def settle(self, statuses: Statuses) -> list[Ended]:
        """Take over how pending requests ended."""
        answers: dict[str, list[EntityMapStatus]] = {}
        ended = []
        for name, request in list(self.pending.items()):
            status = statuses.get(name)
            outcome = self._outcome(name, request, status, answers)
            end = _end(name, request, status, outcome)
            if end is None:
                self.pending[name] = _followed(request, status, outcome)
            else:
                del self.pending[name]
                ended.append(end)
                if request.at is not None and end.failure is None:
                    self._rhythm.ended(_kind(request), self._clock() - request.at)
        return ended

    def _outcome(
        self, name: str, request: Sent, status: EntityMapStatus | None, answers: dict[str, list[EntityMapStatus]]
    ) -> ActionRequest | None:
        """What the list shows of a request; E4 is asked for one that the list does not show, once for all its maps."""
        outcome = status.request(request.request_id) if status else None
        if outcome is not None or request.polls < _UNSEEN_POLLS:
            return outcome
        if request.request_id not in answers:
            answers[request.request_id] = self._asked(request.request_id)
        listed = {each.name: each for each in reversed(answers[request.request_id])}
        return listed[name].request(request.request_id) if name in listed else None

    def _asked(self, request_id: str) -> list[EntityMapStatus]:
        """The maps of one request (E4); none while the service cannot tell, as a failing poll is no failed request."""
        try:
            return self._service.request_status(request_id)
        except (*PASSING, NotFound) as error:
            self._progress(f"a request is not readable at the moment: {error.reason}")
            return []

    def send(self, action: MapAction, details: Mapping[str, ActionDetail], *, alone: frozenset[str]) -> list[Ended]:
        """One request for all maps of `details` but those that go `alone`; the refused ones."""
        single = details.keys() if action in self._single else alone
        bulk = {name: detail for name, detail in details.items() if name not in single}
        refused = self._request(action, bulk) if bulk else []
        for name in (name for name in details if name in single):
            refused += self._request(action, {name: details[name]})
        return refused

    def _request(self, action: MapAction, details: Mapping[str, ActionDetail]) -> list[Ended]:
        """Send one request; the maps for which it was refused."""
        try:
            # A 5xx that says why is a refusal, not a lost answer.
            with with_documented_cure():
                request_id = self._service.start_action(self._cid, action, list(details.values()))
        except NO_USE:
            raise
        except (TransportError, Throttled, ServiceUnavailable):
            # Nothing was taken up, as far as E2 shows: the next poll decides anew, in bulk.
            self._lost += 1
            if self._lost > _LOST_REQUESTS:
                raise
            return []
        except ApiError as error:
            return self._refused(action, details, error)
        for name, detail in details.items():
            sync = action == MapAction.START and detail.skip_initial_sync is False
            self.pending[name] = Sent(action, request_id, sync=sync, at=self._clock())
        return []

    def _refused(self, action: MapAction, details: Mapping[str, ActionDetail], error: ApiError) -> list[Ended]:
        """A refused bulk request is sent map by map; a refused map has failed."""
        if len(details) > 1:
            self._single.add(action)
            return [ended for name, detail in details.items() for ended in self._request(action, {name: detail})]
        (name,) = details
        known = explained(f"{error.code or ''} {error.reason}")
        text = f"{action.name.lower()} was refused: {error.reason}"
        cure = known.next_step if known else ""
        return [Ended(name, action, False, MapFailure(name, text, error.code, error.correlation_id, cure))]


def _end(name: str, request: Sent, status: EntityMapStatus | None, outcome: ActionRequest | None) -> Ended | None:
    """How a request ended for its map; None while it has not, or the map does not show it yet."""
    if outcome is None:
        return None
    if outcome.state == RequestState.FAILED:
        text = failure_text("initial sync" if request.sync else request.action, outcome)
        return Ended(name, request.action, request.sync, _failure(name, text, outcome.root_activity_id))
    if status is None or outcome.state != RequestState.COMPLETED:
        return None
    if request.sync:
        return _sync_end(name, request, status, outcome)
    return Ended(name, request.action, False) if has_taken_effect(request.action, status) else None


def _sync_end(name: str, request: Sent, status: EntityMapStatus, outcome: ActionRequest) -> Ended | None:
    """The same for the completed request of an initial sync."""
    if status.state == MapState.INITIAL_SYNC:
        return None
    if status.state not in NOT_RUNNING:
        return Ended(name, request.action, True)
    if not request.begun and request.lag < _LAG_POLLS:
        return None
    # "Not running" after enabling means errors in the initial sync (section 6), whatever the request says.
    text = "initial sync failed: the map does not run after it"
    return Ended(name, request.action, True, _failure(name, text, outcome.root_activity_id))


def _kind(request: Sent) -> str:
    return "sync" if request.sync else request.action


def _failure(name: str, text: str, correlation_id: str | None) -> MapFailure:
    known = explained(text)
    code = known.code if known and known.code else error_code(text)
    return MapFailure(name, text, code, correlation_id, known.next_step if known else "")


def _followed(request: Sent, status: EntityMapStatus | None, outcome: ActionRequest | None) -> Sent:
    completed = outcome is not None and outcome.state == RequestState.COMPLETED
    lags = completed and status is not None and status.state in NOT_RUNNING
    begun = request.begun or (status is not None and status.state == MapState.INITIAL_SYNC)
    return request._replace(polls=request.polls + 1, begun=begun, lag=request.lag + 1 if lags else 0)
