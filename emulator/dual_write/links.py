"""Links between an F&O and a Dataverse environment: how they come to be, their companies, their end.

No public source shows a route that makes a link (dual-write-management-api.md 11). Assumed and switchable: a new F&O is
linked by itself once `DualWriteCoreAnchor` is there (`link_of_new_finops`); existing pairs are linked by a person,
whose part an attendant can play (`attendant`). The attendant's orders stand at the F&O of Lifecycle Services
(`power_platform.ordered_finops_host`); where the link is refused, the attendant comes again, in the end only once
an hour. Assumed: of the health check of semantics 3.3, linking asks for the core solution only.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from emulator import power_platform
from emulator.core.person import PersonError
from emulator.core.routing import NotModelledError
from emulator.core.wire import ServiceError
from emulator.dual_write import connections, live_index, maps, requests, runtime_rows, solutions, sync
from emulator.dual_write.connections import Company, Connection
from emulator.dual_write.definitions import CORE_AREA, CORE_PACKAGE, SOLUTIONS
from emulator.dual_write.errors import bad_request
from emulator.identity.directory import ADMINISTRATOR_UPN
from emulator.power_platform import (
    Environment,
    EnvironmentDeleted,
    FinOpsOrdered,
    FinOpsReady,
    OrganizationRenamed,
    PackageInstalled,
)
from emulator.tenant import Tenant

ORIGIN = "dual-write"
INSTALLED = "Installed"
ATTENDANT = "dual_write.attendant_links"
# A refused visit costs a whole link that is undone, and a test may put the clock forward by days.
_QUICK_VISITS, _LATER_VISIT = 30, 3600.0
SAME_NAME = "Saving connection set failed! An item with the same key has already been added."


def register(tenant: Tenant) -> None:
    """Follow what happens to environments."""
    tenant.events.on(ATTENDANT, partial(_attendant_links, tenant))
    tenant.signals.subscribe(FinOpsReady, lambda ready: _consider(tenant, ready.environment.id))
    tenant.signals.subscribe(FinOpsOrdered, lambda ordered: _consider(tenant, ordered.environment_id))
    tenant.signals.subscribe(PackageInstalled, partial(_on_package_installed, tenant))
    tenant.signals.subscribe(EnvironmentDeleted, partial(_on_environment_deleted, tenant))
    tenant.signals.subscribe(OrganizationRenamed, partial(_on_organization_renamed, tenant))


def link(
    tenant: Tenant, environment_id: str, dataverse_host: str, finance_host: str, companies: Sequence[str]
) -> Connection:
    """Make the connection set of a pair; `companies` are codes of F&O, `["all"]` stands for every legal entity.

    Raises:
        ServiceError: 400, F&O has no such company.
    """
    connection = connections.new_connection(
        tenant, environment_id, dataverse_host.lower(), finance_host.lower(), ADMINISTRATOR_UPN
    )
    set_companies(tenant, connection, companies)
    connections.save(tenant, connection)
    if tenant.switches["maps_at_link"] == CORE_AREA:
        core = next(one for one in SOLUTIONS if CORE_AREA in one.areas)
        solutions.restore(tenant, connection, core)
    return connection


def link_by_person(
    tenant: Tenant, dataverse_host: str, finance_host: str | None = None, companies: Sequence[str] | None = None
) -> Connection:
    """Press the button: integrate the F&O with the environment unless that was done, then link the two.

    `finance_host`: None takes the F&O that the environment is integrated with. `companies`: None takes what the switch
    `link_companies_by_person` says.

    Raises:
        PersonError: what hinders the link.
    """
    environment = power_platform.environment_of_cds_host(tenant, dataverse_host)
    finance_host = finance_host or _finance_host(environment)
    if environment is None or finance_host is None:
        raise PersonError(f"no finance and operations app belongs to the environment of '{dataverse_host}'")
    _check_pair(tenant, environment, dataverse_host, finance_host)
    try:
        power_platform.integrate_finops(tenant, environment.id, finance_host)
        codes = companies or _codes(tenant, "link_companies_by_person")
        return link(tenant, environment.id, dataverse_host, finance_host, codes)
    except power_platform.IntegrationError as error:
        raise PersonError(str(error)) from error
    except (ServiceError, NotModelledError) as error:
        raise PersonError(text_of(error)) from error


def _check_pair(tenant: Tenant, environment: Environment, dataverse_host: str, finance_host: str) -> None:
    if not core_installed(tenant, environment.id):
        raise PersonError(f"'{dataverse_host}' has no dual-write core solution")
    for host in (dataverse_host, finance_host):
        if connections.by_dataverse_host(tenant, host) or connections.by_finance_host(tenant, host):
            raise PersonError(f"'{host}' is linked already")


def text_of(error: ServiceError | NotModelledError) -> str:
    """Return why this service does not do what a person wants of it."""
    if isinstance(error, NotModelledError):
        return f"{error} is not modelled"
    body = error.body if isinstance(error.body, Mapping) else {}
    return str(body.get("message"))


def set_companies(tenant: Tenant, connection: Connection, codes: Sequence[str]) -> None:
    """Link exactly these companies, each with its `cdm_companies` row (dual-write-semantics.md 5.1).

    Raises:
        ServiceError: 400, F&O has no such company, more than the link takes, or names that are blank or not unique.
    """
    wanted = _wanted_companies(tenant, connection, codes)
    if len(wanted) > tenant.switches["dual_write_live_companies"]:
        # Source: dual-write-management-api.md 9
        raise bad_request("Error Exceeds the maximum partitions allowed for mapping.")
    connection.companies = [_company(tenant, connection, entity) for entity in wanted]
    names = [_name(row) for row in tenant.rows.scan("dataverse", connection.dataverse_host, "cdm_companies")]
    if "" in names or len(set(names)) < len(names):
        # Source: dual-write-management-api.md 9
        raise bad_request(SAME_NAME)


def _wanted_companies(tenant: Tenant, connection: Connection, codes: Sequence[str]) -> list[dict[str, Any]]:
    """Return F&O's rows of these companies, each once; `["all"]` stands for every one. ServiceError 400."""
    known = {str(row["LegalEntityId"]).casefold(): row for row in _legal_entities(tenant, connection)}
    wanted = [code.casefold() for code in codes]
    missing = next((code for code in codes if code.casefold() not in {*known, "all"}), None)
    if missing is not None:
        raise NotModelledError(f"a link with the company '{missing}', which F&O does not have")
    return [known[code] for code in (known if wanted == ["all"] else dict.fromkeys(wanted))]


def _name(company: Mapping[str, Any]) -> str:
    return str(company.get("cdm_name") or "").strip().casefold()


def wipe(tenant: Tenant, connection: Connection, *, rows: bool = True) -> None:
    """Remove all that hangs on a link but the link itself; `rows`: the run-time rows of both planes too."""
    if rows:
        runtime_rows.clear(tenant, connection)
    live_index.clear(tenant, connection)
    maps.remove_all(tenant, connection.cid)
    requests.remove_all(tenant, connection.cid)
    sync.forget(tenant, connection.cid)
    connection.integration_keys = {}
    connection.applied_solutions = []
    connection.solution_requests = []


def core_installed(tenant: Tenant, environment_id: str) -> bool:
    """Return whether the core package of dual-write is in an environment."""
    return power_platform.installed_packages(tenant, environment_id).get(CORE_PACKAGE) == INSTALLED


def _codes(tenant: Tenant, switch: str) -> list[str]:
    return [code.strip() for code in str(tenant.switches[switch]).split(",")]


def _legal_entities(tenant: Tenant, connection: Connection) -> list[dict[str, Any]]:
    return list(tenant.rows.scan("finops", connection.finance_host, "LegalEntities"))


def _company(tenant: Tenant, connection: Connection, entity: dict[str, Any]) -> Company:
    code, host = str(entity["LegalEntityId"]), connection.dataverse_host
    rows = tenant.rows.find("dataverse", host, "cdm_companies", {"cdm_companycode": code})
    if rows:
        row = rows[0]
        if not row.get("cdm_isenabledfordualwrite"):
            enabled = {"cdm_isenabledfordualwrite": True}
            row = tenant.rows.update("dataverse", host, "cdm_companies", row["cdm_companyid"], enabled, origin=ORIGIN)
    else:
        values = {"cdm_companycode": code, "cdm_name": entity.get("Name") or code}
        row = tenant.rows.insert("dataverse", host, "cdm_companies", values, origin=ORIGIN)
    return Company(code, str(row["cdm_companyid"]))


def _consider(tenant: Tenant, environment_id: str) -> None:
    """Link the two sides of an environment once both are ready, or let the attendant come."""
    hosts = _unlinked(tenant, environment_id)
    if hosts is None:
        return
    dataverse_host, finance_host, kind = hosts
    if kind == "Internal" and tenant.switches["link_of_new_finops"] == "automatic":
        link(tenant, environment_id, dataverse_host, finance_host, _codes(tenant, "link_companies_of_new"))
    elif tenant.switches["attendant"]:
        tenant.events.schedule(tenant.switches["dual_write_attendant_delay"], ATTENDANT, environment_id=environment_id)


def _attendant_links(tenant: Tenant, *, environment_id: str, visits: int = 1) -> None:
    hosts = _unlinked(tenant, environment_id)
    if hosts is None or not tenant.switches["attendant"]:
        return
    try:
        with tenant.store.transaction():
            power_platform.integrate_finops(tenant, environment_id, hosts[1])
        # Two buttons: a link that is refused leaves the integration as it is.
        with tenant.store.transaction():
            link_by_person(tenant, hosts[0], hosts[1])
    except (PersonError, power_platform.IntegrationError):
        delay = tenant.switches["dual_write_attendant_delay"] if visits < _QUICK_VISITS else _LATER_VISIT
        tenant.events.schedule(delay, ATTENDANT, environment_id=environment_id, visits=visits + 1)


def _unlinked(tenant: Tenant, environment_id: str) -> tuple[str, str, str] | None:
    """Return both hosts of a pair and how F&O came to be, None unless both are ready and not linked."""
    environment = power_platform.environment(tenant, environment_id)
    if environment is None or environment.database is None or not core_installed(tenant, environment_id):
        return None
    finops, dataverse_host = environment.finops, environment.database.host
    ordered = power_platform.ordered_finops_host(tenant, environment_id) if finops is None else None
    finance_host = ordered or _finance_host(environment)
    if finance_host is None or _is_linked(tenant, dataverse_host, finance_host):
        return None
    return dataverse_host, finance_host, finops.type if finops else "Linked"


def _is_linked(tenant: Tenant, dataverse_host: str, finance_host: str) -> bool:
    """Whether one of the two is part of a link."""
    links = connections.by_finance_host(tenant, finance_host), connections.by_dataverse_host(tenant, dataverse_host)
    return any(links)


def _finance_host(environment: Environment | None) -> str | None:
    """Return the host of the F&O that an environment has and that answers, or None."""
    finops = environment.finops if environment else None
    return finops.host if finops and finops.reachable else None


def _on_package_installed(tenant: Tenant, installed: PackageInstalled) -> None:
    if installed.unique_name == CORE_PACKAGE:
        _consider(tenant, installed.environment_id)
    solutions.package_installed(tenant, installed.dataverse_host, installed.unique_name)


def _on_environment_deleted(tenant: Tenant, deleted: EnvironmentDeleted) -> None:
    database, finops = deleted.environment.database, deleted.environment.finops
    found = [
        connections.by_dataverse_host(tenant, database.host if database else ""),
        connections.by_finance_host(tenant, finops.host if finops else ""),
    ]
    for cid in {one.cid for one in found if one is not None}:
        connection = connections.require(tenant, cid)
        wipe(tenant, connection, rows=False)
        connections.remove(tenant, connection)


def _on_organization_renamed(tenant: Tenant, renamed: OrganizationRenamed) -> None:
    connection = connections.by_dataverse_host(tenant, renamed.old_host)
    if connection is not None:
        connection.dataverse_host = renamed.new_host
        connections.save(tenant, connection)
