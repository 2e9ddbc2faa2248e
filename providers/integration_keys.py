"""Integration keys: the columns by which dual-write finds the Dataverse row of an F&O row.

They belong to the table, not to a map (dual-write-management-api.md E9). Most are generated when the pair is linked;
those of the party solution are not (dual-write-semantics.md 7.6).
"""

from collections.abc import Iterable

from providers.catalogue import standard

# Microsoft Learn, "Party and global address book", set-up: these keys have to be updated by hand before the maps run;
# its troubleshooting article lists the same four as the first prerequisite. The articles name the maps ("Account",
# "Contact", "Contact For Customer/Vendor", "Vendor"); the table sets that these stand for are those of the catalogue.
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
