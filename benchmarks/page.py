"""The tenant's page: how long the server takes for it, what it costs while nothing happens, and what an `up` pays.

Six pairs with a thousand maps, from the fixture of the engine tests. A person who looks is a client that asks as the
page's script does: what changed since the last look, as often as the server says.
"""

import os
import statistics
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.figures import Figure
from benchmarks.start_up import product
from tools import emulator_process, workspace
from tools.engine.build import engine_folder
from tools.workspace import ROOT

FIXTURE = ROOT / "tests" / "engine" / "fixtures" / "six-pairs-of-2026-11-24.tar.xz"
SERVER_BAR, IDLE_BAR, UP_BAR = 0.3, 0.02, 1.05
ROUNDS, IDLE_SECONDS, UPS = 5, 20.0, 3


def page(folder: Path) -> list[Figure]:
    """Server time of the slowest screen, share of a core while idle, and `up` with and without a person who looks."""
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(folder / "six", filter="data")
    state = folder / "six" / "emulator"
    found = emulator_process.start(state=state, clock="scaled:60")
    try:
        with httpx.Client(base_url=found.url, trust_env=False) as client:
            slowest, what, maps = _slowest_screen(client)
        with looking(found.url, what):
            before = _cpu_seconds(found.pid)
            time.sleep(IDLE_SECONDS)
            idle = (_cpu_seconds(found.pid) - before) / IDLE_SECONDS
    finally:
        emulator_process.stop(state)
    alone, watched = _ups(folder)
    return [
        Figure(f"page, slowest of all screens with {maps:,} maps", f"{slowest:.3f} s", f"bar {SERVER_BAR} s"),
        Figure("page open on the largest pair, nothing happens", f"{idle:.1%} of a core", f"bar {IDLE_BAR:.0%}"),
        Figure(
            "up of new-new, page open",
            f"{watched:.2f} s",
            f"{alone:.2f} s without; {watched / alone:.3f}, bar {UP_BAR}",
        ),
    ]


def _slowest_screen(client: httpx.Client) -> tuple[float, str, int]:
    """Seconds and address of the screen that takes longest, and how many maps all of them show."""
    pairs = sorted(set(_between(client.get("/").text, 'href="/pairs/', '"')))
    screens = {"/": 0, **{f"/pairs/{pair}": client.get(f"/pairs/{pair}").text.count('class="node ') for pair in pairs}}
    taken = {address: statistics.median(_seconds(client, address) for _ in range(ROUNDS)) for address in screens}
    slowest = max(taken, key=lambda address: taken[address])
    return taken[slowest], max(screens, key=lambda address: screens[address]), sum(screens.values())


def _between(text: str, begin: str, end: str) -> Iterator[str]:
    for part in text.split(begin)[1:]:
        yield part.partition(end)[0]


def _seconds(client: httpx.Client, address: str) -> float:
    begun = time.perf_counter()
    client.get(address).raise_for_status()
    return time.perf_counter() - begun


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def looking(url: str, address: str) -> Iterator[None]:
    """Somebody has that screen open."""
    ended = threading.Event()
    person = threading.Thread(target=_look, args=(url, address, ended))
    person.start()
    try:
        yield
    finally:
        ended.set()
        person.join()


def _look(url: str, address: str, ended: threading.Event) -> None:
    with httpx.Client(base_url=url, trust_env=False) as client:
        version, rest = "none", 0.4
        while not ended.wait(rest):
            answer = client.get(address, headers={"Page-Version": version, "Page-Have": ""})
            version, rest = answer.headers["Page-Version"], float(answer.headers.get("Page-Rest", 1))


def _ups(folder: Path) -> list[float]:
    """Medians of the first `up` of a tenant of its own, without and with somebody who looks."""
    rounds = [
        [_up(folder / f"{number}-{watched}", watched=watched) for watched in (False, True)] for number in range(UPS)
    ]
    return [statistics.median(taken) for taken in zip(*rounds, strict=True)]


def _up(folder: Path, *, watched: bool) -> float:
    state = folder / "emulator"
    found = emulator_process.start(state=state)
    try:
        variables = workspace.child_environment(engine_folder(print), emulator_process.variables(state))
        program = product(folder / "product", variables)
        if not watched:
            return program.run("up", "--yes", "--skip-preview")
        with looking(found.url, "/"):
            return program.run("up", "--yes", "--skip-preview")
    finally:
        emulator_process.stop(state)
