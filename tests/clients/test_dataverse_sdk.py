"""Microsoft's Dataverse SDK for Python, as published, works on an emulated organization."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.identity import ClientSecretCredential

from emulator.identity import directory
from tests.clients.conftest import DATAVERSE

sdk = pytest.importorskip(
    "PowerPlatform.Dataverse.client", reason="PowerPlatform-Dataverse-Client is not installed (group `clients`)"
)
errors = pytest.importorskip("PowerPlatform.Dataverse.core.errors")

pytestmark = pytest.mark.usefixtures("emulator")


@pytest.fixture
def client() -> Iterator[Any]:
    """The SDK's client, signed in as the demo program."""
    credential = ClientSecretCredential(directory.TENANT_ID, directory.DEMO_CLIENT_ID, directory.DEMO_CLIENT_SECRET)
    with credential, sdk.DataverseClient(f"https://{DATAVERSE}", credential) as opened:
        yield opened


def test_row_is_created_changed_read_and_deleted(client: Any) -> None:
    row_id = client.records.create("account", {"name": "Relecloud", "accountnumber": "SDK-1"})
    client.records.update("account", row_id, {"name": "Relecloud Ltd"})
    row = client.records.retrieve("account", row_id, select=["name", "accountnumber"])
    assert (row["name"], row["accountnumber"]) == ("Relecloud Ltd", "SDK-1")
    client.records.delete("account", row_id)
    assert client.records.retrieve("account", row_id) is None


def test_rows_are_found_by_filter(client: Any) -> None:
    row_id = client.records.create("account", {"name": "Litware", "accountnumber": "SDK-2"})
    rows = client.records.list("account", filter="accountnumber eq 'SDK-2'", select=["name"])
    assert [row["name"] for row in rows] == ["Litware"]
    client.records.delete("account", row_id)


def test_unknown_column_is_the_sdks_http_error(client: Any) -> None:
    with pytest.raises(errors.HttpError) as caught:
        client.records.create("account", {"name": "Litware", "nocolumn": 1})
    assert caught.value.status_code == 400


def test_table_metadata_is_read(client: Any) -> None:
    table = client.tables.get("account")
    assert (table.entity_set_name, table.primary_name_attribute) == ("accounts", "name")
