"""The pairs of the tenant, each from its first installation to live sync, and the environments that are in none.

An environment counts as (the Dataverse side of) a pair once it has, or is getting, what dual-write needs: F&O, an order
of its F&O, the core package of dual-write, or the link itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from emulator.dual_write import connections
from emulator.dual_write.connections import Connection
from emulator.dual_write.definitions import CORE_PACKAGE
from emulator.page.conditions import Condition, Count
from emulator.page.table_maps import tally_of
from emulator.power_platform import ordered_finops_host
from emulator.power_platform.lifecycle import lifecycle_finops
from emulator.power_platform.records import Environment, LifecycleFinOps, environments
from emulator.tenant import Tenant

PACKAGE_BUSY = frozenset({"InstallRequested", "Installing", "InstallScheduled", "InstallRetrying"})


class Stage(StrEnum):
    """How far one step on the way to live sync is."""

    DONE = "done"
    UNDERWAY = "underway"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True)
class Step:
    """One step on the way to live sync, with what there is to say about it."""

    title: str
    stage: Stage
    text: str


@dataclass(frozen=True)
class Side:
    """One environment of a pair. `identifiers`: what a person may want to copy, by title."""

    product: str
    name: str
    state: str
    stage: Stage
    facts: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Pair:
    """A Dataverse environment, its F&O, and the link between them as far as they are there. `key`: the environment id."""

    key: str
    name: str
    dataverse: Side
    finance: Side
    cid: str | None
    linked_on: str | None
    companies: tuple[str, ...]
    counts: tuple[Count, ...]
    steps: tuple[Step, ...]

    @property
    def total(self) -> int:
        """Return how many maps the link has."""
        return sum(count.number for count in self.counts)

    @property
    def summary(self) -> str:
        """Return in a few words how the pair is doing."""
        if self.total and all(count.condition is Condition.RUNNING for count in self.counts):
            return "in live sync"
        failed = next((step for step in self.steps if step.stage is Stage.FAILED), None)
        if failed is not None:
            return f"{failed.title.lower()}: {failed.text}"
        step = next((step for step in self.steps if step.stage is not Stage.DONE), self.steps[-1])
        return f"{step.title.lower()}: {step.text}"

    @property
    def live(self) -> bool:
        """Return whether every map runs."""
        return self.summary == "in live sync"


@dataclass(frozen=True)
class Other:
    """An environment, or an F&O of Lifecycle Services, that is in no pair."""

    name: str
    kind: str
    place: str
    text: str
    identifiers: tuple[tuple[str, str], ...]
    environment_id: str | None


@dataclass(frozen=True)
class Overview:
    """All environments of the tenant."""

    pairs: tuple[Pair, ...]
    others: tuple[Other, ...]


def overview(tenant: Tenant) -> Overview:
    """Return the pairs, oldest first, and everything that is in none."""
    known = environments(tenant)
    links = {one.environment_id: one for one in connections.connections(tenant)}
    finance = lifecycle_finops(tenant)
    pairs = [_pair(tenant, one, links.get(one.id), finance) for one in known if _is_pair(tenant, one, links)]
    paired = {pair.key for pair in pairs}
    single = [_other(one) for one in known if one.id not in paired]
    hosts = {pair.finance.name for pair in pairs}
    waiting = [_lifecycle(one) for one in finance if one.host not in hosts]
    return Overview(tuple(pairs), tuple(chain(single, waiting)))


def find_pair(tenant: Tenant, key: str) -> Pair | None:
    """Return a pair by the id of its Dataverse environment, or None."""
    return next((pair for pair in overview(tenant).pairs if pair.key == key.lower()), None)


def _is_pair(tenant: Tenant, environment: Environment, links: dict[str, Connection]) -> bool:
    if environment.database is None:
        return False
    expected = environment.finops or environment.finops_parameters or CORE_PACKAGE in environment.packages
    return bool(environment.id in links or expected or ordered_finops_host(tenant, environment.id))


def _pair(
    tenant: Tenant, environment: Environment, link: Connection | None, finance: Sequence[LifecycleFinOps]
) -> Pair:
    ordered = next((one for one in finance if one.host == ordered_finops_host(tenant, environment.id)), None)
    counts = tally_of(tenant, link.cid) if link else ()
    sides = _dataverse(environment), _finance(environment, ordered)
    return Pair(
        key=environment.id,
        name=environment.display_name,
        dataverse=sides[0],
        finance=sides[1],
        cid=link.cid if link else None,
        linked_on=link.created_on if link else None,
        companies=tuple(link.company_codes()) if link else (),
        counts=counts,
        steps=_steps(environment, *sides, link, counts),
    )


def _dataverse(environment: Environment) -> Side:
    database = environment.database
    ready = database is not None and database.ready and environment.management_state == "Ready"
    address = f"https://{database.host}" if database else ""
    return Side(
        product="Dataverse",
        name=database.host if database else environment.display_name,
        state="ready" if ready else "being created" if database and not database.ready else "busy",
        stage=Stage.DONE if ready else Stage.UNDERWAY,
        facts=(environment.sku, environment.location),
        identifiers=(("environment id", environment.id), ("URL", address)),
    )


_FINANCE_STAGES = {"Installed": Stage.DONE, "InstallFailed": Stage.FAILED}
_FINANCE_WORDS = {
    "InstallRequested": "installation requested",
    "Installing": "being installed",
    "Installed": "ready",
    "InstallFailed": "installation failed",
    "Updating": "being updated",
}


def _finance(environment: Environment, ordered: LifecycleFinOps | None) -> Side:
    finops, product = environment.finops, "Finance and Operations"
    if finops is None and ordered is None:
        return Side(product, "none yet", "not there", Stage.WAITING, (), ())
    if finops is None and ordered is not None:
        identifiers = (("id", ordered.id), ("URL", f"https://{ordered.host}"))
        facts = (ordered.version, "Lifecycle Services")
        return Side(product, ordered.host, "waits for its integration", Stage.WAITING, facts, identifiers)
    assert finops is not None  # noqa: S101 - the two cases above leave no other
    kind = "Lifecycle Services" if finops.type == "Linked" else "unified"
    facts = (finops.version, kind, *(("demo data",) if finops.demo_data else ()))
    stage = _FINANCE_STAGES.get(finops.state, Stage.UNDERWAY)
    identifiers = (("id", finops.id), ("URL", f"https://{finops.host}"))
    return Side(product, finops.host, _FINANCE_WORDS[finops.state], stage, facts, identifiers)


def _steps(
    environment: Environment, dataverse: Side, finance: Side, link: Connection | None, counts: Sequence[Count]
) -> tuple[Step, ...]:
    linked = (
        Step("Link", Stage.DONE, f"companies {', '.join(link.company_codes())}")
        if link
        else Step("Link", Stage.WAITING, "not linked yet")
    )
    return (
        Step("Dataverse", dataverse.stage, dataverse.state),
        _packages_step(environment),
        Step("F&O", finance.stage, finance.state),
        linked,
        _maps_step(counts),
        _sync_step(counts),
    )


def _packages_step(environment: Environment) -> Step:
    states = [package.state for package in environment.packages.values()]
    installed = f"{states.count('Installed')} installed"
    if any(state in PACKAGE_BUSY for state in states):
        busy = sum(state in PACKAGE_BUSY for state in states)
        return Step("Packages", Stage.UNDERWAY, f"{installed}, {busy} under way")
    if "InstallFailed" in states:
        return Step("Packages", Stage.FAILED, f"{installed}, {states.count('InstallFailed')} failed")
    core = environment.packages.get(CORE_PACKAGE)
    return Step("Packages", Stage.DONE if core else Stage.WAITING, installed if core else "core package missing")


def _maps_step(counts: Sequence[Count]) -> Step:
    total = sum(count.number for count in counts)
    return Step("Maps", Stage.DONE if total else Stage.WAITING, f"{total} there" if total else "none yet")


def _sync_step(counts: Sequence[Count]) -> Step:
    total, by = sum(count.number for count in counts), {count.condition: count.number for count in counts}
    running = by.get(Condition.RUNNING, 0)
    if not total:
        return Step("Live sync", Stage.WAITING, "no maps yet")
    text = f"{running} of {total} maps running"
    if Condition.FAILED in by:
        return Step("Live sync", Stage.FAILED, f"{text}, {by[Condition.FAILED]} failed")
    moving = by.get(Condition.CHANGING, 0) + by.get(Condition.SYNCING, 0)
    stage = Stage.DONE if running == total else Stage.UNDERWAY if moving else Stage.WAITING
    return Step("Live sync", stage, text)


def _other(environment: Environment) -> Other:
    database = environment.database
    without = environment.finops is None
    return Other(
        name=environment.display_name,
        kind="Dataverse" if database else "no database",
        place=environment.location,
        text="being created" if database and not database.ready else "no F&O" if without else "",
        identifiers=(("environment id", environment.id), ("URL", f"https://{database.host}" if database else "")),
        environment_id=environment.id,
    )


def _lifecycle(finops: LifecycleFinOps) -> Other:
    return Other(
        name=finops.name,
        kind="F&O of Lifecycle Services",
        place=finops.location,
        text=f"version {finops.version}",
        identifiers=(("id", finops.id), ("URL", f"https://{finops.host}")),
        environment_id=None,
    )
