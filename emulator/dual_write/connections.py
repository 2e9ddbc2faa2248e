"""Connection sets: one per linked pair of an F&O and a Dataverse environment.

A connection set is the document kind `dualwrite.connection`, keyed by `cid`. Everything that hangs on a link (maps,
projects, requests, executions, queues) is stored under keys that start with the `cid`, so that a wipe is one prefix.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from emulator.dual_write.errors import not_found
from emulator.tenant import Tenant

KIND = "dualwrite.connection"

REGIONAL_ISLAND = "weu-il107"
"""The island that serves the demo tenant."""
GLOBAL_ISLAND = "us-il101"
"""The routing island: knows no link (dual-write-management-api.md 2.1)."""


def gateway(island: str) -> str:
    """Return the host of the management service on an island."""
    return f"projectmanagementservice.{island}.gateway.prod.island.powerapps.com"


@dataclass
class Company:
    """A linked company: F&O's code and the id of its `cdm_companies` row."""

    code: str
    dataverse_id: str


@dataclass
class Connection:
    """One link. `integration_keys`: Dataverse set name to the key that E9 or the default set, as dotted paths."""

    cid: str
    cname: str
    environment_id: str
    dataverse_host: str
    finance_host: str
    created_on: str
    owner: str
    companies: list[Company] = field(default_factory=list)
    integration_keys: dict[str, list[str]] = field(default_factory=dict)
    applied_solutions: list[str] = field(default_factory=list)
    solution_requests: list[dict[str, Any]] = field(default_factory=list)

    def company_codes(self) -> list[str]:
        """Return the linked company codes as F&O spells them."""
        return [company.code for company in self.companies]

    def has_company(self, code: object) -> bool:
        """Return whether a company is linked, without regard to case (semantics 5.4)."""
        return isinstance(code, str) and any(code.casefold() == company.code.casefold() for company in self.companies)


def new_connection(
    tenant: Tenant, environment_id: str, dataverse_host: str, finance_host: str, owner: str
) -> Connection:
    """Return a connection set with fresh ids, not yet stored."""
    cid = tenant.ids.new()
    created = timestamp(tenant)
    return Connection(cid, f"DWCS-{cid[:8]}", environment_id, dataverse_host, finance_host, created, owner)


def timestamp(tenant: Tenant) -> str:
    """Return the virtual time in the service's text form."""
    return tenant.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def save(tenant: Tenant, connection: Connection) -> None:
    """Store a connection set."""
    tenant.store.put(KIND, connection.cid, asdict(connection))


def connections(tenant: Tenant) -> list[Connection]:
    """Return all connection sets of the tenant."""
    return [_read(document) for _, document in tenant.store.items(KIND)]


def find(tenant: Tenant, cid: str) -> Connection | None:
    """Return the connection set with this `cid`, without regard to case, or None."""
    document = tenant.store.get(KIND, cid) or tenant.store.get(KIND, cid.lower())
    return _read(document) if document else None


def require(tenant: Tenant, cid: str) -> Connection:
    """Return the connection set with this `cid`.

    Raises:
        ServiceError: 404, there is none.
    """
    connection = find(tenant, cid)
    if connection is None:
        # Documented: RFC 9110, 15.5.5: 404 where what the address names is not there
        raise not_found(f"Connection set '{cid}'")
    return connection


def by_finance_host(tenant: Tenant, host: str) -> Connection | None:
    """Return the link of an F&O host, or None."""
    return next((one for one in connections(tenant) if one.finance_host.casefold() == host.casefold()), None)


def by_dataverse_host(tenant: Tenant, host: str) -> Connection | None:
    """Return the link of a Dataverse host, or None."""
    return next((one for one in connections(tenant) if one.dataverse_host.casefold() == host.casefold()), None)


def by_name(tenant: Tenant, cname: str) -> Connection:
    """Return the connection set with this `cname` (E10's key).

    Raises:
        ServiceError: 404, there is none.
    """
    for connection in connections(tenant):
        if connection.cname.casefold() == cname.casefold():
            return connection
    # Documented: RFC 9110, 15.5.5: 404 where what the address names is not there
    raise not_found(f"Connection set '{cname}'")


def _read(document: dict[str, Any]) -> Connection:
    companies = [Company(**company) for company in document["companies"]]
    return Connection(**{**document, "companies": companies})


def remove(tenant: Tenant, connection: Connection) -> None:
    """Delete a connection set."""
    tenant.store.delete(KIND, connection.cid)
