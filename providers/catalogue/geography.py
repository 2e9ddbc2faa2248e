"""Where an instance lies, as far as its address says, and whether two can be linked at all. Pure.

F&O and Dataverse must lie in the same geography (dual-write-semantics.md 2.3 and 4; ruling 8 of section 13).
Addresses say little: `crm<n>` stands for a region of Dataverse (power-platform-api.md 5.2 for North America and Europe,
Microsoft's list of discovery services for the others), `operations.eu` for Europe. F&O of any geography may carry no
label (the pair of dual-write-management-api.md E10 has one side without and the other on `crm4`), so none says nothing.
Only what is certain counts as a mismatch; the rest is asked live.
"""

import re
from urllib.parse import urlsplit

# Microsoft's list of discovery services, "Discover the URL for your organization": one host a region of Dataverse.
_DATAVERSE = {
    "crm": "unitedstates",
    "crm2": "southamerica",
    "crm3": "canada",
    "crm4": "europe",
    "crm5": "asia",
    "crm6": "australia",
    "crm7": "japan",
    "crm8": "india",
    "crm11": "unitedkingdom",
}
_FINOPS = {"eu": "europe"}
# Names of locations, power-platform-api.md 12.1; anything else is a macro region, which holds several of them.
_LOCATIONS = frozenset(
    {
        *_DATAVERSE.values(),
        "france",
        "germany",
        "korea",
        "norway",
        "southafrica",
        "sweden",
        "switzerland",
        "unitedarabemirates",
    }
)
_DATAVERSE_HOST = re.compile(r"[^.]+\.(crm\d*)\.dynamics\.com")
_FINOPS_HOST = re.compile(r"[^.]+(?:\.sandbox)?\.operations\.([a-z]+)\.dynamics\.com")


def dataverse_geography(url: str | None) -> str | None:
    """The location that the address of a Dataverse names; None where it says nothing certain."""
    return _named(url, _DATAVERSE_HOST, _DATAVERSE)


def finops_geography(url: str | None) -> str | None:
    """The location that the address of an F&O names; None where it says nothing certain."""
    return _named(url, _FINOPS_HOST, _FINOPS)


def _known_location(location: str | None) -> str | None:
    place = (location or "").casefold()
    return place if place in _LOCATIONS else None


def geography_problem(finops_url: str | None, *, cds_url: str | None = None, location: str | None = None) -> str | None:
    """Why an F&O and a CDS cannot be linked, or None. The CDS is an existing one's address or a new one's location."""
    finops = finops_geography(finops_url)
    cds = dataverse_geography(cds_url) or _known_location(location)
    if finops is None or cds in (None, finops):
        return None
    return (
        f"F&O is in {finops} and the CDS instance in {cds}: dual-write links only instances of one geography, "
        "and none can be moved by this program"
    )


def _named(url: str | None, shape: re.Pattern[str], known: dict[str, str]) -> str | None:
    try:
        host = urlsplit(url or "").hostname
    except ValueError:
        return None
    match = shape.fullmatch(host or "")
    return known.get(match.group(1)) if match else None
