"""What existing organizations hold: business units, owner teams and the rows of years without dual-write.

Accounts, contacts, customer groups and products of data/sales.json, made by code from short lists, always the same.
They have no company and carry all else that their standard map requires; every eighth account and contact lies outside
its map's filter (dual-write-semantics.md 7.5): no customer, not sellable, or without a number. Units and products have
symbol and product number (6.1).
"""

import itertools
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from emulator.core.seeds import SeedError
from emulator.tables.values import new_guid
from emulator.tenant import Tenant

CUSTOMER = 3
# Customer types that the map leaves out: prospect, supplier, other.
OTHER_TYPES = (8, 10, 12)
_FIRST_ACCOUNT, _FIRST_CONTACT = 10_001, 50_001
_OUTSIDE = 8


def insert(tenant: Tenant, host: str, dataset: str, root_unit_id: str) -> None:
    """Insert the units and rows of a data set.

    Raises:
        SeedError: there is no such data set.
    """
    document = json.loads(files("emulator.data").joinpath("sales.json").read_text("utf-8"))
    sets = document["datasets"]
    if dataset not in sets:
        msg = f"there is no data set '{dataset}' of sales; known: {', '.join(sorted(sets))}"
        raise SeedError(msg)
    _Sales(tenant, host, root_unit_id, document, sets[dataset]).insert()


class _Sales:
    """One organization's rows; numbers of accounts and contacts go on from unit to unit."""

    def __init__(
        self, tenant: Tenant, host: str, root_unit_id: str, document: dict[str, Any], dataset: dict[str, Any]
    ) -> None:
        self._tenant, self._host, self._root = tenant, host, root_unit_id
        self._document, self._names, self._dataset = document, document["names"], dataset
        self._currency = str(
            next(tenant.rows.scan("dataverse", host, "transactioncurrencies"))["transactioncurrencyid"]
        )
        self._account_numbers, self._contact_numbers = itertools.count(), itertools.count()
        self._counts: dict[str, int] = {}

    def insert(self) -> None:
        """Insert everything, referenced rows first."""
        units = self._insert_units_of_measure()
        for unit in self._dataset["units"]:
            team = self._insert_team(unit)
            groups = [self._insert_group(number, text, team) for number, text in unit["groups"].items()]
            accounts = [self._insert(row, "accounts", team) for row in self._account_rows(unit["accounts"], groups)]
            for row in self._contact_rows(unit["contacts"], groups, accounts):
                self._insert(row, "contacts", team)
        for position, (number, name) in enumerate(self._dataset["products"].items()):
            self._insert(self._product(position, number, name, units), "products")

    def _insert(self, values: dict[str, Any], entity_set: str, team: str | None = None) -> str:
        """Insert a row under an id that is always the same, and return the id."""
        singular = entity_set.removesuffix("s")
        number = self._counts[entity_set] = self._counts.get(entity_set, 0) + 1
        row_id = new_guid(f"{self._host} {entity_set} {number}")
        owner = {"_ownerid_value": team} if team else {}
        whole = {f"{singular}id": row_id, **owner, **values}
        self._tenant.rows.insert("dataverse", self._host, entity_set, whole, origin="seed")
        return row_id

    def _insert_units_of_measure(self) -> tuple[str, str]:
        """Give the units their symbols; return the ids of the unit that products are counted in and of its schedule."""
        rows = self._tenant.rows
        primary = next(rows.scan("dataverse", self._host, "uoms"))
        primary_id, schedule = str(primary["uomid"]), str(primary["_uomscheduleid_value"])
        for symbol, name in self._document["units"].items():
            if name == primary["name"]:
                rows.update("dataverse", self._host, "uoms", primary_id, {"msdyn_symbol": symbol}, origin="seed")
            else:
                self._insert(
                    {"name": name, "quantity": 1, "msdyn_symbol": symbol, "_uomscheduleid_value": schedule}, "uoms"
                )
        return primary_id, schedule

    def _insert_team(self, unit: dict[str, Any]) -> str:
        """Insert a unit, the root one excepted, and its owner team with a role; return the team."""
        rows, unit_id = self._tenant.rows, self._root
        if unit["name"]:
            values = {"name": unit["name"], "_parentbusinessunitid_value": self._root}
            unit_id = self._insert(values, "businessunits")
        values = {"name": unit["team"], "teamtype": 0, "isdefault": False, "_businessunitid_value": unit_id}
        team = self._insert(values, "teams")
        wanted = {"name": "Basic User", "_businessunitid_value": unit_id}
        for role in rows.find("dataverse", self._host, "roles", wanted):
            assigned = {"teamid": team, "roleid": role["roleid"]}
            rows.insert("dataverse", self._host, "teamrolescollection", assigned, origin="seed")
        return team

    def _insert_group(self, number: str, text: str, team: str) -> str:
        return self._insert({"msdyn_groupid": number, "msdyn_description": text}, "msdyn_customergroups", team)

    def _account_rows(self, count: int, groups: list[str]) -> Iterator[dict[str, Any]]:
        names, prefix = self._names, self._dataset["prefix"]
        for place, number in zip(range(count), self._account_numbers, strict=False):
            position = number + self._dataset["start"]
            stem = names["organizations"][position % len(names["organizations"])]
            address = self._address(position, position // len(names["organizations"]))
            domain = "".join(letter for letter in stem.lower() if letter.isalnum())
            outside = place % _OUTSIDE == _OUTSIDE - 3
            yield {
                "name": f"{stem} {address['address1_city']}",
                "accountnumber": f"{prefix}-{_FIRST_ACCOUNT + number}",
                "customertypecode": OTHER_TYPES[place // _OUTSIDE % len(OTHER_TYPES)] if outside else CUSTOMER,
                "creditlimit": 2500 * (number % 9),
                "numberofemployees": 5 + 13 * (number % 40),
                "emailaddress1": f"purchasing@{domain}.example",
                "websiteurl": f"https://www.{domain}.example",
                "_msdyn_customergroupid_value": groups[place % len(groups)],
                "_transactioncurrencyid_value": self._currency,
                **address,
            }

    def _contact_rows(self, count: int, groups: list[str], accounts: list[str]) -> Iterator[dict[str, Any]]:
        names, prefix = self._names, self._dataset["prefix"]
        for place, number in zip(range(count), self._contact_numbers, strict=False):
            position = number + self._dataset["start"]
            first = names["first"][position % len(names["first"])]
            last = names["last"][(7 * position + position // len(names["first"])) % len(names["last"])]
            outside = place % _OUTSIDE == _OUTSIDE - 5
            sellable = not outside or place // _OUTSIDE % 2 == 1
            has_account = place % 2 == 1 and place < len(accounts)
            yield {
                "firstname": first,
                "lastname": last,
                "jobtitle": names["titles"][number % len(names["titles"])],
                "msdyn_sellable": sellable,
                "msdyn_contactpersonid": None if outside and sellable else f"{prefix}-{_FIRST_CONTACT + number}",
                "emailaddress1": f"{first}.{last}{number}@mail.example".lower(),
                "_parentcustomerid_value": accounts[place] if has_account else None,
                "_msdyn_customergroupid_value": groups[place % len(groups)],
                "_transactioncurrencyid_value": self._currency,
                **self._address(position, 0),
            }

    def _address(self, position: int, shift: int) -> dict[str, str]:
        """Return a city with its country and a telephone number; `shift` parts those whose position has one name."""
        cities = self._names["cities"]
        city, country, code, dial = cities[(5 * position + shift) % len(cities)]
        return {
            "address1_city": city,
            "address1_country": country,
            "address1_postalcode": code,
            "telephone1": f"{dial} 555 {1000 + position}",
        }

    def _product(self, position: int, number: str, name: str, units: tuple[str, str]) -> dict[str, Any]:
        price = 12 + 9 * position
        return {
            "name": name,
            "productnumber": number,
            "msdyn_productnumber": number,
            "description": name,
            "price": price,
            "standardcost": price * 6 / 10,
            "currentcost": price * 6 / 10,
            "producttypecode": 1,
            "productstructure": 1,
            "quantitydecimal": 0,
            "_defaultuomid_value": units[0],
            "_defaultuomscheduleid_value": units[1],
            "_transactioncurrencyid_value": self._currency,
        }
