"""What people break on one of the two sides, so that set-up meets the documented errors; it is done at once.

`environment` is the host of either side, linked or not. What each action lets the services show:

- stop-data-management, start-data-management: F&O's import/export service; an initial sync ends with (400) Bad Request.
- remove-application {client_id}: the client row in F&O (initial sync: (403) Forbidden, OData: 401), or the application
  user in Dataverse (OData and dual-write's own writes: 0x80072560), whichever host is named.
- set-number-format {locale}: F&O's source data format; rows with a zero decimal fail in an initial sync unless en-us.
- rename-root-team {name}: the default team of the root business unit (DWFOEV1006).
- clear-owning-team {company}: the default owning team of a company (DWDVEV1007).
- add-stale-configuration {side: dataverse | finops}: run-time rows of an earlier link (DWDVEV1004, DWFOEV1004).

Sources: dual-write-semantics.md 11.2 and 11.5.
"""

import json
from functools import partial
from typing import Any

from emulator.core.person import PersonError, PersonRequest
from emulator.data.schemas import table
from emulator.dataverse.organization import organization, plain_host, required
from emulator.dataverse.plugins import SUPPORT
from emulator.dual_write.initial_sync import change_service
from emulator.dual_write.runtime_rows import DATAVERSE_SET, FINANCE_SET
from emulator.finance_operations.instance import instance, instance_of_cds_host
from emulator.tables import RowError
from emulator.tables.values import is_guid, new_guid
from emulator.tenant import Tenant

_SIDES = ("dataverse", "finops")


def register(tenant: Tenant) -> None:
    """Register the actions."""
    tenant.person.on("stop-data-management", partial(_switch_service, tenant, stopped=True))
    tenant.person.on("start-data-management", partial(_switch_service, tenant, stopped=False))
    tenant.person.on("remove-application", partial(_remove_application, tenant))
    tenant.person.on("set-number-format", partial(_set_number_format, tenant))
    tenant.person.on("rename-root-team", partial(_rename_root_team, tenant))
    tenant.person.on("clear-owning-team", partial(_clear_owning_team, tenant))
    tenant.person.on("add-stale-configuration", partial(_add_stale_configuration, tenant))


def _switch_service(tenant: Tenant, request: PersonRequest, *, stopped: bool) -> dict[str, Any]:
    host = _finance_host(tenant, request)
    change_service(tenant, host, stopped=stopped)
    return {"finops": host, "stopped": stopped}


def _remove_application(tenant: Tenant, request: PersonRequest) -> dict[str, Any]:
    host, app_id = request.text("environment").lower(), request.text("client_id")
    if not is_guid(app_id):
        raise PersonError("'client_id' is no application id")
    if instance(tenant, host) is not None:
        if tenant.rows.get("finops", host, "SysAADClients", app_id) is None:
            raise PersonError(f"'{host}' has no application '{app_id}'")
        tenant.rows.delete("finops", host, "SysAADClients", app_id, origin="system")
    else:
        host = _dataverse_host(tenant, request)
        rows = tenant.rows.find("dataverse", host, "systemusers", {"applicationid": app_id})
        if not rows:
            raise PersonError(f"'{host}' has no application user '{app_id}'")
        tenant.rows.delete("dataverse", host, "systemusers", str(rows[0]["systemuserid"]), origin="system")
    return {"host": host, "application": app_id}


def _set_number_format(tenant: Tenant, request: PersonRequest) -> dict[str, Any]:
    host, locale = _finance_host(tenant, request), request.text("locale")
    change_service(tenant, host, locale=locale)
    return {"finops": host, "locale": locale}


def _rename_root_team(tenant: Tenant, request: PersonRequest) -> dict[str, Any]:
    host, name = _dataverse_host(tenant, request), request.text("name")
    unit = required(tenant, host).business_unit_id
    team = tenant.rows.find("dataverse", host, "teams", {"_businessunitid_value": unit, "isdefault": True})[0]
    tenant.rows.update("dataverse", host, "teams", str(team["teamid"]), {"name": name}, origin="system")
    return {"team": name, "before": team["name"]}


def _clear_owning_team(tenant: Tenant, request: PersonRequest) -> dict[str, Any]:
    host, code = _dataverse_host(tenant, request), request.text("company")
    rows = tenant.rows.find("dataverse", host, "cdm_companies", {"cdm_companycode": code})
    if not rows:
        raise PersonError(f"'{host}' has no company '{code}'")
    cleared = {"_cdm_defaultowningteam_value": None}
    tenant.rows.update("dataverse", host, "cdm_companies", rows[0]["cdm_companyid"], cleared, origin=SUPPORT)
    return {"company": code, "before": rows[0]["_cdm_defaultowningteam_value"]}


def _add_stale_configuration(tenant: Tenant, request: PersonRequest) -> dict[str, Any]:
    side = request.get("side")
    if side not in _SIDES:
        raise PersonError(f"'side' is one of {', '.join(_SIDES)}")
    if side == "dataverse":
        host = _dataverse_host(tenant, request)
        project_id = new_guid(f"stale project {host}")
        project = f"DWM-{new_guid(f'stale link {host}')}-{project_id}"
        values = {
            table("dataverse", DATAVERSE_SET).key[0]: new_guid(f"stale configuration {host}"),
            "msdyn_name": project,
            "msdyn_unsecure": json.dumps({"ProjectId": project_id, "SourceEntityName": "accounts"}),
            "msdyn_internalentityname": "account",
            "msdyn_externalentityname": "Customers V3",
        }
    else:
        host = _finance_host(tenant, request)
        project = f"DWM-{new_guid(f'stale link {host}')}-{new_guid(f'stale project {host}')}"
        values = {
            "ProjectName": project,
            "InternalEntityName": "Customers V3",
            "ExternalEntityName": "accounts",
            "ExternalEnvironmentUrl": "https://an-earlier-one.crm4.dynamics.com/",
            "IsDelete": "No",
            "IsDebugMode": "No",
        }
    entity_set = DATAVERSE_SET if side == "dataverse" else FINANCE_SET
    try:
        tenant.rows.insert(side, host, entity_set, values, origin="system")
    except RowError as error:
        raise PersonError(f"'{host}' has that configuration already") from error
    return {"host": host, "project": project}


def _finance_host(tenant: Tenant, request: PersonRequest) -> str:
    """Return the F&O host that `environment` names by itself or by its Dataverse side."""
    host = request.text("environment").lower()
    finops = instance(tenant, host) or instance_of_cds_host(tenant, plain_host(host))
    if finops is None:
        raise PersonError(f"no finance and operations app belongs to '{host}'")
    return finops.host


def _dataverse_host(tenant: Tenant, request: PersonRequest) -> str:
    """Return the Dataverse host that `environment` names by itself or by its F&O side."""
    host = request.text("environment").lower()
    finops = instance(tenant, host)
    known = organization(tenant, finops.cds_host if finops else host)
    if known is None:
        raise PersonError(f"no Dataverse organization belongs to '{host}'")
    return known.host
