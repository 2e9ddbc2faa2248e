"""The OData service of one F&O environment (power-platform-api.md 14.9, dual-write-semantics.md 12.1)."""

from collections.abc import Iterator, Mapping
from typing import Unpack

from pydantic import Field

from providers.api.transport.client import ServiceClient
from providers.api.transport.errors import (
    ApiError,
    AuthenticationError,
    NotFound,
    PermissionDenied,
    ServiceUnavailable,
    TransportError,
    UnexpectedAnswer,
)
from providers.api.transport.odata_rows import ODataRows, Query, Row
from providers.api.transport.wire import Wire

FinOpsKey = Mapping[str, str | int | bool]

APPLICATIONS = "SysAADClients"
LEGAL_ENTITIES = "LegalEntities"


class LegalEntity(Wire):
    """A company. `id` is the company code."""

    known_by = "id"
    id: str = Field("", validation_alias="LegalEntityId")
    name: str = Field("", validation_alias="Name")
    country: str = Field("", validation_alias="AddressCountryRegionId")


class RegisteredApplication(Wire):
    """An Entra application that F&O accepts, and the user it acts as (`SysAADClients`)."""

    known_by = "client_id"
    client_id: str = Field("", validation_alias="AADClientId")
    user: str = Field("", validation_alias="UserId")
    name: str = Field("", validation_alias="Name")


class FinanceOperations:
    """One F&O environment. `client` explains a refusal with `not_registered`."""

    def __init__(self, client: ServiceClient, host: str) -> None:
        self._client = client
        self._rows = ODataRows(client, "/data", params={"cross-company": "true"})
        self.host = host

    def reachable(self) -> bool:
        """Whether `GET /data/` answers 200: up, and the caller is known.

        False while there is no F&O yet (no connection, 404, 5xx, a page). A 401 or 403 raises `PermissionDenied` with
        the advice to register the application.
        """
        try:
            self._client.request("GET", "/data/", attempts=1)
        except (NotFound, TransportError, ServiceUnavailable, UnexpectedAnswer):
            return False
        return True

    def legal_entities(self) -> list[LegalEntity]:
        """All companies."""
        return self._rows.read(LegalEntity, LEGAL_ENTITIES)

    def create_legal_entity(self, code: str, name: str, country: str) -> None:
        """Create a company; `country` is F&O's id of it, such as USA. Never re-sent blindly.

        The three columns are what the form asks for; that OData takes a company at all is not documented (*assumed*,
        dual-write-semantics.md 12.1). Being there already is a success; an answer that got lost is looked up.
        """
        values = {"LegalEntityId": code, "Name": name, "AddressCountryRegionId": country}
        try:
            self.create_row(LEGAL_ENTITIES, values)
        except (AuthenticationError, PermissionDenied):
            raise
        except ApiError:
            # A duplicate is refused, also as 500 (12.1): the list tells.
            if not any(each.id.casefold() == code.casefold() for each in self.legal_entities()):
                raise

    def registered_applications(self) -> list[RegisteredApplication]:
        """All registered Entra applications."""
        return self._rows.read(RegisteredApplication, APPLICATIONS)

    def register_application(self, client_id: str, user: str, name: str) -> None:
        """Register an Entra application; being registered already is a success. Needs an F&O administrator."""
        try:
            self.create_row(APPLICATIONS, {"AADClientId": client_id, "UserId": user, "Name": name})
        except (AuthenticationError, PermissionDenied):
            raise
        except ApiError:
            # Refused as a duplicate, or the answer was lost: the list tells.
            known = {each.client_id.lower() for each in self.registered_applications()}
            if client_id.lower() not in known:
                raise

    def rows(self, entity_set: str, **query: Unpack[Query]) -> Iterator[Row]:
        """Rows of an entity of all companies, streamed page by page (10,000 a page)."""
        return (row for page in self._rows.pages(entity_set, **query) for row in page.rows)

    def count(self, entity_set: str, filter: str | None = None) -> int:  # noqa: A002 - the OData word
        """How many rows in all companies."""
        counted = self._rows.counted(entity_set, top=1, filter=filter).get("@odata.count")
        if isinstance(counted, int):
            return counted
        return sum(1 for _ in self.rows(entity_set, filter=filter))

    def row(self, entity_set: str, key: FinOpsKey) -> Row | None:
        """One row by all its key fields, `dataAreaId` included; None when absent."""
        return self._rows.row(entity_set, key)

    def create_row(self, entity_set: str, values: Mapping[str, object]) -> Row:
        """Create a row and return it; the company stands in `dataAreaId`. Never re-sent blindly."""
        return self._rows.create(entity_set, values).object()

    def update_row(self, entity_set: str, key: FinOpsKey, values: Mapping[str, object]) -> None:
        """Change a row. Raises `NotFound`."""
        self._rows.update(entity_set, key, values)

    def delete_row(self, entity_set: str, key: FinOpsKey) -> None:
        """Delete a row; an absent one is a success."""
        self._rows.delete(entity_set, key)


def not_registered(error: ApiError) -> ApiError:
    """A 401 or 403 of F&O says that it does not know the application: with the advice to register it."""
    if error.status not in (401, 403) or not isinstance(error, AuthenticationError | PermissionDenied):
        return error
    return PermissionDenied(
        error.reason,
        code=error.code,
        correlation_id=error.correlation_id,
        status=error.status,
        next_step="Register the application in F&O: System administration > Setup > Microsoft Entra ID "
        "applications, with a user that may do this.",
        service=error.service,
    )
