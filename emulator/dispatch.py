"""The way of one request through the tenant: faults, bearer, due events, handler, faults, journal."""

from dataclasses import replace
from email.utils import format_datetime

from emulator.core import routing
from emulator.core.faults import Fault
from emulator.core.journal import Entry
from emulator.core.routing import Route, Service
from emulator.core.wire import Call, Caller, Reply, ServiceError, plain_path
from emulator.identity.tokens import TokenError
from emulator.tenant import Tenant


def find_fault(tenant: Tenant, service: Service, call: Call) -> Fault | None:
    """Return the fault that hits this call, if any; its delay is the server's business."""
    return tenant.faults.hit(service.name, replace(call, path=plain_path(call.path)))


def dispatch(tenant: Tenant, service: Service, call: Call, fault: Fault | None = None) -> Reply | None:
    """Answer one call; None means that the connection shall be dropped without an answer."""
    tenant.events.run_due()
    with tenant.clock.at(tenant.clock.running()), tenant.store.transaction():
        call, reply = _answer(tenant, service, call, fault)
        answer = fault.applied(reply) if fault else reply
        if answer is not None:
            answer.headers.setdefault("x-ms-correlation-request-id", call.correlation_id)
            answer.headers.setdefault("Date", format_datetime(tenant.clock.now(), usegmt=True))
        record(tenant, service, call, answer)
        # Saved with what the request did: after a kill the clock is not behind the state.
        tenant.clock.save()
    return answer


def _answer(tenant: Tenant, service: Service, call: Call, fault: Fault | None) -> tuple[Call, Reply | None]:
    try:
        call = replace(call, caller=_authenticate(tenant, service, call))
        if fault is not None and fault.replaces:
            return call, None
        snapshot = tenant.faults.snapshot_of(fault) if fault else None
        if snapshot is not None and call.method in {"GET", "HEAD"}:
            with tenant.store.reading(snapshot):
                return call, _handle(service, call)
        with tenant.store.transaction():
            return call, _handle(service, call)
    except ServiceError as error:
        return call, Reply.of_error(error)


def _authenticate(tenant: Tenant, service: Service, call: Call) -> Caller | None:
    audiences = service.audiences(call.host)
    if not audiences:
        return None
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        reason = "The request has no bearer token."
        raise service.unauthorized(reason)
    try:
        return tenant.identity.verify(token.strip(), audiences)
    except TokenError as error:
        raise service.unauthorized(str(error)) from None


def _handle(service: Service, call: Call) -> Reply:
    route, parameters = _find_route(service, call)
    return route.answer(call, parameters)


def _find_route(service: Service, call: Call) -> tuple[Route, dict[str, str]]:
    for route in service.routes:
        if route.method == call.method and (parameters := route.match(call.path)) is not None:
            return route, parameters
    refuse = service.not_modelled or routing.not_modelled
    raise refuse(call.method, plain_path(call.path))


def record(tenant: Tenant, service: Service, call: Call, answer: Reply | None) -> None:
    """Put the call and its outcome into the journal."""
    tenant.journal.append(
        Entry(
            time=tenant.clock.now().isoformat(timespec="milliseconds"),
            service=service.name,
            host=call.host,
            method=call.method,
            path=plain_path(call.path),
            query=call.query_string,
            status=answer.status if answer else 0,
            identity=call.caller.identity if call.caller else "",
            correlation_id=call.correlation_id,
        )
    )
