"""Pulumi mocks want a current event loop that stays: the SDK keeps what belongs to it between programs."""

import asyncio

import pytest

# Held for the life of the process, like the loop that a program's own process has.
_LOOP = asyncio.new_event_loop()


@pytest.fixture(autouse=True)
def current_loop() -> None:
    """Make the loop current again after tests that took it away."""
    asyncio.set_event_loop(_LOOP)
