"""Reading and changing environments, and their operations (power-platform-api.md 6, 8, 10, 12.6)."""

import json
from dataclasses import replace

from emulator.core.routing import NotModelledError, not_modelled
from emulator.core.wire import Call, Reply
from emulator.power_platform import domains, finops, locations, operations
from emulator.power_platform.answers import (
    BAP_API_VERSIONS,
    bad_request,
    check_api_version,
    environment_not_found,
    parse_body,
)
from emulator.power_platform.bodies import (
    DomainCheck,
    EnvironmentChanges,
    EnvironmentPatch,
    LinkedEnvironmentChange,
    SkuChange,
    id_of,
    without_read_only,
)
from emulator.power_platform.create import ZERO_GUID
from emulator.power_platform.documents import admin_document, service_document
from emulator.power_platform.published import OrganizationRenamed
from emulator.power_platform.records import (
    Database,
    Environment,
    Operation,
    environments,
    find_environment,
    put_environment,
)
from emulator.tenant import Tenant

_PATCH_THAT_KEEPS_GOVERNANCE = "2021-04-01"
_CONVERTIBLE_SKUS = frozenset(("Sandbox", "Production"))


def list_environments(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET .../environments`; a get with an empty id ends here too."""
    check_api_version(call, BAP_API_VERSIONS)
    chosen = _filtered(call, [one for one in environments(tenant) if _visible(tenant, one)])
    expand = _expanded(call)
    rows = [admin_document(tenant, _read(tenant, one), expand) for one in chosen]
    return Reply(json={"value": rows})


def get_environment(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET .../environments/{id}`."""
    check_api_version(call, BAP_API_VERSIONS)
    environment = existing(tenant, call)
    if not _visible(tenant, environment):
        raise environment_not_found(environment.id)
    return Reply(json=admin_document(tenant, _read(tenant, environment), _expanded(call)))


def patch_environment(tenant: Tenant, call: Call) -> Reply:
    """Answer `PATCH .../environments/{id}`: takes effect when its operation ends; AI settings alone at once (204)."""
    version = check_api_version(call, BAP_API_VERSIONS)
    environment = existing(tenant, call)
    served = json.loads(json.dumps(admin_document(tenant, environment, _expanded(call))))
    body = json.dumps(without_read_only(call.json(), served, EnvironmentPatch)).encode()
    patch = parse_body(replace(call, body=body), EnvironmentPatch, {("properties",): "EnvironmentProperties"})
    changes = patch.properties
    operations.require_idle(tenant, environment)
    _check_changes(tenant, environment, changes)
    if version > _PATCH_THAT_KEEPS_GOVERNANCE and changes.model_fields_set == {"description"}:
        # Seen with newer versions: a description alone made the environment a managed one (3).
        environment.protection_level = "Standard"
    settings = changes.ai_settings()
    if settings and set(settings) == changes.model_fields_set:
        environment.settings |= settings
        put_environment(tenant, environment)
        return Reply(204)
    environment.management_state = "Running"
    put_environment(tenant, environment)
    seconds = tenant.switches["environment_update_duration"]
    kept = changes.model_dump(mode="json", exclude_unset=True)
    requested_by = operations.principal(tenant, call)
    operation = operations.start(tenant, "Edit", environment, seconds, requested_by, changes=kept)
    return operations.accepted(tenant, operation)


def modify_sku(tenant: Tenant, call: Call) -> Reply:
    """Answer `POST .../modifySku`: Sandbox to Production and back; the answer names `Operation-Location` (10.3)."""
    check_api_version(call, BAP_API_VERSIONS)
    environment = existing(tenant, call)
    wanted = parse_body(call, SkuChange, {}).environmentSku
    operations.require_idle(tenant, environment)
    if not {wanted, environment.sku} <= _CONVERTIBLE_SKUS:
        raise NotModelledError(f"the conversion of an environment from {environment.sku} to {wanted}")
    if wanted == environment.sku:
        return Reply(200, json=admin_document(tenant, environment))
    environment.management_state = "Running"
    put_environment(tenant, environment)
    seconds = tenant.switches["environment_update_duration"]
    kept: dict[str, object] = {"sku": wanted}
    requested_by = operations.principal(tenant, call)
    operation = operations.start(tenant, "Convert", environment, seconds, requested_by, changes=kept)
    return operations.accepted(tenant, operation, "Operation-Location")


def validate_details(tenant: Tenant, call: Call) -> Reply:
    """Answer `POST /validateEnvironmentDetails`: one code for a malformed and for a taken domain (12.6)."""
    check_api_version(call, BAP_API_VERSIONS)
    wanted = parse_body(call, DomainCheck, {(): "EnvironmentDetails"})
    if (wanted.environmentLocation is None) == (wanted.environmentName is None):
        raise NotModelledError("a check with both or none of environmentLocation and environmentName")
    _require_domain(tenant, wanted.domainName, wanted.environmentName)
    return Reply(200)


def get_operation(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET /lifecycleOperations/{id}`; for `provisionInstance` the answer is an environment (9)."""
    check_api_version(call, BAP_API_VERSIONS)
    operation = operations.find(tenant, call.parameters["operation_id"])
    ended = operation.state == "Succeeded"
    if operation.type == "Delete" and ended and tenant.switches["delete_operation_afterwards"] == "gone":
        raise environment_not_found(operation.environment_id)
    headers = {} if operation.state != "Running" else operations.poll_headers(tenant, operation)
    if not operation.provisions_instance:
        return Reply(json=operations.document(tenant, operation), headers=headers)
    environment = find_environment(tenant, operation.environment_id)
    if environment is None:
        raise environment_not_found(operation.environment_id)
    status = 202 if operation.state == "Running" else 200
    return Reply(status, json=service_document(tenant, environment), headers=headers)


def list_operations(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET /lifecycleOperations?$filter=environment eq '{id}'`, newest first (8.3)."""
    check_api_version(call, BAP_API_VERSIONS)
    known = operations.operations(tenant, operations.filtered_environment(call))
    return Reply(json={"value": [operations.document(tenant, one) for one in known]})


def rename(tenant: Tenant, environment: Environment, display_name: str) -> None:
    """Change the display name at once, as a person's edit that has ended."""
    _apply(tenant, environment, EnvironmentChanges(displayName=display_name))


def existing(tenant: Tenant, call: Call) -> Environment:
    """Return the environment that a call names, or 404."""
    environment = find_environment(tenant, call.parameters["environment_id"])
    if environment is None:
        raise environment_not_found(call.parameters["environment_id"])
    return environment


def _visible(tenant: Tenant, environment: Environment) -> bool:
    return environment.visible_from is None or environment.visible_from <= tenant.clock.now()


def _read(tenant: Tenant, environment: Environment) -> Environment:
    """Count a read that still lacks the Dataverse metadata."""
    database = environment.database
    if database is None or not database.ready or database.hidden_reads <= 0:
        return environment
    shown = environment.model_copy(deep=True)
    database.hidden_reads -= 1
    put_environment(tenant, environment)
    return shown


def _expanded(call: Call) -> frozenset[str]:
    return frozenset(part.strip().lower() for part in call.query.get("$expand", "").split(","))


def _filtered(call: Call, found: list[Environment]) -> list[Environment]:
    words = call.query.get("$filter", "").split()
    if not words:
        return found
    if len(words) != 3 or words[0] != "properties/parentEnvironmentGroup/id" or words[1].lower() != "eq":
        raise not_modelled("GET", call.path, "a $filter other than properties/parentEnvironmentGroup/id eq {id}")
    return [one for one in found if one.environment_group == words[2].strip("'")]


def _require_domain(tenant: Tenant, domain: str, environment_id: str | None) -> None:
    if not domains.well_formed(domain) or domains.taken(tenant, domain, except_for=environment_id):
        text = f"The specified domain name with a value of '{domain}' is invalid."
        # Source: power-platform-api.md 12.6
        raise bad_request(text, "InvalidDomainName")


def _check_domain_change(tenant: Tenant, environment: Environment, domain: str) -> None:
    if environment.finops is not None:
        # Documented: Microsoft Learn, Edit the properties of connected Dataverse environments (the words)
        raise bad_request("The finance and operations environment does not support domain name changes.")
    _require_domain(tenant, domain, environment.id)


def _check_changes(tenant: Tenant, environment: Environment, changes: EnvironmentChanges) -> None:
    linked = changes.linkedEnvironmentMetadata
    if linked is None:
        return
    if environment.database is None:
        raise NotModelledError("linkedEnvironmentMetadata of an environment without Dataverse")
    if linked.domainName is not None and linked.domainName.lower() != environment.database.domain.lower():
        _check_domain_change(tenant, environment, linked.domainName)
    admin_mode = changes.states.runtime.id if changes.states else environment.runtime_state
    if linked.backgroundOperationsState == "Disabled" and admin_mode != "AdminMode":
        # Documented: Microsoft Learn, Administration mode: background operations are part of it
        raise bad_request("Background operations can be disabled in administration mode only.")


def edited(tenant: Tenant, operation: Operation) -> bool:
    """Apply a PATCH; return whether the environment was there."""
    environment = find_environment(tenant, operation.environment_id)
    if environment is None:
        return False
    _apply(tenant, environment, EnvironmentChanges.model_validate(operation.changes))
    return True


def _apply(tenant: Tenant, environment: Environment, changes: EnvironmentChanges) -> None:
    _apply_properties(environment, changes)
    if changes.linkedEnvironmentMetadata is not None:
        _apply_linked(tenant, environment, changes.linkedEnvironmentMetadata)
    environment.management_state = "Ready"
    environment.modified = tenant.clock.now()
    finops.refresh_link(tenant, environment)
    put_environment(tenant, environment)


def _apply_properties(environment: Environment, changes: EnvironmentChanges) -> None:
    given = changes.model_fields_set
    if changes.displayName is not None:
        environment.display_name = changes.displayName
    if "description" in given:
        environment.description = changes.description
    if changes.updateCadence is not None:
        environment.update_cadence = changes.updateCadence.id
    if "billingPolicy" in given:
        environment.billing_policy = id_of(changes.billingPolicy) or None
    if "parentEnvironmentGroup" in given:
        environment.environment_group = _unless_zero(id_of(changes.parentEnvironmentGroup))
    if changes.states is not None:
        environment.runtime_state = changes.states.runtime.id
    environment.settings |= changes.ai_settings()


def _apply_linked(tenant: Tenant, environment: Environment, linked: LinkedEnvironmentChange) -> None:
    database = environment.database
    if database is None:
        return
    if linked.securityGroupId is not None:
        database.security_group_id = _unless_zero(linked.securityGroupId)
    if linked.backgroundOperationsState is not None:
        database.background_operations = linked.backgroundOperationsState
    if linked.domainName is not None and linked.domainName.lower() != database.domain.lower():
        _move(tenant, environment, database, linked.domainName)


def _unless_zero(identifier: str | None) -> str | None:
    """None for the id by which clients take a group away."""
    return identifier if identifier != ZERO_GUID else None


def _move(tenant: Tenant, environment: Environment, database: Database, domain: str) -> None:
    old_host = database.host
    database.domain = domain
    database.host = locations.dataverse_host(environment.location, domain)
    put_environment(tenant, environment)
    tenant.signals.publish(OrganizationRenamed(environment.id, old_host, database.host))


def converted(tenant: Tenant, operation: Operation) -> bool:
    """Apply a change of SKU; return whether the environment was there."""
    environment = find_environment(tenant, operation.environment_id)
    if environment is None:
        return False
    environment.sku = str(operation.changes["sku"])
    environment.management_state = "Ready"
    environment.modified = tenant.clock.now()
    put_environment(tenant, environment)
    return True
