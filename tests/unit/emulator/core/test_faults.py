"""Faults on demand, through the dispatcher: which call they hit and what the client and the tenant see of it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from emulator.core.faults import Fault
from emulator.core.routing import Service
from emulator.core.wire import Call, Reply, ServiceError, parse
from emulator.dispatch import dispatch, find_fault
from emulator.tenant import Tenant

HOST = "counter.example"


def add(tenant: Tenant, call: Call) -> Reply:
    """Count one up."""
    value = int((tenant.store.get("counter", "value") or {"value": 0})["value"]) + 1
    tenant.store.put("counter", "value", {"value": value})
    return Reply(201, json={"value": value}, headers={"Location": f"{call.base_url}/counter"})


def read(tenant: Tenant, _call: Call) -> Reply:
    """Show the count."""
    return Reply(json=tenant.store.get("counter", "value") or {"value": 0})


def refuse(tenant: Tenant, call: Call) -> Reply:
    """Count one up and refuse nevertheless."""
    add(tenant, call)
    raise ServiceError(409, {"error": "no"})


def counter(tenant: Tenant) -> Service:
    """Return a service that counts."""
    return Service(
        name="counter",
        hosts=lambda host: host == HOST,
        routes=(
            tenant.route("POST", "/counter", add, "test", "add"),
            tenant.route("GET", "/counter", read, "test", "read"),
            tenant.route("POST", "/refused", refuse, "test", "refuse"),
        ),
        audiences=lambda _host: set(),
        unauthorized=lambda reason: ServiceError(401, {"error": reason}),
    )


def send(tenant: Tenant, method: str = "POST", path: str = "/counter") -> Reply | None:
    request = parse(method, HOST, path, "", {})
    service = counter(tenant)
    return dispatch(tenant, service, request, find_fault(tenant, service, request))


def statuses(tenant: Tenant, times: int) -> list[int]:
    return [reply.status if (reply := send(tenant)) else 0 for _ in range(times)]


def count(tenant: Tenant) -> int:
    return int((tenant.store.get("counter", "value") or {"value": 0})["value"])


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({}, [503, 201, 201, 201]),
        ({"nth": 3}, [201, 201, 503, 201]),
        ({"nth": 2, "count": 2}, [201, 503, 503, 201]),
        ({"nth": 2, "count": 0}, [201, 503, 503, 503]),
        ({"method": "get"}, [201] * 4),
        ({"method": "post", "host": "*.EXAMPLE", "path": "/Count*", "service": "counter"}, [503, 201, 201, 201]),
        ({"path": "/other"}, [201] * 4),
        ({"service": "login"}, [201] * 4),
    ],
)
def test_only_the_chosen_calls_are_hit(tenant: Tenant, fault: Mapping[str, Any], expected: list[int]) -> None:
    tenant.faults.add(Fault(status=503, **fault))
    assert statuses(tenant, 4) == expected


def test_replaced_answer_has_no_effect(tenant: Tenant) -> None:
    tenant.faults.add(Fault(status=429, body={"error": "slow down"}, headers={"Retry-After": "7"}))
    reply = send(tenant)
    assert reply is not None
    assert (reply.status, reply.json, reply.headers["Retry-After"]) == (429, {"error": "slow down"}, "7")
    assert count(tenant) == 0


def test_lost_answer_has_its_effect(tenant: Tenant) -> None:
    tenant.faults.add(Fault(status=500, body="oops", effect=True))
    reply = send(tenant)
    assert reply is not None
    assert (reply.status, reply.content()) == (500, b"oops")
    assert count(tenant) == 1


@pytest.mark.parametrize(("drop", "effect"), [("before", 0), ("after", 1)])
def test_dropped_connection_before_or_after_the_effect(tenant: Tenant, drop: Any, effect: int) -> None:
    tenant.faults.add(Fault(drop=drop))
    assert send(tenant) is None
    assert count(tenant) == effect
    assert tenant.journal.rows()[-1]["status"] == 0


def test_malformed_answer_keeps_status_and_headers(tenant: Tenant) -> None:
    tenant.faults.add(Fault(malformed=True))
    reply = send(tenant)
    assert reply is not None
    assert reply.status == 201
    assert reply.headers["Location"] == f"https://{HOST}/counter"
    assert reply.headers["Content-Type"].startswith("application/json")
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.content())
    assert count(tenant) == 1


def test_html_page_takes_the_place_of_json(tenant: Tenant) -> None:
    tenant.faults.add(Fault(html=True))
    reply = send(tenant)
    assert reply is not None
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html")
    assert reply.content().startswith(b"<!DOCTYPE html>")
    assert count(tenant) == 0


def test_stale_read_shows_the_moment_of_arming(tenant: Tenant) -> None:
    send(tenant)
    tenant.faults.add(Fault(method="GET", stale=True, count=2))
    send(tenant)
    values = [reply.json["value"] for _ in range(3) if (reply := send(tenant, "GET"))]
    assert values == [1, 1, 2]
    assert len(tenant.journal.rows()) == 5


def test_extra_header_leaves_the_answer_alone(tenant: Tenant) -> None:
    tenant.faults.add(Fault(headers={"x-ms-extra": "1"}))
    reply = send(tenant)
    assert reply is not None
    assert (reply.status, reply.json, reply.headers["x-ms-extra"]) == (201, {"value": 1}, "1")


def test_refusal_takes_back_what_the_handler_did(tenant: Tenant) -> None:
    reply = send(tenant, path="/refused")
    assert reply is not None
    assert (reply.status, count(tenant)) == (409, 0)


def test_repeated_fault_answers_with_each_calls_own_id(tenant: Tenant) -> None:
    tenant.faults.add(Fault(status=503, count=2))
    replies = [send(tenant), send(tenant)]
    identifiers = {reply.headers["x-ms-correlation-request-id"] for reply in replies if reply}
    assert identifiers == {row["correlation_id"] for row in tenant.journal.rows()}
    assert len(identifiers) == 2


def test_first_of_two_faults_wins_and_both_count(tenant: Tenant) -> None:
    tenant.faults.add(Fault(status=500))
    tenant.faults.add(Fault(status=502, nth=2))
    assert statuses(tenant, 3) == [500, 502, 201]


def test_list_says_what_each_fault_did(tenant: Tenant) -> None:
    number = tenant.faults.add(Fault(status=503, nth=2))
    statuses(tenant, 3)
    assert tenant.faults.items() == [{"id": number, "status": 503, "nth": 2, "seen": 3, "hits": 1}]


def test_cleared_fault_hits_no_more(tenant: Tenant) -> None:
    first = tenant.faults.add(Fault(status=503, count=0))
    tenant.faults.add(Fault(status=500, count=0))
    tenant.faults.clear(first)
    assert statuses(tenant, 1) == [500]
    tenant.faults.clear()
    assert statuses(tenant, 1) == [201]


@pytest.mark.parametrize(
    "definition", [{"unknown": 1}, {"nth": 0}, {"count": -1}, {"status": 99}, {"drop": "later"}, {"delay": -1}]
)
def test_wrong_definition_is_refused(definition: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(definition)
