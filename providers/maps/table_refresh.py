"""Refreshing the tables of a map: after new keys, before an initial sync, and as the cure of a stale schema.

dual-write-management-api.md 7.6: E7 names the project, E8 refreshes it. No pulumi.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from providers.api.transport.errors import ApiError, AuthenticationError, EmulatorNotRunning, ForeignHost

if TYPE_CHECKING:
    from providers.api.dual_write.client import DualWriteManagement
    from providers.api.dual_write.models import EntityMapStatus

# Errors that no other try and no other map would be spared.
NO_USE = (AuthenticationError, EmulatorNotRunning, ForeignHost)


def refresh_tables(service: DualWriteManagement, status: EntityMapStatus, progress: Callable[[str], None]) -> None:
    """Refresh the tables of one map; one that has no project yet gets fresh ones with it.

    A refusal is told to `progress` and ends nothing: whether the map starts without the refresh, its start tells.
    """
    pid = status.detail.pid
    if not pid:
        return
    try:
        service.refresh_tables(service.field_mappings(pid).name)
    except NO_USE:
        raise
    except ApiError as error:
        progress(f"tables of '{status.name}' were not refreshed: {error.reason}")
