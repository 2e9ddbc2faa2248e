"""`docs/reliability.md`, every call of the clients under every fault: `python -m benchmarks.fault_matrix` writes it.

In process, on the emulated tenant, in time that passes only by waiting. Each cell has a tenant of its own, so that what
a fault leaves behind is seen. Ends with 1 when a cell is not as it has to be, and names it.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from unittest import mock

import httpx
from pydantic import BaseModel

from benchmarks.call_uses import uses
from benchmarks.client_calls import Use, known, prepared
from benchmarks.faults import FAULTS, Fault
from emulator.identity.tokens import SigningKey
from providers.api.transport import client, http
from providers.api.transport.errors import ApiError, NotFound
from tests.support.in_process import World, copied
from tools.workspace import ROOT

PAGE = "docs/reliability.md"
# More than any right call needs: patience is 10 minutes, and a lost answer is looked up for some more.
MOST_SECONDS, MOST_REQUESTS = 3600.0, 400
LARGEST_ANSWER, MOST_PAGES = 1024 * 1024, 50
LOGIN = "login.microsoftonline.com"
WRONG = ("hang", "traceback", "effect twice", "bearer elsewhere", "gone unsaid")


class EndlessError(BaseException):
    """A call went on beyond every bound."""


@dataclass
class Wire(httpx.BaseTransport):
    """Between the client and the tenant: the fault happens here, and everything that is sent is seen.

    `own_word`: whether the last answer is the tenant's own, as it came.
    """

    inner: httpx.BaseTransport
    world: World
    fault: Fault | None
    writes: bool
    hosts: set[str] = field(default_factory=set)
    strangers: list[str] = field(default_factory=list)
    accepted: list[tuple[str, str, bytes]] = field(default_factory=list)
    requests: int = 0
    turns: int = 0
    own: httpx.Response | None = None
    own_word: bool = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Count, look where the bearer goes, and let the fault happen to the requests that it is about."""
        self.requests += 1
        if self.requests > MOST_REQUESTS or self.world.elapsed > MOST_SECONDS:
            raise EndlessError
        if "authorization" in request.headers and not self._is_ours(request.url):
            self.strangers.append(str(request.url))
        response = self._happened(request)
        self.own_word = response is self.own
        return response

    def _happened(self, request: httpx.Request) -> httpx.Response:
        if self.fault is None or (self.writes and request.method == "GET"):
            return self._send(request)
        self.turns += 1
        return self.fault.happen(request, self._send, self.turns)

    def _is_ours(self, url: httpx.URL) -> bool:
        return url.scheme == "https" and self.world.tenant.service_of(url.host) is not None

    def _send(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == LOGIN and request.method == "POST":
            token = {"access_token": "of the login host", "expires_in": 3600}
            return httpx.Response(200, json=token, stream=httpx.ByteStream(json.dumps(token).encode()))
        response = self.own = self.inner.handle_request(request)
        if request.method != "GET" and response.status_code < 300:
            self.accepted.append((request.method, str(request.url), request.content))
        return response


class Cell(NamedTuple):
    """One call under one fault: how it ended, in a word, and what is wrong with that; empty when nothing is."""

    use: Use
    fault: Fault
    outcome: str
    wrong: tuple[str, ...]
    detail: str = ""

    def __str__(self) -> str:
        ended = ", ".join(self.wrong) or self.outcome
        return f"{self.use.client} {self.use.method}, {self.fault.name}: {ended}: {self.detail}"


class Matrix:
    """The prepared tenant, and every cell on a copy of it."""

    def __init__(self) -> None:
        self._key = SigningKey.generate()
        self._world = prepared(self._key)
        self._known = known(self._world.call().session("public"))

    def cells(self, chosen: Iterable[Use], faults: Iterable[Fault] = FAULTS) -> Iterator[Cell]:
        """The cells of these calls and faults, call by call. Raises what a call raises without any fault."""
        for use in chosen:
            right, error, _ = self._run(use, None)
            if error is not None:
                raise error
            yield from (self._cell(use, fault, right) for fault in faults)

    def _cell(self, use: Use, fault: Fault, right: object) -> Cell:
        value, error, wire = self._run(use, fault)
        outcome = _outcome(error)
        wrong = (
            isinstance(error, EndlessError),
            outcome == "other" and not isinstance(error, EndlessError),
            use.effect == "once" and _repeated(wire.accepted),
            bool(wire.strangers),
            _gone(use, value, error, right) and not _said_so(use, fault, wire),
        )
        names = tuple(name for name, holds in zip(WRONG, wrong, strict=True) if holds)
        return Cell(use, fault, outcome, names, _detail(value, error, wire))

    def _run(self, use: Use, fault: Fault | None) -> tuple[object, BaseException | None, Wire]:
        """The value of a call on a copy of the tenant, or the error; and what was on the wire."""
        world = copied(self._world, self._key)
        wires: list[Wire] = []

        def network(inner: httpx.BaseTransport) -> httpx.BaseTransport:
            wires.append(Wire(inner, world, fault, use.effect != "reads"))
            return wires[0]

        world.network = network
        there = replace(self._known, session=world.call().session("public"))
        try:
            return use.run(there), None, wires[0]
        except (Exception, EndlessError) as error:  # noqa: BLE001 - what leaves a client is what is looked at
            return None, error, wires[0]


def _gone(use: Use, value: object, error: BaseException | None, right: object) -> bool:
    """Whether the caller takes a thing for absent that is there."""
    return isinstance(error, NotFound) or (error is None and use.effect == "reads" and _is_less(value, right))


def _said_so(use: Use, fault: Fault, wire: Wire) -> bool:
    """Whether the service said that, in its own last answer or in the one that the fault gave for it."""
    return wire.own_word or bool(use.nothing) or use.client in fault.tells_gone


def _is_less(value: object, right: object) -> bool:
    """Whether a thing is missing that a right answer has, or all things of a list, also of one inside a thing."""
    if isinstance(right, BaseModel) and isinstance(value, BaseModel):
        lists = (name for name, held in right if isinstance(held, list | dict))
        return any(_is_less(getattr(value, name), getattr(right, name)) for name in lists)
    if isinstance(right, list | dict):
        return bool(right) and not value
    return value is None and right is not None


def _repeated(accepted: list[tuple[str, str, bytes]]) -> bool:
    return any(count > 1 for count in Counter(accepted).values())


def _detail(value: object, error: BaseException | None, wire: Wire) -> str:
    said = f"{type(error).__name__}: {error}" if error else repr(value)
    return f"{said[:200]} ({wire.requests} requests, {wire.world.elapsed:.0f} s)"


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "value"
    return "told" if isinstance(error, ApiError) else "other"


def page(cells: Sequence[Cell]) -> str:
    """The whole page, of a whole matrix."""
    by_call: dict[Use, list[Cell]] = {}
    for cell in cells:
        by_call.setdefault(cell.use, []).append(cell)
    total = Counter(name for cell in cells for name in cell.wrong)
    figures = ", ".join(f"{total[name]} x {name}" for name in WRONG)
    text = _HEAD.format(calls=len(by_call), faults=len(FAULTS), cells=f"{len(cells):,}", figures=figures)
    text += f"\n| call | value | told | {' | '.join(WRONG)} |\n|{' --- |' * (3 + len(WRONG))}\n"
    text += "".join(_row(use, row) for use, row in by_call.items())
    return text + _notes(by_call)


def _notes(chosen: Iterable[Use]) -> str:
    said = "".join(f"- {use.client} `{use.method}`: {use.nothing}.\n" for use in chosen if use.nothing)
    faults = "".join(f"- {fault.name}\n" for fault in FAULTS)
    return f"{_NOTHING}\n{said}{_FAULTS}\n{faults}"


def _row(use: Use, row: list[Cell]) -> str:
    outcomes = Counter(cell.outcome for cell in row)
    wrong = Counter(name for cell in row for name in cell.wrong)
    figures = (outcomes["value"], outcomes["told"], *(wrong[name] for name in WRONG))
    return f"| {use.client} `{use.method}` | {' | '.join(str(figure) for figure in figures)} |\n"


_HEAD = """# Reliability

Every call of the API clients, {calls} of them, under each of {faults} faults: {cells} cells. {figures}.

- **value**: the call gave what it gives without the fault, after as many tries as it took.
- **told**: it ended in one error of the client, one line without a traceback, that says what is known of the effect.
- **hang**: more than an hour of waiting, or 400 requests.
- **effect twice**: the service accepted the same request twice, where that does something twice.
- **bearer elsewhere**: a token went to a host that is not the service's, or without TLS.
- **gone unsaid**: a thing was taken for absent without the service's word.

Each cell has an emulated tenant of its own, in process and in time that passes only by waiting. Faults happen to the
requests that change something where the call has such, else to all of them; *once* means the first of them, *done* that
the service did what was asked before. Answers may have 1 MB here and lists 50 pages, which are 128 MB and 10,000
elsewhere. Answers that trickle need a clock that runs: `tests/wire/test_lying_server.py` has them.

Made by `python -m benchmarks.fault_matrix`, which takes some minutes and ends with 1 when a cell is wrong. `make check`
does not run it; a test holds that every call and every fault stands here.
"""
_NOTHING = """
## Where an answer without the thing is the service's word
"""
_FAULTS = """
## Faults
"""


@contextmanager
def lowered_bounds() -> Iterator[None]:
    """Bounds that all cells can reach, and a token that is configured."""
    configured = mock.patch.dict(os.environ, {"DUALWRITE_TOKEN": "of no use: the world signs in by itself"})
    answer = mock.patch.object(http, "LARGEST_ANSWER_BYTES", LARGEST_ANSWER)
    with configured, answer, mock.patch.object(client, "MOST_PAGES", MOST_PAGES):
        yield


def _chosen(words: list[str]) -> list[Use]:
    """The calls with all of these in their name; all calls without any."""
    return [use for use in uses() if all(each in f"{use.client} {use.method}" for each in words)]


def main(arguments: list[str]) -> int:
    """Write the page, or show the cells of the calls with this in their name; the exit code."""
    chosen = _chosen(arguments)
    with lowered_bounds():
        cells = list(Matrix().cells(chosen))
    wrong = [cell for cell in cells if cell.wrong]
    for cell in cells if arguments else wrong:
        sys.stderr.write(f"{cell}\n")
    if not arguments:
        (ROOT / PAGE).write_text(page(cells), encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
