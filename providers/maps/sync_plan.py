"""Which maps still need their initial sync: an initial sync runs once, and again only when `resync` gets a new text.

What was done is remembered in the stack; where the stack knows nothing (a new one, one whose last run was killed or
failed), the service's own history decides (E15), so that nothing is synced twice. No pulumi.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from providers.api.dual_write.client import DualWriteManagement
from providers.api.dual_write.models import EntityMapStatus, MapState, Master
from providers.maps.initial_sync import MASTERS, Counts, newest_run

# Live, or on the way to it: rows flow, or queue up to.
LIVE = (MapState.RUNNING, MapState.PAUSED, MapState.CATCH_UP)


@dataclass
class SyncPlan:
    """What is left to sync and what is done.

    `masters`: map to the side that wins; `again`: those of them that are live and have to be stopped first;
    `before`: map to its newest ended run; `synced`: map to the `resync` text that was served; `counts`: what the runs
    moved that were found done; `runs`: map to the newest run that the plan knows of, empty for none; `left`: maps that
    run already without ever having been synced, and are left so.
    """

    masters: dict[str, Master] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    synced: dict[str, str] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def plan_syncs(
    service: DualWriteManagement,
    statuses: Mapping[str, EntityMapStatus],
    sides: Mapping[str, str],
    *,
    resync: Mapping[str, str],
    synced: Mapping[str, str],
    runs: Mapping[str, str],
) -> SyncPlan:
    """The plan for the maps of `sides` (map to `finops` or `cds`), all of which shall be live in the end.

    `synced` and `runs` are what the stack remembers. One E15 for each map with a project that the stack does not
    remember or that has a new text. Maps that are not installed are left out.
    """
    plan = SyncPlan()
    renewed: list[tuple[EntityMapStatus, Master]] = []
    for name, side in sorted(sides.items()):
        status = statuses.get(name)
        if status is None:
            continue
        # A reset wipes projects and history: whatever the stack remembers, the map starts anew.
        if not status.initialised:
            plan.masters[name] = MASTERS[side]
        elif name not in synced:
            _looked_up(plan, service, status, MASTERS[side], resync.get(name, ""))
        elif (resync.get(name) or synced[name]) == synced[name]:
            plan.synced[name] = synced[name]
        else:
            renewed.append((status, MASTERS[side]))
    _renew(plan, service, renewed, resync, runs)
    return plan


def _renew(
    plan: SyncPlan,
    service: DualWriteManagement,
    renewed: Sequence[tuple[EntityMapStatus, Master]],
    texts: Mapping[str, str],
    runs: Mapping[str, str],
) -> None:
    """Maps that have another text than the stack remembers.

    A run that was killed or failed is not remembered, but it leaves maps down: then those that are live and have a
    clean run that the stack does not know were through already.
    """
    broken_off = any(status.state not in LIVE for status, _ in renewed)
    for status, master in renewed:
        name, live = status.name, status.state in LIVE
        run = newest_run(service.executions(status.detail.pid or ""))
        unknown = run is not None and name in runs and run.run_id != runs[name]
        if run is not None and broken_off and live and unknown and run.clean:
            plan.synced[name], plan.counts[name], plan.runs[name] = texts[name], run.counts, run.run_id
            continue
        plan.masters[name] = master
        if run is not None and not run.under_way:
            plan.before[name] = run.run_id
        if live:
            plan.again.append(name)


def _looked_up(
    plan: SyncPlan,
    service: DualWriteManagement,
    status: EntityMapStatus,
    master: Master,
    text: str,
) -> None:
    name = status.name
    if status.state == MapState.INITIAL_SYNC:
        # A killed run's, or a person's: it is followed.
        plan.masters[name] = master
        return
    run = newest_run(service.executions(status.detail.pid or ""))
    plan.runs[name] = run.run_id if run else ""
    if run is not None and run.clean:
        plan.synced[name], plan.counts[name] = text, run.counts
    elif status.state in LIVE:
        plan.synced[name] = text
        plan.left.append(name)
    else:
        plan.masters[name] = master
        if run is not None and not run.under_way:
            plan.before[name] = run.run_id
