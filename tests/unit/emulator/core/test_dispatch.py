"""The way of one request through the dispatcher."""

from datetime import timedelta

from emulator.app import assemble
from emulator.core.clock import Clock
from emulator.core.store import Store
from emulator.core.wire import parse
from emulator.dispatch import dispatch
from emulator.identity.tokens import SigningKey
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import START, CallTenant


def test_unmodelled_operation_is_501_with_method_and_path(tenant: Tenant, call: CallTenant) -> None:
    reply = call("GET", "https://login.microsoftonline.com/nothing/here")
    assert reply.status == 501
    assert "GET /nothing/here" in reply.json["error"]["message"]
    assert tenant.journal.rows()[0]["status"] == 501


def test_killed_tenant_wakes_up_at_its_last_request(signing_key: SigningKey) -> None:
    elapsed = [0.0]
    store = Store()
    running = Clock(store, "scaled:1800", start=START, monotonic=lambda: elapsed[0])
    tenant = assemble(store, running, signing_key)
    service = tenant.service_of("login.microsoftonline.com")
    assert service is not None
    elapsed[0] = 2.0
    dispatch(tenant, service, parse("GET", "login.microsoftonline.com", "/nothing", "", {}))
    assert Clock(store, "stepped").now() == START + timedelta(hours=1)
    store.close()
