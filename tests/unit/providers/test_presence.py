"""An environment is gone when its id is unknown and the list of all environments is without it; else it is not read."""

import pytest

from providers.api.transport.errors import NotFound
from providers.instances.presence import environment_or_gone
from providers.protocol.base import NotRead
from tests.unit.providers.fake_services import ENVIRONMENT_ID, FakePowerPlatform, an_environment


class Blipping(FakePowerPlatform):
    """Does not know for a moment what it lists."""

    def environment(self, environment_id: str, *, shared: bool = False) -> object:  # type: ignore[override]
        raise NotFound("The environment could not be found in the tenant.", code="EnvironmentNotFound", status=404)


def test_environment_that_is_listed_is_not_gone() -> None:
    with pytest.raises(NotRead, match=f"lists the environment {ENVIRONMENT_ID}, and says: The environment could not"):
        environment_or_gone(Blipping(an_environment()), ENVIRONMENT_ID)


def test_environment_that_nothing_shows_is_gone() -> None:
    service = FakePowerPlatform()
    assert environment_or_gone(service, ENVIRONMENT_ID) is None
    assert service.calls == ["get", "list"]


def test_environment_that_is_there_costs_one_call() -> None:
    service = FakePowerPlatform(an_environment())
    assert environment_or_gone(service, ENVIRONMENT_ID) == an_environment()
    assert service.calls == ["get"]
