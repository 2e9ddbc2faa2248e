"""The registry of domain names: live environments, deleted ones for a while, and names that somebody else holds."""

import re
from datetime import datetime, timedelta
from uuid import uuid4

from emulator.power_platform.records import RESERVED_DOMAIN, Environment, environments
from emulator.tenant import Tenant

# Letters, digits and hyphens, 32 characters at most (14.4 quotes 32 for the domain); the rest is assumed.
_FORM = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", re.IGNORECASE)


def well_formed(domain: str) -> bool:
    """Return whether a domain name may stand in a host name of Dataverse."""
    return _FORM.fullmatch(domain) is not None


def taken(tenant: Tenant, domain: str, *, except_for: str | None = None) -> bool:
    """Return whether a live environment (other than `except_for`) or a reservation holds the name."""
    wanted = domain.lower()
    others = [one.database for one in environments(tenant) if one.database is not None and one.id != except_for]
    if any(database.domain.lower() == wanted for database in others):
        return True
    reservation = tenant.store.get(RESERVED_DOMAIN, wanted)
    if reservation is None:
        return False
    until = reservation["until"]
    return until is None or datetime.fromisoformat(until) > tenant.clock.now()


def reserve(tenant: Tenant, domain: str, seconds: float | None = None) -> None:
    """Take a name out of use, for so many virtual seconds or for good."""
    until = None if seconds is None else (tenant.clock.now() + timedelta(seconds=seconds)).isoformat()
    tenant.store.put(RESERVED_DOMAIN, domain.lower(), {"until": until})


def release(tenant: Tenant, domain: str) -> None:
    """End a reservation."""
    tenant.store.delete(RESERVED_DOMAIN, domain.lower())


def reserve_after_deletion(tenant: Tenant, environment: Environment) -> None:
    """Keep the domain of a deleted environment: 7 days with F&O, else 24 hours (11.2)."""
    if environment.database is None:
        return
    had_finops = environment.finops is not None
    name = "finops_domain_reserved_duration" if had_finops else "domain_reserved_duration"
    reserve(tenant, environment.database.domain, tenant.switches[name])


def generated(tenant: Tenant) -> str:
    """Make up a free domain name, as the service does when a request has none."""
    while taken(tenant, name := f"org{uuid4().hex[:8]}"):
        continue
    return name
