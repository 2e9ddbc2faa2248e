"""What exists before anybody asks: the sections `environments` and `lifecycle_finops` of a seed document.

The default ones stand in data/tenant.json: somebody else's environment, so that the domain `contoso` is taken, and the
existing instances that the demo stacks name.
"""

from functools import partial
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from emulator.core.seeds import SeedError
from emulator.identity.directory import ADMINISTRATOR
from emulator.power_platform import lifecycle, locations, packages
from emulator.power_platform.catalogue import PLATFORM_TOOLS, PROVISIONING_APP, newest_version
from emulator.power_platform.databases import new_database
from emulator.power_platform.published import FinOpsOrdered, FinOpsReady, LifecycleFinOpsMade, OrganizationReady
from emulator.power_platform.records import (
    Database,
    Environment,
    FinOps,
    LifecycleFinOps,
    Principal,
    environment_with_host,
    environments,
    find_environment,
    put_environment,
)
from emulator.tenant import Tenant

SECTION = "environments"
LIFECYCLE_SECTION = "lifecycle_finops"

_Seeded = TypeVar("_Seeded", bound=BaseModel)


class SeededFinOps(BaseModel):
    """F&O of a seeded environment; `linked` means made in Lifecycle Services and integrated with the environment."""

    model_config = ConfigDict(extra="forbid")

    host: str | None = None
    version: str = Field(default_factory=newest_version)
    demo_data: bool = False
    developer_tools: bool = False
    linked: bool = False


class SeededLifecycleFinOps(BaseModel):
    """An F&O of Lifecycle Services that no environment is integrated with; a row of `lifecycle_finops`.

    `dataset`: companies of data/companies.json. `link_with`: the domain that the attendant links it with.
    `dual_write_clients`: whether dual-write's own applications are registered in it.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    host: str
    id: str | None = None
    version: str = Field(default_factory=newest_version)
    location: str = "europe"
    dataset: str | None = None
    link_with: str | None = None
    dual_write_clients: bool = True


class SeededEnvironment(BaseModel):
    """A ready environment with Dataverse, and perhaps F&O; a row of `environments`.

    `dataset`: units and rows of data/sales.json. `dual_write_users`: whether dual-write's own applications are users.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    domain: str
    id: str | None = None
    description: str | None = None
    location: str = "europe"
    sku: str = "Sandbox"
    currency: str = locations.DEFAULT_CURRENCY
    language: int = locations.DEFAULT_LANGUAGE
    dynamics_365_apps: bool = True
    created_by: str = ADMINISTRATOR.name
    packages: list[str] = Field(default_factory=list)
    finops: SeededFinOps | None = None
    dataset: str | None = None
    dual_write_users: bool = True


def register(tenant: Tenant) -> None:
    """Play the sections of this package."""
    tenant.seeds.on(SECTION, partial(play, tenant))
    tenant.seeds.on(LIFECYCLE_SECTION, partial(play_lifecycle, tenant))


def play(tenant: Tenant, rows: object) -> None:
    """Create the environments of a seed document, ready at once; one that is there already is left as it is."""
    for one in _read(SECTION, SeededEnvironment, rows):
        host = locations.dataverse_host(one.location, one.domain)
        if environment_with_host(tenant, host) is None and find_environment(tenant, one.id or "") is None:
            _create(tenant, one)


def play_lifecycle(tenant: Tenant, rows: object) -> None:
    """Create the F&O of Lifecycle Services; one that is there already is left as it is."""
    for one in _read(LIFECYCLE_SECTION, SeededLifecycleFinOps, rows):
        if lifecycle.find(tenant, one.host) is None:
            _create_lifecycle_finops(tenant, one)


def _read(section: str, model: type[_Seeded], rows: object) -> list[_Seeded]:
    try:
        return TypeAdapter(list[model]).validate_python(rows)  # type: ignore[valid-type]
    except ValidationError as error:
        problem = error.errors()[0]
        msg = f"seed section {section}: {'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        raise SeedError(msg) from None


def _create(tenant: Tenant, wanted: SeededEnvironment) -> None:
    environment, database = _ready_environment(tenant, wanted)
    put_environment(tenant, environment)
    tenant.signals.publish(OrganizationReady(environment, database, wanted.dataset, wanted.dual_write_users))
    names = list(wanted.packages)
    if wanted.finops is not None:
        _create_finops(tenant, environment, wanted.domain, wanted.finops)
        if not wanted.finops.linked:
            names = [PLATFORM_TOOLS, PROVISIONING_APP, *names]
    for name in dict.fromkeys(names):
        current = find_environment(tenant, environment.id)
        if current is not None:
            packages.place(tenant, current, name)


def _ready_environment(tenant: Tenant, wanted: SeededEnvironment) -> tuple[Environment, Database]:
    now = tenant.clock.now()
    database = new_database(
        tenant.ids.new(),
        wanted.location,
        wanted.domain,
        base_language=wanted.language,
        currency=wanted.currency,
        schema_type=tenant.switches["schema_type_with_apps"] if wanted.dynamics_365_apps else "Standard",
        dynamics_365_apps=wanted.dynamics_365_apps,
        created=now,
    )
    database.ready = True
    environment = Environment(
        id=(wanted.id or tenant.ids.new()).lower(),
        display_name=wanted.name,
        description=wanted.description,
        location=wanted.location,
        azure_region=locations.LOCATIONS[wanted.location].regions[0],
        sku=wanted.sku,
        created=now,
        modified=now,
        created_by=_creator(tenant, wanted),
        usable_from=now,
        database=database,
    )
    return environment, database


def _creator(tenant: Tenant, wanted: SeededEnvironment) -> Principal:
    return Principal(
        id=ADMINISTRATOR.object_id,
        display_name=wanted.created_by,
        type="User",
        tenant_id=tenant.identity.tenant_id,
        user_principal_name=ADMINISTRATOR.upn if wanted.created_by == ADMINISTRATOR.name else None,
    )


def _create_finops(tenant: Tenant, environment: Environment, domain: str, wanted: SeededFinOps) -> None:
    finops = environment.finops = FinOps(
        id=tenant.ids.new(),
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
    if wanted.linked:
        record = LifecycleFinOps(
            id=finops.id,
            name=finops.host.split(".", maxsplit=1)[0],
            host=finops.host,
            version=finops.version,
            location=environment.location,
            environment_id=environment.id,
        )
        lifecycle.put(tenant, record)
    tenant.signals.publish(FinOpsReady(environment, finops))


def _create_lifecycle_finops(tenant: Tenant, wanted: SeededLifecycleFinOps) -> None:
    link_with = wanted.link_with.lower() if wanted.link_with else None
    finops = LifecycleFinOps(
        id=(wanted.id or tenant.ids.new()).lower(),
        name=wanted.name,
        host=wanted.host.lower(),
        version=wanted.version,
        location=wanted.location,
        link_with=link_with,
    )
    lifecycle.put(tenant, finops)
    tenant.signals.publish(LifecycleFinOpsMade(finops, wanted.dataset, wanted.dual_write_clients))
    for one in environments(tenant):
        if one.database is not None and one.database.domain.lower() == link_with:
            tenant.signals.publish(FinOpsOrdered(one.id))
