"""Fixtures of the contract tests: a private emulator and the real provider process on it, or both in process."""

from collections.abc import Callable, Iterator

import pytest

from emulator.identity.tokens import SigningKey
from tests.contract.declared_stack import DeclaredStack, a_finished_stack
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


@pytest.fixture(scope="session")
def key() -> SigningKey:
    """The key of all emulators in process: making one takes longer than most tests do."""
    return SigningKey.generate()


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delegated token is configured; sessions in process have a source of their own."""
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use: the world signs in by itself")


@pytest.fixture(scope="module")
def finished(key: SigningKey) -> DeclaredStack:
    """The stack of `declared_stack` after its first `up`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUALWRITE_TOKEN", "of no use: the world signs in by itself")
        return a_finished_stack(key)


@pytest.fixture
def stack(finished: DeclaredStack, key: SigningKey) -> DeclaredStack:
    """A copy of the test's own."""
    return finished.copy(key)
