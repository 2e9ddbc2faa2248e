"""The control plane under `/_emulator/`: what tests, tools and people do to the tenant from outside its services."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from emulator.server.coverage import document
from emulator.server.guard import only_own
from emulator.server.interventions import REFUSALS, Interventions, RefusedError, reason_of
from emulator.server.page import Page
from emulator.tenant import Tenant

Endpoint = Callable[[Request], Awaitable[Response]]


class Control:
    """The operations. Bodies and answers are JSON; a request that does not fit is 400 with `{"error": text}`."""

    def __init__(self, tenant: Tenant, interventions: Interventions) -> None:
        """Read from the tenant, change it through the interventions."""
        self._tenant = tenant
        self._interventions = interventions

    async def reset(self, request: Request) -> Response:
        """Answer POST: forget everything but the clock and the keys, then play the seed of the first day."""
        return _done(self._interventions.reset())

    async def seed(self, request: Request) -> Response:
        """Answer POST of a seed document: add it to what is there."""
        return _done(self._interventions.seed(await _members(request)))

    async def clock(self, request: Request) -> Response:
        """Answer GET with the time; POST {"advance": seconds}: put it forward and play what becomes due."""
        if request.method == "POST":
            return _done(self._interventions.advance(await _members(request)))
        return _done(self._interventions.time())

    async def faults(self, request: Request) -> Response:
        """Answer GET with the list; POST a fault (`core.faults.Fault`); DELETE all of them, or `?id=` one."""
        if request.method == "POST":
            return _done(self._interventions.arm(await _members(request)))
        if request.method == "DELETE":
            return _done(self._interventions.disarm(_number(request, "id")))
        return _done(self._tenant.faults.items())

    async def person(self, request: Request) -> Response:
        """Answer GET with the known actions; POST {"action": ...}: a person does it behind the program's back."""
        if request.method == "GET":
            return _done(self._tenant.person.actions())
        return _done(self._interventions.act(await _members(request)))

    async def requests(self, request: Request) -> Response:
        """Answer GET with the journal, oldest first: `since` (number), `service`, `method`, `last` (how many)."""
        query = request.query_params
        rows = self._tenant.journal.rows(
            _number(request, "since") or 0, query.get("service"), query.get("method"), _number(request, "last")
        )
        return _done(rows)

    async def writes(self, request: Request) -> Response:
        """Answer GET with how often rows were written: `since` (number), `host`, `set`, `origin` (client, ...)."""
        query = request.query_params
        found = self._tenant.write_log.counted(
            host=query.get("host"),
            entity_set=query.get("set"),
            origin=query.get("origin"),
            since=_number(request, "since") or 0,
        )
        return _done(found)

    def _set_switches(self, wanted: Mapping[str, Any]) -> None:
        switches = self._tenant.switches
        unknown = sorted(set(wanted) - set(switches))
        if unknown:
            raise RefusedError(f"unknown switch {', '.join(unknown)}")
        with self._tenant.store.transaction():
            for name, value in wanted.items():
                switches.check(name, value)
            for name, value in wanted.items():
                switches.set(name, value)

    async def switches(self, request: Request) -> Response:
        """Answer GET with all switches with value, default and evidence; POST {name: value}: set some, all or none."""
        switches = self._tenant.switches
        if request.method == "POST":
            wanted = await _members(request)
            self._set_switches(wanted)
        return _done({item.name: {**vars(item), "value": switches[item.name]} for item in switches.describe()})

    async def coverage(self, request: Request) -> Response:
        """Answer GET with what is modelled, with its evidence, as Markdown."""
        return PlainTextResponse(document(self._tenant), media_type="text/markdown")


def control_plane(tenant: Tenant, start_anew: Callable[[], None]) -> ASGIApp:
    """Return the application behind the plain HTTP side of the port."""
    interventions = Interventions(tenant, start_anew)
    control = Control(tenant, interventions)
    operations: dict[str, tuple[Endpoint, list[str]]] = {
        "/_emulator/reset": (control.reset, ["POST"]),
        "/_emulator/seed": (control.seed, ["POST"]),
        "/_emulator/clock": (control.clock, ["GET", "POST"]),
        "/_emulator/faults": (control.faults, ["GET", "POST", "DELETE"]),
        "/_emulator/person": (control.person, ["GET", "POST"]),
        "/_emulator/requests": (control.requests, ["GET"]),
        "/_emulator/writes": (control.writes, ["GET"]),
        "/_emulator/switches": (control.switches, ["GET", "POST"]),
        "/_emulator/coverage": (control.coverage, ["GET"]),
    }
    routes = [Route(path, endpoint, methods=methods) for path, (endpoint, methods) in operations.items()]
    app = Starlette(
        routes=[*routes, *Page(tenant, interventions).routes()],
        exception_handlers=dict.fromkeys(REFUSALS, _refused),
    )
    return only_own(app)


async def _refused(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": reason_of(error)}, 400)


def _done(value: Any) -> Response:
    return JSONResponse(value)


async def _members(request: Request) -> Mapping[str, Any]:
    body = await request.body()
    try:
        value = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        raise RefusedError("the body is no JSON") from None
    if not isinstance(value, dict):
        raise RefusedError("the body is no JSON object")
    return value


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise RefusedError(f"'{name}' is no number") from None
