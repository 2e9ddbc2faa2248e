"""Free capacity of the tenant for one environment more: asked once, and a caller who may not ask says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from providers.api.transport.errors import PermissionDenied
from providers.instances.preflight import capacity_problem
from providers.protocol.findings import CAPACITY_NOT_CHECKED, Finding

if TYPE_CHECKING:
    from providers.api.power_platform.interface import PowerPlatform


def lacking_capacity(
    service: PowerPlatform, kind: str, what: str, announce: Callable[[str, Finding], None]
) -> str | None:
    """Against the free capacity of one kind; None as well when the identity may not read it, which is announced.

    `kind` is `Database` or `FinOpsDatabase`, `what` how the announcement calls it.
    """
    try:
        return capacity_problem(service.tenant_capacity(), kind)
    except PermissionDenied as error:
        announce(f"not checked: {what} ({error.reason})", CAPACITY_NOT_CHECKED)
        return None
