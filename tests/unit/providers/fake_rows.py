"""Rows of a small Dataverse with versions, pages, batches and everything that goes wrong with them; no HTTP."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from providers.api.dataverse.batch import Fate, RowUpdate, UpdateAnswer
from providers.api.dataverse.models import BusinessUnit, Company, EntityDefinition
from providers.api.transport.errors import InvalidRequest, NotFound, Throttled, TransportError
from providers.api.transport.odata_rows import RowPage
from providers.api.transport.service_limits import ServiceLimits

USMF, OTHER = (str(UUID(int=number)) for number in (101, 102))
RETAIL, ONLINE = (str(UUID(int=number)) for number in (201, 202))


class Killed(BaseException):
    """The provider process ended here."""


class Inline(Executor):
    """Runs what is submitted at once: the same order in every run."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Killed:
            raise
        except BaseException as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future


@dataclass
class FakeRow:
    """A row of a table; `writes` counts how often its company was set."""

    unit: str = RETAIL
    company: str | None = None
    version: int = 1
    writes: int = 0


@dataclass
class FakeRows:
    """The rows of one organization by set and id. `faults` happen to one batch each, in order.

    A fault takes a batch and a function that executes the first n updates of it (all without n).
    """

    tables: dict[str, dict[str, FakeRow]] = field(default_factory=dict)
    page: int = 5
    keyset: bool = True
    failing: set[str] = field(default_factory=set)
    reverting: set[str] = field(default_factory=set)
    faults: list["Fault"] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    unfinished: list[tuple[str, RowUpdate]] = field(default_factory=list)
    counted: int = 0
    reads: int = 0
    limits: ServiceLimits = field(default_factory=lambda: ServiceLimits(time.monotonic))
    lock: threading.RLock = field(default_factory=threading.RLock)

    # What providers call.

    def pages(self, set_name: str, *, filter: str, select: Sequence[str], page_size: int = 0) -> Iterator[RowPage]:  # noqa: A002
        place: Any = "" if self.keyset else 0
        while True:
            with self.lock:
                self.reads += 1
                found = self._matching(set_name, filter)
                rest = [each for each in found if each > place] if self.keyset else found[place:]
                shown = rest[: self.page]
                place = (shown or [""])[-1] if self.keyset else place + self.page
                rows = [self._shown(set_name, row_id, select[0]) for row_id in shown]
                last = len(rest) <= self.page
            yield RowPage(rows, last)
            if last:
                return

    def rows(self, set_name: str, *, filter: str, select: Sequence[str]) -> Iterator[dict[str, Any]]:  # noqa: A002
        with self.lock:
            self.reads += 1
            found = self._matching(set_name, filter)
        return iter([self._shown(set_name, row_id, select[0]) for row_id in found])

    def count(self, set_name: str, filter: str, *, select: Sequence[str]) -> int:  # noqa: A002
        self.counted += 1
        return len(self._matching(set_name, filter))

    def update_rows(self, set_name: str, updates: Sequence[RowUpdate]) -> list[UpdateAnswer]:
        with self.lock:
            self.batches.append(len(updates))

            def execute(count: int | None = None) -> list[UpdateAnswer]:
                return [self._update(set_name, update) for update in updates[:count]]

            fault = self.faults.pop(0) if self.faults else Fault()
            answers = fault.happen(self, set_name, updates, execute)
            assert len(answers) == len(updates)
            return answers

    def companies(self) -> list[Company]:
        return [Company(id=USMF, code="USMF", enabled=True), Company(id=OTHER, code="TSUS", enabled=False)]

    def business_units(self) -> list[BusinessUnit]:
        return [BusinessUnit(id=RETAIL, name="Fabrikam Retail"), BusinessUnit(id=ONLINE, name="Fabrikam Online")]

    def table_definitions(self, set_names: Sequence[str]) -> dict[str, EntityDefinition]:
        return {name: a_definition(name) for name in set_names if name in self.tables}

    def entity_definition(self, logical_name: str) -> EntityDefinition | None:
        return None

    def entity_set_names(self) -> list[str]:
        return sorted(self.tables)

    # What happens behind their back.

    def finish_what_runs(self) -> None:
        """Updates that a lost or killed batch had left at the service are executed now."""
        with self.lock:
            left, self.unfinished = self.unfinished, []
            for set_name, update in left:
                self._update(set_name, update)

    def _update(self, set_name: str, update: RowUpdate) -> UpdateAnswer:
        row = self.tables[set_name].get(update.row_id)
        if row is None:
            return UpdateAnswer(Fate.MISMATCH, NotFound("does not exist", code="0x80040217", status=404))
        if update.version not in ("*", f'W/"{row.version}"'):
            return UpdateAnswer(Fate.MISMATCH, InvalidRequest("another version", code="0x80060882", status=412))
        if update.row_id in self.failing:
            return UpdateAnswer(Fate.FAILED, InvalidRequest(f"row {update.row_id} has no group", code="0x80040265"))
        (bound,) = update.values.values()
        row.company = str(bound).removeprefix("/cdm_companies(").removesuffix(")")
        row.version += 1
        row.writes += 1
        if update.row_id in self.reverting:
            row.company = None
            row.version += 1
        return UpdateAnswer(Fate.DONE)

    def _shown(self, set_name: str, row_id: str, key: str) -> dict[str, Any]:
        return {"@odata.etag": f'W/"{self.tables[set_name][row_id].version}"', key: row_id}

    def _matching(self, set_name: str, condition: str) -> list[str]:
        return sorted(each for each, row in self.tables[set_name].items() if _holds(condition, each, row))


@dataclass(frozen=True)
class Fault:
    """What happens to one batch; this one is none."""

    def happen(
        self, rows: FakeRows, set_name: str, updates: Sequence[RowUpdate], execute: Callable[..., list[UpdateAnswer]]
    ) -> list[UpdateAnswer]:
        return execute()


@dataclass(frozen=True)
class Lost(Fault):
    """No answer; `done` updates had been executed, and the rest is too, later, if `runs_on`; `kills` the caller."""

    done: int = 0
    runs_on: bool = False
    kills: bool = False

    def happen(self, rows: Any, set_name: Any, updates: Any, execute: Any) -> list[UpdateAnswer]:
        execute(self.done)
        if self.runs_on:
            rows.unfinished += [(set_name, update) for update in updates[self.done :]]
        if self.kills:
            raise Killed
        lost = TransportError("the answer was lost", may_have_happened=True)
        return [UpdateAnswer(Fate.UNCLEAR, lost)] * len(updates)


@dataclass(frozen=True)
class Throttle(Fault):
    """Every `each`-th update is refused with a wait; 1 means the whole batch."""

    each: int = 1
    wait: float | None = 30.0

    def happen(self, rows: Any, set_name: Any, updates: Any, execute: Any) -> list[UpdateAnswer]:
        refused = UpdateAnswer(Fate.REFUSED, Throttled("too many requests", code="0x80072322"), self.wait)
        return [
            refused if number % self.each == 0 else rows._update(set_name, update)
            for number, update in enumerate(updates)
        ]


@dataclass(frozen=True)
class Truncated(Fault):
    """All is executed, but only the first `told` answers arrive."""

    told: int = 0

    def happen(self, rows: Any, set_name: Any, updates: Any, execute: Any) -> list[UpdateAnswer]:
        answers: list[UpdateAnswer] = execute()
        unknown = UpdateAnswer(Fate.UNCLEAR, TransportError("cut", may_have_happened=True))
        return answers[: self.told] + [unknown] * len(answers[self.told :])


def a_definition(set_name: str) -> EntityDefinition:
    """The metadata of a table; only `products` has no business unit, only `notes` no company."""
    logical = set_name.removesuffix("s")
    column, navigation = ("msdyn_companyid", "msdyn_CompanyId") if set_name == "products" else ("msdyn_company",) * 2
    company = {
        "ReferencingAttribute": column,
        "ReferencedEntity": "cdm_company",
        "ReferencingEntityNavigationPropertyName": navigation,
    }
    return EntityDefinition.model_validate(
        {
            "LogicalName": logical,
            "EntitySetName": set_name,
            "PrimaryIdAttribute": f"{logical}id",
            "Attributes": [] if set_name == "products" else [{"LogicalName": "owningbusinessunit"}],
            "ManyToOneRelationships": [] if set_name == "notes" else [company],
        }
    )


def _holds(condition: str, row_id: str, row: FakeRow) -> bool:
    """Whether a condition of the form `a and (b or c) and d` holds."""
    depth, start, parts = 0, 0, []
    for place, character in enumerate(condition):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0 and condition.startswith(" and ", place):
            parts.append(condition[start:place])
            start = place + len(" and ")
    return all(
        any(_term(term, row_id, row) for term in part.strip("()").split(" or ")) for part in [*parts, condition[start:]]
    )


def _term(term: str, row_id: str, row: FakeRow) -> bool:
    column, operator, value = term.split()
    held = row_id
    if column.endswith("_value"):
        held = (row.unit if "businessunit" in column else row.company) or "null"
    return (held == value) is (operator == "eq")
