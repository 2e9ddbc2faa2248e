"""The routes of `dualwrite`, each with its evidence."""

import re
from typing import TYPE_CHECKING

from emulator.dual_write.errors import unauthorized
from emulator.http import Route, Service
from emulator.identity.directory import DUAL_WRITE_AUDIENCE

if TYPE_CHECKING:
    from emulator.tenant import Tenant

_HOST = re.compile(r"projectmanagementservice\.[a-z]+-il\d+\.gateway\.prod\.island\.powerapps\.com")
_ROUTES: tuple[Route, ...] = ()


def service() -> Service:
    """Return the management service; it answers on every island."""
    return Service(
        name="dualwrite",
        hosts=lambda _tenant, host: _HOST.fullmatch(host) is not None,
        routes=_ROUTES,
        audiences=_audiences,
        unauthorized=unauthorized,
    )


def _audiences(_tenant: "Tenant", _host: str) -> set[str]:
    return {DUAL_WRITE_AUDIENCE}
