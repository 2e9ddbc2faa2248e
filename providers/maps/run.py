"""One run of `LiveSync`: integration keys, initial syncs and run states of all maps of a link, in that order.

Maps whose table gets another key, and live ones that are to be synced again, are stopped first and started again
afterwards. Everything that can be done is done; then the run fails with what is left (design 5). No pulumi.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from providers.api.transport.errors import ApiError
from providers.catalogue.companies import AS_LINKED
from providers.catalogue.durations import seconds
from providers.catalogue.selection import standard
from providers.maps.initial_sync import InitialSyncs, total_line
from providers.maps.integration_keys import KeyPlan, maps_on, set_keys
from providers.maps.model import Counts, LiveSyncInputs
from providers.maps.operations import MapOperations, Pace, Report, one_error
from providers.maps.plan import NOT_RUNNING, MapFailure, last_stop, stops
from providers.maps.row_counts import FEWER_COMPANIES, too_many_companies
from providers.maps.sync_plan import Memory, SyncPlan, plan_syncs
from providers.maps.table_refresh import NO_USE
from providers.protocol.base import Call, ResourceError
from providers.protocol.words import amount_is, first_names

if TYPE_CHECKING:
    from providers.api.dual_write.models import ConnectionSet, EntityMapStatus, LinkedEnvironment
    from providers.api.session import Session


@dataclass
class RunResult:
    """What a run left: the report of its map operations, the keys as they are, and which initial syncs are through.

    `runs`: map to the newest of its initial syncs that this run knows of.
    `interrupted`: maps that were stopped for the run and run again, so that it did not start them.
    """

    report: Report
    keys: dict[str, list[str]] = field(default_factory=dict)
    synced: dict[str, str] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    interrupted: frozenset[str] = frozenset()

    @property
    def started(self) -> set[str]:
        """Maps that did not run before this run, and do now."""
        return self.report.started - self.interrupted


class LiveSyncRun:
    """The declared maps of one link, for one operation of the resource.

    `memory`: what the stack remembers of initial syncs; `ran_before`: maps that ran before the stack did anything, for
    a creation whose predecessor may have been killed while they were stopped; `dropped`: maps that the stack left out;
    `skipped_queues`: map to whether its queue is kept as errors or discarded, instead of played back.
    """

    def __init__(
        self,
        session: Session,
        link: LinkedEnvironment,
        inputs: LiveSyncInputs,
        call: Call,
        *,
        memory: Memory,
        ran_before: Collection[str] | None = None,
        dropped: Collection[str] = (),
        skipped_queues: Mapping[str, bool] | None = None,
    ) -> None:
        self._service = session.dual_write
        self._polls = session.profile.polls
        self._link = link
        self._inputs = inputs
        self._call = call
        self._memory = memory
        self._dropped = dropped
        self._skipped_queues = skipped_queues
        # Extras that a killed creation started are known only when the service is asked for them again.
        self._find_extras = ran_before is not None
        self._ran_before = ran_before or ()
        self._end = call.clock() + seconds(inputs.timeout)

    def bring(self, goal: Mapping[str, str]) -> RunResult:
        """Bring every map of `goal` to its state, with keys and initial syncs. Raises when something is left undone."""
        statuses = self._listed()
        self._require_maps(goal, statuses)
        link = self._link_details()
        keys = KeyPlan.of(self._inputs.integration_keys, link, statuses.values(), goal)
        plan = self._plan(statuses)
        # What cannot be done is refused before a map is stopped for it.
        self._require_few_companies(link, plan)
        keys.require_possible()
        self._change_keys(keys, {*keys.interrupted, *plan.again}, goal)
        undeclared = {name for name in keys.interrupted if name not in goal} | self._lost_to_a_kill(goal, statuses)
        syncs = self._syncs(plan)
        report = self._operations(syncs).bring_to(
            {**goal, **dict.fromkeys(undeclared, "running")}, self._dropped, find_extras=self._find_extras
        )
        if syncs.counts:
            self._call.announce(total_line(syncs.counts))
        self._require_custom(report)
        self._announce(report)
        if report.failures:
            raise one_error(report.failures, len(goal))
        return self._result(keys, plan, syncs, report)

    def _result(self, keys: KeyPlan, plan: SyncPlan, syncs: InitialSyncs, report: Report) -> RunResult:
        texts = {name: self._inputs.resync.get(name, "") for name in syncs.counts}
        return RunResult(
            report,
            keys.afterwards,
            dict(sorted({**plan.synced, **texts}.items())),
            dict(sorted({**plan.counts, **syncs.counts}.items())),
            dict(sorted({**plan.runs, **syncs.runs}.items())),
            frozenset({*keys.interrupted, *plan.again}),
        )

    def _listed(self) -> dict[str, EntityMapStatus]:
        return {status.name: status for status in self._service.maps(self._link.cid, fresh=True)}

    def _require_maps(self, goal: Mapping[str, str], statuses: Mapping[str, EntityMapStatus]) -> None:
        if goal and not goal.keys() & statuses.keys():
            raise ResourceError(
                "the dual-write service lists none of the declared entity maps",
                next_step="Apply the map solutions (DualWriteConnection does), then run `up` again.",
            )

    def _require_custom(self, report: Report) -> None:
        """A map outside the standard list was looked up by its name alone: one that is not there is a mistake."""
        for name in [name for name in report.not_installed if name not in standard().maps]:
            report.not_installed.remove(name)
            near = difflib.get_close_matches(name, report.statuses)
            advice = f"did you mean '{near[0]}'?" if near else "apply the solution that carries it"
            cure = "Correct the name, or declare its solution under `solutions` of `dualwrite:connection`."
            report.failures.append(MapFailure(name, f"the link has no such map; {advice}", None, None, cure))

    def _link_details(self) -> ConnectionSet | None:
        """The link with its keys and companies (E10), read once and only when something declared depends on it."""
        inputs = self._inputs
        as_linked = inputs.companies == AS_LINKED and bool(inputs.live_syncs)
        if not inputs.integration_keys and not as_linked:
            return None
        return self._service.connection_set(self._link.cname)

    def _require_few_companies(self, link: ConnectionSet | None, plan: SyncPlan) -> None:
        """Companies as linked are counted here, a declared list when it is planned."""
        limit = self._inputs.companies_limit
        if link and plan.masters and self._inputs.companies == AS_LINKED and len(link.companies) > limit:
            raise ResourceError(too_many_companies(len(link.companies), limit), next_step=FEWER_COMPANIES)

    def _plan(self, statuses: Mapping[str, EntityMapStatus]) -> SyncPlan:
        plan = plan_syncs(self._service, statuses, self._inputs.live_syncs, self._memory)
        if plan.counts:
            self._call.announce(f"{total_line(plan.counts)}, done before")
        if plan.served:
            self._call.announce(
                f"the new text in `resync` counts as served by an initial sync that this stack did not know: "
                f"{first_names(plan.served)}"
            )
        if plan.left:
            self._call.announce(
                f"{amount_is(len(plan.left), 'map')} running already and not synced again; "
                f"a new text in `resync` runs it: {first_names(plan.left)}"
            )
        return plan

    def _syncs(self, plan: SyncPlan) -> InitialSyncs:
        call = self._call
        return InitialSyncs(
            self._service, dict(plan.masters), plan.before, announce=call.announce, progress=call.progress
        )

    def _change_keys(self, keys: KeyPlan, stopped: Collection[str], goal: Mapping[str, str]) -> None:
        """Stop these maps and set the keys; when that fails, the maps go back to their states and it is raised."""
        try:
            self._stop(stopped)
            if keys.link and keys.changes:
                set_keys(self._service, keys.link, keys.changes, self._listed().values(), self._call.progress)
                self._call.announce(f"integration keys set: {', '.join(keys.changes)}")
        except NO_USE:
            raise
        except ApiError:
            self._start_again({name: goal.get(name, "running") for name in stopped})
            raise

    def _stop(self, names: Collection[str]) -> None:
        if not names:
            return
        report = self._operations().bring_to(dict.fromkeys(sorted(names), "stopped"))
        if report.failures:
            for failure in report.failures:
                self._call.warn(f"map '{failure.name}': {failure.text}")
            raise one_error(report.failures, len(names))

    def _start_again(self, stopped: Mapping[str, str]) -> None:
        """What was stopped for something that is refused goes back to its state; the refusal ends the run."""
        for failure in self._operations().bring_to(stopped).failures:
            self._call.warn(f"map '{failure.name}': {failure.text}")

    def _lost_to_a_kill(self, goal: Mapping[str, str], statuses: Mapping[str, EntityMapStatus]) -> set[str]:
        """Maps of somebody else's on tables with declared keys that a killed run of this stack has left stopped.

        At a creation the maps that ran before tell. Later it is the request: maps of one table are stopped in one.
        """
        on_tables = maps_on(self._inputs.integration_keys, statuses.values())
        declared = [status for status in on_tables if goal.get(status.name) in ("running", "paused")]
        others = [status for status in on_tables if status.name not in goal and status.state in NOT_RUNNING]
        lost = {status.name for status in others if self._stopped_by_us(status, declared)}
        self._warn_of_unknown(declared, [status for status in others if status.name not in lost])
        return lost

    def _stopped_by_us(self, status: EntityMapStatus, declared: list[EntityMapStatus]) -> bool:
        """Whether a map ran before a creation, or was stopped in one request with a declared map of its table."""
        ours = {request for each in declared for request in stops(each)}
        return status.name in self._ran_before or last_stop(status) in ours

    def _warn_of_unknown(self, declared: list[EntityMapStatus], others: list[EntityMapStatus]) -> None:
        """Stopped maps of somebody else's that single requests may have stopped, which share nothing."""
        interrupted = any(last_stop(status) for status in declared if status.state in NOT_RUNNING)
        unknown = [status.name for status in others if last_stop(status)]
        if interrupted and unknown:
            self._call.warn(
                f"{first_names(unknown)} stopped: whether an earlier run of this stack did that cannot be known; "
                "start them on the dual-write page where they shall run"
            )

    def _operations(self, syncs: InitialSyncs | None = None) -> MapOperations:
        polls, call = self._polls, self._call
        left = max(0.0, self._end - call.clock())
        pace = Pace(polls.map_action, polls.initial_sync, left, call.clock, call.sleep)
        return MapOperations(
            self._service,
            self._link.cid,
            pace=pace,
            progress=call.progress,
            syncs=syncs,
            skipped_queues=self._skipped_queues,
        )

    def _announce(self, report: Report) -> None:
        call = self._call
        if report.not_installed:
            absent = amount_is(len(report.not_installed), "declared map")
            call.warn(f"{absent} not installed here: {first_names(report.not_installed)}")
        if report.extras:
            extras = first_names(sorted(report.extras))
            call.announce(f"also running, because the service asks for them first: {extras}")
        for failure in report.failures:
            cure = f". {failure.cure}" if failure.cure else ""
            call.warn(f"map '{failure.name}': {failure.text.rstrip('.') if cure else failure.text}{cure}")


def stop_maps(session: Session, cid: str, names: Collection[str], timeout: str, call: Call) -> None:
    """Stop these maps; raises with what could not be stopped."""
    polls = session.profile.polls
    pace = Pace(polls.map_action, polls.initial_sync, seconds(timeout), call.clock, call.sleep)
    operations = MapOperations(session.dual_write, cid, pace=pace, progress=call.progress)
    report = operations.bring_to(dict.fromkeys(names, "stopped"))
    if report.failures:
        raise one_error(report.failures, len(names))


def initialise(session: Session, cid: str, names: Collection[str], call: Call, seconds_left: float) -> None:
    """Give these maps of a link their projects; those that have one, or are not listed, are left as they are."""
    listed = {status.name for status in session.dual_write.maps(cid, fresh=True) if not status.initialised}
    wanted = [name for name in names if name in listed]
    if not wanted:
        return
    polls = session.profile.polls
    pace = Pace(polls.map_action, polls.initial_sync, seconds_left, call.clock, call.sleep)
    operations = MapOperations(session.dual_write, cid, pace=pace, progress=call.progress)
    report = operations.bring_to(dict.fromkeys(wanted, "initialised"), alone=True)
    if report.failures:
        raise one_error(report.failures, len(wanted))
