"""`LiveSync`: keys, initial syncs and run states of all entity maps of a link, brought about in bulk.

API: dual-write management service E1 to E5, E7 to E10, E15 (dual-write-management-api.md), and counts of rows on both
sides before an initial sync. Natural key: the link (F&O host and CDS environment). Replaces: either environment. An
initial sync runs once a map, and again when its `resync` text changes. Maps that are declared but not installed are
listed in an output and are no difference. Not read back: which maps are prerequisites (decided offline), what was
dropped, and what the initial syncs moved. A start takes about a quarter of a minute a map (assumed), an initial sync
about a minute a hundred rows; prerequisites come first, independent maps together.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Unpack

import pulumi

from providers.instances.identifiers import LinkId
from providers.instances.on_cds import OnCds
from providers.instances.references import KnownNames
from providers.maps.declaration import (
    declared_before,
    late_initial_syncs,
    same_keys,
    skipped_queues,
    stopped_prerequisites,
    unconsented,
)
from providers.maps.model import (
    LiveSyncArguments,
    LiveSyncInputs,
    LiveSyncOutputs,
    LiveSyncPrivate,
    canonical_inputs,
)
from providers.maps.plan import nearest_state
from providers.protocol.bags import Bag
from providers.protocol.base import Call, ManagedResource, Problem, Stored
from providers.protocol.diff import Meaning
from providers.protocol.memory import Memory

if TYPE_CHECKING:
    from providers.maps.live_maps import LiveMaps

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
            yield from unconsented(inputs, skipped_queues(inputs, declared_before(old)), datetime.now(UTC).date())

    def live_problems(self, inputs: LiveSyncInputs, call: Call) -> Iterable[Problem]:
        """Initial syncs that the documents forbid, and keys that cannot change now; nothing before the pair exists."""
        return _live_maps().live_problems(inputs, call)

    def live_change_problems(self, inputs: LiveSyncInputs, old: LiveSyncInputs, call: Call) -> Iterable[Problem]:
        """The same for the initial syncs that this change brings."""
        return _live_maps().change_problems(inputs, old, call)

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
        return _live_maps().create(inputs, call)

    def on_read(self, identifier: str, stored: LiveSyncOutputs, call: Call) -> LiveSyncOutputs | None:
        """One list call for all maps, one for the keys; what is not as declared is named. Gone with its CDS."""
        return _live_maps().read(identifier, stored, call)

    def on_update(
        self, identifier: str, stored: LiveSyncOutputs, inputs: LiveSyncInputs, call: Call
    ) -> LiveSyncOutputs:
        """Only what is not as declared; a map that left the declaration is stopped if this stack started it."""
        return _live_maps().update(identifier, stored, inputs, call)

    def on_delete(self, identifier: str, stored: LiveSyncOutputs, call: Call) -> None:
        """Stop what this stack started; maps that a person paused stay paused, for their queue is not ours to play."""
        _live_maps().delete(identifier, stored, _declared.values(), call)


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


def _live_maps() -> LiveMaps:
    """Loaded by the first operation that asks a service or changes something; most previews do neither."""
    from providers.maps.live_maps import LiveMaps

    return LiveMaps()
