"""What the platform does by itself when a row is written: system columns, ownership, units, teams and companies.

Enabling a company makes its business unit and owner team (dual-write-semantics.md 5.1); rows written by dual-write
carry the runtime's user (7.7). Every business unit has a default team and its copies of the roles.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any

from emulator.core.wire import Caller
from emulator.data.schemas import Table
from emulator.dataverse.errors import refuse
from emulator.dataverse.organization import ROLES, RUNTIME_APP_ID, organization
from emulator.tables import Draft, Write
from emulator.tenant import Tenant

DUAL_WRITE = "dual-write"
SUPPORT = "support"
"""Origin of writes past the plug-ins' rules; how a company lost its team is in no source."""
_OWNER, _TEAM = "_ownerid_value", "_cdm_defaultowningteam_value"


def user_id_of(tenant: Tenant, host: str, caller: Caller | None) -> str | None:
    """Return the systemuser that a caller is, None when it is none."""
    if caller is None:
        return None
    key = {"domainname": caller.user} if caller.user else {"applicationid": caller.app_id}
    return tenant.rows.find_id("dataverse", host, "systemusers", key)


def complete(tenant: Tenant, draft: Draft) -> None:
    """Fill in the columns that clients do not write."""
    host, schema, old, new = draft.host, draft.schema, draft.old, draft.new
    now = _shown(tenant.clock.now())
    writer = _writer(tenant, host, draft.caller, draft.origin)
    new["modifiedon"], new["_modifiedby_value"] = now, writer
    if old is None:
        new["createdon"], new["_createdby_value"] = now, writer
        _fill_in(schema, new)
    if "fullname" in schema.columns and schema.set != "systemusers":
        new["fullname"] = _full_name(new)
    if schema.owned:
        _own(tenant, draft, writer)
    if schema.set == "cdm_companies":
        _guard_company(draft)
    new["versionnumber"] = int(new.get("versionnumber") or 0) + 1


def _fill_in(schema: Table, new: dict[str, Any]) -> None:
    """Give a new row its state and the defaults of its columns; a Boolean without one is false."""
    new["statecode"] = new.get("statecode") or 0
    new["statuscode"] = new.get("statuscode") or new["statecode"] + 1
    for column in schema.columns.values():
        default = False if column.default is None and column.type == "boolean" else column.default
        if default is not None and new.get(column.name) is None:
            new[column.name] = default


@lru_cache(maxsize=16)
def _shown(moment: datetime) -> str:
    """Return a time as rows hold it; all rows of one batch are written at one moment."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _writer(tenant: Tenant, host: str, caller: Caller | None, origin: str) -> str | None:
    if origin == DUAL_WRITE:
        return tenant.rows.find_id("dataverse", host, "systemusers", {"applicationid": RUNTIME_APP_ID})
    return user_id_of(tenant, host, caller)


def _own(tenant: Tenant, draft: Draft, writer: str | None) -> None:
    """Give the row an owner, and the columns that follow from it when it is another one than before."""
    before = draft.old.get(_OWNER) if draft.old else None
    owner = draft.new[_OWNER] = draft.new.get(_OWNER) or writer or _default_team(tenant, draft.host)
    if owner is not None and owner != before:
        draft.new.update(_ownership(tenant, draft.host, owner))


def _ownership(tenant: Tenant, host: str, owner: str) -> dict[str, Any]:
    """Return the columns that follow from a row's owner."""
    team = tenant.rows.get("dataverse", host, "teams", owner)
    user = None if team else tenant.rows.get("dataverse", host, "systemusers", owner)
    return {
        "_owningteam_value": owner if team else None,
        "_owninguser_value": owner if user else None,
        "_owningbusinessunit_value": (team or user or {}).get("_businessunitid_value"),
    }


def _default_team(tenant: Tenant, host: str) -> str | None:
    """Return the root unit's default team: the owner of what nobody wrote."""
    unit = _root_unit(tenant, host)
    rows = tenant.rows.find("dataverse", host, "teams", {"_businessunitid_value": unit, "isdefault": True})
    return str(rows[0]["teamid"]) if rows else None


def _root_unit(tenant: Tenant, host: str) -> str | None:
    known = organization(tenant, host)
    return known.business_unit_id if known else None


def _full_name(row: dict[str, Any]) -> Any:
    names = [row.get(part) for part in ("firstname", "middlename", "lastname")]
    return " ".join(str(name) for name in names if name) or row.get("fullname")


def _guard_company(draft: Draft) -> None:
    old, new = draft.old, draft.new
    if old is None and draft.origin == DUAL_WRITE:
        new["cdm_isenabledfordualwrite"] = True
    cleared = old is not None and old.get(_TEAM) is not None and new.get(_TEAM) is None
    if cleared and new.get("cdm_isenabledfordualwrite") and draft.origin != SUPPORT:
        text = "Default owning team is required while the company is enabled for dual-write."
        # Documented: dual-write-semantics.md 5.1; the code is that of plug-ins (Microsoft Learn, Compose HTTP requests)
        raise refuse(400, "0x80040265", text)


def after_write(tenant: Tenant, write: Write) -> None:
    """Make what belongs to a new business unit or an enabled company."""
    if write.plane != "dataverse" or write.new is None:
        return
    if write.table == "businessunits" and write.operation == "insert":
        _equip_unit(tenant, write.host, write.new)
    if write.table == "cdm_companies" and "cdm_isenabledfordualwrite" in write.changes:
        _enable_company(tenant, write.host, write.new)


def _equip_unit(tenant: Tenant, host: str, unit: dict[str, Any]) -> None:
    unit_id = str(unit["businessunitid"])
    team = {"name": unit.get("name"), "teamtype": 0, "isdefault": True, "_businessunitid_value": unit_id}
    tenant.rows.insert("dataverse", host, "teams", team, origin="system")
    parent = unit.get("_parentbusinessunitid_value")
    for name in ROLES:
        _insert_role(tenant, host, name, unit_id, _root_role(tenant, host, name, parent))


def _root_role(tenant: Tenant, host: str, name: str, unit_id: str | None) -> str | None:
    """Return the id of the role that all roles of that name come from, as a role of that unit tells it."""
    rows = tenant.rows.find("dataverse", host, "roles", {"name": name, "_businessunitid_value": unit_id})
    return rows[0]["_parentrootroleid_value"] or rows[0]["roleid"] if unit_id and rows else None


def _insert_role(tenant: Tenant, host: str, name: str, unit_id: str, root: str | None) -> None:
    values = {"name": name, "_businessunitid_value": unit_id, "_parentrootroleid_value": root}
    role = tenant.rows.insert("dataverse", host, "roles", values, origin="system")
    if root is None:
        own = {"_parentrootroleid_value": role["roleid"]}
        tenant.rows.update("dataverse", host, "roles", str(role["roleid"]), own, origin="system")


def _enable_company(tenant: Tenant, host: str, company: dict[str, Any]) -> None:
    if not company["cdm_isenabledfordualwrite"] or company.get(_TEAM):
        return
    code = str(company.get("cdm_companycode") or "")
    unit_id = _unit(tenant, host, code)
    name = f"{code} Dual Write"
    teams = tenant.rows.find("dataverse", host, "teams", {"name": name, "_businessunitid_value": unit_id})
    team = (
        teams[0]
        if teams
        else tenant.rows.insert(
            "dataverse",
            host,
            "teams",
            {"name": name, "teamtype": 0, "isdefault": False, "_businessunitid_value": unit_id},
            origin="system",
        )
    )
    row_id = str(company["cdm_companyid"])
    tenant.rows.update("dataverse", host, "cdm_companies", row_id, {_TEAM: team["teamid"]}, origin="system")


def _unit(tenant: Tenant, host: str, name: str) -> str:
    rows = tenant.rows.find("dataverse", host, "businessunits", {"name": name})
    if rows:
        return str(rows[0]["businessunitid"])
    values = {"name": name, "_parentbusinessunitid_value": _root_unit(tenant, host)}
    return str(tenant.rows.insert("dataverse", host, "businessunits", values, origin="system")["businessunitid"])
