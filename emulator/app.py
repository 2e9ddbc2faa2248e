"""Puts the tenant together: its parts, then the services, each with its tables, routes and behaviour."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from emulator import dataverse, dual_write, finance_operations, login, power_platform
from emulator.core.clock import Clock
from emulator.core.store import Store
from emulator.identity.directory import TENANT_ID
from emulator.identity.tokens import SigningKey
from emulator.tenant import Tenant

# What one publishes, those behind it may follow; they do so in this order.
SERVICES = (login.install, power_platform.install, dataverse.install, finance_operations.install, dual_write.install)


def assemble(store: Store, clock: Clock, key: SigningKey, tenant_id: str = TENANT_ID) -> Tenant:
    """Return the whole tenant, ready for calls, without its seed."""
    tenant = Tenant(store, clock, key, tenant_id)
    for install in SERVICES:
        tenant.services = (*tenant.services, *install(tenant))
    return tenant


def first_day(extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the seed document of a new tenant: the default one with the members of `extra` merged in."""
    default = json.loads(files("emulator.data").joinpath("tenant.json").read_text("utf-8"))
    return _merged(default, extra or {})


def _merged(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return both: members of members are merged, lists are joined, anything else is replaced."""
    merged = dict(base)
    for name, value in extra.items():
        there = merged.get(name)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            merged[name] = _merged(there, value)
        elif isinstance(there, list) and isinstance(value, list):
            merged[name] = [*there, *value]
        else:
            merged[name] = value
    return merged
