"""Starting all standard maps at once, against the bound that the emulator's durations and the prerequisites set.

The clock of the tenant is stepped: it moves when the program waits and at no other time, so that tenant seconds are the
program's own doing. The bound is that of a client which sees every change at once and asks for each map in the moment
in which its prerequisites run.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from benchmarks.figures import Figure
from providers.api.dual_write.actions import ActionDetail, MapAction
from providers.api.dual_write.client import DualWriteManagement
from providers.api.session import Session
from providers.api.transport.clouds import PollIntervals, profile
from providers.api.transport.timing import Timing
from providers.application_package import ApplicationPackageProvider, PackageInputs
from providers.catalogue.selection import choose_maps, standard
from providers.dual_write_connection import ConnectionInputs, DualWriteConnectionProvider
from providers.maps.operations import MapOperations, Pace
from providers.maps.order import chains
from providers.protocol.base import Call
from tools import emulator_process

CDS, FINOPS = "https://lamna-sales.crm4.dynamics.com", "https://lamna-erp.sandbox.operations.eu.dynamics.com"
# What the emulator takes, in seconds: a start, each further map of one request, and until the list shows the state.
START, STAGGER, LAG = 15, 1, 3
BAR = 1.15


class TenantTime:
    """Time that passes when somebody waits."""

    def __init__(self, url: str) -> None:
        """`url`: the control plane of an emulator with a stepped clock."""
        self._control = httpx.Client(base_url=url, trust_env=False)
        self._behind = self.elapsed = 0.0
        self.step = 60.0

    def sleep(self, seconds: float) -> None:
        """Let time pass; the tenant's clock follows in steps of `step` seconds, 0 = at once."""
        self.elapsed += seconds
        self._behind += seconds
        if self._behind >= self.step:
            self._control.post("/_emulator/clock", json={"advance": self._behind}).raise_for_status()
            self._behind = 0.0

    def clock(self) -> float:
        """Seconds since the beginning."""
        return self.elapsed


class Watched(DualWriteManagement):
    """Counts what it is asked for."""

    def __init__(self, service: DualWriteManagement, time: TenantTime) -> None:
        """A wrapper around the client of the session."""
        self._service = service
        self._time = time
        self.fastest = service.fastest
        self.starts: list[float] = []
        self.lists = 0

    def maps(self, cid: str, *, fresh: bool = False, refresh: bool = False) -> Any:
        """E2."""
        self.lists += 1
        return self._service.maps(cid, fresh=fresh, refresh=refresh)

    def start_action(self, cid: str, action: str, details: Sequence[ActionDetail]) -> str:
        """E3."""
        if action == MapAction.START:
            self.starts.append(self._time.clock())
        return self._service.start_action(cid, action, details)

    def prerequisite_sequences(self, cid: str, template_ids: Sequence[str]) -> list[list[str]]:
        """E5."""
        return self._service.prerequisite_sequences(cid, template_ids)


def all_maps(folder: Path) -> Figure:
    """All standard maps of a pair, from stopped to running."""
    state = folder / "maps"
    found = emulator_process.start(state=state, clock="stepped")
    try:
        with mock.patch.dict(os.environ, emulator_process.variables(state)):
            return _measured(TenantTime(found.url))
    finally:
        emulator_process.stop(state)


def _ready(needs: Mapping[str, frozenset[str]], ends: Mapping[str, float], now: float) -> list[str]:
    """Maps that do not run yet and whose prerequisites all do."""
    ended = {name for name, end in ends.items() if end <= now}
    return [name for name in needs if name not in ends and needs[name] <= ended]


def bound(needs: Mapping[str, frozenset[str]]) -> float:
    """Seconds until all maps run, for a client that sees everything at once; `needs` holds all prerequisites."""
    lengths = chains(needs)
    ends: dict[str, float] = {}
    now = 0.0
    while len(ends) < len(needs):
        ready = _ready(needs, ends, now)
        for place, name in enumerate(sorted(ready, key=lambda each: -lengths.get(each, 0))):
            ends[name] = now + START + LAG + place * STAGGER
        now = min((end for end in ends.values() if end > now), default=now)
    return max(ends.values())


def _measured(time: TenantTime) -> Figure:
    polls = PollIntervals()
    session = Session(profile("emulator", polls=polls), timing=Timing(sleep=time.sleep, clock=time.clock))
    call = Call(session_for=lambda _cloud, **_options: session, sleep=time.sleep, clock=time.clock, write=_nothing)
    cid = linked(call)
    service = Watched(session.dual_write, time)
    names = [status.name for status in service.maps(cid, fresh=True)]
    for status in service.maps(cid, fresh=True):
        service.start_action(cid, MapAction.INITIALISE, [ActionDetail(tid=status.detail.tid)])
    time.sleep(60)
    pace = Pace(polls.map_action, polls.initial_sync, 7200, time.clock, time.sleep)
    service.lists, time.step = 0, 0.0
    report = MapOperations(service, cid, pace=pace, progress=_nothing).bring_to(dict.fromkeys(names, "running"))
    taken = time.clock() - service.starts[0]
    least = bound({name: _needs(name, names) for name in names})
    if report.failures:
        raise RuntimeError(f"{len(report.failures)} maps do not run")
    return Figure(
        f"{len(names)} maps from stopped to running, tenant seconds",
        f"{taken:.0f} ({len(service.starts)} starts, {service.lists} lists)",
        f"bound {least:.0f}; {taken / least:.2f} times, bar {BAR}",
    )


def linked(call: Call) -> str:
    """A pair of the seed with the maps of every area; the id of its link."""
    needed = choose_maps(["all"])
    for package in needed.packages:
        ApplicationPackageProvider().on_create(PackageInputs(cloud="emulator", cds=CDS, package=package), call)
    inputs = ConnectionInputs(
        cloud="emulator", cds=CDS, finops=FINOPS, companies="as-linked", solutions=list(needed.solutions), timeout="4h"
    )
    return DualWriteConnectionProvider().on_create(inputs, call)[1].connection_id


def _needs(name: str, names: Sequence[str]) -> frozenset[str]:
    """The map's prerequisites in this link, and theirs."""
    known, found = standard().maps, set[str]()
    waiting = [name]
    while waiting:
        entry = known.get(waiting.pop())
        fresh = {need for need in (entry.needs if entry else ()) if need in names} - found
        found |= fresh
        waiting += fresh
    return frozenset(found - {name})


def _nothing(*_values: object, **_options: object) -> None:
    """Nobody listens."""
