"""`CompanyBootstrap`: an F&O company on the CDS rows that have none, so that they can take part in dual-write.

API: Dataverse Web API, `$batch` (dual-write-semantics.md 5.1, 6, 12.2). Natural key: the connection and the company.
Replaces: CDS environment, company. One-off, no watch: unchanged inputs do nothing, a refresh counts nothing, deletion
leaves the rows as they are. Writes the company column alone, and only on rows in scope that have no company (or
another one, with `overwrite`). A business unit means its own rows, not those of units below it; tables without one
are stamped whole. Takes minutes for ten thousand rows, longer when maps are live (assumed).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Unpack

import pulumi

from providers.api.transport.errors import NotFound
from providers.instances.identifiers import on_environment
from providers.instances.on_cds import OnCds
from providers.instances.references import resolve
from providers.protocol.addresses import short_name
from providers.protocol.base import Call, ManagedResource, Problem
from providers.protocol.problems import Fixed
from providers.stamping.model import BootstrapArguments, BootstrapInputs, BootstrapOutputs, BootstrapPrivate

if TYPE_CHECKING:
    from providers.api.power_platform.models import Environment

__all__ = ["BootstrapInputs", "BootstrapOutputs", "CompanyBootstrap", "CompanyBootstrapProvider"]


class CompanyBootstrapProvider(OnCds[BootstrapInputs, BootstrapOutputs]):
    """Stamp what lacks the company; running it again stamps only what lacks it still."""

    resource = "CompanyBootstrap"
    inputs = BootstrapInputs
    outputs = BootstrapOutputs
    private_inputs = BootstrapPrivate

    def name_of(self, values: BootstrapInputs | BootstrapOutputs) -> str:
        """Company and CDS environment as the stack calls it."""
        return f"{values.company} on {short_name(values.cds)}"

    def normalise(self, inputs: BootstrapInputs) -> BootstrapInputs:
        """Business units once each, in one stable order; tables stay in theirs."""
        named = {name.strip().casefold(): name.strip() for name in reversed(inputs.business_units)}
        return inputs.model_copy(update={"business_units": [named[key] for key in sorted(named)]})

    def problems(self, inputs: BootstrapInputs, old: BootstrapInputs | None) -> Iterable[Problem]:
        """A table that is named twice, and another order of a bootstrap that has stamped its rows."""
        if old and not old.simulate and old.order != inputs.order:
            text = f"cannot change from {old.order!r} to {inputs.order!r}: the rows are stamped, and an order says when"
            yield Fixed("order", f"{text}; put the old value back")
        for place, table in enumerate(inputs.tables):
            if table in inputs.tables[:place]:
                yield Problem(f"tables[{place}]", f"'{table}' is named twice")

    def live_problems(self, inputs: BootstrapInputs, call: Call) -> Iterable[Problem]:
        """Business units that are not there; what the link, F&O and the rows say against company, tables and volume.

        Only what can be read now: environment, link and packages may be made later in the same `up`.
        """
        return _problems(inputs, call, rows=True)

    def live_change_problems(self, inputs: BootstrapInputs, old: BootstrapInputs, call: Call) -> Iterable[Problem]:
        """The same as before a creation, but for the volume: the maps have had their initial sync."""
        return _problems(inputs, call, rows=False)

    def on_create(self, inputs: BootstrapInputs, call: Call) -> tuple[str, BootstrapOutputs]:
        """Stamp all rows in scope."""
        session = call.session(inputs.cloud)
        environment = resolve(session.power_platform.environments(fresh=True), inputs.cds)
        return on_environment(environment.id, inputs.company), _bootstrapped(environment, inputs, call)

    def on_read(self, identifier: str, stored: BootstrapOutputs, call: Call) -> BootstrapOutputs | None:
        """What was counted when it ended; gone with its environment."""
        service = call.session(stored.cloud).power_platform
        listed = next((each for each in service.environments() if each.id == stored.environment_id), None)
        try:
            environment = listed or service.environment(stored.environment_id)
        except NotFound:
            return None
        return stored.model_copy(update={"cds_url": environment.url or stored.cds_url})

    def on_update(
        self, identifier: str, stored: BootstrapOutputs, inputs: BootstrapInputs, call: Call
    ) -> BootstrapOutputs:
        """Stamp the rows in the new scope; rows that left it keep their company."""
        environment = call.session(inputs.cloud).power_platform.environment(stored.environment_id)
        return _bootstrapped(environment, inputs, call)

    def on_delete(self, identifier: str, stored: BootstrapOutputs, call: Call) -> None:
        """Say that the rows keep their company."""
        call.announce(f"rows keep their company {stored.company}: a bootstrap is not taken back")


class CompanyBootstrap(ManagedResource, module="dualwrite", name="CompanyBootstrap"):
    """A company stamped on the CDS rows that have none."""

    cloud: pulumi.Output[str]
    cds: pulumi.Output[str]
    company: pulumi.Output[str]
    tables: pulumi.Output[list[str]]
    rows: pulumi.Output[dict[str, int]]
    unstamped: pulumi.Output[dict[str, int]]
    complete: pulumi.Output[bool]

    def __init__(
        self, resource_name: str, *, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[BootstrapArguments]
    ) -> None:
        super().__init__(CompanyBootstrapProvider(), resource_name, inputs, opts)


# How rows are stamped is loaded by the first operation that reads or writes some; most previews do not.
def _problems(inputs: BootstrapInputs, call: Call, *, rows: bool) -> Iterable[Problem]:
    from providers.stamping.bootstrap import problems

    return problems(inputs, call, rows=rows)


def _bootstrapped(environment: "Environment", inputs: BootstrapInputs, call: Call) -> BootstrapOutputs:
    from providers.stamping.bootstrap import bootstrapped

    return bootstrapped(environment, inputs, call)
