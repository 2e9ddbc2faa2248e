"""The service `finops`: hosts, routes, switches and what a person can do about registrations."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from emulator import power_platform
from emulator.core.person import PersonError, PersonRequest
from emulator.core.routing import Operations, Route, Service
from emulator.core.switches import Switches
from emulator.core.wire import Call, Reply
from emulator.finance_operations import reads, writes
from emulator.finance_operations.access import known
from emulator.finance_operations.errors import bad_request, unauthorized
from emulator.finance_operations.instance import instance, instance_of_cds_host, register_application
from emulator.identity.directory import DEMO_CLIENT_ID
from emulator.tables import batch
from emulator.tenant import Handler, Tenant

_SEMANTICS = "dual-write-semantics.md 12.1"
_ONE = "/data/{resource:path}"

LARGEST_BATCH = 5000
_ROW_HANDLERS: Mapping[str, Handler] = {
    "GET": reads.read,
    "POST": writes.create,
    "PATCH": writes.update,
    "PUT": writes.update,
    "DELETE": writes.delete,
}


def _batch(tenant: Tenant, call: Call) -> Reply:
    rows = Operations(_ONE, {method: partial(handler, tenant) for method, handler in _ROW_HANDLERS.items()})
    return batch.run(tenant.store, call, batch.Rules("/data/", rows.answer, bad_request, "Location", LARGEST_BATCH))


def _routes(tenant: Tenant) -> tuple[Route, ...]:
    def route(method: str, pattern: str, handler: Handler, evidence: str, summary: str) -> Route:
        return tenant.route(method, pattern, known(handler), evidence, summary)

    return (
        route("POST", "/data/$batch", _batch, _SEMANTICS, "several operations; change sets are atomic"),
        route("GET", "/data/$metadata", reads.csdl, "assumed: simplified", "the EDMX"),
        route("GET", "/data", reads.root, "power-platform-api.md 14.9", "the service document: up and caller known"),
        route("GET", _ONE, reads.read, _SEMANTICS, "entities"),
        route("POST", _ONE, writes.create, _SEMANTICS, "create an entity"),
        route("PATCH", _ONE, writes.update, _SEMANTICS, "change an entity"),
        route("PUT", _ONE, writes.update, _SEMANTICS, "change an entity"),
        route("DELETE", _ONE, writes.delete, _SEMANTICS, "delete an entity"),
    )


def service(tenant: Tenant) -> Service:
    """Return the service on every F&O host of the tenant, installed or still to come."""
    return Service(
        name="finops",
        hosts=partial(_is_ours, tenant),
        routes=_routes(tenant),
        audiences=lambda host: {f"https://{host}"},
        unauthorized=unauthorized,
    )


def _is_ours(tenant: Tenant, host: str) -> bool:
    return instance(tenant, host) is not None or power_platform.environment_of_finops_host(tenant, host) is not None


def register_switches(switches: Switches) -> None:
    """Declare assumed behaviours."""
    register = switches.register
    register(
        "finops_creator_is_administrator",
        True,
        "The application that asked for F&O may register applications in it; off: a person must.",
    )
    register("finops_checks_references", True, "F&O refuses rows whose groups, terms or currencies do not exist.")
    register(
        "finops_keys_need_cross_company",
        True,
        "An entity of another company than the caller's is found by its key only with cross-company=true.",
        "inferred: reads are limited to the caller's company without it",
    )


def register_by_person(tenant: Tenant, request: PersonRequest) -> dict[str, Any]:
    """Play `register-application`: `environment` is a host of the pair, `application` an id (default: the demo's)."""
    host = str(request.get("environment") or "")
    finops = instance_of_cds_host(tenant, host) or instance(tenant, host)
    if finops is None:
        msg = f"there is no F&O on '{request.get('environment')}'"
        raise PersonError(msg)
    app_id = str(request.get("application") or DEMO_CLIENT_ID)
    register_application(tenant, finops.host, app_id)
    return {"application": app_id, "finops": finops.host}
