"""The tenant's page in a real browser: it follows an `up` by itself, and its button is what a refresh names."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.engine.harness import Project, Tenant
from tools import axe
from tools.chromium import Browser, find_browser

MAP = "msdyn_vendorgroups - Vendor groups"
NODE = f"""document.querySelector('a.node[data-map="{MAP}"]')"""
PAIR = "[...document.querySelectorAll('a')].find(each => each.textContent.trim() === 'contoso-uat')"
RUNNING = "document.querySelectorAll('a.node.is-running').length"


@pytest.fixture
def browser(tenant: Tenant, tmp_path: Path) -> Iterator[Browser]:
    """A browser that shows the tenant's page."""
    command = find_browser()
    if command is None:
        pytest.skip("no Chromium on this machine (Debian: package chromium)")
    with Browser(command, tmp_path / "profile") as browser:
        browser.look_like(width=1300)
        browser.open(tenant.emulator.url)
        yield browser


def test_page_follows_an_up_and_pauses_a_map_that_refresh_names(
    browser: Browser, new_project: Callable[[], Project]
) -> None:
    project = new_project()
    project.use("new-new")
    with ThreadPoolExecutor() as beside:
        up = beside.submit(project.up)
        browser.wait_for(f"!!{PAIR}")
        browser.run(f"{PAIR}.click()")
        browser.wait_for(f"!!{NODE}")
        browser.run("window.neverReloaded = true")
        up.result()
    assert browser.wait_for(f"{RUNNING} >= 50 && {RUNNING}") == len(project.outputs()["maps"])
    browser.run(f"{NODE}.dispatchEvent(new MouseEvent('click', {{bubbles: true, cancelable: true}}))")
    pause = "[...document.querySelectorAll('.detail button')].find(each => each.textContent.trim().startsWith('Pause'))"
    browser.wait_for(f"!!{pause}")
    browser.run(f"{pause}.click()")
    browser.wait_for(f"{NODE}.classList.contains('is-paused')")
    assert f"map '{MAP}' is paused, not running" in project.refresh().text
    project.up()
    browser.wait_for(f"{NODE}.classList.contains('is-running')")
    assert browser.run("window.neverReloaded")


# Width, and whether it is dark.
LOOKS = {"light": (1300, False), "dark": (1300, True), "narrow": (380, False)}
# What axe-core finds serious or worse: rule, and the first element that breaks it.
SERIOUS = """axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations
    .filter(each => ["serious", "critical"].includes(each.impact))
    .flatMap(each => each.nodes.map(node => `${each.id}: ${node.html} ${node.failureSummary}`)))"""


@pytest.mark.parametrize("look", list(LOOKS))
def test_axe_finds_no_serious_fault(look: str, browser: Browser, tenant: Tenant) -> None:
    if not axe.script().exists():
        pytest.skip(f"no axe-core {axe.VERSION} on this machine; a run of all tests fetches it")
    width, dark = LOOKS[look]
    browser.look_like(width=width, dark=dark)
    pair = browser.run("[...document.querySelectorAll('a[href^=\"/pairs/\"]')].at(-1).href")
    for address in (tenant.emulator.url, pair, f"{pair}?map={quote(MAP)}"):
        browser.open(address)
        browser.run(axe.script().read_text())
        assert browser.run(SERIOUS) == []
