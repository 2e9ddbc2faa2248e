"""Deleting environments, and getting plain ones back (power-platform-api.md 11)."""

from emulator.core.wire import Call, Reply, ServiceError
from emulator.power_platform import domains, lifecycle, operations
from emulator.power_platform.answers import (
    BAP_API_VERSIONS,
    bad_request,
    check_api_version,
    environment_not_found,
    operation_not_startable,
    parse_body,
    timestamp,
)
from emulator.power_platform.bodies import DeleteReason
from emulator.power_platform.documents import admin_document
from emulator.power_platform.environments import existing
from emulator.power_platform.published import EnvironmentDeleted, OrganizationReady
from emulator.power_platform.records import (
    DELETED,
    ENVIRONMENT,
    Environment,
    Operation,
    deleted_environments,
    find_environment,
    load,
    put_environment,
    save,
)
from emulator.power_platform.settings import use_up
from emulator.tenant import Tenant


def delete_environment(tenant: Tenant, call: Call) -> Reply:
    """Answer `DELETE .../environments/{id}`: 409 while anything else runs, without a body unless the switch says so."""
    check_api_version(call, BAP_API_VERSIONS)
    environment = existing(tenant, call)
    if call.body:
        parse_body(call, DeleteReason, {})
    linked = environment.finops is not None and environment.finops.type == "Linked"
    if linked and tenant.switches["linked_environment_delete"] == "refuse":
        text = (
            "Delete cannot be performed on Power Platform environments that are linked to Finance and Operations "
            "environments. Please use Lifecycle Services to perform this operation."
        )
        # Documented: Microsoft Learn, Delete environments when Power Platform Integration is enabled (the words)
        raise bad_request(text, "LinkedToLifecycleServices")
    if operations.running(tenant, environment.id) is not None:
        if tenant.switches["delete_conflict_answer"] == "empty":
            # Source: power-platform-api.md 11.1
            raise ServiceError(409, None)
        operations.require_idle(tenant, environment)
    environment.management_state = "Running"
    put_environment(tenant, environment)
    seconds = tenant.switches["environment_delete_duration"]
    operation = operations.start(tenant, "Delete", environment, seconds, operations.principal(tenant, call))
    return operations.accepted(tenant, operation)


def validate_delete(tenant: Tenant, call: Call) -> Reply:
    """Answer `POST .../validateDelete`: what a deletion would take along (resource types assumed)."""
    check_api_version(call, BAP_API_VERSIONS)
    environment = existing(tenant, call)
    resources = ["Microsoft.BusinessAppPlatform/environments"]
    if environment.database is not None:
        resources.append("Microsoft.CommonDataModel/environments")
    if environment.finops is not None:
        resources.append("Microsoft.FinanceAndOperations/environments")
    return Reply(
        json={
            "canInitiateDelete": operations.running(tenant, environment.id) is None,
            "resourcesToBeDeleted": [{"type": name} for name in resources],
        }
    )


def list_deleted(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET .../deletedEnvironments`."""
    check_api_version(call, BAP_API_VERSIONS)
    rows = []
    for environment in deleted_environments(tenant):
        row = admin_document(tenant, environment)
        row["properties"]["deletedTime"] = timestamp(environment.deleted)
        rows.append(row)
    return Reply(json={"value": rows})


def recover_environment(tenant: Tenant, call: Call) -> Reply:
    """Answer `POST .../deletedEnvironments/{id}/recover`: not for an environment that had F&O (11.2)."""
    check_api_version(call, BAP_API_VERSIONS)
    environment_id = call.parameters["environment_id"].lower()
    environment = load(tenant, DELETED, environment_id, Environment)
    if environment is None:
        raise environment_not_found(environment_id)
    if environment.finops is not None:
        text = "Recovering an environment with finance and operations apps isn't yet implemented."
        # Source: power-platform-api.md 11.2
        raise bad_request(text, "OperationNotSupported")
    if operations.running(tenant, environment_id) is not None:
        raise operation_not_startable(environment_id)
    seconds = tenant.switches["environment_recover_duration"]
    operation = operations.start(tenant, "Recover", environment, seconds, operations.principal(tenant, call))
    return operations.accepted(tenant, operation)


def remove(tenant: Tenant, environment: Environment) -> None:
    """Delete an environment at once: soft-deleted, its domain reserved, its instances gone, but for a Linked F&O."""
    environment.deleted = tenant.clock.now()
    tenant.store.delete(ENVIRONMENT, environment.id)
    save(tenant, DELETED, environment.id, environment)
    domains.reserve_after_deletion(tenant, environment)
    lifecycle.release(tenant, environment)
    tenant.signals.publish(EnvironmentDeleted(environment))


def deleted(tenant: Tenant, operation: Operation) -> bool:
    """End a deletion; return whether it succeeded."""
    environment = find_environment(tenant, operation.environment_id)
    if environment is None:
        return True
    if use_up(tenant.switches, "environment_delete_failures"):
        environment.management_state = "Ready"
        put_environment(tenant, environment)
        return False
    remove(tenant, environment)
    return True


def recovered(tenant: Tenant, operation: Operation) -> bool:
    """End a recovery; return whether the environment was there."""
    environment = load(tenant, DELETED, operation.environment_id, Environment)
    if environment is None:
        return False
    tenant.store.delete(DELETED, environment.id)
    environment.deleted = None
    environment.management_state = "Ready"
    put_environment(tenant, environment)
    if environment.database is not None:
        domains.release(tenant, environment.database.domain)
        tenant.signals.publish(OrganizationReady(environment, environment.database))
    return True
