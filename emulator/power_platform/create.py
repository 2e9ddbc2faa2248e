"""Creating environments, and adding Dataverse to one (power-platform-api.md 7 and 9)."""

import re
from datetime import timedelta
from uuid import uuid4

from emulator.core.routing import NotModelledError
from emulator.core.wire import Call, Reply
from emulator.power_platform import capacity, catalogue, domains, locations, operations, packages
from emulator.power_platform.answers import (
    BAP_API_VERSIONS,
    bad_request,
    check_api_version,
    environment_not_found,
    parse_body,
    refusal,
)
from emulator.power_platform.bodies import (
    TYPE_NAMES,
    EnvironmentDefinition,
    EnvironmentProperties,
    LinkedEnvironment,
    id_of,
)
from emulator.power_platform.databases import new_database
from emulator.power_platform.documents import admin_document
from emulator.power_platform.published import OrganizationReady
from emulator.power_platform.records import (
    ENVIRONMENT,
    Environment,
    Operation,
    find_environment,
    put_environment,
)
from emulator.power_platform.settings import use_up
from emulator.power_platform.templates import disabled_reason
from emulator.tenant import Tenant

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def create_environment(tenant: Tenant, call: Call) -> Reply:
    """Answer `POST /environments`: a bare shell, or one with Dataverse, perhaps with F&O behind it."""
    check_api_version(call, BAP_API_VERSIONS)
    body = parse_body(call, EnvironmentDefinition, TYPE_NAMES)
    environment = _shell(tenant, call, body)
    linked = body.properties.linkedEnvironmentMetadata
    if linked is None:
        return _create_bare(tenant, call, environment)
    _attach_database(tenant, environment, linked)
    return _start(tenant, call, environment, "Create", tenant.switches["environment_create_duration"])


def _shell(tenant: Tenant, call: Call, body: EnvironmentDefinition) -> Environment:
    """Return the environment that a create call asks for, without its Dataverse, not yet stored."""
    wanted = body.properties
    location = _location(tenant, body)
    _check_kind(wanted)
    region = _region(location, wanted.azureRegion)
    now = tenant.clock.now()
    return Environment(
        id=str(uuid4()),
        display_name=wanted.displayName,
        description=wanted.description,
        location=location,
        azure_region=region,
        sku=wanted.environmentSku,
        created=now,
        modified=now,
        created_by=operations.principal(tenant, call),
        billing_policy=id_of(wanted.billingPolicy) or None,
        update_cadence=wanted.updateCadence.id if wanted.updateCadence else "Frequent",
        environment_group=id_of(wanted.parentEnvironmentGroup),
        cluster_category=wanted.cluster.category if wanted.cluster else "Prod",
        used_by={"id": wanted.usedBy.id, "tenantId": wanted.usedBy.tenantId} if wanted.usedBy else None,
        settings=wanted.ai_settings(),
        visible_from=now + timedelta(seconds=tenant.switches["environment_visible_delay"]),
    )


def _check_kind(wanted: EnvironmentProperties) -> None:
    if wanted.environmentSku not in catalogue.CREATABLE_SKUS:
        raise NotModelledError(f"the environment SKU '{wanted.environmentSku}'")
    if (wanted.databaseType is None) != (wanted.linkedEnvironmentMetadata is None):
        raise NotModelledError("one of databaseType and linkedEnvironmentMetadata without the other")


def provision_instance(tenant: Tenant, call: Call) -> Reply:
    """Answer `POST .../provisionInstance`: Dataverse for an environment that has none."""
    check_api_version(call, BAP_API_VERSIONS)
    environment = find_environment(tenant, call.parameters["environment_id"])
    if environment is None:
        raise environment_not_found(call.parameters["environment_id"])
    linked = parse_body(call, LinkedEnvironment, {(): "LinkedEnvironmentMetadata"})
    operations.require_idle(tenant, environment)
    if environment.database is not None:
        raise NotModelledError("provisionInstance of an environment that has Dataverse")
    _attach_database(tenant, environment, linked)
    return _start(tenant, call, environment, "Provision", tenant.switches["provision_instance_duration"])


def _create_bare(tenant: Tenant, call: Call, environment: Environment) -> Reply:
    environment.usable_from = environment.created
    if tenant.switches["bare_environment_answer"] == "accepted":
        return _start(tenant, call, environment, "Create", tenant.switches["environment_update_duration"])
    put_environment(tenant, environment)
    return Reply(201, json=admin_document(tenant, environment))


def _start(tenant: Tenant, call: Call, environment: Environment, operation_type: str, seconds: float) -> Reply:
    if environment.database is not None:
        environment.provisioning_state = "LinkedDatabaseProvisioning"
    environment.management_state = "Running"
    put_environment(tenant, environment)
    operation = operations.start(
        tenant,
        operation_type,
        environment,
        seconds,
        operations.principal(tenant, call),
        provisions_instance=operation_type == "Provision",
    )
    return operations.accepted(tenant, operation)


def _location(tenant: Tenant, body: EnvironmentDefinition) -> str:
    """Return the location of a create call under the tenant's mode (7.5)."""
    if body.location and body.macroRegion:
        # Source: power-platform-api.md 7.5
        raise bad_request("Cannot specify both macroRegion and location.", "AmbiguousLocationSpecification")
    if tenant.switches["tenant_provisioning_mode"] == "macroRegion":
        return _location_of_macro_region(body.macroRegion)
    if body.macroRegion:
        raise NotModelledError("a macroRegion in a tenant that does not use them")
    if not body.location or body.location not in locations.LOCATIONS:
        raise NotModelledError(f"the location '{body.location or ''}'")
    return body.location


def _location_of_macro_region(wanted: str | None) -> str:
    if not wanted:
        # Source: power-platform-api.md 7.5
        raise bad_request("A macroRegion is required for this tenant.", "MacroRegionRequired")
    found = locations.MACRO_REGIONS.get(wanted)
    if found is None:
        # Source: microsoft/terraform-provider-power-platform#1227
        raise refusal(400, "InvalidMacroRegion", f"macroRegion '{wanted}' is not valid", detail=True)
    return found.location


def _region(location: str, wanted: str | None) -> str:
    regions = locations.LOCATIONS[location].regions
    if wanted and wanted not in regions:
        raise NotModelledError(f"the Azure region '{wanted}' in the location '{location}'")
    return wanted or regions[0]


def _attach_database(tenant: Tenant, environment: Environment, linked: LinkedEnvironment) -> None:
    """Give the environment the Dataverse that is asked for, and the parameters of its F&O."""
    templates = _templates(tenant, environment, linked.templates or [])
    domain = _domain(tenant, linked.domainName)
    _check_capacity(tenant)
    language, currency = _language(environment, linked), _currency(environment, linked)
    group = _security_group(linked.securityGroupId)
    apps = any(template.dynamics_365_apps for template in templates)
    environment.database = new_database(
        str(uuid4()),
        environment.location,
        domain,
        base_language=language,
        currency=currency,
        schema_type=tenant.switches["schema_type_with_apps"] if apps else "Standard",
        dynamics_365_apps=apps,
        created=tenant.clock.now(),
    )
    environment.database.templates = [template.name for template in templates]
    environment.database.security_group_id = group
    _attach_finops_parameters(environment, linked, templates)


def _attach_finops_parameters(
    environment: Environment, linked: LinkedEnvironment, templates: list[catalogue.Template]
) -> None:
    if any(template.finops for template in templates):
        environment.finops_parameters = _finops_parameters(linked)
    elif linked.templateMetadata and linked.templateMetadata.PostProvisioningPackages:
        raise NotModelledError("templateMetadata without a template that carries its packages")


def _check_capacity(tenant: Tenant) -> None:
    if capacity.database_left(tenant) < capacity.NEEDED_MB:
        # Source: power-platform-api.md 17
        raise refusal(
            409,
            "InsufficientCapacity_StorageDriven",
            "This environment can't be created because your org (tenant) needs at least 1 GB of database capacity.",
            detail=True,
        )


def _language(environment: Environment, linked: LinkedEnvironment) -> int:
    language = linked.baseLanguage or locations.DEFAULT_LANGUAGE
    if language not in locations.LANGUAGES:
        raise NotModelledError(f"the language '{language}' in '{environment.location}'")
    return language


def _currency(environment: Environment, linked: LinkedEnvironment) -> str:
    currency = linked.currency.code if linked.currency else locations.DEFAULT_CURRENCY
    if currency not in locations.CURRENCIES:
        raise NotModelledError(f"the currency '{currency}' in '{environment.location}'")
    return currency


def _security_group(wanted: str | None) -> str | None:
    if wanted and not _GUID.fullmatch(wanted):
        raise NotModelledError("a securityGroupId that is not a GUID")
    return wanted if wanted and wanted != ZERO_GUID else None


def _templates(tenant: Tenant, environment: Environment, names: list[str]) -> list[catalogue.Template]:
    found = []
    for name in names:
        template = catalogue.TEMPLATES.get(name)
        sku = environment.sku[:1].lower() + environment.sku[1:]
        if template is None or sku not in template.skus:
            # What the service says to an unknown template was seen nowhere (17).
            raise NotModelledError(f"the template '{name}'")
        if disabled_reason(tenant, template) is not None:
            # The list of templates says why (12.4); how a create that ignores it is refused was not seen.
            raise NotModelledError(f"a create with the template '{name}', which the tenant may not use")
        found.append(template)
    return found


def _domain(tenant: Tenant, wanted: str | None) -> str:
    if not wanted:
        return domains.generated(tenant)
    if not domains.well_formed(wanted):
        text = f"The specified domain name with a value of '{wanted}' is invalid."
        # Source: power-platform-api.md 12.6
        raise bad_request(text, "InvalidDomainName")
    if domains.taken(tenant, wanted):
        text = f"The domain name '{wanted}' is already in use."
        # Source: power-platform-api.md 4.4
        raise refusal(409, "DomainNameAlreadyInUse", text, detail=True)
    return wanted


def _finops_parameters(linked: LinkedEnvironment) -> str:
    packages = linked.templateMetadata.PostProvisioningPackages if linked.templateMetadata else []
    for package in packages:
        if package.applicationUniqueName.lower() == catalogue.PROVISIONING_APP.lower():
            return package.parameters or ""
    return ""


def created(tenant: Tenant, operation: Operation) -> bool:
    """End a creation; return whether it succeeded."""
    environment = find_environment(tenant, operation.environment_id)
    if environment is None:
        return False
    if use_up(tenant.switches, "environment_create_failures"):
        # A recorded failure has an empty environment path: the shell does not stay (8.1).
        tenant.store.delete(ENVIRONMENT, environment.id)
        return False
    _finish(tenant, environment)
    return True


def provisioned(tenant: Tenant, operation: Operation) -> bool:
    """End `provisionInstance`; return whether it succeeded."""
    environment = find_environment(tenant, operation.environment_id)
    if environment is None:
        return False
    _finish(tenant, environment)
    return True


def _finish(tenant: Tenant, environment: Environment) -> None:
    """Make the organization usable, and queue what the template brings along."""
    now = tenant.clock.now()
    environment.provisioning_state = "Succeeded"
    environment.management_state = "Ready"
    environment.usable_from = now
    database = environment.database
    if database is not None:
        database.ready = True
        database.visible_from = now + timedelta(seconds=tenant.switches["dataverse_metadata_delay"])
        database.hidden_reads = int(tenant.switches["dataverse_metadata_reads"])
    put_environment(tenant, environment)
    if database is None:
        return
    tenant.signals.publish(OrganizationReady(environment, database))
    for name in database.templates:
        template = catalogue.TEMPLATES[name]
        if template.packages:
            packages.install_template(tenant, environment.id, template)
