"""What the page answers over HTTP: screens, what changed since, buttons, and what it refuses."""

import re

import pytest

from emulator.dual_write import connections, maps
from emulator.dual_write.states import Action
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.dual_write.administrator import DATAVERSE_HOST, ENVIRONMENT, FINANCE_HOST, Administrator
from tests.unit.emulator.page.conftest import Page, digests

PAIR = f"/pairs/{ENVIRONMENT['id']}"
CURRENCIES = "transactioncurrencies - Currencies"
OF_CURRENCIES = f"{PAIR}?map=transactioncurrencies%20-%20Currencies"
EVIL = "<img src=x onerror=alert(1)>\"'"


def test_empty_tenant_says_so(page: Page) -> None:
    answer = page.get()
    assert answer.status_code == 200
    assert 'Pairs <span class="number">0</span>' in answer.text
    assert "The program has asked nothing of this kind." in answer.text


def test_pairs_stand_as_cards_and_other_environments_below(page: Page, existing: Tenant) -> None:
    text = page.get().text
    for shown in ("Lamna Sales", "lamna-erp.sandbox.operations.eu.dynamics.com", "DAT, LAMN", "Tailspin Sales"):
        assert shown in text
    below = text[text.index('id="others"') :]
    assert "Fabrikam Sales" in below
    assert "northwind-erp" in below
    assert "to be linked with northwind-ce" in below
    assert "Lamna Sales" not in below


def test_opened_pair_shows_maps_steps_and_packages(page: Page, pair: Administrator) -> None:
    text = page.get(PAIR).text
    assert DATAVERSE_HOST in text
    assert FINANCE_HOST in text
    assert " - Currencies: not running</title>" in text
    assert "Dual-write Application Core Maps" in text
    assert "DualWriteCoreAnchor" in text
    assert "application-core" in text


def test_pair_that_is_not_there_is_a_404_with_a_way_back(page: Page, tenant: Tenant) -> None:
    answer = page.get("/pairs/0")
    assert answer.status_code == 404
    assert 'href="/"' in answer.text


def test_filters_choose_among_the_maps(page: Page, pair: Administrator) -> None:
    text = page.get(f"{PAIR}?text=currenc").text
    assert " - Currencies: not running</title>" in text
    assert "Legal entities" not in text
    assert "No map is called so" in page.get(f"{PAIR}?state=failed").text


def test_nothing_happened_is_an_empty_answer(page: Page, pair: Administrator) -> None:
    before = page.get(PAIR)
    after = page.follow(PAIR, before)
    assert (after.status_code, after.text) == (204, "")


def test_only_what_changed_is_sent_again(page: Page, pair: Administrator) -> None:
    before = page.get(PAIR)
    pair.ask(Action.INIT, CURRENCIES)
    after = page.follow(PAIR, before)
    sent = {name for name, digest in digests(after.text).items() if digests(before.text).get(name) != digest}
    assert sent == {"pair", "underway", "maps", "area-application-core"}
    assert after.text.count(" data-same></section>") == len(digests(after.text)) - len(sent)
    assert "<html" not in after.text


def test_time_that_passes_changes_no_region(page: Page, pair: Administrator) -> None:
    pair.ask(Action.INIT, CURRENCIES)
    before = page.get(PAIR)
    pair.tenant.events.advance(1)
    assert digests(page.get(PAIR).text) == digests(before.text)


def test_new_page_forgets_what_an_older_emulator_said(page: Page, pair: Administrator) -> None:
    after = page.get(PAIR, Page_Version="none", Page_Have="pair:0123456789ab")
    assert after.status_code == 200
    assert "data-same" not in after.text


def test_names_of_the_tenant_are_escaped_everywhere(page: Page, tenant: Tenant, call: CallTenant) -> None:
    tenant.seeds.play({"environments": [{**ENVIRONMENT, "name": EVIL}, {"name": EVIL, "domain": "other"}]})
    call("GET", f"https://{DATAVERSE_HOST}/api/data/v9.2/accounts?x=<b>")
    page.press(PAIR, "Rename", name=EVIL)
    tenant.person.act({"action": "rename-root-team", "environment": DATAVERSE_HOST, "name": EVIL})
    for path in ("/", PAIR, f"/?service={EVIL}", f"{PAIR}?text={EVIL}&map={EVIL}"):
        text = page.get(path).text
        assert "onerror" in text or path != "/"
        assert "<img" not in text
        assert 'onerror=alert(1)>"' not in text
        assert "<b>" not in re.sub(r"<b>(GET|POST)</b>", "", text)


def test_nothing_inline_and_nothing_from_outside(page: Page, pair: Administrator) -> None:
    policy = page.get().headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    for path in ("/", PAIR, OF_CURRENCIES):
        text = page.get(path).text
        assert not re.search(r"<style|style=|<script(?! src=\"/page/)| on[a-z]+=|javascript:", text)
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text)


@pytest.mark.parametrize("name", ["page.css", "page.js", "icon.svg"])
def test_files_of_the_page_are_its_own(page: Page, name: str) -> None:
    answer = page.get(f"/page/{name}")
    assert answer.status_code == 200
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", answer.text)


@pytest.mark.parametrize("name", ["__init__.py", "..%2Fscreens.py", "other.css"])
def test_no_other_file_is_served(page: Page, name: str) -> None:
    assert page.get(f"/page/{name}").status_code == 404


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_button_of_another_site_is_refused(page: Page, pair: Administrator, headers: dict[str, str]) -> None:
    form = {"path": "reset", "members": "{}", "back": "/"}
    assert page.send("POST", "/do", data=form, headers=headers).status_code == 403
    assert connections.connections(pair.tenant)


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", "/_emulator/reset", ""])
def test_button_leads_back_to_the_page_only(page: Page, tenant: Tenant, back: str) -> None:
    form = {"path": "clock", "members": '{"advance": 1}', "back": back}
    assert page.send("POST", "/do", data=form).headers["location"] == "/"


@pytest.mark.parametrize("members", ["[1]", "{", '{"advance": "soon"}'])
def test_button_with_a_broken_request_says_so_on_the_page(page: Page, tenant: Tenant, members: str) -> None:
    assert page.send("POST", "/do", data={"path": "clock", "members": members, "title": "Move"}).status_code == 303
    assert "refused, " in page.get().text


def test_map_started_by_its_button_runs_and_undo_stops_it(page: Page, pair: Administrator) -> None:
    after = page.press(OF_CURRENCIES, "Start")
    assert " - Currencies: running</title>" in after.text
    assert " - Currencies: not running</title>" in page.press(PAIR, "Undo").text


def test_refused_action_is_named_and_changes_nothing(page: Page, pair: Administrator) -> None:
    pair.ask(Action.INIT, CURRENCIES)
    after = page.press(OF_CURRENCIES, "Start")
    assert "is busy" in after.text
    assert "Nothing was changed." in after.text


def test_fault_is_armed_shown_and_disarmed(page: Page, pair: Administrator) -> None:
    assert "answer 500: dualwrite POST */Start (0 of 1 done)" in page.press("/", "Fail the next start").text
    page.press("/", "Disarm")
    assert pair.tenant.faults.items() == []


def test_clock_moves_by_the_chosen_span(page: Page, tenant: Tenant) -> None:
    before = tenant.clock.now()
    form = {"title": "Move the clock", "path": "clock", "members": "{}", "field.advance": "86400", "number": "advance"}
    page.send("POST", "/do", data=form)
    assert (tenant.clock.now() - before).total_seconds() == 86400


def test_reset_asks_before_it_forgets(page: Page, pair: Administrator) -> None:
    text = page.get().text
    assert '<details class="grave"><summary>Back to the first day…</summary>' in text
    page.press("/", "Back to the first day")
    assert connections.connections(pair.tenant) == []


def test_failing_map_shows_its_error_with_its_code(page: Page, pair: Administrator) -> None:
    pair.ask(Action.INIT, CURRENCIES)
    pair.wait(60)
    page.press(OF_CURRENCIES, "Break")
    pair.ask(Action.START, CURRENCIES)
    pair.wait(60)
    text = page.get(OF_CURRENCIES).text
    assert "<code>DIPV1014</code>" in text
    assert " - Currencies: failed</title>" in text
    assert maps.find(pair.tenant, pair.cid, CURRENCIES) is not None
