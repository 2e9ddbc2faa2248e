"""The views of the page: conditions, waves, drawings, pairs, operations, requests and rows."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from emulator.data.maps import MAPS
from emulator.dual_write import sync
from emulator.dual_write.maps import TableMap
from emulator.dual_write.person import BROKEN
from emulator.dual_write.states import Action, MapState, RequestState
from emulator.identity import directory
from emulator.page.conditions import Condition, condition_of, problem, words_of
from emulator.page.journal_view import RequestFilter, requests_view
from emulator.page.map_graph import COLUMN, drawing
from emulator.page.operations import underway
from emulator.page.pair_sides import Stage
from emulator.page.pairs import find_pair, overview
from emulator.page.rendering import day_and_time, pace, passed
from emulator.page.row_flow import RowFlow
from emulator.page.table_maps import Choice, MapView, map_views, waves_of
from emulator.tables import SyncError
from emulator.tenant import Tenant
from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.dual_write.administrator import DATAVERSE_HOST, ENVIRONMENT, Administrator
from tests.unit.emulator.dual_write.linked_pair import CUSTOMER_GROUPS, new_pair, refuse_group

CURRENCIES = "transactioncurrencies - Currencies"
EXCHANGE = "msdyn_currencyexchangeratepairs - Exchange rate currency pair"


def table_map(state: MapState, *requests: tuple[Action, RequestState]) -> TableMap:
    entries = [
        {"requestId": str(number), "action": str(action), "state": str(outcome), "errorMessage": "DIPV1003 no key"}
        for number, (action, outcome) in enumerate(requests)
    ]
    return TableMap("cid", CURRENCIES, CURRENCIES, templates=[], active="", state=state, requests=entries)


@pytest.mark.parametrize(
    ("found", "condition", "words"),
    [
        (table_map(MapState.STOPPED), Condition.STOPPED, "not running"),
        (table_map(MapState.RUNNING), Condition.RUNNING, "running"),
        (table_map(MapState.PAUSED), Condition.PAUSED, "paused"),
        (table_map(MapState.CATCH_UP), Condition.CHANGING, "catching up"),
        (table_map(MapState.INITIAL_SYNC, (Action.START, RequestState.WAITING)), Condition.SYNCING, "initial sync"),
        (table_map(MapState.STOPPED, (Action.START, RequestState.WAITING)), Condition.CHANGING, "starting"),
        (table_map(MapState.RUNNING, (Action.PAUSE, RequestState.WAITING)), Condition.CHANGING, "pausing"),
        (table_map(MapState.STOPPED, (Action.START, RequestState.FAILED)), Condition.FAILED, "failed"),
        (table_map(MapState.RUNNING, (Action.PAUSE, RequestState.FAILED)), Condition.RUNNING, "running"),
    ],
)
def test_condition_of_a_map(found: TableMap, condition: Condition, words: str) -> None:
    assert (condition_of(found), words_of(found)) == (condition, words)


@pytest.mark.parametrize(
    ("text", "code", "rest"),
    [
        (BROKEN, "DIPV1014", BROKEN.replace(" DIPV1014", "")),
        ("Unable to write (Error 0x80072560) now", "0x80072560", "Unable to write (Error 0x80072560) now"),
        ("returned an error: (403) Forbidden.)", "403", "returned an error: Forbidden.)"),
        ("Something else went wrong with 4040 rows", "", "Something else went wrong with 4040 rows"),
    ],
)
def test_code_of_an_error_text_stands_apart(text: str, code: str, rest: str) -> None:
    found = problem(text)
    assert (found.code, found.text) == (code, rest)


def view(name: str, wave: int, *needs: str) -> MapView:
    return MapView(name, name, "finance", wave, Condition.RUNNING, "running", "1.0.0.0", needs, 0, 0, None, None, None)


def test_wave_is_one_more_than_the_longest_chain_below() -> None:
    everything = [TableMap("cid", one.name, one.name, templates=[], active="") for one in MAPS]
    waves = waves_of(everything)
    for one in MAPS:
        assert waves[one.name] == 1 + max((waves[each] for each in one.depends_on), default=0)
    assert max(waves.values()) > 5


def test_wave_counts_only_maps_of_the_link() -> None:
    alone = [TableMap("cid", EXCHANGE, EXCHANGE, templates=[], active="")]
    assert waves_of(alone) == {EXCHANGE: 1}


def test_drawing_has_a_column_a_wave_and_a_line_a_prerequisite() -> None:
    drawn = drawing(
        [view("a", 1), view("b", 2, "a", "elsewhere"), view("c", 4, "a", "b"), view("loose", 3, "elsewhere")]
    )
    places = {node.view.id: (node.x, node.y) for node in drawn.nodes}
    assert [x for x, _ in drawn.heads] == [0, COLUMN, 2 * COLUMN]
    assert [title for _, title in drawn.heads] == ["wave 1", "wave 2", "wave 4"]
    assert {(line.needed, line.by) for line in drawn.lines} == {("a", "b"), ("a", "c"), ("b", "c")}
    assert places["a"][0] < places["b"][0] < places["c"][0]
    assert places["loose"][1] > places["c"][1]


def test_no_two_maps_stand_on_one_another(pair: Administrator) -> None:
    found = map_views(pair.tenant, pair.cid, pair.tenant.events.queued())
    places = [(node.x, node.y) for node in drawing(found).nodes]
    assert len(places) == len(set(places)) == len(found)


def test_long_label_is_shortened() -> None:
    drawn = drawing([replace(view("a", 1), label="A name that is far too long for its box")])
    assert drawn.nodes[0].short.endswith("…")
    assert drawn.nodes[0].view.label == "A name that is far too long for its box"


def test_start_shows_its_progress_and_the_operation(pair: Administrator) -> None:
    tenant = pair.tenant
    pair.ask(Action.INIT, CURRENCIES)
    queued = tenant.events.queued()
    [found] = [one for one in map_views(tenant, pair.cid, queued) if one.id == CURRENCIES]
    assert found.span is not None
    assert passed(found.span.begun, found.span.due, tenant.clock.now()) == 0
    [running] = underway(tenant, queued)
    assert (running.title, running.environment) == (f"Set up map {CURRENCIES}", "Contoso UAT")
    pair.wait(60)
    assert underway(tenant, tenant.events.queued()) == ()


def test_several_maps_of_one_request_are_one_operation(pair: Administrator) -> None:
    pair.ask(Action.INIT, CURRENCIES, EXCHANGE)
    pair.wait(5.5)
    [running] = underway(pair.tenant, pair.tenant.events.queued())
    assert (running.title, running.done, running.total) == ("Set up 2 maps", 1, 2)


def test_solution_that_is_applied_is_under_way(pair: Administrator) -> None:
    body = {"action": "2", "solutions": [{"criteria": {"uniquename": "msdyn_Dynamics365FinanceExtendedMaps"}}]}
    pair.post(f"SolutionAware/{pair.cid}/RestoreTemplates", body)
    [running] = underway(pair.tenant, pair.tenant.events.queued())
    assert running.title == "Apply Dynamics 365 Finance Extended Maps"


def test_environment_under_creation_is_under_way(tenant: Tenant, call: CallTenant) -> None:
    url = "https://api.bap.microsoft.com/providers/Microsoft.BusinessAppPlatform/environments?api-version=2021-04-01"
    properties = {
        "displayName": "New one",
        "environmentSku": "Sandbox",
        "databaseType": "CommonDataService",
        "linkedEnvironmentMetadata": {"baseLanguage": 1033, "currency": {"code": "EUR"}, "domainName": "new-one"},
    }
    body = {"location": "europe", "properties": properties}
    assert call("POST", url, json=body).status == 202
    [running] = underway(tenant, tenant.events.queued())
    assert running.environment == "New one"
    assert [one.text for one in overview(tenant).others] == ["being created"]


def test_pair_that_comes_up_goes_through_its_steps(pair: Administrator) -> None:
    found = find_pair(pair.tenant, ENVIRONMENT["id"])
    assert found is not None
    assert {step.title: step.stage for step in found.steps} == {
        "Dataverse": Stage.DONE,
        "Packages": Stage.DONE,
        "F&O": Stage.DONE,
        "Link": Stage.DONE,
        "Maps": Stage.DONE,
        "Live sync": Stage.WAITING,
    }
    assert (found.mark, found.live) == (Condition.STOPPED, False)
    pair.tenant.person.act({"action": "start-map", "environment": DATAVERSE_HOST, "map": CURRENCIES})
    found = find_pair(pair.tenant, ENVIRONMENT["id"])
    assert found is not None
    assert (found.mark, found.live) == (Condition.RUNNING, True)
    pair.tenant.person.act({"action": "pause-map", "environment": DATAVERSE_HOST, "map": CURRENCIES})
    found = find_pair(pair.tenant, ENVIRONMENT["id"])
    assert found is not None
    assert (found.mark, found.summary) == (Condition.PAUSED, "Live sync: 0 of 12 maps running, 1 paused")


def test_environment_with_the_core_package_is_a_pair_without_its_second_half(tenant: Tenant) -> None:
    environment = {"name": "Half", "domain": "half", "packages": ["DualWriteCoreAnchor"]}
    tenant.seeds.play({"environments": [environment, {"name": "Plain", "domain": "plain"}]})
    found = overview(tenant)
    assert [(one.name, one.finance.state) for one in found.pairs] == [("Half", "not there")]
    assert [one.name for one in found.others] == ["Plain"]


def test_choice_takes_names_areas_and_conditions() -> None:
    one = view("accounts - Customers V3", 1)
    assert Choice("CUSTOMERS").takes(one)
    assert Choice("finance").takes(one)
    assert not Choice("vendors").takes(one)
    assert not Choice(conditions=frozenset({Condition.PAUSED})).takes(one)
    assert not Choice().narrows


def test_requests_of_the_program_and_of_strangers_stand_apart(tenant: Tenant, call: CallTenant) -> None:
    url = "https://api.bap.microsoft.com/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments"
    call("GET", f"{url}?api-version=2021-04-01")
    call("GET", f"{url}?api-version=2021-04-01", app=directory.UNREGISTERED_CLIENT_ID)
    found = requests_view(tenant, RequestFilter())
    assert [row.who for row in found.program] == ["Dual-write as code"]
    assert [row.who for row in found.strangers] == ["Unregistered"]
    assert {name for _, name in found.callers} == {"Dual-write as code", "Unregistered"}


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        (RequestFilter(), 2),
        (RequestFilter(service="bap"), 1),
        (RequestFilter(service="finops"), 0),
        (RequestFilter(status="refused"), 1),
        (RequestFilter(identity=directory.DEMO_CLIENT_ID), 2),
        (RequestFilter(identity="nobody"), 0),
    ],
)
def test_requests_are_chosen_by_service_status_and_caller(
    pair: Administrator, call: CallTenant, wanted: RequestFilter, number: int
) -> None:
    pair.tenant.journal._store.execute("DELETE FROM journal")
    call(
        "GET", "https://api.bap.microsoft.com/providers/Microsoft.BusinessAppPlatform/locations?api-version=2021-04-01"
    )
    call("GET", f"https://{DATAVERSE_HOST}/api/data/v9.2/no_such_set")
    assert len(requests_view(pair.tenant, wanted).program) == number


def test_rows_are_counted_by_map_and_direction(tenant: Tenant) -> None:
    flow, link = RowFlow(tenant), new_pair(tenant)
    link.run(CUSTOMER_GROUPS)
    link.finops("CustomerGroups", CustomerGroupId="10", dataAreaId="dat", Description="First")
    link.update("finops", "CustomerGroups", "dat|10", Description="Changed")
    found = flow.of_link(link.connection.cid)
    [counts] = found.counts
    assert (counts.map_id, counts.to_dataverse, counts.to_finance, counts.refused) == (CUSTOMER_GROUPS, 2, 0, 0)
    changed, new = found.last
    assert (new.row, new.what, new.source) == ("10", "new row", "finops")
    assert changed.what == "Description = Changed"
    assert changed.milliseconds > 0


def test_refused_row_is_shown_with_its_text(tenant: Tenant) -> None:
    flow, link = RowFlow(tenant), new_pair(tenant)
    link.run(CUSTOMER_GROUPS)
    refuse_group(link, "66")
    with pytest.raises(SyncError):
        link.finops("CustomerGroups", CustomerGroupId="66", dataAreaId="dat", Description="No")
    [refused] = flow.of_link(link.connection.cid).refused
    assert refused.problem is not None
    assert "refused by a plug-in" in refused.problem.text
    assert flow.of_link(link.connection.cid).last == ()


def test_queue_that_is_played_back_shows_as_such(tenant: Tenant) -> None:
    flow, link = RowFlow(tenant), new_pair(tenant)
    paused = link.run(CUSTOMER_GROUPS, MapState.PAUSED)
    link.finops("CustomerGroups", CustomerGroupId="10", dataAreaId="dat", Description="First")
    [waiting] = [one for one in map_views(tenant, link.connection.cid, ()) if one.id == CUSTOMER_GROUPS]
    assert (waiting.waiting, waiting.unwritten, waiting.paused_on) == (1, 0, "2026-03-02T08:00:00+00:00")
    assert flow.of_link(link.connection.cid).last == ()
    sync.enter(tenant, link.connection, [paused], MapState.RUNNING)
    [row] = flow.of_link(link.connection.cid).last
    assert row.queued


def test_reset_forgets_the_rows(tenant: Tenant) -> None:
    flow, link = RowFlow(tenant), new_pair(tenant)
    link.run(CUSTOMER_GROUPS)
    link.finops("CustomerGroups", CustomerGroupId="10", dataAreaId="dat", Description="First")
    tenant.reset()
    assert flow.of_link(link.connection.cid).counts == ()


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("scaled:3600", "1 h a second"),
        ("scaled:60", "60 s a second"),
        ("real", "as time goes"),
        ("stepped", "moved by hand"),
    ],
)
def test_pace_of_the_clock_in_words(mode: str, text: str) -> None:
    assert pace(mode) == text


def test_moments_and_parts_of_spans() -> None:
    now = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    begun, due = "2026-03-02T08:00:00Z", "2026-03-02T09:00:00+00:00"
    assert passed(begun, due, now) == 0.5
    assert passed(begun, begun, now) == 1
    assert passed(due, due, now) == 1
    assert day_and_time(begun) == "2 Mar 08:00"
