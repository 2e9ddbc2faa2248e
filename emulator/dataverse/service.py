"""The service `dataverse`: hosts, routes and switches."""

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from emulator import http
from emulator.dataverse import functions, metadata, reads, writes
from emulator.dataverse.access import READ_COST, WRITE_COST, member, privileged, spend
from emulator.dataverse.errors import bad_query, refuse, unauthorized
from emulator.dataverse.organization import organization, plain_host
from emulator.http import Call, Reply, Route, Service, plain_path
from emulator.tables import batch

if TYPE_CHECKING:
    from emulator.tenant import Tenant

ROOT = "/api/data/v{version}"
VERSIONS = {"9.0", "9.1", "9.2"}
_POWER_PLATFORM = "power-platform-api.md 14.8"
_SEMANTICS = "dual-write-semantics.md 12.2"
_ROWS = "{resource:path}"


def _routes() -> tuple[Route, ...]:
    provisioning = "queues F&O, or its update, through the Provisioning App"
    details = "RetrieveFinanceAndOperationsIntegrationDetails"
    return (
        Route("GET", f"{ROOT}/WhoAmI", member(functions.who_am_i), _POWER_PLATFORM, "the caller's ids"),
        Route("GET", f"{ROOT}/WhoAmI()", member(functions.who_am_i), _POWER_PLATFORM, "the caller's ids"),
        Route("GET", f"{ROOT}/RetrieveVersion", member(functions.retrieve_version), "assumed: answer", "the version"),
        Route("GET", f"{ROOT}/RetrieveVersion()", member(functions.retrieve_version), "assumed: answer", "the version"),
        Route("GET", f"{ROOT}/{details}", privileged(functions.integration_details), _POWER_PLATFORM, "the linked F&O"),
        Route("GET", f"{ROOT}/{details}()", privileged(functions.integration_details), _POWER_PLATFORM, "the same"),
        Route("GET", f"{ROOT}/msprov_getfnoversiondetails", privileged(functions.finops_versions), _POWER_PLATFORM,
              "F&O versions on offer"),
        Route("GET", f"{ROOT}/msprov_getfnoversiondetails()", privileged(functions.finops_versions), _POWER_PLATFORM,
              "the same"),
        Route("POST", f"{ROOT}/msprov_queuefnoinstallorupdate", privileged(functions.queue_finops), _POWER_PLATFORM,
              provisioning),
        Route("GET", f"{ROOT}/msprov_getfinopsapplicationdetails", privileged(functions.finops_details),
              _POWER_PLATFORM, "version and state of F&O"),
        Route("GET", f"{ROOT}/msprov_getfinopsapplicationdetails()", privileged(functions.finops_details),
              _POWER_PLATFORM, "the same"),
        Route("GET", f"{ROOT}/msprov_operationhistories", privileged(functions.operation_histories), _POWER_PLATFORM,
              "what the Provisioning App did"),
        Route("GET", f"{ROOT}/EntityDefinitions({{key}})/Attributes({{attribute}})",
              privileged(metadata.one_attribute), _SEMANTICS, "one column"),
        Route("GET", f"{ROOT}/EntityDefinitions({{key}})/{{rest:path}}", privileged(metadata.one_definition),
              _SEMANTICS, "columns, keys, relationships of a table"),
        Route("GET", f"{ROOT}/EntityDefinitions({{key}})", privileged(metadata.one_definition), _SEMANTICS,
              "one table"),
        Route("GET", f"{ROOT}/EntityDefinitions", privileged(metadata.definitions), _SEMANTICS, "all tables"),
        Route("GET", f"{ROOT}/$metadata", privileged(metadata.csdl), "assumed: simplified", "the CSDL"),
        Route("POST", f"{ROOT}/$batch", privileged(_batch), _SEMANTICS, "up to 1,000 operations"),
        Route("GET", ROOT, privileged(functions.service_document), _SEMANTICS, "the list of sets"),
        Route("GET", f"{ROOT}/{{resource:path}}", privileged(reads.read), _SEMANTICS, "rows"),
        Route("POST", f"{ROOT}/{{resource:path}}", privileged(writes.create), _SEMANTICS, "create a row"),
        Route("PATCH", f"{ROOT}/{{resource:path}}", privileged(writes.update), _SEMANTICS, "update or upsert a row"),
        Route("PUT", f"{ROOT}/{{resource:path}}", privileged(writes.refer), _SEMANTICS, "set a lookup by $ref"),
        Route("DELETE", f"{ROOT}/{{resource:path}}", privileged(writes.delete), _SEMANTICS, "delete a row"),
    )  # fmt: skip


_IN_BATCH = {
    "GET": reads.read,
    "POST": writes.create,
    "PATCH": writes.update,
    "PUT": writes.refer,
    "DELETE": writes.delete,
}
LARGEST_BATCH = 1000


def _batch(tenant: "Tenant", call: Call) -> Reply:
    spent: list[float] = []

    def answer(tenant: "Tenant", inner: Call) -> Reply:
        """Play one operation on rows; its time counts for the batch."""
        spent.append(READ_COST if inner.method == "GET" else WRITE_COST)
        route = _row_routes().get(inner.method)
        parameters = route.match(inner.path) if route else None
        if parameters is None:
            raise http.not_modelled(inner.method, plain_path(inner.path))
        return _IN_BATCH[inner.method](tenant, replace(inner, path=plain_path(inner.path), parameters=parameters))

    root = f"/api/data/v{call.parameters['version']}/"
    reply = batch.run(tenant, call, batch.Rules(root, answer, bad_query, "OData-EntityId", LARGEST_BATCH))
    spend(tenant, call, sum(spent))
    return reply


@cache
def _row_routes() -> dict[str, Route]:
    """Return the route of each method that is about rows."""
    return {one.method: one for one in ROUTES if one.pattern.endswith(f"/{_ROWS}")}


def _versioned(route: Route) -> Route:
    """Refuse versions of the Web API that the emulator does not speak."""

    def handler(tenant: "Tenant", call: Call) -> Reply:
        if call.parameters["version"] not in VERSIONS:
            text = f"The API version 'v{call.parameters['version']}' is not supported."
            raise refuse(404, "0x80060888", text)
        return route.handler(tenant, call)

    return Route(route.method, route.pattern, handler, route.evidence, route.summary)


ROUTES = tuple(_versioned(route) for route in _routes())


def service() -> Service:
    """Return the service on `<domain>.crm<n>.dynamics.com` and `<domain>.api.crm<n>.dynamics.com`."""
    return Service(
        name="dataverse",
        hosts=lambda tenant, host: organization(tenant, host) is not None,
        routes=ROUTES,
        audiences=_audiences,
        unauthorized=unauthorized,
    )


def _audiences(_tenant: "Tenant", host: str) -> set[str]:
    own = plain_host(host)
    return {f"https://{own}", f"https://{own.replace('.crm', '.api.crm', 1)}"}


def register_switches(tenant: "Tenant") -> None:
    """Declare durations and assumed behaviours."""
    register = tenant.switches.register
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
