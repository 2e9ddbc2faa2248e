"""Cloud profiles: hosts, audiences, poll intervals, proxy and CA of each Microsoft cloud, and of the local emulator.

Hosts and scopes: power-platform-api.md section 1. A host can be replaced: `profile(name, power_platform_host=...)`, or
for the doubtful gcchigh host the variable DUALWRITE_POWER_PLATFORM_HOST. Suffixes of environments outside the public
cloud, and all of gateways outside it, stand in no source that was read: assumed from the hosts of their clouds.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

from providers.api.transport.errors import EmulatorNotRunning, InvalidRequest

EMULATOR_URL = "DUALWRITE_EMULATOR_URL"
EMULATOR_CA = "DUALWRITE_EMULATOR_CA"
POWER_PLATFORM_HOST = "DUALWRITE_POWER_PLATFORM_HOST"
EMULATOR_GATEWAY = "https://projectmanagementservice.weu-il107.gateway.prod.island.powerapps.com"
DUAL_WRITE_AUDIENCE = "https://IntegratorApp.com"
START_EMULATOR = 'Start it with `make emulator` (or `make up`), then `eval "$(make -s env)"`.'


class PollIntervals(NamedTuple):
    """Seconds between two polls of each kind of operation when the service names none (section 18).

    `busy` is the wait while another operation runs on an environment, `patience` how long that is waited out.
    """

    environment: float = 10
    dataverse: float = 15
    package: float = 30
    finops: float = 60
    link: float = 30
    solution: float = 5
    map_action: float = 5
    initial_sync: float = 15
    rows: float = 5
    busy: float = 15
    patience: float = 600
    lost_answer: float = 30


EMULATOR_POLLS = PollIntervals(
    environment=0.1,
    dataverse=0.1,
    package=0.1,
    finops=0.2,
    link=0.1,
    solution=0.1,
    map_action=0.1,
    initial_sync=0.2,
    rows=0.1,
    busy=0.2,
    patience=60,
    lost_answer=3,
)


class CloudProfile(NamedTuple):
    """Where the services of one cloud live and what their tokens are for.

    Hosts are bare names. `*_suffixes` are DNS suffixes without a leading dot: an environment's host is inside when it
    ends with a dot and the suffix. `proxy` and `ca` are set for the emulator alone.
    """

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


_PUBLIC = CloudProfile(
    name="public",
    authority="login.microsoftonline.com",
    bap_host="api.bap.microsoft.com",
    bap_scope="https://service.powerapps.com/.default",
    power_platform_host="api.powerplatform.com",
    power_platform_scope="https://api.powerplatform.com/.default",
    admin_host="api.admin.powerplatform.microsoft.com",
    dataverse_suffixes=("dynamics.com",),
    finance_operations_suffixes=("dynamics.com",),
    gateway_suffixes=("gateway.prod.island.powerapps.com",),
)
_GCC = CloudProfile(
    name="gcc",
    authority="login.microsoftonline.com",
    bap_host="gov.api.bap.microsoft.us",
    bap_scope="https://service.powerapps.us/.default",
    power_platform_host="api.gov.powerplatform.microsoft.us",
    power_platform_scope="https://api.gov.powerplatform.microsoft.us/.default",
    admin_host="api.gcc.admin.powerplatform.microsoft.us",
    dataverse_suffixes=("dynamics.com",),
    finance_operations_suffixes=("dynamics.com", "microsoftdynamics.us", "dynamics.us"),
    gateway_suffixes=("island.powerapps.us",),
)
_GCC_HIGH = CloudProfile(
    name="gcchigh",
    authority="login.microsoftonline.us",
    bap_host="high.api.bap.microsoft.us",
    bap_scope="https://high.service.apps.appsplatform.us/.default",
    # Doubtful: the source's own table says this host, the constant it uses says the DoD host `api.appsplatform.us`,
    # with that scope (section 1, note). DUALWRITE_POWER_PLATFORM_HOST replaces host and scope together.
    power_platform_host="api.high.powerplatform.microsoft.us",
    power_platform_scope="https://api.appsplatform.us/.default",
    admin_host="api.high.admin.powerplatform.microsoft.us",
    dataverse_suffixes=("microsoftdynamics.us",),
    finance_operations_suffixes=("microsoftdynamics.us", "dynamics.us"),
    gateway_suffixes=("island.powerapps.us", "appsplatform.us"),
)
_DOD = CloudProfile(
    name="dod",
    authority="login.microsoftonline.us",
    bap_host="api.bap.appsplatform.us",
    bap_scope="https://service.apps.appsplatform.us/.default",
    power_platform_host="api.appsplatform.us",
    power_platform_scope="https://api.appsplatform.us/.default",
    admin_host="api.admin.appsplatform.us",
    dataverse_suffixes=("appsplatform.us",),
    finance_operations_suffixes=("appsplatform.us", "dynamics.us"),
    gateway_suffixes=("appsplatform.us",),
)
_CHINA = CloudProfile(
    name="china",
    authority="login.chinacloudapi.cn",
    bap_host="api.bap.partner.microsoftonline.cn",
    bap_scope="https://service.powerapps.cn/.default",
    power_platform_host="api.powerplatform.partner.microsoftonline.cn",
    power_platform_scope="https://api.powerplatform.partner.microsoftonline.cn/.default",
    admin_host="api.ppac.partner.microsoftonline.cn",
    dataverse_suffixes=("dynamics.cn",),
    finance_operations_suffixes=("dynamics.cn",),
    gateway_suffixes=("island.powerapps.cn",),
)
CLOUDS = {each.name: each for each in (_PUBLIC, _GCC, _GCC_HIGH, _DOD, _CHINA)}


def profile(name: str, **overrides: Any) -> CloudProfile:
    """The profile of a cloud: public, gcc, gcchigh, dod, china or emulator. `overrides` replace single members.

    Raises `EmulatorNotRunning` when the emulator is meant and its URL or CA is not in the environment.
    """
    if name == "emulator":
        found = _emulator()
    elif name in CLOUDS:
        found = CLOUDS[name]
    else:
        raise InvalidRequest(f"unknown cloud '{name}'", next_step=f"Known are emulator, {', '.join(CLOUDS)}.")
    host = os.environ.get(POWER_PLATFORM_HOST)
    if host:
        overrides = {"power_platform_host": host, "power_platform_scope": f"https://{host}/.default", **overrides}
    return found._replace(**overrides)


def emulator_not_running(detail: str) -> EmulatorNotRunning:
    """The one line that says how to start the emulator."""
    return EmulatorNotRunning(f"the emulator is not running: {detail}", next_step=START_EMULATOR)


def _emulator() -> CloudProfile:
    url, ca = os.environ.get(EMULATOR_URL, ""), os.environ.get(EMULATOR_CA, "")
    if not url or not ca:
        raise emulator_not_running(f"{EMULATOR_URL if not url else EMULATOR_CA} is not set")
    if not Path(ca).is_file():
        raise emulator_not_running(f"{EMULATOR_CA} names no file")
    return _PUBLIC._replace(
        name="emulator", proxy=url, ca=Path(ca), default_gateway=EMULATOR_GATEWAY, polls=EMULATOR_POLLS
    )
