"""The page in-process: a linked pair with maps, and requests to the page."""

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from emulator.core.wire import Reply
from emulator.server.control import control_plane
from emulator.tenant import Tenant
from tests.unit.emulator.dual_write.administrator import ENVIRONMENT, Administrator


@dataclass
class Page:
    """Sends requests to the page as a browser does."""

    tenant: Tenant
    send: Callable[..., httpx.Response]

    def get(self, path: str = "/", **headers: str) -> httpx.Response:
        """GET; underscores of header names stand for hyphens."""
        return self.send("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def follow(self, path: str, before: httpx.Response) -> httpx.Response:
        """Ask again for a screen that was read, as the script does."""
        known = ",".join(f"{name}:{digest}" for name, digest in digests(before.text).items())
        return self.get(path, Page_Version=before.headers["Page-Version"], Page_Have=known)

    def press(self, path: str, title: str, **fields: str) -> httpx.Response:
        """Press the first button with this title on a screen, its fields filled in; the screen that follows."""
        form = next(form for form in forms(self.get(path).text) if form["title"] == title)
        form |= {f"field.{name}": value for name, value in fields.items()}
        answer = self.send("POST", "/do", data=form)
        assert answer.status_code == 303
        return self.get(answer.headers["location"])


def digests(html: str) -> dict[str, str]:
    """Digest by name of region."""
    return dict(re.findall(r'<section id="([^"]+)" class="[^"]+" data-digest="([^"]+)"', html))


def forms(html: str) -> Iterator[dict[str, str]]:
    """The forms of buttons, as a browser would send them untouched."""
    from html import unescape

    for text in re.findall(r'<form class="offer".*?</form>', html, re.DOTALL):
        inputs = re.findall(r'<input (?:type="hidden" )?name="([^"]+)" value="([^"]*)"', text)
        selects = re.findall(r'<select name="([^"]+)">.*?<option value="([^"]*)" selected', text, re.DOTALL)
        yield {name: unescape(value) for name, value in [*inputs, *selects]}


@pytest.fixture
def pair(tenant: Tenant, call: Callable[..., Reply]) -> Administrator:
    """A pair of a new F&O and a new CDS, linked by itself, with the core maps."""
    tenant.seeds.play({"environments": [ENVIRONMENT]})
    made = Administrator(tenant, call)
    made.apply()
    return made


@pytest.fixture
def page(tenant: Tenant) -> Page:
    """The page of the tenant."""
    app = control_plane(tenant, tenant.reset)

    def send(method: str, path: str, **options: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:1") as client:
                return await client.request(method, path, **options)

        return asyncio.run(once())

    return Page(tenant, send)
