"""Which maps still need their initial sync: an initial sync runs once, and again only when `resync` gets a new text.

What was done is remembered in the stack; where the stack knows nothing (a new one, one whose last run was killed or
failed), the service's own history decides (E15), so that nothing is synced twice. No pulumi.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from providers.api.dual_write.actions import MapState, Master
from providers.maps.initial_sync import MASTERS, SyncRun, newest_run
from providers.maps.model import Counts

if TYPE_CHECKING:
    from providers.api.dual_write.client import DualWriteManagement
    from providers.api.dual_write.models import EntityMapStatus

# Live, or on the way to it: rows flow, or queue up to.
LIVE = (MapState.RUNNING, MapState.PAUSED, MapState.CATCH_UP)


@dataclass
class SyncPlan:
    """What is left to sync and what is done.

    `masters`: map to the side that wins; `again`: those of them that are live and have to be stopped first;
    `before`: map to its newest ended run; `synced`: map to the `resync` text that was served; `counts`: what the runs
    moved that were found done; `runs`: map to the newest run that the plan knows of, empty for none; `left`: maps that
    run already without ever having been synced, and are left so; `served`: maps whose new text is served by a run that
    the stack did not know.
    """

    masters: dict[str, Master] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    synced: dict[str, str] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    served: list[str] = field(default_factory=list)

    def sync(self, name: str, master: Master, run: SyncRun | None = None) -> None:
        """The map needs its initial sync; `run` is its newest one so far."""
        self.masters[name] = master
        if run is not None and not run.under_way:
            self.before[name] = run.run_id

    def is_done(self, name: str, text: str, run: SyncRun) -> None:
        """A run of the map served the text."""
        self.synced[name], self.counts[name], self.runs[name] = text, run.counts, run.run_id


@dataclass(frozen=True)
class Memory:
    """What the stack asks of initial syncs and remembers of them.

    `resync`: map to the text that asks for one more run; `synced`: map to the text that was served last; `runs`: map to
    its newest run then, empty for none; `projects`: map to its project then.
    """

    resync: Mapping[str, str] = field(default_factory=dict)
    synced: Mapping[str, str] = field(default_factory=dict)
    runs: Mapping[str, str] = field(default_factory=dict)
    projects: Mapping[str, str] = field(default_factory=dict)

    def knows(self, status: EntityMapStatus) -> bool:
        """Whether the map was synced as it is: after a reset it has another project, and no history."""
        name = status.name
        return name in self.synced and self.projects.get(name, status.detail.pid) == status.detail.pid

    def is_served(self, name: str) -> bool:
        """Whether the map was synced for the text that is declared; no text asks for nothing."""
        return name in self.synced and (self.resync.get(name) or self.synced[name]) == self.synced[name]

    def is_new(self, name: str, run: SyncRun) -> bool:
        """Whether the stack knows of an earlier run, and this is not it."""
        return name in self.runs and run.run_id != self.runs[name]


def plan_syncs(
    service: DualWriteManagement,
    statuses: Mapping[str, EntityMapStatus],
    sides: Mapping[str, str],
    memory: Memory,
) -> SyncPlan:
    """The plan for the maps of `sides` (map to `finops` or `cds`), all of which shall be live in the end.

    One E15 for each map with a project that the stack does not remember or that has a new text. Maps that are not
    installed are left out.
    """
    plan = SyncPlan()
    renewed: list[EntityMapStatus] = []
    for name, side in sorted(sides.items()):
        status = statuses.get(name)
        if status is None:
            continue
        # A reset wipes projects and history: whatever the stack remembers, the map starts anew.
        if not status.initialised:
            plan.sync(name, MASTERS[side])
        elif not memory.knows(status):
            _look_up(plan, service, status, MASTERS[side], memory.resync.get(name, ""))
        elif memory.is_served(name):
            plan.synced[name] = memory.synced[name]
        else:
            renewed.append(status)
    _renew(plan, service, renewed, sides, memory)
    return plan


def _renew(
    plan: SyncPlan,
    service: DualWriteManagement,
    renewed: Sequence[EntityMapStatus],
    sides: Mapping[str, str],
    memory: Memory,
) -> None:
    """Maps that have another text than the stack remembers.

    A run that ended although its `up` was killed is not remembered: a live map with a clean run that the stack does not
    know counts as served by it.
    """
    for status in renewed:
        name, live = status.name, status.state in LIVE
        run = newest_run(service.executions(status.detail.pid or ""))
        if live and run is not None and _ended_unknown(memory, name, run):
            plan.is_done(name, memory.resync[name], run)
            plan.served.append(name)
            continue
        plan.sync(name, MASTERS[sides[name]], run)
        if live:
            plan.again.append(name)


def _ended_unknown(memory: Memory, name: str, run: SyncRun) -> bool:
    """Whether a run went well that the stack does not remember."""
    return run.clean and memory.is_new(name, run)


def _look_up(plan: SyncPlan, service: DualWriteManagement, status: EntityMapStatus, master: Master, text: str) -> None:
    """A map that the stack does not remember: the service's own history decides."""
    name = status.name
    if status.state == MapState.INITIAL_SYNC:
        # A killed run's, or a person's: it is followed.
        plan.sync(name, master)
        return
    run = newest_run(service.executions(status.detail.pid or ""))
    plan.runs[name] = run.run_id if run else ""
    if run is not None and run.clean:
        plan.is_done(name, text, run)
    elif status.state in LIVE:
        plan.synced[name] = text
        plan.left.append(name)
    else:
        plan.sync(name, master, run)
