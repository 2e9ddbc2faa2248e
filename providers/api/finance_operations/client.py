"""The OData service of one F&O environment (power-platform-api.md 14.9, dual-write-semantics.md 12.1)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from providers.api.transport import odata
from providers.api.transport.answers import Response
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
from providers.api.transport.wire import Wire

Row = dict[str, Any]
FinOpsKey = Mapping[str, str | int | bool]

APPLICATIONS = "SysAADClients"
LEGAL_ENTITIES = "LegalEntities"


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
    """One F&O environment."""

    def __init__(self, client: ServiceClient, host: str) -> None:
        self._client = client
        self.host = host

    def reachable(self) -> bool:
        """Whether `GET /data/` answers 200: up, and the caller is known.

        False while there is no F&O yet (no connection, 404, 5xx, a page). A 401 or 403 raises `PermissionDenied` with
        the advice to register the application.
        """
        try:
            self._request("GET", "/data/", attempts=1)
        except (NotFound, TransportError, ServiceUnavailable, UnexpectedAnswer):
            return False
        return True

    def legal_entities(self) -> list[LegalEntity]:
        """All companies."""
        return [LegalEntity.model_validate(row) for row in self.rows(LEGAL_ENTITIES)]

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
        return [RegisteredApplication.model_validate(row) for row in self.rows(APPLICATIONS)]

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
        options = {
            "cross-company": "true" if cross_company else None,
            "$filter": filter,
            "$select": ",".join(select) or None,
            "$orderby": orderby,
            "$top": str(top) if top is not None else None,
        }
        query: Mapping[str, str] = {name: value for name, value in options.items() if value is not None}
        url: str | None = f"/data/{entity_set}"
        while url:
            body = self._request("GET", url, params=query).object()
            yield from body.get("value") or []
            url, query = body.get("@odata.nextLink"), {}

    def count(self, entity_set: str, filter: str | None = None) -> int:  # noqa: A002 - the OData word
        """How many rows in all companies."""
        query = {"cross-company": "true", "$count": "true", "$top": "1"}
        if filter is not None:
            query["$filter"] = filter
        counted = self._request("GET", f"/data/{entity_set}", params=query).object().get("@odata.count")
        if isinstance(counted, int):
            return counted
        return sum(1 for _ in self.rows(entity_set, filter=filter))

    def row(self, entity_set: str, key: FinOpsKey) -> Row | None:
        """One row by all its key fields, `dataAreaId` included; None when absent."""
        try:
            return self._request("GET", _path(entity_set, key), params={"cross-company": "true"}).object()
        except NotFound:
            return None

    def create_row(self, entity_set: str, values: Mapping[str, object]) -> Row:
        """Create a row and return it; the company stands in `dataAreaId`. Never re-sent blindly."""
        return self._request(
            "POST", f"/data/{entity_set}", json=values, expected={200, 201, 204}, answer="maybe"
        ).object()

    def update_row(self, entity_set: str, key: FinOpsKey, values: Mapping[str, object]) -> None:
        """Change a row. Raises `NotFound`."""
        self._request(
            "PATCH",
            _path(entity_set, key),
            params={"cross-company": "true"},
            json=values,
            expected={200, 204},
            replay="safe",
            answer="maybe",
        )

    def delete_row(self, entity_set: str, key: FinOpsKey) -> None:
        """Delete a row; an absent one is a success."""
        try:
            self._request(
                "DELETE",
                _path(entity_set, key),
                params={"cross-company": "true"},
                expected={200, 204},
                replay="safe",
                answer="maybe",
            )
        except NotFound:
            return

    def _request(self, method: str, path: str, **options: Any) -> Response:
        try:
            return self._client.request(method, path, **options)
        except (AuthenticationError, PermissionDenied) as error:
            if error.status not in (401, 403):
                raise
            raise PermissionDenied(
                error.reason,
                code=error.code,
                correlation_id=error.correlation_id,
                status=error.status,
                next_step="Register the application in F&O: System administration > Setup > Microsoft Entra ID "
                "applications, with a user that may do this.",
                service=error.service,
            ) from error


def _path(entity_set: str, key: FinOpsKey) -> str:
    return f"/data/{entity_set}{odata.key_segment(key)}"
