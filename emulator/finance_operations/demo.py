"""Companies with groups, terms, customers, vendors and products: demo data, and what existing F&O hold.

demo.json: the three companies of an F&O that was installed with `DemoDataEnabled`, codes and names those of the public
demo data, and the reference data of every company. companies.json: the companies of each existing F&O. The rows are
made up in the style of the demo data, their number is modest.
"""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from emulator.core.seeds import SeedError
from emulator.tenant import Tenant

Rows = Iterator[tuple[str, dict[str, Any]]]


def _companies(dataset: str) -> dict[str, Any]:
    sets = _read("companies.json")
    if dataset not in sets:
        msg = f"there is no data set '{dataset}' of companies; known: {', '.join(sorted(sets))}"
        raise SeedError(msg)
    return dict(sets[dataset])


def insert(tenant: Tenant, host: str, dataset: str | None = None) -> None:
    """Insert the demo rows, or those of a data set; references come before what refers to them.

    Raises:
        SeedError: there is no such data set.
    """
    document = _read("demo.json")
    if dataset is not None:
        document |= _companies(dataset)
    for entity_set, values in _shared(document):
        tenant.rows.insert("finops", host, entity_set, values, origin="system")
    for company in document["companies"]:
        _insert_company(tenant, host, document, company)


def _insert_company(tenant: Tenant, host: str, document: dict[str, Any], company: dict[str, Any]) -> None:
    for entity_set, values in _company(document, company):
        whole = values if entity_set == "LegalEntities" else {"dataAreaId": company["code"], **values}
        tenant.rows.insert("finops", host, entity_set, whole, origin="system")


def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files("emulator.data").joinpath(name).read_text("utf-8"))
    return document


def _listed(section: dict[str, list[dict[str, Any]]]) -> Rows:
    for entity_set, rows in section.items():
        for values in rows:
            yield entity_set, values


def _shared(document: dict[str, Any]) -> Rows:
    yield from _listed(document["shared"])
    for number, name in document["products"].items():
        yield "AllProducts", {"ProductNumber": number, "ProductName": name}


def _company(document: dict[str, Any], company: dict[str, Any]) -> Rows:
    yield (
        "LegalEntities",
        {
            "LegalEntityId": company["code"],
            "Name": company["name"],
            "AddressCountryRegionId": company["country"],
            "LanguageId": "en-US",
        },
    )
    yield from _listed(document["company"])
    yield from _customers(document, company)
    yield from _vendors(document, company)
    yield from _products(document, company)


def _customers(document: dict[str, Any], company: dict[str, Any]) -> Rows:
    groups, terms = document["company"]["CustomerGroups"], document["company"]["PaymentTerms"]
    for number in range(1, company["customers"] + 1):
        values = {
            "CustomerAccount": f"{company['prefix']}-{number:03d}",
            "CustomerGroupId": groups[number % 4]["CustomerGroupId"],
            "SalesCurrencyCode": company["currency"],
            "PaymentTerms": terms[number % 4]["Name"],
            "CreditLimit": 1000 * (number % 7),
        }
        if number % 5 == 0:
            first, last = document["people"][number // 5 % len(document["people"])]
            values |= {"PartyType": "Person", "PersonFirstName": first, "PersonLastName": last}
        else:
            name = document["organizations"][number % len(document["organizations"])]
            values |= {"PartyType": "Organization", "OrganizationName": f"{name} {company['prefix']} {number}"}
        yield "CustomersV3", values


def _vendors(document: dict[str, Any], company: dict[str, Any]) -> Rows:
    groups, names = document["company"]["VendorGroups"], document["organizations"]
    for number in range(1, company["vendors"] + 1):
        values = {
            "VendorAccountNumber": f"{company['prefix']}-{100 + number}",
            "VendorGroupId": groups[number % 4]["VendorGroupId"],
            "VendorPartyType": "Organization",
            "VendorOrganizationName": f"{names[-number % len(names)]} Supplies {number}",
            "CurrencyCode": company["currency"],
            "DefaultPaymentTermsName": "Net30",
        }
        yield "VendorsV2", values


def _products(document: dict[str, Any], company: dict[str, Any]) -> Rows:
    for position, (number, name) in enumerate(document["products"].items()):
        is_service = number.startswith("S")
        unit = "hr" if is_service else "ea"
        price = 10 + 25 * position
        common = {
            "ProductNumber": number,
            "ItemNumber": number,
            "ProductType": "Service" if is_service else "Item",
            "SalesPrice": price,
            "UnitCost": price * 6 / 10,
            "SalesUnitSymbol": unit,
        }
        units = {"InventoryUnitSymbol": unit, "PurchaseUnitSymbol": unit, "BOMUnitSymbol": unit}
        yield "ReleasedProductsV2", common | units
        named = {"ProductName": name, "ProductDescription": name, "CurrencyCode": company["currency"]}
        yield "CDSReleasedDistinctProducts", common | named
