"""The tenant on which providers work in these tests: the emulator in process, prepared once and copied."""

import pytest

from emulator.app import first_day
from emulator.identity.tokens import SigningKey
from tests.support.in_process import World, a_world, copied


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    """Making a key takes longer than most tests do."""
    return SigningKey.generate()


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
