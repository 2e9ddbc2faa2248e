"""Where environments can be: locations, regions, host names, currencies and languages.

Names, codes and regions: power-platform-api.md 12.1. Which of them offer F&O: 14.5. The Dataverse region numbers
(`crm4`) and F&O labels (`eu`) are evidenced for Europe and the United States (5.2); the others are assumed.
"""

from typing import NamedTuple


class Location(NamedTuple):
    """A BAP geography."""

    name: str
    display_name: str
    code: str
    regions: tuple[str, ...]
    dataverse_label: str  # second label of a Dataverse host
    finops_label: str  # label between `operations` and `dynamics.com`; empty in the United States
    finops_regions: tuple[str, ...]  # empty: F&O is not offered here


class MacroRegion(NamedTuple):
    """A group of geographies."""

    macro_region_id: str
    display_name: str
    location: str  # the location an environment of this macro region gets (assumed)


_ROWS = (
    # name, display name, code, regions, dataverse label, F&O label, regions with F&O
    ("unitedstates", "United States", "NA", "eastus westus", "crm", "", "centralus eastus eastus2 westus"),
    ("europe", "Europe", "EMEA", "westeurope northeurope", "crm4", "eu", "northeurope westeurope"),
    ("asia", "Asia", "APAC", "eastasia southeastasia", "crm5", "as", "eastasia southeastasia"),
    ("australia", "Australia", "OCE", "australiaeast australiasoutheast", "crm6", "au", "australiaeast"),
    ("india", "India", "IND", "centralindia southindia", "crm8", "in", "centralindia"),
    ("japan", "Japan", "JPN", "japaneast japanwest", "crm7", "jp", "japaneast japanwest"),
    ("canada", "Canada", "CAN", "canadacentral canadaeast", "crm3", "ca", "canadacentral"),
    ("unitedkingdom", "United Kingdom", "GBR", "uksouth ukwest", "crm11", "uk", "uksouth"),
    ("southamerica", "South America", "SAM", "brazilsouth", "crm2", "br", "brazilsouth"),
    ("france", "France", "FRA", "francecentral francesouth", "crm12", "fr", "francecentral"),
    ("unitedarabemirates", "United Arab Emirates", "UAE", "uaenorth", "crm15", "uae", "uaenorth"),
    ("germany", "Germany", "GER", "germanynorth germanywestcentral", "crm16", "de", ""),
    ("switzerland", "Switzerland", "CHE", "switzerlandnorth switzerlandwest", "crm17", "ch", "switzerlandnorth"),
    ("norway", "Norway", "NOR", "norwayeast norwaywest", "crm19", "no", "norwayeast"),
    ("korea", "Korea", "KOR", "koreacentral koreasouth", "crm21", "kr", ""),
    ("sweden", "Sweden", "SWE", "swedencentral", "crm22", "se", "swedencentral"),
    ("southafrica", "South Africa", "ZAF", "southafricanorth", "crm14", "za", "southafricanorth"),
)

LOCATIONS: dict[str, Location] = {
    name: Location(name, title, code, tuple(regions.split()), dataverse, finops, tuple(offered.split()))
    for name, title, code, regions, dataverse, finops, offered in _ROWS
}

MACRO_REGIONS: dict[str, MacroRegion] = {
    "the-americas": MacroRegion("the-americas", "The Americas", "unitedstates"),
    "eu-efta": MacroRegion("eu-efta", "EU and EFTA", "europe"),
}

CENTRAL_HOST = "api.bap.microsoft.com"
PLATFORM_HOST = "api.powerplatform.com"

# Assumed: a short list that is the same in every location. The shape is evidenced (12.2, 12.3), the choice is ours.
CURRENCIES: dict[str, str] = {
    "AUD": "$", "BRL": "R$", "CAD": "$", "CHF": "CHF", "CNY": "¥", "CZK": "Kč", "DKK": "kr.", "EUR": "€", "GBP": "£",
    "HUF": "Ft", "INR": "₹", "JPY": "¥", "MXN": "$", "NOK": "kr", "NZD": "$", "PLN": "zł", "SEK": "kr", "USD": "$",
    "ZAR": "R",
}  # fmt: skip

LANGUAGES: dict[int, tuple[str, str]] = {
    1029: ("čeština", "Czech"), 1030: ("dansk", "Danish"), 1031: ("Deutsch", "German"), 1033: ("English", "English"),
    1036: ("français", "French"), 1038: ("magyar", "Hungarian"), 1040: ("italiano", "Italian"),
    1041: ("日本語", "Japanese"), 1043: ("Nederlands", "Dutch"), 1044: ("norsk", "Norwegian"),
    1045: ("polski", "Polish"), 1046: ("português (Brasil)", "Portuguese (Brazil)"), 1053: ("svenska", "Swedish"),
    2070: ("português", "Portuguese"), 3082: ("español", "Spanish"),
}  # fmt: skip

DEFAULT_CURRENCY = "EUR"
DEFAULT_LANGUAGE = 1033


def regional_host(location: str) -> str:
    """Return the BAP host that `Location` headers and `runtimeEndpoints` of a location name (1, 7.3)."""
    return f"{location}.{CENTRAL_HOST}"


def dataverse_host(location: str, domain: str) -> str:
    """Return the host of an organization."""
    return f"{domain.lower()}.{LOCATIONS[location].dataverse_label}.dynamics.com"


def dataverse_api_host(location: str, domain: str) -> str:
    """Return the second host of an organization, named by `instanceApiUrl`."""
    return f"{domain.lower()}.api.{LOCATIONS[location].dataverse_label}.dynamics.com"


def finops_host(location: str, domain: str) -> str:
    """Return the host of a unified F&O application: `{domain}.operations.{geo}.dynamics.com` (5.2)."""
    label = LOCATIONS[location].finops_label
    return f"{domain.lower()}.operations.{label + '.' if label else ''}dynamics.com"


def is_bap_host(host: str) -> bool:
    """Return whether a host is the central admin API or one of its regional ones."""
    if host == CENTRAL_HOST:
        return True
    return host.endswith("." + CENTRAL_HOST) and host.removesuffix("." + CENTRAL_HOST) in LOCATIONS
