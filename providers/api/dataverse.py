"""The Dataverse Web API of one organization (power-platform-api.md 14.8, dual-write-semantics.md 12.2)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .dataverse_models import (
    ApplicationUser,
    BusinessUnit,
    EntityDefinition,
    FinOpsApplication,
    IntegrationDetails,
    OperationHistory,
    Organization,
    Role,
    Solution,
    Team,
    WhoAmI,
)

Row = dict[str, Any]
Key = str | Mapping[str, str | int | bool]


class Dataverse:
    """One organization. `host` may be given as a host or as a URL."""

    host: str

    def who_am_i(self) -> WhoAmI:
        """Readiness of the organization; `PermissionDenied` in its first minutes (403 for up to ten)."""
        raise NotImplementedError

    def integration_details(self) -> IntegrationDetails | None:
        """The linked F&O environment; None when not linked (0x80048d0b)."""
        raise NotImplementedError

    def finops_versions(self) -> list[str]:
        """F&O versions on offer, oldest first, compared numerically."""
        raise NotImplementedError

    def queue_finops_install_or_update(
        self, version: str, *, developer_tools: bool | None = None, demo_data: bool | None = None
    ) -> None:
        """Queue an F&O installation (all three given) or an update (version alone). Never re-sent blindly."""
        raise NotImplementedError

    def finops_application_details(self) -> FinOpsApplication | None:
        """Version and state of F&O; None while there is none."""
        raise NotImplementedError

    def operation_histories(self, limit: int = 5) -> list[OperationHistory]:
        """What the Provisioning App did, newest first."""
        raise NotImplementedError

    def organization(self) -> Organization:
        """Name, base language and base currency of the organization."""
        raise NotImplementedError

    def solutions(self, unique_names: Sequence[str]) -> dict[str, Solution]:
        """The installed ones of these solutions, by the unique name as asked."""
        raise NotImplementedError

    def entity_definition(self, logical_name: str) -> EntityDefinition | None:
        """Set name, key, columns and alternate keys of a table; None when there is none."""
        raise NotImplementedError

    def rows(
        self,
        entity_set: str,
        *,
        filter: str | None = None,  # noqa: A002 - the OData word
        select: Sequence[str] = (),
        orderby: str | None = None,
        expand: str | None = None,
        top: int | None = None,
        page_size: int = 1000,
    ) -> Iterator[Row]:
        """Rows of a table, streamed page by page."""
        raise NotImplementedError

    def row(self, entity_set: str, key: Key, *, select: Sequence[str] = ()) -> Row | None:
        """One row by id or alternate key; None when absent."""
        raise NotImplementedError

    def count(self, entity_set: str, filter: str | None = None) -> int:  # noqa: A002 - the OData word
        """How many rows; counts pages where the service stops at 5,000."""
        raise NotImplementedError

    def create_row(self, entity_set: str, values: Mapping[str, object]) -> Row:
        """Create a row and return it. Never re-sent blindly."""
        raise NotImplementedError

    def update_row(self, entity_set: str, key: Key, values: Mapping[str, object]) -> None:
        """Change a row; raises `NotFound` instead of creating one."""
        raise NotImplementedError

    def delete_row(self, entity_set: str, key: Key) -> None:
        """Delete a row; an absent one is a success."""
        raise NotImplementedError

    def business_units(self) -> list[BusinessUnit]:
        """All business units."""
        raise NotImplementedError

    def application_user(self, application_id: str) -> ApplicationUser | None:
        """The application user of an Entra application."""
        raise NotImplementedError

    def add_application_user(self, application_id: str, business_unit_id: str) -> ApplicationUser:
        """Create an application user (409 and 412 duplicates are looked up)."""
        raise NotImplementedError

    def roles_of_user(self, user_id: str) -> list[Role]:
        """Security roles of a user."""
        raise NotImplementedError

    def roles(self, name: str, business_unit_id: str | None = None) -> list[Role]:
        """Security roles with that name, one per business unit."""
        raise NotImplementedError

    def assign_role_to_user(self, user_id: str, role_id: str) -> None:
        """Give a user a role; having it already is a success."""
        raise NotImplementedError

    def teams(self, *, names: Sequence[str] = (), default_only: bool = False) -> list[Team]:
        """Teams by name, or the default owner teams of business units."""
        raise NotImplementedError

    def roles_of_team(self, team_id: str) -> list[Role]:
        """Security roles of a team."""
        raise NotImplementedError

    def assign_role_to_team(self, team_id: str, role_id: str) -> None:
        """Give a team a role; having it already is a success."""
        raise NotImplementedError
