"""The way of one request through the dispatcher."""

from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant


def test_unmodelled_operation_is_501_with_method_and_path(tenant: Tenant, call: CallTenant) -> None:
    reply = call("GET", "https://login.microsoftonline.com/nothing/here")
    assert reply.status == 501
    assert "GET /nothing/here" in reply.json["error"]["message"]
    assert tenant.journal.rows()[0]["status"] == 501
