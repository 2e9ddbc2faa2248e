"""The tenant on which providers work in these tests: the emulator in process, prepared once and copied."""

import pytest

from emulator.app import first_day
from emulator.identity.tokens import SigningKey
from tests.support.cds_and_finops import CdsAndFinOps
from tests.support.in_process import World, a_world, copied
from tests.support.one_pair import OnePair, a_pair, a_pair_with_maps
from tests.support.unstamped_rows import UnstampedRows, without_rows


@pytest.fixture(scope="session")
def prepared(signing_key: SigningKey) -> World:
    """The tenant of the first day. Tests get copies of it."""
    world = a_world(signing_key)
    world.tenant.seeds.play(first_day())
    return world


@pytest.fixture
def world(prepared: World, signing_key: SigningKey) -> World:
    """A tenant of the test's own; what is done to it nobody else sees."""
    return copied(prepared, signing_key)


@pytest.fixture
def unified(world: World) -> CdsAndFinOps:
    """An environment of the stack without F&O."""
    return CdsAndFinOps(world)


@pytest.fixture(scope="session")
def prepared_finops(prepared: World, signing_key: SigningKey) -> World:
    """F&O is there, without demo data and developer tools, in the newest version, and lets the program in."""
    unified = CdsAndFinOps(copied(prepared, signing_key))
    unified.install()
    return unified.world


@pytest.fixture
def installed(prepared_finops: World, signing_key: SigningKey) -> CdsAndFinOps:
    """The same in a tenant of the test's own."""
    return CdsAndFinOps(copied(prepared_finops, signing_key))


@pytest.fixture(scope="session")
def prepared_link(signing_key: SigningKey) -> World:
    """One pair that is linked; no map solution is applied."""
    return a_pair(signing_key)


@pytest.fixture
def linked(prepared_link: World, signing_key: SigningKey) -> OnePair:
    """A linked pair of the test's own, without maps."""
    return OnePair(copied(prepared_link, signing_key))


@pytest.fixture(scope="session")
def prepared_maps(signing_key: SigningKey) -> World:
    """One pair that is linked and has some maps, none of which was ever started."""
    return a_pair_with_maps(signing_key)


@pytest.fixture
def pair(prepared_maps: World, signing_key: SigningKey) -> OnePair:
    """A linked pair of the test's own, with maps."""
    return OnePair(copied(prepared_maps, signing_key))


@pytest.fixture(scope="session")
def emptied(prepared: World, signing_key: SigningKey) -> World:
    """The same, but for Fabrikam's CDS: it has companies and no rows."""
    return without_rows(prepared, signing_key)


@pytest.fixture
def rows(emptied: World, signing_key: SigningKey) -> UnstampedRows:
    """The rows of Fabrikam's CDS, none at first."""
    return UnstampedRows(copied(emptied, signing_key))


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delegated token is configured; sessions in process have a source of their own."""
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use")
