"""Fixtures of the contract tests: a private emulator, and the real provider process on it."""

from collections.abc import Callable, Iterator

import pytest

from tests.contract.provider_process import ProviderProcess
from tests.engine.harness import Tenant


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """An emulator of the test module's own."""
    tenant = Tenant(tmp_path_factory.mktemp("tenant"))
    yield tenant
    tenant.stop()


@pytest.fixture
def clean_tenant(tenant: Tenant) -> Tenant:
    """The emulator with its seed only, and no faults."""
    tenant.control("reset", {})
    return tenant


@pytest.fixture
def start_process(tenant: Tenant) -> Iterator[Callable[[], ProviderProcess]]:
    """Starts provider processes; they end with the test."""
    variables = tenant.variables()
    started: list[ProviderProcess] = []

    def start() -> ProviderProcess:
        started.append(ProviderProcess(variables))
        return started[-1]

    yield start
    for process in started:
        process.close()


@pytest.fixture
def process(clean_tenant: Tenant, start_process: Callable[[], ProviderProcess]) -> ProviderProcess:
    """A provider process on the seeded tenant."""
    return start_process()
