"""What a column of Dataverse does not take, columns that every organization has, and rows that are written back."""

from typing import Any

import pytest

from emulator.data.schemas import tables
from emulator.identity.directory import DEMO_CLIENT_ID
from emulator.tables import RowError
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.data_planes.conftest import API, CDS, DATA

TOO_LONG = (
    "A validation error occurred.  The length of the 'name' attribute of the 'account' entity exceeded the maximum "
    "allowed length of '160'."
)
OUTSIDE = (
    "A validation error occurred. The value 77 of 'accountcategorycode' on record of type 'account' is outside the "
    "valid range. Accepted Values: 1,2"
)


@pytest.mark.parametrize(
    ("values", "code", "text"),
    [
        ({"name": "x" * 161}, "0x80044331", TOO_LONG),
        ({"accountcategorycode": 77}, "0x8004431a", OUTSIDE),
    ],
)
@pytest.mark.usefixtures("organization")
def test_value_out_of_bounds_is_refused_by_create_and_update(
    call: CallTenant, values: dict[str, Any], code: str, text: str
) -> None:
    refused = call("POST", f"{API}/accounts", json=values)
    assert (refused.status, refused.json["error"]) == (400, {"code": code, "message": text})
    made = call("POST", f"{API}/accounts", json={"name": "x" * 160, "accountcategorycode": 2})
    changed = call("PATCH", made.headers["OData-EntityId"], json=values)
    assert (changed.status, changed.json["error"]) == (400, {"code": code, "message": text})


@pytest.mark.parametrize(("length", "status"), [(4_000, 204), (4_001, 400)])
@pytest.mark.usefixtures("organization")
def test_text_of_unknown_length_takes_what_any_single_line_takes(call: CallTenant, length: int, status: int) -> None:
    reply = call("POST", f"{API}/msdyn_customergroups", json={"msdyn_description": "x" * length})
    assert reply.status == status


@pytest.mark.usefixtures("organization")
def test_choice_takes_null_and_each_of_its_values(call: CallTenant) -> None:
    for value in (None, 1, 2):
        assert call("POST", f"{API}/accounts", json={"accountcategorycode": value}).status == 204


@pytest.mark.parametrize(
    ("entity_set", "column", "value"),
    [
        ("systemusers", "deletedstate", 0),
        ("systemusers", "islicensed", False),
        ("systemusers", "title", None),
        ("teams", "emailaddress", None),
        ("businessunits", "costcenter", None),
        ("roles", "importsequencenumber", None),
        ("transactioncurrencies", "overriddencreatedon", None),
        ("solutions", "solutiontype", 0),
        ("publishers", "address1_city", None),
    ],
)
@pytest.mark.usefixtures("organization")
def test_columns_that_every_organization_has_are_there(
    call: CallTenant, entity_set: str, column: str, value: object
) -> None:
    rows = call("GET", f"{API}/{entity_set}?$select={column}").json["value"]
    assert rows
    assert {row[column] for row in rows} == {value}


@pytest.mark.usefixtures("organization")
def test_users_that_are_not_deleted_are_found(call: CallTenant) -> None:
    whole = call("GET", f"{API}/systemusers").json["value"]
    assert len(call("GET", f"{API}/systemusers?$filter=deletedstate eq 0").json["value"]) == len(whole) > 0


def test_value_that_dual_write_brings_is_bounded_likewise(tenant: Tenant, organization: str) -> None:
    values = {"name": "A", "statecode": 9}
    with pytest.raises(RowError, match=r"The value 9 of 'statecode' .* outside the valid range"):
        tenant.rows.insert("dataverse", organization, "accounts", values, origin="dual-write")


def test_bounds_are_those_of_columns_that_are_there() -> None:
    bounded = [column for one in tables("dataverse").values() for column in one.columns.values() if column.choices]
    assert len(bounded) > 20
    assert all(column.type == "option" for column in bounded)
    texts = [one for table in tables("dataverse").values() for one in table.columns.values() if one.type == "string"]
    assert all(one.longest for one in texts)


@pytest.mark.parametrize("entity_set", ["accounts", "businessunits", "cdm_companies", "systemusers", "teams", "roles"])
@pytest.mark.usefixtures("organization")
def test_row_of_dataverse_is_written_back_with_one_member_changed(
    tenant: Tenant, call: CallTenant, entity_set: str
) -> None:
    """Members that nobody can write stay as they are; lookups are left out, as Dataverse asks."""
    schema = tables("dataverse")[entity_set]
    tenant.rows.insert("dataverse", CDS, entity_set, {schema.name: "before"})
    address = f"{API}/{entity_set}"
    (row,) = call("GET", f"{address}?$filter={schema.name} eq 'before'").json["value"]
    plain = {name: value for name, value in row.items() if not name.startswith("_")}
    target = f"{address}({row[schema.key[0]]})"
    changed = call("PATCH", target, json={**plain, schema.name: "after"}, headers={"If-Match": row["@odata.etag"]})
    assert changed.status == 204, changed.json
    after = call("GET", target).json
    own = {schema.name, "modifiedon", "versionnumber", "@odata.etag", "fullname"}
    assert after[schema.name] == "after"
    assert {name: after[name] for name in plain if name not in own} == {
        name: value for name, value in plain.items() if name not in own
    }


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.usefixtures("instance")
def test_row_of_finance_and_operations_is_written_back_with_one_member_changed(call: CallTenant, method: str) -> None:
    registration = {"AADClientId": DEMO_CLIENT_ID, "Name": "demo", "UserId": "Admin"}
    assert call("POST", f"{DATA}/SysAADClients", json=registration).status == 201
    made = call("POST", f"{DATA}/CustomerGroups", json={"dataAreaId": "dat", "CustomerGroupId": "10"})
    assert made.status == 201
    target = f"{DATA}/CustomerGroups(dataAreaId='dat',CustomerGroupId='10')?cross-company=true"
    row = call("GET", target).json
    back = {**row, "Description": "after"}
    assert call(method, target, json=back, headers={"If-Match": row["@odata.etag"]}).status == 204
    assert {**call("GET", target).json, "@odata.etag": ""} == {**back, "@odata.etag": ""}
