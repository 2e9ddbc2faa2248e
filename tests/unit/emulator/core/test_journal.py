"""The journal of every request, and what a reset leaves of it."""

import pytest

from emulator.core import journal
from emulator.identity import directory
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant

CONFIGURATION = "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
ENVIRONMENTS = "https://api.bap.microsoft.com/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments"


def test_row_says_who_asked_what_and_how_it_ended(tenant: Tenant, call: CallTenant) -> None:
    call(
        "GET",
        ENVIRONMENTS,
        params={"api-version": "2021-04-01"},
        headers={"x-ms-correlation-id": "11111111-0000-4000-8000-000000000001"},
    )
    assert tenant.journal.rows() == [
        {
            "seq": 1,
            "time": "2026-03-02T08:00:00.000+00:00",
            "service": "bap",
            "host": "api.bap.microsoft.com",
            "method": "GET",
            "path": "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments",
            "query": "api-version=2021-04-01",
            "status": 200,
            "identity": directory.DEMO_CLIENT_ID,
            "correlation_id": "11111111-0000-4000-8000-000000000001",
        }
    ]


def test_rows_are_filtered_by_number_service_and_method(tenant: Tenant, call: CallTenant) -> None:
    call("GET", CONFIGURATION)
    call("GET", ENVIRONMENTS)
    call("POST", CONFIGURATION)
    held = tenant.journal
    assert [row["seq"] for row in held.rows()] == [1, 2, 3]
    assert [row["seq"] for row in held.rows(since=1)] == [2, 3]
    assert [row["seq"] for row in held.rows(service="login")] == [1, 3]
    assert [row["seq"] for row in held.rows(service="login", method="post")] == [3]
    assert [row["seq"] for row in held.rows(last=2)] == [2, 3]


def test_refused_bearer_is_recorded_without_identity(tenant: Tenant, call: CallTenant) -> None:
    call("GET", ENVIRONMENTS, token="not-a-token")
    (row,) = tenant.journal.rows()
    assert (row["status"], row["identity"]) == (401, "")
    assert "not-a-token" not in str(row)


def test_only_the_newest_rows_are_kept(tenant: Tenant, call: CallTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "KEPT", 3)
    monkeypatch.setattr(journal, "_TRIM_EVERY", 5)
    for _ in range(6):
        call("GET", CONFIGURATION)
    assert [row["seq"] for row in tenant.journal.rows()] == [3, 4, 5, 6]


def test_numbers_go_on_after_a_reset(tenant: Tenant, call: CallTenant) -> None:
    call("GET", CONFIGURATION)
    tenant.reset()
    assert tenant.journal.rows() == []
    call("GET", CONFIGURATION)
    assert [row["seq"] for row in tenant.journal.rows()] == [2]


def test_reset_keeps_the_time_and_forgets_the_switches(tenant: Tenant) -> None:
    tenant.events.advance(3600)
    before = tenant.clock.now()
    tenant.switches.set("access_token_lifetime", 5)
    tenant.store.put("thing", "x", {})
    tenant.reset()
    assert tenant.clock.now() == before
    assert tenant.switches["access_token_lifetime"] == 3599
    assert tenant.store.get("thing", "x") is None
