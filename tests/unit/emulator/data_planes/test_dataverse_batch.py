"""`$batch`: operations in order, change sets as a whole, and the limits around them."""

import json
from typing import Any

import pytest

from emulator.core.wire import Reply
from emulator.tenant import Tenant, TenantReset
from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.data_planes.conftest import API

pytestmark = pytest.mark.usefixtures("organization")


def _part(method: str, path: str, body: Any = None, content_id: str = "") -> str:
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
    head += f"Content-ID: {content_id}\r\n" if content_id else ""
    text = "" if body is None else json.dumps(body)
    return f"{head}\r\n{method} {path} HTTP/1.1\r\nContent-Type: application/json; type=entry\r\n\r\n{text}\r\n"


def _set(*parts: str) -> str:
    inner = "".join(f"--changeset_1\r\n{part}\r\n" for part in parts) + "--changeset_1--\r\n"
    return f"Content-Type: multipart/mixed; boundary=changeset_1\r\n\r\n{inner}"


def _batch(call: CallTenant, *parts: str, prefer: str = "") -> Reply:
    body = "".join(f"--batch_1\r\n{part}\r\n" for part in parts) + "--batch_1--\r\n"
    headers = {"Content-Type": 'multipart/mixed; boundary="batch_1"', "Prefer": prefer}
    return call("POST", f"{API}/$batch", body=body.encode(), headers=headers)


def _statuses(reply: Reply) -> list[int]:
    text = bytes(reply.body or b"").decode()  # type: ignore[arg-type]
    return [int(line.split(" ")[1]) for line in text.split("\r\n") if line.startswith("HTTP/1.1 ")]


def _names(call: CallTenant) -> list[str]:
    return [row["name"] for row in call("GET", f"{API}/accounts?$select=name").json["value"]]


def test_operations_run_in_order(call: CallTenant) -> None:
    reply = _batch(
        call,
        _part("POST", "/api/data/v9.2/accounts", {"name": "Contoso"}),
        _part("POST", f"{API}/accounts", {"name": "Fabrikam"}),
        _part("GET", "accounts?$select=name"),
    )
    assert reply.status == 200
    assert _statuses(reply) == [204, 204, 200]
    assert b'"Fabrikam"' in bytes(reply.body or b"")  # type: ignore[arg-type]


def test_address_of_a_part_may_hold_spaces(call: CallTenant) -> None:
    for name in ("Contoso", "Fabrikam"):
        call("POST", f"{API}/accounts", json={"name": name})
    reply = _batch(call, _part("GET", "accounts?$select=name&$orderby=name desc&$top=1"))
    text = bytes(reply.body or b"")  # type: ignore[arg-type]
    assert (b"Fabrikam" in text, b"Contoso" in text) == (True, False)


@pytest.mark.parametrize("path", ["EntityDefinitions(LogicalName='account')?$select=LogicalName", "WhoAmI", "WhoAmI()"])
def test_part_may_ask_what_the_service_tells_of_itself(call: CallTenant, path: str) -> None:
    assert _statuses(_batch(call, _part("GET", path))) == [200]


@pytest.mark.parametrize("line", ["", "GET", "GET ", " accounts HTTP/1.1"])
def test_part_without_a_request_line_is_refused(call: CallTenant, line: str) -> None:
    part = f"Content-Type: application/http\r\n\r\n{line}\r\n\r\n"
    assert _batch(call, part).status == 400


def test_batch_stops_at_its_first_error(call: CallTenant) -> None:
    reply = _batch(call, _part("POST", "accounts", {"nonsense": 1}), _part("POST", "accounts", {"name": "Contoso"}))
    assert (reply.status, _statuses(reply), _names(call)) == (400, [400], [])


def test_continue_on_error_goes_through_all(call: CallTenant) -> None:
    parts = [_part("POST", "accounts", {"nonsense": 1}), _part("POST", "accounts", {"name": "Contoso"})]
    reply = _batch(call, *parts, prefer="odata.continue-on-error")
    assert (reply.status, _statuses(reply), _names(call)) == (200, [400, 204], ["Contoso"])


def test_change_set_commits_as_a_whole(call: CallTenant) -> None:
    reply = _batch(
        call, _set(_part("POST", "accounts", {"name": "Contoso"}), _part("POST", "accounts", {"nonsense": 1}))
    )
    assert (_statuses(reply), _names(call)) == ([400], [])


def test_content_id_stands_for_the_created_row(call: CallTenant) -> None:
    reply = _batch(
        call,
        _set(
            _part("POST", "contacts", {"lastname": "Higa"}, content_id="1"),
            _part("POST", "accounts", {"name": "Contoso", "primarycontactid@odata.bind": "$1"}, content_id="2"),
            _part("PATCH", "$2", {"description": "seen"}, content_id="3"),
        ),
    )
    assert _statuses(reply) == [204, 204, 204]
    row = call("GET", f"{API}/accounts?$expand=primarycontactid").json["value"][0]
    assert (row["primarycontactid"]["lastname"], row["description"]) == ("Higa", "seen")


def test_change_set_holds_no_get(call: CallTenant) -> None:
    assert _batch(call, _set(_part("GET", "accounts"))).status == 400


def test_more_than_1000_operations_are_refused(call: CallTenant) -> None:
    part = _part("POST", "accounts", {"name": "Contoso"})
    assert _batch(call, _set(*[part] * 1000)).status == 200
    assert _batch(call, *[part] * 1001).status == 400
    assert len(_names(call)) == 1000


def test_batch_is_one_request_with_the_time_of_all(call: CallTenant, tenant: Tenant) -> None:
    tenant.switches.set("service_protection_seconds", 3.0)
    part = _part("POST", "accounts", {"name": "Contoso"})
    assert _batch(call, *[part] * 100).status == 200
    refused = call("GET", f"{API}/accounts")
    assert (refused.status, refused.json["error"]["code"]) == (429, "0x80072321")


def test_too_many_requests_are_told_to_wait(call: CallTenant, tenant: Tenant) -> None:
    tenant.switches.set("service_protection_requests", 3)
    assert [call("GET", f"{API}/WhoAmI").status for _ in range(4)] == [200, 200, 200, 429]
    refused = call("GET", f"{API}/WhoAmI")
    assert refused.json["error"]["code"] == "0x80072322"
    assert refused.headers["Retry-After"] == str(tenant.clock.retry_after(300))
    tenant.events.advance(301)
    assert call("GET", f"{API}/WhoAmI").status == 200


def test_reset_starts_the_window_anew(call: CallTenant, tenant: Tenant) -> None:
    tenant.switches.set("service_protection_requests", 1)
    assert [call("GET", f"{API}/WhoAmI").status for _ in range(2)] == [200, 429]
    tenant.signals.publish(TenantReset())
    assert call("GET", f"{API}/WhoAmI").status == 200


def test_protection_can_be_switched_off(call: CallTenant, tenant: Tenant) -> None:
    tenant.switches.set("service_protection_requests", 1)
    tenant.switches.set("service_protection", value=False)
    assert [call("GET", f"{API}/WhoAmI").status for _ in range(3)] == [200] * 3
