"""What one run of `LiveSync` leaves in the state: run states, keys, what was started, what is remembered. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from providers.maps.drift import unpinned_versions
from providers.maps.model import LiveSyncInputs, LiveSyncOutputs, states_of
from providers.maps.plan import state_word
from providers.maps.run import RunResult

if TYPE_CHECKING:
    from providers.api.dual_write.models import EntityMapStatus, LinkedEnvironment


def started_by_us(
    inputs: LiveSyncInputs, result: RunResult, before: Collection[str] | None, started: Collection[str]
) -> list[str]:
    """The maps to stop in the end: started by this run or an earlier one, whether or not that one got to its end."""
    if before is None:
        return sorted(started)
    statuses = result.report.statuses
    ours = {name for name in (*inputs.maps, *result.report.extras) if name in statuses}
    live = {name for name in ours if state_word(statuses[name]) != "stopped"}
    return sorted(({*started} | live) - {*before})


def outputs_of(
    inputs: LiveSyncInputs,
    link: LinkedEnvironment,
    finops_host: str,
    result: RunResult,
    started: list[str],
) -> LiveSyncOutputs:
    """The outputs of a run that left nothing undone. `started`: what is ours to stop."""
    report = result.report
    return LiveSyncOutputs.model_validate(
        {
            **inputs.model_dump(mode="json"),
            "maps": states_of(inputs.maps, report.statuses),
            "integration_keys": result.keys,
            "connection_id": link.cid,
            "connection_name": link.cname,
            "finops_host": finops_host,
            "started": started,
            "started_for_service": sorted(report.extras),
            "not_installed": [name for name in report.not_installed if name in inputs.maps],
            "synced": result.synced,
            "sync_runs": result.runs,
            "sync_projects": _projects(report.statuses, result.synced),
            "initial_syncs": result.counts,
            "versions": unpinned_versions(inputs.maps, report.statuses, inputs.pinned),
            "undeclared": sorted(report.statuses.keys() - inputs.maps.keys()),
            "ready": True,
        }
    )


def with_memory(stored: LiveSyncOutputs, inputs: LiveSyncInputs, outputs: LiveSyncOutputs) -> LiveSyncOutputs:
    """The outputs with what the stack remembers of initial syncs that this run did not touch."""
    update = {}
    for field in ("synced", "sync_runs", "sync_projects", "initial_syncs"):
        known = {name: value for name, value in getattr(stored, field).items() if name in inputs.masters}
        update[field] = dict(sorted({**known, **getattr(outputs, field)}.items()))
    return outputs.model_copy(update=update)


def was_reset(statuses: Mapping[str, EntityMapStatus], stored: LiveSyncOutputs) -> bool:
    """Whether maps that this stack started are listed, and none of them has the project that it had."""
    known = [status for name, status in statuses.items() if name in stored.maps]
    return bool(known and stored.started) and not any(_is_as_before(status, stored) for status in known)


def restored_line(result: RunResult) -> str:
    """What a run that followed a reset brought back."""
    started, synced, keys = len(result.report.started), len(result.counts), len(result.keys)
    return f"restored after reset: {started} maps started, {synced} initial syncs, {keys} integration keys"


def _is_as_before(status: EntityMapStatus, stored: LiveSyncOutputs) -> bool:
    return status.initialised and stored.sync_projects.get(status.name, status.detail.pid) == status.detail.pid


def _projects(statuses: Mapping[str, EntityMapStatus], names: Iterable[str]) -> dict[str, str]:
    return {name: statuses[name].detail.pid or "" for name in sorted(statuses.keys() & set(names))}
