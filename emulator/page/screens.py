"""The two screens, each a list of regions: all pairs, and one pair opened.

A region is what is sent again when it changed: its template, and the view that the template shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2s
from typing import Any

from emulator.page.conditions import TITLES, Condition, Count, tally
from emulator.page.installed import installed
from emulator.page.journal_view import SERVICES, STATUSES, RequestFilter, Requests, requests_view
from emulator.page.map_detail import MapDetail, map_detail
from emulator.page.map_graph import Drawing, drawing
from emulator.page.offers import Group, Offer
from emulator.page.operations import underway
from emulator.page.pairs import Pair, find_pair, overview
from emulator.page.performed import PerformedActions
from emulator.page.row_flow import Flow, RowFlow
from emulator.page.table_maps import Choice, MapView, areas_of, map_views
from emulator.page.tenant_offers import armed, other_offers, pair_groups, tenant_groups
from emulator.tenant import Tenant

NAME = "Dual-write emulator"


@dataclass(frozen=True)
class Region:
    """One part of a screen. `view`: frozen dataclasses, tuples and texts, which `template` shows."""

    name: str
    template: str
    view: Any
    kind: str = "plain"

    @property
    def digest(self) -> str:
        """Return a short text that is another one when the view is."""
        return blake2s(repr(self.view).encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class MapsHead:
    """What stands above the maps of a pair: how many there are, which are shown, and those that need attention."""

    key: str
    counts: tuple[Count, ...]
    total: int
    shown: int
    choice: Choice
    attention: tuple[MapView, ...]
    selected: str


@dataclass(frozen=True)
class AreaMaps:
    """The maps of one area as a drawing."""

    key: str
    area: str
    drawing: Drawing
    counts: tuple[Count, ...]
    choice: Choice
    selected: str


@dataclass(frozen=True)
class OpenMap:
    """One map in full, and the way back to the others."""

    key: str
    detail: MapDetail
    flow: Flow
    choice: Choice


@dataclass(frozen=True)
class Journal:
    """The last requests, and what one may choose among them."""

    found: Requests
    wanted: RequestFilter
    services: tuple[str, ...]
    statuses: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Controls:
    """Buttons in groups, and the armed faults, each in words with its button."""

    groups: tuple[Group, ...]
    armed: tuple[tuple[str, Offer], ...] = ()


@dataclass(frozen=True)
class Screen:
    """What one address shows."""

    title: str
    main: tuple[Region, ...]
    side: tuple[Region, ...] = ()
    side_title: str = ""
    status: int = 200


@dataclass(frozen=True)
class Watchers:
    """What the page itself keeps about the tenant."""

    flow: RowFlow
    performed: PerformedActions


@dataclass(frozen=True)
class PairQuery:
    """What a person asked to see of a pair: which maps, and which one in full."""

    key: str
    choice: Choice = field(default_factory=Choice)
    selected: str = ""


def pairs_screen(tenant: Tenant, watchers: Watchers, wanted: RequestFilter) -> Screen:
    """Return the screen of all pairs."""
    queued = tenant.events.queued()
    found = overview(tenant)
    others = tuple((one, other_offers(one)) for one in found.others)
    journal = Journal(requests_view(tenant, wanted), wanted, SERVICES, tuple(STATUSES.items()))
    main = (
        Region("welcome", "welcome.html", len(found.pairs)),
        Region("underway", "underway.html", underway(tenant, queued), "strip"),
        *(Region(f"pair-{pair.key}", "pair_card.html", pair, "card") for pair in found.pairs),
        Region("others", "others.html", others),
        Region("requests", "requests.html", journal),
    )
    controls = Controls(tenant_groups(), armed(tenant.faults.items()))
    side = (*_performed(watchers), Region("controls", "controls.html", controls))
    return Screen(NAME, main, side, "People and faults")


def pair_screen(tenant: Tenant, watchers: Watchers, query: PairQuery) -> Screen:
    """Return the screen of one pair."""
    pair = find_pair(tenant, query.key)
    if pair is None:
        return Screen(NAME, (Region("gone", "gone.html", ""),), status=404)
    queued = tenant.events.queued()
    views = map_views(tenant, pair.cid, queued) if pair.cid else ()
    running = tuple(one for one in underway(tenant, queued) if one.environment_id == pair.key)
    main = (
        Region("pair", "pair_head.html", pair, "card"),
        Region("underway", "underway.html", running, "strip"),
        *_rows_regions(watchers, pair),
        *_maps_regions(pair, views, query),
    )
    title = f"{pair.name}: {pair.summary} - {NAME}"
    return Screen(title, main, _side(tenant, watchers, pair, views, query), "Map, people and faults")


def _maps_regions(pair: Pair, views: Sequence[MapView], query: PairQuery) -> list[Region]:
    choice = query.choice
    shown = [view for view in views if choice.takes(view)]
    attention = tuple(view for view in shown if view.needs_attention)
    counts = tally(view.condition for view in views)
    head = MapsHead(pair.key, counts, len(views), len(shown), choice, attention, query.selected)
    regions = [Region("maps", "maps_head.html", head)]
    for area, members in areas_of(shown).items():
        counts = tally(view.condition for view in members)
        maps = AreaMaps(pair.key, area, drawing(members), counts, choice, query.selected)
        regions.append(Region(f"area-{area}", "area.html", maps, "area"))
    return regions


def _rows_regions(watchers: Watchers, pair: Pair) -> list[Region]:
    return [Region("rows", "rows.html", watchers.flow.of_link(pair.cid))] if pair.cid else []


def _performed(watchers: Watchers) -> list[Region]:
    done = watchers.performed.last()
    return [Region("performed", "performed.html", done)] if done else []


def _side(
    tenant: Tenant, watchers: Watchers, pair: Pair, views: Sequence[MapView], query: PairQuery
) -> tuple[Region, ...]:
    regions = _performed(watchers)
    detail = map_detail(tenant, pair.cid, query.selected, views) if pair.cid and query.selected else None
    if detail is not None and pair.cid:
        flow = watchers.flow.of_link(pair.cid, query.selected)
        regions.append(Region("map", "map_detail.html", OpenMap(pair.key, detail, flow, query.choice), "detail"))
    regions += [
        Region("installed", "packages.html", installed(tenant, pair.key, pair.cid)),
        Region("controls", "controls.html", Controls(pair_groups(tenant, pair))),
    ]
    return tuple(regions)


def chosen_conditions(names: Sequence[str]) -> frozenset[Condition]:
    """Return the conditions of these names; what is no condition is left out."""
    return frozenset(Condition(name) for name in names if name in TITLES)


def version_of(tenant: Tenant, watchers: Watchers) -> str:
    """Return a text that stays as long as nothing happened in the tenant; cheap to ask for."""
    faults = blake2s(repr(tenant.faults.items()).encode(), digest_size=4).hexdigest()
    return f"{tenant.store.changes()}-{watchers.flow.number}-{watchers.performed.number}-{faults}"
