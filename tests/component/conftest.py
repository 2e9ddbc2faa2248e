"""Pulumi mocks want a current event loop."""

import pytest


@pytest.fixture(autouse=True)
def looped(current_loop: None) -> None:
    """Every test of this rung runs a program."""
