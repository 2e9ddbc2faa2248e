"""The buttons: there is one for everything that a person does, it does what its curl line says, and what undoes it."""

import json
import shlex
from collections.abc import Iterator
from itertools import chain

import pytest

from emulator.dual_write import connections, maps
from emulator.dual_write.states import MapState
from emulator.page.map_offers import map_groups
from emulator.page.offers import Offer
from emulator.page.pairs import find_pair
from emulator.page.performed import undo_of
from emulator.page.tenant_offers import pair_groups, tenant_groups
from emulator.power_platform.records import find_environment
from emulator.tenant import Tenant
from tests.unit.emulator.dual_write.administrator import DATAVERSE_HOST, ENVIRONMENT, Administrator

CURRENCIES = "transactioncurrencies - Currencies"
BASE = "http://127.0.0.1:1"


def offers(pair: Administrator, *states: MapState) -> Iterator[Offer]:
    """All buttons of a pair whose map is in one state after the other, and those of the tenant."""
    found = find_pair(pair.tenant, ENVIRONMENT["id"])
    table_map = maps.find(pair.tenant, pair.cid, CURRENCIES)
    assert found is not None
    assert table_map is not None
    groups = [pair_groups(pair.tenant, found), tenant_groups()]
    for state in states or (table_map.state,):
        table_map.state = state
        groups.append(map_groups(DATAVERSE_HOST, table_map))
    for group in chain.from_iterable(groups):
        yield from group.offers


def offer(pair: Administrator, title: str, *states: MapState) -> Offer:
    return next(one for one in offers(pair, *states) if one.title == title)


def test_everything_that_a_person_does_has_a_button(pair: Administrator) -> None:
    table_map = maps.find(pair.tenant, pair.cid, CURRENCIES)
    assert table_map is not None
    table_map.broken = "broken"
    found = [one.members.get("action") for one in offers(pair, MapState.STOPPED, MapState.RUNNING, MapState.PAUSED)]
    mended = [one.members["action"] for group in map_groups(DATAVERSE_HOST, table_map) for one in group.offers]
    # A pair that is linked already has no button for it.
    assert set(pair.tenant.person.actions()) - {*found, *mended} == {"link"}


def test_pair_that_is_not_linked_has_the_button_that_links_it(existing: Tenant) -> None:
    found = find_pair(existing, "3b8c4d5e-6f70-4182-8c9d-1e2f3a4b5c63")
    assert found is not None
    titles = [one.title for group in pair_groups(existing, found) for one in group.offers]
    assert "Link" in titles
    assert "Add company" not in titles


def test_curl_line_is_the_request_of_the_button(pair: Administrator) -> None:
    for one in offers(pair):
        command, url, flag, body = shlex.split(one.curl(BASE))
        assert (command, url, flag) == ("curl", f"{BASE}/_emulator/{one.path}", "-d")
        sent = json.loads(body)
        assert {name: sent[name] for name in one.members} == dict(one.members)
        assert {each.name for each in one.fields} <= set(sent)


def test_quotes_in_a_name_do_not_end_the_curl_line(pair: Administrator) -> None:
    pair.tenant.person.act({"action": "rename-environment", "environment": ENVIRONMENT["id"], "name": "it's; rm -rf /"})
    assert shlex.split(offer(pair, "Rename").curl(BASE))[-1].endswith('"name": "it\'s; rm -rf /"}')


def test_each_button_says_how_it_is_undone_or_that_it_is_not(pair: Administrator) -> None:
    for one in offers(pair, MapState.STOPPED, MapState.RUNNING, MapState.PAUSED):
        assert one.undo.startswith(("Undo: ", "Cannot be undone"))


def acted(pair: Administrator, title: str) -> None:
    """Press the button as it stands, then its undo."""
    one = offer(pair, title)
    members = json.loads(one.document)
    undo = undo_of(pair.tenant, Offer(one.title, one.path, members, one.undo))
    pair.tenant.person.act(members)
    assert undo is not None
    pair.tenant.person.act(undo.members)


def state(pair: Administrator) -> tuple[object, ...]:
    table_map = maps.find(pair.tenant, pair.cid, CURRENCIES)
    connection, environment = (
        connections.require(pair.tenant, pair.cid),
        find_environment(pair.tenant, ENVIRONMENT["id"]),
    )
    assert table_map is not None
    assert environment is not None
    named = (environment.display_name, sorted(connection.company_codes()))
    return (*named, table_map.state, table_map.version, table_map.broken)


@pytest.mark.parametrize(
    "title", ["Rename", "Add company", "Remove company", "Break", "Switch version", "Pause", "Stop"]
)
def test_undo_takes_back_what_the_button_did(pair: Administrator, title: str) -> None:
    pair.tenant.person.act({"action": "start-map", "environment": DATAVERSE_HOST, "map": CURRENCIES})
    before = state(pair)
    acted(pair, title)
    assert state(pair) == before


def test_undo_of_a_start_stops_and_of_a_resume_pauses(pair: Administrator) -> None:
    named = {"environment": DATAVERSE_HOST, "map": CURRENCIES}
    start = Offer("Start", "person", {"action": "start-map", **named}, "")
    undo = undo_of(pair.tenant, start)
    assert undo is not None
    assert undo.members["action"] == "stop-map"
    for action in ("start-map", "pause-map"):
        pair.tenant.person.act({"action": action, **named})
    undo = undo_of(pair.tenant, start)
    assert undo is not None
    assert undo.members["action"] == "pause-map"


def test_nothing_undoes_a_deletion(pair: Administrator) -> None:
    assert undo_of(pair.tenant, offer(pair, "Delete")) is None
    assert offer(pair, "Delete").grave
