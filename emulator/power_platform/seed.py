"""Environments that exist before anybody asks: the section `environments` of a seed document."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from emulator.identity.directory import ADMINISTRATOR, TENANT_ID
from emulator.power_platform import data_planes, locations, packages
from emulator.power_platform.catalogue import PLATFORM_TOOLS, PROVISIONING_APP, newest_version
from emulator.power_platform.records import Database, Environment, FinOps, Principal, find_environment, put_environment
from emulator.seed import SeedError

if TYPE_CHECKING:
    from emulator.tenant import Tenant

SECTION = "environments"


class SeededFinOps(BaseModel):
    """F&O of a seeded environment; `linked` means made in Lifecycle Services, under a host of its own."""

    model_config = ConfigDict(extra="forbid")

    host: str | None = None
    version: str = Field(default_factory=newest_version)
    demo_data: bool = False
    developer_tools: bool = False
    linked: bool = False


class SeededEnvironment(BaseModel):
    """A ready environment with Dataverse, and perhaps F&O."""

    model_config = ConfigDict(extra="forbid")

    name: str
    domain: str
    id: str = Field(default_factory=lambda: str(uuid4()))
    description: str | None = None
    location: str = "europe"
    sku: str = "Sandbox"
    currency: str = locations.DEFAULT_CURRENCY
    language: int = locations.DEFAULT_LANGUAGE
    dynamics_365_apps: bool = True
    created_by: str = ADMINISTRATOR.name
    packages: list[str] = Field(default_factory=list)
    finops: SeededFinOps | None = None


#: What every tenant holds: somebody else's environment, so that the domain `contoso` is taken.
DEFAULT: list[dict[str, Any]] = [
    {
        "id": "5c1d8f3e-0a4b-4c6d-9e2f-7b8a9c0d1e2f",
        "name": "Contoso production",
        "domain": "contoso",
        "sku": "Production",
        "description": "Sales organization of the group",
        "created_by": "Olga Owner",
    }
]


def register(tenant: "Tenant") -> None:
    """Play the section of this package."""
    tenant.seeds.on(SECTION, play)


def play(tenant: "Tenant", rows: object) -> None:
    """Create the environments of a seed document, ready at once; one that is there already is left as it is."""
    try:
        wanted = TypeAdapter(list[SeededEnvironment]).validate_python(rows)
    except ValidationError as error:
        problem = error.errors()[0]
        msg = f"seed section {SECTION}: {'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        raise SeedError(msg) from None
    for one in wanted:
        if find_environment(tenant, one.id) is None:
            _create(tenant, one)


def _create(tenant: "Tenant", wanted: SeededEnvironment) -> None:
    now = tenant.clock.now()
    creator = Principal(
        id=ADMINISTRATOR.object_id,
        display_name=wanted.created_by,
        type="User",
        tenant_id=TENANT_ID,
        user_principal_name=ADMINISTRATOR.upn if wanted.created_by == ADMINISTRATOR.name else None,
    )
    resource_id = str(uuid4())
    database = Database(
        resource_id=resource_id,
        unique_name=f"unq{resource_id.replace('-', '')[:28]}",
        domain=wanted.domain,
        host=locations.dataverse_host(wanted.location, wanted.domain),
        base_language=wanted.language,
        currency=wanted.currency,
        schema_type=tenant.switches["schema_type_with_apps"] if wanted.dynamics_365_apps else "Standard",
        dynamics_365_apps=wanted.dynamics_365_apps,
        created=now,
        ready=True,
    )
    environment = Environment(
        id=wanted.id.lower(),
        display_name=wanted.name,
        description=wanted.description,
        location=wanted.location,
        azure_region=locations.LOCATIONS[wanted.location].regions[0],
        sku=wanted.sku,
        created=now,
        modified=now,
        created_by=creator,
        usable_from=now,
        database=database,
    )
    put_environment(tenant, environment)
    data_planes.organization_ready(tenant, environment, database)
    names = list(wanted.packages)
    if wanted.finops is not None:
        _create_finops(tenant, environment, wanted.domain, wanted.finops)
        if not wanted.finops.linked:
            names = [PLATFORM_TOOLS, PROVISIONING_APP, *names]
    for name in dict.fromkeys(names):
        current = find_environment(tenant, environment.id)
        if current is not None:
            packages.place(tenant, current, name)


def _create_finops(tenant: "Tenant", environment: Environment, domain: str, wanted: SeededFinOps) -> None:
    environment.finops = FinOps(
        id=str(uuid4()),
        state="Installed",
        host=wanted.host or locations.finops_host(environment.location, domain),
        version=wanted.version,
        developer_tools=wanted.developer_tools,
        demo_data=wanted.demo_data,
        type="Linked" if wanted.linked else "Internal",
        reachable=True,
        linked_from=tenant.clock.now(),
    )
    put_environment(tenant, environment)
    data_planes.finops_ready(tenant, environment, environment.finops)
