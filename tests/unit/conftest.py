"""What tests of several parts share."""

import pytest

from emulator.identity.tokens import SigningKey
from tests.support.prepared_tenants import PreparedTenants


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    """One RSA key for all tenants: making one takes longer than most tests."""
    return SigningKey.generate()


@pytest.fixture(scope="session")
def tenants(signing_key: SigningKey) -> PreparedTenants:
    """Tenants in process, prepared once and copied."""
    return PreparedTenants(signing_key)
