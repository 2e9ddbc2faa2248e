"""What a stack does about the maps of its link: ask, bring all to their states in bulk, read, stop. No pulumi."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from providers.api.identity.dual_write_sources import HOW_TO_GET_ONE, dual_write_token_configured
from providers.api.transport.errors import NotFound
from providers.catalogue.durations import seconds
from providers.instances.identifiers import LinkId
from providers.instances.presence import address_of, environment_or_gone
from providers.link.pair import find_link, find_pair
from providers.maps.catch_up import core_problems, require_skippable
from providers.maps.declaration import declared_before, same_keys, skipped_queues, warn_of_paused_prerequisites
from providers.maps.drift import read_live
from providers.maps.live_checks import announce_resyncs, key_problems, warn_of_late_companies
from providers.maps.lost_maps import brought_back
from providers.maps.model import (
    LiveSyncInputs,
    LiveSyncOutputs,
    LiveSyncPrivate,
    Master,
)
from providers.maps.plan import state_word
from providers.maps.results import outputs_of, restored_line, started_by_us, was_reset, with_memory
from providers.maps.run import LiveSyncRun, stop_maps
from providers.maps.sync_plan import Memory as SyncMemory
from providers.maps.sync_volume import volume_problems
from providers.protocol.base import Call, NotRead, Problem
from providers.protocol.words import amount_is, first_names

if TYPE_CHECKING:
    from providers.api.dual_write.models import EntityMapStatus
    from providers.api.session import Session


class LiveMaps:
    """The operations of live sync."""

    def live_problems(self, inputs: LiveSyncInputs, call: Call) -> Iterable[Problem]:
        """Initial syncs that the documents forbid, and keys that cannot change now; nothing before the pair exists."""
        warn_of_paused_prerequisites(inputs, call)
        yield from key_problems(inputs, call)
        yield from core_problems(inputs, skipped_queues(inputs, {}), call)
        yield from volume_problems(inputs, inputs.live_syncs, call)

    def change_problems(self, inputs: LiveSyncInputs, old: LiveSyncInputs, call: Call) -> Iterable[Problem]:
        """The same for the initial syncs that this change brings.

        A reset of the link, and other companies, mean all of them; for maps that run too, but for a person's change of
        the companies.
        """
        if inputs.maps != old.maps:
            warn_of_paused_prerequisites(inputs, call)
            yield from core_problems(inputs, skipped_queues(inputs, declared_before(old)), call)
        if inputs.companies != old.companies or not same_keys(inputs.integration_keys, old.integration_keys):
            yield from key_problems(inputs, call)
        fresh, again = _renewed_syncs(inputs, old, LiveSyncPrivate.of(call.private).company_change)
        announce_resyncs(_changed_syncs(inputs, old).keys() & inputs.resync.keys(), old, call)
        yield from volume_problems(inputs, fresh, call, again=again)

    def create(self, inputs: LiveSyncInputs, call: Call) -> tuple[str, LiveSyncOutputs]:
        """Bring every declared map to its state; what runs already stays as it is."""
        session = call.session(inputs.cloud, gateway=inputs.gateway)
        pair = find_pair(session, inputs.cds, inputs.finops)
        link = find_link(session, pair.finops_host)
        private = LiveSyncPrivate.of(call.private)
        memory, skipped = SyncMemory(resync=inputs.resync), skipped_queues(inputs, {})
        if skipped:
            require_skippable(session, pair.environment_id, inputs, skipped, session.dual_write.maps(link.cid))
        run = LiveSyncRun(
            session,
            link,
            inputs,
            call,
            memory=memory,
            ran_before=private.running_before,
            dropped=private.dropped_maps,
            skipped_queues=skipped,
        )
        result = run.bring(inputs.maps)
        started = started_by_us(inputs, result, private.running_before, result.started)
        outputs = outputs_of(inputs, link, pair.finops_host, result, started)
        return pair.identifier, _placed(outputs, pair.environment_id, f"https://{pair.cds_host}")

    def read(self, identifier: str, stored: LiveSyncOutputs, call: Call) -> LiveSyncOutputs | None:
        """One list call for all maps, one for the keys; what is not as declared is named. Gone with its CDS."""
        if not dual_write_token_configured():
            raise NotRead(HOW_TO_GET_ONE)
        session = call.session(stored.cloud, gateway=stored.gateway)
        place = LinkId.parse(identifier).environment_id
        try:
            live = read_live(session, stored, call)
            return _placed(live, place, address_of(place, stored.cds_url, session))
        except NotFound:
            if environment_or_gone(session.power_platform, place) is not None:
                raise
            return None

    def update(self, identifier: str, stored: LiveSyncOutputs, inputs: LiveSyncInputs, call: Call) -> LiveSyncOutputs:
        """Only what is not as declared; a map that left the declaration is stopped if this stack started it.

        After a reset of the link, which leaves no map its project, everything is restored: keys, initial syncs, states.
        """
        session = call.session(inputs.cloud, gateway=inputs.gateway)
        link = find_link(session, stored.finops_host)
        listed = {status.name: status for status in session.dual_write.maps(link.cid, fresh=True)}
        seen = inputs.maps.keys() & stored.maps.keys() - set(stored.not_installed)
        statuses = brought_back(session, link, listed, seen, call, seconds(inputs.timeout))
        left = _left(statuses, stored, inputs, call)
        private, place = LiveSyncPrivate.of(call.private), LinkId.parse(identifier).environment_id
        memory = SyncMemory(inputs.resync, stored.synced, stored.sync_runs, stored.sync_projects)
        skipped = skipped_queues(inputs, declared_before(stored))
        require_skippable(session, place, inputs, skipped, statuses.values())
        run = LiveSyncRun(
            session, link, inputs, call, memory=memory, dropped=private.dropped_maps, skipped_queues=skipped
        )
        result = run.bring({**inputs.maps, **left})
        if was_reset(statuses, stored):
            call.announce(restored_line(result))
        warn_of_late_companies(stored, inputs, result.counts, call)
        kept = {name for name in stored.started if name in inputs.maps or name not in stored.maps}
        started = started_by_us(inputs, result, private.running_before, kept | result.started)
        outputs = outputs_of(inputs, link, stored.finops_host, result, started)
        outputs = with_memory(stored, inputs, outputs)
        return _placed(outputs, place, address_of(place, stored.cds_url, session))

    def delete(self, identifier: str, stored: LiveSyncOutputs, declared: Iterable[LiveSyncInputs], call: Call) -> None:
        """Stop what this stack started; maps that a person paused stay paused, for their queue is not ours to play.

        The engine does not say why it deletes. What this run declares for the same link (a replacement, another name)
        stays as it is, also after a run that was killed between creation and deletion.
        """
        session = call.session(stored.cloud, gateway=stored.gateway)
        link = session.dual_write.environment(stored.finops_host)
        if link is None:
            return
        statuses = {status.name: status for status in session.dual_write.maps(link.cid, fresh=True)}
        ours = _to_stop(stored, _declared_now(session, identifier, declared), call)
        _leave_paused(_paused(ours, statuses), call)
        states = {name: state_word(statuses[name]) for name in ours if name in statuses}
        running = [name for name, state in states.items() if state not in ("stopped", "paused")]
        stop_maps(session, link.cid, running, stored.timeout, call)


def _placed(outputs: LiveSyncOutputs, environment_id: str, cds_url: str) -> LiveSyncOutputs:
    return outputs.model_copy(update={"environment_id": environment_id, "cds_url": cds_url})


def _declared_now(session: Session, identifier: str, declared: Iterable[LiveSyncInputs]) -> set[str] | None:
    """Maps that resources checked in this run declare for a link; None when none of them is for it."""
    kept: set[str] | None = None
    for inputs in declared:
        try:
            pair = find_pair(session, inputs.cds, inputs.finops, fresh=False)
        except NotFound:
            continue
        if LinkId.parse(pair.identifier) == LinkId.parse(identifier):
            kept = {*(kept or ()), *inputs.maps}
    return kept


def _changed_syncs(inputs: LiveSyncInputs, old: LiveSyncInputs) -> dict[str, Master]:
    """The initial syncs of live maps that the old inputs did not ask for."""
    return {
        name: side
        for name, side in inputs.live_syncs.items()
        if name not in old.live_syncs or inputs.resync.get(name) != old.resync.get(name)
    }


def _renewed_syncs(
    inputs: LiveSyncInputs, old: LiveSyncInputs, company_change: str | None
) -> tuple[dict[str, Master], set[str]]:
    """The initial syncs that a change brings, and those of them that are for running maps too."""
    other_companies = inputs.companies != old.companies
    asks_for_reset = bool(inputs.reset) and inputs.reset != old.reset
    fresh = inputs.live_syncs if other_companies or asks_for_reset else _changed_syncs(inputs, old)
    is_reset = asks_for_reset or (other_companies and company_change == "reset")
    return fresh, set(fresh) if is_reset else fresh.keys() & inputs.resync.keys()


def _left(
    statuses: Mapping[str, EntityMapStatus], stored: LiveSyncOutputs, inputs: LiveSyncInputs, call: Call
) -> dict[str, str]:
    """Maps that left the declaration and shall stop; one that is paused stays so, its queue is not ours to play."""
    gone = [name for name in stored.started if name in stored.maps and name not in inputs.maps]
    paused = _paused(gone, statuses)
    _leave_paused(paused, call)
    return {name: "stopped" for name in gone if name not in paused}


def _paused(names: Iterable[str], statuses: Mapping[str, EntityMapStatus]) -> list[str]:
    return [name for name in names if name in statuses and state_word(statuses[name]) == "paused"]


def _to_stop(stored: LiveSyncOutputs, kept: Collection[str] | None, call: Call) -> list[str]:
    """Maps that a deletion stops: those that this stack started, less what the same run declares (`kept`)."""
    if kept is None:
        return list(stored.started)
    call.announce("declared anew for the same link: only maps that are not declared any more are stopped")
    # What the service asked for first may serve the maps that stay.
    return [name for name in stored.started if name not in kept and name not in stored.started_for_service]


def _leave_paused(names: list[str], call: Call) -> None:
    if names:
        call.warn(f"{amount_is(len(names), 'map')} paused and left so: {first_names(names)}")
