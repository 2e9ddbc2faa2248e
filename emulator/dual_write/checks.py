"""Why a start fails although it was accepted: the validation that the service does on its own time.

Codes and texts: dual-write-semantics.md 11.3, dual-write-management-api.md 9.
"""

import re

from emulator.dual_write import maps, templates
from emulator.dual_write.connections import Connection
from emulator.dual_write.maps import TableMap
from emulator.tenant import Tenant

_BEFORE_ROWS = re.compile(r"Project validation failed|DIPV\d|Dual.write failure")


def start_failure(tenant: Tenant, connection: Connection, table_map: TableMap, *, initial_sync: bool) -> str | None:
    """Return the error text with which the start of a map ends, None when it succeeds."""
    # What a validation or the registration finds is known before any row moves; the rest fails an initial sync itself.
    failure = table_map.failure
    if failure is not None and (not initial_sync or _BEFORE_ROWS.match(failure)):
        return failure
    return _invalid(tenant, connection, table_map, initial_sync=initial_sync) or _unfit_prerequisites(tenant, table_map)


def _invalid(tenant: Tenant, connection: Connection, table_map: TableMap, *, initial_sync: bool) -> str | None:
    if not table_map.keys:
        return (
            f"Project validation failed: DIPV1003 No integration key is defined for the entity "
            f"{table_map.definition.dataverse_set}. Define an alternate key and refresh the tables."
        )
    limit = "dual_write_initial_sync_companies" if initial_sync else "dual_write_live_companies"
    if len(connection.companies) > tenant.switches[limit]:
        return (
            "Dual write failure - Plugin registration failed: [(Unable to get partition map for project "
            f"{table_map.project} Error Exceeds the maximum partitions allowed for mapping {table_map.project})], "
            "One or more errors occurred."
        )
    return None


def _unfit_prerequisites(tenant: Tenant, table_map: TableMap) -> str | None:
    if tenant.switches["start_without_prerequisites"] != "fail":
        return None
    missing = templates.missing_prerequisites(maps.maps_of(tenant, table_map.cid), table_map)
    if not missing:
        return None
    return f"Dual write failure - Plugin registration failed: [(Related maps do not run: {', '.join(missing)})]"
