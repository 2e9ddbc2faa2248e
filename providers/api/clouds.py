"""Cloud profiles: hosts, audiences, poll intervals, proxy and CA of each Microsoft cloud, and of the local emulator.

Hosts and scopes: power-platform-api.md section 1. Every host can be replaced: `profile(name, power_platform_host=...)`.
"""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from .errors import EmulatorNotRunning, InvalidRequest

EMULATOR_URL = "DUALWRITE_EMULATOR_URL"
EMULATOR_CA = "DUALWRITE_EMULATOR_CA"
EMULATOR_GATEWAY = "https://projectmanagementservice.weu-il107.gateway.prod.island.powerapps.com"
DUAL_WRITE_AUDIENCE = "https://IntegratorApp.com"


class PollIntervals(BaseModel):
    """Seconds between two polls of each kind of operation when the service names none."""

    model_config = ConfigDict(frozen=True)

    environment: float = 10
    dataverse: float = 15
    package: float = 30
    finops: float = 60
    link: float = 30
    solution: float = 5
    map_action: float = 5
    initial_sync: float = 15
    rows: float = 5


class CloudProfile(BaseModel):
    """Where the services of one cloud live and what their tokens are for.

    Hosts are bare names. `*_suffixes` are DNS suffixes without a leading dot: an environment's host is inside when it
    equals a suffix or ends with a dot and the suffix. `proxy` and `ca` are set for the emulator alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    authority: str
    bap_host: str
    bap_scope: str
    power_platform_host: str
    power_platform_scope: str
    admin_host: str
    dataverse_suffixes: tuple[str, ...]
    finance_operations_suffixes: tuple[str, ...]
    gateway_suffixes: tuple[str, ...]
    dual_write_audience: str = DUAL_WRITE_AUDIENCE
    default_gateway: str | None = None
    polls: PollIntervals = PollIntervals()
    proxy: str | None = None
    ca: Path | None = None


def profile(name: str, **overrides: object) -> CloudProfile:
    """The profile of a cloud: public, gcc, gcchigh, dod, china or emulator. `overrides` replace single members.

    Raises `EmulatorNotRunning` when the emulator is meant and its URL or CA is not in the environment.
    """
    raise NotImplementedError
