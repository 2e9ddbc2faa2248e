"""What tests of several parts share."""

import pytest

from emulator.identity.tokens import SigningKey


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    """One RSA key for all tenants: making one takes longer than most tests."""
    return SigningKey.generate()
