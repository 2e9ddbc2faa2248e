"""Environments of the tenant: the interface that resources use, independent of which admin API serves it."""

from typing import Protocol

from providers.api.power_platform.models import (
    CreateStarted,
    Currency,
    Environment,
    FinOpsProperties,
    Language,
    LifecycleOperation,
    Locations,
    OperationError,
    OperationStarted,
    Template,
    TenantCapacity,
)
from providers.api.power_platform.request import EnvironmentRequest


class PowerPlatform(Protocol):
    """Environments, their operations and the catalogues. BAP today; the 2024-10-01 API can fill it too."""

    def environments(self, *, fresh: bool = False) -> list[Environment]:
        """All environments the caller administers; one list call, shared by threads for a second.

        With `fresh` only a list whose call began after this one will do.
        """
        ...

    def environment(self, environment_id: str, *, shared: bool = False) -> Environment:
        """One environment. Raises `NotFound`; refuses an empty id with `InvalidRequest`.

        With `shared` one call serves the resources of a refresh, for some seconds or until something is written.
        """
        ...

    def find_by_domain(self, domain: str, *, fresh: bool = False) -> Environment | None:
        """The environment with that domain name, case-blind."""
        ...

    def create_environment(self, request: EnvironmentRequest) -> CreateStarted:
        """Send one create. After a `TransportError` with `may_have_happened` look with `find_by_domain` first."""
        ...

    def operation(self, url: str) -> LifecycleOperation:
        """One poll of an operation. `NotFound` means success for a delete and only there; 409 and 202 are running."""
        ...

    def operations_of(self, environment_id: str) -> list[LifecycleOperation]:
        """The operations of an environment, newest first."""
        ...

    def update_environment(
        self, environment_id: str, *, display_name: str | None = None, description: str | None = None
    ) -> OperationStarted:
        """Rename or describe; waits while another operation runs there (`OperationNotStartable`)."""
        ...

    def modify_sku(self, environment_id: str, sku: str) -> OperationStarted:
        """Make a Sandbox a Production or back (10.3)."""
        ...

    def delete_environment(self, environment_id: str) -> OperationStarted:
        """Delete. Raises `NotFound` when it is gone already; waits while another operation runs there."""
        ...

    def locations(self) -> Locations:
        """Geographies of the tenant and its provisioning mode."""
        ...

    def templates(self, location: str) -> list[Template]:
        """Every template of a location, once per SKU."""
        ...

    def currencies(self, location: str) -> list[Currency]:
        """Currencies of a location."""
        ...

    def languages(self, location: str) -> list[Language]:
        """Base languages of a location."""
        ...

    def validate_domain(self, domain: str, location: str) -> str | None:
        """None when the domain can be had, else the reason in the service's words (one code for all of them)."""
        ...

    def tenant_capacity(self) -> TenantCapacity:
        """Capacity of the tenant by type."""
        ...

    def finops_properties(self, environment_id: str) -> FinOpsProperties | None:
        """What kind of F&O an environment has; None when it has none."""
        ...

    def operation_errors(self, environment_id: str, limit: int = 20) -> list[OperationError]:
        """Why F&O operations of an environment failed, as the service lists them."""
        ...
