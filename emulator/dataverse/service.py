"""The service `dataverse`: hosts, routes and switches."""

from collections.abc import Callable, Mapping
from functools import partial

from emulator.core.routing import Operations, Route, Service, not_modelled
from emulator.core.switches import Switches
from emulator.core.wire import Call, Reply
from emulator.dataverse import functions, metadata, reads, request_headers, writes
from emulator.dataverse.access import Access
from emulator.dataverse.errors import bad_query, unauthorized
from emulator.dataverse.organization import organization, plain_host
from emulator.dataverse.protection import ServiceProtection, cost_of
from emulator.tables import batch
from emulator.tenant import Handler, Tenant

ROOT = "/api/data/v{version}"
VERSIONS = {"9.0", "9.1", "9.2"}
LARGEST_BATCH = 1000
_POWER_PLATFORM = "power-platform-api.md 14.8"
_SEMANTICS = "dual-write-semantics.md 12.2"
_ROWS = f"{ROOT}/{{resource:path}}"
_ROW_HANDLERS: Mapping[str, Handler] = {
    "GET": reads.read,
    "POST": writes.create,
    "PATCH": writes.update,
    "PUT": writes.refer,
    "DELETE": writes.delete,
}

_MakeRoute = Callable[[str, str, Handler, str, str], Route]


def service(tenant: Tenant) -> Service:
    """Return the service on `<domain>.crm<n>.dynamics.com` and `<domain>.api.crm<n>.dynamics.com`."""
    return Service(
        name="dataverse",
        hosts=lambda host: organization(tenant, host) is not None,
        routes=_routes(tenant, ServiceProtection(tenant)),
        audiences=_audiences,
        unauthorized=unauthorized,
    )


def _audiences(host: str) -> set[str]:
    own = plain_host(host)
    return {f"https://{own}", f"https://{own.replace('.crm', '.api.crm', 1)}"}


def _routes(tenant: Tenant, protection: ServiceProtection) -> tuple[Route, ...]:
    access = Access(protection)

    def member(method: str, path: str, handler: Handler, evidence: str, summary: str) -> Route:
        return tenant.route(method, f"{ROOT}{path}", _versioned(access.member(handler)), evidence, summary)

    def privileged(method: str, path: str, handler: Handler, evidence: str, summary: str) -> Route:
        return tenant.route(method, f"{ROOT}{path}", _versioned(access.privileged(handler)), evidence, summary)

    return (
        member("GET", "/WhoAmI", functions.who_am_i, _POWER_PLATFORM, "the caller's ids"),
        member("GET", "/WhoAmI()", functions.who_am_i, _POWER_PLATFORM, "the caller's ids"),
        member("GET", "/RetrieveVersion", functions.retrieve_version, "assumed: answer", "the version"),
        member("GET", "/RetrieveVersion()", functions.retrieve_version, "assumed: answer", "the version"),
        *_finops_routes(privileged),
        *_metadata_routes(privileged),
        privileged("POST", "/$batch", partial(_batch, protection), _SEMANTICS, "up to 1,000 operations"),
        privileged("GET", "", functions.service_document, _SEMANTICS, "the list of sets"),
        privileged("GET", "/{resource:path}", reads.read, _SEMANTICS, "rows"),
        privileged("POST", "/{resource:path}", writes.create, _SEMANTICS, "create a row"),
        privileged("PATCH", "/{resource:path}", writes.update, _SEMANTICS, "update or upsert a row"),
        privileged("PUT", "/{resource:path}", writes.refer, _SEMANTICS, "set a lookup by $ref"),
        privileged("DELETE", "/{resource:path}", writes.delete, _SEMANTICS, "delete a row"),
    )


def _finops_routes(route: _MakeRoute) -> tuple[Route, ...]:
    details = "/RetrieveFinanceAndOperationsIntegrationDetails"
    versions, state = "/msprov_getfnoversiondetails", "/msprov_getfinopsapplicationdetails"
    provisioning = "queues F&O, or its update, through the Provisioning App"
    return (
        route("GET", details, functions.integration_details, _POWER_PLATFORM, "the linked F&O"),
        route("GET", f"{details}()", functions.integration_details, _POWER_PLATFORM, "the same"),
        route("GET", versions, functions.finops_versions, _POWER_PLATFORM, "F&O versions on offer"),
        route("GET", f"{versions}()", functions.finops_versions, _POWER_PLATFORM, "the same"),
        route("POST", "/msprov_queuefnoinstallorupdate", functions.queue_finops, _POWER_PLATFORM, provisioning),
        route("GET", state, functions.finops_details, _POWER_PLATFORM, "version and state of F&O"),
        route("GET", f"{state}()", functions.finops_details, _POWER_PLATFORM, "the same"),
        route(
            "GET", "/msprov_operationhistories", functions.operation_histories, _POWER_PLATFORM,
            "what the Provisioning App did",
        ),
    )  # fmt: skip


def _metadata_routes(route: _MakeRoute) -> tuple[Route, ...]:
    one = "/EntityDefinitions({key})"
    parts = "columns, keys, relationships of a table"
    return (
        route("GET", f"{one}/Attributes({{attribute}})", metadata.one_attribute, _SEMANTICS, "one column"),
        route("GET", f"{one}/{{rest:path}}", metadata.one_definition, _SEMANTICS, parts),
        route("GET", one, metadata.one_definition, _SEMANTICS, "one table"),
        route("GET", "/EntityDefinitions", metadata.definitions, _SEMANTICS, "all tables"),
        route("GET", "/$metadata", metadata.csdl, "assumed: simplified", "the CSDL"),
    )


def _versioned(handler: Handler) -> Handler:
    """Return the handler behind a check that the emulator speaks the call's version of the Web API."""

    def checked(tenant: Tenant, call: Call) -> Reply:
        if call.parameters["version"] not in VERSIONS:
            raise not_modelled(call.method, call.path, f"the version v{call.parameters['version']}")
        request_headers.check(call)
        return handler(tenant, call)

    return checked


def _batch(protection: ServiceProtection, tenant: Tenant, call: Call) -> Reply:
    spent: list[float] = []
    rows = Operations(_ROWS, {method: partial(handler, tenant) for method, handler in _ROW_HANDLERS.items()})
    others = _batched_routes(tenant)

    def answer(inner: Call) -> Reply:
        """Play one operation; its time counts for the batch."""
        spent.append(cost_of(inner.method))
        request_headers.check(inner)
        for route in others:
            if route.method == inner.method and (parameters := route.match(inner.path)) is not None:
                return route.answer(inner, parameters)
        return rows.answer(inner)

    root = f"/api/data/v{call.parameters['version']}/"
    reply = batch.run(tenant.store, call, batch.Rules(root, answer, bad_query, "OData-EntityId", LARGEST_BATCH))
    protection.spend(call, sum(spent))
    return reply


def _batched_routes(tenant: Tenant) -> tuple[Route, ...]:
    """Return what a batch can hold besides operations on rows; who may call was asked for the whole batch."""

    def plain(method: str, path: str, handler: Handler, evidence: str, summary: str) -> Route:
        return tenant.route(method, f"{ROOT}{path}", handler, evidence, summary)

    return (
        plain("GET", "/WhoAmI", functions.who_am_i, _POWER_PLATFORM, "the caller's ids"),
        plain("GET", "/WhoAmI()", functions.who_am_i, _POWER_PLATFORM, "the caller's ids"),
        *_metadata_routes(plain),
    )


def register_switches(switches: Switches) -> None:
    """Declare durations and assumed behaviours."""
    register = switches.register
    register("application_user_delay", 60.0, "Seconds until the creator's application is a user of a new organization.")
    register(
        "service_protection",
        True,
        "Dataverse counts requests and execution time of each user; it never sees two at once, so 52 is no limit here.",
        "inferred: documented limits; execution time of a request is assumed (0.005 s reading, 0.03 s writing)",
    )
    register("service_protection_window", 300.0, "Seconds of the sliding window.", "inferred: documented")
    register("service_protection_requests", 6000, "Requests in the window.", "inferred: documented")
    register("service_protection_seconds", 1200.0, "Execution seconds in the window.", "inferred: documented")
