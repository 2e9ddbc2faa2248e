"""Faults on demand: which call, which time, and what happens to it."""

import fnmatch
import sqlite3
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from emulator.core.store import Store
from emulator.core.wire import Call, Reply

HTML_PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Something went wrong.</body></html>"


class Fault(BaseModel):
    """One fault: the calls it is about, and what it does to them.

    `path` is a shell pattern over the decoded path, matched case-blind. Of the matching calls those from the `nth` on
    are hit, `count` of them (0: until cleared). With `effect` the request is carried out before the answer is
    replaced or dropped, without it nothing happens in the tenant.
    """

    model_config = ConfigDict(extra="forbid")

    service: str = "*"
    method: str = "*"
    host: str = "*"
    path: str = "*"
    nth: int = Field(default=1, ge=1)
    count: int = Field(default=1, ge=0)
    status: int | None = Field(default=None, ge=200, le=599)
    body: Any = None
    headers: dict[str, str] = Field(default_factory=dict)
    effect: bool = False
    delay: float = Field(default=0.0, ge=0.0, description="real seconds before the request is looked at")
    drop: Literal["before", "after"] | None = None
    malformed: bool = False
    html: bool = False
    stale: bool = False

    _seen: int = PrivateAttr(default=0)
    _hits: int = PrivateAttr(default=0)
    _snapshot: sqlite3.Connection | None = PrivateAttr(default=None)

    def matches(self, service: str, call: Call) -> bool:
        """Return whether this fault is about the call, whichever time it is."""
        wanted = ((self.service, service), (self.method, call.method), (self.host, call.host), (self.path, call.path))
        return all(fnmatch.fnmatchcase(actual.lower(), pattern.lower()) for pattern, actual in wanted)

    def take(self) -> bool:
        """Count one matching call and say whether it is hit."""
        self._seen += 1
        if self._seen < self.nth or self.spent:
            return False
        self._hits += 1
        return True

    @property
    def spent(self) -> bool:
        """Return whether all hits are used up."""
        return self.count > 0 and self._hits >= self.count

    @property
    def replaces(self) -> bool:
        """Return whether the tenant's own handler is not asked at all."""
        return self.drop == "before" or (not self.effect and (self.status is not None or self.html))

    def applied(self, reply: Reply | None) -> Reply | None:
        """Return the answer this fault makes of `reply`; None means that the connection is dropped."""
        if self.drop is not None:
            return None
        if self.html:
            return Reply(self.status or 200, body=HTML_PAGE, headers={"Content-Type": "text/html", **self.headers})
        if self.status is not None:
            return _answer(self.status, self.body, dict(self.headers))
        answer = reply or Reply()
        headers = {**answer.headers, **self.headers}
        if self.malformed:
            return _cut(answer, headers)
        return Reply(answer.status, json=answer.json, body=answer.body, headers=headers)

    def describe(self) -> dict[str, Any]:
        """Return the definition with what has happened so far."""
        return {**self.model_dump(exclude_defaults=True), "seen": self._seen, "hits": self._hits}


def _answer(status: int, body: Any, headers: dict[str, str]) -> Reply:
    if isinstance(body, str):
        return Reply(status, body=body, headers=headers)
    return Reply(status, json=body, headers=headers)


def _cut(answer: Reply, headers: dict[str, str]) -> Reply:
    """The first half of the body, with the headers of the whole one."""
    content = answer.content() or b'{"value": ['
    kind = answer.content_type() or "application/json"
    return Reply(answer.status, body=content[: len(content) // 2 + 1], headers={"Content-Type": kind, **headers})


class Faults:
    """The faults that wait for their call. They are forgotten at a restart."""

    def __init__(self, store: Store) -> None:
        """Start without faults."""
        self._store = store
        self._faults: dict[int, Fault] = {}
        self._last = 0

    def add(self, fault: Fault) -> int:
        """Arm a fault and return its number; a stale read will show the state of this moment."""
        self._last += 1
        self._faults[self._last] = fault
        if fault.stale:
            fault._snapshot = self._store.snapshot()
        return self._last

    def items(self) -> list[dict[str, Any]]:
        """Return all faults with their numbers and counts."""
        return [{"id": number, **fault.describe()} for number, fault in self._faults.items()]

    def clear(self, number: int | None = None) -> None:
        """Forget one fault, or all."""
        if number is None:
            self._faults = {}
        else:
            self._faults.pop(number, None)

    def hit(self, service: str, call: Call) -> Fault | None:
        """Count the call for every fault it matches and return the first that hits it."""
        hits = [fault for fault in self._faults.values() if fault.matches(service, call) and fault.take()]
        return hits[0] if hits else None

    def snapshot_of(self, fault: Fault) -> sqlite3.Connection | None:
        """Return the state that a stale read shows, None for all other faults."""
        return fault._snapshot
