"""`make bench`: requests, many resources, the bootstrap and its predecessor, all maps, pins, start-up, the page.

Each figure stands beside the number it is measured against (design 7 and 9, rule book R2). Figures depend on the
machine and on what else runs there; compare runs of one machine only.
"""

import os
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from pulumi.dynamic.dynamic import serialize_provider
from rich.console import Console
from rich.table import Table

from benchmarks import bootstrap, maps, pins
from benchmarks.figures import Figure
from benchmarks.page import page
from benchmarks.start_up import start_up
from providers.live_sync import LiveSyncProvider
from tools import emulator_process

REQUESTS = 2000
RESOURCES = 1000
KEYS = "https://login.microsoftonline.com/common/discovery/v2.0/keys"


@contextmanager
def emulator(folder: Path) -> Iterator[tuple[str, str]]:
    """A private emulator: its proxy URL and the path of its CA."""
    state = folder / "emulator"
    found = emulator_process.start(state=state)
    try:
        yield found.url, found.ca
    finally:
        emulator_process.stop(state)


def requests_a_second(url: str, authority: str) -> Figure:
    """Small answers on one connection through proxy and TLS."""
    context = ssl.create_default_context(cafile=authority)
    with httpx.Client(proxy=url, verify=context, trust_env=False) as client:
        client.get(KEYS).raise_for_status()
        begun = time.perf_counter()
        for _ in range(REQUESTS):
            client.get(KEYS)
        taken = time.perf_counter() - begun
    return Figure("requests a second, one connection", f"{REQUESTS / taken:,.0f}", "some 950 (design 7)")


def serialised_providers() -> Figure:
    """What the SDK does for each dynamic resource of a program; by-value providers recurse before 1,000 (R2)."""
    provider = LiveSyncProvider()
    begun = time.perf_counter()
    for _ in range(RESOURCES):
        serialize_provider(provider)
    taken = time.perf_counter() - begun
    return Figure(f"{RESOURCES:,} providers serialised", f"{taken:.3f} s", "3,000 in 0.07 s, stateless class (R2)")


def main() -> None:
    """Measure everything once and print a table."""
    table = Table("what", "measured", "compared with", title=f"on {os.cpu_count()} cores", title_justify="left")
    with tempfile.TemporaryDirectory() as folder, emulator(Path(folder)) as (url, authority):
        figures = [requests_a_second(url, authority), serialised_providers()]
    with tempfile.TemporaryDirectory() as folder:
        figures += bootstrap.rows_a_second(Path(folder))
        figures.append(maps.all_maps(Path(folder)))
        figures += pins.sixty_pins(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        figures += start_up(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        figures += page(Path(folder))
    figures.append(bootstrap.memory())
    for figure in figures:
        table.add_row(*figure)
    Console().print(table)


if __name__ == "__main__":
    main()
