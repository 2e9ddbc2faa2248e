"""An environment is gone when its id is unknown and the list of all environments is without it; else it is not read."""

import pytest

from emulator.core.faults import Fault
from providers.api.power_platform.interface import PowerPlatform
from providers.instances.presence import environment_or_gone
from providers.protocol.base import NotRead
from tests.support.in_process import World
from tests.support.linked_world import CDS_HOST

LAMNA_SALES = "6ebf7081-92a3-44b5-9fc0-4b5c6d7e8f96"
ONE = f"*/environments/{LAMNA_SALES}"


def service(world: World) -> PowerPlatform:
    return world.call().session("public").power_platform


def asked(world: World) -> list[str]:
    """What each request read: one environment, or all."""
    return ["get" if each.endswith(LAMNA_SALES) else "list" for each in world.requests]


def test_environment_that_is_listed_is_not_gone(world: World) -> None:
    unknown = {
        "error": {
            "code": "EnvironmentNotFound",
            "message": "The environment could not be found in the tenant.",
        }
    }
    world.tenant.faults.add(Fault(method="GET", path=ONE, status=404, body=unknown))
    with pytest.raises(NotRead, match=f"lists the environment {LAMNA_SALES}, and says: The environment could not"):
        environment_or_gone(service(world), LAMNA_SALES)


def test_environment_that_nothing_shows_is_gone(world: World) -> None:
    world.tenant.person.act({"action": "delete-environment", "environment": CDS_HOST})
    assert environment_or_gone(service(world), LAMNA_SALES) is None
    assert asked(world) == ["get", "list"]


def test_environment_that_is_there_costs_one_call(world: World) -> None:
    environment = environment_or_gone(service(world), LAMNA_SALES)
    assert asked(world) == ["get"]
    assert environment is not None
    again = service(world).environment(LAMNA_SALES)
    assert environment == again.model_copy(update={"correlation_id": environment.correlation_id})
    assert environment.domain == "lamna-sales"
