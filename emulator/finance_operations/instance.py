"""F&O instances: what an empty one holds, demo data on request, and who may call it.

Assumed: the currencies of an empty instance, and that in an F&O whose installation a person asked for the demo
program is registered already. The client rows of dual-write itself are in a new F&O from the start, since set-up makes
them (dual-write-semantics.md section 4, "Automation note").
"""

from typing import TYPE_CHECKING, Any

from emulator import power_platform
from emulator.data.schemas import tables
from emulator.finance_operations import demo
from emulator.finance_operations.validation import PARTY_COUNTER
from emulator.identity.directory import ADMINISTRATOR, DATA_INTEGRATION_APP_ID, DEMO_CLIENT_ID, PROVE_CLIENT_ID

if TYPE_CHECKING:
    from emulator.tenant import Tenant

KIND = "finops.instance"
DEFAULT_COMPANY = "dat"
ADMINISTRATOR_USER = "Admin"
# The application of the dual-write core from 1.0.16.0 on (dual-write-semantics.md 3.3, check 3).
DUAL_WRITE_APP_ID = "6f7d0213-62b1-43a8-b7f4-ff2bb8b7b452"
CURRENCIES = {
    "EUR": ("Euro", "€"),
    "USD": ("US Dollar", "$"),
    "GBP": ("Pound Sterling", "£"),
    "CHF": ("Swiss Franc", "CHF"),
    "DKK": ("Danish Krone", "kr"),
    "SEK": ("Swedish Krona", "kr"),
    "JPY": ("Yen", "¥"),
    "999": ("Currency without code", ""),
}


def create_instance(
    tenant: "Tenant",
    *,
    environment_id: str,
    host: str,
    cds_host: str,
    version: str,
    demo_data: bool,
    developer_tools: bool,
    dataset: str | None = None,
    dual_write_clients: bool = True,
    made_by_person: bool = False,
) -> None:
    """Fill a new F&O: administrator, company DAT, currencies, and the demo companies when asked for.

    `dataset`: name of the companies of data/companies.json that it holds. `dual_write_clients`: whether the client rows
    of dual-write itself are there; an F&O that was never linked has none. `made_by_person`: nobody's application asked
    for it, so that the demo program is registered already.
    """
    document = {
        "environment_id": environment_id,
        "host": host,
        "cds_host": cds_host,
        "version": version,
        "demo_data": demo_data,
        "developer_tools": developer_tools,
        "installed_by": None if made_by_person else _installer(tenant, environment_id),
    }
    tenant.store.put(KIND, host, document)
    _insert_first_rows(tenant, host)
    for app_id in (DUAL_WRITE_APP_ID, DATA_INTEGRATION_APP_ID) if dual_write_clients else ():
        register_application(tenant, host, app_id)
    register_application(tenant, host, PROVE_CLIENT_ID)
    if document["installed_by"] is None:
        register_application(tenant, host, DEMO_CLIENT_ID)
    if demo_data or dataset:
        demo.insert(tenant, host, dataset)


def _insert_first_rows(tenant: "Tenant", host: str) -> None:
    """Insert the administrator, the company DAT and the currencies."""
    user = {
        "UserID": ADMINISTRATOR_USER,
        "UserName": ADMINISTRATOR.name,
        "Alias": ADMINISTRATOR.upn,
        "Email": ADMINISTRATOR.upn,
        "NetworkDomain": "https://sts.windows.net/",
        "Company": DEFAULT_COMPANY,
        "Enabled": True,
        "UserInfo_language": "en-US",
    }
    _insert(tenant, host, "SystemUsers", user)
    role = {
        "UserId": ADMINISTRATOR_USER,
        "SecurityRoleIdentifier": "-SYSADMIN-",
        "SecurityRoleName": "System administrator",
    }
    _insert(tenant, host, "SecurityUserRoleAssociations", role)
    company = {
        "LegalEntityId": "DAT",
        "Name": "Company accounts data",
        "AddressCountryRegionId": "USA",
        "LanguageId": "en-US",
    }
    _insert(tenant, host, "LegalEntities", company)
    for code, (name, symbol) in CURRENCIES.items():
        _insert(tenant, host, "Currencies", {"CurrencyCode": code, "Name": name, "Symbol": symbol})


def _insert(tenant: "Tenant", host: str, entity_set: str, values: dict[str, Any]) -> None:
    tenant.rows.insert("finops", host, entity_set, values, origin="system")


def _installer(tenant: "Tenant", environment_id: str) -> str | None:
    """Return the application that asked for the installation, None when a person did."""
    environment = power_platform.environment(tenant, environment_id)
    if environment is None:
        return DEMO_CLIENT_ID
    principal = (environment.get("finops") or {}).get("requested_by") or environment["created_by"]
    if principal["type"] == "User":
        return None
    for application in tenant.identity.directory.applications():
        if str(principal["id"]).lower() in {application.app_id, application.object_id}:
            return application.app_id
    return str(principal["id"]).lower()


def register_application(tenant: "Tenant", host: str, app_id: str) -> None:
    """Let an application act as the administrator; nothing happens when it is registered."""
    if tenant.rows.get("finops", host, "SysAADClients", app_id) is None:
        application = tenant.identity.directory.application(app_id)
        name = application.name if application else app_id
        values = {"AADClientId": app_id, "UserId": ADMINISTRATOR_USER, "Name": name}
        _insert(tenant, host, "SysAADClients", values)


def instance(tenant: "Tenant", host: str) -> dict[str, Any] | None:
    """Return environment_id, host, cds_host, version, demo_data, developer_tools and installed_by, or None."""
    return tenant.store.get(KIND, host.lower())


def instance_of_cds_host(tenant: "Tenant", cds_host: str) -> dict[str, Any] | None:
    """Return the F&O of a Dataverse organization, or None; one that belongs to none has an empty `cds_host`."""
    found = (document for _, document in tenant.store.items(KIND) if document["cds_host"] == cds_host.lower())
    return next(found, None) if cds_host else None


def delete_instance(tenant: "Tenant", host: str) -> None:
    """Forget the instance and all its rows; nothing happens when there is none."""
    tenant.store.delete(KIND, host)
    tenant.store.delete(PARTY_COUNTER, host)
    tenant.rows.drop("finops", host, tuple(tables("finops")))


def belong_to(tenant: "Tenant", host: str, environment_id: str, cds_host: str) -> None:
    """Note the environment that an instance is integrated with; empty texts: with none."""
    found = instance(tenant, host)
    if found is not None:
        tenant.store.put(KIND, host, {**found, "environment_id": environment_id, "cds_host": cds_host})


def on_organization_renamed(tenant: "Tenant", *, environment_id: str, old_host: str, new_host: str) -> None:
    """Note the new Dataverse host of the same pair."""
    del environment_id
    found = instance_of_cds_host(tenant, old_host)
    if found is not None:
        tenant.store.put(KIND, str(found["host"]), {**found, "cds_host": new_host})
