"""Lifecycle operations: one at a time per environment, four stages, found again by environment.

power-platform-api.md 8. What an operation does when it ends stands in `outcomes`.
"""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from emulator.core.routing import not_modelled
from emulator.core.wire import Call, Reply
from emulator.power_platform import locations
from emulator.power_platform.answers import operation_not_startable, refusal, retry_after, timestamp
from emulator.power_platform.records import OPERATION, Environment, Operation, Principal, load, save
from emulator.tenant import Tenant

PROVIDER = "/providers/Microsoft.BusinessAppPlatform"
ENDED = "power_platform.operation_ended"
POLL_AFTER = 15.0  # virtual seconds a client is asked to wait (the recording's Retry-After is 5)

# Until which part of its duration each stage of a running operation lasts (assumed; the names are recorded).
_STAGES = (("Validate", 0.05), ("Prepare", 0.15), ("Run", 0.95), ("Finalize", 1.0))


def principal(tenant: Tenant, call: Call) -> Principal:
    """Return who makes a call, as `createdBy` and `requestedBy` name them."""
    caller = call.caller
    if caller is None:
        return Principal(id="", display_name="SYSTEM", type="User", tenant_id=tenant.identity.tenant_id)
    return Principal(
        id=caller.object_id,
        display_name=caller.name,
        type="User" if caller.user else "ServicePrincipal",
        tenant_id=tenant.identity.tenant_id,
        user_principal_name=caller.user,
    )


def running(tenant: Tenant, environment_id: str) -> Operation | None:
    """Return the unfinished operation of an environment."""
    return next((one for one in operations(tenant, environment_id) if one.state == "Running"), None)


def operations(tenant: Tenant, environment_id: str) -> list[Operation]:
    """Return all operations of an environment, newest first."""
    rows = tenant.store.execute(
        "SELECT value FROM documents WHERE kind = ? AND json_extract(value, '$.environment_id') = ?",
        (OPERATION, environment_id.lower()),
    )
    found = [Operation.model_validate_json(text) for (text,) in rows.fetchall()]
    return sorted(found, key=lambda one: (one.created, one.id), reverse=True)


def require_idle(tenant: Tenant, environment: Environment) -> None:
    """Refuse a second operation with 409 `OperationNotStartable`."""
    if running(tenant, environment.id) is not None:
        raise operation_not_startable(environment.id)


def start(
    tenant: Tenant,
    operation_type: str,
    environment: Environment,
    duration: float,
    requested_by: Principal,
    *,
    provisions_instance: bool = False,
    changes: dict[str, object] | None = None,
) -> Operation:
    """Start an operation; its end is queued on the tenant's clock."""
    operation = Operation(
        id=str(uuid4()),
        type=operation_type,
        environment_id=environment.id,
        location=environment.location,
        created=tenant.clock.now(),
        duration=duration,
        requested_by=requested_by,
        provisions_instance=provisions_instance,
        changes=changes or {},
    )
    save(tenant, OPERATION, operation.id, operation)
    tenant.events.schedule(duration, ENDED, operation_id=operation.id)
    return operation


def accepted(tenant: Tenant, operation: Operation, header: str = "Location") -> Reply:
    """Return the 202 with the poll URL, on a regional host as in the recordings (7.3)."""
    regional = tenant.switches["operation_location"] == "regional"
    host = locations.regional_host(operation.location) if regional else locations.CENTRAL_HOST
    url = f"https://{host}{PROVIDER}/lifecycleOperations/{operation.id}?api-version=2023-06-01"
    return Reply(202, headers={header: url, **poll_headers(tenant, operation)})


def poll_headers(tenant: Tenant, operation: Operation) -> dict[str, str]:
    """Return `Retry-After` for a client that waits for an operation."""
    return retry_after(tenant, min(POLL_AFTER, operation.duration))


def document(tenant: Tenant, operation: Operation) -> dict[str, Any]:
    """Return an operation as the poll shows it (8.1). A failed one has no error text and no `Finalize` stage."""
    path = "" if operation.environment_gone else f"{PROVIDER}/environments/{operation.environment_id}"
    now = operation.ended or tenant.clock.now()
    requested_by = operation.requested_by
    state = tenant.switches["operation_running_state"] if operation.state == "Running" else operation.state
    return {
        "id": operation.id,
        "links": {
            "self": {"path": f"{PROVIDER}/lifecycleOperations/{operation.id}"},
            "environment": {"path": path},
        },
        "type": {"id": operation.type},
        "typeDisplayName": operation.type,
        "state": {"id": state},
        "createdDateTime": timestamp(operation.created),
        "lastActionDateTime": timestamp(now),
        "requestedBy": {
            "id": requested_by.id,
            "displayName": requested_by.display_name,
            "type": requested_by.type,
            "tenantId": requested_by.tenant_id,
        },
        "stages": _stages(tenant, operation),
    }


def _stages(tenant: Tenant, operation: Operation) -> list[dict[str, Any]]:
    elapsed = ((operation.ended or tenant.clock.now()) - operation.created).total_seconds()
    part = 1.0 if operation.duration <= 0 else elapsed / operation.duration
    stages: list[dict[str, Any]] = []
    before = 0.0
    for name, until in _STAGES:
        if operation.state == "Failed" and name == "Finalize":
            break
        state = _stage_state(operation, name, part, (before, until))
        stage: dict[str, Any] = {"id": name, "name": name, "state": {"id": state}}
        if state != "NotStarted":
            first = operation.created + timedelta(seconds=before * operation.duration)
            last = operation.created + timedelta(seconds=min(until, part) * operation.duration)
            stage |= {"firstActionDateTime": timestamp(first), "lastActionDateTime": timestamp(last)}
        stages.append(stage)
        before = until
    return stages


def _stage_state(operation: Operation, name: str, part: float, span: tuple[float, float]) -> str:
    """Return the state of the stage between two parts of the duration, of which `part` has passed."""
    if operation.state == "Succeeded" or part >= span[1]:
        return "Failed" if operation.state == "Failed" and name == "Run" else "Succeeded"
    return "Running" if part >= span[0] else "NotStarted"


def find(tenant: Tenant, operation_id: str) -> Operation:
    """Return an operation, or 404."""
    operation = load(tenant, OPERATION, operation_id.lower(), Operation)
    if operation is None:
        # Documented: RFC 9110, 15.5.5
        raise refusal(404, "LifecycleOperationNotFound", f"The operation '{operation_id}' could not be found.")
    return operation


def filtered_environment(call: Call) -> str:
    """Return the id in `$filter=environment eq '{id}'`; 501 for any other filter."""
    words = call.query.get("$filter", "").split()
    if len(words) == 3 and [word.lower() for word in words[:2]] == ["environment", "eq"]:
        return words[2].strip("'").lower()
    raise not_modelled("GET", call.path, "a $filter other than environment eq '{id}'")
