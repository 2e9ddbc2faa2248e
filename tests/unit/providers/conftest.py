"""What every test of the providers starts with."""

import pytest

from providers.api.transport.correlation import heard


@pytest.fixture(autouse=True)
def nothing_heard() -> None:
    """No answer of an earlier test lends its correlation id to a finding of this one."""
    heard(None)
