"""Puts the tenant together: the core, then the packages, each with its tables, routes and behaviour."""

import json
from collections.abc import Mapping
from importlib import import_module
from importlib.resources import files
from types import ModuleType
from typing import Any

from emulator.clock import Clock
from emulator.identity.tokens import SigningKey
from emulator.store import Store
from emulator.tables import Rows
from emulator.tenant import Tenant

PACKAGES = (
    "emulator.identity.service",
    "emulator.power_platform",
    "emulator.dataverse",
    "emulator.finance_operations",
    "emulator.dual_write",
)


def assemble(store: Store, clock: Clock, key: SigningKey) -> Tenant:
    """Return the whole tenant, ready for calls, without its seed."""
    tenant = Tenant(store, clock, key)
    tenant.rows = Rows(tenant)
    for name in PACKAGES:
        module = import_module(name)
        tenant.services = (*tenant.services, *_services(module))
        module.register(tenant)
    return tenant


def _services(module: ModuleType) -> tuple[Any, ...]:
    return tuple(module.services()) if hasattr(module, "services") else (module.service(),)


def first_day(extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the seed document of a new tenant: the default one with the members of `extra` merged in."""
    default = json.loads(files("emulator.data").joinpath("tenant.json").read_text("utf-8"))
    return _merged(default, extra or {})


def _merged(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Members of members are merged, lists are joined, anything else is replaced."""
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
