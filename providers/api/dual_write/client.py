"""The dual-write management service behind one gateway: E1 to E15 of dual-write-management-api.md."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import BaseModel

from providers.api.dual_write.actions import ActionDetail, MapAction
from providers.api.dual_write.lost_requests import SeenRequests, requested_id
from providers.api.dual_write.models import (
    ConnectionSet,
    EntityMapStatus,
    LinkedEnvironment,
    LinkSide,
    MapSolution,
    SolutionStatus,
)
from providers.api.dual_write.projects import Execution, Project
from providers.api.dual_write.repeating import repeated
from providers.api.transport.answers import Response
from providers.api.transport.client import ServiceClient
from providers.api.transport.errors import InvalidRequest, NotFound, TransportError, UnexpectedAnswer
from providers.api.transport.operations import pause, report
from providers.api.transport.shared import Shared
from providers.api.transport.wire import mapping, read_list

M = TypeVar("M", bound=BaseModel)

ROOT = "/api/DualWriteManagement/1.0"
START_TIMEOUT = 180.0
RESET_TIMEOUT = 300.0
ANY_SUCCESS = {200, 201, 202, 204}
APPLY = "2"
# Seconds for which the map list of a link is shared between callers.
LIST_LIFETIME = 1.0
# The same between all that one refresh reads: what it reports is as of its own time.
_REFRESH_LIFETIME = 5.0
# Seconds for which a reading of the link is shared between the resources that a refresh reads.
LINK_LIFETIME = 5.0
# The service's own page sends this on each POST (2.4); whether it is needed is not known.
_POST = {"Origin": "https://dataintegrator.trafficmanager.net/"}


class DualWriteManagement:
    """One gateway. Codes are strings; errors carry `rootActivityId` as correlation id where the service gives one.

    `fastest`: seconds that the fastest request of each kind took, as the callers of this process have seen it.
    """

    def __init__(self, client: ServiceClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._lists: dict[str, Shared[list[EntityMapStatus]]] = {}
        self._links: dict[str, Shared[ConnectionSet]] = {}
        self._seen = SeenRequests()
        self._listed_at: dict[str, datetime] = {}
        self.fastest: dict[str, float] = {}

    def environment(self, finops_host: str) -> LinkedEnvironment | None:
        """E1: the link of an F&O host (a URL is reduced to its host); None = not linked, or the wrong gateway."""
        host = urlsplit(finops_host if "://" in finops_host else f"//{finops_host}").hostname or ""
        found = self._list_of(LinkedEnvironment, f"{ROOT}/Environments", {"targetType": "AX", "identifier": host})
        return found[0] if found and found[0].cid else None

    def maps(self, cid: str, *, fresh: bool = False, refresh: bool = False) -> list[EntityMapStatus]:
        """E2: all maps with versions and state; shared for a second, in a `refresh` for five. Empty is a legal answer.

        With `fresh` only a list whose call began after this one will do. Under load the service answers with an empty
        list as well (2.4), so one is believed only when the next answer is empty too.
        """
        return self._list(cid).get(fresh=fresh, lifetime=_REFRESH_LIFETIME if refresh else None)

    def _list(self, cid: str) -> Shared[list[EntityMapStatus]]:
        with self._lock:
            if cid not in self._lists:
                self._lists[cid] = Shared(lambda: self._read_maps(cid), LIST_LIFETIME, self._client.timing.clock)
            return self._lists[cid]

    def _read_maps(self, cid: str) -> list[EntityMapStatus]:
        found = self._asked_for_maps(cid)
        if not found:
            pause(self._client.profile.polls.map_action, sleep=self._client.timing.sleep)
            found = self._asked_for_maps(cid)
        self._seen.listed(cid, found)
        return found

    def _asked_for_maps(self, cid: str) -> list[EntityMapStatus]:
        response = self._client.request("GET", f"{ROOT}/Entities", params={"targetType": "AX", "cid": cid})
        self._listed_at[cid] = response.date or self._client.timing.now()
        return read_list(EntityMapStatus, response.json(), response, self._client.service)

    def listed_at(self, cid: str) -> datetime:
        """When the maps of a link were listed last, by the service's clock; by this machine's where it does not say."""
        return self._listed_at.get(cid) or self._client.timing.now()

    def start_action(self, cid: str, action: str, details: Sequence[ActionDetail]) -> str:
        """E3: send one action for one or more maps, return the request id.

        Sent once. When the answer is lost, the new entry in E2's `lastRequests` is looked up and its id returned;
        when none appears within the grace time: `TransportError` with `may_have_happened` (client rule 5).
        """
        if not self._seen.knows(cid):
            self.maps(cid, fresh=True)
        before = self._seen.ids(cid)
        body = {"action": str(action), "details": [_detail(cid, str(action), each) for each in details]}
        try:
            response = self._post(f"{ROOT}/Start", body, timeout=START_TIMEOUT, expected={200, 201, 202})
            found = requested_id(response)
        except TransportError as error:
            if not error.may_have_happened:
                raise
            return self._look_up(cid, str(action), details, before, error)
        finally:
            self._list(cid).forget()
        if found is None:
            nameless = TransportError(
                "the service took the action but named no request",
                correlation_id=response.correlation_id,
                status=response.status,
                service=self._client.service,
                may_have_happened=True,
            )
            return self._look_up(cid, str(action), details, before, nameless)
        self._seen.add(cid, [found])
        return found

    def _look_up(
        self, cid: str, action: str, details: Sequence[ActionDetail], before: frozenset[str], error: TransportError
    ) -> str:
        """The id of a request whose answer was lost; raises `error` when the service never took it."""
        timing, polls = self._client.timing, self._client.profile.polls
        wanted = {detail.tid for detail in details}
        end = timing.clock() + polls.lost_answer
        report("the answer was lost; looking whether the action was taken")
        while True:
            try:
                found = SeenRequests.new_request(self.maps(cid, fresh=True), wanted, action, before)
            except (TransportError, UnexpectedAnswer):
                found = None
            if found is not None:
                return found
            if timing.clock() >= end:
                raise error
            pause(polls.map_action, sleep=timing.sleep)

    def request_status(self, request_id: str) -> list[EntityMapStatus]:
        """E4: the maps of a request; find the outcome with `EntityMapStatus.request(request_id)`."""
        return self._list_of(EntityMapStatus, f"{ROOT}/Status/{_segment(request_id)}")

    def prerequisite_sequences(self, cid: str, template_ids: Sequence[str]) -> list[list[str]]:
        """E5: for each asked template id the template ids in starting order, the asked one included."""
        path = f"{ROOT}/GetTemplatePrerequisiteSequences/{_segment(cid)}"
        response = self._post(path, list(template_ids), replay="safe", expected={200}, answer="json")
        body = response.json()
        if not isinstance(body, list) or not all(isinstance(each, list) for each in body):
            raise UnexpectedAnswer(
                f"{self._client.service} answered in an unknown shape: no list of lists",
                correlation_id=response.correlation_id,
                status=response.status,
                service=self._client.service,
            )
        return [[str(template_id) for template_id in each] for each in body]

    def switch_active(self, cid: str, template_id: str, pid: str) -> None:
        """E6: make a version of a stopped map the active one; verify with `maps(cid, fresh=True)`."""
        path = f"{ROOT}/SolutionAware/{_segment(cid)}/SwitchActive/{_segment(template_id)}"
        try:
            self._client.request(
                "POST",
                path,
                params={"pid": pid},
                # The id as bare text under the JSON type, as the service's own page sends it.
                content=template_id.encode(),
                headers={**_POST, "Content-Type": "application/json; charset=utf-8"},
                expected=ANY_SUCCESS,
                replay="safe",
                answer="none",
            )
        finally:
            self._list(cid).forget()

    def field_mappings(self, pid: str) -> Project:
        """E7: the project of a map."""
        return self._client.read(Project, f"{ROOT}/{_segment(pid)}/FieldMappings")

    def refresh_tables(self, project_name: str) -> None:
        """E8: refresh the table metadata of a project (`Project.name`, not the pid)."""
        self._post(f"/api/Project/{_segment(project_name)}/Refresh", {"tokens": [""]}, replay="safe")

    def set_integration_keys(self, dataset: str, keys: Mapping[str, Sequence[str]]) -> None:
        """E9: set integration keys, table set -> columns; verify with `connection_set`."""
        body = {"integrationKeys": {table: list(columns) for table, columns in keys.items()}, "datasetName": dataset}
        self._post(f"/api/dataset/{_segment(dataset)}/IntegrationKeys", body, replay="safe")

    def connection_set(self, cname: str, *, fresh: bool = True) -> ConnectionSet:
        """E10: the link with its companies and keys. The key is `cname`, not `cid`.

        Without `fresh` a reading that another caller made in the last seconds will do (a refresh of two resources).
        """
        with self._lock:
            if cname not in self._links:
                self._links[cname] = Shared(lambda: self._read_link(cname), LINK_LIFETIME, self._client.timing.clock)
        return self._links[cname].get(fresh=fresh)

    def _read_link(self, cname: str) -> ConnectionSet:
        return self._client.read(ConnectionSet, f"/api/ConnectionSet/{_segment(cname)}")

    def reset(self, cid: str, link: ConnectionSet, companies: Sequence[str], *, force: bool) -> None:
        """E11: rebuild the link with these companies. Destroys maps, keys and history; never a side effect.

        Blocks up to 300 s; a lost answer says nothing about the reset: read E1 and E10 again.
        """
        sides = [side for side in (link.dataverse, link.finance_operations) if side is not None]
        if len(sides) != 2:
            raise InvalidRequest(f"the link '{link.name}' does not show both environments, so it is not reset")
        body = {
            "powerAppsEnvironmentName": sides[0].power_apps_environment,
            "environments": [_side(side) for side in sides],
            "legalEntities": list(companies),
        }
        wanted = _codes(companies)
        # A link that has the companies already does not show whether it was reset.
        telling = _codes(link.companies) != wanted

        def shown() -> bool | None:
            return True if _codes(self.connection_set(link.name).companies) == wanted else None

        def send() -> bool:
            # The C# spelling of the service's own tool (2.4).
            params = {"targetType": "AX", "forceReset": str(force)}
            self._post(f"/api/ConnectionSet/{_segment(cid)}/Reset", body, params=params, timeout=RESET_TIMEOUT)
            return True

        try:
            repeated(self._client, send, shown if telling else None)
        finally:
            self._list(cid).forget()

    def solutions(self, cid: str) -> list[MapSolution]:
        """E12: the Dataverse solutions that hold maps."""
        return self._list_of(MapSolution, f"{ROOT}/SolutionAware/{_segment(cid)}/Solutions/")

    def apply_solution(self, cid: str, unique_name: str, *, cname: str | None = None) -> str:
        """E13: apply one solution, return the request id. One at a time per link (client rule 7).

        Sent once. With `cname` a lost answer is looked up in the requests that the connection set remembers (E10);
        otherwise, or when nothing is found: `TransportError` with `may_have_happened`.
        """
        before = {each.request_id for each in self.connection_set(cname).solution_requests} if cname else set()
        body = {"action": APPLY, "solutions": [{"criteria": {"uniquename": unique_name}}]}
        path = f"{ROOT}/SolutionAware/{_segment(cid)}/RestoreTemplates"

        def send() -> str:
            found = requested_id(self._post(path, body, expected={200, 201, 202}))
            if found is None:
                raise TransportError(
                    f"the service took solution {unique_name} but named no request",
                    service=self._client.service,
                    may_have_happened=True,
                )
            return found

        def new_request() -> str | None:
            after = [each.request_id for each in self.connection_set(cname or "").solution_requests]
            return next((each for each in after if each and each not in before), None)

        try:
            return repeated(self._client, send, new_request if cname else None, look_when_lost=True)
        finally:
            self._list(cid).forget()

    def solution_status(self, cid: str, request_id: str) -> SolutionStatus:
        """E14: state of an "Apply solution" request."""
        path = f"{ROOT}/SolutionAware/{_segment(cid)}/Status/{_segment(request_id)}"
        return self._client.read(SolutionStatus, path)

    def executions(self, pid: str) -> list[Execution]:
        """E15: initial syncs of a map, newest first, one per company and run; empty when there was none."""
        try:
            response = self._client.request("GET", f"/api/ProjectExecutionWithCompanies/{_segment(pid)}")
        except NotFound:
            return []
        body = {name.lower(): value for name, value in mapping(response, self._client.service).items()}
        return read_list(Execution, body.get("projectexecutionresponses"), response, self._client.service)

    def _list_of(self, model: type[M], path: str, params: Mapping[str, str] | None = None) -> list[M]:
        return self._client.read_list(model, path, member=None, params=params)

    def _post(self, path: str, body: object, **options: Any) -> Response:
        settings: dict[str, Any] = {"expected": ANY_SUCCESS, "answer": "none", "headers": _POST, **options}
        return self._client.request("POST", path, json=body, **settings)


def _segment(value: str) -> str:
    if not value.strip():
        raise InvalidRequest("an empty id was about to be sent to the dual-write service")
    return quote(value, safe="")


def _codes(companies: Iterable[str]) -> set[str]:
    return {code.upper() for code in companies}


def _detail(cid: str, action: str, detail: ActionDetail) -> dict[str, Any]:
    """One element of E3's `details`; absent members are left out."""
    body: dict[str, Any] = {"tid": detail.tid, "cid": cid}
    if detail.pid:
        body["pid"] = detail.pid
    elif action != MapAction.INITIALISE:
        raise InvalidRequest(f"map version {detail.tid} has no project yet and cannot take action {action}")
    if not detail.tid:
        raise InvalidRequest("a map without a version cannot take an action")
    parameters = _parameters(action, detail)
    return {**body, "parameters": parameters} if parameters else body


def _parameters(action: str, detail: ActionDetail) -> dict[str, Any]:
    """E3's `parameters`; only start, stop and resume have any."""
    if action in (MapAction.START, MapAction.STOP):
        skip = True if detail.skip_initial_sync is None else detail.skip_initial_sync
        return {"skipInitialSync": skip, "conflictResolution": {"option": "1", "master": detail.master.value}}
    if action == MapAction.RESUME and detail.keep_queue is not None:
        return {"dualWriteSkipCatchUpSyncParameters": {"skipCatchUpSyncPreserveData": detail.keep_queue}}
    return {}


def _side(side: LinkSide) -> dict[str, Any]:
    body = {
        "targetType": side.target_type,
        "name": side.name,
        "displayName": side.environment_display_name,
        "id": side.power_apps_environment,
        "isDevInstance": side.is_dev_instance,
        "directUrl": side.direct_url,
    }
    return {name: value for name, value in body.items() if value is not None}
