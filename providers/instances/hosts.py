"""Addresses that a stack file names, against the hosts of its cloud: what could never get a token is said when read.

The emulator serves the hosts of the public cloud. Offline and pure, apart from the table of clouds. Sources:
power-platform-api.md 1 and 5.2 (`linkedEnvironmentMetadata`: an instance has an address and one for its Web API, with
`.api.` in it), dual-write-management-api.md 1.4 (gateways).
"""

import re

from providers.api.transport.clouds import CLOUDS, CloudProfile
from providers.api.transport.hosts import HostRule, gateway_hosts
from providers.protocol.addresses import host_of

_WEB_API = re.compile(r"([^.]+)\.api\.(.+)")


def gateway_problem(cloud: str, gateway: str | None) -> str | None:
    """Against the address of a dual-write gateway: a host that no gateway of the cloud has; None otherwise."""
    profile = _profile(cloud)
    if gateway is None or profile is None or gateway_hosts(profile).admits(gateway):
        return None
    shape = " or ".join(f"https://projectmanagementservice.<region>.{suffix}" for suffix in profile.gateway_suffixes)
    return f"'{host_of(gateway)}' is no dual-write gateway of this cloud: those are called {shape}"


def dataverse_problem(cloud: str, url: str | None) -> str | None:
    """Against the address of a CDS instance: that of its Web API, or a host of another cloud; None otherwise."""
    api = _WEB_API.fullmatch(host_of(url) or "")
    if api:
        return f"is the address of the Web API of the instance; its own is https://{api.group(1)}.{api.group(2)}"
    profile = _profile(cloud)
    return _outside(url, profile.dataverse_suffixes) if profile else None


def finops_problem(cloud: str, url: str | None) -> str | None:
    """Against the address of an F&O instance: a host of another cloud; None otherwise."""
    profile = _profile(cloud)
    return _outside(url, profile.finance_operations_suffixes) if profile else None


def _profile(cloud: str) -> CloudProfile | None:
    return CLOUDS.get("public" if cloud == "emulator" else cloud)


def _outside(url: str | None, suffixes: tuple[str, ...]) -> str | None:
    if url is None or HostRule(suffixes=suffixes).admits(url):
        return None
    ends = " or ".join(f".{suffix}" for suffix in suffixes)
    return f"'{host_of(url)}' is no instance of this cloud: addresses there end with {ends}"
