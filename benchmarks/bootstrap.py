"""The bootstrap against the pattern that it replaces, and its memory.

The old pattern (dual-write-semantics.md 6.2): read 1,000 rows, write them in one request, read again, one after the
other. The emulator answers from memory; a service takes time for each row, so each batch is delayed by
`SECONDS_A_ROW` for each of its rows, as a batch is executed row by row and batches run side by side (12.2).
"""

import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import httpx

from benchmarks.figures import Figure
from providers.api.dataverse.client import Dataverse
from providers.api.dataverse.updates import RowUpdate
from providers.api.session import Session
from providers.api.transport.clouds import profile
from providers.protocol.findings import Finding
from providers.protocol.waiting import Talk
from providers.stamping.run import BATCH, WORKERS, RunSettings, stamp_tables
from providers.stamping.tables import StampedTable, find_scope
from tools import emulator_process

HOST = "fabrikam-sales.crm4.dynamics.com"
SECONDS_A_ROW = 0.01
OLD_BATCH = 1000
OLD_ROWS, NEW_ROWS = 2 * OLD_BATCH, 12_000
FEW_ROWS, MANY_ROWS = 20_000, 200_000
COMPANY = str(UUID(int=1))
ACCOUNTS = StampedTable("accounts", "accountid", "msdyn_company", "msdyn_company", COMPANY)


class Quiet(Talk):
    """Real time, and nobody who listens."""

    sleep = staticmethod(time.sleep)
    clock = staticmethod(time.monotonic)

    def progress(self, text: str) -> None:
        """Say nothing."""

    def announce(self, text: str, finding: Finding | None = None) -> None:
        """Say nothing."""


def stamped(dataverse: Dataverse, table: StampedTable) -> None:
    """A bootstrap of one table as the provider runs it."""
    settings = RunSettings(seconds=3600, max_failures=0, settle=1)
    with ThreadPoolExecutor(WORKERS) as executor:
        stamp_tables(dataverse, [table], settings, Quiet(), executor)


def one_after_the_other(dataverse: Dataverse, table: StampedTable) -> None:
    """The old pattern: whole rows are read, 1,000 are written, until a reading finds none."""
    while True:
        page = next(dataverse.pages(table.set_name, filter=table.lacking, page_size=OLD_BATCH))
        if not page.rows:
            return
        dataverse.update_rows(table.set_name, [RowUpdate(row[table.primary_id], table.stamp) for row in page.rows])


def rows_a_second(folder: Path) -> list[Figure]:
    """Both patterns on an emulator of their own, on a service that takes time for a row."""
    state = folder / "bootstrap"
    found = emulator_process.start(state=state)
    try:
        with mock.patch.dict(os.environ, emulator_process.variables(state)):
            dataverse = Session(profile("emulator")).dataverse(HOST)
            old = _measured(found.url, dataverse, one_after_the_other, OLD_ROWS, OLD_BATCH)
            new = _measured(found.url, dataverse, stamped, NEW_ROWS, BATCH)
    finally:
        emulator_process.stop(state)
    what = f"bootstrap, rows a second at {SECONDS_A_ROW * 1000:.0f} ms a row"
    return [Figure(what, f"{new:,.0f}", f"{old:,.0f} one after the other; {new / old:.1f} times, bar 5 (design 9)")]


def memory() -> Figure:
    """Peak memory of a process that stamps ten times the rows."""
    few, many = (_peak(rows) for rows in (FEW_ROWS, MANY_ROWS))
    return Figure(f"bootstrap, peak memory at {MANY_ROWS:,} rows", f"{many:,.0f} MB", f"{few:,.0f} MB at {FEW_ROWS:,}")


def _measured(
    url: str, dataverse: Dataverse, stamp: Callable[[Dataverse, StampedTable], None], rows: int, batch: int
) -> float:
    with _control(url) as control:
        control("seed", {"generated_rows": {"dataverse": {HOST: _sets(rows)}}})
        (company,) = dataverse.companies()[-1:]
        (table,) = find_scope(
            company=company.code,
            business_units=["Fabrikam Retail"],
            tables=["accounts"],
            overwrite=False,
            companies=[company],
            units=dataverse.business_units(),
            definitions=dataverse.table_definitions(["accounts"]),
        ).tables
        lacking = dataverse.count("accounts", table.lacking, select=table.ids)
        delay = SECONDS_A_ROW * batch
        control("faults", {"service": "dataverse", "path": "*/$batch", "count": 0, "delay": delay})
        begun = time.perf_counter()
        stamp(dataverse, table)
        taken = time.perf_counter() - begun
        control("faults", None)
    return lacking / taken


def _sets(rows: int) -> dict[str, Any]:
    code = f"B{rows % 997:03}"
    company = {"cdm_companycode": code, "cdm_name": f"Company {code}", "cdm_isenabledfordualwrite": True}
    account = {"name": "Account {n}", "_ownerid_value": {"teams": {"name": "Fabrikam Retail"}}}
    return {"cdm_companies": {"count": 1, "template": company}, "accounts": {"count": rows, "template": account}}


@contextmanager
def _control(url: str) -> Iterator[Callable[[str, Any], None]]:
    with httpx.Client(base_url=f"{url}/_emulator/", trust_env=False, timeout=120) as client:

        def call(path: str, body: Any) -> None:
            answer = client.delete(path) if body is None else client.post(path, json=body)
            answer.raise_for_status()

        yield call


def _peak(rows: int) -> float:
    command = [sys.executable, "-m", "benchmarks.bootstrap", str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


class Tokens:
    """A token that nobody checks."""

    def token(self, scope: str, /, claims: str | None = None) -> str:
        """Any text."""
        return "token"

    def forget(self, scope: str, /) -> None:
        """There is nothing to forget."""


class ManyRows(httpx.BaseTransport):
    """A table of so many rows without a company, behind the Web API; it keeps one byte a row."""

    def __init__(self, rows: int) -> None:
        self._stamped = bytearray(rows)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """A page of ids, a count, or a batch in which every update is done."""
        if request.method == "POST":
            return self._batch(request.read().decode())
        if "$count" in request.url.params:
            return httpx.Response(200, json={"@odata.count": 5000, "value": []})
        return self._page(int(request.url.params.get("$skiptoken", 0)), "eq null" in request.url.params["$filter"])

    def check(self) -> None:
        """Raise unless every row was stamped."""
        if not all(self._stamped):
            raise AssertionError("rows were left out")

    def _page(self, begin: int, lacking: bool) -> httpx.Response:
        fitting = (each for each in range(begin, len(self._stamped)) if bool(self._stamped[each]) is not lacking)
        places = list(islice(fitting, 5000))
        place = places[-1] + 1 if len(places) == 5000 else len(self._stamped)
        rows = [{"@odata.etag": 'W/"1"', "accountid": str(UUID(int=each))} for each in places]
        condition = "company eq null" if lacking else "company"
        link = f"https://{HOST}/api/data/v9.2/accounts?$filter={condition}&$skiptoken={place}"
        more = {"@odata.nextLink": link} if place < len(self._stamped) else {}
        return httpx.Response(200, json={"value": rows, **more})

    def _batch(self, body: str) -> httpx.Response:
        parts = []
        for row_id in re.findall(r"PATCH \S+/accounts\(([0-9a-f-]+)\)", body):
            self._stamped[UUID(row_id).int] = 1
            head = "--answer\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            parts.append(f"{head}HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\r\n\r\n")
        headers = {"Content-Type": "multipart/mixed; boundary=answer"}
        return httpx.Response(200, text="".join(parts) + "--answer--\r\n", headers=headers)


if __name__ == "__main__":
    transport = ManyRows(int(sys.argv[1]))
    stamped(Session(profile("public"), tokens=Tokens(), transport=transport).dataverse(HOST), ACCOUNTS)
    transport.check()
    # Kilobytes on Linux.
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
