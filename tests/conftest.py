"""What holds for every rung of the ladder."""

import asyncio
import gc
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Every run draws the same examples, so that what fails once fails again. How long one takes says something about the
# machine, not about the code: a fresh clone builds its tables first.
settings.register_profile("any machine", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# Held for the life of the process, like the loop that a program's own process has.
_LOOP = asyncio.new_event_loop()


@pytest.fixture
def current_loop() -> None:
    """Make a loop current that stays: Pulumi's SDK keeps what belongs to it, and other tests take it away."""
    asyncio.set_event_loop(_LOOP)


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Every process that tests started was waited for: what is dropped earlier warns after pytest has reported."""
    yield
    gc.collect()
    # By type: an object may answer `isinstance` with code of its own.
    processes = [each for each in gc.get_objects() if issubclass(type(each), subprocess.Popen)]
    left = [each.args for each in processes if each.returncode is None]
    assert left == []
