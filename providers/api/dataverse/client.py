"""The Dataverse Web API of one organization: rows, metadata and the F&O calls.

Sources: power-platform-api.md 14.8, dual-write-semantics.md 12.2. Users, roles and teams: `access`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar, Unpack

from pydantic import BaseModel

from providers.api.dataverse.access import Access
from providers.api.dataverse.batch import update_rows
from providers.api.dataverse.codes import NOT_INTEGRATED
from providers.api.dataverse.models import (
    BusinessUnit,
    Company,
    EntityDefinition,
    FinOpsApplication,
    IntegrationDetails,
    OperationHistory,
    Organization,
    Solution,
    WhoAmI,
)
from providers.api.dataverse.updates import RowUpdate, UpdateAnswer
from providers.api.transport import odata
from providers.api.transport.client import ServiceClient
from providers.api.transport.errors import ApiError, InvalidRequest, NotFound
from providers.api.transport.odata_rows import Key, ODataRows, Query, Row, RowPage
from providers.api.transport.service_limits import ServiceLimits
from providers.api.transport.shared import Shared
from providers.api.transport.wire import unexpected

M = TypeVar("M", bound=BaseModel)

ROOT = "/api/data/v9.2"
LARGEST_PAGE = 5000
COUNT_EXCEEDED = "@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"
_PAGE = {"Prefer": "odata.maxpagesize=1000"}
_OWNING_TEAM = "_cdm_defaultowningteam_value"
# Seconds for which a reading of the saved map versions is shared: all maps of one refresh ask for it.
_MAPS_LIFETIME = 60.0
_HEADERS = {"OData-Version": "4.0", "OData-MaxVersion": "4.0"}


class Dataverse:
    """One organization."""

    def __init__(self, client: ServiceClient, host: str) -> None:
        self._client = client
        self.host = host
        # Of whoever sends much here, such as several bootstraps one after the other.
        self.limits = ServiceLimits(client.timing.clock)
        self._rows = ODataRows(client, ROOT, _HEADERS)
        self.access = Access(self._rows)
        self._entity_maps = Shared(self._read_entity_maps, _MAPS_LIFETIME, client.timing.clock)

    def who_am_i(self) -> WhoAmI:
        """Readiness of the organization; `PermissionDenied` in its first minutes (403 for up to ten)."""
        return self._read(WhoAmI, "WhoAmI")

    def integration_details(self) -> IntegrationDetails | None:
        """The linked F&O environment; None when not linked (0x80048d0b)."""
        try:
            return self._read(IntegrationDetails, "RetrieveFinanceAndOperationsIntegrationDetails")
        except ApiError as error:
            if (error.code or "").lower() == NOT_INTEGRATED:
                return None
            raise

    def finops_versions(self) -> list[str]:
        """F&O versions on offer, oldest first, compared numerically."""
        response = self._rows.get("msprov_getfnoversiondetails")
        offers = _decoded(response.object().get("Response"))
        if offers is None:
            return []
        if not isinstance(offers, list):
            raise unexpected("Response: no list", response, self._client.service)
        values = [each.get("value") for each in offers if isinstance(each, Mapping)]
        return sorted((value for value in values if isinstance(value, str)), key=_numeric)

    def queue_finops_install_or_update(self, payload: str) -> None:
        """Queue an F&O installation or update; `payload` is the `a=b|c=d` text of 14.8. Never re-sent blindly."""
        self._client.request(
            "POST",
            f"{ROOT}/msprov_queuefnoinstallorupdate",
            json={"payload": payload},
            headers=_HEADERS,
            expected={200, 202, 204},
            answer="maybe",
        )

    def finops_application_details(self) -> FinOpsApplication | None:
        """Version and state of F&O; None while there is none."""
        try:
            return self._read(FinOpsApplication, "msprov_getfinopsapplicationdetails")
        except NotFound:
            return None
        except InvalidRequest as error:
            if (error.code or "").lower() == NOT_INTEGRATED:
                return None
            raise

    def operation_histories(self, limit: int = 5) -> list[OperationHistory]:
        """What the Provisioning App did, newest first."""
        return self._rows.read(
            OperationHistory, "msprov_operationhistories", orderby="msprov_startedon desc", top=limit
        )

    def organization(self) -> Organization:
        """Name, base language and base currency of the organization."""
        columns = ("organizationid", "name", "languagecode", "_basecurrencyid_value")
        rows = self._rows.read(Organization, "organizations", select=columns, top=1)
        if not rows:
            raise NotFound("the organization row is not readable", service=self._client.service)
        if not rows[0].currency_id:
            return rows[0]
        code = (self.row("transactioncurrencies", rows[0].currency_id, select=("isocurrencycode",)) or {}).get(
            "isocurrencycode"
        )
        return rows[0].model_copy(update={"currency": code if isinstance(code, str) else None})

    def solutions(self, unique_names: Sequence[str]) -> dict[str, Solution]:
        """The installed ones of these solutions, by the unique name as asked."""
        if not unique_names:
            return {}
        columns = ("solutionid", "uniquename", "friendlyname", "version", "ismanaged")
        wanted = odata.any_of(odata.equal("uniquename", name) for name in unique_names)
        found = self._rows.read(Solution, "solutions", _PAGE, filter=wanted, select=columns)
        by_name = {solution.unique_name.lower(): solution for solution in found}
        return {name: by_name[name.lower()] for name in unique_names if name.lower() in by_name}

    def entity_definition(self, logical_name: str) -> EntityDefinition | None:
        """Set name, key, columns and alternate keys of a table; None when there is none."""
        key = odata.key_segment({"LogicalName": logical_name})
        query = {
            "$select": "LogicalName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute",
            "$expand": "Attributes($select=LogicalName,AttributeType),"
            "Keys($select=LogicalName,KeyAttributes,EntityKeyIndexStatus)",
        }
        try:
            return self._read(EntityDefinition, f"EntityDefinitions{key}", query)
        except NotFound:
            return None

    def table_definitions(self, set_names: Sequence[str]) -> dict[str, EntityDefinition]:
        """The tables with these set names that there are, by set name: key, columns and many-to-one relationships."""
        query = {
            "$filter": odata.any_of(odata.equal("EntitySetName", name) for name in set_names),
            "$select": "LogicalName,EntitySetName,PrimaryIdAttribute,IsOptimisticConcurrencyEnabled",
            "$expand": "Attributes($select=LogicalName),ManyToOneRelationships("
            "$select=ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName)",
        }
        found = self._client.read_list(EntityDefinition, f"{ROOT}/EntityDefinitions", params=query, headers=_HEADERS)
        return {table.set_name: table for table in found}

    def entity_set_names(self) -> list[str]:
        """The entity sets of all tables."""
        query = {"$select": "LogicalName,EntitySetName"}
        found = self._client.read_list(EntityDefinition, f"{ROOT}/EntityDefinitions", params=query, headers=_HEADERS)
        return [table.set_name for table in found if table.set_name]

    def companies(self) -> list[Company]:
        """The companies that the link has brought here."""
        columns = ("cdm_companyid", "cdm_companycode", "cdm_isenabledfordualwrite", "cdm_name", _OWNING_TEAM)
        return self._rows.read(Company, "cdm_companies", _PAGE, select=columns)

    def business_units(self) -> list[BusinessUnit]:
        """All business units."""
        columns = ("businessunitid", "name", "_parentbusinessunitid_value")
        return self._rows.read(BusinessUnit, "businessunits", _PAGE, select=columns)

    def entity_maps(self) -> list[Row]:
        """Every saved version of every dual-write map (dual-write-management-api.md 10.1); shared by threads."""
        return self._entity_maps.get()

    def _read_entity_maps(self) -> list[Row]:
        columns = ("msdyn_dualwriteentitymapid", "msdyn_name", "msdyn_version", "msdyn_mapping", "solutionid")
        return list(self.rows("msdyn_dualwriteentitymaps", select=columns))

    def rows(self, entity_set: str, *, page_size: int = 1000, **query: Unpack[Query]) -> Iterator[Row]:
        """Rows of a table, streamed page by page; at most 5,000 a page."""
        for page in self.pages(entity_set, page_size=page_size, **query):
            yield from page.rows

    def pages(self, entity_set: str, *, page_size: int = LARGEST_PAGE, **query: Unpack[Query]) -> Iterator[RowPage]:
        """The same rows as the pages in which they come; the next one is asked for when it is wanted."""
        # A page size and $top exclude each other.
        sized = query.get("top") is None
        size = {"Prefer": f"odata.maxpagesize={min(page_size, LARGEST_PAGE)}"} if sized else {}
        return self._rows.pages(entity_set, size, **query)

    def row(self, entity_set: str, key: Key, *, select: Sequence[str] = ()) -> Row | None:
        """One row by id or alternate key; None when absent."""
        if isinstance(key, Mapping) and not odata.usable_in_key(key):
            wanted = odata.all_of(odata.equal(column, value) for column, value in key.items())
            return next(self.rows(entity_set, filter=wanted, select=select, top=1), None)
        return self._rows.row(entity_set, key, select)

    def count(
        self,
        entity_set: str,
        filter: str | None = None,  # noqa: A002 - the OData word
        *,
        select: Sequence[str] = (),
        at_most: int | None = None,
    ) -> int:
        """How many rows. The service counts to 5,000; beyond that the pages are read, with these columns (all).

        With `at_most` no page is read that lies behind so many rows, and no more than that are counted.
        """
        prefer = {"Prefer": 'odata.maxpagesize=1,odata.include-annotations="Microsoft.Dynamics.CRM.*"'}
        body = self._rows.counted(entity_set, prefer, filter=filter)
        counted = body.get("@odata.count")
        if isinstance(counted, int) and 0 <= counted < LARGEST_PAGE and body.get(COUNT_EXCEEDED) is not True:
            return counted
        total = 0
        for page in self.pages(entity_set, filter=filter, select=select):
            total += len(page.rows)
            if at_most is not None and total >= at_most:
                return at_most
        return total

    def create_row(self, entity_set: str, values: Mapping[str, object]) -> Row:
        """Create a row and return it. Never re-sent blindly."""
        response = self._rows.create(entity_set, values, {"Prefer": "return=representation"})
        made = response.headers.get("odata-entityid")
        if response.empty and made:
            return self._client.request("GET", made, headers=_HEADERS).object()
        return response.object()

    def update_row(self, entity_set: str, key: Key, values: Mapping[str, object]) -> None:
        """Change a row; raises `NotFound` instead of creating one."""
        self._rows.update(entity_set, _writable(key), values, {"If-Match": "*"})

    def update_rows(self, entity_set: str, updates: Sequence[RowUpdate]) -> list[UpdateAnswer]:
        """Change many rows of a table in one batch that goes on behind a failed one; an answer for each."""
        return update_rows(self._client, f"https://{self.host}{ROOT}", entity_set, updates)

    def delete_row(self, entity_set: str, key: Key) -> None:
        """Delete a row; an absent one is a success."""
        self._rows.delete(entity_set, _writable(key))

    def _read(self, model: type[M], path: str, params: Mapping[str, str] | None = None) -> M:
        return self._client.read(model, f"{ROOT}/{path}", params=params, headers=_HEADERS)


def _writable(key: Key) -> Key:
    if isinstance(key, Mapping) and not odata.usable_in_key(key):
        raise InvalidRequest(
            "a key value has a character that Dataverse refuses in a URL",
            next_step="Write to the row by its id instead.",
        )
    return key


def _decoded(value: object) -> object:
    """A value that some versions of the service give as JSON text."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


def _numeric(version: str) -> tuple[int, ...]:
    return tuple(int(part[:9]) if part.isdecimal() else 0 for part in version.split("."))
