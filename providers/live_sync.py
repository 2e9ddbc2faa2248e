"""`LiveSync`: keys, initial syncs and run states of all entity maps of a link, brought about in bulk.

API: dual-write management service E1 to E5, E7 to E10, E15 (dual-write-management-api.md), and counts of rows on both
sides before an initial sync. Natural key: the link (F&O host and CDS environment). Replaces: either environment. An
initial sync runs once a map, and again when its `resync` text changes. Maps that are declared but not installed are
listed in an output and are no difference. Not read back: which maps are prerequisites (decided offline), what was
dropped, and what the initial syncs moved. A start takes about a quarter of a minute a map (assumed), an initial sync
about a minute a hundred rows; prerequisites come first, independent maps together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Unpack

import pulumi

from providers.api.identity.dual_write_sources import HOW_TO_GET_ONE, dual_write_token_configured
from providers.api.transport.errors import NotFound
from providers.catalogue.durations import seconds
from providers.instances.identifiers import LinkId
from providers.instances.on_cds import OnCds
from providers.instances.presence import environment_or_gone
from providers.instances.references import KnownNames
from providers.link.pair import find_link, find_pair
from providers.maps.catch_up import core_problems, declared_before, require_skippable, skipped_queues, unconsented
from providers.maps.declared_checks import (
    announce_resyncs,
    key_problems,
    late_initial_syncs,
    stopped_prerequisites,
    warn_of_late_companies,
    warn_of_paused_prerequisites,
)
from providers.maps.drift import read_live
from providers.maps.integration_keys import same_keys
from providers.maps.lost_maps import brought_back
from providers.maps.model import (
    LiveSyncArguments,
    LiveSyncInputs,
    LiveSyncOutputs,
    LiveSyncPrivate,
    Master,
    canonical_inputs,
)
from providers.maps.plan import nearest_state, state_word
from providers.maps.results import outputs_of, restored_line, started_by_us, was_reset, with_memory
from providers.maps.run import LiveSyncRun, stop_maps
from providers.maps.sync_plan import Memory as SyncMemory
from providers.maps.sync_volume import volume_problems
from providers.protocol.bags import Bag
from providers.protocol.base import Call, ManagedResource, NotRead, Problem, Stored
from providers.protocol.diff import Meaning
from providers.protocol.memory import Memory
from providers.protocol.words import amount_is, first_names

if TYPE_CHECKING:
    from providers.api.dual_write.models import EntityMapStatus
    from providers.api.session import Session

__all__ = ["LiveSync", "LiveSyncInputs", "LiveSyncOutputs", "LiveSyncProvider"]

# By URN, from the checks of this run.
_declared: Memory[LiveSyncInputs] = Memory()


class LiveSyncProvider(OnCds[LiveSyncInputs, LiveSyncOutputs]):
    """All maps at once: what is as declared is left alone."""

    resource = "LiveSync"
    inputs = LiveSyncInputs
    outputs = LiveSyncOutputs
    private_inputs = LiveSyncPrivate

    def normalise(self, inputs: LiveSyncInputs) -> LiveSyncInputs:
        """Everything in one stable order."""
        return canonical_inputs(inputs)

    def old_inputs_of(self, old: Bag) -> LiveSyncInputs | None:
        """A refresh records states that nobody declares (initializing, not installed): they are no older form."""
        maps = {name: nearest_state(str(state)) for name, state in (old.get("maps") or {}).items()}
        return super().old_inputs_of({**old, "maps": maps} if maps else old)

    def problems(self, inputs: LiveSyncInputs, old: LiveSyncInputs | None) -> Iterable[Problem]:
        """Initial syncs and texts of maps that are not declared, or come too late; what is stopped; consents."""
        named = (("initial_sync", inputs.masters), ("resync", inputs.resync), ("catch_up", inputs.catch_up))
        for field, names in named:
            for name in names:
                if name not in inputs.maps:
                    yield Problem(f"{field}[{name!r}]", "is no map of `maps`")
        yield from stopped_prerequisites(inputs)
        if old:
            yield from late_initial_syncs(inputs, old)
            yield from unconsented(inputs, skipped_queues(inputs, declared_before(old)), _today())

    def live_problems(self, inputs: LiveSyncInputs, call: Call) -> Iterable[Problem]:
        """Initial syncs that the documents forbid, and keys that cannot change now; nothing before the pair exists."""
        warn_of_paused_prerequisites(inputs, call)
        yield from key_problems(inputs, call)
        yield from core_problems(inputs, skipped_queues(inputs, {}), call)
        yield from volume_problems(inputs, inputs.live_syncs, call)

    def live_change_problems(self, inputs: LiveSyncInputs, old: LiveSyncInputs, call: Call) -> Iterable[Problem]:
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

    def meaning(self, name: str, was: Any, wanted: Any, stored: Stored) -> Meaning:
        """Keys are sets of columns without case."""
        if name == "integration_keys" and same_keys(was or {}, wanted or {}):
            return Meaning.SAME
        return super().meaning(name, was, wanted, stored)

    def names(self, stored: Stored) -> KnownNames:
        """Older outputs lack the id of the environment; it is the second half of the link's natural key."""
        known = super().names(stored)
        return known._replace(environment_id=known.environment_id or LinkId.parse(stored.identifier).environment_id)

    def noted(self, inputs: LiveSyncInputs, old: LiveSyncInputs | None, call: Call) -> None:
        """Which maps this run declares: a deletion of the same run leaves those of the same link alone."""
        _declared.put(call.row.urn, inputs)

    def on_create(self, inputs: LiveSyncInputs, call: Call) -> tuple[str, LiveSyncOutputs]:
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

    def on_read(self, identifier: str, stored: LiveSyncOutputs, call: Call) -> LiveSyncOutputs | None:
        """One list call for all maps, one for the keys; what is not as declared is named. Gone with its CDS."""
        if not dual_write_token_configured():
            raise NotRead(HOW_TO_GET_ONE)
        session = call.session(stored.cloud, gateway=stored.gateway)
        place = LinkId.parse(identifier).environment_id
        try:
            live = read_live(session, stored, call)
            return _placed(live, place, self.address_of(place, stored.cds_url, session))
        except NotFound:
            if environment_or_gone(session.power_platform, place) is not None:
                raise
            return None

    def on_update(
        self, identifier: str, stored: LiveSyncOutputs, inputs: LiveSyncInputs, call: Call
    ) -> LiveSyncOutputs:
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
        return _placed(outputs, place, self.address_of(place, stored.cds_url, session))

    def on_delete(self, identifier: str, stored: LiveSyncOutputs, call: Call) -> None:
        """Stop what this stack started; maps that a person paused stay paused, for their queue is not ours to play.

        The engine does not say why it deletes. What this run declares for the same link (a replacement, another name)
        stays as it is, also after a run that was killed between creation and deletion.
        """
        session = call.session(stored.cloud, gateway=stored.gateway)
        link = session.dual_write.environment(stored.finops_host)
        if link is None:
            return
        statuses = {status.name: status for status in session.dual_write.maps(link.cid, fresh=True)}
        ours = _to_stop(stored, _declared_now(session, identifier), call)
        _leave_paused(_paused(ours, statuses), call)
        states = {name: state_word(statuses[name]) for name in ours if name in statuses}
        running = [name for name, state in states.items() if state not in ("stopped", "paused")]
        stop_maps(session, link.cid, running, stored.timeout, call)


class LiveSync(ManagedResource, module="dualwrite", name="LiveSync"):
    """The run states of all maps of a link."""

    cloud: pulumi.Output[str]
    cds: pulumi.Output[str]
    maps: pulumi.Output[dict[str, str]]
    integration_keys: pulumi.Output[Any]  # a set, as the two below: in the state of older code a list
    initial_syncs: pulumi.Output[dict[str, dict[str, dict[str, int]]]]
    synced: pulumi.Output[dict[str, str]]
    prerequisites_added: pulumi.Output[Any]
    dropped: pulumi.Output[Any]
    connection_id: pulumi.Output[str]
    not_installed: pulumi.Output[list[str]]
    started: pulumi.Output[list[str]]
    ready: pulumi.Output[bool]

    def __init__(
        self, resource_name: str, *, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[LiveSyncArguments]
    ) -> None:
        dropped = inputs.get("dropped")
        shown = {
            "dropped": None if dropped is None else [f"{map_name}: {why}" for map_name, why in dropped.items()],
            "dropped_maps": sorted(dropped) if dropped else None,
        }
        super().__init__(LiveSyncProvider(), resource_name, {**inputs, **shown}, opts)


def _placed(outputs: LiveSyncOutputs, environment_id: str, cds_url: str) -> LiveSyncOutputs:
    return outputs.model_copy(update={"environment_id": environment_id, "cds_url": cds_url})


def _declared_now(session: Session, identifier: str) -> set[str] | None:
    """Maps that resources checked in this run declare for a link; None when none of them is for it."""
    kept: set[str] | None = None
    for inputs in _declared.values():
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


def _today() -> date:
    return datetime.now(UTC).date()


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
