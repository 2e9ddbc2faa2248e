"""`DualWritePair`: one F&O instance and one CDS instance, linked, with live data sync.

Wires resources, does no work and reads no config. Every child's name is derived from the component's own, so that a
program can build several pairs. Children come in the order of the real set-up, each after the one before.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

import pulumi

from components.config import Cds, Confirmation, Connection, FinOps, Maps, Stack, State, Timeouts
from providers._consent import Consent, missing_consent
from providers.application_package import ApplicationPackage
from providers.catalogue import Selection, choose_maps
from providers.cds_instance import CdsInstance
from providers.dual_write_connection import DualWriteConnection
from providers.finops_instance import FinOpsInstance
from providers.live_sync import LiveSync

Value = TypeVar("Value")


@dataclass(frozen=True)
class DualWritePairArgs:
    """Everything a pair is made from: sections as in the stack file. `today` decides which consents still count."""

    cds: Cds
    finops: FinOps
    maps: Maps
    today: date
    cloud: str = "emulator"
    connection: Connection = field(default_factory=Connection)
    timeouts: Timeouts = field(default_factory=Timeouts)
    confirm: tuple[Confirmation, ...] = ()

    @classmethod
    def from_stack(cls, stack: Stack, today: date) -> "DualWritePairArgs":
        """The pair that a stack file describes."""
        return cls(
            cds=stack.cds,
            finops=stack.finops,
            maps=stack.maps,
            today=today,
            cloud=stack.cloud,
            connection=stack.connection,
            timeouts=stack.timeouts,
            confirm=tuple(stack.confirm),
        )


class DualWritePair(pulumi.ComponentResource):
    """A new CDS instance with F&O on it, the packages that the maps need, the link, and the maps' run state.

    ValueError when a setting of a new instance is missing, or the choice of maps contradicts itself.
    """

    finops_url: pulumi.Output[str]
    cds_url: pulumi.Output[str]
    connection_id: pulumi.Output[str]
    linked_companies: pulumi.Output[list[str]]
    maps: pulumi.Output[dict[str, str]]
    bootstrapped_rows: pulumi.Output[dict[str, dict[str, int]]]
    ready: pulumi.Output[bool]

    def __init__(self, name: str, args: DualWritePairArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the pair and its children."""
        super().__init__("dualwrite:components:DualWritePair", name, None, opts)
        self._prefix, self._args = name, args
        selection = choose_maps(args.maps.include, args.maps.exclude, args.maps.prerequisites)
        if selection.problems:
            raise ValueError("; ".join(f"maps.{problem.path} {problem.text}" for problem in selection.problems))
        self._domain = _given(args.cds.domain, "cds.domain")
        cds = self._cds()
        finops = self._finops(cds)
        connection = self._connection(selection, self._packages(selection, finops))
        live_sync = self._live_sync(selection, connection)
        self.finops_url, self.cds_url = finops.url, cds.url
        self.connection_id, self.linked_companies = connection.connection_id, connection.linked_companies
        self.maps, self.ready = live_sync.maps, live_sync.ready
        self.bootstrapped_rows = pulumi.Output.from_input({})
        self.outputs: dict[str, pulumi.Output[Any]] = {
            "finops_url": self.finops_url,
            "cds_url": self.cds_url,
            "connection_id": self.connection_id,
            "linked_companies": self.linked_companies,
            "maps": self.maps,
            "bootstrapped_rows": self.bootstrapped_rows,
            "ready": self.ready,
        }
        self.register_outputs(self.outputs)

    def _cds(self) -> CdsInstance:
        wanted = self._args.cds
        return CdsInstance(
            f"{self._prefix}-cds",
            cloud=self._args.cloud,
            name=_given(wanted.name, "cds.name"),
            domain=self._domain,
            type=wanted.type,
            location=_given(wanted.location, "cds.location"),
            currency=_given(wanted.currency, "cds.currency"),
            language=_given(wanted.language, "cds.language"),
            confirm=[entry.model_dump() for entry in self._args.confirm] or None,
            timeout=self._args.timeouts.environment,
            opts=self._child(protect=self._protected()),
        )

    def _finops(self, cds: CdsInstance) -> FinOpsInstance:
        wanted, place = self._args.finops, self._args.cds
        return FinOpsInstance(
            f"{self._prefix}-finops",
            cloud=self._args.cloud,
            cds=self._domain,
            data=_given(wanted.data, "finops.data"),
            developer_tools=wanted.developer_tools,
            version=wanted.version,
            environment_name=place.name,
            environment_type=place.type,
            location=place.location,
            timeout=self._args.timeouts.finops,
            opts=self._child(cds, protect=self._protected()),
        )

    def _packages(self, selection: Selection, finops: FinOpsInstance) -> pulumi.Resource:
        """One resource a package, each after the one before; the last one."""
        wanted = self._args.connection.packages
        last: pulumi.Resource = finops
        for package in selection.packages if wanted is None else wanted:
            last = ApplicationPackage(
                f"{self._prefix}-{package.lower().replace('_', '-')}",
                cloud=self._args.cloud,
                cds=self._domain,
                package=package,
                timeout=self._args.timeouts.environment,
                opts=self._child(last),
            )
        return last

    def _connection(self, selection: Selection, last_package: pulumi.Resource) -> DualWriteConnection:
        wanted = self._args.connection
        return DualWriteConnection(
            f"{self._prefix}-connection",
            cloud=self._args.cloud,
            cds=self._domain,
            gateway=wanted.gateway,
            companies=list(wanted.companies or ["DAT"]),
            solutions=list(selection.solutions),
            timeout=self._args.timeouts.link,
            opts=self._child(last_package),
        )

    def _live_sync(self, selection: Selection, connection: DualWriteConnection) -> LiveSync:
        wanted = self._args.maps
        own = {name: override.state for name, override in wanted.overrides.items() if override.state}
        states: dict[str, State] = {name: own.get(name, wanted.state) for name in selection.maps}
        return LiveSync(
            f"{self._prefix}-live-sync",
            cloud=self._args.cloud,
            cds=self._domain,
            gateway=self._args.connection.gateway,
            companies=list(self._args.connection.companies or ["DAT"]),
            maps=dict(states),
            prerequisites_added=list(selection.prerequisites_added),
            dropped=[f"{left_out.name}: {left_out.reason}" for left_out in selection.dropped],
            timeout=self._args.timeouts.initial_sync,
            opts=self._child(connection),
        )

    def _protected(self) -> bool:
        """Created instances are protected, unless consent that still counts lifts it.

        `replace-environment` names the old domain, which only the stored state knows: any such entry lifts the
        protection for this `up`, and the resource itself compares the target.
        """
        today, entries = self._args.today, [Consent(**entry.model_dump()) for entry in self._args.confirm]
        replaces = any(entry.action == "replace-environment" and not entry.expired(today) for entry in entries)
        return not replaces and missing_consent(entries, "delete-environment", self._domain, today) is not None

    def _child(self, *after: pulumi.Resource, protect: bool | None = None) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after), protect=protect)


def _given(value: Value | None, setting: str) -> Value:
    """A setting that a new instance cannot be without."""
    if value is None:
        raise ValueError(f"{setting} is required for a new instance")
    return value
