"""The tenants on which providers work in these tests: each test has one of its own."""

import pytest

from tests.support.cds_and_finops import CdsAndFinOps, with_finops
from tests.support.environments import Environments
from tests.support.in_process import World
from tests.support.one_pair import OnePair, a_pair, a_pair_with_maps
from tests.support.prepared_tenants import PreparedTenants, as_seeded
from tests.support.unstamped_rows import UnstampedRows, without_rows


@pytest.fixture
def world(tenants: PreparedTenants) -> World:
    """The tenant of the first day."""
    return tenants.copy(as_seeded)


@pytest.fixture
def tenant(world: World) -> Environments:
    """The environments of that tenant."""
    return Environments(world)


@pytest.fixture
def unified(world: World) -> CdsAndFinOps:
    """An environment of the stack without F&O."""
    return CdsAndFinOps(world)


@pytest.fixture
def installed(tenants: PreparedTenants) -> CdsAndFinOps:
    """F&O is there, without demo data and developer tools, in the newest version, and lets the program in."""
    return CdsAndFinOps(tenants.copy(with_finops))


@pytest.fixture
def linked(tenants: PreparedTenants) -> OnePair:
    """One pair that is linked; no map solution is applied."""
    return OnePair(tenants.copy(a_pair))


@pytest.fixture
def pair(tenants: PreparedTenants) -> OnePair:
    """One pair that is linked and has some maps, none of which was ever started."""
    return OnePair(tenants.copy(a_pair_with_maps))


@pytest.fixture
def rows(tenants: PreparedTenants) -> UnstampedRows:
    """The rows of Fabrikam's CDS, none at first."""
    return UnstampedRows(tenants.copy(without_rows))


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delegated token is configured; sessions in process have a source of their own."""
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use")
