"""Which maps still need their initial sync: an initial sync runs once, and again only when `resync` gets a new text.

What was done is remembered in the stack; where the stack knows nothing (a new one, one whose last run was killed or
failed), the service's own history decides (E15), so that nothing is synced twice. No pulumi.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.api.dual_write import DualWriteManagement
from providers.api.dual_write_models import EntityMapStatus, MapState, Master
from providers.initial_sync import MASTERS, Counts, newest_run

# Live, or on the way to it: rows flow, or queue up to.
LIVE = (MapState.RUNNING, MapState.PAUSED, MapState.CATCH_UP)


@dataclass
class SyncPlan:
    """What is left to sync and what is done.

    `masters`: map to the side that wins; `again`: those of them that are live and have to be stopped first;
    `before`: map to its newest ended run; `synced`: map to the `resync` text that was served; `counts`: what the runs
    moved that were found done; `left`: maps that run already without ever having been synced, and are left so.
    """

    masters: dict[str, Master] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    synced: dict[str, str] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def plan_syncs(
    service: DualWriteManagement,
    statuses: Mapping[str, EntityMapStatus],
    sides: Mapping[str, str],
    *,
    resync: Mapping[str, str],
    synced: Mapping[str, str],
) -> SyncPlan:
    """The plan for the maps of `sides` (map to `finops` or `cds`), all of which shall be live in the end.

    One E15 for each map with a project that the stack does not remember. Maps that are not installed are left out.
    """
    plan = SyncPlan()
    for name, side in sorted(sides.items()):
        status = statuses.get(name)
        if status is None:
            continue
        # A reset wipes projects and history: whatever the stack remembers, the map starts anew.
        if not status.initialised:
            plan.masters[name] = MASTERS[side]
        elif name in synced:
            _remembered(plan, status, MASTERS[side], resync.get(name, ""), synced[name])
        else:
            _looked_up(plan, service, status, MASTERS[side], resync.get(name, ""))
    return plan


def _remembered(plan: SyncPlan, status: EntityMapStatus, master: Master, wanted: str, served: str) -> None:
    if not wanted or wanted == served:
        plan.synced[status.name] = served
        return
    plan.masters[status.name] = master
    if status.state in LIVE:
        plan.again.append(status.name)


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
    if run is not None and run.clean:
        plan.synced[name], plan.counts[name] = text, run.counts
    elif status.state in LIVE:
        plan.synced[name] = text
        plan.left.append(name)
    else:
        plan.masters[name] = master
        if run is not None and not any(each.under_way for each in run.executions):
            plan.before[name] = run.run_id
