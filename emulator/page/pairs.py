"""The pairs of the tenant, each from its first installation to live sync, and the environments that are in none.

An environment counts as (the Dataverse side of) a pair once it has, or is getting, what dual-write needs: F&O, an order
of its F&O, the core package of dual-write, or the link itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from emulator.dual_write import connections
from emulator.dual_write.connections import Connection
from emulator.dual_write.definitions import CORE_PACKAGE
from emulator.page.conditions import Condition, Count
from emulator.page.pair_sides import Side, Stage, dataverse_side, finance_side, identifiers_of
from emulator.page.pair_steps import Step, steps_of
from emulator.page.table_maps import tally_of
from emulator.power_platform import ordered_finops_host
from emulator.power_platform.lifecycle import lifecycle_finops
from emulator.power_platform.records import Environment, LifecycleFinOps, environments
from emulator.tenant import Tenant


@dataclass(frozen=True)
class Pair:
    """A Dataverse environment, its F&O and the link, as far as they are there. `key`: the environment id."""

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
    def live(self) -> bool:
        """Return whether maps run and none is on its way, paused or failed."""
        return self.steps[-1].stage is Stage.DONE

    @property
    def mark(self) -> Condition:
        """Return the condition that stands for the whole pair."""
        stages = {step.stage for step in self.steps}
        if Stage.FAILED in stages:
            return Condition.FAILED
        if self.live:
            return Condition.RUNNING
        if any(count.condition is Condition.PAUSED for count in self.counts):
            return Condition.PAUSED
        return Condition.CHANGING if Stage.UNDERWAY in stages else Condition.STOPPED

    @property
    def summary(self) -> str:
        """Return in a few words how the pair is doing."""
        if self.live:
            return f"in live sync: {self.steps[-1].text}"
        step = _first(self.steps, Stage.FAILED) or _first(self.steps, Stage.UNDERWAY, Stage.WAITING) or self.steps[-1]
        return f"{step.title}: {step.text}"


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
    return Overview(tuple(pairs), tuple(_others(pairs, known, finance)))


def _others(pairs: Sequence[Pair], known: Iterable[Environment], finance: Iterable[LifecycleFinOps]) -> Iterator[Other]:
    """What is in none of the pairs: environments, then F&O of Lifecycle Services."""
    paired, hosts = {pair.key for pair in pairs}, {pair.finance.name for pair in pairs}
    yield from (_other(one) for one in known if one.id not in paired)
    yield from (_lifecycle(one) for one in finance if one.host not in hosts)


def find_pair(tenant: Tenant, key: str) -> Pair | None:
    """Return a pair by the id of its Dataverse environment, or None."""
    return next((pair for pair in overview(tenant).pairs if pair.key == key.lower()), None)


def _first(steps: Iterable[Step], *stages: Stage) -> Step | None:
    return next((step for step in steps if step.stage in stages), None)


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
    sides = dataverse_side(environment), finance_side(environment, ordered)
    return Pair(
        key=environment.id,
        name=environment.display_name,
        dataverse=sides[0],
        finance=sides[1],
        cid=link.cid if link else None,
        linked_on=link.created_on if link else None,
        companies=tuple(link.company_codes()) if link else (),
        counts=counts,
        steps=steps_of(environment, *sides, link, counts),
    )


def _other(environment: Environment) -> Other:
    ready = environment.database is None or environment.database.ready
    return Other(
        name=environment.display_name,
        kind="Dataverse" if environment.database else "no database",
        place=environment.location,
        text="" if ready else "being created",
        identifiers=identifiers_of(environment),
        environment_id=environment.id,
    )


def _lifecycle(finops: LifecycleFinOps) -> Other:
    return Other(
        name=finops.name,
        kind="F&O of Lifecycle Services",
        place=finops.location,
        text=f"version {finops.version}" + (f", to be linked with {finops.link_with}" if finops.link_with else ""),
        identifiers=(("id", finops.id), ("URL", f"https://{finops.host}")),
        environment_id=None,
    )
