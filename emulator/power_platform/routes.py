"""The routes of `bap` and `powerplatform`, each with its evidence."""

from collections.abc import Callable
from functools import partial

from emulator.core.routing import Route, Service
from emulator.core.wire import ServiceError
from emulator.power_platform import (
    access,
    appmanagement,
    capacity,
    create,
    deletion,
    dynamics,
    environments,
    locations,
    operations,
    templates,
)
from emulator.tenant import Handler, Tenant

_P = operations.PROVIDER
_ADMIN = f"{_P}/scopes/admin/environments"
_PACKAGES = "/appmanagement/environments/{environment_id}"
_DYNAMICS = "/dynamics/environments/{environment_id}"

_REFERENCE = "power-platform-api.md"

_MakeRoute = Callable[[str, str, Handler, str, str], Route]


def services(tenant: Tenant) -> tuple[Service, Service]:
    """Return the admin API and the Power Platform API."""
    return (
        Service(
            name="bap",
            hosts=lambda host: locations.is_bap_host(host),
            routes=_bap_routes(partial(_route, tenant)),
            audiences=_bap_audiences,
            unauthorized=_unauthorized,
        ),
        Service(
            name="powerplatform",
            hosts=lambda host: host == locations.PLATFORM_HOST,
            routes=_platform_routes(partial(_route, tenant)),
            audiences=lambda _host: {"https://api.powerplatform.com"},
            unauthorized=_unauthorized,
        ),
    )


def _bap_audiences(_host: str) -> set[str]:
    return {"https://service.powerapps.com", "https://api.bap.microsoft.com"}


def _unauthorized(reason: str) -> ServiceError:
    """Return the 401."""
    body = {"error": {"code": "InvalidAuthenticationToken", "message": reason}}
    # Documented: RFC 6750, 3.1 (401 and the header); power-platform-api.md 4.1 (claims in the header)
    return ServiceError(401, body, {"WWW-Authenticate": 'Bearer authorization_uri="https://login.microsoftonline.com"'})


def _route(tenant: Tenant, method: str, pattern: str, handler: Handler, section: str, summary: str) -> Route:
    evidence = section if section.startswith("assumed") else f"{_REFERENCE} {section}"
    return tenant.route(method, pattern, access.registered_only(handler), evidence, summary)


def _bap_routes(route: _MakeRoute) -> tuple[Route, ...]:
    return (
        *_environment_routes(route),
        route("GET", f"{_P}/lifecycleOperations", environments.list_operations, "8.3", "operations of an environment"),
        route(
            "GET", f"{_P}/lifecycleOperations/{{operation_id}}", environments.get_operation, "8.1", "poll an operation"
        ),
        route("GET", f"{_P}/locations", templates.read_locations, "12.1, 7.5", "locations and macro regions"),
        route("GET", f"{_P}/locations/{{location}}/templates", templates.read_templates, "12.4", "templates per SKU"),
        route(
            "GET", f"{_P}/locations/{{location}}/environmentTemplates", templates.read_templates,
            "12.4: the other word in documentation", "templates per SKU",
        ),
        route(
            "GET", f"{_P}/locations/{{location}}/environmentCurrencies", templates.read_currencies, "12.2",
            "base currencies",
        ),
        route(
            "GET", f"{_P}/locations/{{location}}/environmentLanguages", templates.read_languages, "12.3",
            "base languages",
        ),
        route("GET", f"{_P}/tenant", templates.read_tenant, "12.5", "the tenant"),
        route("GET", f"{_P}/adminApplications", access.list_applications, "2", "admin management applications"),
        route("GET", f"{_P}/adminApplications/{{client_id}}", access.get_application, "2", "one of them"),
        route("PUT", f"{_P}/adminApplications/{{client_id}}", access.register_application, "2", "register one"),
        route("DELETE", f"{_P}/adminApplications/{{client_id}}", access.remove_application, "2", "remove one"),
    )  # fmt: skip


def _environment_routes(route: _MakeRoute) -> tuple[Route, ...]:
    one, mine = f"{_ADMIN}/{{environment_id}}", f"{_P}/environments"
    deleted = f"{_P}/scopes/admin/deletedEnvironments"
    return (
        route("GET", _ADMIN, environments.list_environments, "6", "list environments"),
        route("GET", mine, environments.list_environments, "6", "list the caller's environments"),
        route("POST", mine, create.create_environment, "7", "create an environment"),
        route("GET", one, environments.get_environment, "6", "read an environment"),
        route(
            "GET", f"{mine}/{{environment_id}}", environments.get_environment,
            "assumed: same answer as under scopes/admin", "read an environment",
        ),
        route("PATCH", one, environments.patch_environment, "10.1, 10.2", "change an environment, admin mode"),
        route("DELETE", one, deletion.delete_environment, "11.1", "delete an environment"),
        route("POST", f"{one}/modifySku", environments.modify_sku, "10.3", "Sandbox to Production and back"),
        route("POST", f"{one}/validateDelete", deletion.validate_delete, "11.1", "may it be deleted"),
        route(
            "POST", f"{mine}/{{environment_id}}/provisionInstance", create.provision_instance, "9", "add Dataverse"
        ),
        route("GET", deleted, deletion.list_deleted, "11.2", "soft-deleted environments"),
        route(
            "POST", f"{deleted}/{{environment_id}}/recover", deletion.recover_environment, "11.2",
            "recover an environment",
        ),
        route(
            "POST", f"{_P}/validateEnvironmentDetails", environments.validate_details, "12.6", "is a domain free"
        ),
    )  # fmt: skip


def _platform_routes(route: _MakeRoute) -> tuple[Route, ...]:
    operation = f"{_PACKAGES}/operations/{{operation_id}}"
    install = f"{_PACKAGES}/applicationPackages/{{unique_name}}/install"
    return (
        route("GET", "/licensing/tenantCapacity", capacity.read_tenant_capacity, "13", "storage capacity"),
        route("GET", "/appmanagement/applicationPackages", appmanagement.list_tenant_packages, "14.7", "packages"),
        route(
            "GET", f"{_PACKAGES}/applicationPackages", appmanagement.list_packages, "14.7", "packages of an environment"
        ),
        route("POST", install, appmanagement.install_package, "14.7", "install a package"),
        route("GET", operation, appmanagement.get_operation, "14.7", "poll an installation"),
        route("GET", f"{_DYNAMICS}/finopsversions", dynamics.list_versions, "15.4", "F&O versions on offer"),
        route(
            "POST", f"{_DYNAMICS}/finopsversions/{{version}}/apply", dynamics.apply_version, "15.4", "update F&O"
        ),
        route("GET", f"{_DYNAMICS}/finopsproperties", dynamics.read_properties, "15.4", "what F&O is"),
        route("GET", f"{_DYNAMICS}/operationerrors", dynamics.list_errors, "15.4", "why F&O failed"),
    )  # fmt: skip
