"""The row engine: keys, hooks, order."""

import pytest

from emulator.tables import ETAG, RowError, SyncError, Write
from emulator.tables.keys import Condition
from emulator.tenant import Tenant

HOST = "contoso-uat.crm4.dynamics.com"
COMPANY = "11111111-1111-4111-8111-111111111111"


def _account(tenant: Tenant, **values: object) -> str:
    return str(tenant.rows.insert("dataverse", HOST, "accounts", values)["accountid"])


def test_alternate_key_is_unique_without_regard_to_case(tenant: Tenant) -> None:
    _account(tenant, accountnumber="A-1", _msdyn_company_value=COMPANY)
    with pytest.raises(RowError, match="matching key values"):
        _account(tenant, accountnumber="a-1", _msdyn_company_value=COMPANY)


def test_alternate_key_with_an_empty_part_is_not_enforced(tenant: Tenant) -> None:
    first, second = _account(tenant, accountnumber="A-1"), _account(tenant, accountnumber="A-1")
    tenant.rows.update("dataverse", HOST, "accounts", first, {"_msdyn_company_value": COMPANY})
    with pytest.raises(RowError):
        tenant.rows.update("dataverse", HOST, "accounts", second, {"_msdyn_company_value": COMPANY})


def test_key_is_free_again_after_change_and_delete(tenant: Tenant) -> None:
    first = _account(tenant, accountnumber="A-1", _msdyn_company_value=COMPANY)
    tenant.rows.update("dataverse", HOST, "accounts", first, {"accountnumber": "A-2"})
    second = _account(tenant, accountnumber="A-1", _msdyn_company_value=COMPANY)
    tenant.rows.delete("dataverse", HOST, "accounts", second)
    _account(tenant, accountnumber="A-1", _msdyn_company_value=COMPANY)
    key = {"accountnumber": "a-2", "_msdyn_company_value": COMPANY}
    assert [row["accountid"] for row in tenant.rows.find("dataverse", HOST, "accounts", key)] == [first]


def test_hook_that_raises_leaves_the_row_to_the_transaction(tenant: Tenant) -> None:
    def refuse(write: Write) -> None:
        if write.table == "accounts":
            msg = "the other side says no"
            raise SyncError(msg)

    tenant.rows.on_write(refuse)
    with pytest.raises(SyncError), tenant.store.transaction():
        _account(tenant, name="Contoso")
    assert tenant.rows.count("dataverse", HOST, "accounts") == 0


def test_write_names_what_changed(tenant: Tenant) -> None:
    account = _account(tenant, name="Contoso", creditlimit=5)
    writes: list[Write] = []
    tenant.rows.on_write(writes.append)
    tenant.rows.update("dataverse", HOST, "accounts", account, {"name": "Fabrikam", "creditlimit": 5})
    assert {"name", "creditlimit"} & set(writes[-1].changes) == {"name"}
    assert writes[-1].old is not None
    assert writes[-1].old["name"] == "Contoso"


def test_etag_changes_with_every_write(tenant: Tenant) -> None:
    account = _account(tenant, name="Contoso")
    before = tenant.rows.get("dataverse", HOST, "accounts", account)
    after = tenant.rows.update("dataverse", HOST, "accounts", account, {"name": "Fabrikam"})
    assert before is not None
    assert before[ETAG] != after[ETAG]


def test_scan_goes_on_behind_a_position(tenant: Tenant) -> None:
    ids = [_account(tenant, name=f"Contoso {number}") for number in range(5)]
    position = tenant.rows.position("dataverse", HOST, "accounts", ids[1])
    rest = tenant.rows.scan("dataverse", HOST, "accounts", Condition("r.seq > ?", (position,)), limit=2)
    assert [row["accountid"] for row in rest] == ids[2:4]


def test_hosts_do_not_see_each_other(tenant: Tenant) -> None:
    account = _account(tenant, name="Contoso")
    assert tenant.rows.get("dataverse", "other.crm4.dynamics.com", "accounts", account) is None
    tenant.rows.move("dataverse", HOST, "other.crm4.dynamics.com", ["accounts"])
    assert tenant.rows.get("dataverse", "other.crm4.dynamics.com", "accounts", account) is not None
    assert tenant.rows.count("dataverse", HOST, "accounts") == 0


def test_text_is_read_as_the_column_type(tenant: Tenant) -> None:
    account = _account(tenant, donotemail="True", creditlimit="2.50", numberofemployees="7")
    row = tenant.rows.get("dataverse", HOST, "accounts", account) or {}
    assert (row["donotemail"], row["creditlimit"], row["numberofemployees"]) == (True, 2.5, 7)


def test_unknown_column_is_refused_by_name(tenant: Tenant) -> None:
    with pytest.raises(RowError, match="nonsense"):
        _account(tenant, nonsense=1)


def test_update_leaves_the_key_alone(tenant: Tenant) -> None:
    company = {"LegalEntityId": "DAT", "Name": "x", "AddressCountryRegionId": "x"}
    tenant.rows.insert("finops", HOST, "LegalEntities", company)
    row = tenant.rows.update("finops", HOST, "LegalEntities", "dat", {"LegalEntityId": "USMF", "Name": "y"})
    assert (row["LegalEntityId"], row["Name"]) == ("DAT", "y")
