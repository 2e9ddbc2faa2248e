"""The control plane in-process: answers, refusals, the page."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from emulator.server import guard
from emulator.server.control import control_plane
from emulator.server.process import seed
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant

COLUMNS = ("seq", "time", "service", "host", "method", "path", "query", "status", "identity", "correlation_id")
Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(tenant: Tenant) -> Ask:
    """Send one request to the control plane."""

    def start_anew() -> None:
        with tenant.store.transaction():
            tenant.reset()
            seed(tenant)

    app = control_plane(tenant, start_anew)

    def send(method: str, path: str, body: Any = None, host: str = "127.0.0.1", headers: Any = None) -> httpx.Response:
        async def once() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}:1") as client:
                return await client.request(method, path, json=body, headers=headers)

        return asyncio.run(once())

    return send


def test_clock_advance_plays_what_becomes_due(tenant: Tenant, ask: Ask) -> None:
    played: list[str] = []
    tenant.events.on("ring", lambda at: played.append(at))
    tenant.events.schedule(60, "ring", at="one minute")
    tenant.events.schedule(600, "ring", at="ten minutes")
    answer = ask("POST", "/_emulator/clock", {"advance": 90}).json()
    assert played == ["one minute"]
    assert answer == {
        "now": "2026-03-02T08:01:30+00:00",
        "mode": "stepped",
        "scale": 0.0,
        "next_due": "2026-03-02T08:10:00+00:00",
        "events": 1,
    }


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:2"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 200),
        ({}, 200),
    ],
)
def test_page_of_another_site_changes_nothing(ask: Ask, headers: dict[str, str], status: int) -> None:
    assert ask("POST", "/_emulator/clock", {"advance": 1}, headers=headers).status_code == status
    assert ask("GET", "/_emulator/clock", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "a@127.0.0.1", "127.0.0.1:x", "", "127.0.0.1/x"]
)
def test_host_of_another_name_or_an_odd_one_is_refused(ask: Ask, host: str) -> None:
    assert ask("GET", "/_emulator/clock", headers={"Host": host}).status_code == 403


def test_two_hosts_are_refused(ask: Ask) -> None:
    twice = [("Host", "127.0.0.1:1"), ("Host", "127.0.0.1:1")]
    assert ask("POST", "/_emulator/clock", {"advance": 1}, headers=twice).status_code == 403


def test_body_longer_than_the_bound_is_not_kept(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "LARGEST_BODY", 10)
    assert ask("POST", "/_emulator/clock", {"advance": 10_000}).status_code == 413


def test_requests_have_exactly_the_agreed_members(call: CallTenant, ask: Ask) -> None:
    call("GET", "https://login.microsoftonline.com/nothing?x=1")
    (row,) = ask("GET", "/_emulator/requests").json()
    assert tuple(row) == COLUMNS
    assert (row["service"], row["path"], row["query"], row["status"]) == ("login", "/nothing", "x=1", 501)


@pytest.mark.parametrize(
    ("query", "expected"),
    [("since=1", [2, 3]), ("service=login&method=post", [2]), ("last=1", [3]), ("service=bap", [3])],
)
def test_requests_are_filtered(call: CallTenant, ask: Ask, query: str, expected: list[int]) -> None:
    call("GET", "https://login.microsoftonline.com/nothing")
    call("POST", "https://login.microsoftonline.com/nothing")
    call("GET", "https://api.bap.microsoft.com/nothing")
    assert [row["seq"] for row in ask("GET", f"/_emulator/requests?{query}").json()] == expected


def test_own_calls_are_not_in_the_journal(ask: Ask) -> None:
    ask("GET", "/_emulator/clock")
    assert ask("GET", "/_emulator/requests").json() == []


def test_fault_is_armed_listed_and_cleared(call: CallTenant, ask: Ask) -> None:
    number = ask("POST", "/_emulator/faults", {"service": "login", "status": 503, "count": 0}).json()["id"]
    assert call("GET", "https://login.microsoftonline.com/common/discovery/v2.0/keys").status == 503
    assert ask("GET", "/_emulator/faults").json()[0]["hits"] == 1
    assert ask("DELETE", f"/_emulator/faults?id={number}").json() == []
    assert call("GET", "https://login.microsoftonline.com/common/discovery/v2.0/keys").status == 200


def test_switch_is_set_and_reset(tenant: Tenant, ask: Ask) -> None:
    name = next(name for name in tenant.switches if isinstance(tenant.switches[name], bool))
    before = tenant.switches[name]
    assert ask("POST", "/_emulator/switches", {name: not before}).json()[name]["value"] is not before
    ask("POST", "/_emulator/reset")
    assert tenant.switches[name] is before


def test_wrong_switch_sets_none_of_them(tenant: Tenant, ask: Ask) -> None:
    name = next(name for name in tenant.switches if isinstance(tenant.switches[name], bool))
    before = tenant.switches[name]
    assert ask("POST", "/_emulator/switches", {name: not before, "no_such_switch": 1}).status_code == 400
    other = next(name for name in tenant.switches if not isinstance(tenant.switches[name], bool))
    assert ask("POST", "/_emulator/switches", {name: not before, other: [1, 2]}).status_code == 400
    assert tenant.switches[name] is before


def test_reset_plays_the_seed_of_the_first_day(tenant: Tenant, ask: Ask) -> None:
    assert "contoso.crm4.dynamics.com" not in ask("GET", "/").text
    ask("POST", "/_emulator/seed", {"environments": [{"name": "Added", "domain": "added"}]})
    assert "added.crm4.dynamics.com" in ask("GET", "/").text
    assert ask("POST", "/_emulator/reset", {}).status_code == 200
    page = ask("GET", "/").text
    assert "contoso.crm4.dynamics.com" in page
    assert "added.crm4.dynamics.com" not in page


def test_page_escapes_what_clients_wrote(call: CallTenant, ask: Ask) -> None:
    call("GET", "https://login.microsoftonline.com/<script>alert(1)</script>")
    page = ask("GET", "/").text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("POST", "clock", {"advance": -1}, "advance"),
        ("POST", "clock", {"advance": True}, "advance"),
        ("POST", "clock", {}, "advance"),
        ("POST", "clock", [1], "no JSON object"),
        ("POST", "faults", {"colour": "red"}, "colour"),
        ("POST", "faults", {"nth": 0}, "nth"),
        ("DELETE", "faults?id=one", None, "'id' is no number"),
        ("POST", "seed", {"nonsense": []}, "unknown seed section nonsense"),
        ("POST", "person", {"action": "dance"}, "unknown action 'dance'"),
        ("POST", "switches", {"no_such_switch": 1}, "no_such_switch"),
        ("GET", "requests?since=x", None, "'since' is no number"),
    ],
)
def test_wrong_request_is_400_with_a_reason(ask: Ask, method: str, path: str, body: Any, says: str) -> None:
    answer = ask(method, f"/_emulator/{path}", body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]


@pytest.mark.parametrize(("host", "status"), [("localhost", 200), ("127.0.0.1", 200), ("evil.example", 403)])
def test_only_the_loopback_names_are_served(ask: Ask, host: str, status: int) -> None:
    assert ask("GET", "/_emulator/clock", host=host).status_code == status
