"""The way of one request through the tenant: faults, bearer, due events, handler, faults, journal."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl
from uuid import uuid4

from emulator import http
from emulator.faults import Fault
from emulator.http import Call, Reply, Route, Service, ServiceError, decode_path, plain_path
from emulator.identity.tokens import TokenError
from emulator.tenant import Tenant

CORRELATION_HEADERS = (
    "x-ms-correlation-id",
    "x-ms-correlation-request-id",
    "x-correlation-id",
    "x-ms-client-request-id",
    "client-request-id",
)


def parse(
    method: str,
    host: str,
    raw_path: str,
    query_string: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    outer: Call | None = None,
) -> Call:
    """Build the call from the parts of an HTTP request; header names may have any case.

    `outer`: the batch of which the request is a part, whose caller and correlation id it shares.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    query: dict[str, str] = {}
    for name, value in parse_qsl(query_string, keep_blank_values=True):
        query.setdefault(name, value)
    given = next((lowered[name] for name in CORRELATION_HEADERS if lowered.get(name)), None)
    if outer is not None:
        given = outer.correlation_id
    return Call(
        method=method.upper(),
        host=host.lower(),
        path=decode_path(raw_path),
        query=query,
        headers=lowered,
        body=body,
        caller=outer.caller if outer else None,
        query_string=query_string,
        correlation_id=given or str(uuid4()),
    )


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
                return call, _handle(tenant, service, call)
        with tenant.store.transaction():
            return call, _handle(tenant, service, call)
    except ServiceError as error:
        return call, Reply.of_error(error)


def _authenticate(tenant: Tenant, service: Service, call: Call) -> http.Caller | None:
    audiences = service.audiences(tenant, call.host)
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


def _handle(tenant: Tenant, service: Service, call: Call) -> Reply:
    route, parameters = _find_route(service, call)
    return route.handler(tenant, replace(call, path=plain_path(call.path), parameters=parameters))


def _find_route(service: Service, call: Call) -> tuple[Route, dict[str, str]]:
    for route in service.routes:
        if route.method == call.method and (parameters := route.match(call.path)) is not None:
            return route, parameters
    refuse = service.not_modelled or http.not_modelled
    raise refuse(call.method, plain_path(call.path))


def record(tenant: Tenant, service: Service, call: Call, answer: Reply | None) -> None:
    """Put the call and its outcome into the journal."""
    tenant.journal.append(
        {
            "time": tenant.clock.now().isoformat(timespec="milliseconds"),
            "service": service.name,
            "host": call.host,
            "method": call.method,
            "path": plain_path(call.path),
            "query": call.query_string,
            "status": answer.status if answer else 0,
            "identity": call.caller.identity if call.caller else "",
            "correlation_id": call.correlation_id,
        }
    )
