"""Run-time configuration that an earlier link left behind, on either side (health codes DWDVEV1004, DWFOEV1004).

Tables: dual-write-management-api.md 10.1 and 10.2. Reads only; cleaning up is a person's work with the maps stopped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from providers.protocol.addresses import host_of

if TYPE_CHECKING:
    from providers.api.dataverse.client import Dataverse
    from providers.api.finance_operations.client import FinanceOperations

RUNTIME_TABLE = "msdyn_dualwriteruntimeconfig"
PROJECT_CONFIGURATIONS = "DualWriteProjectConfigurations"


def left_in_cds(cds: Dataverse, projects: frozenset[str]) -> list[str]:
    """Dataverse tables with an active configuration of a project that is none of `projects` (pids in lower case).

    A configuration whose text cannot be read is left out: nothing says whose it is.
    """
    columns = ("msdyn_unsecure", "msdyn_internalentityname")
    stale = set()
    for row in cds.rows(_runtime_set(cds), filter="statecode eq 0", select=columns):
        project = _project(row.get("msdyn_unsecure"))
        # A project is named by its pid, or by a name that contains it.
        if project and not any(pid in project for pid in projects):
            stale.add(str(row.get("msdyn_internalentityname") or project))
    return sorted(stale)


def _runtime_set(cds: Dataverse) -> str:
    definition = cds.entity_definition(RUNTIME_TABLE)
    return definition.set_name if definition and definition.set_name else f"{RUNTIME_TABLE}s"


def left_in_finops(finops: FinanceOperations, cds_host: str) -> list[str]:
    """`<F&O entity> (<host>)` of every project configuration that names another CDS environment."""
    stale = set()
    for row in finops.rows(PROJECT_CONFIGURATIONS):
        columns = {name.casefold(): value for name, value in row.items()}
        host = _host(str(columns.get("externalenvironmenturl") or ""))
        if host and host != cds_host:
            stale.add(f"{columns.get('internalentityname') or columns.get('projectname')} ({host})")
    return sorted(stale)


def _host(address: str) -> str | None:
    if not address:
        return None
    return host_of(address if "://" in address else f"https://{address}")


def _project(text: object) -> str | None:
    """`ProjectId` of the JSON in `msdyn_unsecure`, in lower case."""
    project = next((value for name, value in _members(text).items() if str(name).casefold() == "projectid"), None)
    return str(project).lower() if project else None


def _members(text: object) -> Mapping[object, object]:
    try:
        document = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return {}
    return document if isinstance(document, Mapping) else {}
