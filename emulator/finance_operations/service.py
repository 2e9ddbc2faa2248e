"""The service `finops`: hosts, routes, switches and what a person can do about registrations."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emulator import power_platform
from emulator.finance_operations import reads, writes
from emulator.finance_operations.access import known
from emulator.finance_operations.errors import bad_request, unauthorized
from emulator.finance_operations.instance import instance, instance_of_cds_host, register_application
from emulator.http import Call, Reply, Route, Service, not_modelled, plain_path
from emulator.identity.directory import DEMO_CLIENT_ID
from emulator.person import PersonError
from emulator.tables import batch

if TYPE_CHECKING:
    from emulator.tenant import Tenant

_SEMANTICS = "dual-write-semantics.md 12.1"
_ONE = "/data/{resource:path}"

_IN_BATCH = {
    "GET": reads.read,
    "POST": writes.create,
    "PATCH": writes.update,
    "PUT": writes.update,
    "DELETE": writes.delete,
}
LARGEST_BATCH = 5000


def _batch(tenant: "Tenant", call: Call) -> Reply:
    return batch.run(tenant, call, batch.Rules("/data/", _answer, bad_request, "Location", LARGEST_BATCH))


def _answer(tenant: "Tenant", call: Call) -> Reply:
    route = next((one for one in ROUTES if one.method == call.method and one.pattern == _ONE), None)
    parameters = route.match(call.path) if route else None
    if parameters is None:
        raise not_modelled(call.method, plain_path(call.path))
    return _IN_BATCH[call.method](tenant, replace(call, path=plain_path(call.path), parameters=parameters))


ROUTES = (
    Route("POST", "/data/$batch", known(_batch), _SEMANTICS, "several operations; change sets are atomic"),
    Route("GET", "/data/$metadata", known(reads.csdl), "assumed: simplified", "the EDMX"),
    Route("GET", "/data", known(reads.root), "power-platform-api.md 14.9", "the service document: up and caller known"),
    Route("GET", _ONE, known(reads.read), _SEMANTICS, "entities"),
    Route("POST", _ONE, known(writes.create), _SEMANTICS, "create an entity"),
    Route("PATCH", _ONE, known(writes.update), _SEMANTICS, "change an entity"),
    Route("PUT", _ONE, known(writes.update), _SEMANTICS, "change an entity"),
    Route("DELETE", _ONE, known(writes.delete), _SEMANTICS, "delete an entity"),
)


def service() -> Service:
    """Return the service on every F&O host of the tenant, installed or still to come."""
    return Service(
        name="finops",
        hosts=_is_ours,
        routes=ROUTES,
        audiences=lambda _tenant, host: {f"https://{host}"},
        unauthorized=unauthorized,
    )


def _is_ours(tenant: "Tenant", host: str) -> bool:
    return instance(tenant, host) is not None or power_platform.environment_of_finops_host(tenant, host) is not None


def register_switches(tenant: "Tenant") -> None:
    """Declare assumed behaviours."""
    register = tenant.switches.register
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


def register_by_person(tenant: "Tenant", request: Mapping[str, Any]) -> dict[str, Any]:
    """Play `register-application`: `environment` is a host of the pair, `application` an id (default: the demo's)."""
    host = str(request.get("environment", ""))
    found = instance_of_cds_host(tenant, host) or instance(tenant, host)
    if found is None:
        msg = f"there is no F&O on '{request.get('environment')}'"
        raise PersonError(msg)
    app_id = str(request.get("application") or DEMO_CLIENT_ID)
    register_application(tenant, str(found["host"]), app_id)
    return {"application": app_id, "finops": found["host"]}
