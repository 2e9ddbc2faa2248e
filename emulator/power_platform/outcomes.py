"""What each lifecycle operation does when its time is up (power-platform-api.md 8)."""

from collections.abc import Callable, Mapping
from functools import partial

from emulator.power_platform import create, deletion, environments
from emulator.power_platform.operations import ENDED
from emulator.power_platform.records import ENVIRONMENT, OPERATION, Operation, load, save
from emulator.tenant import Tenant

# An outcome returns False when the operation ends as `Failed`.
OUTCOMES: Mapping[str, Callable[[Tenant, Operation], bool]] = {
    "Create": create.created,
    "Provision": create.provisioned,
    "Edit": environments.edited,
    "Convert": environments.converted,
    "Delete": deletion.deleted,
    "Recover": deletion.recovered,
}


def register(tenant: Tenant) -> None:
    """Play the end of operations when it is due."""
    tenant.events.on(ENDED, partial(_end, tenant))


def _end(tenant: Tenant, operation_id: str) -> None:
    operation = load(tenant, OPERATION, operation_id, Operation)
    if operation is None or operation.state != "Running":
        return
    operation.ended = tenant.clock.now()
    operation.state = "Succeeded" if OUTCOMES[operation.type](tenant, operation) else "Failed"
    operation.environment_gone = tenant.store.get(ENVIRONMENT, operation.environment_id) is None
    save(tenant, OPERATION, operation.id, operation)
