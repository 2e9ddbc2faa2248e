"""Environments of a tenant: what people change on them, how the service refuses, and what the program wrote."""

from collections.abc import Callable
from typing import Any

from emulator.core.faults import Fault
from emulator.power_platform import packages
from emulator.power_platform.records import Environment as Record
from emulator.power_platform.records import FinOps, find_environment, put_environment
from providers.api.power_platform.models import Environment
from tests.support.in_process import World
from tests.support.seen_instances import MARK
from tests.support.watched_wire import Sent, Wire

# Fabrikam Sales of the first day, made by a person: Dataverse with Dynamics 365 apps, no F&O, no package of dual-write.
FABRIKAM_ID = "1f6a2b3c-4d5e-4f60-8a7b-9c0d1e2f3a41"
PROVISIONING_APP = "msdyn_FinanceAndOperationsProvisioningAppAnchor"
CREATE = "*/Microsoft.BusinessAppPlatform/environments"
LIST = "*/scopes/admin/environments"
ONE = "*/scopes/admin/environments/*"
OPERATION = "*/lifecycleOperations/*"
# Checks that are sent as a POST.
_CHECKS = {"validateEnvironmentDetails", "token"}


def environment_of(world: World, environment_id: str) -> Record:
    """An environment as the tenant remembers it."""
    record = find_environment(world.tenant, environment_id)
    assert record is not None
    return record


def finops_of(world: World, environment_id: str) -> FinOps:
    """The F&O of an environment."""
    finops = environment_of(world, environment_id).finops
    assert finops is not None
    return finops


def change_environment(world: World, environment_id: str, **members: Any) -> Record:
    """A person changes members of an environment, at once."""
    record = environment_of(world, environment_id).model_copy(update=members)
    put_environment(world.tenant, record)
    return record


def set_finops_version(world: World, environment_id: str, version: str) -> None:
    """The F&O of an environment is at this version, whoever brought it there; all services say so."""
    finops = finops_of(world, environment_id).model_copy(update={"version": version})
    change_environment(world, environment_id, finops=finops)


def set_package_state(world: World, environment_id: str, name: str, state: str) -> None:
    """The environment shows a package that it has in this state."""
    record = environment_of(world, environment_id)
    record.packages[name].state = state
    put_environment(world.tenant, record)


def put_package(world: World, environment_id: str, name: str, state: str) -> None:
    """A package is in the environment, in this state, whoever brought it there."""
    packages.place(world.tenant, environment_of(world, environment_id), name)
    set_package_state(world, environment_id, name, state)


class Environments:
    """The tenant's environments, and the wire to the services."""

    def __init__(self, world: World) -> None:
        """Watch this world."""
        self.world = world
        self.wire = Wire(world)

    def all(self) -> list[Environment]:
        """What the service lists now."""
        return self.world.call().session("public").power_platform.environments(fresh=True)

    def writes(self) -> list[str]:
        """The requests that changed an environment: create DOMAIN, update NEW VALUES, sku SKU, delete."""
        return [_write(each) for each in self.wire.sent if each.method != "GET" and _end(each) not in _CHECKS]

    def change(self, environment_id: str, **members: Any) -> Record:
        """A person changes members of an environment, at once."""
        return change_environment(self.world, environment_id, **members)

    def shown_as(self, change: Callable[[dict[str, Any]], object]) -> None:
        """The service shows every environment with this change of its properties."""

        def one(environment: Any) -> Any:
            change(environment["properties"])
            return environment

        self.wire.alter(ONE, one)
        self.wire.alter(LIST, lambda listed: {**listed, "value": [one(each) for each in listed["value"]]})

    def hide_own(self, times: int) -> None:
        """The list does not show environments of the stack new-new so many times."""
        left = iter(range(times))

        def change(listed: Any) -> Any:
            if next(left, None) is None:
                return listed
            others = [each for each in listed["value"] if each["properties"].get("description") != MARK]
            return {**listed, "value": others}

        self.wire.alter(LIST, change)

    def fault(self, method: str, path: str, *, service: str = "bap", **what: Any) -> None:
        """What happens to the next such request, or to `count` of them (0: to all)."""
        self.world.tenant.faults.add(Fault(service=service, method=method, path=path, **what))

    def refuse(self, method: str, path: str, status: int, code: str, text: str, **more: Any) -> None:
        """Such a request is refused in the service's form."""
        self.fault(method, path, status=status, body={"error": {"code": code, "message": text}}, **more)


def _end(sent: Sent) -> str:
    return sent.path.rpartition("/")[2]


def _write(sent: Sent) -> str:
    """What one write asks for."""
    if sent.method == "DELETE":
        return "delete"
    if sent.method == "PATCH":
        return " ".join(["update", *sent.body["properties"].values()])
    if _end(sent) == "modifySku":
        return f"sku {sent.body['environmentSku']}"
    assert _end(sent) == "environments"
    return f"create {sent.body['properties']['linkedEnvironmentMetadata']['domainName']}"
