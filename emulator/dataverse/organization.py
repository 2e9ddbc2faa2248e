"""Dataverse organizations: what a new one holds, and its users, roles and units.

`create_organization` is what environment creation ends with. Assumed: the marker solution `CRMPrime` (the seed's
undefined "CRM prime"), which roles and first-party users are there, and when the creator becomes a user.
"""

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from emulator import power_platform
from emulator.data.currencies import CURRENCIES
from emulator.data.schemas import tables
from emulator.dataverse import sales
from emulator.identity.directory import (
    ADMINISTRATOR,
    DATA_INTEGRATION_APP_ID,
    DEMO_CLIENT_ID,
    PROVE_CLIENT_ID,
)
from emulator.power_platform import Environment, EnvironmentDeleted, OrganizationReady, OrganizationRenamed
from emulator.tables.values import new_guid
from emulator.tenant import Tenant

KIND = "dataverse.organization"
USER_DUE = "dataverse-application-user"
MARKER_SOLUTION = "CRMPrime"
ADMINISTRATOR_ROLE = "System Administrator"
# Roles of dual-write-semantics.md 4; every business unit has its copy.
ROLES = (
    ADMINISTRATOR_ROLE,
    "System Customizer",
    "Basic User",
    "Dual-write App User",
    "Dual-write Runtime User",
)
# Application users the health check asks for (dual-write-management-api.md 10.3).
RUNTIME_APP_ID = "00000015-0000-0000-c000-000000000000"


@dataclass(frozen=True)
class Organization:
    """One organization. `business_unit_id`: the root unit's; `d365_apps`: made with "Enable Dynamics 365 apps"."""

    environment_id: str
    host: str
    name: str
    organization_id: str
    business_unit_id: str
    d365_apps: bool


def register(tenant: Tenant) -> None:
    """Follow what happens to environments."""
    tenant.events.on(USER_DUE, partial(_on_user_due, tenant))
    tenant.signals.subscribe(OrganizationReady, partial(_on_organization_ready, tenant))
    tenant.signals.subscribe(OrganizationRenamed, partial(_on_organization_renamed, tenant))
    tenant.signals.subscribe(EnvironmentDeleted, partial(_on_environment_deleted, tenant))


def _on_organization_ready(tenant: Tenant, ready: OrganizationReady) -> None:
    create_organization(
        tenant,
        environment_id=ready.environment.id,
        host=ready.database.host,
        name=ready.environment.display_name,
        base_language=ready.database.base_language,
        currency=ready.database.currency,
        d365_apps=ready.database.dynamics_365_apps,
        dataset=ready.dataset,
        dual_write_users=ready.dual_write_users,
    )


def _on_environment_deleted(tenant: Tenant, deleted: EnvironmentDeleted) -> None:
    database = deleted.environment.database
    if database is not None and database.ready:
        delete_organization(tenant, database.host)


def create_organization(
    tenant: Tenant,
    *,
    environment_id: str,
    host: str,
    name: str,
    base_language: int,
    currency: str,
    d365_apps: bool,
    dataset: str | None = None,
    dual_write_users: bool = True,
) -> None:
    """Fill a new organization: root business unit, roles, users, base currency, solutions.

    The creator's application becomes a user after the switch `application_user_delay`; in an organization that a
    person made, the demo program's application is a user from the start. `dataset`: name of the units and rows of
    data/sales.json that it holds. `dual_write_users`: whether the applications of dual-write itself are users; an
    organization that was never linked does without them.
    """
    environment = power_platform.environment(tenant, environment_id)
    database = environment.database if environment else None
    made = Organization(
        environment_id=environment_id,
        host=host,
        name=name,
        organization_id=database.resource_id if database else new_guid(f"organization {host}"),
        business_unit_id=new_guid(f"business unit {host}"),
        d365_apps=d365_apps,
    )
    tenant.store.put(KIND, host, asdict(made))
    rows = tenant.rows
    base_currency_id = _insert_currency(tenant, host, currency)
    root_unit = {"businessunitid": made.business_unit_id, "name": host.split(".", maxsplit=1)[0]}
    rows.insert("dataverse", host, "businessunits", root_unit, origin="system")
    values = {
        "organizationid": made.organization_id,
        "name": name,
        "languagecode": base_language,
        "_basecurrencyid_value": base_currency_id,
        "schemaname": database.schema_type if database else "Full" if d365_apps else "Standard",
    }
    rows.insert("dataverse", host, "organizations", values, origin="system")
    _insert_solutions(tenant, host, d365_apps=d365_apps)
    _insert_units_of_measure(tenant, host)
    _insert_users(tenant, host, environment, dual_write_users=dual_write_users)
    if dataset is not None:
        sales.insert(tenant, host, dataset, made.business_unit_id)


def _insert_currency(tenant: Tenant, host: str, code: str) -> str:
    name, symbol = CURRENCIES.get(code, (code, code))
    values = {
        "currencyname": name,
        "isocurrencycode": code,
        "currencysymbol": symbol,
        "currencyprecision": 2,
        "exchangerate": 1,
    }
    row = tenant.rows.insert("dataverse", host, "transactioncurrencies", values, origin="system")
    return str(row["transactioncurrencyid"])


def _insert_solutions(tenant: Tenant, host: str, *, d365_apps: bool) -> None:
    publisher = tenant.rows.insert(
        "dataverse",
        host,
        "publishers",
        {"friendlyname": "Dynamics 365", "uniquename": "dynamics365", "customizationprefix": "msdyn"},
        origin="system",
    )
    names = {"Default": "Default Solution", MARKER_SOLUTION: "CRM prime"}
    if d365_apps:
        names["msdynce_AppCommon"] = "Dynamics 365 App Common"
    for unique_name, friendly_name in names.items():
        add_solution(tenant, host, unique_name, friendly_name, "9.2.0.0", publisher_id=publisher["publisherid"])


def add_solution(
    tenant: Tenant, host: str, unique_name: str, friendly_name: str, version: str, *, publisher_id: str | None = None
) -> None:
    """Record an installed solution; one that is there already gets the new version."""
    rows = tenant.rows.find("dataverse", host, "solutions", {"uniquename": unique_name})
    if rows:
        row_id = str(rows[0]["solutionid"])
        tenant.rows.update("dataverse", host, "solutions", row_id, {"version": version}, origin="system")
        return
    values = {
        "uniquename": unique_name,
        "friendlyname": friendly_name,
        "version": version,
        "ismanaged": unique_name != "Default",
        "isvisible": True,
        "installedon": tenant.clock.now().isoformat(timespec="seconds"),
        "_publisherid_value": publisher_id,
    }
    tenant.rows.insert("dataverse", host, "solutions", values, origin="system")


def _insert_units_of_measure(tenant: Tenant, host: str) -> None:
    schedule = tenant.rows.insert(
        "dataverse", host, "uomschedules", {"name": "Default Unit", "baseuomname": "Primary Unit"}, origin="system"
    )
    values = {"name": "Primary Unit", "quantity": 1, "_uomscheduleid_value": schedule["uomscheduleid"]}
    tenant.rows.insert("dataverse", host, "uoms", values, origin="system")


def _insert_users(tenant: Tenant, host: str, environment: Environment | None, *, dual_write_users: bool) -> None:
    administrator = {
        "fullname": ADMINISTRATOR.name,
        "domainname": ADMINISTRATOR.upn,
        "internalemailaddress": ADMINISTRATOR.upn,
        "azureactivedirectoryobjectid": ADMINISTRATOR.object_id,
    }
    _insert_user(tenant, host, administrator)
    for app_id in (RUNTIME_APP_ID, DATA_INTEGRATION_APP_ID) if dual_write_users else ():
        add_application_user(tenant, host, app_id)
    add_application_user(tenant, host, PROVE_CLIENT_ID)
    creator = _creator(tenant, environment)
    if creator is None:
        add_application_user(tenant, host, DEMO_CLIENT_ID)
    else:
        delay = float(tenant.switches["application_user_delay"])
        tenant.events.schedule(delay, USER_DUE, host=host, app_id=creator)


def _creator(tenant: Tenant, environment: Environment | None) -> str | None:
    """Return the application that created the environment, None when a person did."""
    if environment is None:
        return DEMO_CLIENT_ID
    return environment.created_by.app_id(tenant.identity.directory)


def _on_user_due(tenant: Tenant, *, host: str, app_id: str) -> None:
    if organization(tenant, host) is not None:
        add_application_user(tenant, host, app_id)


def add_application_user(tenant: Tenant, host: str, app_id: str) -> None:
    """Register an application as user with the role System Administrator; nothing happens when it is one."""
    if tenant.rows.find("dataverse", host, "systemusers", {"applicationid": app_id}):
        return
    application = tenant.identity.directory.application(app_id)
    name = application.name if application else app_id
    values = {"fullname": f"# {name}", "applicationid": app_id, "accessmode": 4, "domainname": f"{app_id}@application"}
    _insert_user(tenant, host, values)


def _insert_user(tenant: Tenant, host: str, values: dict[str, Any]) -> None:
    unit = required(tenant, host).business_unit_id
    whole = {"isdisabled": False, "_businessunitid_value": unit, **values}
    user = tenant.rows.insert("dataverse", host, "systemusers", whole, origin="system")
    role = role_of_unit(tenant, host, ADMINISTRATOR_ROLE, unit)
    if role is not None:
        assigned = {"systemuserid": user["systemuserid"], "roleid": role["roleid"]}
        tenant.rows.insert("dataverse", host, "systemuserrolescollection", assigned, origin="system")


def role_of_unit(tenant: Tenant, host: str, name: str, business_unit_id: str) -> dict[str, Any] | None:
    """Return a business unit's copy of a role."""
    rows = tenant.rows.find("dataverse", host, "roles", {"name": name, "_businessunitid_value": business_unit_id})
    return rows[0] if rows else None


def organization(tenant: Tenant, host: str) -> Organization | None:
    """Return the organization on `host`, None when there is none."""
    document = tenant.store.get(KIND, plain_host(host))
    return Organization(**document) if document else None


def required(tenant: Tenant, host: str) -> Organization:
    """Return the organization on `host`; LookupError when there is none."""
    known = organization(tenant, host)
    if known is None:
        msg = f"there is no organization on {host}"
        raise LookupError(msg)
    return known


def plain_host(host: str) -> str:
    """Return the organization's own host for its `.api.` name."""
    return host.lower().replace(".api.crm", ".crm", 1)


def delete_organization(tenant: Tenant, host: str) -> None:
    """Forget the organization and all its rows; nothing happens when there is none."""
    tenant.store.delete(KIND, host)
    tenant.rows.drop("dataverse", host, tuple(tables("dataverse")))


def _on_organization_renamed(tenant: Tenant, renamed: OrganizationRenamed) -> None:
    """Answer under another host from now on, with the same rows."""
    known = organization(tenant, renamed.old_host)
    if known is None or renamed.old_host == renamed.new_host:
        return
    tenant.store.delete(KIND, renamed.old_host)
    tenant.store.put(KIND, renamed.new_host, asdict(replace(known, host=renamed.new_host)))
    tenant.rows.move("dataverse", renamed.old_host, renamed.new_host, tuple(tables("dataverse")))
