"""`DualWriteConnection`: the link between one F&O and one CDS environment, healthy, with its companies and solutions.

API: dual-write management service E1, E2, E10 to E14 (dual-write-management-api.md), and both sides for the health
check and for what dual-write needs to be let in. Natural key: F&O host and CDS environment. Replaces: either. No call
makes or removes a link: it is waited for, and forgotten. Companies change by a reset, with consent where maps have run,
or by a person. Read back of the applied solutions is whether the link has their maps. Takes under 5 minutes for the
link, about 2 a solution.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Unpack

import pulumi

from providers.catalogue.companies import in_one_order
from providers.instances.hosts import gateway_problem
from providers.instances.on_cds import OnCds
from providers.instances.references import is_id
from providers.link.model import (
    ConnectionArguments,
    ConnectionInputs,
    ConnectionOutputs,
    ConnectionPrivate,
    from_link,
    too_many,
)
from providers.protocol.addresses import short_name
from providers.protocol.base import Call, ManagedResource, Problem
from providers.protocol.findings import CONSENT_IDLE

if TYPE_CHECKING:
    from providers.link.linking import Linking

__all__ = ["ConnectionInputs", "ConnectionOutputs", "DualWriteConnection", "DualWriteConnectionProvider", "from_link"]


class DualWriteConnectionProvider(OnCds[ConnectionInputs, ConnectionOutputs]):
    """Wait for the link, let dual-write in, check it, bring its companies, apply the map solutions one at a time."""

    resource = "DualWriteConnection"
    inputs = ConnectionInputs
    outputs = ConnectionOutputs
    private_inputs = ConnectionPrivate

    def normalise(self, inputs: ConnectionInputs) -> ConnectionInputs:
        """Company codes in upper case, in one order."""
        return inputs.model_copy(update={"companies": in_one_order(inputs.companies)})

    def problems(self, inputs: ConnectionInputs, old: ConnectionInputs | None) -> Iterator[Problem]:
        """More companies than a link takes, and a gateway outside the cloud."""
        foreign = gateway_problem(inputs.cloud, inputs.gateway)
        if foreign:
            yield Problem("gateway", foreign)
        text = (
            None if isinstance(inputs.companies, str) else too_many(len(inputs.companies), inputs.live_companies_limit)
        )
        if text:
            yield Problem("companies", f"the list has {text}")

    def noted(self, inputs: ConnectionInputs, old: ConnectionInputs | None, call: Call) -> None:
        """Consents to a reset that have ended, or name another link."""
        for entry in (entry for entry in inputs.confirm if entry.action == "reset-link"):
            name, ours = f"the consent {entry.action} for {entry.target}", short_name(inputs.cds)
            if entry.expired(datetime.now(UTC).date()):
                call.announce(f"{name} ended on {entry.until} and counts as absent", CONSENT_IDLE)
            elif not is_id(inputs.cds) and entry.target.casefold() != ours.casefold():
                call.announce(f"{name} serves nothing: the link of this stack is that of '{ours}'", CONSENT_IDLE)

    def live_problems(self, inputs: ConnectionInputs, call: Call) -> Iterator[Problem]:
        """What is known of a pair that exists: partner, companies, health; silent while there is none, or no link."""
        return _linking().live_problems(inputs, call)

    def live_change_problems(self, inputs: ConnectionInputs, old: ConnectionInputs, call: Call) -> Iterator[Problem]:
        """A reset that needs consent is refused without it; every other way to other companies is announced."""
        return _linking().change_problems(inputs, old, call)

    def on_create(self, inputs: ConnectionInputs, call: Call) -> tuple[str, ConnectionOutputs]:
        """Bring an existing or arriving link to what is declared; safe to repeat."""
        return _linking().create(inputs, call)

    def on_read(self, identifier: str, stored: ConnectionOutputs, call: Call) -> ConnectionOutputs | None:
        """The link and its companies; gone with its CDS environment, an error when the service no longer lists it."""
        return _linking().read(stored, call)

    def on_update(
        self, identifier: str, stored: ConnectionOutputs, inputs: ConnectionInputs, call: Call
    ) -> ConnectionOutputs:
        """The same steps as on creation; what is there already is not done again."""
        return _linking().update(stored, inputs, call)

    def on_delete(self, identifier: str, stored: ConnectionOutputs, call: Call) -> None:
        """Forget the link: the service has no unlink. LiveSync has stopped what it started."""
        call.announce("the link itself stays: the service has no unlink; it ends with its environments")


class DualWriteConnection(ManagedResource, module="dualwrite", name="DualWriteConnection"):
    """The dual-write link of one pair."""

    cloud: pulumi.Output[str]
    cds: pulumi.Output[str]
    companies: pulumi.Output[Any]  # a list or `as-linked`: the SDK translates no union
    solutions: pulumi.Output[list[str]]
    connection_id: pulumi.Output[str]
    finops_url: pulumi.Output[str]
    cds_url: pulumi.Output[str]
    linked_companies: pulumi.Output[list[str]]
    running_before: pulumi.Output[list[str]]
    health: pulumi.Output[list[str]]
    not_checked: pulumi.Output[list[str]]

    def __init__(
        self, resource_name: str, *, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[ConnectionArguments]
    ) -> None:
        super().__init__(DualWriteConnectionProvider(), resource_name, inputs, opts)


def _linking() -> Linking:
    """Loaded by the first operation that asks a service or changes something; most previews do neither."""
    from providers.link.linking import Linking
    from providers.maps.run import initialise

    return Linking(initialise)
