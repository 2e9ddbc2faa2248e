"""One row of one side as values of the other side, without storage."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from emulator.data.maps import MAPS, Field, Map, map_by_name
from emulator.data.schemas import table
from emulator.dual_write import row_filters, row_mapping
from emulator.dual_write.row_mapping import LookupMissingError
from tests.unit.emulator.dual_write.linked_pair import COMPANIES, CUSTOMER_GROUPS, CUSTOMERS, VENDOR_GROUPS

EXCHANGE_RATES = "msdyn_currencyexchangerates - CDS Exchange Rates"


class Rows:
    """A directory over rows given by (set, id)."""

    def __init__(self, rows: Mapping[tuple[str, str], Mapping[str, Any]] | None = None) -> None:
        self.rows = rows or {}

    def find(self, entity_set: str, equals: Mapping[str, Any]) -> str | None:
        for (name, row_id), row in self.rows.items():
            if name == entity_set and all(row.get(key) == value for key, value in equals.items()):
                return row_id
        return None

    def row(self, entity_set: str, row_id: str) -> Mapping[str, Any] | None:
        return self.rows.get((entity_set, row_id))

    def url(self, entity_set: str) -> str:
        return f"https://contoso-uat.crm4.dynamics.com/api/data/v9.0/{entity_set}"


def standard(name: str) -> Map:
    """Return a standard map."""
    found = map_by_name(name)
    assert found is not None
    return found


def with_field(field: Field) -> Map:
    """Return the customer group map with one field only."""
    return replace(standard(CUSTOMER_GROUPS), fields=(field,))


@pytest.mark.parametrize(("direction", "there", "back"), [(1, True, False), (2, False, True), (3, True, True)])
def test_direction_decides_which_way_flows(direction: int, there: bool, back: bool) -> None:
    mapped = with_field(Field("Description", "msdyn_description", direction))
    assert row_mapping.flows(mapped, "finops") is there
    assert row_mapping.flows(mapped, "dataverse") is back
    assert bool(row_mapping.to_dataverse(mapped, {"Description": "x"}, Rows())) is there
    assert bool(row_mapping.to_finops(mapped, {"msdyn_description": "x"}, Rows())) is back


@pytest.mark.parametrize(
    ("finops", "dataverse"),
    [("No", "806380000"), ("PAYMENT", "806380003"), ("Never", "806380005"), ("Unlisted", "Unlisted"), ("", None)],
)
def test_value_map_translates_case_blind(finops: str, dataverse: str | None) -> None:
    values = row_mapping.to_dataverse(standard(CUSTOMERS), {"OnHoldStatus": finops}, Rows(), {"OnHoldStatus"})
    assert values == {"msdyn_onholdstatus": dataverse}


@pytest.mark.parametrize(("dataverse", "finops"), [(806380003, "payment"), (None, None), (7, 7)])
def test_value_map_translates_back(dataverse: int | None, finops: Any) -> None:
    row = {"msdyn_onholdstatus": dataverse}
    assert row_mapping.to_finops(standard(CUSTOMERS), row, Rows(), {"msdyn_onholdstatus"}) == {"OnHoldStatus": finops}


def test_default_fills_a_missing_source_value() -> None:
    mapped = with_field(Field("Description", "msdyn_description", 3, default="none given"))
    assert row_mapping.to_dataverse(mapped, {"Description": ""}, Rows()) == {"msdyn_description": "none given"}
    assert row_mapping.to_dataverse(mapped, {"Description": "x"}, Rows()) == {"msdyn_description": "x"}
    assert row_mapping.to_finops(mapped, {"msdyn_description": None}, Rows()) == {"Description": "none given"}


def test_constants_go_with_whole_rows_only() -> None:
    mapped = standard(CUSTOMERS)
    assert row_mapping.to_dataverse(mapped, {}, Rows())["customertypecode"] == "3"
    assert row_mapping.to_finops(mapped, {}, Rows())["PartyType"] == "Organization"
    assert row_mapping.to_dataverse(mapped, {"OrganizationName": "A"}, Rows(), {"OrganizationName"}) == {"name": "A"}
    assert row_mapping.to_finops(mapped, {"name": "A"}, Rows(), {"name"}) == {"OrganizationName": "A"}


def test_lookup_becomes_the_id_of_its_row() -> None:
    rows = Rows({("msdyn_paymentterms", "t1"): {"msdyn_name": "Net30"}})
    mapped = standard(VENDOR_GROUPS)
    values = row_mapping.to_dataverse(mapped, {"DefaultPaymentTermName": "Net30"}, rows, {"DefaultPaymentTermName"})
    assert values == {"_msdyn_paymentterms_value": "t1"}
    back = row_mapping.to_finops(mapped, values, rows, {"_msdyn_paymentterms_value"})
    assert back == {"DefaultPaymentTermName": "Net30"}


def test_empty_lookup_is_cleared() -> None:
    mapped, name = standard(VENDOR_GROUPS), "DefaultPaymentTermName"
    assert row_mapping.to_dataverse(mapped, {name: ""}, Rows(), {name}) == {"_msdyn_paymentterms_value": None}


def test_missing_lookup_names_field_and_value() -> None:
    name = "DefaultPaymentTermName"
    with pytest.raises(LookupMissingError) as missing:
        row_mapping.to_dataverse(standard(VENDOR_GROUPS), {name: "Net99"}, Rows(), {name})
    text = "the field: msdyn_paymentterms.msdyn_name. The lookup value was not found: Net99."
    assert str(missing.value).startswith(f"Couldn't resolve the guid for {text}")


def test_deep_paths_resolve_one_lookup_together() -> None:
    rows = Rows(
        {
            ("msdyn_exchangeratetypes", "k"): {"msdyn_name": "Default"},
            ("transactioncurrencies", "eur"): {"isocurrencycode": "EUR"},
            ("transactioncurrencies", "usd"): {"isocurrencycode": "USD"},
            ("msdyn_currencyexchangeratepairs", "p"): {
                "_msdyn_currencyexchangeratetypeid_value": "k",
                "_msdyn_fromtransactioncurrencyid_value": "eur",
                "_msdyn_totransactioncurrencyid_value": "usd",
            },
        }
    )
    row = {"ExchangeRateTypeName": "Default", "FromCurrencyCode": "EUR", "ToCurrencyCode": "USD"}
    values = row_mapping.to_dataverse(standard(EXCHANGE_RATES), row, rows, {"FromCurrencyCode"})
    assert values == {"_msdyn_currencyexchangeratepair_value": "p"}
    key = row_mapping.finops_key(standard(EXCHANGE_RATES), values, rows)
    assert {name: key[name] for name in row} == row


def test_source_properties_leave_the_company_out() -> None:
    mapped = standard(CUSTOMER_GROUPS)
    assert "_msdyn_company_value" not in row_mapping.source_properties(mapped, "dataverse")
    assert "dataAreaId" not in row_mapping.source_properties(mapped, "finops")
    assert row_mapping.source_properties(standard(COMPANIES), "dataverse") == frozenset()


@pytest.mark.parametrize("mapped", MAPS, ids=lambda mapped: mapped.name)
def test_every_standard_map_maps_an_empty_row(mapped: Map) -> None:
    finops, dataverse = table("finops", mapped.finops_set), table("dataverse", mapped.dataverse_set)
    assert set(row_mapping.to_dataverse(mapped, {}, Rows())) <= set(dataverse.properties())
    assert set(row_mapping.to_finops(mapped, {}, Rows())) <= set(finops.properties())
    assert set(row_mapping.dataverse_key(mapped, {}, Rows())) <= set(dataverse.properties())
    assert set(row_mapping.finops_key(mapped, {}, Rows())) <= set(finops.properties())


@pytest.mark.parametrize(
    ("entity_set", "text", "odata"),
    [
        ("Currencies", '((CURRENCYCODE != "999"))', "( ( CurrencyCode ne '999' ) )"),
        ("CDSContactsV2", "(AssociatedContactType = 1)", "( AssociatedContactType eq 'Vendor' )"),
        (
            "VendorsV2",
            '(VendorPartyType == "Person") || !(VendorGroupId == "a\'b")',
            "( VendorPartyType eq 'Person' ) or not ( VendorGroupId eq 'a''b' )",
        ),
    ],
)
def test_range_expression_is_read_as_odata(entity_set: str, text: str, odata: str) -> None:
    said = row_filters.odata_of_range(table("finops", entity_set), text)
    assert said.split() == odata.split()


def test_strange_range_expression_is_refused() -> None:
    with pytest.raises(ValueError, match="is no query range expression"):
        row_filters.odata_of_range(table("finops", "Currencies"), "CurrencyCode ; 1")
