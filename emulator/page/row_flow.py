"""Rows on their way through the maps: how many in which direction, the last ones, and those that were refused.

Kept in memory since the emulator's start. Live sync is counted write by write, also one that a later refusal in the
same transaction undoes; what initial syncs moved stands in their executions.
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from emulator.data.schemas import Plane
from emulator.dual_write import executions
from emulator.dual_write.row_mapping import source_properties
from emulator.dual_write.sent_rows import RowSent
from emulator.page.conditions import Problem, problem
from emulator.tenant import Tenant, TenantReset

KEPT = 200
SHOWN = 6
_MOST_CHANGES = 4
_LONGEST_VALUE = 40


@dataclass(frozen=True)
class SentRow:
    """One row that went, or should have gone, to the other side. `source`: finops or dataverse."""

    number: int
    time: str
    cid: str
    map_id: str
    label: str
    source: Plane
    row: str
    what: str
    milliseconds: float
    queued: bool
    problem: Problem | None


@dataclass(frozen=True)
class MapCounts:
    """Rows of one map by direction: live sync, and the newest initial sync of each company."""

    map_id: str
    to_dataverse: int
    to_finance: int
    refused: int
    initial_rows: int
    initial_errors: int


@dataclass(frozen=True)
class Flow:
    """What flowed through one link."""

    counts: tuple[MapCounts, ...]
    last: tuple[SentRow, ...]
    refused: tuple[SentRow, ...]


class RowFlow:
    """Follows what the maps send."""

    def __init__(self, tenant: Tenant) -> None:
        """Begin to listen."""
        self._tenant = tenant
        self._forget()
        self.number = 0
        tenant.signals.subscribe(RowSent, self._note)
        tenant.signals.subscribe(TenantReset, lambda _reset: self._forget())

    def _forget(self) -> None:
        self._last: deque[SentRow] = deque(maxlen=KEPT)
        self._refused: deque[SentRow] = deque(maxlen=KEPT)
        self._counts: dict[tuple[str, str], dict[str, int]] = {}

    def _note(self, sent: RowSent) -> None:
        self.number += 1
        table_map, change = sent.table_map, sent.change
        counts = self._counts.setdefault((table_map.cid, table_map.id), {"finops": 0, "dataverse": 0, "refused": 0})
        counts["refused" if sent.error else change.source] += 1
        row = SentRow(
            number=self.number,
            time=self._tenant.clock.now().isoformat(timespec="milliseconds"),
            cid=table_map.cid,
            map_id=table_map.id,
            label=table_map.definition.finops_entity,
            source=change.source,
            row=_name(sent),
            what=_what(sent),
            milliseconds=round(sent.seconds * 1000, 2),
            queued=sent.queued,
            problem=problem(sent.error) if sent.error else None,
        )
        (self._refused if sent.error else self._last).appendleft(row)

    def of_link(self, cid: str, map_id: str | None = None) -> Flow:
        """Return what flowed through a link, or through one map of it."""
        synced = _initial_syncs(self._tenant, cid)
        ids = sorted({each for link, each in self._counts if link == cid} | set(synced))
        counts = tuple(self._counts_of(cid, each, synced) for each in ids if map_id in {None, each})
        return Flow(counts, _first(self._last, cid, map_id), _first(self._refused, cid, map_id))

    def _counts_of(self, cid: str, map_id: str, synced: Mapping[str, tuple[int, int]]) -> MapCounts:
        live = self._counts.get((cid, map_id), {})
        rows, errors = synced.get(map_id, (0, 0))
        return MapCounts(map_id, live.get("finops", 0), live.get("dataverse", 0), live.get("refused", 0), rows, errors)


def _first(rows: deque[SentRow], cid: str, map_id: str | None) -> tuple[SentRow, ...]:
    found = [row for row in rows if row.cid == cid and map_id in {None, row.map_id}]
    return tuple(found[:SHOWN])


def _initial_syncs(tenant: Tenant, cid: str) -> dict[str, tuple[int, int]]:
    """Return rows written and rows refused by the last initial sync of each map."""
    texts = tenant.store.texts(executions.KIND, f"{cid}/")
    return {key.partition("/")[2]: _written_and_refused(text) for key, text in texts}


# These documents are long and change once a sync; the page asks for all of them at every look.
@lru_cache(maxsize=2_000)
def _written_and_refused(text: str) -> tuple[int, int]:
    newest: dict[str, dict[str, Any]] = {}
    for execution in json.loads(text)["executions"]:
        newest.setdefault(execution["legalEntityName"], execution)
    found = newest.values()
    return sum(each["upsertCount"] for each in found), sum(each["errorCount"] for each in found)


def _name(sent: RowSent) -> str:
    """Return what a person knows the row by: the values of its integration key, else its id."""
    row = sent.change.new or sent.change.old or {}
    values = [str(row[name]) for name in _key_names(sent) if row.get(name) not in (None, "")]
    return ", ".join(values) or sent.change.row_id


def _key_names(sent: RowSent) -> list[str]:
    """The columns of the integration key on the side that the row came from."""
    pairs = sent.table_map.definition.integration_key
    return [pair.finops if sent.change.source == "finops" else pair.dataverse for pair in pairs]


def _what(sent: RowSent) -> str:
    change = sent.change
    if change.new is None:
        return "deleted"
    if change.old is None:
        return "new row"
    mapped = source_properties(sent.table_map.definition, change.source)
    names = [name for name in change.changes if name in mapped]
    shown = [f"{name} = {_short(change.new.get(name))}" for name in names[:_MOST_CHANGES]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _short(value: object) -> str:
    text = "empty" if value in (None, "") else str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
