"""The maps and tables as data hang together."""

import pytest

from emulator.data.maps import MAPS, Map, map_by_name
from emulator.data.schemas import logical_name, table, tables


def test_there_are_213_maps_with_unique_names() -> None:
    assert len(MAPS) == 213
    assert len({entry.name for entry in MAPS}) == 213


def test_at_least_thirty_maps_carry_their_fields() -> None:
    assert sum(entry.modelled == "fields" for entry in MAPS) >= 30


@pytest.mark.parametrize("entry", MAPS, ids=lambda entry: entry.name)
def test_map_refers_to_tables_columns_and_maps_that_exist(entry: Map) -> None:
    dataverse, finops = table("dataverse", entry.dataverse_set), table("finops", entry.finops_set)
    assert all(map_by_name(name) is not None for name in entry.depends_on)
    for mapped in entry.fields:
        assert mapped.finops is None or mapped.finops in finops.columns
        if mapped.dataverse is not None:
            column = dataverse.columns[mapped.dataverse.split(".")[0]]
            assert (column.type == "lookup") == ("." in mapped.dataverse)
    for pair in entry.integration_key:
        assert any(mapped.finops == pair.finops and mapped.dataverse == pair.dataverse for mapped in entry.fields)


def test_company_of_a_company_map_is_part_of_its_key() -> None:
    accounts = map_by_name("accounts - Customers V3")
    assert accounts is not None
    assert accounts.key_paths == ("accountnumber", "msdyn_company.cdm_companycode")
    assert table("dataverse", "accounts").company == "_msdyn_company_value"
    assert table("dataverse", "products").company == "_msdyn_companyid_value"
    assert table("finops", "CustomersV3").key == ("dataAreaId", "CustomerAccount")


@pytest.mark.parametrize(
    ("entity_set", "logical"),
    [("accounts", "account"), ("cdm_companies", "cdm_company"), ("msdyn_warehouses", "msdyn_warehouse"),
     ("msdyn_parties", "msdyn_party"), ("msdyn_postaladdresses", "msdyn_postaladdress"),
     ("msdyn_chartofaccountses", "msdyn_chartofaccounts")],
)  # fmt: skip
def test_logical_name_is_the_singular(entity_set: str, logical: str) -> None:
    assert logical_name(entity_set) == logical


def test_every_lookup_points_to_a_table() -> None:
    known = tables("dataverse")
    dangling = [
        (entry.set, column.name, target)
        for entry in known.values()
        for column in entry.columns.values()
        for target in column.targets
        if target not in known
    ]
    assert dangling == []
