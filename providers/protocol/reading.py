"""What an operation stores: outputs that echo every input, and inputs as the service holds them (R22, R34)."""

from typing import Any

from providers.protocol.bags import Bag, visible
from providers.protocol.kind import Out, ResourceKind
from providers.protocol.marks import Recorded, mark
from providers.protocol.row import row_of


def outputs_bag(kind: ResourceKind[Any, Out], props: Bag, outputs: Out) -> Bag:
    """Every managed input under its own name, overlaid with what the service holds."""
    fields = kind.inputs.model_fields
    echoed = {name: value for name, value in visible(props).items() if name in fields}
    recorded = {name: value for name, value in echoed.items() if mark(fields[name], Recorded)}
    stored = {**echoed, **outputs.model_dump(mode="json", exclude_none=True), **recorded}
    return {**kind.packed(stored), **row_of(props)}


def live_inputs(kind: ResourceKind[Any, Any], props: Bag, outs: Bag) -> Bag:
    """Inputs as the service holds them, in the user's own form wherever that means the same."""
    stored, live = visible(props), visible(outs)
    drifted = kind.difference(live, stored).fields
    names = kind.managed(kind.outputs_of(outs))
    managed = {
        name: value if name in drifted else stored.get(name, value)
        for name, value in live.items()
        if name in names and kind.shows(name, value)
    }
    return {**kind.packed(managed), **row_of(outs)}


def stored_bag(kind: ResourceKind[Any, Any], props: Bag) -> Bag:
    """The outputs as they are stored, for a state that cannot be read now."""
    return {**kind.packed(visible(props)), **row_of(props)}
