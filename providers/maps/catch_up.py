"""What becomes of the changes that queued up while a map was paused, once it is resumed; and how old such a queue is.

dual-write-management-api.md 5.5 and dual-write-semantics.md 7.8: a queue is played back, kept as catch-up errors, or
discarded; the last two need dual-write core 1.0.23084.2. A pause may last seven days (one, by the newer page) and hold
1 GB; how much it holds cannot be read. No pulumi.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from providers.api.dual_write.actions import MapAction, MapState, RequestState
from providers.api.identity.dual_write_sources import dual_write_token_configured
from providers.link.health_check import CORE_PACKAGE
from providers.link.pair import as_far_as_seen, find_link, find_pair
from providers.maps.declaration import unconsented
from providers.maps.model import LiveSyncInputs
from providers.protocol.call import Call, ResourceError
from providers.protocol.durations import spoken
from providers.protocol.problems import Problem
from providers.protocol.versions import at_least
from providers.protocol.words import first_names

if TYPE_CHECKING:
    from providers.api.dual_write.models import EntityMapStatus
    from providers.api.session import Session

CORE_WITH_A_CHOICE = "1.0.23084.2"
_CURE = "update the dual-write core solution, or use `catchUp: replay`"
_WARN_AFTER, _LAST_WARNING, _LONGEST = timedelta(days=1), timedelta(days=6), timedelta(days=7)


def core_problems(inputs: LiveSyncInputs, options: Mapping[str, bool], call: Call) -> Iterator[Problem]:
    """Against skipping the queues of paused maps where the core solution is too old; silent while nothing is linked."""
    if not (options and dual_write_token_configured()):
        return
    problem = as_far_as_seen(lambda: _core_problem(inputs, options, call))
    if problem:
        yield problem


def _core_problem(inputs: LiveSyncInputs, options: Mapping[str, bool], call: Call) -> Problem | None:
    session = call.session(inputs.cloud, gateway=inputs.gateway)
    pair = find_pair(session, inputs.cds, inputs.finops, fresh=False)
    link = find_link(session, pair.finops_host)
    skipped = _paused(options, session.dual_write.maps(link.cid))
    text = _too_old(session, pair.environment_id, skipped)
    return Problem(f"catch_up[{skipped[0]!r}]", f"{text}; {_CURE}") if text else None


def require_skippable(
    session: Session,
    environment_id: str,
    inputs: LiveSyncInputs,
    options: Mapping[str, bool],
    statuses: Iterable[EntityMapStatus],
) -> None:
    """Raise `ResourceError` when the queue of a paused map may not be skipped: no consent, or too old a core solution.

    `statuses`: the maps as they are; what is not paused has no queue.
    """
    for problem in unconsented(inputs, options, datetime.now(UTC).date()):
        raise ResourceError(problem.text)
    text = _too_old(session, environment_id, _paused(options, statuses))
    if text:
        raise ResourceError(text, next_step=f"{_CURE[:1].upper()}{_CURE[1:]}.")


def _paused(options: Iterable[str], statuses: Iterable[EntityMapStatus]) -> list[str]:
    paused = {status.name for status in statuses if status.state == MapState.PAUSED}
    return [name for name in options if name in paused]


def _too_old(session: Session, environment_id: str, skipped: list[str]) -> str | None:
    """What the core solution of the environment has against skipping these queues."""
    core = session.app_management.packages(environment_id, fresh=True).get(CORE_PACKAGE) if skipped else None
    version = core.version if core else None
    if not skipped or at_least(version, CORE_WITH_A_CHOICE):
        return None
    return (
        f"the queue of {first_names(skipped)} cannot be skipped: that needs dual-write core {CORE_WITH_A_CHOICE}, and "
        f"CDS has {version or 'none'}"
    )


def old_queues(statuses: Iterable[EntityMapStatus], now: datetime) -> Iterator[str]:
    """A sentence for each map that is paused for longer than a day."""
    for status in statuses:
        since = paused_since(status)
        age = now - since if since else timedelta()
        if age >= _WARN_AFTER:
            yield _old_queue(status.name, age)


def _old_queue(name: str, age: timedelta) -> str:
    text = f"map '{name}' is paused for {spoken(age.total_seconds())}; how much its queue holds is not readable"
    if age >= _LONGEST:
        return f"{text}, and after 7 days further changes are blocked or lost: resume it"
    if age >= _LAST_WARNING:
        left = spoken((_LONGEST - age).total_seconds())
        return f"{text}, and in {left} further changes will be blocked or lost"
    return f"{text}; Microsoft names one day, and seven, as the longest pause"


def paused_since(status: EntityMapStatus) -> datetime | None:
    """When a paused map was paused, by its newest request of that kind; None when it is not, or nothing shows it."""
    if status.state != MapState.PAUSED:
        return None
    paused = MapAction.PAUSE, RequestState.COMPLETED
    requests = [each for each in status.detail.last_requests if (each.action, each.state) == paused]
    times = [_time(each.modified_on or each.created_on) for each in requests]
    return max((time for time in times if time), default=None)


def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
