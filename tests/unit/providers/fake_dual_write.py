"""A small dual-write service for tests of map operations: states, requests, and refusals on demand.

Time is counted in list calls: a request ends with the first list after it, its state shows one list later.
"""

from collections.abc import Sequence
from typing import Any

from providers.api.dual_write_models import ActionDetail, EntityMapStatus, MapAction
from providers.api.errors import InvalidRequest, NotFound, ServiceUnavailable

AFTER = {MapAction.START: "4", MapAction.STOP: "1", MapAction.PAUSE: "5", MapAction.RESUME: "4"}


class FakeDualWrite:
    """Maps by name: `[state, pid]`; `needs`: name to the names before it; `breaks`: name to failing tries left."""

    def __init__(self, maps: dict[str, str], *, needs: dict[str, list[str]] | None = None) -> None:
        self.states = dict(maps)
        self.pids = {name: (None if state == "none" else f"pid-{name}") for name, state in maps.items()}
        self.needs = needs or {}
        self.breaks: dict[str, int] = {}
        self.refuse_bulk = False
        self.hide_requests = False
        self.waiting_polls = 0
        self.silent: dict[str, int] = {}
        self.lists = 0
        self.questions = 0
        self._asked = 0
        self.orders = 0
        self.sent: list[tuple[str, list[str]]] = []
        self.refreshed: list[str] = []
        self._requests: dict[str, list[dict[str, Any]]] = {name: [] for name in maps}
        self._due: list[tuple[int, str, str]] = []

    def maps(self, cid: str, *, fresh: bool = False) -> list[EntityMapStatus]:
        self.lists += 1
        for due, name, state in [entry for entry in self._due if entry[0] <= self.lists]:
            self._due.remove((due, name, state))
            self.states[name] = state
        for entry in (entry for entries in self._requests.values() for entry in entries if entry["state"] == "1"):
            entry["left"] -= 1
            entry["state"] = "1" if entry["left"] else "2"
        return [self._status(name) for name in self.states]

    def start_action(self, cid: str, action: str, details: Sequence[ActionDetail]) -> str:
        names = [detail.tid.removeprefix("tid-") for detail in details]
        self.sent.append((MapAction(action).name, names))
        if self.refuse_bulk and len(names) > 1:
            raise InvalidRequest("one map at a time", code="BadRequest")
        self._asked += 1
        request_id = f"r{self._asked}"
        for name in names:
            self._take(request_id, MapAction(action), name)
        return request_id

    def request_status(self, request_id: str) -> list[EntityMapStatus]:
        self._answer("request_status")
        self.questions += 1
        hidden, self.hide_requests = self.hide_requests, False
        answer = [self._status(name) for name in self.states]
        self.hide_requests = hidden
        return answer

    def prerequisite_sequences(self, cid: str, template_ids: Sequence[str]) -> list[list[str]]:
        self._answer("prerequisite_sequences")
        self.orders += 1
        names = [tid.removeprefix("tid-") for tid in template_ids]
        return [[f"tid-{need}" for need in (*self.needs.get(name, []), name)] for name in names]

    def field_mappings(self, pid: str) -> Any:
        if pid not in self.pids.values():
            raise NotFound("no project")
        return type("Project", (), {"name": f"DWM-{pid}"})()

    def refresh_tables(self, project_name: str) -> None:
        self.refreshed.append(project_name)

    def _answer(self, call: str) -> None:
        """Calls in `silent` get so many times no answer."""
        if self.silent.get(call):
            self.silent[call] -= 1
            raise ServiceUnavailable("the service is restarting")

    def _take(self, request_id: str, action: MapAction, name: str) -> None:
        entry: dict[str, Any] = {"requestId": request_id, "action": action.value, "state": "2"}
        if self.breaks.get(name):
            self.breaks[name] -= 1
            entry |= {"state": "3", "errorMessage": "DIPV1014 a key field is not mapped", "rootActivityId": "root-1"}
        elif action == MapAction.INITIALISE:
            self.pids[name] = f"pid-{name}"
            self.states[name] = "1"
        else:
            if self.waiting_polls:
                entry |= {"state": "1", "left": self.waiting_polls}
            self._due.append((self.lists + self.waiting_polls + 2, name, AFTER[action]))
        self._requests[name].append(entry)

    def _status(self, name: str) -> EntityMapStatus:
        state = self.states[name]
        detail = {
            "tid": f"tid-{name}",
            "tName": name,
            "pid": self.pids[name],
            "state": "1" if state == "none" else state,
            "lastRequests": [] if self.hide_requests else self._requests[name],
        }
        return EntityMapStatus.model_validate({"detail": detail})
