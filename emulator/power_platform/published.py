"""What the platform publishes through the tenant's signals; Dataverse, F&O and the dual-write service follow it."""

from dataclasses import dataclass

from emulator.power_platform.records import Database, Environment, FinOps, LifecycleFinOps


@dataclass(frozen=True)
class OrganizationReady:
    """An environment has got Dataverse.

    `dataset`: units and rows of data/sales.json that it holds. `dual_write_users`: whether the applications of
    dual-write itself are users.
    """

    environment: Environment
    database: Database
    dataset: str | None = None
    dual_write_users: bool = True


@dataclass(frozen=True)
class OrganizationRenamed:
    """An organization answers under another host from now on."""

    environment_id: str
    old_host: str
    new_host: str


@dataclass(frozen=True)
class FinOpsReady:
    """An environment has got F&O."""

    environment: Environment
    finops: FinOps


@dataclass(frozen=True)
class LifecycleFinOpsMade:
    """Lifecycle Services has made an F&O that belongs to no environment yet.

    `dataset`: companies of data/companies.json that it holds. `dual_write_clients`: whether the applications of
    dual-write itself are registered in it.
    """

    finops: LifecycleFinOps
    dataset: str | None
    dual_write_clients: bool


@dataclass(frozen=True)
class FinOpsOrdered:
    """The attendant is to link an environment with an F&O of Lifecycle Services that is there."""

    environment_id: str


@dataclass(frozen=True)
class FinOpsIntegrated:
    """An F&O of Lifecycle Services belongs to an environment from now on."""

    environment: Environment
    host: str


@dataclass(frozen=True)
class PackageInstalled:
    """An application package is in an environment. `dataverse_host`: empty when it has no Dataverse."""

    environment_id: str
    dataverse_host: str
    unique_name: str


@dataclass(frozen=True)
class EnvironmentDeleted:
    """An environment is gone, and its instances with it; an F&O of Lifecycle Services stays by itself."""

    environment: Environment
