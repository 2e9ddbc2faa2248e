"""The OData service of one F&O environment (power-platform-api.md 14.9, dual-write-semantics.md 12.1)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from .power_platform_models import Wire

Row = dict[str, Any]
FinOpsKey = Mapping[str, str | int]


class LegalEntity(Wire):
    """A company. `id` is the company code."""

    id: str = Field("", validation_alias="LegalEntityId")
    name: str = Field("", validation_alias="Name")
    country: str | None = Field(None, validation_alias="AddressCountryRegionId")


class RegisteredApplication(Wire):
    """An Entra application that F&O accepts, and the user it acts as (`SysAADClients`)."""

    client_id: str = Field("", validation_alias="AADClientId")
    user: str = Field("", validation_alias="UserId")
    name: str = Field("", validation_alias="Name")


class FinanceOperations:
    """One F&O environment. `host` may be given as a host or as a URL."""

    host: str

    def reachable(self) -> bool:
        """Whether `GET /data/` answers 200: up, and the caller is known.

        False while there is no F&O yet (no connection, 404, 502, 503). A 401 or 403 raises `PermissionDenied` with
        the advice to register the application.
        """
        raise NotImplementedError

    def legal_entities(self) -> list[LegalEntity]:
        """All companies."""
        raise NotImplementedError

    def registered_applications(self) -> list[RegisteredApplication]:
        """All registered Entra applications."""
        raise NotImplementedError

    def register_application(self, client_id: str, user: str, name: str) -> None:
        """Register an Entra application; being registered already is a success. Needs an F&O administrator."""
        raise NotImplementedError

    def rows(
        self,
        entity_set: str,
        *,
        filter: str | None = None,  # noqa: A002 - the OData word
        select: Sequence[str] = (),
        orderby: str | None = None,
        top: int | None = None,
        cross_company: bool = True,
    ) -> Iterator[Row]:
        """Rows of an entity, streamed page by page (10,000 a page), by default of all companies."""
        raise NotImplementedError

    def count(self, entity_set: str, filter: str | None = None) -> int:  # noqa: A002 - the OData word
        """How many rows in all companies."""
        raise NotImplementedError

    def row(self, entity_set: str, key: FinOpsKey) -> Row | None:
        """One row by all its key fields, `dataAreaId` included; None when absent."""
        raise NotImplementedError

    def create_row(self, entity_set: str, values: Mapping[str, object]) -> Row:
        """Create a row and return it. Never re-sent blindly."""
        raise NotImplementedError

    def update_row(self, entity_set: str, key: FinOpsKey, values: Mapping[str, object]) -> None:
        """Change a row. Raises `NotFound`."""
        raise NotImplementedError

    def delete_row(self, entity_set: str, key: FinOpsKey) -> None:
        """Delete a row; an absent one is a success."""
        raise NotImplementedError
