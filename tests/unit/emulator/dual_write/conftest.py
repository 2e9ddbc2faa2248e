"""Linked pairs for the tests of dual-write."""

from collections.abc import Callable

import pytest

from emulator.core.wire import Reply
from emulator.tenant import Tenant
from tests.unit.emulator.dual_write.administrator import ENVIRONMENT, Administrator
from tests.unit.emulator.dual_write.linked_pair import LinkedPair, new_pair


@pytest.fixture
def link(tenant: Tenant) -> LinkedPair:
    """A pair that is linked with DAT; no map runs, tests put maps into states themselves."""
    return new_pair(tenant)


@pytest.fixture
def pair(tenant: Tenant, call: Callable[..., Reply]) -> Administrator:
    """A pair of a new F&O and a new CDS, linked by itself, no solution applied."""
    tenant.seeds.play({"environments": [ENVIRONMENT]})
    return Administrator(tenant, call)
