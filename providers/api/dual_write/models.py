"""What the dual-write management service sends (dual-write-management-api.md sections 4 and 5).

Member names are read without regard to case (0.1); codes come as digit strings or numbers and are kept when unknown.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from providers.api.dual_write.actions import MapState, RequestState
from providers.api.transport.wire import CaseBlind


def _code(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Code = Annotated[str, BeforeValidator(_code)]


class Version(CaseBlind):
    """A map version `major.minor.build.revision`."""

    major: int = 0
    minor: int = 0
    build: int = 0
    revision: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.build}.{self.revision}"


class MapTemplate(CaseBlind):
    """One saved version of a map."""

    id: str = ""
    name: str = ""
    display_name: str = ""
    author: str = ""
    version: Version = Field(default_factory=Version)
    created_date_time: str = ""


class ActionRequest(CaseBlind):
    """A request for an action on a map, as E2 and E4 list it."""

    request_id: str = ""
    action: Code | None = None
    state: Code | None = None
    created_on: str = ""
    modified_on: str = ""
    error_message: str = ""
    error_uri: str = ""
    root_activity_id: str | None = None


class EntitySide(CaseBlind):
    """One side of a map; `name` is the F&O entity or the Dataverse set."""

    target_type: str = ""
    name: str = ""
    display_name: str = ""


class MapDetail(CaseBlind):
    """State and versions of a map in this link. `actions` None = unknown, not "none"; `pid` None = not initialised."""

    tid: str = ""
    t_name: str = ""
    pid: str | None = None
    state: Code | None = None
    actions: list[Code] | None = None
    template: MapTemplate | None = None
    templates: list[MapTemplate] = Field([])
    last_request: ActionRequest | None = None
    last_requests: list[ActionRequest] = Field([])
    is_project_deleted: bool | None = None


class EntityMapStatus(CaseBlind):
    """One map as E2 and E4 give it: F&O left, Dataverse right."""

    known_by = "name"
    left_entity: EntitySide = Field(default_factory=EntitySide)
    right_entity: EntitySide = Field(default_factory=EntitySide)
    detail: MapDetail = Field(default_factory=MapDetail)

    @property
    def name(self) -> str:
        """The map's name, `<Dataverse table> - <F&O entity>`."""
        return self.detail.t_name

    @property
    def state(self) -> str:
        """The map status code (`MapState`, or an unknown code); "0" when the service gives none."""
        return self.detail.state or MapState.NONE.value

    @property
    def initialised(self) -> bool:
        """Whether the map has a project in this link."""
        return bool(self.detail.pid)

    def request(self, request_id: str) -> ActionRequest | None:
        """The entry of `lastRequests` (or `lastRequest`) with that id."""
        last = [self.detail.last_request] if self.detail.last_request else []
        return next((each for each in [*self.detail.last_requests, *last] if each.request_id == request_id), None)

    @property
    def waiting_request(self) -> ActionRequest | None:
        """A request that has not ended."""
        last = [self.detail.last_request] if self.detail.last_request else []
        asked = (each for each in [*last, *self.detail.last_requests] if each.state == RequestState.WAITING)
        return next((each for each in asked if each.request_id), None)


class LinkedEnvironment(CaseBlind):
    """The link of an F&O host (E1)."""

    cid: str = ""
    cname: str = ""
    target_type: str | None = None
    display_name: str | None = None
    power_apps_environment: str | None = None


class IntegrationKey(CaseBlind):
    """A key of a schema; the integration key is the one named `userKeys` or `userKey` in any case (E9)."""

    name: str = ""
    fields: list[str] = Field([])
    is_integration_key: bool | None = None


class Schema(CaseBlind):
    """A table of one side with its keys."""

    name: str = ""
    display_name: str = ""
    refresh_state: Code | None = None
    keys: list[IntegrationKey] = Field([])


class LinkSide(CaseBlind):
    """One environment of a connection set. `name` is the dataset name of E9; `target_type` AX or CRM."""

    name: str = ""
    target_type: str = ""
    environment_display_name: str | None = None
    power_apps_environment: str | None = None
    direct_url: str | None = None
    is_dev_instance: bool = False
    schemas: list[Schema] = Field([])

    @property
    def is_dataverse(self) -> bool:
        """Whether this is the Dataverse side: target type `CRM`, or one that contains `CDS` (5.8)."""
        return self.target_type.upper() == "CRM" or "CDS" in self.target_type.upper()

    def integration_key(self, table: str) -> list[str] | None:
        """The integration key columns of a table set; None when the service lists no such table or key."""
        schema = next((each for each in self.schemas if each.name.lower() == table.lower()), None)
        if schema is None:
            return None
        keys = {key.name.lower(): key.fields for key in schema.keys}
        return keys.get("userkeys", keys.get("userkey"))


class SolutionResult(CaseBlind):
    """What a solution request ended with."""

    message: str = ""
    status: str | None = None


class SolutionStatus(CaseBlind):
    """State of an "Apply solution" request (E14)."""

    request_id: str = ""
    action: Code | None = None
    state: Code | None = None
    result: SolutionResult | None = None
    root_activity_id: str | None = None
    created_on: str = ""
    modified_on: str = ""


def _company_codes(mappings: Any) -> list[str]:
    """The F&O companies of a link, each once."""
    if mappings is None:
        return []
    if not isinstance(mappings, list):
        raise ValueError("the companies are no list")  # noqa: TRY004 - pydantic takes only this as a refusal
    names = [_member(_member(each, "left"), "name") for each in mappings]
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


class ConnectionSet(CaseBlind):
    """The link itself (E10): both sides, company codes, keys, and the "Apply solution" requests it remembers."""

    known_by = "name"
    id: str = ""
    name: str = ""
    display_name: str = ""
    environments: dict[str, LinkSide] = Field({})
    companies: list[str] = Field([])
    solution_requests: list[SolutionStatus] = Field([])

    @model_validator(mode="before")
    @classmethod
    def _lift_details(cls, data: Any) -> Any:
        """Bring up what stands deep in `dualWriteDetail`."""
        detail = _member(data, "dualWriteDetail")
        if not isinstance(detail, Mapping):
            return data
        companies = _company_codes(_member(_member(detail, "legalEntityMappings"), "mappings"))
        return {**data, "companies": companies, "solution_requests": _member(detail, "solutionAwareRequests")}

    @property
    def dataverse(self) -> LinkSide | None:
        """The Dataverse side."""
        return next((side for side in self.environments.values() if side.is_dataverse), None)

    @property
    def finance_operations(self) -> LinkSide | None:
        """The F&O side."""
        return next((side for side in self.environments.values() if not side.is_dataverse), None)


def _member(data: object, name: str) -> Any:
    if not isinstance(data, Mapping):
        return None
    return next((value for key, value in data.items() if str(key).lower() == name.lower()), None)


class MapSolution(CaseBlind):
    """A Dataverse solution that holds maps (E12)."""

    known_by = "unique_name"
    id: str = ""
    unique_name: str = ""
    friendly_name: str = ""
    version: str = ""
    is_managed: bool | None = None
