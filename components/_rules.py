"""What keys of a stack file mean together, and keys that no code serves yet.

The rules read the raw values, not the typed model: a key with a wrong type must hide nothing that is wrong elsewhere.
Each rule passes over values of a wrong type, which the model reports. Pure; today's date is handed in. The rules of
the larger sections have modules of their own; here are those of the two instances, the connection and consents.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from components._bootstrap_rules import bootstrap_rules
from components._company_rules import company_rules
from components._findings import Finding, key
from components._map_rules import chosen_maps, has_initial_sync, map_rules
from components._raw import Raw, entries, section, text, texts
from components._unserved import ended, not_served
from providers.catalogue.geography import geography_problem
from providers.catalogue.limits import FINOPS_DOMAIN_LIMIT, FINOPS_NAME_LIMIT

# power-platform-api.md 5.2: the shapes of the addresses of the two sides.
_DATAVERSE_HOST, _FINOPS_HOST = re.compile(r"\.crm\d*\."), re.compile(r"\.operations\.")


class _Choice(NamedTuple):
    """A section that is new or existing, and which keys belong to which."""

    section: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    existing: tuple[str, ...]


_CHOICES = (
    _Choice("cds", ("name", "domain", "location", "currency", "language"), ("type",), ("url", "environmentId")),
    _Choice("finops", ("data",), ("developerTools", "version"), ("url",)),
)
# semantics 1.4: demo data is chosen for the deployment.
_CHOSEN_ONCE = "demo data or none is chosen when F&O is installed; an existing one keeps the data it has, leave it out"


def broken_rules(raw: Mapping[str, Any], today: date) -> list[Finding]:
    """Every rule that these values break, keys that are not served yet included."""
    maps = section(raw, "maps")
    chosen = chosen_maps(maps)
    return [
        *(finding for choice in _CHOICES for finding in _new_or_existing(raw, choice)),
        *_limits(raw),
        *_addresses(raw),
        *_gateway(raw),
        *_packages(section(raw, "connection")),
        *company_rules(raw, initial_sync=has_initial_sync(maps, chosen)),
        *bootstrap_rules(raw),
        *map_rules(maps, chosen),
        *_consents(raw, today),
        *not_served(raw, today),
    ]


def _new_or_existing(raw: Raw, choice: _Choice) -> Iterator[Finding]:
    values, name = section(raw, choice.section), choice.section
    if values.get("instance") == "new":
        yield from _new(values, choice)
    elif values.get("instance") == "existing":
        yield from _existing(values, choice)
    elif "url" in values and "name" in values:
        yield Finding(key(name, "url"), "says existing and `name` says new; keep one of the two")


def _new(values: Raw, choice: _Choice) -> Iterator[Finding]:
    for wanted in choice.required:
        if values.get(wanted) is None:
            yield Finding(key(choice.section, wanted), "is required with `instance: new`")
    new = " and ".join(f"`{word}`" for word in choice.required[:2])
    for other in choice.existing:
        if other in values:
            text_ = f"belongs to `instance: existing`; a new one has {new}, so leave it out"
            yield Finding(key(choice.section, other), text_)


def _existing(values: Raw, choice: _Choice) -> Iterator[Finding]:
    for other in (*choice.required, *choice.optional):
        if other in values:
            usual = "belongs to `instance: new`; an existing one keeps what it has"
            yield Finding(key(choice.section, other), _CHOSEN_ONCE if other == "data" else usual)
    if len([other for other in choice.existing if values.get(other) is not None]) != 1:
        wanted = " or ".join(f"`{word}`" for word in choice.existing)
        exactly = ", by exactly one of them" if len(choice.existing) > 1 else ""
        yield Finding(key(choice.section), f"an existing one is named by {wanted}{exactly}")


def _limits(raw: Raw) -> Iterator[Finding]:
    if "existing" in (section(raw, "finops").get("instance"), section(raw, "cds").get("instance")):
        return
    for name, limit in (("name", FINOPS_NAME_LIMIT), ("domain", FINOPS_DOMAIN_LIMIT)):
        value = section(raw, "cds").get(name)
        if isinstance(value, str) and len(value) > limit:
            text_ = f"has {len(value)} characters; F&O is installed on it, so {limit} at most: `{value[:limit]}`"
            yield Finding(key("cds", name), text_)


def _addresses(raw: Raw) -> Iterator[Finding]:
    """Addresses of the other side, and of two geographies (semantics 2.3): those of new instances are not told yet."""
    cds, finops = section(raw, "cds"), section(raw, "finops")
    cds_url = text(cds, "url") if cds.get("instance") == "existing" else None
    finops_url = text(finops, "url") if finops.get("instance") == "existing" else None
    if cds_url and _FINOPS_HOST.search(cds_url):
        yield Finding(key("cds", "url"), "is the address of an F&O instance; that of a CDS instance has `.crm` in it")
    if finops_url and _DATAVERSE_HOST.search(finops_url):
        yield Finding(
            key("finops", "url"), "is the address of a CDS instance; that of an F&O instance has `.operations.` in it"
        )
    location = text(cds, "location") if cds.get("instance") == "new" else None
    apart = geography_problem(finops_url, cds_url=cds_url, location=location)
    if apart:
        yield Finding(key("finops", "url"), apart)


def _gateway(raw: Raw) -> Iterator[Finding]:
    cloud = raw.get("cloud", "emulator")
    if cloud in ("public", "gcc", "gcchigh", "dod", "china") and section(raw, "connection").get("gateway") is None:
        text_ = f"is required with `cloud: {cloud}`: the https address of the dual-write gateway of your geography"
        yield Finding(key("connection", "gateway"), text_)


def _packages(connection: Raw) -> Iterator[Finding]:
    seen: set[str] = set()
    for place, name in texts(connection, "packages").items():
        # As the program names its resources: two that differ in case alone are one package.
        resource = name.lower().replace("_", "-")
        if resource in seen:
            yield Finding(key("connection", "packages", place), f"{name!r} stands in the list already; keep one")
        seen.add(resource)


def _consents(raw: Raw, today: date) -> Iterator[Finding]:
    """A consent to a reset names this pair; one that ended counts as absent."""
    cds = section(raw, "cds")
    label = text(cds, "domain") if cds.get("instance") == "new" else _first_label(text(cds, "url"))
    for place, entry in entries(raw, "confirm").items():
        target = text(entry, "target")
        if entry.get("action") != "reset-link" or not label or not target or ended(entry.get("until"), today):
            continue
        if target.casefold() != label.casefold():
            text_ = f"{target!r} is not this pair: reset-link names the first label of its CDS host, `{label.lower()}`"
            yield Finding(key("confirm", place, "target"), text_)


def _first_label(url: str | None) -> str | None:
    try:
        host = urlsplit(url or "").hostname
    except ValueError:
        return None
    return host.partition(".")[0] if host else None
