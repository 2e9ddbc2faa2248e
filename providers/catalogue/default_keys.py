"""The integration keys that chosen maps cannot do without, and that linking does not generate.

Source: Microsoft Learn, "Party and global address book", set-up: these keys have to be updated by hand before the maps
run; its troubleshooting article lists the same four as the first prerequisite. The articles name the maps ("Account",
"Contact", "Contact For Customer/Vendor", "Vendor"); the table sets these stand for are those of the catalogue. Pure.
"""

from collections.abc import Iterable

from providers.catalogue.selection import standard

PARTY_KEYS: dict[str, tuple[str, ...]] = {
    "accounts": ("accountnumber", "msdyn_company.cdm_companycode"),
    "contacts": ("msdyn_contactpersonid", "msdyn_company.cdm_companycode"),
    "msdyn_contactforparties": ("msdyn_contactforpartynumber", "msdyn_associatedcompanyid.cdm_companycode"),
    "msdyn_vendors": ("msdyn_vendoraccountnumber", "msdyn_company.cdm_companycode"),
}


def default_keys(maps: Iterable[str]) -> dict[str, list[str]]:
    """The keys that the party solution needs, table set to columns, when one of the chosen maps belongs to it.

    `maps` are names in the catalogue; others say nothing. Empty when no party map is among them.
    """
    known = standard().maps
    if not any(name in known and known[name].carried_by == "party" for name in maps):
        return {}
    return {table: list(columns) for table, columns in PARTY_KEYS.items()}
