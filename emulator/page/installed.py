"""What is installed in a pair: application packages, map solutions, and the integration keys of its tables."""

from dataclasses import dataclass

from emulator.dual_write import connections, solutions
from emulator.dual_write.definitions import maps_in
from emulator.power_platform import packages
from emulator.power_platform.records import find_environment
from emulator.tenant import Tenant


@dataclass(frozen=True)
class PackageView:
    """One application package of the Dataverse environment."""

    title: str
    name: str
    version: str
    state: str
    error: str


@dataclass(frozen=True)
class SolutionView:
    """One map solution that the link offers. `state`: applied, or on offer."""

    title: str
    maps: int
    state: str


@dataclass(frozen=True)
class Installed:
    """`keys`: Dataverse table to the columns of its integration key, by table."""

    packages: tuple[PackageView, ...]
    solutions: tuple[SolutionView, ...]
    keys: tuple[tuple[str, tuple[str, ...]], ...]


def installed(tenant: Tenant, environment_id: str, cid: str | None) -> Installed:
    """Return what is installed. `cid`: the link, None while there is none."""
    connection = connections.find(tenant, cid) if cid else None
    if connection is None:
        return Installed(_packages(tenant, environment_id), (), ())
    applied = set(connection.applied_solutions)
    offered = [
        SolutionView(one.friendly_name, len(maps_in(one)), "applied" if one.unique_name in applied else "on offer")
        for one in solutions.listed(tenant, connection)
    ]
    keys = tuple((name, tuple(columns)) for name, columns in sorted(connection.integration_keys.items()))
    return Installed(_packages(tenant, environment_id), tuple(offered), keys)


def _packages(tenant: Tenant, environment_id: str) -> tuple[PackageView, ...]:
    environment = find_environment(tenant, environment_id)
    found = environment.packages if environment else {}
    return tuple(_package(name, one.version, one.state, one.error or "") for name, one in sorted(found.items()))


def _package(name: str, version: str, state: str, error: str) -> PackageView:
    known = packages.find(name)
    return PackageView(known.title if known else name, name, version, state, error)
