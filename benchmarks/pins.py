"""Sixty maps of a live link that get another version, with the four threads that the engine's provider process has.

As in `maps`, the clock of the tenant is stepped; here it moves when all threads wait. The bound is that of four threads
which see every change at once: each stops, switches and starts one map after the other.
"""

import heapq
import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import httpx

from benchmarks.figures import Figure
from benchmarks.maps import CDS, FINOPS, LAG, START, TenantTime, linked
from providers.api.session import Session
from providers.api.transport.clouds import PollIntervals, profile
from providers.api.transport.timing import Timing
from providers.entity_map import EntityMapInputs, EntityMapProvider
from providers.maps.operations import MapOperations, Pace
from providers.maps.run import initialise
from providers.protocol.base import Call
from tools import emulator_process

# Threads of the engine's provider process for Python, and what the emulator takes for a stop, in seconds.
THREADS, STOP = 4, 10
PINS = 60
OLD, NEW = "1.0.0.0", "1.0.0.9"
BAR = 1.15


class ThreadsTime(TenantTime):
    """Time that passes when all of some threads wait."""

    def __init__(self, url: str) -> None:
        """`url`: the control plane of an emulator with a stepped clock."""
        super().__init__(url)
        self.step = 0.0
        self.threads = 1
        self._moved = threading.Condition()
        self._wakes: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Wait until so much time has passed; the last thread to wait lets it pass."""
        with self._moved:
            wake = self.elapsed + seconds
            heapq.heappush(self._wakes, wake)
            self._move()
            while self.elapsed < wake:
                self._moved.wait()

    def leave(self) -> None:
        """One thread has nothing left to do."""
        with self._moved:
            self.threads -= 1
            self._move()

    def _move(self) -> None:
        if self._wakes and len(self._wakes) >= self.threads:
            wake = self._wakes[0]
            super().sleep(wake - self.elapsed)
            while self._wakes and self._wakes[0] <= wake:
                heapq.heappop(self._wakes)
            self._moved.notify_all()


def sixty_pins(folder: Path) -> list[Figure]:
    """Switches of sixty maps that never ran, as at a first set-up, and of the same maps once they run."""
    state = folder / "pins"
    found = emulator_process.start(state=state, clock="stepped")
    try:
        with mock.patch.dict(os.environ, emulator_process.variables(state)):
            return _measured(found.url)
    finally:
        emulator_process.stop(state)


def _measured(url: str) -> list[Figure]:
    tenant, polls = ThreadsTime(url), PollIntervals()
    session = Session(profile("emulator", polls=polls), timing=Timing(sleep=tenant.sleep, clock=tenant.clock))
    call = Call(session_for=lambda _cloud, **_options: session, sleep=tenant.sleep, clock=tenant.clock, write=_nothing)
    cid = linked(call)
    names = [status.name for status in session.dual_write.maps(cid, fresh=True)][:PINS]
    for name in names:
        for version in (NEW, OLD):
            _person(url, action="switch-version", map=name, version=version)
    before = _calls(url)
    initialise(session, cid, names, call, 600)
    requests = (_calls(url) - before)["POST /Start"]
    first = _switched(url, names, NEW, call, tenant)
    pace = Pace(polls.map_action, polls.initial_sync, 7200, tenant.clock, tenant.sleep)
    MapOperations(session.dual_write, cid, pace=pace, progress=_nothing).bring_to(dict.fromkeys(names, "running"))
    again = _switched(url, names, OLD, call, tenant)
    least = -(-PINS // THREADS) * (STOP + LAG + START + LAG)
    return [
        Figure(
            f"versions of {PINS} new maps set, {THREADS} threads, tenant seconds",
            f"{first.seconds:.0f} ({first.costs})",
            f"initialised before in {requests} request",
        ),
        Figure(
            f"versions of {PINS} running maps switched, {THREADS} threads, tenant seconds",
            f"{again.seconds:.0f} ({again.costs})",
            f"bound {least}; {again.seconds / least:.2f} times, bar {BAR}",
        ),
    ]


class Taken(NamedTuple):
    """Tenant seconds, and calls and own CPU in words."""

    seconds: float
    costs: str


def _switched(url: str, names: list[str], version: str, call: Call, tenant: ThreadsTime) -> Taken:
    """Bring all these maps to a version with as many threads as there are."""
    begun, processor, before = tenant.clock(), time.process_time(), _calls(url)
    left, lock = list(names), threading.Lock()
    private = replace(call, private={"run_state": "running"})

    def work() -> None:
        try:
            while True:
                with lock:
                    if not left:
                        return
                    name = left.pop(0)
                inputs = {"cloud": "emulator", "cds": CDS, "finops": FINOPS, "map": name, "version": version}
                EntityMapProvider().on_create(EntityMapInputs.model_validate(inputs), private)
        finally:
            tenant.leave()

    tenant.threads = THREADS
    with ThreadPoolExecutor(THREADS) as executor:
        for each in [executor.submit(work) for _ in range(THREADS)]:
            each.result()
    tenant.threads = 1
    calls = _calls(url) - before
    lists, used = calls["GET /Entities"], time.process_time() - processor
    return Taken(tenant.clock() - begun, f"{calls.total()} calls, {lists} of them lists; {used:.1f} s CPU")


def _person(url: str, **action: str) -> None:
    body = {"environment": httpx.URL(CDS).host, **action}
    httpx.post(f"{url}/_emulator/person", json=body, trust_env=False).raise_for_status()


def _calls(url: str) -> Counter[str]:
    """Requests to the dual-write service so far, by method and last part of the path."""
    rows = httpx.get(f"{url}/_emulator/requests", params={"service": "dualwrite"}, trust_env=False).json()
    return Counter(f"{row['method']} /{row['path'].rpartition('/')[2]}" for row in rows)


def _nothing(*_values: object, **_options: object) -> None:
    """Nobody listens."""
