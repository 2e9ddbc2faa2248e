"""The ASGI side of a tunnel in-process: what a client gets, and what happens when the emulator itself fails."""

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest

from emulator.core.faults import Fault
from emulator.core.routing import Route, Service
from emulator.core.wire import Call, Reply, ServiceError
from emulator.server import gateway
from emulator.server.gateway import Gateway
from emulator.tenant import Tenant

HOST = "service.example"
Message = MutableMapping[str, Any]


class FakeTransport:
    """Counts how often it was cut."""

    def __init__(self) -> None:
        self.aborted = 0

    def abort(self) -> None:
        self.aborted += 1


def service(handler: Callable[[Call], Reply]) -> Service:
    return Service(
        name="login",
        hosts=lambda host: host == HOST,
        routes=[Route("POST", "/things/{name}", handler, "assumed: a test's own", "a thing")],
        audiences=lambda _host: set(),
        unauthorized=lambda reason: ServiceError(401, reason),
    )


def send(tenant: Tenant, *received: Message, transport: FakeTransport | None = None) -> list[Message]:
    """Run one request through the application; the messages it sent."""
    waiting = [*received, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0)

    async def collect(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "raw_path": b"/things/a%2Fb",
        "query_string": b"x=1",
        "headers": [(b"x-ms-correlation-id", b"mine")],
        "state": {"host": HOST, "transport": transport or FakeTransport()},
    }
    asyncio.run(Gateway(tenant)(scope, receive, collect))
    return sent


WHOLE: Message = {"type": "http.request", "body": b"{}"}


def test_handler_sees_the_request_as_it_was_sent(tenant: Tenant) -> None:
    calls: list[Call] = []

    def handler(call: Call) -> Reply:
        calls.append(call)
        return Reply(201, json={"done": True}, headers={"Location": "https://elsewhere/"})

    tenant.services = (service(handler),)
    start, body = send(
        tenant,
        {"type": "http.request", "body": b'{"a"', "more_body": True},
        {"type": "http.request", "body": b":1}", "more_body": False},
    )
    assert (calls[0].parameters, calls[0].query, calls[0].json()) == ({"name": "a/b"}, {"x": "1"}, {"a": 1})
    assert start["status"] == 201
    assert dict(start["headers"])[b"Location"] == b"https://elsewhere/"
    assert dict(start["headers"])[b"Content-Length"] == b"13"
    assert body["body"] == b'{"done":true}'


def test_no_content_has_no_length(tenant: Tenant) -> None:
    tenant.services = (service(lambda _call: Reply(204)),)
    start, body = send(tenant, WHOLE)
    assert {name.lower() for name in dict(start["headers"])}.isdisjoint({b"content-length"})
    assert body["body"] == b""


def test_half_a_request_changes_nothing(tenant: Tenant) -> None:
    tenant.services = (service(lambda _call: Reply(200)),)
    assert send(tenant, {"type": "http.request", "body": b"{", "more_body": True}) == []
    assert tenant.journal.rows() == []


def test_failing_handler_is_a_500_that_leaves_no_trace(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    def handler(_call: Call) -> Reply:
        tenant.store.put("thing", "half", {})
        raise ZeroDivisionError

    tenant.services = (service(handler),)
    start, body = send(tenant, WHOLE)
    assert start["status"] == 500
    assert b"EmulatorFailed" in body["body"]
    assert b"ZeroDivisionError" in body["body"]
    assert tenant.store.get("thing", "half") is None
    assert [row["status"] for row in tenant.journal.rows()] == [500]
    assert "ZeroDivisionError" in caplog.text


def test_dropped_answer_cuts_the_connection(tenant: Tenant) -> None:
    tenant.services = (service(lambda _call: Reply(200)),)
    tenant.faults.add(Fault(drop="before"))
    transport = FakeTransport()
    assert send(tenant, WHOLE, transport=transport) == []
    assert transport.aborted == 1


def test_host_that_left_the_tenant_is_refused(tenant: Tenant) -> None:
    tenant.services = ()
    start, body = send(tenant, WHOLE)
    assert start["status"] == 403
    assert HOST.encode() in body["body"]


def test_names_of_headers_are_spelt_as_the_service_spells_them(tenant: Tenant) -> None:
    tenant.services = (service(lambda _call: Reply(204, headers={"OData-EntityId": "x"})),)
    start, _ = send(tenant, WHOLE)
    assert b"OData-EntityId" in dict(start["headers"])


def test_body_past_the_bound_is_refused_before_anyone_is_asked_who_they_are(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "LARGEST_BODY", 10)
    tenant.services = (service(lambda _call: Reply(200)),)
    part: Message = {"type": "http.request", "body": b"123456", "more_body": True}
    start, _ = send(tenant, part, part)
    assert (start["status"], dict(start["headers"])[b"Connection"]) == (413, b"close")
    assert tenant.journal.rows()[-1]["status"] == 413
