"""The page for people, served beside the control plane: two screens, what changed since, and the buttons.

`GET /` shows all pairs, `GET /pairs/<environment id>` one of them. With the header `Page-Version` of an answer before,
the same address answers 204 while nothing happened, else only what is new: regions of which `Page-Have` names the
digest come empty. `POST /do` does what a button says and leads back. Nothing is loaded from elsewhere.
"""

import json
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from emulator.page.journal_view import RequestFilter
from emulator.page.offers import CLOCK, FAULTS, PERSON, RESET, Field, Offer, value_of
from emulator.page.performed import PerformedActions, undo_of
from emulator.page.row_flow import RowFlow
from emulator.page.screens import PairQuery, Screen, Watchers, chosen_conditions, pair_screen, pairs_screen, version_of
from emulator.page.table_maps import Choice
from emulator.server.interventions import REFUSALS, Interventions, RefusedError, reason_of
from emulator.tenant import Tenant

ASSETS = Path(__file__).parent.parent / "page" / "assets"
FILES = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# The next look comes no sooner than so many times what this one took: an open page costs the tenant 3 % of its time.
_REST = 30
_SHORTEST_REST = 0.4


class Page:
    """The screens of one tenant."""

    def __init__(self, tenant: Tenant, interventions: Interventions) -> None:
        """Begin to follow what the page shows of the past."""
        self._tenant = tenant
        self._interventions = interventions
        self._watchers = Watchers(RowFlow(tenant), PerformedActions(tenant))

    @cached_property
    def _render(self) -> Callable[..., str]:
        """`Renderer.render`; its template engine costs a tenth of a second, for which nobody waits but who looks."""
        from emulator.page.rendering import Renderer

        return Renderer(self._tenant.clock).render

    def routes(self) -> list[Route]:
        """Return the routes of the page."""
        return [
            Route("/", self.pairs, methods=["GET"]),
            Route("/pairs/{key}", self.pair, methods=["GET"]),
            Route("/do", self.do, methods=["POST"]),
            Route("/page/{name}", self.file, methods=["GET"]),
        ]

    async def pairs(self, request: Request) -> Response:
        """Answer GET with all pairs; `service`, `identity` and `status` choose among the requests."""
        query = request.query_params
        wanted = RequestFilter(query.get("service", ""), query.get("identity", ""), query.get("status", ""))
        return self._answer(request, lambda: pairs_screen(self._tenant, self._watchers, wanted))

    async def pair(self, request: Request) -> Response:
        """Answer GET with one pair; `text` and `state` choose among its maps, `map` opens one of them."""
        query = request.query_params
        choice = Choice(query.get("text", "").strip(), chosen_conditions(query.getlist("state")))
        wanted = PairQuery(request.path_params["key"], choice, query.get("map", ""))
        return self._answer(request, lambda: pair_screen(self._tenant, self._watchers, wanted))

    async def file(self, request: Request) -> Response:
        """Answer GET with the style sheet, the script or the icon."""
        name = request.path_params["name"]
        if name not in FILES:
            return Response(status_code=404, headers=HEADERS)
        return FileResponse(ASSETS / name, media_type=FILES[name], headers=HEADERS | {"Cache-Control": "no-cache"})

    async def do(self, request: Request) -> Response:
        """Answer POST of a button: do it, remember what came of it, and lead back to where the button is."""
        form = parse_qs((await request.body()).decode(), keep_blank_values=True)
        performed = self._watchers.performed
        try:
            offer = _read(form)
            undo = undo_of(self._tenant, offer)
            performed.note(offer, self._perform(offer), undo)
        except REFUSALS as error:
            performed.note_failure(_titled(form), reason_of(error))
        return RedirectResponse(_back(form), 303, HEADERS)

    def _perform(self, offer: Offer) -> Mapping[str, object]:
        todo = self._interventions
        if offer.path == FAULTS and offer.method == "DELETE":
            todo.disarm(int(offer.query.removeprefix("?id=")))
            return {}
        if offer.path == RESET:
            return todo.reset()
        operation = {PERSON: todo.act, FAULTS: todo.arm, CLOCK: todo.advance}.get(offer.path)
        if operation is None:
            raise RefusedError(f"the page has no button for '{offer.path}'")
        return operation(offer.members)

    def _answer(self, request: Request, show: Callable[[], Screen]) -> Response:
        version = version_of(self._tenant, self._watchers)
        headers = HEADERS | {
            "Page-Version": version,
            "Tenant-Time": self._tenant.clock.running().isoformat(timespec="milliseconds"),
            "Page-Rest": str(_SHORTEST_REST),
        }
        had = request.headers.get("Page-Version")
        if had == version:
            return Response(status_code=204, headers=headers)
        began = time.thread_time()
        screen = show()
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        base = f"{request.url.scheme}://{request.url.netloc}"
        known = None if had is None else _known(request.headers.get("Page-Have", ""))
        content = self._render(screen, base=base, here=here, known=known)
        headers["Page-Rest"] = f"{max(_SHORTEST_REST, _REST * (time.thread_time() - began)):.2f}"
        return HTMLResponse(content, screen.status, headers)


def _known(text: str) -> dict[str, str]:
    """Read `name:digest,...`."""
    pairs = (each.rpartition(":") for each in text.split(",") if ":" in each)
    return {name: digest for name, _, digest in pairs}


def _read(form: Mapping[str, list[str]]) -> Offer:
    """Return the offer whose button was pressed, the values of its fields among the members."""
    members = json.loads(_one(form, "members") or "{}")
    if not isinstance(members, dict):
        raise RefusedError("'members' is no JSON object")
    numbers = set(form.get("number", ()))
    for key, values in form.items():
        if key.startswith("field."):
            asked = Field(key.removeprefix("field."), "", number=key.removeprefix("field.") in numbers)
            members[asked.name] = value_of(asked, values[0])
    return Offer(
        _one(form, "title"),
        _one(form, "path"),
        members,
        _one(form, "undo"),
        method=_one(form, "method") or "POST",
        query=_one(form, "query"),
    )


def _titled(form: Mapping[str, list[str]]) -> Offer:
    return Offer(_one(form, "title"), "", {}, "")


def _one(form: Mapping[str, list[str]], name: str) -> str:
    return form.get(name, [""])[0]


def _back(form: Mapping[str, list[str]]) -> str:
    """Return where the button was: an address of this page, whatever the form says."""
    wanted = _one(form, "back")
    return wanted if wanted == "/" or wanted.startswith(("/?", "/pairs/")) else "/"
