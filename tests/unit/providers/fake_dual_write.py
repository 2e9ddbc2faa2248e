"""A small dual-write service for tests of map operations: states, requests, initial syncs, keys, refusals on demand.

Time is counted in list calls: a request ends with the first list after it, its state shows one list later.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from providers.api.dual_write.models import ActionDetail, EntityMapStatus, MapAction
from providers.api.dual_write.projects import Execution
from providers.api.transport.errors import ApiError, InvalidRequest, NotFound, ServiceUnavailable

AFTER = {MapAction.START: "4", MapAction.STOP: "1", MapAction.PAUSE: "5", MapAction.RESUME: "4"}


class FakeDualWrite:
    """Maps by name: `[state, pid]`; `needs`: name to the names before it; `breaks`: name to failing tries left.

    `synced_companies` take part in an initial sync, with `rows` each; `sync_errors`: map to the errors of its tries to
    come, each a row count and a text; a try without errors succeeds. The table of map `x` is `x`, or what stands before
    ` - `. `keys`: table to its integration key.
    """

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
        self.fastest: dict[str, float] = {}
        self.questions = 0
        self._asked = 0
        self.orders = 0
        self.sent: list[tuple[str, list[str]]] = []
        self.refreshed: list[str] = []
        self._requests: dict[str, list[dict[str, Any]]] = {name: [] for name in maps}
        self._due: list[tuple[int, str, str]] = []
        self.synced_companies = ["DAT", "USMF"]
        self.rows = 31
        self.sync_errors: dict[str, list[tuple[int, str]]] = {}
        self.syncs: list[tuple[str, str]] = []
        self.runs: dict[str, list[Execution]] = {}
        self.reports = 0
        self.keys: dict[str, list[str]] = {}
        self.keys_set: list[dict[str, list[str]]] = []
        self.key_refusal: ApiError | None = None
        self.deaf_keys = False

    def maps(self, cid: str, *, fresh: bool = False, lifetime: float | None = None) -> list[EntityMapStatus]:
        self.lists += 1
        for due, name, state in [entry for entry in self._due if entry[0] <= self.lists]:
            self._due.remove((due, name, state))
            self.states[name] = state
        for entry in (entry for entries in self._requests.values() for entry in entries if entry["state"] == "1"):
            entry["left"] -= 1
            entry["state"] = "1" if entry["left"] else entry.get("then", "2")
        return [self._status(name) for name in self.states]

    def listed_at(self, _cid: str) -> datetime:
        return datetime.now(UTC)

    def start_action(self, cid: str, action: str, details: Sequence[ActionDetail]) -> str:
        names = [detail.tid.removeprefix("tid-") for detail in details]
        self.sent.append((MapAction(action).name, names))
        if self.refuse_bulk and len(names) > 1:
            raise InvalidRequest("one map at a time", code="BadRequest")
        self._asked += 1
        request_id = f"r{self._asked}"
        for name, detail in zip(names, details, strict=True):
            self._take(request_id, MapAction(action), name)
            if action == MapAction.START and detail.skip_initial_sync is False:
                self._sync(request_id, name, detail)
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

    def executions(self, pid: str) -> list[Execution]:
        self._answer("executions")
        self.reports += 1
        return self.runs.get(pid.removeprefix("pid-"), [])

    def schemas(self) -> list[dict[str, Any]]:
        named = [{"name": table, "keys": [{"name": "userKeys", "fields": held}]} for table, held in self.keys.items()]
        return named + [{"name": self.table(name)} for name in self.states if self.table(name) not in self.keys]

    def set_integration_keys(self, dataset: str, keys: Mapping[str, Sequence[str]]) -> None:
        self.keys_set.append({table: list(columns) for table, columns in keys.items()})
        if self.key_refusal and len(keys) > 1:
            raise self.key_refusal
        on_tables = [name for name in self.states if self.table(name) in keys]
        assert all(self.states[name] in ("1", "6", "none") for name in on_tables), "a map of the table is not stopped"
        if not self.deaf_keys:
            self.keys |= self.keys_set[-1]

    def table(self, name: str) -> str:
        return name.partition(" - ")[0]

    def _sync(self, request_id: str, name: str, detail: ActionDetail) -> None:
        """The map goes through state 2; its request waits until the sync has ended."""
        self.syncs.append((name, detail.master.value))
        waiting = self._requests[name][-1]
        if waiting["state"] == "3":
            return
        errors = self.sync_errors.get(name) or []
        count, text = errors.pop(0) if errors else (0, "")
        self._due = [entry for entry in self._due if entry[1] != name]
        self._due += [(self.lists + 1, name, "2"), (self.lists + 3, name, "1" if count else "4")]
        waiting |= {"state": "1", "left": 3, "then": "3" if count else "2", "errorMessage": text or None}
        made = [self._execution(request_id, company, count, text) for company in self.synced_companies]
        self.runs[name] = [*made, *self.runs.get(name, [])]

    def _execution(self, request_id: str, company: str, count: int, text: str) -> Execution:
        rows = self.rows if company == self.synced_companies[-1] else 0
        errors = count if company == self.synced_companies[-1] else 0
        reasons = [{"errorMessage": text}] if errors else []
        leg = {"status": "ERROR" if errors else "COMPLETED", "importErrors": reasons}
        return Execution.model_validate(
            {
                "initialSyncRequestId": request_id,
                "legalEntityName": company,
                "upsertCount": rows - errors,
                "errorCount": errors,
                "taskExecutionStatuses": [{"legs": [leg]}],
            }
        )

    def _answer(self, call: str) -> None:
        """Calls in `silent` get so many times no answer."""
        if self.silent.get(call):
            self.silent[call] -= 1
            raise ServiceUnavailable("the service is restarting")

    def _take(self, request_id: str, action: MapAction, name: str) -> None:
        created = f"2026-03-02T{self._asked:06}"
        entry: dict[str, Any] = {
            "requestId": request_id, "action": action.value, "state": "2", "createdOn": created,
        }  # fmt: skip
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
        return EntityMapStatus.model_validate({"rightEntity": {"name": self.table(name)}, "detail": detail})
