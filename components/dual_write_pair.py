"""`DualWritePair`: one F&O instance and one CDS instance, linked, with live data sync.

Wires resources, does no work and reads no config. Every child's name is derived from the component's own, so that a
program can build several pairs. Children come in the order of the real set-up, each after the one before.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, TypedDict, TypeVar

import pulumi

from components import map_settings
from components.consents import DELETIONS, Consents
from components.stack import Cds, Stack
from providers.application_package import ApplicationPackage
from providers.catalogue.companies import BUILT_IN_COMPANY
from providers.catalogue.selection import Selection, choose_maps
from providers.cds_instance import CdsInstance
from providers.company import Company
from providers.company_bootstrap import CompanyBootstrap
from providers.dual_write_connection import DualWriteConnection
from providers.entity_map import EntityMap
from providers.finops_instance import FinOpsInstance
from providers.live_sync import LiveSync

Value = TypeVar("Value")


class _Cloud(TypedDict):
    """Inputs of every resource."""

    cloud: str
    tenant: str | None


class _OnCds(_Cloud):
    """Inputs of every resource on the CDS instance."""

    cds: str
    confirm: list[dict[str, str]] | None


class _OfLink(_Cloud):
    """Inputs of every resource that speaks with the dual-write service about the whole link."""

    cds: str
    finops: str | None
    gateway: str | None
    companies: list[str] | str
    reset: str | None


class DualWritePair(pulumi.ComponentResource):
    """An F&O and a CDS instance, the packages, companies and link that the maps need, and live data sync.

    ValueError when a setting of a new or existing instance is missing, or the choice of maps contradicts itself.
    """

    finops_url: pulumi.Output[str]
    cds_url: pulumi.Output[str]
    connection_id: pulumi.Output[str]
    linked_companies: pulumi.Output[list[str]]
    maps: pulumi.Output[dict[str, str]]
    bootstrapped_rows: pulumi.Output[dict[str, dict[str, int]]]
    ready: pulumi.Output[bool]

    def __init__(self, name: str, stack: Stack, today: date, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the pair that a stack file describes, and its children. `today` decides which consents count."""
        super().__init__("dualwrite:components:DualWritePair", name, None, opts)
        self._prefix, self._stack = name, stack
        selection = _selection(stack)
        self._cds_name = _reference(stack.cds)
        self._consents = Consents(stack, self._cds_name, today)
        self._finops_url = (
            None if stack.finops.instance == "new" else _given(stack.finops.url, "finops.url", "existing")
        )
        self._companies = self._linked()
        self._reset = stack.connection.reset.strip() or None
        cds = self._cds()
        finops = self._finops(cds)
        package = self._packages(selection, finops)
        connection = self._connection(selection, [package, *self._legal_entities(package)])
        synced = map_settings.sync_limits(map_settings.initial_syncs(stack.maps, selection), stack.limits)
        versions = self._entity_maps(selection, connection)
        before = self._bootstraps("before-live-sync", connection, connection, synced)
        live_sync = self._live_sync(selection, connection, [connection, *versions, *before.values()])
        bootstraps = {**before, **self._bootstraps("live", connection, live_sync, {})}
        self._tell(cds, finops, connection, live_sync, bootstraps)

    def _tell(
        self,
        cds: CdsInstance,
        finops: FinOpsInstance,
        connection: DualWriteConnection,
        live_sync: LiveSync,
        bootstraps: Mapping[str, CompanyBootstrap],
    ) -> None:
        """The outputs of the pair."""
        self.finops_url, self.cds_url = finops.url, cds.url
        self.connection_id, self.linked_companies = connection.connection_id, connection.linked_companies
        self.maps = live_sync.maps
        rows: dict[str, Any] = {code: each.rows for code, each in bootstraps.items()}
        self.bootstrapped_rows = pulumi.Output.from_input(rows)
        complete = [each.complete for each in bootstraps.values()]
        self.ready = pulumi.Output.all(live_sync.ready, *complete).apply(all) if complete else live_sync.ready
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
        wanted, name = self._stack.cds, f"{self._prefix}-cds"
        if wanted.instance == "existing":
            return CdsInstance(
                name,
                **self._cloud(),
                instance="existing",
                url=wanted.url,
                environment_id=wanted.environment_id,
                finops=self._finops_url,
                confirm=self._consents.of(*DELETIONS),
                opts=self._child(),
            )
        return CdsInstance(
            name,
            **self._cloud(),
            name=_given(wanted.name, "cds.name"),
            domain=_given(wanted.domain, "cds.domain"),
            type=wanted.type,
            location=_given(wanted.location, "cds.location"),
            currency=_given(wanted.currency, "cds.currency"),
            language=_given(wanted.language, "cds.language"),
            confirm=self._consents.of(*DELETIONS),
            timeout=self._stack.timeouts.environment,
            opts=self._child(protect=self._consents.protects()),
        )

    def _finops(self, cds: CdsInstance) -> FinOpsInstance:
        wanted, place, name = self._stack.finops, self._stack.cds, f"{self._prefix}-finops"
        if wanted.instance == "existing":
            return FinOpsInstance(
                name,
                **self._on_cds(),
                instance="existing",
                url=self._finops_url,
                location=place.location,
                opts=self._child(cds),
            )
        # Nothing deletes F&O that is installed on an existing CDS instance: there is nothing to protect.
        is_new_cds = place.instance == "new"
        return FinOpsInstance(
            name,
            **self._on_cds(),
            data=_given(wanted.data, "finops.data"),
            developer_tools=wanted.developer_tools,
            version=wanted.version,
            environment_name=place.name,
            environment_type=place.type if is_new_cds else None,
            location=place.location,
            timeout=self._stack.timeouts.finops,
            opts=self._child(cds, protect=self._consents.protects() if is_new_cds else None),
        )

    def _packages(self, selection: Selection, finops: FinOpsInstance) -> pulumi.Resource:
        """One resource a package, each after the one before; the last one."""
        last: pulumi.Resource = finops
        for package in self._package_names(selection):
            last = ApplicationPackage(
                f"{self._prefix}-{package.lower().replace('_', '-')}",
                **self._on_cds(),
                package=package,
                timeout=self._stack.timeouts.environment,
                opts=self._child(last),
            )
        return last

    def _package_names(self, selection: Selection) -> list[str]:
        wanted = self._stack.connection.packages
        return list(selection.packages) if wanted is None else wanted

    def _legal_entities(self, last_package: pulumi.Resource) -> list[Company]:
        return [
            Company(
                f"{self._prefix}-company-{wanted.code.lower()}",
                **self._on_cds(),
                finops=self._finops_url,
                code=wanted.code,
                name=wanted.name,
                country=wanted.country,
                timeout=self._stack.timeouts.link,
                opts=self._child(last_package),
            )
            for wanted in self._stack.companies
        ]

    def _connection(self, selection: Selection, after: Iterable[pulumi.Resource]) -> DualWriteConnection:
        wanted = self._stack.connection
        return DualWriteConnection(
            f"{self._prefix}-connection",
            **self._of_link(),
            solutions=list(selection.solutions),
            own_solutions={own.name: own.version for own in wanted.solutions} or None,
            created_companies=[company.code for company in self._stack.companies] or None,
            company_change=wanted.company_change,
            confirm=self._consents.on_cds("reset-link"),
            initialise=list(map_settings.pins(self._stack.maps, selection)) or None,
            maps=list(selection.maps),
            live_companies_limit=self._stack.limits.live_companies,
            timeout=self._stack.timeouts.link,
            opts=self._child(*after),
        )

    def _entity_maps(self, selection: Selection, connection: DualWriteConnection) -> list[EntityMap]:
        """One resource for each map whose version is declared."""
        wanted = self._stack.maps
        states, queues = map_settings.run_states(wanted, selection), map_settings.catch_ups(wanted, selection)
        return [
            EntityMap(
                f"{self._prefix}-map-{_slug(name)}",
                **self._of_link(),
                confirm=self._consents.on_cds(),
                map=name,
                version=pin.version,
                author=pin.author,
                run_state=states[name],
                catch_up=queues.get(name),
                timeout=self._stack.timeouts.link,
                opts=self._child(connection),
            )
            for name, pin in map_settings.pins(wanted, selection).items()
        ]

    def _bootstraps(
        self, order: str, connection: DualWriteConnection, after: pulumi.Resource, initial_syncs: dict[str, int]
    ) -> dict[str, CompanyBootstrap]:
        """The bootstraps of one order by company, one after the other: together they would share the same limits.

        `initial_syncs`: the maps whose initial sync follows, and the most rows that each takes.
        """
        declared: dict[str, CompanyBootstrap] = {}
        for wanted in self._stack.bootstrap:
            if wanted.order == order:
                after = declared[wanted.company] = CompanyBootstrap(
                    f"{self._prefix}-bootstrap-{wanted.company.lower()}",
                    **self._on_cds(),
                    company=wanted.company,
                    business_units=wanted.business_units,
                    tables=wanted.tables,
                    overwrite=wanted.overwrite,
                    order=wanted.order,
                    max_failures=wanted.max_failures,
                    simulate=wanted.simulate,
                    linked_companies=connection.linked_companies,
                    finops=self._finops_url,
                    gateway=self._stack.connection.gateway,
                    companies=self._companies,
                    initial_syncs=initial_syncs or None,
                    timeout=self._stack.timeouts.initial_sync,
                    opts=self._child(after),
                )
        return declared

    def _live_sync(
        self, selection: Selection, connection: DualWriteConnection, after: Iterable[pulumi.Resource]
    ) -> LiveSync:
        wanted, limits = self._stack.maps, self._stack.limits
        synced = map_settings.initial_syncs(wanted, selection)
        return LiveSync(
            f"{self._prefix}-live-sync",
            **self._of_link(),
            maps=dict(map_settings.run_states(wanted, selection)),
            prerequisites_added=list(selection.prerequisites_added),
            dropped={left_out.name: left_out.reason for left_out in selection.dropped},
            integration_keys=map_settings.integration_keys(wanted, selection),
            initial_sync=synced,
            resync=map_settings.resyncs(wanted, synced),
            catch_up=map_settings.catch_ups(wanted, selection) or None,
            confirm=self._consents.on_cds("discard-queue"),
            pinned=list(map_settings.pins(wanted, selection)) or None,
            packages=self._package_names(selection),
            initial_sync_companies_limit=limits.initial_sync_companies,
            initial_sync_rows_limit=limits.initial_sync_rows,
            single_threaded_rows_limit=limits.single_threaded_rows,
            running_before=connection.running_before,
            company_change=self._stack.connection.company_change,
            timeout=self._stack.timeouts.initial_sync,
            opts=self._child(*after),
        )

    def _linked(self) -> list[str] | str:
        """The declared companies of the link, or `as-linked`; a new F&O has its one company without saying so."""
        declared, is_new = self._stack.connection.companies, self._finops_url is None
        if declared is None and is_new:
            return [BUILT_IN_COMPANY]
        linked = _given(declared, "connection.companies", "existing")
        return linked if isinstance(linked, str) else list(linked)

    def _cloud(self) -> _Cloud:
        return {"cloud": self._stack.cloud, "tenant": self._stack.tenant}

    def _on_cds(self) -> _OnCds:
        """What stands on an environment of the stack goes only with the consent to the end of it."""
        return {**self._cloud(), "cds": self._cds_name, "confirm": self._consents.on_cds()}

    def _of_link(self) -> _OfLink:
        return {
            **self._cloud(),
            "cds": self._cds_name,
            "finops": self._finops_url,
            "gateway": self._stack.connection.gateway,
            "companies": self._companies,
            "reset": self._reset,
        }

    def _child(self, *after: pulumi.Resource, protect: bool | None = None) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after), protect=protect)


def _slug(name: str) -> str:
    """The name of a map as part of a resource's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _selection(stack: Stack) -> Selection:
    selection = choose_maps(stack.maps.include, stack.maps.exclude, stack.maps.prerequisites)
    if selection.problems:
        raise ValueError("; ".join(f"maps.{problem.path} {problem.text}" for problem in selection.problems))
    return selection.with_custom(stack.maps.custom)


def _reference(cds: Cds) -> str:
    """What every resource calls the CDS instance: the domain of a new one, else how the stack names it."""
    if cds.instance == "new":
        return _given(cds.domain, "cds.domain")
    return _given(cds.url or cds.environment_id, "cds.url or cds.environmentId", "existing")


def _given(value: Value | None, setting: str, kind: str = "new") -> Value:
    """A setting that such an instance cannot be without."""
    if value is None:
        raise ValueError(f"{setting} is required for {'a new' if kind == 'new' else 'an existing'} instance")
    return value
