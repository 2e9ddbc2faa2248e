"""F&O instances: what an empty one holds, demo data on request, and who may call it.

Assumed: the currencies of an empty instance, and that in an F&O whose installation a person asked for the demo
program is registered already. The client rows of dual-write itself are in a new F&O from the start, since set-up makes
them (dual-write-semantics.md section 4, "Automation note").
"""

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from emulator import power_platform
from emulator.data.currencies import CURRENCIES
from emulator.data.schemas import tables
from emulator.finance_operations import demo
from emulator.finance_operations.validation import PARTY_COUNTER
from emulator.identity.directory import ADMINISTRATOR, DATA_INTEGRATION_APP_ID, DEMO_CLIENT_ID, PROVE_CLIENT_ID
from emulator.power_platform import (
    EnvironmentDeleted,
    FinOpsIntegrated,
    FinOpsReady,
    LifecycleFinOpsMade,
    OrganizationRenamed,
)
from emulator.tenant import Tenant

KIND = "finops.instance"
DEFAULT_COMPANY = "dat"
ADMINISTRATOR_USER = "Admin"
# The application of the dual-write core from 1.0.16.0 on (dual-write-semantics.md 3.3, check 3).
DUAL_WRITE_APP_ID = "6f7d0213-62b1-43a8-b7f4-ff2bb8b7b452"
NO_CURRENCY = {"999": ("Currency without code", "")}


@dataclass(frozen=True)
class Instance:
    """One F&O. `cds_host`: its Dataverse host, empty for none; `installed_by`: an application, None for a person."""

    environment_id: str
    host: str
    cds_host: str
    version: str
    demo_data: bool
    developer_tools: bool
    installed_by: str | None


def register(tenant: Tenant) -> None:
    """Follow what happens to environments."""
    tenant.signals.subscribe(FinOpsReady, partial(_on_finops_ready, tenant))
    tenant.signals.subscribe(LifecycleFinOpsMade, partial(_on_lifecycle_finops_made, tenant))
    tenant.signals.subscribe(FinOpsIntegrated, partial(_on_finops_integrated, tenant))
    tenant.signals.subscribe(EnvironmentDeleted, partial(_on_environment_deleted, tenant))
    tenant.signals.subscribe(OrganizationRenamed, partial(_on_organization_renamed, tenant))


def _on_finops_ready(tenant: Tenant, ready: FinOpsReady) -> None:
    environment, finops = ready.environment, ready.finops
    create_instance(
        tenant,
        environment_id=environment.id,
        host=finops.host,
        cds_host=environment.database.host if environment.database else "",
        version=finops.version,
        demo_data=finops.demo_data,
        developer_tools=finops.developer_tools,
    )


def _on_lifecycle_finops_made(tenant: Tenant, made: LifecycleFinOpsMade) -> None:
    create_instance(
        tenant,
        environment_id="",
        host=made.finops.host,
        cds_host="",
        version=made.finops.version,
        demo_data=False,
        developer_tools=False,
        dataset=made.dataset,
        dual_write_clients=made.dual_write_clients,
        made_by_person=True,
    )


def _on_finops_integrated(tenant: Tenant, integrated: FinOpsIntegrated) -> None:
    database = integrated.environment.database
    _belong_to(tenant, integrated.host, integrated.environment.id, database.host if database else "")


def _on_environment_deleted(tenant: Tenant, deleted: EnvironmentDeleted) -> None:
    finops = deleted.environment.finops
    if finops is None or not finops.reachable:
        return
    if finops.type == "Linked":
        _belong_to(tenant, finops.host, "", "")
    else:
        delete_instance(tenant, finops.host)


def create_instance(
    tenant: Tenant,
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
    made = Instance(
        environment_id=environment_id,
        host=host,
        cds_host=cds_host,
        version=version,
        demo_data=demo_data,
        developer_tools=developer_tools,
        installed_by=None if made_by_person else _installer(tenant, environment_id),
    )
    _put(tenant, made)
    _insert_first_rows(tenant, host)
    for app_id in (DUAL_WRITE_APP_ID, DATA_INTEGRATION_APP_ID) if dual_write_clients else ():
        register_application(tenant, host, app_id)
    register_application(tenant, host, PROVE_CLIENT_ID)
    if made.installed_by is None:
        register_application(tenant, host, DEMO_CLIENT_ID)
    if demo_data or dataset:
        demo.insert(tenant, host, dataset)


def _insert_first_rows(tenant: Tenant, host: str) -> None:
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
    for code, (name, symbol) in {**CURRENCIES, **NO_CURRENCY}.items():
        _insert(tenant, host, "Currencies", {"CurrencyCode": code, "Name": name, "Symbol": symbol})


def _insert(tenant: Tenant, host: str, entity_set: str, values: dict[str, Any]) -> None:
    tenant.rows.insert("finops", host, entity_set, values, origin="system")


def _installer(tenant: Tenant, environment_id: str) -> str | None:
    """Return the application that asked for the installation, None when a person did."""
    environment = power_platform.environment(tenant, environment_id)
    if environment is None:
        return DEMO_CLIENT_ID
    requested_by = environment.finops.requested_by if environment.finops else None
    return (requested_by or environment.created_by).app_id(tenant.identity.directory)


def register_application(tenant: Tenant, host: str, app_id: str) -> None:
    """Let an application act as the administrator; nothing happens when it is registered."""
    if tenant.rows.get("finops", host, "SysAADClients", app_id) is None:
        application = tenant.identity.directory.application(app_id)
        name = application.name if application else app_id
        values = {"AADClientId": app_id, "UserId": ADMINISTRATOR_USER, "Name": name}
        _insert(tenant, host, "SysAADClients", values)


def instance(tenant: Tenant, host: str) -> Instance | None:
    """Return the F&O on `host`, None when there is none."""
    document = tenant.store.get(KIND, host.lower())
    return Instance(**document) if document else None


def instance_of_cds_host(tenant: Tenant, cds_host: str) -> Instance | None:
    """Return the F&O of a Dataverse organization, or None; one that belongs to none has an empty `cds_host`."""
    found = (Instance(**document) for _, document in tenant.store.items(KIND))
    return next((one for one in found if one.cds_host == cds_host.lower()), None) if cds_host else None


def _put(tenant: Tenant, one: Instance) -> None:
    tenant.store.put(KIND, one.host, asdict(one))


def delete_instance(tenant: Tenant, host: str) -> None:
    """Forget the instance and all its rows; nothing happens when there is none."""
    tenant.store.delete(KIND, host)
    tenant.store.delete(PARTY_COUNTER, host)
    tenant.rows.drop("finops", host, tuple(tables("finops")))


def _belong_to(tenant: Tenant, host: str, environment_id: str, cds_host: str) -> None:
    """Note the environment that an instance is integrated with; empty texts: with none."""
    finops = instance(tenant, host)
    if finops is not None:
        _put(tenant, replace(finops, environment_id=environment_id, cds_host=cds_host))


def _on_organization_renamed(tenant: Tenant, renamed: OrganizationRenamed) -> None:
    finops = instance_of_cds_host(tenant, renamed.old_host)
    if finops is not None:
        _put(tenant, replace(finops, cds_host=renamed.new_host))
